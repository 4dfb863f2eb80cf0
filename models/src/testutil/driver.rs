//! The host's and driver's steps.

use super::{
    BDF, COMMON, CONFIG_VECTOR, DEVICE, KICK_VALUES, LAP, MSI, NOTIFY, Part, SIZE, TABLE, World, enables,
    ring,
};
use crate::event::{Channel, What};
use crate::tlp::Body;

/// A buffer to be made available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Buffer {
    /// Device-readable, with this content.
    Out(Vec<u8>),
    /// Device-writable, of this length.
    In(u32),
}

/// A chain that was made available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Head.
    pub head: u16,
    /// Descriptor slots in order.
    pub slots: Vec<u16>,
    /// Address and length of each buffer.
    pub buffers: Vec<(u64, u32)>,
    /// Indirect table: address, bytes.
    pub table: Option<(u64, u32)>,
}

/// `mtu` of the device.
const MTU: u16 = 400;

/// Virtio capabilities of the function, without their links: window, common configuration, notification, ISR, device configuration.
pub(super) const CAPABILITIES: [&[u32]; 5] = [
    &[0x0514_0009],
    &[0x0110_0009, 0, 0, 64],
    &[0x0214_0009, 0, 0x3000, 64, 4],
    &[0x0310_0009, 0, 0x1000, 4],
    &[0x0410_0009, 0, 0x2000, 64],
];

impl World {
    /// A fresh tag for a request of the host.
    pub fn host_tag(&mut self) -> u16 {
        self.host_tag = (self.host_tag + 1) % 32;
        self.host_tag
    }

    /// A configuration read and its answer.
    pub fn config_read(&mut self, reg: u16, value: u32) {
        self.host_tag = (self.host_tag + 1) % 32;
        let tag = self.host_tag;
        self.packet(
            Channel::Cq,
            Body::CfgRd {
                req: 0,
                tag,
                target: BDF,
                reg,
                fbe: 15,
            },
        );
        self.completion(Channel::Cc, 0, tag, 0, &value.to_le_bytes(), 4);
    }

    /// A configuration write and its answer.
    pub fn config_write(&mut self, reg: u16, fbe: u8, value: u32) {
        self.host_tag = (self.host_tag + 1) % 32;
        let tag = self.host_tag;
        self.packet(
            Channel::Cq,
            Body::CfgWr {
                req: 0,
                tag,
                target: BDF,
                reg,
                fbe,
                data: value.to_le_bytes().to_vec(),
            },
        );
        self.completion(Channel::Cc, 0, tag, 0, &[], 4);
    }

    /// A register write.
    pub fn write(&mut self, at: u64, data: &[u8]) {
        let (addr, dw, fbe, lbe) = enables(at, data.len());
        let mut payload = vec![0; (at & 3) as usize];
        payload.extend_from_slice(data);
        payload.resize(usize::from(dw) * 4, 0);
        self.packet(
            Channel::Cq,
            Body::MWr {
                req: 0,
                tag: 0,
                addr,
                fbe,
                lbe,
                data: payload,
            },
        );
    }

    /// The request half of a register read; returns its tag.
    pub fn ask(&mut self, at: u64, len: usize) -> u16 {
        self.host_tag = (self.host_tag + 1) % 32;
        let tag = self.host_tag;
        let (addr, dw, fbe, lbe) = enables(at, len);
        self.packet(
            Channel::Cq,
            Body::MRd {
                req: 0,
                tag,
                addr,
                dw,
                fbe,
                lbe,
            },
        );
        tag
    }

    /// A register read answered with `value`.
    pub fn read(&mut self, at: u64, value: &[u8]) {
        let tag = self.ask(at, value.len());
        self.completion(Channel::Cc, 0, tag, at, value, value.len() as u16);
    }

    /// The answer to a register read asked for before.
    pub fn answered(&mut self, tag: u16, at: u64, value: &[u8]) {
        self.completion(Channel::Cc, 0, tag, at, value, value.len() as u16);
    }

    /// The answer to a read of ISR status asked for before.
    pub fn isr_answer(&mut self, tag: u16, value: u8) {
        self.completion(Channel::Cc, 0, tag, super::ISR, &[value], 1);
    }

