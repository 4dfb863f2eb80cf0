//! Feature bits by name (virtio 1.4, "Reserved Feature Bits" and "Network Device / Feature bits").

/// Bits of every device type.
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

/// Bits of the network device.
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
    (50, "DEVICE_STATS"),
    (51, "HASH_TUNNEL"),
    (52, "VQ_NOTF_COAL"),
    (53, "NOTF_COAL"),
    (54, "GUEST_USO4"),
    (55, "GUEST_USO6"),
    (56, "HOST_USO"),
    (57, "HASH_REPORT"),
    (59, "GUEST_HDRLEN"),
    (60, "RSS"),
    (61, "RSC_EXT"),
    (62, "STANDBY"),
    (63, "SPEED_DUPLEX"),
    (64, "RSS_CONTEXT"),
    (65, "GUEST_UDP_TUNNEL_GSO"),
    (66, "GUEST_UDP_TUNNEL_GSO_CSUM"),
    (67, "HOST_UDP_TUNNEL_GSO"),
    (68, "HOST_UDP_TUNNEL_GSO_CSUM"),
    (69, "OUT_NET_HEADER"),
    (70, "IPSEC"),
];

/// The bit's name without its prefix, for example `EVENT_IDX`.
#[must_use]
pub fn name(bit: u32, device_type: u32) -> Option<&'static str> {
    let own = if device_type == 1 { NET } else { &[] };
    COMMON
        .iter()
        .chain(own)
        .find(|(b, _)| *b == bit)
        .map(|(_, name)| *name)
}

/// The bit that the specification calls so, for example `VIRTIO_F_EVENT_IDX` or `VIRTIO_NET_F_MAC`.
#[must_use]
pub fn bit(name: &str) -> Option<u32> {
    let find = |table: &[(u32, &str)], name| table.iter().find(|(_, n)| *n == name).map(|(b, _)| *b);
    match (name.strip_prefix("VIRTIO_F_"), name.strip_prefix("VIRTIO_NET_F_")) {
        (Some(name), _) => find(COMMON, name),
        (_, Some(name)) => find(NET, name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bits_belong_together() {
        assert_eq!(name(29, 1), Some("EVENT_IDX"));
        assert_eq!((name(5, 1), name(5, 2)), (Some("MAC"), None));
        assert_eq!(bit("VIRTIO_F_EVENT_IDX"), Some(29));
        assert_eq!(bit("VIRTIO_NET_F_OUT_NET_HEADER"), Some(69));
        assert_eq!((bit("VIRTIO_NET_F_EVENT_IDX"), bit("EVENT_IDX")), (None, None));
        for (bit_, name_) in COMMON {
            assert_eq!(bit(&format!("VIRTIO_F_{name_}")), Some(*bit_));
        }
        for (bit_, name_) in NET {
            assert_eq!(bit(&format!("VIRTIO_NET_F_{name_}")), Some(*bit_));
        }
    }
}
