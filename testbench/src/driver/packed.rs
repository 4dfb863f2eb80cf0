//! The driver's side of a packed virtqueue.
//!
//! One descriptor ring of any size, lists that may cross its end, and buffer ids from a table of their own. What was added is shown to the
//! device at once: of every list the head's flags come last, and the flags of the first list's head are held back until all the rest lies in
//! the ring (PACKED-DRV-011, 016, 017). Followers are written as Linux does it, flags before the body: a device that trusts a follower's flags
//! before it has seen the head's gets what it deserves. Used descriptors are read with the suspicion that a device under test deserves.
//! What needs time - a full barrier, a kick - is its caller's.

mod ids;
pub mod layout;
mod write;

use std::collections::BTreeMap;

use super::misbehave::Wrong;
use super::ring::{
    AddError, Areas, Batch, Element, QueueOptions, Shape, Used, UsedError, completely, zeroed,
};
use crate::host::memory::{Memory, MemoryError};
use ids::Ids;
use layout::{AVAIL, EVENT_DESC, EVENT_DISABLE, EVENT_ENABLE, EVENT_MODE, Layout, Position, USED, WRITE};

struct Chain<T> {
    token: T,
    /// Running number, in the order of availability.
    number: u64,
    /// Slot of the head.
    head: u16,
    slots: u32,
    table: Option<u64>,
    room_bytes: u64,
}

/// A packed virtqueue, from the driver's side. `T` is what the owner wants back with a chain.
pub struct PackedQueue<T> {
    memory: Memory,
    layout: Layout,
    event_idx: bool,
    in_order: bool,
    ids: Ids,
    /// By buffer id. An id has more than one chain only when that breach is planned ([`Wrong::ReuseId`]).
    chains: BTreeMap<u16, Vec<Chain<T>>>,
    /// Buffer id and slots of the chains in flight, in the order of availability.
    order: BTreeMap<u64, (u16, u32)>,
    /// A used descriptor that was taken and stands for chains that were not yet: the last one's number.
    batch: Option<Batch<u64>>,
    added: u64,
    free_slots: u32,
    /// Where the next chain goes.
    next: Position,
    /// Slot and flags that show everything added since the last publication.
    held_back: Option<(u16, u16)>,
    published: Position,
    /// Where the last question for a kick was asked, and the slots published since.
    asked: Position,
    unasked_slots: u32,
    unpublished_slots: u32,
    next_used: Position,
    /// The driver event structure as stored last.
    event_word: u16,
    event_flags: u16,
    spoil_event: Option<Wrong>,
}

impl<T> PackedQueue<T> {
    /// Allocates and zeroes the ring (PACKED-DSC-038). `size` is any number from 1 to 32768.
    ///
    /// # Errors
    /// [`MemoryError`] when there is no memory for it.
    pub fn new(memory: &Memory, size: u16, options: QueueOptions) -> Result<Self, MemoryError> {
        let layout = Layout {
            size,
            ring: zeroed(memory, layout::DESCRIPTOR_BYTES * u64::from(size), 16)?,
            driver_event: zeroed(memory, layout::EVENT_BYTES, 4)?,
            device_event: zeroed(memory, layout::EVENT_BYTES, 4)?,
        };
        let start = match options.start {
            None => Position::start(size),
            Some(word) => Position::at(word, size),
        };
        if options.start.is_some() {
            // As used descriptors of this lap and of the one before it left the slots.
            for slot in 0..size {
                let lap_wrap = if slot < start.slot() {
                    start.wrap()
                } else {
                    !start.wrap()
                };
                let flags = if lap_wrap { AVAIL | USED } else { 0 };
                memory.store(layout.flags(slot), &flags.to_le_bytes());
            }
            // As a device that was busy left it: it did not want to hear of anything.
            memory.store(layout.device_event + 2, &EVENT_DISABLE.to_le_bytes());
        }
        memory.barrier();
        Ok(PackedQueue {
            memory: memory.clone(),
            layout,
            event_idx: options.event_idx,
            in_order: options.in_order,
            ids: Ids::new(size, options.free_list, options.dice),
            chains: BTreeMap::new(),
            order: BTreeMap::new(),
            batch: None,
            added: 0,
            free_slots: size.into(),
            next: start,
            held_back: None,
            published: start,
            asked: start,
            unasked_slots: 0,
            unpublished_slots: 0,
            next_used: start,
            event_word: 0,
            event_flags: EVENT_ENABLE,
            spoil_event: None,
        })
    }

