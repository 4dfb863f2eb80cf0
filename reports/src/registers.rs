//! What the driver set up, followed from its register accesses: negotiated features, queue addresses and sizes.

use std::collections::BTreeMap;

use ringside_models::event::{Channel, Event, Region, What};
use ringside_models::tlp::{Body, Tlp};

/// `EVENT_IDX`.
pub(crate) const EVENT_IDX: u32 = 29;
/// `RING_PACKED`.
pub(crate) const RING_PACKED: u32 = 34;
/// `IN_ORDER`.
pub(crate) const IN_ORDER: u32 = 35;
/// `NOTIFICATION_DATA`.
pub(crate) const NOTIFICATION_DATA: u32 = 38;
const MQ: u32 = 22;
const CTRL_VQ: u32 = 17;
const DRIVER_OK: u8 = 4;

// Offsets in the common configuration (virtio 1.x, 4.1.4.3).
const DRIVER_FEATURE_SELECT: usize = 8;
const DRIVER_FEATURE: usize = 12;
const NUM_QUEUES: usize = 18;
const DEVICE_STATUS: usize = 20;
const QUEUE_SELECT: usize = 22;
const QUEUE_SIZE: usize = 24;
const QUEUE_ENABLE: usize = 28;
const QUEUE_DESC: usize = 32;
const QUEUE_DRIVER: usize = 40;
const QUEUE_DEVICE: usize = 48;
const QUEUE_RESET: usize = 58;
const COMMON_BYTES: usize = 64;
/// `max_virtqueue_pairs` in the network device's configuration.
const NET_PAIRS: u64 = 8;

/// Addresses of one enabled queue, by the names of a split ring's parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    /// Entries.
    pub(crate) size: u16,
    /// Descriptor table, or descriptor ring.
    pub(crate) desc: u64,
    /// Available ring, or driver event suppression structure.
    pub(crate) driver: u64,
    /// Used ring, or device event suppression structure.
    pub(crate) device: u64,
}

/// Something that changed what queues exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A queue was enabled.
    Enabled(u16, Ring),
    /// A queue was reset.
    Stopped(u16),
    /// The device was reset.
    Reset,
}

/// What a queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Transmits frames.
    Transmit,
    /// Receives frames.
    Receive,
    /// Control queue.
    Control,
    /// A queue of a device type this reader knows nothing about.
    Other,
}

impl Role {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Role::Receive => "receive",
            Role::Transmit => "transmit",
            Role::Control => "control",
            Role::Other => "other",
        }
    }
}

/// Follows the registers.
#[derive(Debug)]
pub(crate) struct Registers {
    device_type: u32,
    common: Option<(u64, u64)>,
    device: Option<(u64, u64)>,
    image: [u8; COMMON_BYTES],
    sizes: BTreeMap<u16, u16>,
    reads: BTreeMap<(u16, u16), u64>,
    accepted: u128,
    /// Features in force at the latest `DRIVER_OK`.
    pub(crate) features: Option<u128>,
    /// `max_virtqueue_pairs`, when the driver read it.
    pairs: Option<u16>,
    num_queues: Option<u16>,
    /// Every queue that was ever enabled, with its latest size.
    enabled: BTreeMap<u16, u16>,
}

impl Registers {
    pub(crate) fn new(device_type: u32) -> Self {
        Registers {
            device_type,
            common: None,
            device: None,
            image: [0; COMMON_BYTES],
            sizes: BTreeMap::new(),
            reads: BTreeMap::new(),
            accepted: 0,
            features: None,
            pairs: None,
            num_queues: None,
            enabled: BTreeMap::new(),
        }
    }

    pub(crate) fn has(&self, bit: u32) -> bool {
        let features = if self.accepted == 0 {
            self.features.unwrap_or(0)
        } else {
            self.accepted
        };
        features >> bit & 1 == 1
    }

