//! The latency law: nanoseconds to cycles, and the draw of a read's latency. Integer arithmetic only.

use super::config::LatencyConfig;
use super::dice::Dice;

/// Converts nanoseconds to cycles of one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRate {
    khz: u64,
}

impl ClockRate {
    /// A clock of `mhz` megahertz, kept to the kilohertz.
    #[must_use]
    #[expect(
        clippy::cast_sign_loss,
        reason = "a clock rate is positive; the saturating cast makes others 0, raised to 1"
    )]
    pub fn from_mhz(mhz: f64) -> Self {
        ClockRate {
            khz: ((mhz * 1000.0).round() as u64).max(1),
        }
    }

    /// Kilohertz.
    #[must_use]
    pub fn khz(self) -> u64 {
        self.khz
    }

    /// Cycles that `ns` nanoseconds take, rounded up.
    #[must_use]
    pub fn cycles(self, ns: u64) -> u64 {
        (ns * self.khz).div_ceil(1_000_000)
    }
}

/// `-ln(u)` in 1/1024 at the middle of 64 equal slices of `(0, 1]`, from the rare end: an exponential law as a table, cut at about six means.
const EXPONENTIAL: [u32; 64] = exponential();

#[expect(clippy::cast_sign_loss, reason = "every number here is positive")]
const fn exponential() -> [u32; 64] {
    // ln((i + 0.5) / 64) by the series of ln((1 + y) / (1 - y)), in fixed point 2^-32; const, so that no libm decides.
    const ONE: i128 = 1 << 32;
    let mut table = [0; 64];
    let mut i = 0;
    while i < 64 {
        // x = 128 / (2 i + 1) = 2^s * m with m in [1, 2)
        let numerator: i128 = 128;
        let denominator: i128 = 2 * i as i128 + 1;
        let mut shift = 0;
        while numerator >= denominator << (shift + 1) {
            shift += 1;
        }
        let m = (numerator * ONE) / (denominator << shift);
        let y = ((m - ONE) * ONE) / (m + ONE);
        let square = (y * y) / ONE;
        let mut term = y;
        let mut sum = 0;
        let mut k = 1;
        while k < 30 {
            sum += term / k;
            term = (term * square) / ONE;
            k += 2;
        }
        let ln2: i128 = 2_977_044_472; // ln 2 * 2^32
        let ln = 2 * sum + shift as i128 * ln2;
        table[i as usize] = ((ln * 1024) / ONE) as u32;
        i += 1;
    }
    table
}

/// Draws latencies.
#[derive(Clone, Debug)]
pub struct LatencyLaw {
    base: u64,
    jitter: u64,
    tail_per_mille: u32,
    tail: u64,
    posted: u64,
    dice: Dice,
}

impl LatencyLaw {
    /// The law of `config` on this clock.
    #[must_use]
    pub fn new(config: &LatencyConfig, clock: ClockRate, dice: Dice) -> Self {
        LatencyLaw {
            base: clock.cycles(config.base_ns.into()).max(1),
            jitter: clock.cycles(config.jitter_ns.into()),
            tail_per_mille: config.tail_per_mille,
            tail: clock.cycles(config.tail_ns.into()),
            posted: clock.cycles(config.posted_ns.into()),
            dice,
        }
    }

    /// Latency of the next read, in cycles, at least 1.
    pub fn read_cycles(&mut self) -> u64 {
        let mut cycles = self.base + self.dice.up_to(self.jitter);
        if self.dice.chance(self.tail_per_mille) {
            let slice = self.dice.below(EXPONENTIAL.len() as u64) as usize;
            cycles += self.tail * u64::from(EXPONENTIAL[slice]) / 1024;
        }
        cycles
    }

    /// Time of a posted request to memory, in cycles.
    #[must_use]
    pub fn posted_cycles(&self) -> u64 {
        self.posted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_exponential_law() {
        for (i, v) in EXPONENTIAL.iter().enumerate() {
            let slice = f64::from(u8::try_from(i).unwrap_or(u8::MAX));
            let exact = -((slice + 0.5) / 64.0).ln() * 1024.0;
            assert!(
                (f64::from(*v) - exact).abs() < 2.0,
                "slice {i}: {v} is not {exact}"
            );
        }
        let mean = EXPONENTIAL.iter().sum::<u32>() / 64;
        assert!((1000..1040).contains(&mean), "{mean}");
    }

    #[test]
    fn nanoseconds_become_cycles_rounded_up() {
        let c = ClockRate::from_mhz(250.0);
        assert_eq!(
            (c.cycles(0), c.cycles(1), c.cycles(4), c.cycles(500)),
            (0, 1, 1, 125)
        );
        assert_eq!(ClockRate::from_mhz(322.265_625).khz(), 322_266);
    }

    #[test]
    fn latencies_stay_in_their_law() {
        let config = LatencyConfig {
            base_ns: 400,
            jitter_ns: 100,
            tail_per_mille: 100,
            tail_ns: 1000,
            posted_ns: 0,
        };
        let mut law = LatencyLaw::new(&config, ClockRate::from_mhz(250.0), Dice::new(1, "law"));
        let draws: Vec<u64> = (0..4000).map(|_| law.read_cycles()).collect();
        assert!(draws.iter().all(|d| (100..=125 + 250 * 6).contains(d)));
        let tails = draws.iter().filter(|d| **d > 125).count();
        assert!((250..450).contains(&tails), "{tails}");
    }
}
