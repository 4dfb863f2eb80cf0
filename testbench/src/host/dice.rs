//! Random choices of the host. Integer only, so that every machine draws the same.

use rand::Rng as _;
use rand_pcg::Pcg64;

/// A seeded source of choices; each chooser has its own, named by its path.
#[derive(Clone, Debug)]
pub struct Dice(Pcg64);

impl Dice {
    /// The dice of the chooser at `path` in the run with this seed.
    #[must_use]
    pub fn new(run_seed: u64, path: &str) -> Self {
        Dice(ringside_sim::rng(run_seed, path))
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        // Multiply-shift: one draw a choice, bias below 2^-32 for every n used here.
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number in `0..=n`.
    pub fn up_to(&mut self, n: u64) -> u64 {
        self.below(n.saturating_add(1))
    }

    /// True `per_mille` times out of a thousand. Draws nothing when the answer is fixed.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        match per_mille {
            0 => false,
            1000.. => true,
            p => self.below(1000) < u64::from(p),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_and_path_draw_the_same_and_others_do_not() {
        let draw = |seed, path| {
            let mut d = Dice::new(seed, path);
            (0..8).map(|_| d.below(1 << 40)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }

    #[test]
    fn ranges_are_kept_and_reached() {
        let mut d = Dice::new(7, "range");
        let mut seen = [false; 5];
        for _ in 0..1000 {
            seen[d.below(5) as usize] = true;
            assert!(d.up_to(3) <= 3);
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(d.below(0), 0);
        let hits = (0..10_000).filter(|_| d.chance(100)).count();
        assert!((800..1200).contains(&hits), "{hits}");
        assert!(d.chance(1000) && !d.chance(0));
    }
}