    /// Where the ring lies.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// What the device is told of the ring.
    #[must_use]
    pub fn areas(&self) -> Areas {
        Areas {
            size: self.layout.size,
            descriptor: self.layout.ring,
            driver: self.layout.driver_event,
            device: self.layout.device_event,
        }
    }

    /// Free slots.
    #[must_use]
    pub fn free_descriptors(&self) -> usize {
        self.free_slots as usize
    }

    /// Chains added and not yet taken back.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.order.len()
    }

    /// The next free slot and its wrap counter: what a kick with `NOTIFICATION_DATA` carries (BASIC-DSC-007, 008).
    #[must_use]
    pub fn position(&self) -> u16 {
        self.published.word()
    }

    /// The slot behind the last used descriptor in memory, with its wrap counter; none: what lies there makes no sense.
    #[must_use]
    pub fn used_position(&self) -> Option<u16> {
        let slots = self.used_slots();
        (slots <= u32::from(self.layout.size)).then(|| self.next_used.ahead(slots).word())
    }

    /// Writes a list into the ring; [`PackedQueue::publish`] shows it to the device. Returns its buffer id. `wrong` spoils it on purpose.
    ///
    /// # Errors
    /// [`AddError`] when it does not fit, now or ever (PACKED-DRV-007, 010).
    pub fn add(
        &mut self,
        elements: &[Element],
        shape: Shape,
        token: T,
        wrong: Option<Wrong>,
    ) -> Result<u16, AddError> {
        let (size, free) = (self.layout.size, self.free_descriptors());
        if elements.is_empty() {
            return Err(AddError::Empty);
        }
        if shape == Shape::DirectThenIndirect {
            return Err(AddError::Mixed);
        }
        if elements.len() > usize::from(size) {
            let elements = elements.len();
            return Err(AddError::TooLong { elements, size });
        }
        let needed = shape.descriptors(elements.len());
        if needed > free {
            return Err(AddError::Full { needed, free });
        }
        let (mut list, table) = if shape == Shape::Indirect {
            let table = self.write_table(elements, wrong)?;
            (vec![table], Some(table.addr))
        } else {
            (elements.to_vec(), None)
        };
        if wrong == Some(Wrong::LongList) {
            list.resize(free, elements[elements.len() - 1]);
        }
        let id = match self.chains.keys().next() {
            Some(busy) if wrong == Some(Wrong::ReuseId) => *busy,
            _ => self.ids.take(&self.chains),
        };
        let flags = self.list_flags(&list, table.is_some(), wrong);
        self.write_list(&list, &flags, id, wrong);
        if let Some(Wrong::EventReserved | Wrong::EventBeyond) = wrong {
            self.spoil_event = wrong;
        }
        let slots = list.len() as u32;
        let room_bytes = elements
            .iter()
            .filter(|e| e.write)
            .map(|e| u64::from(e.len_bytes))
            .sum();
        self.chains.entry(id).or_default().push(Chain {
            token,
            number: self.added,
            head: self.next.slot(),
            slots,
            table,
            room_bytes,
        });
        self.order.insert(self.added, (id, slots));
        self.added += 1;
        self.free_slots -= slots;
        self.unpublished_slots += slots;
        self.next = self.next.ahead(slots);
        Ok(id)
    }

    /// Shows all added lists to the device: barrier, then the flags that were held back (PACKED-DRV-017, PACKED-DSC-039).
    pub fn publish(&mut self, wrong: Option<Wrong>) {
        if let Some((slot, flags)) = self.held_back.take() {
            if wrong != Some(Wrong::NoBarrier) {
                self.memory.barrier();
            }
            self.memory.store(self.layout.flags(slot), &flags.to_le_bytes());
            self.memory.barrier();
        }
        self.published = self.next;
        self.unasked_slots += std::mem::take(&mut self.unpublished_slots);
    }

    /// Must the device be told of what was published since the last question? To be asked behind a full barrier (PACKED-DRV-018).
    pub fn kick_needed(&mut self) -> bool {
        let (from, slots) = (self.asked, std::mem::take(&mut self.unasked_slots));
        self.asked = self.published;
        if slots == 0 {
            return false;
        }
        // One load: offset, wrap bit and mode belong together.
        let event = self.memory.load_u32(self.layout.device_event);
        match (event >> 16) as u16 & EVENT_MODE {
            EVENT_DISABLE => false,
            EVENT_DESC if self.event_idx => from.passes(event as u16, slots),
            // A reserved mode suppresses nothing.
            _ => true,
        }
    }

    fn is_used(&self, at: Position) -> bool {
        self.memory.load_u16(self.layout.flags(at.slot())) & (AVAIL | USED) == at.used()
    }

    /// Has the device used chains that were not taken back yet?
    #[must_use]
    pub fn has_used(&self) -> bool {
        self.batch.is_some() || self.is_used(self.next_used)
    }

    /// Slots of the chains used beyond what was taken back; very many if what the device wrote makes no sense and has to be looked at.
    fn used_slots(&self) -> u32 {
        let mut slots = 0;
        let mut first = self.order.keys().next().copied().unwrap_or(0);
        // With IN_ORDER a used descriptor stands for all chains up to its own.
        let upto = |first, last| {
            self.order
                .range(first..=last)
                .map(|(_, (_, slots))| slots)
                .sum::<u32>()
        };
        if let Some(batch) = self.batch {
            slots = upto(first, batch.last);
            first = batch.last + 1;
        }
        for _ in 0..self.in_flight() {
            let at = self.next_used.ahead(slots);
            if !self.is_used(at) {
                break;
            }
            let id = self.memory.load_u16(self.layout.descriptor(at.slot()) + 12);
            match self.chains.get(&id).and_then(|c| c.first()) {
                Some(chain) if self.in_order && chain.number >= first => {
                    slots += upto(first, chain.number);
                    first = chain.number + 1;
                }
                Some(chain) if !self.in_order => slots += chain.slots,
                _ => return u32::MAX,
            }
        }
        slots
    }

    /// Slots from the next used descriptor to the one whose passing means `after` used chains, if chains are used in order. If they are not, the
    /// interrupt comes a little early or late, but never not at all: the slot lies among those in flight.
    fn event_slots(&self, after: u16) -> u32 {
        if !self.event_idx {
            return 0;
        }
        let chains = usize::from(after.max(1)).min(self.in_flight().max(1));
        self.order.values().take(chains - 1).map(|(_, slots)| slots).sum()
    }

    /// Has the device already passed the slot that [`PackedQueue::enable_interrupts`] with the same `after` names?
    #[must_use]
    pub fn has_reached(&self, after: u16) -> bool {
        self.used_slots() > self.event_slots(after)
    }

    /// Takes the next used chain back and frees its slots. NEXT and the address are ignored, the length too unless WRITE says that it counts
    /// (PACKED-DSC-016, 024).
    ///
    /// # Errors
    /// [`UsedError`] when the used descriptor makes no sense; the queue is then of no further use.
    pub fn pop(&mut self) -> Result<Option<Used<T>>, UsedError> {
        let Some(batch) = self.next_batch()? else {
            return Ok(None);
        };
        let number = if self.in_order {
            self.order.keys().next().copied().unwrap_or(batch.last)
        } else {
            batch.last
        };
        self.batch = (number != batch.last).then_some(batch);
        Ok(self.take(number, (number == batch.last).then_some(batch.len_bytes)))
    }

    /// The used descriptor that the next chain comes back with: the one begun, or the next one of the ring.
    fn next_batch(&self) -> Result<Option<Batch<u64>>, UsedError> {
        if self.batch.is_some() {
            return Ok(self.batch);
        }
        let at = self.next_used;
        if !self.is_used(at) {
            return Ok(None);
        }
        let (slot, wrap) = (at.slot(), at.wrap());
        let addr = self.layout.descriptor(slot);
        let id = self.memory.load_u16(addr + 12);
        let written = self.memory.load_u16(self.layout.flags(slot)) & WRITE != 0;
        let len_bytes = if written {
            self.memory.load_u32(addr + 8)
        } else {
            0
        };
        let Some(chain) = self.chains.get(&id).and_then(|c| c.first()) else {
            return Err(UsedError::BufferId { slot, wrap, id });
        };
        let room_bytes = chain.room_bytes;
        if u64::from(len_bytes) > room_bytes {
            return Err(UsedError::BufferLength {
                slot,
                wrap,
                id,
                len_bytes,
                room_bytes,
            });
        }
        Ok(Some(Batch {
            last: chain.number,
            len_bytes,
        }))
    }

    /// Takes a used chain back. `len_bytes`: what the device wrote; absent: it was skipped, and so used completely.
    fn take(&mut self, number: u64, len_bytes: Option<u32>) -> Option<Used<T>> {
        let (id, _) = self.order.remove(&number)?;
        let of_id = self.chains.get_mut(&id)?;
        let at = of_id.iter().position(|c| c.number == number)?;
        let chain = of_id.remove(at);
        if of_id.is_empty() {
            self.chains.remove(&id);
            self.ids.give(id);
        }
        self.next_used = self.next_used.ahead(chain.slots);
        self.free_slots += chain.slots;
        if let Some(table) = chain.table {
            self.memory.free(table);
        }
        Some(Used {
            token: chain.token,
            len_bytes: len_bytes.unwrap_or(completely(chain.room_bytes)),
        })
    }

    /// Asks for no interrupts for now.
    pub fn disable_interrupts(&mut self) {
        self.store_event_flags(EVENT_DISABLE);
    }

    /// Asks for an interrupt once `after` more chains than now taken back (at least 1) are used; without `EVENT_IDX` after each. The caller passes
    /// a full barrier and looks at [`PackedQueue::has_reached`] then, or an interrupt may be missed (PACKED-DRV-019).
    pub fn enable_interrupts(&mut self, after: u16) {
        let spoil = self.spoil_event.take();
        if spoil == Some(Wrong::EventReserved) {
            self.store_event_flags(!0);
            return;
        }
        if spoil == Some(Wrong::EventBeyond) {
            self.store_event_word(self.layout.size);
            self.memory.barrier();
            self.store_event_flags(EVENT_DESC);
            self.memory.barrier();
        }
        if self.event_idx {
            let word = self.next_used.ahead(self.event_slots(after)).word();
            self.store_event_word(word);
            // The mode that makes the word count is not visible before the word.
            self.memory.barrier();
            self.store_event_flags(EVENT_DESC);
        } else {
            self.store_event_flags(EVENT_ENABLE);
        }
    }

    fn store_event_word(&mut self, word: u16) {
        if self.event_word != word {
            self.event_word = word;
            self.memory.store(self.layout.driver_event, &word.to_le_bytes());
        }
    }

    fn store_event_flags(&mut self, flags: u16) {
        if self.event_flags != flags {
            self.event_flags = flags;
            self.memory
                .store(self.layout.driver_event + 2, &flags.to_le_bytes());
        }
    }

    /// Takes back everything, used or not, and frees the ring: for a device or a queue that was reset (INIT-DRV-017).
    pub fn dismantle(&mut self) -> Vec<T> {
        let mut tokens = Vec::new();
        self.order.clear();
        for chain in std::mem::take(&mut self.chains).into_values().flatten() {
            if let Some(table) = chain.table {
                self.memory.free(table);
            }
            tokens.push(chain.token);
        }
        let Layout {
            ring,
            driver_event,
            device_event,
            ..
        } = self.layout;
        for part in [ring, driver_event, device_event] {
            self.memory.free(part);
        }
        tokens
    }

    /// Changes the head of a published list (on purpose: [`Wrong::Mutate`], PACKED-DRV-003).
    pub fn mutate(&mut self, id: u16) {
        if let Some(chain) = self.chains.get(&id).and_then(|c| c.last()) {
            let at = self.layout.descriptor(chain.head) + 8;
            let len_bytes = self.memory.load_u32(at);
            self.memory.store(at, &len_bytes.saturating_sub(1).to_le_bytes());
        }
    }

    /// One line on the ring's state, for a hang.
    #[must_use]
    pub fn state(&self) -> String {
        let place = |p: Position| format!("slot {} wrap {}", p.slot(), u8::from(p.wrap()));
        let event = |addr: u64| {
            let word = self.memory.load_u32(addr);
            let (slot, wrap) = (word & 0x7fff, word >> 15 & 1);
            format!("mode {} slot {slot} wrap {wrap}", word >> 16)
        };
        format!(
            "published to {}, taken back to {} (flags there {:#06x}), {} in flight, {} slots free, driver event {}, device event {}",
            place(self.published),
            place(self.next_used),
            self.memory.load_u16(self.layout.flags(self.next_used.slot())),
            self.in_flight(),
            self.free_slots,
            event(self.layout.driver_event),
            event(self.layout.device_event)
        )
    }
}

#[cfg(test)]
mod tests;
