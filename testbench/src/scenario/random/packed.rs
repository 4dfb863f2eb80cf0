//! The random scenario of a number with packed rings: the same host, wire and steps, and a driver that makes use of what packed rings allow.

use super::{Draw, scenario};
use crate::driver::config::Publish;
use crate::driver::ring::{Format, FreeList, Shape};
use crate::host::config::Skew;
use crate::scenario::Scenario;

/// The random scenario number `seed`, with packed rings. Descriptors are sampled whole: that 16 aligned bytes are not torn is what
/// a device that reads a packed ring in one go has to be promised.
#[must_use]
pub fn packed(seed: u64) -> Scenario {
    let mut s = scenario(seed);
    let mut draw = Draw::new(seed, "packed");
    s.name = format!("random-{seed}-packed");
    s.about = format!("Drawn by chance from {seed}, packed rings.");
    let d = &mut s.driver;
    d.ring = Format::Packed;
    d.queue_size -= draw.range(0, 3) as u16;
    d.publish = draw.one(&[Publish::Batch, Publish::Chain]);
    d.free_list = draw.one(&[FreeList::Lifo, FreeList::Fifo, FreeList::Random]);
    for shape in [&mut d.tx.shape, &mut d.rx.shape] {
        if *shape == Shape::DirectThenIndirect {
            *shape = Shape::Indirect;
        }
    }
    let skew = &mut s.host.memory.skew;
    if matches!(*skew, Skew::B8 | Skew::B4 | Skew::B2) {
        *skew = Skew::B16;
    }
    s
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
        assert!(all.iter().any(|s| s.driver.publish == Publish::Chain));
        assert_eq!(packed(7), packed(7));
        assert_eq!(packed(7).phases, scenario(7).phases);
    }
}
