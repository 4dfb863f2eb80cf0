//! Lists and tables as they go into memory, right or spoilt on purpose.

use super::PackedQueue;
use super::layout::{self, AVAIL, INDIRECT, NEXT, USED, WRITE};
use crate::driver::misbehave::Wrong;
use crate::driver::ring::Element;
use crate::host::memory::MemoryError;

impl<T> PackedQueue<T> {
    /// Flags of each descriptor of a list (PACKED-DSC-022).
    pub(super) fn list_flags(&self, list: &[Element], indirect: bool, wrong: Option<Wrong>) -> Vec<u16> {
        let end = list.len() - 1;
        let mut all = Vec::with_capacity(list.len());
        for (position, element) in list.iter().enumerate() {
            let mut flags = self.next.ahead(position as u32).available();
            flags |= if element.write { WRITE } else { 0 };
            flags |= if indirect { INDIRECT } else { 0 };
            flags |= if position < end { NEXT } else { 0 };
            match wrong {
                Some(Wrong::WrongWrap) => flags ^= AVAIL | USED,
                Some(Wrong::LongList) => flags |= NEXT,
                Some(Wrong::IndirectNext) if position == end => flags |= NEXT | INDIRECT,
                Some(Wrong::IndirectInList) if position == end => flags |= INDIRECT,
                // The first element becomes writable, the last readable; a lone one stays what it is.
                Some(Wrong::ReadableAfterWritable) if position == 0 => flags |= WRITE,
                Some(Wrong::ReadableAfterWritable) => flags &= !WRITE,
                _ => {}
            }
            all.push(flags);
        }
        all
    }

    /// Stores a list: followers first, the head's flags last or, for the first list of a batch, not yet.
    pub(super) fn write_list(&mut self, list: &[Element], flags: &[u16], id: u16, wrong: Option<Wrong>) {
        let body = |position: usize| {
            // Only the last descriptor's id counts (PACKED-DSC-020); the others have one that nobody has given.
            let id = if position + 1 == list.len() { id } else { !id };
            let element = &list[position];
            layout::descriptor(element.addr, element.len_bytes, id, flags[position])
        };
        let slot = |position: usize| self.next.ahead(position as u32).slot();
        let head_slot = slot(0);
        if wrong == Some(Wrong::HeadFirst) {
            self.memory.store(self.layout.descriptor(head_slot), &body(0));
            self.memory.barrier();
        }
        for (position, flags) in flags.iter().enumerate().skip(1) {
            let at = slot(position);
            self.memory.store(self.layout.flags(at), &flags.to_le_bytes());
            self.memory
                .store(self.layout.descriptor(at), &body(position)[..14]);
        }
        match wrong {
            Some(Wrong::HeadFirst) => {}
            Some(Wrong::FlagsFirst) => {
                self.memory
                    .store(self.layout.flags(head_slot), &flags[0].to_le_bytes());
                self.memory.barrier();
                self.memory
                    .store(self.layout.descriptor(head_slot), &body(0)[..14]);
            }
            _ => {
                self.memory
                    .store(self.layout.descriptor(head_slot), &body(0)[..14]);
                if self.next == self.published {
                    self.held_back = Some((head_slot, flags[0]));
                } else {
                    self.memory.barrier();
                    self.memory
                        .store(self.layout.flags(head_slot), &flags[0].to_le_bytes());
                }
            }
        }
    }

    /// Writes an indirect table: entries in order, no flag but WRITE (PACKED-DRV-013). Its descriptor.
    pub(super) fn write_table(
        &mut self,
        elements: &[Element],
        wrong: Option<Wrong>,
    ) -> Result<Element, MemoryError> {
        let bytes = layout::DESCRIPTOR_BYTES * elements.len() as u64;
        let addr = self.memory.alloc(bytes, 16)?;
        let mut table = Vec::with_capacity(bytes as usize);
        for (position, element) in elements.iter().enumerate() {
            let (mut id, mut flags) = (0, if element.write { WRITE } else { 0 });
            match wrong {
                Some(Wrong::TableFlags) => (id, flags) = (!(position as u16), flags | NEXT | AVAIL | USED),
                Some(Wrong::IndirectNested) if position + 1 == elements.len() => flags |= INDIRECT,
                _ => {}
            }
            table.extend_from_slice(&layout::descriptor(element.addr, element.len_bytes, id, flags));
        }
        self.memory.store(addr, &table);
        let len_bytes = match wrong {
            Some(Wrong::IndirectRagged) => bytes as u32 + 8,
            Some(Wrong::IndirectEmpty) => 0,
            _ => bytes as u32,
        };
        Ok(Element {
            addr,
            len_bytes,
            write: false,
        })
    }
}
