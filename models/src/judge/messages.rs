//! Interrupts as the function sends them: MSI-X table, masks, `INTx`, ISR status, configuration interrupts.

use std::collections::BTreeMap;

use super::cause::{Cause, Purpose};
use super::config_space::ConfigSpace;
use super::interrupt::Reason;
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
    intx: bool,
    /// ISR was read while the line was asserted, at this cycle; it must fall.
    must_fall: Option<u64>,
    /// ISR bits that the next read must show.
    isr_config: bool,
    isr_any: bool,
    /// A configuration interrupt is owed since this cycle.
    config_owed: Option<u64>,
    /// Reasons for configuration interrupts not yet sent.
    config_reasons: u32,
    /// Messages of a shared vector that may still come because an earlier one told of several queues at once; by the vector's first queue.
    spare: BTreeMap<u16, u32>,
}

impl Messages {
    /// A reset that clears the MSI-X table.
    pub(crate) fn reset_table(&mut self, seq: u64) {
        for e in self.table.values_mut() {
            e.unmasked.set(false, seq);
        }
        self.intx = false;
        self.reset();
    }

    /// A reset of the virtio device.
    pub(crate) fn reset(&mut self) {
        self.must_fall = None;
        self.isr_config = false;
        self.isr_any = false;
        self.config_owed = None;
        self.config_reasons = 0;
        self.spare.clear();
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
        self.intx && config.msix_enable.is_some_and(|on| !on.on())
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
    fn delivered(
        &mut self,
        users: &[u16],
        for_config: bool,
        queues: &mut BTreeMap<u16, Queue>,
        w: &mut World,
        purpose: Purpose,
    ) -> Cause {
        let now = w.book.now;
        let mut best: Option<(Reason, u16)> = None;
        let mut with_reason = 0;
        for &index in users {
            let Some(q) = queues.get_mut(&index) else { continue };
            let reason = q.decision.interrupted(now);
            with_reason += u32::from(reason >= Reason::Permitted);
            if best.is_none_or(|(b, _)| reason > b) {
                best = Some((reason, index));
            }
        }
        // Queues that share a vector may each send a message where one of them would have told of all.
        let spare = self
            .spare
            .entry(users.first().copied().unwrap_or_default())
            .or_default();
        if with_reason > 1 {
            *spare = (*spare + with_reason - 1).min(users.len() as u32);
        } else if with_reason == 0 && *spare > 0 && !for_config {
            *spare -= 1;
            best = best.map(|(_, q)| (Reason::Permitted, q));
        }
        let justified = best.is_some_and(|(r, _)| r >= Reason::Permitted);
        if for_config
            && (!justified || self.config_owed.is_some())
            && (self.config_owed.is_some() || self.config_reasons > 0)
        {
            self.config_owed = None;
            self.config_reasons = 0;
            self.isr_config = true;
            w.book.held(RuleId::IntConfig);
            w.book.held(RuleId::IntConfigSpurious);
            if !justified {
                return Cause::of(purpose);
            }
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
            Some((Reason::Permitted, q)) => {
                for r in [RuleId::IntUnneeded, RuleId::IntSpurious, RuleId::IntOrder] {
                    w.book.held(r);
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

    /// The device sent a message request.
    pub(crate) fn intx(
        &mut self,
        code: u8,
        config: &ConfigSpace,
        queues: &mut BTreeMap<u16, Queue>,
        acknowledged: u64,
        w: &mut World,
    ) -> Cause {
        let assert = match code {
            0x20..=0x23 => true,
            0x24..=0x27 => false,
            _ => {
                w.book.check(
                    RuleId::BusKind,
                    None,
                    false,
                    || "INTx messages only".into(),
                    || format!("message code {code:#04x}"),
                );
                return Cause::of(Purpose::Unknown);
            }
        };
        w.book.row(
            None,
            if assert { "assert INTx" } else { "deassert INTx" },
            0,
            code.into(),
        );
        w.book.check(
            RuleId::IntIntx,
            None,
            assert != self.intx,
            || "assert and deassert in turn".into(),
            || {
                if assert {
                    "asserted twice".into()
                } else {
                    "deasserted twice".into()
                }
            },
        );
        self.intx = assert;
        if !assert {
            self.must_fall = None;
            return Cause::of(Purpose::Intx);
        }
        w.book.compared.interrupts += 1;
        let msix = config.msix_enable.is_some_and(|s| s.surely_on(acknowledged));
        w.book.check(
            RuleId::IntIntx,
            None,
            !msix,
            || "no INTx with MSI-X enabled".into(),
            || "asserted".into(),
        );
        let disabled = config.intx_disable.surely_on(acknowledged);
        w.book.check(
            RuleId::IntIntx,
            None,
            !disabled,
            || "no INTx with Interrupt Disable set".into(),
            || "asserted".into(),
        );
        self.isr_any = true;
        let users: Vec<u16> = queues
            .iter()
            .filter(|(_, q)| q.state != State::Dead)
            .map(|(&i, _)| i)
            .collect();
        self.delivered(&users, true, queues, w, Purpose::Intx)
    }

    /// A read of ISR status was answered.
    pub(crate) fn isr_read(&mut self, value: u8, queues: &mut BTreeMap<u16, Queue>, w: &mut World) {
        w.book.compared.registers += 1;
        w.book.check(
            RuleId::IntIsr,
            None,
            value & !3 == 0,
            || "only bits 0 and 1".into(),
            || format!("{value:#x}"),
        );
        if self.isr_any {
            w.book.check(
                RuleId::IntIsr,
                None,
                value & 3 != 0,
                || "the cause of the INTx that is asserted".into(),
                || "0".into(),
            );
        }
        if self.isr_config {
            w.book.check(
                RuleId::IntIsr,
                None,
                value & 2 != 0,
                || "bit 1 after a configuration interrupt".into(),
                || format!("{value:#x}"),
            );
        }
        (self.isr_any, self.isr_config) = (false, false);
        if self.intx {
            self.must_fall.get_or_insert(w.book.now);
            // The driver looks at every queue now: what was asserted for stands for all of them.
            for q in queues.values_mut() {
                q.decision.forget();
            }
        }
    }

    /// Something changed that the driver must be told of.
    pub(crate) fn config_change(&mut self, owed: bool, now: u64) {
        self.config_reasons += 1;
        if owed {
            self.config_owed.get_or_insert(now);
        }
    }

    /// Is a configuration interrupt still to come?
    pub(crate) fn config_pending(&self) -> bool {
        self.config_owed.is_some() || self.config_reasons > 0
    }

    /// Something is overdue (`over`: the run is over).
    pub(crate) fn sweep(&mut self, registers: &Registers, config: &ConfigSpace, over: bool, w: &mut World) {
        let now = w.book.now;
        let late = |c: u64| over || now.saturating_sub(c) > GRACE_CYCLES;
        if let Some(cycle) = self.config_owed.filter(|&c| late(c)) {
            if !Self::mapped(registers.config_vector, config) {
                self.config_owed = None;
            } else if self.deliverable(registers.config_vector, config) {
                self.config_owed = None;
                w.book.broke_at(
                    RuleId::IntConfig,
                    cycle,
                    None,
                    "a configuration interrupt".into(),
                    "none".into(),
                );
            }
        }
        if let Some(cycle) = self.must_fall.filter(|&c| late(c)) {
            self.must_fall = None;
            w.book.broke_at(
                RuleId::IntIntx,
                cycle,
                None,
                "INTx de-asserted after ISR was read".into(),
                "still asserted".into(),
            );
        }
    }
}