    /// What a queue is for, as far as the device type tells.
    pub(crate) fn role(&self, queue: u16) -> Role {
        let control = match (self.has(CTRL_VQ), self.has(MQ)) {
            (false, _) => None,
            (true, false) => Some(2),
            (true, true) => self
                .pairs
                .or(self.num_queues.map(|n| (n / 2).max(1)))
                .map(|p| p.saturating_mul(2)),
        };
        match (self.device_type, control) {
            (1, Some(c)) if c == queue => Role::Control,
            (1, _) if queue.is_multiple_of(2) => Role::Receive,
            (1, _) => Role::Transmit,
            _ => Role::Other,
        }
    }

    /// The queues in words: how many of each role and size.
    pub(crate) fn queue_sizes(&self) -> String {
        let mut groups: BTreeMap<(Role, u16), usize> = BTreeMap::new();
        for (queue, size) in &self.enabled {
            *groups.entry((self.role(*queue), *size)).or_default() += 1;
        }
        let words: Vec<String> = groups
            .iter()
            .map(|((role, size), n)| format!("{n} {} of {size} entries", role.word()))
            .collect();
        if words.is_empty() {
            "none enabled in the trace".to_owned()
        } else {
            words.join(", ")
        }
    }

    fn u16_at(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.image[at], self.image[at + 1]])
    }

    fn u32_at(&self, at: usize) -> u32 {
        u32::from(self.u16_at(at)) | u32::from(self.u16_at(at + 2)) << 16
    }

    fn u64_at(&self, at: usize) -> u64 {
        u64::from(self.u32_at(at)) | u64::from(self.u32_at(at + 4)) << 32
    }

    /// Looks at an event; says what changed.
    pub(crate) fn observe(&mut self, event: &Event) -> Option<Change> {
        match &event.what {
            What::Map {
                region: Region::Common,
                addr,
                len_bytes,
                ..
            } => self.common = Some((*addr, u64::from(*len_bytes))),
            What::Map {
                region: Region::Device,
                addr,
                len_bytes,
                ..
            } => self.device = Some((*addr, u64::from(*len_bytes))),
            What::HardReset {} => return Some(self.reset()),
            What::Tlp {
                ch: Channel::Cq, tlp, ..
            } => return self.request(tlp),
            What::Tlp {
                ch: Channel::Cc, tlp, ..
            } => self.completion(tlp),
            _ => {}
        }
        None
    }

    fn reset(&mut self) -> Change {
        self.image = [0; COMMON_BYTES];
        self.sizes.clear();
        self.accepted = 0;
        Change::Reset
    }

    fn request(&mut self, tlp: &Tlp) -> Option<Change> {
        let (first, bytes) = tlp.span()?;
        match &tlp.body {
            Body::MRd { req, tag, .. } => {
                self.reads.insert((*req, *tag), first);
                None
            }
            Body::MWr { addr, data, .. } => {
                let (base, len) = self.common?;
                let mut touched = [false; COMMON_BYTES];
                for i in 0..bytes {
                    let at = first.wrapping_add(i);
                    let offset = at.checked_sub(base).filter(|o| *o < len.min(COMMON_BYTES as u64));
                    if let (Some(o), Some(byte)) = (offset, data.get((at.wrapping_sub(*addr)) as usize)) {
                        self.image[o as usize] = *byte;
                        touched[o as usize] = true;
                    }
                }
                self.act(&touched)
            }
            _ => None,
        }
    }

    fn act(&mut self, touched: &[bool; COMMON_BYTES]) -> Option<Change> {
        if touched[DRIVER_FEATURE] {
            let select = self.u32_at(DRIVER_FEATURE_SELECT);
            if select < 4 {
                let shift = 32 * select;
                self.accepted &= !(0xffff_ffff_u128 << shift);
                self.accepted |= u128::from(self.u32_at(DRIVER_FEATURE)) << shift;
            }
        }
        let queue = self.u16_at(QUEUE_SELECT);
        if touched[QUEUE_SELECT] {
            self.image[QUEUE_SIZE..QUEUE_DEVICE + 8].fill(0);
        }
        if touched[QUEUE_SIZE] {
            self.sizes.insert(queue, self.u16_at(QUEUE_SIZE));
        }
        if touched[DEVICE_STATUS] {
            let status = self.image[DEVICE_STATUS];
            if status == 0 {
                return Some(self.reset());
            }
            if status & DRIVER_OK != 0 {
                self.features = Some(self.accepted);
            }
        }
        if touched[QUEUE_ENABLE] && self.u16_at(QUEUE_ENABLE) == 1 {
            let ring = Ring {
                size: self.sizes.get(&queue).copied().unwrap_or(0),
                desc: self.u64_at(QUEUE_DESC),
                driver: self.u64_at(QUEUE_DRIVER),
                device: self.u64_at(QUEUE_DEVICE),
            };
            self.enabled.insert(queue, ring.size);
            return Some(Change::Enabled(queue, ring));
        }
        (touched[QUEUE_RESET] && self.u16_at(QUEUE_RESET) == 1).then_some(Change::Stopped(queue))
    }

    fn completion(&mut self, tlp: &Tlp) {
        let Body::Cpl {
            req,
            tag,
            data,
            lower,
            ..
        } = &tlp.body
        else {
            return;
        };
        let Some(addr) = self.reads.remove(&(*req, *tag)) else {
            return;
        };
        let u16_of = |at: u64| -> Option<u16> {
            // `addr` is the first enabled byte; its place in the payload follows from the lower address
            let i = (at.checked_sub(addr)? + u64::from(lower & 3)) as usize;
            Some(u16::from_le_bytes([*data.get(i)?, *data.get(i + 1)?]))
        };
        if let Some((base, _)) = self.common {
            if let Some(size) = u16_of(base + QUEUE_SIZE as u64) {
                let queue = self.u16_at(QUEUE_SELECT);
                self.sizes.insert(queue, size);
            }
            if let Some(n) = u16_of(base + NUM_QUEUES as u64) {
                self.num_queues = Some(n);
            }
        }
        if let Some((base, _)) = self.device.filter(|_| self.device_type == 1)
            && let Some(pairs) = u16_of(base + NET_PAIRS)
        {
            self.pairs = Some(pairs);
        }
    }
}

