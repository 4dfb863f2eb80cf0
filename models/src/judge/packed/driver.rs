//! The driver's side of a packed queue: lists made available, read from its stores (or, without them, from what the device read).

use std::ops::Range;

use super::walk::{List, flagged_entry, table, walk};
use super::{PackedQueue, Visible};
use crate::judge::address_map::Area;
use crate::judge::queue::chain::Chain;
use crate::judge::queue::list::{Descriptor, Walk};
use crate::judge::world::World;
use crate::rules::RuleId;

impl PackedQueue {
    /// The driver stored into `first..=last` of a ring part. Returns the lists that became available.
    pub(crate) fn driver_stored(
        &mut self,
        area: Area,
        (first, last): (u64, u64),
        visible: u64,
        w: &mut World,
    ) -> Range<u64> {
        match area {
            Area::Desc => return self.ring_stored(first, last, visible, w),
            Area::Driver => self.driver_event_stored(first, last, visible, w),
            Area::Device => {
                w.book.check(
                    RuleId::DriverExposed,
                    Some(self.index),
                    false,
                    || "the device's event structure left to the device".into(),
                    || format!("offsets {first}..={last} stored to"),
                );
            }
        }
        self.nothing_new()
    }

    fn ring_stored(&mut self, first: u64, last: u64, visible: u64, w: &mut World) -> Range<u64> {
        let (mut exposed, mut unusable) = (None, None);
        for slot in (first / 16) as u16..=(last / 16) as u16 {
            let position = self.position(slot);
            if position < self.next_avail {
                exposed.get_or_insert(slot);
                if let Some((number, _)) = self.owner_at(position) {
                    self.tampered.insert(number);
                    w.book.void(self.index);
                }
            }
            let start = 16 * u64::from(slot);
            let flags = w.shadow.u16(self.desc + start + 14);
            let v = &mut self.visible[usize::from(slot)];
            if first < start + 14 {
                v.body = visible;
            }
            if last >= start + 14 {
                v.flags = visible;
                let changed = std::mem::replace(&mut v.word, flags) != flags;
                if changed && position >= self.next_avail && !self.available(flags, position) {
                    unusable.get_or_insert((slot, flags));
                }
            }
        }
        w.book.check(
            RuleId::DriverExposed,
            Some(self.index),
            exposed.is_none(),
            || "descriptors left alone from their publication to their return".into(),
            || exposed.map_or(String::new(), |s| format!("slot {s} stored to")),
        );
        w.book.check(
            RuleId::DriverWrap,
            Some(self.index),
            unusable.is_none(),
            || "flags with AVAIL as the driver's wrap counter and USED its opposite".into(),
            || unusable.map_or(String::new(), |(s, f)| format!("flags {f:#x} in slot {s}")),
        );
        self.publish_stored(visible, w)
    }

    fn room(&self) -> bool {
        self.next_avail < self.next_used + u64::from(self.size)
    }

    /// Takes everything that the driver's stores have made available.
    pub(super) fn publish_stored(&mut self, visible: u64, w: &mut World) -> Range<u64> {
        let from = self.published;
        while self.fault.is_none() && self.room() {
            let start = self.next_avail;
            let get = |n: u64| {
                let position = start + n;
                let d = Descriptor::at(&w.shadow, self.address(position))?;
                self.available(d.words[1], position).then_some(d)
            };
            let list = walk(&w.shadow, self.size, self.indirect, |n| self.slot(start + n), get);
            match list.waits_for {
                Some(0) => break,
                Some(n) => {
                    if self.premature.replace(start) != Some(start) {
                        w.book.void(self.index);
                        self.published_too_early(start, n, w);
                    }
                    break;
                }
                None => {}
            }
            self.check_publication(&list, w);
            self.publish(list, visible, w);
        }
        from..self.published
    }

    /// The head of the list at `start` is available and its `n`-th descriptor is not.
    pub(super) fn published_too_early(&self, start: u64, n: u32, w: &mut World) {
        let room = self.next_used + u64::from(self.size) - start;
        if u64::from(n) >= room {
            w.book.check(
                RuleId::DriverChain,
                Some(self.index),
                false,
                || format!("a list of at most {room} descriptors, the free ones"),
                || "one that goes on".into(),
            );
            return;
        }
        let (head, follower) = (self.slot(start), self.slot(start + u64::from(n)));
        w.book.check(
            RuleId::DriverPublishOrder,
            Some(self.index),
            false,
            || format!("the list in slot {head} available as a whole"),
            || format!("slot {follower} is not available yet"),
        );
    }

