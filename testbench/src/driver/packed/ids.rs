//! Buffer ids: numbers of 16 bits by which chains come back. They name no slot, and need not be smaller than the ring.

use std::collections::{BTreeMap, VecDeque};

use crate::driver::ring::FreeList;
use crate::host::dice::Dice;

/// The ids that are free, and which of them is next.
pub(super) struct Ids {
    policy: FreeList,
    free: VecDeque<u16>,
    dice: Dice,
}

impl Ids {
    /// All ids of a ring of `size` are free.
    pub(super) fn new(size: u16, policy: FreeList, dice: Dice) -> Self {
        let free = if policy == FreeList::Random {
            VecDeque::new()
        } else {
            (0..size).collect()
        };
        Ids { policy, free, dice }
    }

    /// An id that none of the chains `in_flight` has. There are never more of those than slots, and so always one more id.
    pub(super) fn take<C>(&mut self, in_flight: &BTreeMap<u16, C>) -> u16 {
        if let Some(id) = self.free.pop_front() {
            return id;
        }
        loop {
            let id = self.dice.up_to(u16::MAX.into()) as u16;
            if !in_flight.contains_key(&id) {
                return id;
            }
        }
    }

    /// An id came back.
    pub(super) fn give(&mut self, id: u16) {
        match self.policy {
            FreeList::Lifo => self.free.push_front(id),
            FreeList::Fifo => self.free.push_back(id),
            FreeList::Random => {}
        }
    }
}
