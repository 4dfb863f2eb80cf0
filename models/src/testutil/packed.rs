//! Steps of a driver and a device with packed rings.

use super::driver::Buffer;
use super::{BDF, Part, World, ring};
use crate::event::{Channel, Event, What};

/// Slots of each packed ring: odd, so that laps and lines do not meet.
pub const LAP: u16 = 5;

/// One packed ring as driver and device of this world see it.
#[derive(Clone, Debug, Default)]
pub struct PackedRing {
    /// Position of the next free descriptor.
    pub avail: u64,
    /// Position of the next used descriptor.
    pub used: u64,
    next_id: u16,
}

/// A list that was made available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Buffer id.
    pub id: u16,
    /// Position of its first descriptor.
    pub position: u64,
    /// Descriptors in the ring.
    pub count: u64,
    /// Address and length of each buffer.
    pub buffers: Vec<(u64, u32)>,
    /// Indirect table: address, bytes.
    pub table: Option<(u64, u32)>,
    /// Flags of the first descriptor.
    pub flags: u16,
}

impl World {
    /// {wrap, offset} of a position.
    #[must_use]
    pub fn place(&self, position: u64) -> u16 {
        let lap = u64::from(LAP);
        (position % lap) as u16 | u16::from((position / lap).is_multiple_of(2)) << 15
    }

    /// Address of the descriptor at a position.
    #[must_use]
    pub fn descriptor_at(&self, queue: u16, position: u64) -> u64 {
        ring(queue, Part::Desc, 16 * (position % u64::from(LAP)))
    }

    fn available(&self, position: u64) -> u16 {
        if self.place(position) >> 15 == 1 {
            1 << 7
        } else {
            1 << 15
        }
    }

    /// Flags of a used descriptor at a position, WRITE aside.
    #[must_use]
    pub fn used_flags(&self, position: u64) -> u16 {
        if self.place(position) >> 15 == 1 {
            0x8080
        } else {
            0
        }
    }

    /// Writes a list, but for the flags of its first descriptor.
    pub fn list(&mut self, queue: u16, buffers: &[Buffer], indirect: bool) -> Listed {
        let r = &mut self.packed[usize::from(queue)];
        let (position, id) = (r.avail, 0x4000 + r.next_id % 1000);
        r.next_id += 1;
        let parts: Vec<(u64, u32, u16)> = buffers.iter().map(|b| self.fill(b)).collect();
        let mut listed = Listed {
            id,
            position,
            count: if indirect { 1 } else { parts.len() as u64 },
            buffers: parts.iter().map(|p| (p.0, p.1)).collect(),
            table: None,
            flags: self.available(position),
        };
        let mut first = (parts[0].0, parts[0].1);
        if indirect {
            let bytes = 16 * parts.len() as u32;
            let table = self.allocate(bytes);
            for (i, &(addr, len, flags)) in parts.iter().enumerate() {
                self.descriptor(table + 16 * i as u64, addr, len, 0xbeef, flags);
            }
            listed.table = Some((table, bytes));
            listed.flags |= 4;
            first = (table, bytes);
        } else {
            let last = parts.len() - 1;
            listed.flags |= parts[0].2 | u16::from(last > 0);
            for (i, &(addr, len, flags)) in parts.iter().enumerate().skip(1) {
                let p = position + i as u64;
                let flags = flags | u16::from(i < last) | self.available(p);
                self.descriptor(self.descriptor_at(queue, p), addr, len, id, flags);
            }
        }
        let mut body = first.0.to_le_bytes().to_vec();
        body.extend_from_slice(&first.1.to_le_bytes());
        let head_id = if listed.count > 1 { 0x7777 } else { id };
        body.extend_from_slice(&head_id.to_le_bytes());
        let at = self.descriptor_at(queue, position);
        self.store(at, &body);
        self.packed[usize::from(queue)].avail += listed.count;
        listed
    }

    /// Stores the flags that make a list available.
    pub fn show(&mut self, queue: u16, list: &Listed) {
        let at = self.descriptor_at(queue, list.position);
        self.store(at + 14, &list.flags.to_le_bytes());
    }

    /// Makes one list available.
    pub fn offer(&mut self, queue: u16, buffers: &[Buffer]) -> Listed {
        let list = self.list(queue, buffers, false);
        self.show(queue, &list);
        list
    }

    /// The device reads `count` descriptors from a position on; at the ring's end a second read goes on at its start.
    pub fn scan(&mut self, queue: u16, position: u64, count: u64) {
        let lap = u64::from(LAP);
        let first = count.min(lap - position % lap);
        self.fetch(self.descriptor_at(queue, position), 16 * first as usize);
        if count > first {
            self.scan(queue, position + first, count - first);
        }
    }

