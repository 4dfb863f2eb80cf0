//! What a run may say about its driver. Every field has a default; unknown keys are errors.

use serde::{Deserialize, Serialize};

use super::coalesce::Coalesce;
use super::misbehave::Misbehave;
use super::ring::{Format, FreeList, Shape};

/// Bytes of the packet header without any offload that makes it longer (spec-digest 5.1).
pub const NET_HEADER_BYTES: u32 = 12;

/// How the driver learns of used buffers, and the device of available ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Events {
    /// `VIRTIO_F_EVENT_IDX`: `used_event` and `avail_event`.
    #[default]
    EventIdx,
    /// Without it: the flags of both rings.
    Flags,
    /// The driver polls; no vectors, interrupts off by the flag.
    Poll,
}

/// When chains become visible to the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publish {
    /// A batch at once.
    #[default]
    Batch,
    /// Each chain as soon as it is written; the kick still comes once for the batch.
    Chain,
}

/// How interrupts are routed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vectors {
    /// Vector 0 for configuration changes, then one for each queue.
    #[default]
    PerQueue,
    /// Vector 0 for configuration changes, vector 1 for all queues.
    Shared,
    /// Vector 0 for everything.
    Single,
    /// MSI-X stays off; `INTx` and the ISR register.
    Intx,
}

/// What the driver does when the device asks for a reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedsReset {
    /// Reset the device, initialise it again, go on with the traffic that is left.
    #[default]
    Recover,
    /// Go on with the other queues.
    Ignore,
}

/// Latest that a kick may be: a ring that has gone round meanwhile would make it a wrong one.
const LATE_NS_MAX: u32 = 20_000;

/// The driver.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent choices, each with its own name"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriverConfig {
    /// Queue pairs used. More than one needs `VIRTIO_NET_F_MQ` and the control queue.
    pub queue_pairs: u16,
    /// Format of the rings. `packed` needs a device that offers `VIRTIO_F_RING_PACKED`.
    pub ring: Format,
    /// Entries of each data queue, for split rings a power of two; more than the device's maximum is lowered to it. 0: the device's maximum. The
    /// control queue has at least 4, which its commands need.
    pub queue_size: u16,
    /// When chains become visible to the device.
    pub publish: Publish,
    /// How both sides are told of progress.
    pub events: Events,
    /// How interrupts are routed.
    pub vectors: Vectors,
    /// Negotiate `VIRTIO_F_NOTIFICATION_DATA`.
    pub notification_data: bool,
    /// Negotiate `VIRTIO_F_NOTIF_CONFIG_DATA`: kicks carry what the device asks for.
    pub notif_config_data: bool,
    /// Negotiate `VIRTIO_F_SUSPEND`.
    pub suspend: bool,
    /// Position at which every ring begins, as if so much had gone through it: an index (split), or a slot with its wrap counter in bit 15 (packed).
    /// Absent: new rings.
    pub ring_start: Option<u16>,
    /// How kicks travel.
    pub kicks: KickConfig,
    /// Negotiate `VIRTIO_F_IN_ORDER`: a used element may stand for several chains, and descriptors of split rings are taken one after the
    /// other, whatever `free_list` says.
    pub in_order: bool,
    /// Negotiate `VIRTIO_NET_F_MRG_RXBUF`.
    pub mergeable: bool,
    /// Negotiate `VIRTIO_NET_F_CTRL_VLAN`: the device then filters by VLAN.
    pub vlan_filter: bool,
    /// Negotiate interrupt moderation (`VIRTIO_NET_F_NOTF_COAL`, `VIRTIO_NET_F_VQ_NOTF_COAL`) and set these limits once the device runs.
    pub coalesce: Option<Coalesce>,
    /// Feature bits that the driver declines although it knows them.
    pub decline: Vec<u8>,
    /// Order in which descriptors (split) or buffer ids (packed) are used again.
    pub free_list: FreeList,
    /// Ask the device to take every frame once it runs (control queue, PROMISC).
    pub promiscuous: bool,
    /// From an interrupt's arrival to the first instruction of its handler, and between two looks of a polling driver.
    pub reaction_ns: u32,
    /// How a command is laid out.
    pub command_shape: Shape,
    /// Transmission.
    pub tx: TxConfig,
    /// Reception.
    pub rx: RxConfig,
    /// Rules broken on purpose.
    pub misbehave: Vec<Misbehave>,
    /// When the device asks for a reset.
    pub needs_reset: NeedsReset,
}

