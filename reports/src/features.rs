//! Names of feature bits.

use ringside_models::features;

/// Names of the bits set, in bit order; bits without a name as `bit N`.
pub(crate) fn names(features: u128, device_type: u32) -> String {
    let name =
        |bit: u32| features::name(bit, device_type).map_or_else(|| format!("bit {bit}"), str::to_owned);
    let set: Vec<String> = (0..128)
        .filter(|bit| features >> bit & 1 == 1)
        .map(name)
        .collect();
    if set.is_empty() {
        "none".to_owned()
    } else {
        set.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_bits() {
        assert_eq!(
            names(1 << 29 | 1 << 32 | 1 << 5 | 1 << 100, 1),
            "MAC, EVENT_IDX, VERSION_1, bit 100"
        );
        assert_eq!(names(1 << 5, 2), "bit 5");
        assert_eq!(names(0, 1), "none");
    }
}
