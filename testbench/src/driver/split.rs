//! The driver's side of a split virtqueue.
//!
//! One structure for all queues: descriptors from a free list, chains direct or indirect, publication in the specification's order
//! (descriptors and entry, barrier, index: SPLIT-DRV-029), the kick decision in both suppression modes, and the used ring read
//! with the suspicion that a device under test deserves. What needs time - a full barrier, a kick - is its caller's.

use std::collections::VecDeque;

use super::layout::{self, INDIRECT, Layout, NEXT, NO_INTERRUPT, NO_NOTIFY, WRITE};
use super::misbehave::Wrong;
use super::ring::{
    AddError, Areas, Batch, Element, FreeList, QueueOptions, Shape, Used, UsedError, completely, zeroed,
};
use crate::host::memory::{Memory, MemoryError};

struct Chain<T> {
    token: T,
    descriptors: Vec<u16>,
    table: Option<u64>,
    room_bytes: u64,
}

/// A split virtqueue, from the driver's side. `T` is what the owner wants back with a chain.
pub struct SplitQueue<T> {
    memory: Memory,
    layout: Layout,
    options: QueueOptions,
    free: VecDeque<u16>,
    chains: Vec<Option<Chain<T>>>,
    in_flight: usize,
    /// Heads of the chains in flight in the order of availability (with `IN_ORDER` only).
    order: VecDeque<u16>,
    /// A used element that was taken and stands for chains that were not yet.
    batch: Option<Batch<u16>>,
    next_available: u16,
    published: u16,
    kicked: u16,
    next_used: u16,
    flags: u16,
}