impl Default for DriverConfig {
    fn default() -> Self {
        DriverConfig {
            queue_pairs: 1,
            ring: Format::Split,
            queue_size: 256,
            publish: Publish::Batch,
            events: Events::EventIdx,
            vectors: Vectors::PerQueue,
            notification_data: false,
            notif_config_data: false,
            suspend: false,
            ring_start: None,
            kicks: KickConfig::default(),
            in_order: false,
            mergeable: true,
            vlan_filter: false,
            coalesce: None,
            decline: Vec::new(),
            free_list: FreeList::Lifo,
            promiscuous: true,
            reaction_ns: 200,
            command_shape: Shape::Direct,
            tx: TxConfig::default(),
            rx: RxConfig::default(),
            misbehave: Vec::new(),
            needs_reset: NeedsReset::Recover,
        }
    }
}

/// How kicks travel. The processors that send them may be others than the one that fills the ring, and slower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KickConfig {
    /// A kick leaves up to so much later than what it tells of was published, by chance; so a later one may overtake it.
    pub late_ns_max: u32,
    /// Chance per thousand that a kick comes a second time, as late as any.
    pub repeat_per_mille: u32,
}

/// Transmission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TxConfig {
    /// How a chain is laid out.
    pub shape: Shape,
    /// The packet header is an element of its own; else it lies before the frame in one.
    pub separate_header: bool,
    /// Cut the frame into elements of at most so many bytes; 0: one element.
    pub element_bytes: u32,
    /// Frames published with one index update and at most one kick.
    pub batch: u16,
    /// Interrupt wanted after so many used chains per thousand of those in flight (Linux: 750). 0: after one.
    pub interrupt_after_per_mille: u32,
}

impl Default for TxConfig {
    fn default() -> Self {
        TxConfig {
            shape: Shape::Direct,
            separate_header: false,
            element_bytes: 0,
            batch: 16,
            interrupt_after_per_mille: 750,
        }
    }
}

/// Reception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RxConfig {
    /// How a buffer is laid out.
    pub shape: Shape,
    /// Bytes of each buffer. 0: 1536 with mergeable buffers, else the longest frame and its header.
    pub buffer_bytes: u32,
    /// Cut the buffer into elements of at most so many bytes; 0: one element.
    pub element_bytes: u32,
    /// Buffers kept available; 0: as many as the queue holds.
    pub buffers: u16,
    /// Fresh buffers published at once (fewer only to keep the queue from running dry).
    pub refill_batch: u16,
}

impl Default for RxConfig {
    fn default() -> Self {
        RxConfig {
            shape: Shape::Direct,
            buffer_bytes: 0,
            element_bytes: 0,
            buffers: 0,
            refill_batch: 16,
        }
    }
}

/// A driver configuration that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("driver.{key} = {value}: {allowed}")]
pub struct DriverConfigError {
    /// Dotted key below `driver`.
    pub key: &'static str,
    /// What was given.
    pub value: String,
    /// What may be given.
    pub allowed: &'static str,
}

