//! Interrupts as the function sends them: MSI-X table, masks, and what each message is put down to.

use super::met;
use std::collections::BTreeMap;

use super::cause::{Cause, Purpose};
use super::changes::Changes;
use super::config_space::ConfigSpace;
use super::interrupt::Reason;
use super::line::Line;
use super::notify::GRACE_CYCLES;
use super::queue::{Queue, State};
use super::registers::{NO_VECTOR, Registers};
use super::windows::Switch;
use super::world::World;
use crate::rules::RuleId;

#[derive(Clone, Copy, Debug)]
struct Entry {
    address: u64,
    data: u32,
    unmasked: Switch,
}

/// Interrupt state of the function.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    table: BTreeMap<u16, Entry>,
    pub(crate) line: Line,
    pub(crate) changes: Changes,
}

impl Messages {
    /// A reset that clears the MSI-X table.
    pub(crate) fn reset_table(&mut self, seq: u64) {
        for e in self.table.values_mut() {
            e.unmasked.set(false, seq);
        }
        self.line.asserted = false;
        self.reset();
    }

    /// A reset of the virtio device.
    pub(crate) fn reset(&mut self) {
        self.line.reset();
        self.changes = Changes::default();
    }

    /// The virtio device was started.
    pub(crate) fn started(&mut self, now: u64) {
        self.line.reset();
        self.changes.started(now);
    }

    /// The host wrote a dword of the MSI-X table. True if a mask changed.
    pub(crate) fn table_write(&mut self, offset: u32, value: u32, seq: u64) -> bool {
        let e = self.table.entry((offset / 16) as u16).or_insert(Entry {
            address: 0,
            data: 0,
            unmasked: Switch::default(),
        });
        match offset % 16 {
            0 => e.address = e.address & !0xffff_ffff | u64::from(value),
            4 => e.address = e.address & 0xffff_ffff | u64::from(value) << 32,
            8 => e.data = value,
            12 => {
                e.unmasked.set(value & 1 == 0, seq);
                return true;
            }
            _ => {}
        }
        false
    }

    /// Is this the address of some vector?
    pub(crate) fn is_message(&self, addr: u64) -> bool {
        addr != 0 && self.table.values().any(|e| e.address == addr)
    }

    /// Can an interrupt of this vector be delivered now?
    pub(crate) fn deliverable(&self, vector: Option<u16>, config: &ConfigSpace) -> bool {
        match config.msix_enable {
            Some(on) if !on.on() => !config.intx_disable.on(),
            _ => vector.is_some_and(|v| {
                v != NO_VECTOR
                    && !config.function_mask.on()
                    && self.table.get(&v).is_some_and(|e| e.unmasked.on())
            }),
        }
    }

    /// With MSI-X off: is the line asserted, so that nothing more need be sent?
    pub(crate) fn line_asserted(&self, config: &ConfigSpace) -> bool {
        self.line.asserted && config.msix_enable.is_some_and(|on| !on.on())
    }

    /// Could interrupts of this vector exist at all (mapped, or `INTx`)?
    pub(crate) fn mapped(vector: Option<u16>, config: &ConfigSpace) -> bool {
        config.msix_enable.is_some_and(|on| !on.on()) || vector.is_some_and(|v| v != NO_VECTOR)
    }

