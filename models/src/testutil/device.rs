//! The device's steps.

use super::{BDF, MSI, Part, SIZE, World, enables, ring};
use crate::event::{Channel, What};
use crate::testutil::Given;
use crate::tlp::{Body, CplStatus};

impl World {
    /// Issues a read; returns its tag.
    pub fn issue(&mut self, at: u64, len: usize) -> u16 {
        self.tag = (self.tag + 1) % 256;
        let tag = self.tag;
        let (addr, dw, fbe, lbe) = enables(at, len);
        self.packet(
            Channel::Rq,
            Body::MRd {
                req: BDF,
                tag,
                addr,
                dw,
                fbe,
                lbe,
            },
        );
        tag
    }

    /// Answers a read with what memory holds.
    pub fn answer(&mut self, tag: u16, at: u64, len: usize) {
        let data = self.bytes(at, len);
        self.completion(Channel::Rc, BDF, tag, at, &data, len as u16);
    }

    /// Answers a read with Unsupported Request.
    pub fn refuse(&mut self, tag: u16, at: u64, len: usize) {
        let body = Body::Cpl {
            cpl: 0,
            req: BDF,
            tag,
            status: CplStatus::Ur,
            bytes: len as u16,
            lower: (at & 0x7f) as u8,
            data: vec![],
        };
        self.packet(Channel::Rc, body);
    }

    /// Reads memory.
    pub fn fetch(&mut self, at: u64, len: usize) {
        let tag = self.issue(at, len);
        self.answer(tag, at, len);
    }

    /// Writes memory.
    pub fn put(&mut self, at: u64, data: &[u8]) {
        self.set(at, data);
        let (addr, dw, fbe, lbe) = enables(at, data.len());
        let mut payload = vec![0; (at & 3) as usize];
        payload.extend_from_slice(data);
        payload.resize(usize::from(dw) * 4, 0);
        self.packet(
            Channel::Rq,
            Body::MWr {
                req: BDF,
                tag: 0,
                addr,
                fbe,
                lbe,
                data: payload,
            },
        );
    }

    /// Reads the available index.
    pub fn read_index(&mut self, queue: u16) {
        self.fetch(ring(queue, Part::Avail, 2), 2);
    }

    /// Reads the entry of the `back`-th latest chain (1: the latest).
    pub fn read_entry(&mut self, queue: u16, back: u16) {
        let place = self.rings[usize::from(queue)].avail.wrapping_sub(back) % SIZE;
        self.fetch(ring(queue, Part::Avail, 4 + 2 * u64::from(place)), 2);
    }

    /// Reads a chain's descriptors and its indirect table.
    pub fn read_descriptors(&mut self, queue: u16, given: &Given) {
        for &slot in &given.slots {
            self.fetch(ring(queue, Part::Desc, 16 * u64::from(slot)), 16);
        }
        if let Some((addr, len)) = given.table {
            self.fetch(addr, len as usize);
        }
    }

    /// Index, entry, descriptors of the latest chain.
    pub fn learn(&mut self, queue: u16, given: &Given) {
        self.read_index(queue);
        self.read_entry(queue, 1);
        self.read_descriptors(queue, given);
    }

    /// Reads all of a chain's buffers.
    pub fn read_payload(&mut self, given: &Given) {
        for &(addr, len) in &given.buffers {
            if len > 0 {
                self.fetch(addr, len as usize);
            }
        }
    }

    /// Writes the used element for a chain `ahead` slots past the used index.
    pub fn element(&mut self, queue: u16, ahead: u16, head: u16, len: u32) {
        let slot = self.rings[usize::from(queue)].used.wrapping_add(ahead) % SIZE;
        let mut e = u32::from(head).to_le_bytes().to_vec();
        e.extend_from_slice(&len.to_le_bytes());
        self.put(ring(queue, Part::Used, 4 + 8 * u64::from(slot)), &e);
    }

    /// Moves the used index by `n`.
    pub fn used_index(&mut self, queue: u16, n: u16) {
        let r = &mut self.rings[usize::from(queue)];
        r.used = r.used.wrapping_add(n);
        let idx = r.used;
        self.put(ring(queue, Part::Used, 2), &idx.to_le_bytes());
    }

    /// Reads the driver's event word.
    pub fn read_event(&mut self, queue: u16) {
        let offset = if self.features >> 29 & 1 == 1 {
            4 + 2 * u64::from(SIZE)
        } else {
            0
        };
        self.fetch(ring(queue, Part::Avail, offset), 2);
    }

    /// Asks for a kick from the next chain on, and looks again.
    pub fn arm(&mut self, queue: u16) {
        let idx = self.rings[usize::from(queue)].avail;
        self.put(
            ring(queue, Part::Used, 4 + 8 * u64::from(SIZE)),
            &idx.to_le_bytes(),
        );
        self.read_index(queue);
    }

    /// Sends the MSI-X message of a vector.
    pub fn msix(&mut self, vector: u16) {
        self.put(MSI, &(0x40 + u32::from(vector)).to_le_bytes());
    }

    /// Returns a chain: element, index, event word, interrupt.
    pub fn give_back(&mut self, queue: u16, given: &Given, len: u32) {
        self.element(queue, 0, given.head, len);
        self.used_index(queue, 1);
        self.read_event(queue);
        self.msix(queue);
        self.reclaim(queue, given);
        let seen = self.rings[usize::from(queue)].used;
        self.used_event(queue, seen);
    }

    /// A frame leaves on the wire.
    pub fn wire_tx(&mut self, frame: &[u8]) {
        self.push(What::WireTx {
            queue: 0,
            error: false,
            data: frame.to_vec(),
        });
    }

    /// A frame arrives on the wire.
    pub fn wire_rx(&mut self, frame: &[u8]) {
        self.push(What::WireRx {
            flow: 0,
            data: frame.to_vec(),
        });
    }

    /// Sends a frame: everything both sides do for one transmit chain.
    pub fn transmit(&mut self, frame: &[u8]) {
        let given = self.give(super::TX, &[super::driver::packet(frame)]);
        self.kick(super::TX);
        self.learn(super::TX, &given);
        self.read_payload(&given);
        self.wire_tx(frame);
        self.give_back(super::TX, &given, 0);
        self.arm(super::TX);
    }

    /// Bytes that the device writes for a received frame.
    #[must_use]
    pub fn received(frame: &[u8], num_buffers: u16) -> Vec<u8> {
        let mut bytes = vec![0; 10];
        bytes.extend_from_slice(&num_buffers.to_le_bytes());
        bytes.extend_from_slice(frame);
        bytes
    }
}