    /// The answer to a register read asked for before.
    pub fn register_answer(&mut self, tag: u16, at: u64, value: &[u8]) {
        self.completion(Channel::Cc, 0, tag, at, value, value.len() as u16);
    }

    /// A 16-bit write to the common configuration.
    pub fn write16(&mut self, offset: u64, value: u16) {
        self.write(COMMON + offset, &value.to_le_bytes());
    }

    /// A 16-bit read of the common configuration.
    pub fn read16(&mut self, offset: u64, value: u16) {
        self.read(COMMON + offset, &value.to_le_bytes());
    }

    /// Writes `device_status`.
    pub fn status(&mut self, value: u8) {
        self.write(COMMON + 0x14, &[value]);
    }

    /// Reads `device_status`.
    pub fn status_is(&mut self, value: u8) {
        self.read(COMMON + 0x14, &[value]);
    }

    /// Reads the capability list: PCI Express, MSI-X, and those of virtio.
    fn walk_capabilities(&mut self) {
        let virtio = self.capabilities.clone();
        self.config_read(0x34, 0x40);
        self.config_read(0x40, 0x0002_5010);
        self.config_read(0x50, 0x0003_6011);
        let mut at = 0x60;
        for (n, cap) in virtio.iter().enumerate() {
            let end = at + 4 * cap.len() as u16;
            let next = if n + 1 < virtio.len() { end } else { 0 };
            // Backwards, so that a capability is known in full once its head is.
            for (i, &word) in cap.iter().enumerate().rev() {
                let link = if i == 0 { u32::from(next) << 8 } else { 0 };
                self.config_read(at + 4 * i as u16, word | link);
            }
            at = end;
        }
    }

    /// Enumeration: capabilities, MSI-X on, bus mastering on.
    pub fn enumerate(&mut self) {
        self.push(What::HardReset {});
        self.push(What::Credit {
            ph: 127,
            pd: 2047,
            nph: 127,
            npd: 2047,
            cplh: 127,
            cpld: 2047,
        });
        self.push(What::LinkUp { up: true });
        self.config_read(0x00, 0x1041_1af4);
        self.config_read(0x08, 0x0200_0001);
        self.config_read(0x2c, 0x1041_1af4);
        self.walk_capabilities();
        self.config_write(0x48, 3, 0x2000 | 1 << 8 | 1 << 5);
        self.config_write(0x50, 15, 0x8003_0011);
        self.config_write(0x04, 3, 0x0006);
        self.map();
        for vector in 0..4u16 {
            let at = TABLE + 16 * u64::from(vector);
            let mut entry = MSI.to_le_bytes().to_vec();
            entry.extend_from_slice(&(0x40 + u32::from(vector)).to_le_bytes());
            entry.extend_from_slice(&[0; 4]);
            self.write(at, &entry);
        }
    }

    /// Reset, negotiation of the world's features, up to `FEATURES_OK`.
    pub fn negotiate(&mut self) {
        self.status(0);
        self.status_is(0);
        self.status(1);
        self.status(3);
        for window in 0..2u32 {
            let bits = (self.features >> (32 * window)) as u32;
            self.write(COMMON, &window.to_le_bytes());
            self.read(COMMON + 4, &bits.to_le_bytes());
            self.write(COMMON + 8, &window.to_le_bytes());
            self.write(COMMON + 0xc, &bits.to_le_bytes());
        }
        self.status(0xb);
        self.status_is(0xb);
        self.read(COMMON + 0x15, &[0]);
        self.read(DEVICE, &[2, 0, 0, 0, 0, 1]);
        self.read(DEVICE + 8, &self.pairs.to_le_bytes());
        if self.features >> 3 & 1 == 1 {
            self.read(DEVICE + 10, &MTU.to_le_bytes());
        }
        self.read16(0x12, 2 * self.pairs + 1);
    }

    /// Size that the driver gives to queues.
    #[must_use]
    pub fn size(&self) -> u16 {
        if self.features >> 34 & 1 == 1 { LAP } else { SIZE }
    }

