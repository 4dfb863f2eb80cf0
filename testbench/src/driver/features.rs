//! Feature bits that this driver knows, and which of the offered ones it takes.

use super::config::{DriverConfig, Events};
use super::ring::Format;

/// `VIRTIO_NET_F_MTU`.
pub const MTU: u8 = 3;
/// `VIRTIO_NET_F_MAC`.
pub const MAC: u8 = 5;
/// `VIRTIO_NET_F_MRG_RXBUF`.
pub const MRG_RXBUF: u8 = 15;
/// `VIRTIO_NET_F_STATUS`.
pub const STATUS: u8 = 16;
/// `VIRTIO_NET_F_CTRL_VQ`.
pub const CTRL_VQ: u8 = 17;
/// `VIRTIO_NET_F_CTRL_RX`.
pub const CTRL_RX: u8 = 18;
/// `VIRTIO_NET_F_CTRL_VLAN`.
pub const CTRL_VLAN: u8 = 19;
/// `VIRTIO_NET_F_CTRL_RX_EXTRA`.
pub const CTRL_RX_EXTRA: u8 = 20;
/// `VIRTIO_NET_F_MQ`.
pub const MQ: u8 = 22;
/// `VIRTIO_NET_F_CTRL_MAC_ADDR`.
pub const CTRL_MAC_ADDR: u8 = 23;
/// `VIRTIO_NET_F_VQ_NOTF_COAL`.
pub const VQ_NOTF_COAL: u8 = 52;
/// `VIRTIO_NET_F_NOTF_COAL`.
pub const NOTF_COAL: u8 = 53;
/// `VIRTIO_F_INDIRECT_DESC`.
pub const INDIRECT_DESC: u8 = 28;
/// `VIRTIO_F_EVENT_IDX`.
pub const EVENT_IDX: u8 = 29;
/// `VIRTIO_F_VERSION_1`.
pub const VERSION_1: u8 = 32;
/// `VIRTIO_F_ACCESS_PLATFORM`.
pub const ACCESS_PLATFORM: u8 = 33;
/// `VIRTIO_F_RING_PACKED`.
pub const RING_PACKED: u8 = 34;
/// `VIRTIO_F_IN_ORDER`.
pub const IN_ORDER: u8 = 35;
/// `VIRTIO_F_ORDER_PLATFORM`.
pub const ORDER_PLATFORM: u8 = 36;
/// `VIRTIO_F_NOTIFICATION_DATA`.
pub const NOTIFICATION_DATA: u8 = 38;
/// `VIRTIO_F_NOTIF_CONFIG_DATA`.
pub const NOTIF_CONFIG_DATA: u8 = 39;
/// `VIRTIO_F_RING_RESET`.
pub const RING_RESET: u8 = 40;

/// `VIRTIO_F_SUSPEND`.
pub const SUSPEND: u8 = 43;

/// A set of feature bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(pub u128);

impl Features {
    /// Is `bit` in the set?
    #[must_use]
    pub fn has(self, bit: u8) -> bool {
        bit < 128 && self.0 >> bit & 1 == 1
    }

    /// The set with `bit`.
    #[must_use]
    pub fn with(self, bit: u8) -> Self {
        Features(self.0 | 1 << bit)
    }

    /// The set without `bit`.
    #[must_use]
    pub fn without(self, bit: u8) -> Self {
        Features(self.0 & !(1 << bit))
    }

    /// 32-bit window `select`.
    #[must_use]
    pub fn window(self, select: u32) -> u32 {
        (self.0 >> (32 * select)) as u32
    }

    /// The bits, lowest first.
    pub fn bits(self) -> impl Iterator<Item = u8> {
        (0..128u8).filter(move |b| self.has(*b))
    }
}

