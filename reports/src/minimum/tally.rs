//! Actual cost beside the least possible one, by purpose.

use std::collections::BTreeMap;

use ringside_models::judge::Purpose;

use super::cost::Cost;
use crate::histogram::Histogram;

/// What one purpose cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) actual: Cost,
    pub(crate) minimum: Cost,
}

/// What the queues of one role cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rows: BTreeMap<Purpose, Row>,
    /// Chains returned.
    pub(crate) chains: u64,
    /// Of those, the ones whose descriptors were not all seen: the minimum does not know them.
    pub(crate) unexplained: u64,
    /// Chains that the device learnt of at once.
    pub(crate) found: Histogram,
    /// Chains that it returned at once.
    pub(crate) returned: Histogram,
    /// Publications of the minimum.
    pub(crate) publications: u64,
}

impl Tally {
    /// The minimum costs this, too.
    pub(super) fn least(&mut self, purpose: Purpose, cost: Cost) {
        self.rows.entry(purpose).or_default().minimum.add(cost);
    }

    /// Everything that only tells the other side something is needed at most as often as it happened.
    pub(crate) fn cap(&mut self) {
        for (purpose, row) in &mut self.rows {
            if matches!(purpose, Purpose::DriverEvent | Purpose::DeviceEvent)
                && row.minimum.requests > row.actual.requests
            {
                row.minimum = row.actual;
            }
            if *purpose == Purpose::Kick {
                row.minimum = row.actual; // the driver's doing
            }
        }
        let interrupts = self.rows.entry(Purpose::Msix).or_default();
        let sent = interrupts.actual;
        let needed = sent.requests.min(self.publications);
        interrupts.minimum = Cost {
            requests: needed,
            up_bytes: (sent.up_bytes * needed).checked_div(sent.requests).unwrap_or(0),
            down_bytes: 0,
        };
        self.rows.retain(|_, r| *r != Row::default());
    }

    /// Is the minimum worth comparing with? One that does not know every chain would flatter or slander.
    pub(crate) fn counts(&self) -> bool {
        self.chains > 0 && self.unexplained == 0
    }

    pub(crate) fn total(&self) -> Row {
        let mut sum = Row::default();
        for row in self.rows.values() {
            sum.actual.add(row.actual);
            sum.minimum.add(row.minimum);
        }
        sum
    }
}