    /// Sets up and enables a queue.
    pub fn enable(&mut self, queue: u16) {
        self.set_up(queue);
        self.write16(0x1c, 1);
        self.read16(0x1c, 1);
    }

    /// Sets up a queue, all but its enabling.
    pub fn set_up(&mut self, queue: u16) {
        self.write16(0x16, queue);
        let size = self.size();
        self.read16(0x18, 256);
        self.write16(0x18, size);
        self.read16(0x18, size);
        self.read16(0x1e, queue);
        if self.features >> 39 & 1 == 1 {
            self.read16(0x38, KICK_VALUES - queue);
        }
        self.write16(0x1a, queue);
        self.read16(0x1a, queue);
        for (offset, part) in [(0x20, Part::Desc), (0x28, Part::Avail), (0x30, Part::Used)] {
            let addr = ring(queue, part, 0);
            self.write(COMMON + offset, &(addr as u32).to_le_bytes());
            self.write(COMMON + offset + 4, &((addr >> 32) as u32).to_le_bytes());
            self.read(COMMON + offset, &(addr as u32).to_le_bytes());
        }
    }

    /// Everything up to `DRIVER_OK`.
    pub fn start(&mut self) {
        self.enumerate();
        self.negotiate();
        self.write16(0x10, CONFIG_VECTOR);
        self.read16(0x10, CONFIG_VECTOR);
        for queue in 0..3 {
            self.enable(queue);
        }
        self.status(0xf);
        self.status_is(0xf);
    }

    /// A world that has been started.
    #[must_use]
    pub fn started(features: u128) -> Self {
        let mut w = World::new(features);
        w.start();
        w
    }

    /// A store of the driver, visible at once.
    pub fn store(&mut self, addr: u64, data: &[u8]) {
        self.set(addr, data);
        self.push(What::Store {
            addr,
            data: data.to_vec(),
            visible: None,
        });
    }

    pub(super) fn descriptor(&mut self, at: u64, addr: u64, len: u32, flags: u16, next: u16) {
        let mut d = addr.to_le_bytes().to_vec();
        d.extend_from_slice(&len.to_le_bytes());
        d.extend_from_slice(&flags.to_le_bytes());
        d.extend_from_slice(&next.to_le_bytes());
        self.store(at, &d);
    }

    pub(super) fn allocate(&mut self, len: u32) -> u64 {
        let mut at = self.next_buffer;
        if len <= 256 && at % 4096 + u64::from(len) > 4096 {
            at = at.next_multiple_of(4096); // so that one read brings it
        }
        self.next_buffer = at + u64::from(len).next_multiple_of(64) + 64;
        at
    }

    pub(super) fn fill(&mut self, buffer: &Buffer) -> (u64, u32, u16) {
        match buffer {
            Buffer::Out(data) => {
                let at = self.allocate(data.len() as u32);
                self.store(at, data);
                (at, data.len() as u32, 0)
            }
            Buffer::In(len) => (self.allocate(*len), *len, 2),
        }
    }

    /// Writes a chain's descriptors and its entry; the index does not move yet.
    pub fn prepare(&mut self, queue: u16, buffers: &[Buffer], indirect: bool) -> Given {
        let parts: Vec<(u64, u32, u16)> = buffers.iter().map(|b| self.fill(b)).collect();
        let mut given = Given {
            head: 0,
            slots: Vec::new(),
            buffers: parts.iter().map(|p| (p.0, p.1)).collect(),
            table: None,
        };
        let last = parts.len() - 1;
        if indirect {
            let bytes = 16 * parts.len() as u32;
            let table = self.allocate(bytes);
            for (i, &(addr, len, flags)) in parts.iter().enumerate() {
                self.descriptor(
                    table + 16 * i as u64,
                    addr,
                    len,
                    flags | u16::from(i < last),
                    (i + 1) as u16,
                );
            }
            given.slots = vec![self.slot(queue)];
            given.table = Some((table, bytes));
            self.descriptor(
                ring(queue, Part::Desc, 16 * u64::from(given.slots[0])),
                table,
                bytes,
                4,
                0,
            );
        } else {
            given.slots = parts.iter().map(|_| self.slot(queue)).collect();
            for (i, &(addr, len, flags)) in parts.iter().enumerate() {
                let next = given.slots.get(i + 1).copied();
                let at = ring(queue, Part::Desc, 16 * u64::from(given.slots[i]));
                self.descriptor(
                    at,
                    addr,
                    len,
                    flags | u16::from(next.is_some()),
                    next.unwrap_or(0),
                );
            }
        }
        given.head = given.slots[0];
        let place = self.rings[usize::from(queue)].avail % SIZE;
        self.store(
            ring(queue, Part::Avail, 4 + 2 * u64::from(place)),
            &given.head.to_le_bytes(),
        );
        self.rings[usize::from(queue)].avail = self.rings[usize::from(queue)].avail.wrapping_add(1);
        given
    }

