//! What the link could carry: the ceiling that every share of the report is a share of.

use ringside_models::event::Link;
use ringside_models::link::usable_bits_per_second;

/// Usable bit rate of one direction in Gb/s.
#[must_use]
pub fn usable_gbps(link: &Link) -> f64 {
    usable_bits_per_second(link.generation, link.lanes) as f64 / 1e9
}

/// The same in bytes per clock cycle.
#[must_use]
pub fn bytes_per_cycle(link: &Link, clock_mhz: f64) -> f64 {
    usable_gbps(link) * 1000.0 / 8.0 / clock_mhz
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_a_cycle_at_the_usable_rate() {
        let link = Link {
            generation: 3,
            lanes: 8,
            mps_bytes: 256,
            mrrs_bytes: 512,
            rcb_bytes: 64,
        };
        let (gbps, per_cycle) = (usable_gbps(&link), bytes_per_cycle(&link, 250.0));
        assert!((gbps - 57.885).abs() < 0.001, "{gbps}");
        assert!((per_cycle - 28.94).abs() < 0.01, "{per_cycle}");
    }
}