    /// The device reads a list as it should: the first descriptor, then the rest, then the table.
    pub fn fetch_list(&mut self, queue: u16, list: &Listed) {
        self.scan(queue, list.position, 1);
        if list.count > 1 {
            self.scan(queue, list.position + 1, list.count - 1);
        }
        if let Some((addr, len)) = list.table {
            self.fetch(addr, len as usize);
        }
    }

    /// Reads all of a list's buffers.
    pub fn read_list(&mut self, list: &Listed) {
        for &(addr, len) in &list.buffers {
            self.fetch(addr, len as usize);
        }
    }

    /// Writes a used descriptor `ahead` positions past the next one.
    pub fn used_descriptor(&mut self, queue: u16, ahead: u64, id: u16, len: u32) {
        let position = self.packed[usize::from(queue)].used + ahead;
        let flags = self.used_flags(position) | if len > 0 { 2 } else { 0 };
        self.put(
            self.descriptor_at(queue, position),
            &Self::used_bytes(id, len, flags),
        );
    }

    /// The bytes of a used descriptor.
    #[must_use]
    pub fn used_bytes(id: u16, len: u32, flags: u16) -> Vec<u8> {
        let mut d = vec![0; 8];
        d.extend_from_slice(&len.to_le_bytes());
        d.extend_from_slice(&id.to_le_bytes());
        d.extend_from_slice(&flags.to_le_bytes());
        d
    }

    /// Writes the used descriptor of a list where it belongs.
    pub fn use_list(&mut self, queue: u16, list: &Listed, len: u32) {
        self.used_descriptor(queue, 0, list.id, len);
        self.packed[usize::from(queue)].used += list.count;
    }

    /// Moves the next used position without writing.
    pub fn packed_advance(&mut self, queue: u16, slots: u64) {
        self.packed[usize::from(queue)].used += slots;
    }

    /// Answers a read with these bytes, whatever memory holds.
    pub fn answer_with(&mut self, tag: u16, at: u64, data: &[u8]) {
        self.completion(Channel::Rc, BDF, tag, at, data, data.len() as u16);
    }

    /// Makes the latest store visible only after so many cycles.
    pub fn delay_last_store(&mut self, cycles: u64) {
        if let Some(Event {
            cycle,
            what: What::Store { visible, .. },
        }) = self.events.last_mut()
        {
            *visible = Some(*cycle + cycles);
        }
    }

    /// Reads the driver's event structure.
    pub fn read_structure(&mut self, queue: u16) {
        self.fetch(ring(queue, Part::Avail, 0), 4);
    }

    /// The driver asks for an interrupt: mode, and the position for mode 2.
    pub fn ask_interrupt(&mut self, queue: u16, mode: u16, position: u64) {
        let mut word = self.place(position).to_le_bytes().to_vec();
        word.extend_from_slice(&mode.to_le_bytes());
        self.store(ring(queue, Part::Avail, 0), &word);
    }

    /// The device asks for a kick: mode, and the position for mode 2; then it looks at the next descriptor.
    pub fn ask_kick(&mut self, queue: u16, mode: u16, position: u64) {
        let mut word = self.place(position).to_le_bytes().to_vec();
        word.extend_from_slice(&mode.to_le_bytes());
        self.put(ring(queue, Part::Used, 0), &word);
        if mode != 1 {
            self.scan(queue, self.packed[usize::from(queue)].avail, 1);
        }
    }

    /// Returns a list: used descriptor, event structure, interrupt; the driver asks for the next one, the device for the next kick.
    pub fn finish_list(&mut self, queue: u16, list: &Listed, len: u32) {
        self.use_list(queue, list, len);
        self.read_structure(queue);
        self.msix(queue);
        self.ask_interrupt(queue, 2, self.packed[usize::from(queue)].used);
        self.ask_kick(queue, 2, self.packed[usize::from(queue)].avail);
    }

    /// A list of a frame in several pieces that the device has fetched, read and put on the wire.
    pub fn send_list(&mut self, frame: &[u8], pieces: usize, indirect: bool) -> Listed {
        let mut bytes = vec![0; 12];
        bytes.extend_from_slice(frame);
        let step = bytes.len().div_ceil(pieces);
        let buffers: Vec<Buffer> = bytes.chunks(step).map(|c| Buffer::Out(c.to_vec())).collect();
        let list = self.list(super::TX, &buffers, indirect);
        self.show(super::TX, &list);
        self.kick(super::TX);
        self.fetch_list(super::TX, &list);
        self.read_list(&list);
        self.wire_tx(frame);
        list
    }
}