#[cfg(test)]
mod tests {
    use ringside_models::testutil::{CTRL, Part, RX, SIZE, TX, USUAL, World, ring};

    use super::*;

    fn followed(world: &World) -> (Registers, Vec<Change>) {
        let mut r = Registers::new(1);
        let changes = world.events.iter().filter_map(|e| r.observe(e)).collect();
        (r, changes)
    }

    #[test]
    fn bring_up_is_understood() {
        let world = World::started(USUAL);
        let (r, changes) = followed(&world);
        assert_eq!(r.features, Some(USUAL));
        let ring = |queue| Ring {
            size: SIZE,
            desc: ring(queue, Part::Desc, 0),
            driver: ring(queue, Part::Avail, 0),
            device: ring(queue, Part::Used, 0),
        };
        assert_eq!(changes[2..], [RX, TX, CTRL].map(|q| Change::Enabled(q, ring(q))));
        assert_eq!(changes[..2], [Change::Reset, Change::Reset]);
        assert_eq!(
            [RX, TX, CTRL].map(|q| r.role(q)),
            [Role::Receive, Role::Transmit, Role::Control]
        );
        assert_eq!(
            r.queue_sizes(),
            "1 transmit of 8 entries, 1 receive of 8 entries, 1 control of 8 entries"
        );
    }

    #[test]
    fn resets_are_seen_and_roles_outlive_them() {
        let mut world = World::started(USUAL);
        world.write16(0x16, TX);
        world.write16(QUEUE_RESET as u64, 1);
        world.status(0);
        let (r, changes) = followed(&world);
        assert_eq!(changes[5..], [Change::Stopped(TX), Change::Reset]);
        assert_eq!(r.role(CTRL), Role::Control);
    }
}