    /// Descriptor slots that are free, the next one last.
    pub fn free_slots(&mut self, queue: u16) -> &mut Vec<u16> {
        &mut self.rings[usize::from(queue)].free
    }

    fn slot(&mut self, queue: u16) -> u16 {
        self.rings[usize::from(queue)]
            .free
            .pop()
            .expect("a free descriptor: tests give back what they take")
    }

    /// Stores the available index: what was prepared becomes available.
    pub fn publish(&mut self, queue: u16) {
        let idx = self.rings[usize::from(queue)].avail;
        self.store(ring(queue, Part::Avail, 2), &idx.to_le_bytes());
    }

    /// Prepares and publishes one chain.
    pub fn give(&mut self, queue: u16, buffers: &[Buffer]) -> Given {
        let given = self.prepare(queue, buffers, false);
        self.publish(queue);
        given
    }

    /// The driver reclaims a used chain.
    pub fn reclaim(&mut self, queue: u16, given: &Given) {
        let free = &mut self.rings[usize::from(queue)].free;
        if self.features >> 35 & 1 == 1 {
            for &slot in &given.slots {
                free.insert(0, slot); // round the table
            }
        } else {
            free.extend(given.slots.iter().rev());
        }
    }

    /// The driver says up to which used index it has seen (`used_event`).
    pub fn used_event(&mut self, queue: u16, value: u16) {
        self.store(
            ring(queue, Part::Avail, 4 + 2 * u64::from(SIZE)),
            &value.to_le_bytes(),
        );
    }

    /// A kick.
    pub fn kick(&mut self, queue: u16) {
        let own = self.features >> 39 & 1 == 1;
        self.kick_saying(queue, if own { KICK_VALUES - queue } else { queue });
    }

    /// A kick with this value.
    pub fn kick_saying(&mut self, queue: u16, named: u16) {
        let at = NOTIFY + 4 * u64::from(queue);
        if self.features >> 38 & 1 == 1 {
            let next = if self.size() == LAP {
                self.place(self.packed[usize::from(queue)].avail)
            } else {
                self.rings[usize::from(queue)].avail
            };
            let value = u32::from(named) | u32::from(next) << 16;
            self.write(at, &value.to_le_bytes());
        } else {
            self.write(at, &named.to_le_bytes());
        }
    }

    /// Forgets ring positions of a queue, as after its reset.
    pub fn fresh_ring(&mut self, queue: u16) {
        self.packed[usize::from(queue)] = super::PackedRing::default();
        let r = &mut self.rings[usize::from(queue)];
        (r.avail, r.used, r.free) = (0, 0, (0..SIZE).rev().collect());
        for (part, len) in [
            (Part::Desc, 16 * usize::from(SIZE)),
            (Part::Avail, 6 + 2 * usize::from(SIZE)),
            (Part::Used, 6 + 8 * usize::from(SIZE)),
        ] {
            self.store(ring(queue, part, 0), &vec![0; len]);
        }
    }
}

/// A transmit buffer: header of twelve zero bytes, then the frame.
#[must_use]
pub fn packet(frame: &[u8]) -> Buffer {
    let mut bytes = vec![0; 12];
    bytes.extend_from_slice(frame);
    Buffer::Out(bytes)
}
