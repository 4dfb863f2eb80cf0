//! What the link could carry: the ceiling that every share of the report is a share of.

use ringside_models::event::Link;

/// Ack/FC latency limit in symbol times at a max payload of 256 bytes, by width: sets how much of the link acknowledgements and credit
/// updates take. The values of the project's yardstick, after pcie-bench.
fn ack_limit(lanes: u8) -> f64 {
    match lanes {
        1 => 512.0,
        2 => 313.0,
        4 => 214.0,
        8 => 203.0,
        _ => 168.0,
    }
}

/// Usable bit rate of one direction in Gb/s: line rate less coding, acknowledgements, credit updates and skip ordered sets.
#[must_use]
pub fn usable_gbps(link: &Link) -> f64 {
    let lane = match link.generation {
        1 => 2.0,
        2 => 4.0,
        g => f64::from(8_u32 << (g.clamp(3, 5) - 3)) * 128.0 / 130.0,
    };
    lane * f64::from(link.lanes) * (1.0 - 16.0 / ack_limit(link.lanes) - 4.0 / 1538.0)
}

/// The same in bytes per clock cycle.
#[must_use]
pub fn bytes_per_cycle(link: &Link, clock_mhz: f64) -> f64 {
    usable_gbps(link) * 1000.0 / 8.0 / clock_mhz
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(generation: u8, lanes: u8) -> Link {
        Link {
            generation,
            lanes,
            mps_bytes: 256,
            mrrs_bytes: 512,
            rcb_bytes: 64,
        }
    }

    #[test]
    fn usable_rates_are_those_of_the_yardstick() {
        for (generation, lanes, gbps) in [(3, 8, 57.9), (3, 16, 113.7), (4, 16, 227.4), (5, 16, 454.8)] {
            let got = usable_gbps(&link(generation, lanes));
            assert!((got - gbps).abs() < 0.06, "gen{generation} x{lanes}: {got}");
        }
        let per_cycle = bytes_per_cycle(&link(3, 8), 250.0);
        assert!((per_cycle - 28.94).abs() < 0.03, "{per_cycle}");
    }
}
