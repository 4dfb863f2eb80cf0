//! The random scenario of a number with packed rings: the same host, wire and steps, and a driver that makes use of what packed rings allow.

use super::{Draw, scenario};
use crate::driver::config::{DriverConfig, Publish};
use crate::driver::ring::{Format, FreeList, Shape};
use crate::host::config::Skew;
use crate::scenario::Scenario;

/// The random scenario number `seed`, with packed rings of any size, very small ones among them. Lines of 64 bytes are sampled whole: that is
/// what our device has to be promised to read a packed ring in one go (ARCHITECTURE.md, decisions).
#[must_use]
pub fn packed(seed: u64) -> Scenario {
    let mut s = scenario(seed);
    let mut draw = Draw::new(seed, "packed");
    s.name = format!("random-{seed}-packed");
    s.about = format!("Drawn by chance from {seed}, packed rings.");
    let d = &mut s.driver;
    d.ring = Format::Packed;
    match draw.range(0, 9) {
        0 | 1 => tiny(d, draw.range(1, 4) as u16),
        2..=5 if d.queue_size >= 16 => d.queue_size = draw.range(7, 255) as u16,
        _ => d.queue_size -= draw.range(0, 3) as u16,
    }
    d.publish = draw.one(&[Publish::Batch, Publish::Chain]);
    d.free_list = draw.one(&[FreeList::Lifo, FreeList::Fifo, FreeList::Random]);
    for shape in [&mut d.tx.shape, &mut d.rx.shape] {
        if *shape == Shape::DirectThenIndirect {
            *shape = Shape::Indirect;
        }
    }
    let skew = &mut s.host.memory.skew;
    if matches!(*skew, Skew::B16 | Skew::B8 | Skew::B4 | Skew::B2) {
        *skew = Skew::Line;
    }
    s
}

/// A ring of so few slots that everything has to fit into one, or a header and a frame into two.
fn tiny(d: &mut DriverConfig, size: u16) {
    d.queue_size = size;
    d.tx.separate_header &= size > 1;
    d.tx.element_bytes = 0;
    d.rx.buffer_bytes = 0;
    d.rx.element_bytes = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_gives_a_packed_scenario_that_can_be() {
        let all: Vec<Scenario> = (0..300).map(packed).collect();
        for s in &all {
            s.check().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(s.driver.ring, Format::Packed);
        }
        assert!(all.iter().any(|s| !s.driver.queue_size.is_power_of_two()));
        assert!((1..=4).all(|size| all.iter().any(|s| s.driver.queue_size == size)));
        assert!(all.iter().any(|s| s.driver.publish == Publish::Chain));
        assert_eq!(packed(7), packed(7));
        assert_eq!(packed(7).phases, scenario(7).phases);
    }
}
