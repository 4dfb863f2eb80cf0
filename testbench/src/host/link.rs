//! The link: how many bytes each direction carries per clock, and the credits that the host gives.
//!
//! A direction is a token bucket in units of 2^-20 byte. A packet may start on the pins while its direction is not in debt, so a burst of the bucket's
//! depth passes at pin speed, as through a transmit buffer, and the long-run rate is the link's. No floating point takes part in a decision.

use ringside_models::link::usable_bits_per_second;

use super::config::{CreditConfig, LinkConfig};
use super::latency::ClockRate;

/// Units of a bucket in one byte.
const UNIT: u64 = 1 << 20;

/// One direction of the link.
#[derive(Clone, Debug)]
pub struct Direction {
    /// Units gained each cycle; 0 when unlimited.
    gain: u64,
    depth: i64,
    level: i64,
    bytes: u64,
    busy: u64,
}

impl Direction {
    /// A direction of this rate whose burst is `depth_bytes`.
    fn new(bits_per_second: Option<u64>, clock: ClockRate, depth_bytes: u32) -> Self {
        let gain = bits_per_second.map_or(0, |bits| {
            (u128::from(bits) * u128::from(UNIT) / (8 * 1000 * u128::from(clock.khz()))) as u64
        });
        let depth = i64::from(depth_bytes) * UNIT.cast_signed();
        Direction {
            gain,
            depth,
            level: depth,
            bytes: 0,
            busy: 0,
        }
    }

    /// One cycle passes.
    pub fn tick(&mut self) {
        self.level = (self.level + self.gain.cast_signed()).min(self.depth);
        self.busy += u64::from(self.level < self.depth);
    }

    /// May a packet, or a further beat of one, pass now?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.gain == 0 || self.level >= 0
    }

    /// `bytes` of the link's capacity are used.
    pub fn charge(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.gain != 0 {
            self.level -= (bytes * UNIT).cast_signed();
        }
    }

    /// Bytes carried so far, headers and framing included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Cycles in which the direction had something to catch up on.
    #[must_use]
    pub fn busy_cycles(&self) -> u64 {
        self.busy
    }
}

/// Both directions.
#[derive(Clone, Debug)]
pub struct Link {
    /// Device to host: `rq` and `cc`.
    pub upstream: Direction,
    /// Host to device: `cq` and `rc`.
    pub downstream: Direction,
}

impl Link {
    /// The link of `config` seen from this clock.
    #[must_use]
    pub fn new(config: &LinkConfig, clock: ClockRate) -> Self {
        let rate = (!config.unlimited).then(|| usable_bits_per_second(config.generation, config.lanes));
        let direction = || Direction::new(rate, clock, config.mps_bytes * 2);
        Link {
            upstream: direction(),
            downstream: direction(),
        }
    }
}

/// Limits as the boundary carries them: cumulative, headers modulo 2^8, data modulo 2^12.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Posted headers.
    pub ph: u8,
    /// Posted data.
    pub pd: u16,
    /// Non-posted headers.
    pub nph: u8,
    /// Non-posted data.
    pub npd: u16,
    /// Completion headers.
    pub cplh: u8,
    /// Completion data.
    pub cpld: u16,
}

/// Kinds of credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Memory writes and messages.
    Posted,
    /// Reads and everything else that wants an answer.
    NonPosted,
    /// Completions.
    Completion,
}

/// Credits of the host's receiver.
#[derive(Clone, Debug)]
pub struct Credits {
    config: CreditConfig,
    /// Total headers and data units ever granted, by kind, ahead of what is advertised.
    granted: [(u64, u64); 3],
    advertised: Limits,
    waiting: u32,
    oldest: u64,
}

impl Credits {
    /// Nothing consumed yet.
    #[must_use]
    pub fn new(config: &CreditConfig) -> Self {
        let c = config;
        let granted = [(c.ph, c.pd), (c.nph, c.npd), (c.cplh, c.cpld)].map(|(h, d)| (h.into(), d.into()));
        let mut credits = Credits {
            config: config.clone(),
            granted,
            advertised: Limits::default(),
            waiting: 0,
            oldest: 0,
        };
        credits.advertised = credits.target();
        credits
    }

