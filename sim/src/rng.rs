//! Random streams that do not depend on each other.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The random stream of the thing called `path` in the run with this seed.
///
/// Everybody has a stream of their own: adding a consumer moves nobody else's numbers. The generator is named in the type
/// because its stream is part of golden traces.
#[must_use]
pub fn rng(run_seed: u64, path: &str) -> Pcg64 {
    let mut hash = Sha256::new();
    hash.update(run_seed.to_le_bytes());
    hash.update(path.as_bytes());
    let mut seed = [0; 32];
    seed.copy_from_slice(&hash.finalize());
    Pcg64::from_seed(seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::rand_core::Rng;

    /// The streams are part of golden traces, so these numbers must never change.
    #[test]
    fn streams_are_fixed_and_apart() {
        let first = |seed, path| rng(seed, path).next_u64();
        assert_eq!(first(1, "host/latency"), first(1, "host/latency"));
        assert_ne!(first(1, "host/latency"), first(2, "host/latency"));
        assert_ne!(first(1, "host/latency"), first(1, "host/order"));
        assert_eq!(first(1, "host/latency"), 17_941_346_923_955_294_192);
    }
}
