//! Where a queue begins that is not new: what the checkpoint window was told.

use super::Registers;
use crate::judge::features;
use crate::judge::verdict::Book;
use crate::rules::RuleId;

impl Registers {
    /// Where a queue begins.
    pub(crate) fn start(&self, queue: u16) -> u16 {
        let new = if self.has(features::RING_PACKED) {
            0x8000
        } else {
            0
        };
        self.queues.get(&queue).and_then(|q| q.start).unwrap_or(new)
    }

    /// The lower dword of a queue in the checkpoint window was written: {used, avail}. A device takes no other than these, and keeps what it has.
    pub(crate) fn start_written(&mut self, queue: u16, value: u32, book: &mut Book) {
        let packed = self.has(features::RING_PACKED);
        let early = self.negotiated == 0;
        self.written_in_suspension("the checkpoint window", Some(queue), book);
        let waits = self.suspension.waits();
        let q = self.queues.entry(queue).or_default();
        let (avail, used) = (value as u16, (value >> 16) as u16);
        let inside = !packed || q.size.is_some_and(|size| avail & 0x7fff < size);
        let legal =
            !early && !q.enable && !q.resetting && avail == used && inside && q.size.is_some_and(|s| s > 0);
        book.check(
            RuleId::DriverCheckpoint,
            Some(queue),
            legal,
            || "one position, that the ring has, twice, for a queue that is not enabled, after FEATURES_OK".into(),
            || {
                let (enable, size) = (q.enable, q.size.unwrap_or(0));
                format!("available {avail:#x}, used {used:#x}; queue enabled: {enable}, its size {size}, features accepted: {}", !early)
            },
        );
        if legal && !waits {
            q.start = Some(avail);
        }
    }
}