    /// Nothing of the list may be seen later than the flags that publish it.
    fn check_publication(&self, list: &List, w: &mut World) {
        let of = |slot: u16| self.visible[usize::from(slot)];
        let Some(&head) = list.walk.slots.first() else {
            return;
        };
        let shown = of(head).flags;
        let late = list.walk.slots.iter().copied().find(|&s| {
            let Visible { body, flags, .. } = of(s);
            body.max(flags) > shown
        });
        w.book.check(
            RuleId::DriverPublishOrder,
            Some(self.index),
            late.is_none(),
            || format!("everything of the list visible by cycle {shown}, when the flags of slot {head} are"),
            || late.map_or(String::new(), |s| format!("slot {s} is visible later")),
        );
        if late.is_some() {
            w.book.void(self.index);
        }
        if let Some(t) = list.walk.indirect.filter(|_| w.stores) {
            let flagged = flagged_entry(&w.shadow, t);
            w.book.check(
                RuleId::DriverTable,
                Some(self.index),
                flagged.is_none(),
                || "no flag but WRITE in an indirect table".into(),
                || flagged.map_or(String::new(), |(at, f)| format!("flags {f:#x} in entry {at}")),
            );
        }
    }

    /// A list that begins at the next position is available.
    pub(super) fn publish(&mut self, list: List, visible: u64, w: &mut World) {
        let (number, position, id) = (self.published, self.next_avail, list.id);
        let count = list.walk.slots.len() as u64;
        if list.walk.fault.is_none() {
            let twice = self.in_flight_with(id);
            w.book.check(
                RuleId::DriverChain,
                Some(self.index),
                twice.is_none(),
                || format!("an id that is not in flight for chain {number}"),
                || format!("id {id}, which chain {} has", twice.unwrap_or_default()),
            );
        }
        if let Some(mut old) = self.returned.remove(&id).and_then(|n| self.chains.retire(n)) {
            old.forget(&self.base, w);
        }
        for &slot in &list.walk.slots {
            self.owner[usize::from(slot)] = Some(number);
        }
        self.chains.add(Chain::new(number, ("id", id), position, visible));
        self.ids.insert((id, number));
        self.published += 1;
        self.next_avail += count;
        w.book.compared.chains_available += 1;
        w.book.row(
            Some(self.index),
            "driver: available",
            self.address(position),
            id.into(),
        );
        self.resolve(number, list.walk, w);
    }

    /// The oldest list in flight with this id.
    pub(super) fn in_flight_with(&self, id: u16) -> Option<u64> {
        self.ids
            .range((id, 0)..=(id, u64::MAX))
            .next()
            .map(|&(_, number)| number)
    }

    fn resolve(&mut self, number: u64, walked: Walk, w: &mut World) {
        let index = self.index;
        let unknown = walked.unknown;
        let mut fault = walked.fault;
        if unknown {
            self.unwalked.push(number);
        } else {
            fault = fault.or_else(|| w.shape.problem(index, &walked));
            w.book.check(
                RuleId::DriverChain,
                Some(index),
                fault.is_none(),
                || format!("chain {number} well formed"),
                || fault.map_or(String::new(), |f| f.to_string()),
            );
            if let Some(f) = fault {
                self.fault.get_or_insert_with(|| (number, f.to_string()));
            }
        }
        if let Some(chain) = self.chain_mut(number) {
            chain.register(index, walked, w);
            chain.fault = fault;
            chain.walked = !unknown;
        }
    }

    /// Without stores: a table became known, so perhaps lists can be walked further.
    pub(crate) fn walk_again(&mut self, w: &mut World) {
        for number in std::mem::take(&mut self.unwalked) {
            let Some(c) = self.chain(number).filter(|c| !c.used) else {
                continue;
            };
            let mut walked = Walk {
                slots: c.slots.clone(),
                indirect: c.indirect,
                ..Walk::default()
            };
            table(&w.shadow, &mut walked);
            self.resolve(number, walked, w);
            if self.chain(number).is_some_and(|c| c.walked) {
                w.walked.push((self.index, number));
            }
        }
    }
}
