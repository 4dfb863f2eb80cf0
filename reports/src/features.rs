//! Names of feature bits.

const COMMON: &[(u32, &str)] = &[
    (24, "NOTIFY_ON_EMPTY"),
    (27, "ANY_LAYOUT"),
    (28, "INDIRECT_DESC"),
    (29, "EVENT_IDX"),
    (32, "VERSION_1"),
    (33, "ACCESS_PLATFORM"),
    (34, "RING_PACKED"),
    (35, "IN_ORDER"),
    (36, "ORDER_PLATFORM"),
    (37, "SR_IOV"),
    (38, "NOTIFICATION_DATA"),
    (39, "NOTIF_CONFIG_DATA"),
    (40, "RING_RESET"),
    (41, "ADMIN_VQ"),
    (43, "SUSPEND"),
];

const NET: &[(u32, &str)] = &[
    (0, "CSUM"),
    (1, "GUEST_CSUM"),
    (2, "CTRL_GUEST_OFFLOADS"),
    (3, "MTU"),
    (5, "MAC"),
    (7, "GUEST_TSO4"),
    (8, "GUEST_TSO6"),
    (9, "GUEST_ECN"),
    (10, "GUEST_UFO"),
    (11, "HOST_TSO4"),
    (12, "HOST_TSO6"),
    (13, "HOST_ECN"),
    (14, "HOST_UFO"),
    (15, "MRG_RXBUF"),
    (16, "STATUS"),
    (17, "CTRL_VQ"),
    (18, "CTRL_RX"),
    (19, "CTRL_VLAN"),
    (20, "CTRL_RX_EXTRA"),
    (21, "GUEST_ANNOUNCE"),
    (22, "MQ"),
    (23, "CTRL_MAC_ADDR"),
    (52, "VQ_NOTF_COAL"),
    (53, "NOTF_COAL"),
    (57, "HASH_REPORT"),
    (59, "GUEST_HDRLEN"),
    (60, "RSS"),
    (61, "RSC_EXT"),
    (62, "STANDBY"),
    (63, "SPEED_DUPLEX"),
];

/// Names of the bits set, in bit order; bits without a name as `bit N`.
pub(crate) fn names(features: u128, device_type: u32) -> String {
    let name = |bit: u32| {
        let own = if device_type == 1 { NET } else { &[] };
        COMMON
            .iter()
            .chain(own)
            .find(|(b, _)| *b == bit)
            .map_or_else(|| format!("bit {bit}"), |(_, n)| (*n).to_owned())
    };
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
