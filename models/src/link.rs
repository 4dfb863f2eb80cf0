//! What a PCIe link carries: the one formula that the simulated link, the terminal's summary and the reports share.

/// Ack/FC latency limit in symbol times at a max payload of 256 bytes, by width: the protocol traffic that the link has to carry beside
/// packets. x8 and x16 are the values of the project's yardstick (after pcie-bench), narrower links those of the same table.
fn ack_limit(lanes: u8) -> u64 {
    match lanes {
        1 => 512,
        2 => 313,
        4 => 214,
        8 => 203,
        _ => 168,
    }
}

/// Usable bit rate of one direction in bits per second: line rate less coding, Ack, `UpdateFC` and skip ordered sets
/// (`raw * (1 - 16/limit - 4/1538)`). In whole bits, a lane's rate too, so that no floating point takes part in what a simulated link does.
#[must_use]
pub fn usable_bits_per_second(generation: u8, lanes: u8) -> u64 {
    let lane = match generation {
        1 => 2_000_000_000,
        2 => 4_000_000_000,
        g => (8_000_000_000_u64 << (g.clamp(3, 5) - 3)) / 130 * 128,
    };
    let limit = ack_limit(lanes);
    let whole = limit * 1538;
    let net = whole - 16 * 1538 - 4 * limit;
    (u128::from(lane * u64::from(lanes)) * u128::from(net) / u128::from(whole)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_the_yardsticks() {
        // 57.9, 113.7, 227.4 and 454.8 Gb/s: pcie-yardstick 3.1.
        for (generation, lanes, hundred_mbits) in [(3, 8, 579), (3, 16, 1137), (4, 16, 2274), (5, 16, 4548)] {
            let rate = usable_bits_per_second(generation, lanes);
            assert_eq!(
                (rate + 50_000_000) / 100_000_000,
                hundred_mbits,
                "gen{generation}x{lanes}"
            );
        }
        assert!(usable_bits_per_second(1, 1) < 2_000_000_000);
        assert!(usable_bits_per_second(2, 1) < 4_000_000_000);
    }

    #[test]
    fn generations_that_no_link_has_are_the_nearest_one() {
        assert_eq!(usable_bits_per_second(0, 8), usable_bits_per_second(3, 8));
        assert_eq!(usable_bits_per_second(6, 8), usable_bits_per_second(5, 8));
    }
}
