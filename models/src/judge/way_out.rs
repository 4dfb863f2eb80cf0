//! Could something that a device has to send still be waiting for its way out? Credits, and a link slower than the boundary, keep a packet back
//! long after it was decided, and what was decided cannot be taken back. A device that has let the free way pass unused has nothing waiting.

use super::bus::Credits;
use crate::event::Link;
use crate::tlp::Tlp;

/// What is decided leaves within so many cycles of finding the way free.
const REST_CYCLES: u64 = 64;
/// Framing, sequence number, header and check sums around a request.
const OVERHEAD_BYTES: u64 = 24;

/// Requests that wait for the same credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Posted,
    NonPosted,
}

impl Class {
    const ALL: [Class; 2] = [Class::Posted, Class::NonPosted];
}

/// When the way out stood open and was not used.
#[derive(Debug)]
pub(crate) struct WayOut {
    /// Cycles that 1000 bytes take on the link.
    cycles_per_kilobyte: u64,
    mps_bytes: u32,
    /// What was sent is on the link up to this cycle.
    busy_until: u64,
    /// Since when there are credits, by class.
    credits_since: [Option<u64>; 2],
    /// The latest stretch of cycles (from, to) in which the way was free and nothing came, by class.
    rest: [(u64, u64); 2],
}

impl WayOut {
    #[expect(clippy::cast_sign_loss, reason = "a header's clock rate is positive")]
    pub(crate) fn new(link: &Link, clock_mhz: f64) -> Self {
        // Megabytes a second of a lane after its line code.
        let lane = [250, 500, 985, 1969, 3938][usize::from(link.generation.clamp(1, 5)) - 1];
        let rate = (lane * u64::from(link.lanes)).max(1);
        WayOut {
            cycles_per_kilobyte: (clock_mhz * 1000.0) as u64 / rate,
            mps_bytes: link.mps_bytes,
            busy_until: 0,
            credits_since: [Some(0); 2],
            rest: [(0, 0); 2],
        }
    }

    /// The host moved the limits, or a packet took credits.
    pub(crate) fn credits(&mut self, credits: &Credits, now: u64) {
        for class in Class::ALL {
            let enough = credits.left(class as usize).is_none_or(|(headers, data)| {
                headers > 0 && (class == Class::NonPosted || u32::from(data) * 16 >= self.mps_bytes)
            });
            let since = &mut self.credits_since[class as usize];
            *since = enough.then(|| since.unwrap_or(now));
        }
    }

    /// The device offered a packet's first beat in cycle `start`; `now` its last one crossed. Its credits are taken afterwards.
    pub(crate) fn packet(&mut self, tlp: &Tlp, start: u64, now: u64) {
        for class in Class::ALL {
            let Some(since) = self.credits_since[class as usize] else {
                continue;
            };
            let from = since.max(self.busy_until);
            if start.saturating_sub(from) >= REST_CYCLES {
                self.rest[class as usize] = (from, start);
            }
        }
        let bytes = OVERHEAD_BYTES + tlp.data().len() as u64;
        let takes = bytes.saturating_mul(self.cycles_per_kilobyte) / 1000;
        self.busy_until = self.busy_until.max(start).saturating_add(takes).max(now);
    }

    /// May a request of this class that is sent now have waited since cycle `cycle`?
    pub(crate) fn may_wait_since(&self, class: Class, cycle: u64) -> bool {
        let (from, to) = self.rest[class as usize];
        to.saturating_sub(from.max(cycle)) < REST_CYCLES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlp::Body;

    fn way_out(generation: u8, lanes: u8) -> WayOut {
        let link = Link {
            generation,
            lanes,
            mps_bytes: 128,
            mrrs_bytes: 128,
            rcb_bytes: 64,
        };
        WayOut::new(&link, 250.0)
    }

    fn read() -> Tlp {
        let (addr, dw, fbe, lbe) = (0x1000, 4, 15, 15);
        let (req, tag) = (0, 0);
        Tlp::new(Body::MRd {
            req,
            tag,
            addr,
            dw,
            fbe,
            lbe,
        })
    }

    #[test]
    fn a_free_way_that_is_not_used_says_that_nothing_waits() {
        let mut w = way_out(3, 8);
        w.packet(&read(), 1000, 1000);
        assert!(w.may_wait_since(Class::NonPosted, 1000));
        w.packet(&read(), 1030, 1030);
        w.packet(&read(), 1090, 1090);
        assert!(w.may_wait_since(Class::NonPosted, 1010));
        w.packet(&read(), 1200, 1200);
        assert!(!w.may_wait_since(Class::NonPosted, 1010));
        assert!(!w.may_wait_since(Class::Posted, 1010));
        assert!(w.may_wait_since(Class::NonPosted, 1150), "decided later");
    }

    #[test]
    fn no_credits_no_way() {
        let mut w = way_out(3, 8);
        let mut credits = Credits::default();
        w.packet(&read(), 1000, 1000);
        credits.limit([(9, 99), (0, 0), (9, 99)]);
        w.credits(&credits, 1001);
        w.packet(&read(), 2000, 2000);
        assert!(w.may_wait_since(Class::NonPosted, 1000));
        assert!(!w.may_wait_since(Class::Posted, 1000));
        credits.limit([(9, 99), (1, 0), (9, 99)]);
        w.credits(&credits, 2010);
        w.packet(&read(), 2040, 2040);
        assert!(w.may_wait_since(Class::NonPosted, 1000));
        w.packet(&read(), 2200, 2200);
        assert!(!w.may_wait_since(Class::NonPosted, 1000));
    }

    /// A quarter of a gigabyte a second: 24 bytes take 24 cycles.
    #[test]
    fn a_slow_link_is_busy_longer() {
        let mut w = way_out(1, 1);
        for _ in 0..10 {
            w.packet(&read(), 1000, 1000);
        }
        w.packet(&read(), 1290, 1290);
        assert!(w.may_wait_since(Class::NonPosted, 1000));
        w.packet(&read(), 1400, 1400);
        assert!(!w.may_wait_since(Class::NonPosted, 1000));
    }
}