impl<T> SplitQueue<T> {
    /// Allocates and zeroes the ring (PCI-DSC-005). `size` must be a power of two.
    ///
    /// # Errors
    /// [`MemoryError`] when there is no memory for it.
    pub fn new(memory: &Memory, size: u16, options: QueueOptions) -> Result<Self, MemoryError> {
        let layout = Layout {
            size,
            table: zeroed(memory, Layout::table_bytes(size), 16)?,
            available: zeroed(memory, Layout::available_bytes(size), 2)?,
            used: zeroed(memory, Layout::used_bytes(size), 4)?,
        };
        let start = options.start.unwrap_or(0);
        if options.start.is_some() {
            memory.store(layout.available_index(), &start.to_le_bytes());
            memory.store(layout.used_index(), &start.to_le_bytes());
            // As a device that was busy left it: it did not want to hear of anything.
            if options.event_idx {
                let passed = start.wrapping_sub(1);
                memory.store(layout.available_event(), &passed.to_le_bytes());
            } else {
                memory.store(layout.used_flags(), &NO_NOTIFY.to_le_bytes());
            }
        }
        memory.barrier();
        Ok(SplitQueue {
            memory: memory.clone(),
            layout,
            options,
            free: (0..size).collect(),
            chains: std::iter::repeat_with(|| None).take(size.into()).collect(),
            in_flight: 0,
            order: VecDeque::new(),
            batch: None,
            next_available: start,
            published: start,
            kicked: start,
            next_used: start,
            flags: 0,
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
            descriptor: self.layout.table,
            driver: self.layout.available,
            device: self.layout.used,
        }
    }

    /// Free descriptors.
    #[must_use]
    pub fn free_descriptors(&self) -> usize {
        self.free.len()
    }

    /// Chains added and not yet taken back.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The available index as published: what a kick with `NOTIFICATION_DATA` carries.
    #[must_use]
    pub fn position(&self) -> u16 {
        self.published
    }

    /// The used index in memory; none: it is ahead of what was published.
    #[must_use]
    pub fn used_position(&self) -> Option<u16> {
        let index = self.memory.load_u16(self.layout.used_index());
        let open = usize::from(self.published.wrapping_sub(index));
        (open <= self.in_flight).then_some(index)
    }

    /// Writes a chain and its available entry; [`SplitQueue::publish`] shows it to the device. `wrong` spoils it on purpose.
    ///
    /// # Errors
    /// [`AddError`] when it does not fit, now or ever.
    pub fn add(
        &mut self,
        elements: &[Element],
        shape: Shape,
        token: T,
        wrong: Option<Wrong>,
    ) -> Result<u16, AddError> {
        if elements.is_empty() {
            return Err(AddError::Empty);
        }
        if elements.len() > usize::from(self.layout.size) {
            return Err(AddError::TooLong {
                elements: elements.len(),
                size: self.layout.size,
            });
        }
        let needed = shape.descriptors(elements.len());
        if needed > self.free.len() {
            return Err(AddError::Full {
                needed,
                free: self.free.len(),
            });
        }
        let direct = match shape {
            Shape::Direct => elements.len(),
            Shape::Indirect => 0,
            Shape::DirectThenIndirect => 1,
        };
        let (head_elements, tail) = elements.split_at(direct.min(elements.len()));
        let mut ring: Vec<(Element, u16)> = head_elements.iter().map(|e| (*e, 0)).collect();
        let table = if tail.is_empty() {
            None
        } else {
            Some(self.write_table(tail, wrong)?)
        };
        if let Some((addr, len_bytes)) = table {
            ring.push((
                Element {
                    addr,
                    len_bytes,
                    write: false,
                },
                INDIRECT,
            ));
        }
        if wrong == Some(Wrong::DescriptorOrder) {
            self.free.rotate_left(1);
        }
        let descriptors: Vec<u16> = self.free.drain(..needed).collect();
        let head = descriptors[0];
        let size = self.layout.size;
        for (position, (element, extra)) in ring.iter().enumerate() {
            let mut flags = extra | if element.write { WRITE } else { 0 };
            let mut next = 0;
            if let Some(following) = descriptors.get(position + 1) {
                flags |= NEXT;
                next = *following;
            } else {
                match wrong {
                    Some(Wrong::NextOutOfRange) => (flags, next) = (flags | NEXT, size),
                    Some(Wrong::Loop) => (flags, next) = (flags | NEXT, head),
                    Some(Wrong::IndirectNext) => (flags, next) = (flags | NEXT | INDIRECT, head),
                    _ => {}
                }
            }
            let mut len_bytes = element.len_bytes;
            if wrong == Some(Wrong::IndirectRagged) && extra & INDIRECT != 0 {
                len_bytes += 8;
            }
            if wrong == Some(Wrong::IndirectEmpty) && extra & INDIRECT != 0 {
                len_bytes = 0;
            }
            if wrong == Some(Wrong::ReadableAfterWritable) {
                // The first element becomes writable, the last readable; a lone one stays what it is.
                flags = if position == 0 {
                    flags | WRITE
                } else {
                    flags & !WRITE
                };
            }
            self.memory.store(
                self.layout.descriptor(descriptors[position]),
                &layout::descriptor(element.addr, len_bytes, flags, next),
            );
        }
        let entry = if wrong == Some(Wrong::BadHead) { size } else { head };
        self.memory.store(
            self.layout.available_slot(self.next_available),
            &entry.to_le_bytes(),
        );
        self.next_available = self.next_available.wrapping_add(1);
        self.in_flight += 1;
        if self.options.in_order {
            self.order.push_back(head);
        }
        let room_bytes = elements
            .iter()
            .filter(|e| e.write)
            .map(|e| u64::from(e.len_bytes))
            .sum();
        self.chains[usize::from(head)] = Some(Chain {
            token,
            descriptors,
            table: table.map(|t| t.0),
            room_bytes,
        });
        Ok(head)
    }

    fn write_table(&mut self, elements: &[Element], wrong: Option<Wrong>) -> Result<(u64, u32), MemoryError> {
        let bytes = layout::DESCRIPTOR_BYTES * elements.len() as u64;
        let addr = self.memory.alloc(bytes, 16)?;
        let mut table = Vec::with_capacity(bytes as usize);
        for (index, element) in elements.iter().enumerate() {
            let mut flags = if element.write { WRITE } else { 0 };
            let mut next = 0;
            if index + 1 < elements.len() {
                (flags, next) = (flags | NEXT, index as u16 + 1);
            } else if wrong == Some(Wrong::IndirectNested) {
                flags |= INDIRECT;
            }
            table.extend_from_slice(&layout::descriptor(element.addr, element.len_bytes, flags, next));
        }
        self.memory.store(addr, &table);
        Ok((addr, bytes as u32))
    }

    /// Shows all added chains to the device: barrier, then the index (SPLIT-DRV-028, 029).
    pub fn publish(&mut self, wrong: Option<Wrong>) {
        if self.published == self.next_available {
            return;
        }
        if wrong != Some(Wrong::NoBarrier) {
            self.memory.barrier();
        }
        self.published = self.next_available;
        let index = match wrong {
            Some(Wrong::IndexJump) => self.published.wrapping_add(self.layout.size).wrapping_add(1),
            _ => self.published,
        };
        self.memory
            .store(self.layout.available_index(), &index.to_le_bytes());
        self.memory.barrier();
    }

    /// Must the device be told of what was published since the last question? To be asked behind a full barrier (SPLIT-DRV-030).
    pub fn kick_needed(&mut self) -> bool {
        let (old, new) = (self.kicked, self.published);
        self.kicked = new;
        if old == new {
            return false;
        }
        if self.options.event_idx {
            let event = self.memory.load_u16(self.layout.available_event());
            layout::crossed(event, new, old)
        } else {
            self.memory.load_u16(self.layout.used_flags()) & NO_NOTIFY == 0
        }
    }

    /// Has the device used chains that were not taken back yet?
    #[must_use]
    pub fn has_used(&self) -> bool {
        self.memory.load_u16(self.layout.used_index()) != self.next_used
    }

    /// Takes the next used chain back and frees its descriptors.
    ///
    /// # Errors
    /// [`UsedError`] when the used ring makes no sense; the queue is then of no further use.
    pub fn pop(&mut self) -> Result<Option<Used<T>>, UsedError> {
        let Some(batch) = self.next_batch()? else {
            return Ok(None);
        };
        let head = if self.options.in_order {
            self.order.pop_front().unwrap_or(batch.last)
        } else {
            batch.last
        };
        self.batch = (head != batch.last).then_some(batch);
        Ok(self.take(head, (head == batch.last).then_some(batch.len_bytes)))
    }

    /// The used element that the next chain comes back with: the one begun, or the next one of the used ring.
    fn next_batch(&self) -> Result<Option<Batch<u16>>, UsedError> {
        if self.batch.is_some() {
            return Ok(self.batch);
        }
        let index = self.memory.load_u16(self.layout.used_index());
        let ahead = index.wrapping_sub(self.next_used);
        if ahead == 0 {
            return Ok(None);
        }
        if usize::from(ahead) > self.in_flight {
            return Err(UsedError::Index {
                index,
                ahead,
                in_flight: self.in_flight,
            });
        }
        let slot = self.layout.used_slot(self.next_used);
        let (id, len_bytes) = (self.memory.load_u32(slot), self.memory.load_u32(slot + 4));
        let at = self.next_used;
        let Some(entry) = self.chains.get(id as usize) else {
            return Err(UsedError::Range {
                index: at,
                id,
                size: self.layout.size,
            });
        };
        let Some(chain) = entry else {
            return Err(UsedError::NotInFlight { index: at, id });
        };
        let room_bytes = chain.room_bytes;
        if u64::from(len_bytes) > room_bytes {
            return Err(UsedError::Length {
                index: at,
                id,
                len_bytes,
                room_bytes,
            });
        }
        let last = id as u16;
        let before = self.order.iter().position(|&h| h == last).unwrap_or(0);
        if before >= usize::from(ahead) {
            return Err(UsedError::Batch {
                index: at,
                id,
                chains: before + 1,
                ahead,
            });
        }
        Ok(Some(Batch { last, len_bytes }))
    }

    /// Takes a used chain back. `len_bytes`: what the device wrote; absent: it was skipped, and so used completely.
    fn take(&mut self, head: u16, len_bytes: Option<u32>) -> Option<Used<T>> {
        let chain = self.chains[usize::from(head)].take()?;
        self.next_used = self.next_used.wrapping_add(1);
        self.in_flight -= 1;
        if let Some(table) = chain.table {
            self.memory.free(table);
        }
        match self.options.free_list {
            // Used in order, they are free in order: round the table.
            _ if self.options.in_order => self.free.extend(&chain.descriptors),
            FreeList::Lifo => {
                for d in chain.descriptors.iter().rev() {
                    self.free.push_front(*d);
                }
            }
            FreeList::Fifo => self.free.extend(&chain.descriptors),
            FreeList::Random => {
                for d in &chain.descriptors {
                    let at = self.options.dice.up_to(self.free.len() as u64) as usize;
                    self.free.insert(at, *d);
                }
            }
        }
        Some(Used {
            token: chain.token,
            len_bytes: len_bytes.unwrap_or(completely(chain.room_bytes)),
        })
    }

    /// Asks for no interrupts for now: a flag without `EVENT_IDX`, nothing with it (the old event word lies behind, SPLIT-DRV-014).
    pub fn disable_interrupts(&mut self) {
        if !self.options.event_idx && self.flags != NO_INTERRUPT {
            self.flags = NO_INTERRUPT;
            self.memory
                .store(self.layout.available_flags(), &NO_INTERRUPT.to_le_bytes());
        }
    }

    /// Asks for an interrupt once `after` more chains than now taken back (at least 1) are used. The caller passes a full barrier and
    /// looks at [`SplitQueue::has_used`] again, or an interrupt may be missed (SPLIT-DRV-031).
    pub fn enable_interrupts(&mut self, after: u16) {
        if self.options.event_idx {
            let event = self.next_used.wrapping_add(after.max(1) - 1);
            self.memory.store(self.layout.used_event(), &event.to_le_bytes());
        } else if self.flags != 0 {
            self.flags = 0;
            self.memory
                .store(self.layout.available_flags(), &0u16.to_le_bytes());
        }
    }

    /// Are `after` chains (at least 1) used beyond those taken back, by the index alone?
    #[must_use]
    pub fn has_reached(&self, after: u16) -> bool {
        let index = self.memory.load_u16(self.layout.used_index());
        index.wrapping_sub(self.next_used) >= after.max(1)
    }

    /// Takes back everything, used or not, and frees the ring: for a device or a queue that was reset (INIT-DRV-017).
    pub fn dismantle(&mut self) -> Vec<T> {
        let mut tokens = Vec::new();
        self.in_flight = 0;
        for chain in self.chains.drain(..).flatten() {
            if let Some(table) = chain.table {
                self.memory.free(table);
            }
            tokens.push(chain.token);
        }
        for part in [self.layout.table, self.layout.available, self.layout.used] {
            self.memory.free(part);
        }
        tokens
    }

    /// Changes the elements of a published chain (on purpose: [`Wrong::Mutate`]).
    pub fn mutate(&mut self, head: u16) {
        let at = self.layout.descriptor(head);
        let len_bytes = self.memory.load_u32(at + 8);
        self.memory
            .store(at + 8, &len_bytes.saturating_sub(1).to_le_bytes());
    }

    /// One line on the ring's state, for a hang.
    #[must_use]
    pub fn state(&self) -> String {
        format!(
            "available idx {} (published), used idx {} (in memory), {} taken back, {} in flight, {} descriptors free, {}",
            self.published,
            self.memory.load_u16(self.layout.used_index()),
            self.next_used,
            self.in_flight,
            self.free.len(),
            if self.options.event_idx {
                format!(
                    "used_event {}, avail_event {}",
                    self.memory.load_u16(self.layout.used_event()),
                    self.memory.load_u16(self.layout.available_event())
                )
            } else {
                format!(
                    "avail.flags {}, used.flags {}",
                    self.memory.load_u16(self.layout.available_flags()),
                    self.memory.load_u16(self.layout.used_flags())
                )
            }
        )
    }
}

#[cfg(test)]
mod tests;