    /// The limits now on the pins.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.advertised
    }

    /// A packet with `data_bytes` of payload has left the receive buffer: its space is free again.
    pub fn free(&mut self, now: u64, kind: Kind, data_bytes: usize) {
        let slot = &mut self.granted[kind as usize];
        slot.0 += 1;
        slot.1 += (data_bytes as u64).div_ceil(16);
        if self.waiting == 0 {
            self.oldest = now;
        }
        self.waiting += 1;
    }

    /// One cycle passes. The new limits, if they move now.
    pub fn tick(&mut self, now: u64) -> Option<Limits> {
        if self.waiting == 0 {
            return None;
        }
        if let Some(s) = &self.config.starve
            && now % u64::from(s.every_cycles) >= u64::from(s.every_cycles - s.for_cycles)
        {
            return None;
        }
        let due = self.waiting >= self.config.batch_headers
            || now - self.oldest >= u64::from(self.config.batch_cycles);
        if !due {
            return None;
        }
        self.waiting = 0;
        self.advertised = self.target();
        Some(self.advertised)
    }

    fn target(&self) -> Limits {
        let [p, n, c] = self.granted;
        Limits {
            ph: p.0 as u8,
            pd: (p.1 & 0xfff) as u16,
            nph: n.0 as u8,
            npd: (n.1 & 0xfff) as u16,
            cplh: c.0 as u8,
            cpld: (c.1 & 0xfff) as u16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Starve;
    use super::*;

    #[test]
    fn the_long_run_rate_is_the_links_and_the_burst_is_bounded() {
        let config = LinkConfig::default();
        let mut d = Link::new(&config, ClockRate::from_mhz(250.0)).upstream;
        let mut burst = 0;
        while d.is_open() {
            d.charge(88);
            burst += 88;
        }
        assert!(burst <= 512 + 88, "{burst}");
        let mut sent = 0;
        for _ in 0..100_000 {
            d.tick();
            if d.is_open() {
                d.charge(88);
                sent += 88;
            }
        }
        let expect = usable_bits_per_second(3, 8) / 8 / 2500; // in 100,000 cycles of 4 ns
        assert!(sent <= expect + 600 && sent + 600 >= expect, "{sent} {expect}");
        assert_eq!(d.bytes(), sent + burst);
    }

    #[test]
    fn an_unlimited_link_is_always_open() {
        let config = LinkConfig {
            unlimited: true,
            ..LinkConfig::default()
        };
        let mut d = Link::new(&config, ClockRate::from_mhz(250.0)).downstream;
        (0..1000).for_each(|_| d.charge(4096));
        assert!(d.is_open());
        assert_eq!(d.bytes(), 4_096_000);
    }

    #[test]
    fn limits_are_cumulative_modular_and_batched() {
        let config = CreditConfig {
            ph: 4,
            pd: 2000,
            batch_headers: 3,
            batch_cycles: 10,
            ..CreditConfig::default()
        };
        let mut c = Credits::new(&config);
        assert_eq!((c.limits().ph, c.limits().pd), (4, 2000));
        assert_eq!(c.tick(0), None);
        c.free(1, Kind::Posted, 256);
        c.free(2, Kind::Posted, 17);
        assert_eq!(c.tick(2), None);
        c.free(3, Kind::NonPosted, 0);
        let l = c.tick(3).unwrap();
        assert_eq!((l.ph, l.pd, l.nph), (6, 2018, 113));
        c.free(5, Kind::Posted, 256);
        assert_eq!(c.tick(14), None);
        assert_eq!(c.tick(15).unwrap().ph, 7);
        for now in 16..2016 {
            c.free(now, Kind::Posted, 256);
        }
        let l = c.tick(2016).unwrap();
        assert_eq!(
            (u64::from(l.ph), u64::from(l.pd)),
            ((7 + 2000) % 256, (2034 + 32_000) % 4096)
        );
    }

    #[test]
    fn starvation_holds_limits_back() {
        let config = CreditConfig {
            batch_headers: 1,
            starve: Some(Starve {
                every_cycles: 100,
                for_cycles: 40,
            }),
            ..CreditConfig::default()
        };
        let mut c = Credits::new(&config);
        c.free(60, Kind::Completion, 4);
        assert!((60..100).all(|now| c.tick(now).is_none()));
        assert_eq!(c.tick(100).unwrap().cplh, 65);
    }
}