/// Which of the `offered` features the driver takes: those it knows and wants, with their prerequisites (FEAT-DRV, NET-DRV).
#[must_use]
pub fn choose(offered: Features, config: &DriverConfig) -> Features {
    let mut wanted = vec![
        MTU,
        MAC,
        STATUS,
        CTRL_VQ,
        CTRL_RX,
        CTRL_RX_EXTRA,
        CTRL_MAC_ADDR,
        MQ,
        INDIRECT_DESC,
        VERSION_1,
        ACCESS_PLATFORM,
        ORDER_PLATFORM,
        RING_RESET,
    ];
    if config.mergeable {
        wanted.push(MRG_RXBUF);
    }
    if config.vlan_filter {
        wanted.push(CTRL_VLAN);
    }
    if config.events == Events::EventIdx {
        wanted.push(EVENT_IDX);
    }
    if config.ring == Format::Packed {
        wanted.push(RING_PACKED);
    }
    if config.in_order {
        wanted.push(IN_ORDER);
    }
    if config.notification_data {
        wanted.push(NOTIFICATION_DATA);
    }
    if config.notif_config_data {
        wanted.push(NOTIF_CONFIG_DATA);
    }
    if config.suspend {
        wanted.push(SUSPEND);
    }
    if config.coalesce.is_some() {
        wanted.extend([VQ_NOTF_COAL, NOTF_COAL]);
    }
    let mut taken = Features::default();
    for bit in wanted
        .into_iter()
        .filter(|b| !config.decline.contains(b) && offered.has(*b))
    {
        taken = taken.with(bit);
    }
    if !taken.has(CTRL_VQ) {
        for dependent in [
            CTRL_RX,
            CTRL_RX_EXTRA,
            CTRL_VLAN,
            CTRL_MAC_ADDR,
            MQ,
            VQ_NOTF_COAL,
            NOTF_COAL,
        ] {
            taken = taken.without(dependent);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::coalesce::Coalesce;

    const ALL: Features = Features(u128::MAX);

    #[test]
    fn only_known_and_offered_bits_are_taken() {
        let taken = choose(ALL, &DriverConfig::default());
        assert!(taken.has(VERSION_1) && taken.has(EVENT_IDX) && taken.has(MRG_RXBUF));
        assert!(
            !taken.has(RING_PACKED)
                && !taken.has(NOTIFICATION_DATA)
                && !taken.has(NOTIF_CONFIG_DATA)
                && !taken.has(0)
                && !taken.has(CTRL_VLAN)
        );
        assert_eq!(
            choose(Features::default().with(VERSION_1), &DriverConfig::default()).0,
            1 << 32
        );
    }

    #[test]
    fn packed_rings_are_taken_only_when_asked_for() {
        let config = DriverConfig {
            ring: Format::Packed,
            ..DriverConfig::default()
        };
        assert!(choose(ALL, &config).has(RING_PACKED));
        assert!(!choose(ALL.without(RING_PACKED), &config).has(RING_PACKED));
    }

    #[test]
    fn order_is_taken_only_when_asked_for() {
        let config = DriverConfig {
            in_order: true,
            ..DriverConfig::default()
        };
        assert!(choose(ALL, &config).has(IN_ORDER));
        assert!(!choose(ALL, &DriverConfig::default()).has(IN_ORDER));
        assert!(!choose(ALL.without(IN_ORDER), &config).has(IN_ORDER));
    }

    #[test]
    fn what_needs_the_control_queue_goes_with_it() {
        let config = DriverConfig {
            decline: vec![CTRL_VQ],
            coalesce: Some(Coalesce::default()),
            ..DriverConfig::default()
        };
        let taken = choose(ALL, &config);
        assert!(
            [
                CTRL_RX,
                CTRL_RX_EXTRA,
                CTRL_VLAN,
                CTRL_MAC_ADDR,
                MQ,
                VQ_NOTF_COAL,
                NOTF_COAL
            ]
            .iter()
            .all(|b| !taken.has(*b))
        );
    }

    #[test]
    fn moderation_is_taken_only_when_asked_for() {
        let with = DriverConfig {
            coalesce: Some(Coalesce::default()),
            ..DriverConfig::default()
        };
        for (config, want) in [(DriverConfig::default(), false), (with, true)] {
            let taken = choose(ALL, &config);
            assert_eq!([taken.has(VQ_NOTF_COAL), taken.has(NOTF_COAL)], [want, want]);
        }
    }

    #[test]
    fn windows_cover_all_bits() {
        let f = Features::default().with(5).with(33).with(64).with(127);
        assert_eq!([0, 1, 2, 3].map(|w| f.window(w)), [1 << 5, 2, 1, 1 << 31]);
        assert_eq!(f.bits().collect::<Vec<_>>(), [5, 33, 64, 127]);
    }
}
