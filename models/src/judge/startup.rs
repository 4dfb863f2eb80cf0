//! When what the driver switched on is surely on: writes of the host are posted, so the device has one once it answered a later request.

use std::collections::BTreeMap;

/// Something switched on: the event number of the write, and the cycle from which it surely is on.
#[derive(Clone, Copy, Debug)]
struct On {
    seq: u64,
    since: Option<u64>,
}

impl On {
    fn acknowledge(&mut self, seq: u64, now: u64) {
        if seq >= self.seq {
            self.since.get_or_insert(now);
        }
    }
}

/// `DRIVER_OK` and `queue_enable`.
#[derive(Debug, Default)]
pub(crate) struct Startup {
    device: Option<On>,
    queues: BTreeMap<u16, On>,
}

impl Startup {
    /// `DRIVER_OK` was written.
    pub(crate) fn started(&mut self, seq: u64) {
        self.device = Some(On { seq, since: None });
    }

    /// A queue was enabled.
    pub(crate) fn enabled(&mut self, queue: u16, seq: u64) {
        self.queues.insert(queue, On { seq, since: None });
    }

    /// A reset of the device was asked for.
    pub(crate) fn stopped(&mut self) {
        *self = Startup::default();
    }

    /// The device answered a request that the host sent as event `seq`, or one after it.
    pub(crate) fn acknowledge(&mut self, seq: u64, now: u64) {
        self.device
            .iter_mut()
            .chain(self.queues.values_mut())
            .for_each(|on| on.acknowledge(seq, now));
    }

    /// The cycle from which the device surely runs.
    pub(crate) fn running(&self) -> Option<u64> {
        self.device?.since
    }

    /// The cycle from which this queue surely runs.
    pub(crate) fn queue(&self, queue: u16) -> Option<u64> {
        Some(self.running()?.max(self.queues.get(&queue)?.since?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_is_what_was_acknowledged_after_it_was_switched() {
        let mut s = Startup::default();
        s.enabled(0, 5);
        s.started(7);
        s.acknowledge(6, 100);
        assert_eq!((s.running(), s.queue(0)), (None, None));
        s.acknowledge(7, 110);
        s.acknowledge(9, 120);
        assert_eq!(
            (s.running(), s.queue(0), s.queue(1)),
            (Some(110), Some(110), None)
        );
        s.enabled(0, 20);
        s.acknowledge(21, 200);
        assert_eq!(s.queue(0), Some(200));
        s.stopped();
        assert_eq!(s.running(), None);
    }
}
