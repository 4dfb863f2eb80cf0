//! Feature bits: names of those the judge uses, prerequisites, and what may be offered or accepted.

/// `VIRTIO_NET_F_CSUM`.
pub(crate) const CSUM: u32 = 0;
/// `VIRTIO_NET_F_MTU`.
pub(crate) const MTU: u32 = 3;
/// `VIRTIO_NET_F_MRG_RXBUF`.
pub(crate) const MRG_RXBUF: u32 = 15;
/// `VIRTIO_NET_F_STATUS`.
pub(crate) const STATUS: u32 = 16;
/// `VIRTIO_NET_F_CTRL_VQ`.
pub(crate) const CTRL_VQ: u32 = 17;
/// `VIRTIO_NET_F_CTRL_RX`.
pub(crate) const CTRL_RX: u32 = 18;
/// `VIRTIO_NET_F_CTRL_VLAN`.
pub(crate) const CTRL_VLAN: u32 = 19;
/// `VIRTIO_NET_F_CTRL_RX_EXTRA`.
pub(crate) const CTRL_RX_EXTRA: u32 = 20;
/// `VIRTIO_NET_F_MQ`.
pub(crate) const MQ: u32 = 22;
/// `VIRTIO_NET_F_CTRL_MAC_ADDR`.
pub(crate) const CTRL_MAC_ADDR: u32 = 23;
/// `VIRTIO_F_INDIRECT_DESC`.
pub(crate) const INDIRECT_DESC: u32 = 28;
/// `VIRTIO_F_EVENT_IDX`.
pub(crate) const EVENT_IDX: u32 = 29;
/// `VIRTIO_F_VERSION_1`.
pub(crate) const VERSION_1: u32 = 32;
/// `VIRTIO_F_RING_PACKED`.
pub(crate) const RING_PACKED: u32 = 34;
/// `VIRTIO_F_IN_ORDER`.
pub(crate) const IN_ORDER: u32 = 35;
/// `VIRTIO_F_NOTIFICATION_DATA`.
pub(crate) const NOTIFICATION_DATA: u32 = 38;
/// `VIRTIO_F_NOTIF_CONFIG_DATA`.
pub(crate) const NOTIF_CONFIG_DATA: u32 = 39;
/// `VIRTIO_F_RING_RESET`.
pub(crate) const RING_RESET: u32 = 40;
/// `VIRTIO_F_ADMIN_VQ`.
pub(crate) const ADMIN_VQ: u32 = 41;
/// `VIRTIO_F_SUSPEND`.
pub(crate) const SUSPEND: u32 = 43;
/// `VIRTIO_NET_F_NOTF_COAL`.
pub(crate) const NOTF_COAL: u32 = 53;
/// `VIRTIO_NET_F_VQ_NOTF_COAL`.
pub(crate) const VQ_NOTF_COAL: u32 = 52;

/// A set of feature bits.
pub(crate) type Features = u128;

pub(crate) fn has(f: Features, bit: u32) -> bool {
    f >> bit & 1 == 1
}

/// Device-independent bits that may be offered: 28, 29, 32 to 41, 43.
const COMMON: Features = 1 << 28 | 1 << 29 | 0x3ff << 32 | 1 << 43;
/// Bits of the network device.
const NET: Features =
    0x00ff_ffaf | 1 << 50 | 1 << 51 | 1 << 52 | 1 << 53 | 0xf << 54 | 0x1f << 59 | 0x7f << 64;

/// (bit, any of these is required), network device.
const NET_NEEDS: &[(u32, &[u32])] = &[
    (7, &[1]),
    (8, &[1]),
    (9, &[7, 8]),
    (10, &[1]),
    (11, &[0]),
    (12, &[0]),
    (13, &[11, 12]),
    (14, &[0]),
    (18, &[17]),
    (19, &[17]),
    (21, &[17]),
    (22, &[17]),
    (23, &[17]),
    (52, &[17]),
    (53, &[17]),
    (54, &[1]),
    (55, &[1]),
    (56, &[0]),
    (60, &[17]),
    (64, &[60]),
];

/// The first broken prerequisite: (bit, what it needs).
pub(crate) fn broken_prerequisite(f: Features, device_type: u32) -> Option<(u32, &'static [u32])> {
    if device_type != 1 {
        return None;
    }
    NET_NEEDS
        .iter()
        .copied()
        .find(|&(bit, needs)| has(f, bit) && !needs.iter().any(|&n| has(f, n)))
}

/// Bits that no device of this type may offer.
pub(crate) fn undefined(f: Features, device_type: u32) -> Features {
    let device = match device_type {
        1 => NET,
        _ => 0x00ff_ffff | !0 << 50, // other types: their own bits are not judged
    };
    f & !(COMMON | device)
}

/// Length of the network packet header that these features give.
pub(crate) fn net_header_bytes(f: Features) -> usize {
    if has(f, 69) || has(f, 70) {
        32
    } else if (65..=68).any(|b| has(f, b)) {
        24
    } else if has(f, 57) {
        20
    } else {
        12
    }
}

/// Bit numbers, for a message.
pub(crate) fn list(f: Features) -> String {
    let bits: Vec<String> = (0..128).filter(|&b| has(f, b)).map(|b| b.to_string()).collect();
    if bits.is_empty() {
        "none".into()
    } else {
        bits.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prerequisites_and_reserved_bits() {
        assert_eq!(broken_prerequisite(1 << MQ, 1), Some((22, &[17][..])));
        assert_eq!(broken_prerequisite(1 << MQ | 1 << CTRL_VQ, 1), None);
        assert_eq!(undefined(1 << VERSION_1 | 1 << MRG_RXBUF | 1 << EVENT_IDX, 1), 0);
        for bit in [4, 6, 24, 27, 30, 42, 44, 49, 58, 71, 127] {
            assert_eq!(list(undefined(1 << bit, 1)), bit.to_string());
        }
        for bit in [0, 1, 2, 3, 5, 7, 23, 28, 29, 41, 43, 50, 57, 59, 63, 64, 70] {
            assert_eq!(undefined(1 << bit, 1), 0, "{bit}");
        }
        assert_eq!(
            [0, 57, 65, 70].map(|b| net_header_bytes(1 << b)),
            [12, 20, 24, 32]
        );
    }
}