impl DriverConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first value out of its range.
    pub fn check(&self) -> Result<(), DriverConfigError> {
        let not = |key, value: String, allowed| Err(DriverConfigError { key, value, allowed });
        let bad = |key, value: u64, allowed| not(key, value.to_string(), allowed);
        if !(1..=16).contains(&self.queue_pairs) {
            return bad("queue_pairs", self.queue_pairs.into(), "1 to 16 queue pairs");
        }
        let (any_size, sizes) = match self.ring {
            Format::Split => (false, "a power of two up to 32768, or 0 for the device's maximum"),
            Format::Packed => (true, "1 to 32768, or 0 for the device's maximum"),
        };
        let right_size = any_size || self.queue_size.is_power_of_two();
        if self.queue_size != 0 && (!right_size || self.queue_size > 32768) {
            return bad("queue_size", self.queue_size.into(), sizes);
        }
        if self.ring == Format::Packed {
            for (key, shape) in [
                ("tx.shape", self.tx.shape),
                ("rx.shape", self.rx.shape),
                ("command_shape", self.command_shape),
            ] {
                if shape == Shape::DirectThenIndirect {
                    let allowed = "direct or indirect with ring = \"packed\", whose lists mix no indirect descriptor in";
                    return not(key, "direct_then_indirect".to_owned(), allowed);
                }
            }
        }
        let other = |m: &&Misbehave| m.what.only().is_some_and(|only| only != self.ring);
        if let Some(m) = self.misbehave.iter().find(other) {
            let allowed = match self.ring {
                Format::Split => "a breach that split rings have; this one needs ring = \"packed\"",
                Format::Packed => "a breach that packed rings have; this one needs ring = \"split\"",
            };
            return not("misbehave.what", m.what.word(), allowed);
        }
        if let Some(start) = self.ring_start
            && self.ring == Format::Packed
            && self.queue_size != 0
            && start & 0x7fff >= self.queue_size
        {
            let allowed = "a slot below queue_size, and the wrap counter in bit 15";
            return bad("ring_start", start.into(), allowed);
        }
        if self.tx.batch == 0 {
            return bad("tx.batch", 0, "at least 1");
        }
        if self.rx.refill_batch == 0 {
            return bad("rx.refill_batch", 0, "at least 1");
        }
        if self.rx.buffer_bytes != 0 && self.rx.buffer_bytes < NET_HEADER_BYTES {
            return bad(
                "rx.buffer_bytes",
                self.rx.buffer_bytes.into(),
                "0, or at least the 12 bytes of the packet header",
            );
        }
        if self.tx.interrupt_after_per_mille > 1000 {
            return bad(
                "tx.interrupt_after_per_mille",
                self.tx.interrupt_after_per_mille.into(),
                "at most 1000",
            );
        }
        if self.kicks.repeat_per_mille > 1000 {
            return bad(
                "kicks.repeat_per_mille",
                self.kicks.repeat_per_mille.into(),
                "at most 1000",
            );
        }
        if self.kicks.late_ns_max > LATE_NS_MAX {
            return bad(
                "kicks.late_ns_max",
                self.kicks.late_ns_max.into(),
                "at most 20000 ns",
            );
        }
        if let Some(bit) = self.decline.iter().find(|b| **b > 127) {
            return bad("decline", (*bit).into(), "feature bits 0 to 127");
        }
        Ok(())
    }

    /// Bytes of a receive buffer for a device whose longest frame is `max_frame_bytes`.
    #[must_use]
    pub fn rx_buffer_bytes(&self, mergeable: bool, max_frame_bytes: u32) -> u32 {
        match self.rx.buffer_bytes {
            0 if mergeable => 1536,
            0 => NET_HEADER_BYTES + max_frame_bytes,
            n => n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_survive_toml() {
        let c = DriverConfig::default();
        c.check().unwrap();
        let text = toml::to_string(&c).unwrap();
        assert_eq!(toml::from_str::<DriverConfig>(&text).unwrap(), c, "{text}");
        assert!(
            toml::from_str::<DriverConfig>("que_pairs = 2")
                .unwrap_err()
                .to_string()
                .contains("unknown field")
        );
    }

    #[test]
    fn the_format_of_the_ring_decides_what_may_be() {
        let check = |text: &str| {
            let c: DriverConfig = toml::from_str(text).unwrap();
            c.check().map_err(|e| e.to_string())
        };
        for size in [1, 3, 255, 32768] {
            assert_eq!(check(&format!("ring = \"packed\"\nqueue_size = {size}")), Ok(()));
        }
        assert_eq!(
            check("ring = \"packed\"\nqueue_size = 32769").unwrap_err(),
            "driver.queue_size = 32769: 1 to 32768, or 0 for the device's maximum"
        );
        assert_eq!(
            check("ring = \"packed\"\ntx = { shape = \"direct_then_indirect\" }").unwrap_err(),
            "driver.tx.shape = direct_then_indirect: direct or indirect with ring = \"packed\", whose lists mix no indirect descriptor in"
        );
        assert_eq!(
            check("misbehave = [{ what = \"wrong_wrap\", queue = 1 }]").unwrap_err(),
            "driver.misbehave.what = wrong_wrap: a breach that split rings have; this one needs ring = \"packed\""
        );
        assert!(check("ring = \"packed\"\nmisbehave = [{ what = \"loop\", queue = 1 }]").is_err());
    }

    #[test]
    fn every_range_is_checked() {
        type Spoil = fn(&mut DriverConfig);
        let cases: [(&str, Spoil); 9] = [
            ("queue_pairs", |c| c.queue_pairs = 0),
            ("queue_size", |c| c.queue_size = 100),
            ("tx.batch", |c| c.tx.batch = 0),
            ("rx.refill_batch", |c| c.rx.refill_batch = 0),
            ("rx.buffer_bytes", |c| c.rx.buffer_bytes = 11),
            ("tx.interrupt_after_per_mille", |c| {
                c.tx.interrupt_after_per_mille = 1001;
            }),
            ("kicks.repeat_per_mille", |c| c.kicks.repeat_per_mille = 1001),
            ("kicks.late_ns_max", |c| c.kicks.late_ns_max = 20_001),
            ("decline", |c| c.decline = vec![128]),
        ];
        for (key, spoil) in cases {
            let mut c = DriverConfig::default();
            spoil(&mut c);
            assert_eq!(c.check().unwrap_err().key, key);
        }
    }
}