    /// The device sent a write to an MSI-X address.
    #[expect(
        clippy::too_many_arguments,
        reason = "an interrupt touches every part of the state"
    )]
    pub(crate) fn msix(
        &mut self,
        addr: u64,
        data: u32,
        registers: &Registers,
        config: &ConfigSpace,
        queues: &mut BTreeMap<u16, Queue>,
        acknowledged: u64,
        w: &mut World,
    ) -> Cause {
        w.book.compared.interrupts += 1;
        w.book.row(None, "MSI-X", addr, data.into());
        let matching: Vec<u16> = self
            .table
            .iter()
            .filter(|(_, e)| e.address == addr && e.data == data)
            .map(|(&v, _)| v)
            .collect();
        let known = w.book.check(
            RuleId::IntVector,
            None,
            !matching.is_empty(),
            || format!("address {addr:#x} with the data of its vector"),
            || format!("data {data:#x}"),
        );
        if !known {
            return Cause::of(Purpose::Msix);
        }
        let masked = |v: &u16| {
            self.table
                .get(v)
                .is_none_or(|e| e.unmasked.surely_off(acknowledged))
        };
        let silent = config.msix_enable.is_some_and(|s| s.surely_off(acknowledged))
            || config.function_mask.surely_on(acknowledged);
        w.book.check(
            RuleId::IntMasked,
            None,
            !silent && !matching.iter().all(masked),
            || "no message from a masked vector".into(),
            || format!("vector {}", matching[0]),
        );
        let users: Vec<u16> = registers
            .queues
            .iter()
            .filter(|(_, r)| r.vector.is_some_and(|v| matching.contains(&v)))
            .map(|(&q, _)| q)
            .filter(|q| queues.get(q).is_some_and(|q| q.state != State::Dead))
            .collect();
        let for_config = registers.config_vector.is_some_and(|v| matching.contains(&v));
        if !w.book.check(
            RuleId::IntVector,
            None,
            !users.is_empty() || for_config,
            || format!("vector {} mapped to a queue or to the configuration", matching[0]),
            || "mapped to nothing that runs".into(),
        ) {
            return Cause::of(Purpose::Msix);
        }
        self.delivered(&users, for_config, queues, w, Purpose::Msix)
    }

    /// An interrupt arrived that can mean these queues or the configuration.
    pub(super) fn delivered(
        &mut self,
        users: &[u16],
        for_config: bool,
        queues: &mut BTreeMap<u16, Queue>,
        w: &mut World,
        purpose: Purpose,
    ) -> Cause {
        let now = w.book.now;
        if !users.is_empty() {
            met::interrupt(purpose, w);
        }
        let mut best: Option<(Reason, u16)> = None;
        for &index in users {
            let Some(q) = queues.get_mut(&index) else { continue };
            let reason = q.decision.reason(now);
            if best.is_none_or(|(b, _)| reason > b) {
                best = Some((reason, index));
            }
            // Whichever it was sent for, the driver looks at all of them.
            q.decision.told();
        }
        // Each message is put down to one reason: queues that share a vector may each send one, where one of them would have told of all.
        // What the device was answered comes first, then the configuration, and last what it may have sent without asking.
        let config_first =
            for_config && best.is_some_and(|(r, _)| r == Reason::Possible) && self.changes.any();
        if let Some(q) = best
            .filter(|&(r, _)| r >= Reason::Possible && !config_first)
            .and_then(|(_, q)| queues.get_mut(&q))
        {
            if q.decision.moderation.active() {
                w.book.held(RuleId::IntCoalesceEarly);
            }
            q.decision.take();
            if for_config && self.changes.told() {
                w.book.held(RuleId::IntConfig);
            }
        } else if for_config && self.changes.take() {
            self.line.isr_config = true;
            w.book.held(RuleId::IntConfig);
            w.book.held(RuleId::IntConfigSpurious);
            return Cause::of(purpose);
        }
        match best {
            Some((Reason::Owed, q)) => {
                for r in [
                    RuleId::IntMissing,
                    RuleId::IntUnneeded,
                    RuleId::IntSpurious,
                    RuleId::IntOrder,
                ] {
                    w.book.held(r);
                }
                Cause::of(purpose).on(q)
            }
            Some((Reason::Possible | Reason::Permitted, q)) => {
                for r in [RuleId::IntUnneeded, RuleId::IntSpurious, RuleId::IntOrder] {
                    w.book.held(r);
                }
                Cause::of(purpose).on(q)
            }
            Some((Reason::Early, q)) => {
                w.book.held(RuleId::IntSpurious);
                if let Some(queue) = queues.get_mut(&q) {
                    let state = queue.decision.moderation.state(now);
                    w.book.check(
                        RuleId::IntCoalesceEarly,
                        Some(q),
                        false,
                        || "no interrupt before max_packets or max_usecs".into(),
                        || format!("one after {state}"),
                    );
                    queue.decision.take();
                }
                Cause::of(purpose).on(q)
            }
            Some((Reason::Unneeded, q)) => {
                w.book.held(RuleId::IntSpurious);
                w.book.check(
                    RuleId::IntUnneeded,
                    Some(q),
                    false,
                    || "no interrupt: no value of the event word since the publication asks for one".into(),
                    || "one was sent".into(),
                );
                Cause::of(purpose).on(q)
            }
            Some((Reason::Nothing, q)) => {
                let unpublished = users
                    .iter()
                    .copied()
                    .find(|u| queues.get(u).is_some_and(Queue::has_unpublished));
                match unpublished {
                    Some(u) => w.book.check(
                        RuleId::IntOrder,
                        Some(u),
                        false,
                        || "used.idx written before the interrupt".into(),
                        || "elements written, index not yet".into(),
                    ),
                    None if for_config => w.book.check(
                        RuleId::IntConfigSpurious,
                        Some(q),
                        false,
                        || "a reason for an interrupt".into(),
                        || "nothing published, nothing changed".into(),
                    ),
                    None => w.book.check(
                        RuleId::IntSpurious,
                        Some(q),
                        false,
                        || "something published since the last interrupt".into(),
                        || "nothing was".into(),
                    ),
                };
                Cause::of(purpose).on(unpublished.unwrap_or(q))
            }
            None => {
                w.book.check(
                    RuleId::IntConfigSpurious,
                    None,
                    false,
                    || "a configuration change, a driver's error or a failed access".into(),
                    || "none happened".into(),
                );
                Cause::of(purpose)
            }
        }
    }

    /// Something is overdue (`over`: the run is over).
    pub(crate) fn sweep(&mut self, registers: &Registers, config: &ConfigSpace, over: bool, w: &mut World) {
        let now = w.book.now;
        let late = |c: u64| over || now.saturating_sub(c) > GRACE_CYCLES;
        if let Some(cycle) = self.changes.owed.filter(|&c| late(c)) {
            if !Self::mapped(registers.config_vector, config) {
                self.changes.owed = None;
            } else if self.deliverable(registers.config_vector, config) {
                self.changes.owed = None;
                w.book.broke_at(
                    RuleId::IntConfig,
                    cycle,
                    None,
                    "a configuration interrupt".into(),
                    "none".into(),
                );
            }
        }
    }
}
