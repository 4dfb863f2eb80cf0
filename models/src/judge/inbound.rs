//! Packets between host and device registers: requests on `cq`, their completions on `cc`, and what register accesses lead to.

use super::capability::Capabilities;
use super::cause::{Cause, Purpose};
use super::config_space::ConfigEffect;
use super::device_config::MAX_PAIRS;
use super::features;
use super::host::HostTarget;
use super::met;
use super::queue::{Queue, State};
use super::registers::{CONFIG_VECTOR, DRIVER_OK, Effect, GENERATION, NEEDS_RESET, NO_VECTOR, QUEUE_VECTOR};
use super::{Distress, Judge, Life};
use crate::event::Region;
use crate::rules::RuleId;
use crate::tlp::{Body, Tlp};

/// Little-endian number from at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |v, &b| v << 8 | u64::from(b))
}

/// The enabled bytes of a write, as one run.
pub(crate) fn enabled(tlp: &Tlp, base: u64, span: (u64, u64)) -> &[u8] {
    let skip = span.0.wrapping_sub(base) as usize;
    tlp.data().get(skip..skip + span.1 as usize).unwrap_or(&[])
}

impl Judge {
    fn region_at(&self, addr: u64) -> Option<(Region, u32, Option<u32>)> {
        self.regions
            .iter()
            .find(|(_, m)| addr >= m.addr && addr - m.addr < u64::from(m.len_bytes))
            .map(|(&r, m)| (r, (addr - m.addr) as u32, m.multiplier))
    }

    /// What a read of `bytes` bytes of a BAR is for.
    fn read_target(&mut self, addr: u64, bytes: u64) -> (HostTarget, Cause) {
        let target = match self.region_at(addr) {
            Some((Region::Common, offset, _)) => {
                HostTarget::Common(self.registers.read(offset, bytes as u32, &mut self.w.book))
            }
            Some((Region::Checkpoint, offset, _)) => HostTarget::Checkpoint(self.checkpoint_asked(offset)),
            Some((region, offset, _)) => {
                if region == Region::Isr {
                    self.messages.isr_asked();
                }
                HostTarget::Region(region, offset)
            }
            None => HostTarget::Elsewhere,
        };
        (target, Cause::of(Purpose::Register))
    }

    /// A packet on `cq`.
    pub(super) fn host_request(&mut self, tlp: &Tlp) -> Cause {
        let (now, seq) = (self.w.book.now, self.w.seq);
        match &tlp.body {
            Body::CfgRd { reg, .. } => {
                let cause = Cause::of(Purpose::Config);
                let (target, cause, span) = match self.config.window.read(*reg) {
                    Some((addr, len)) => {
                        self.window_used(addr, len);
                        let (target, cause) = self.read_target(addr, len as u64);
                        (target, cause, Some((0, len as u64)))
                    }
                    None => (HostTarget::ConfigRead(*reg), cause, None),
                };
                self.requests.request(&tlp.body, target, cause, span, now, seq);
                cause
            }
            Body::CfgWr {
                target,
                reg,
                fbe,
                data,
                ..
            } => {
                let value = number(data) as u32;
                let effect = self.config.write(*target, *reg, *fbe, value, seq);
                self.capability_written(*reg);
                let cause = match self.config.window.write(*reg, *fbe, value) {
                    Some((addr, len)) => {
                        self.window_used(addr, len);
                        self.host_write(addr, &value.to_le_bytes()[..len])
                    }
                    None => Cause::of(Purpose::Config),
                };
                self.requests
                    .request(&tlp.body, HostTarget::ConfigWrite, cause, None, now, seq);
                match effect {
                    ConfigEffect::Flr => {
                        self.flr = Some(seq);
                        self.take_effect(Effect::ResetStarted);
                        self.registers.status = 0;
                    }
                    ConfigEffect::Msix => self.unmasked(),
                    ConfigEffect::None => {}
                }
                cause
            }
            Body::MRd { .. } => {
                let (addr, bytes) = tlp.span().unwrap_or_default();
                let (target, cause) = self.read_target(addr, bytes);
                self.requests
                    .request(&tlp.body, target, cause, Some((addr, bytes)), now, seq);
                cause
            }
            Body::MWr { addr: base, .. } => match tlp.span() {
                Some(span) => self.host_write(span.0, enabled(tlp, *base, span)),
                None => Cause::of(Purpose::Register),
            },
            _ => Cause::of(Purpose::Unknown),
        }
    }

    /// A common configuration field was written: if it maps a vector, is there one?
    fn vector_written(&mut self, offset: u32, value: u64) {
        let maps = matches!(offset, CONFIG_VECTOR | QUEUE_VECTOR) && value != u64::from(NO_VECTOR);
        if let Some(vectors) = self.config.vectors().filter(|_| maps) {
            self.w.book.check(
                RuleId::DriverVector,
                None,
                value < u64::from(vectors),
                || format!("one of {vectors} vectors, or 0xffff"),
                || format!("{value:#x} written at {offset:#x}"),
            );
        }
    }

    /// A configuration write of `reg` crossed: capabilities are read-only, but for the window's.
    fn capability_written(&mut self, reg: u16) {
        if let Some(at) = self.config.read_only_capability(reg) {
            self.w.book.check(
                RuleId::DriverRegister,
                None,
                false,
                || "virtio capabilities are not written, but for the configuration window's".into(),
                || format!("a write of {reg:#x} in the capability at {at:#x}"),
            );
        }
    }

    /// The configuration window was used for an access of `len` bytes.
    fn window_used(&mut self, addr: u64, len: usize) {
        let inside = self.region_at(addr).is_some();
        self.w.book.check(
            RuleId::DriverWindow,
            None,
            inside && addr.is_multiple_of(len as u64),
            || "an aligned access inside a virtio structure".into(),
            || format!("{len} bytes at {addr:#x}"),
        );
    }

    fn host_write(&mut self, addr: u64, data: &[u8]) -> Cause {
        match self.region_at(addr) {
            Some((Region::Common, offset, _)) => {
                self.vector_written(offset, number(data));
                let effect = self
                    .registers
                    .write(offset, data.len() as u32, number(data), &mut self.w.book);
                self.w.features = self.registers.negotiated;
                self.w.shape.features = self.registers.negotiated;
                self.take_effect(effect);
            }
            Some((Region::Notify, offset, multiplier)) => {
                return self.kick(offset, multiplier.unwrap_or(0), data);
            }
            Some((Region::MsixTable, offset, _)) => {
                let seq = self.w.seq;
                let mut mask = false;
                for (i, dword) in data.chunks_exact(4).enumerate() {
                    mask |= self
                        .messages
                        .table_write(offset + 4 * i as u32, number(dword) as u32, seq);
                }
                if mask {
                    self.unmasked();
                }
            }
            Some((Region::Checkpoint, offset, _)) => self.checkpoint_written(offset, data),
            Some((Region::Device, offset, _)) if self.w.shape.net => {
                self.w.book.check(
                    RuleId::DriverRegister,
                    None,
                    false,
                    || "a network device's configuration is not written".into(),
                    || format!("{} bytes written at {offset:#x}", data.len()),
                );
            }
            _ => {}
        }
        Cause::of(Purpose::Register)
    }

    /// A mask changed: what is owed to vectors counts from now.
    fn unmasked(&mut self) {
        let now = self.w.book.now;
        self.rest.unmasked = true;
        self.queues.values_mut().for_each(|q| q.decision.restart(now));
    }

    fn kick(&mut self, offset: u32, multiplier: u32, data: &[u8]) -> Cause {
        self.w.book.compared.kicks += 1;
        let value = number(data);
        let place = offset.checked_div(multiplier);
        let by_place = place.map(|p| self.registers.queue_of_notify_off(p).unwrap_or(p as u16));
        let named = value as u16;
        // Where all queues share an address the value says which one is meant, else the address does.
        let queue = by_place
            .or(self.registers.queue_of_kick_value(named))
            .unwrap_or(named);
        // Not known: the driver never looked what the device wants to be told.
        let known = self.registers.kick_value(queue);
        let right = known == Some(named);
        let positions = self.w.has(features::NOTIFICATION_DATA);
        let width = if positions { 4 } else { 2 };
        let form = data.len() == width && right && (multiplier == 0 || offset.is_multiple_of(multiplier));
        self.w.book.check(
            RuleId::DriverKickForm,
            Some(queue),
            form,
            || match known {
                Some(v) => format!("{width} bytes with {v:#x} for queue {queue}"),
                None => format!("queue_notif_config_data of queue {queue} read, and then sent"),
            },
            || format!("{} bytes {value:#x} at offset {offset:#x}", data.len()),
        );
        let cause = Cause::of(Purpose::Kick).on(queue);
        let running = self.life == Life::Running;
        let q = self.queues.get_mut(&queue).filter(|q| q.state == State::Live);
        self.w.book.check(
            RuleId::DriverKickEarly,
            Some(queue),
            running && q.is_some(),
            || "kicks only after DRIVER_OK and for enabled queues".into(),
            || format!("a kick of queue {queue}"),
        );
        let Some(q) = q else { return cause };
        self.w.book.row(Some(queue), "kick", u64::from(offset), value);
        if self.w.has(features::SUSPEND) {
            self.w.book.check(
                RuleId::DriverSuspend,
                Some(queue),
                !self.registers.suspension.waits(),
                || "no kick once a suspension was asked for".into(),
                || format!("a kick of queue {queue}"),
            );
        }
        // With another value it is no kick of this queue: the device has not been told.
        if !right {
            return cause;
        }
        let (mut upto, mut new) = (q.published_position(), q.nothing_new());
        if positions && form {
            (upto, new) = q.kick_position((value >> 16) as u16, &mut self.w);
        }
        q.kicks.kicked(upto);
        met::kick(&mut self.w);
        self.chains_appeared(queue, new);
        cause
    }

    /// A packet on `cc`.
    pub(super) fn device_completion(&mut self, tlp: &Tlp) -> Cause {
        let bdf = self.config.bdf;
        let Some(answer) = self
            .requests
            .completion(&tlp.body, tlp.poisoned, bdf, &mut self.w.book)
        else {
            return Cause::of(Purpose::Unknown);
        };
        let request = answer.request;
        self.startup
            .acknowledge(self.requests.acknowledged, self.w.book.now);
        // The first request that came after the function-level reset and was answered shows that it is over.
        if self.flr.is_some_and(|flr| request.seq > flr) && answer.data.is_some() {
            self.function_reset();
        }
        if let Some(data) = &answer.data {
            self.host_answer(request.target, request.cycle, data);
        }
        Cause {
            request_cycle: Some(request.cycle),
            ..request.cause
        }
    }

    /// A request of the host that crossed at cycle `asked` was answered.
    fn host_answer(&mut self, target: HostTarget, asked: u64, data: &[u8]) {
        let value = number(data);
        match target {
            HostTarget::ConfigRead(reg) => {
                self.config.read_done(reg, value as u32);
                let device_type = self.header.device_type;
                self.capabilities
                    .read(reg, &self.config, device_type, &mut self.w.book);
            }
            HostTarget::Common(at) => {
                if at.offset() == GENERATION {
                    self.device_config
                        .generation(value as u8, asked, &mut self.w.book);
                }
                let effect = self.registers.read_done(at, value, &mut self.w.book);
                self.w.features = self.registers.negotiated;
                self.w.shape.features = self.registers.negotiated;
                self.w.shape.num_queues = self.registers.num_queues;
                self.take_effect(effect);
            }
            HostTarget::Checkpoint(asked) => self.checkpoint_answered(asked, data),
            HostTarget::Region(Region::Isr, _) => {
                self.messages
                    .isr_read(value as u8, asked, &self.config, &mut self.queues, &mut self.w);
            }
            HostTarget::Region(Region::Device, offset) => {
                self.w.book.compared.registers += 1;
                self.device_config.read(offset, data, asked, self.w.book.now);
                if self.w.shape.net {
                    let offered = self.registers.offered();
                    self.device_config
                        .judge_net(offset, data.len() as u32, offered, &mut self.w.book);
                    self.net.mac = self.device_config.get::<6>(0);
                    self.w.shape.mtu = self.device_config.mtu();
                    self.w.shape.max_pairs = self
                        .device_config
                        .get::<2>(MAX_PAIRS)
                        .map(u16::from_le_bytes)
                        .filter(|&p| p > 0);
                }
            }
            _ => {}
        }
    }

    fn take_effect(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::ResetStarted => {
                let how = if self.flr.is_some() { "function" } else { "device" };
                self.met_reset(how, None);
                if self.life == Life::Running {
                    self.life = Life::Stopping;
                }
                self.startup.stopped();
                for q in self.queues.values_mut() {
                    q.state = State::Stopping;
                    q.decision.excuse();
                }
            }
            Effect::ResetDone => self.device_stopped(),
            Effect::Started => {
                self.life = Life::Running;
                met::negotiated(&mut self.w);
                self.needs_reset = false;
                self.distress = Distress::default();
                self.messages.started(self.w.book.now);
                self.startup.started(self.w.seq);
                Capabilities::started(
                    &self.config,
                    self.registers.offered(),
                    self.registers.notify_offsets(),
                    &mut self.w.book,
                );
                let running: Vec<u16> = self
                    .queues
                    .iter()
                    .filter(|(_, q)| q.state == State::Live)
                    .map(|(&i, _)| i)
                    .collect();
                self.net.start(&running, &self.w);
                self.moderation_changed();
            }
            Effect::StatusRead(value) => self.status_read(value),
            Effect::Enabled(queue) => self.queue_enabled(queue),
            Effect::QueueResetStarted(queue) => {
                self.met_reset("queue", Some(queue));
                if let Some(q) = self.queues.get_mut(&queue) {
                    q.state = State::Stopping;
                    q.decision.excuse();
                    self.net.queue_stopping(queue);
                }
            }
            Effect::QueueResetDone(queue) => {
                if let Some(q) = self.queues.get_mut(&queue) {
                    q.state = State::Dead;
                    q.settle_all(&mut self.w);
                    self.net.queue_reset(queue, &self.w);
                }
            }
            Effect::SuspendAsked => {
                self.met_reset("suspend", None);
                self.suspend_asked();
            }
            Effect::Suspended(value) => {
                self.suspended();
                self.status_read(value);
            }
            Effect::ResumeAsked => self.resume_asked(),
            Effect::Resumed(value) => {
                self.resumed();
                self.status_read(value);
            }
            Effect::Vectors => {
                for (i, q) in &mut self.queues {
                    let vector = self.registers.queues.get(i).and_then(|r| r.vector);
                    if !super::messages::Messages::mapped(vector, &self.config) {
                        q.decision.excuse();
                    }
                }
            }
        }
    }

    /// A reset of the device is over: everything about its queues is forgotten.
    pub(super) fn device_stopped(&mut self) {
        if self.life != Life::Fresh {
            self.life = Life::Reset;
        }
        let indices: Vec<u16> = self.queues.keys().copied().collect();
        for (_, mut q) in std::mem::take(&mut self.queues) {
            q.dismantle(&mut self.w);
        }
        self.w.spans.clear();
        self.w.rings.clear();
        self.net.reset(indices.into_iter(), &self.w);
        self.messages.reset();
        self.device_config.reset();
        self.faults_told = 0;
        self.needs_reset = false;
        self.w.features = 0;
        self.w.shape.features = 0;
    }

    /// Function-level reset: as a device reset, and configuration space returns to its defaults.
    pub(super) fn function_reset(&mut self) {
        let seq = self.w.seq;
        self.registers.reset();
        self.device_stopped();
        self.config.reset(seq);
        self.messages.reset_table(seq);
        self.flr = None;
    }

    fn status_read(&mut self, value: u8) {
        self.note_faults();
        // While a reset runs the byte says no more than "not yet".
        let asks = value & NEEDS_RESET != 0 && !self.registers.resetting;
        let fault = self.distress.failed_reads
            || self.w.book.voids() > 0
            || self.queues.values().any(|q| q.fault.is_some());
        self.distress.status_read_since_failure = true;
        self.distress.status_read_since_fault |= self.queues.values().any(|q| q.fault_known());
        if asks {
            self.w.book.check(
                RuleId::CfgStatus,
                None,
                fault || !self.w.stores,
                || "DEVICE_NEEDS_RESET only after an error".into(),
                || format!("{value:#x}, with nothing wrong"),
            );
            // The bit stays set: only its first showing says that a queue is frozen, and which one only if there is no choice.
            let mut failed = self.queues.values_mut().filter(|q| q.fault.is_some() || q.broken);
            if let (Some(q), None, false) = (failed.next(), failed.next(), self.needs_reset) {
                q.frozen = Some(self.w.book.now);
                if q.broken {
                    self.w.book.held(RuleId::RingReadFailed);
                }
            }
            if !self.needs_reset && self.registers.status & DRIVER_OK != 0 {
                self.messages.changes.demand(self.w.book.now);
            }
            self.needs_reset = true;
        }
    }

    fn queue_enabled(&mut self, index: u16) {
        let regs = self.registers.queues.get(&index).copied().unwrap_or_default();
        let size = regs.size.unwrap_or(0);
        let usable = size != 0 && (size.is_power_of_two() || self.w.has(features::RING_PACKED));
        self.w.book.check(
            RuleId::DriverRegister,
            Some(index),
            usable,
            || "a queue with a size".into(),
            || format!("queue_enable with queue_size {size}"),
        );
        if !usable {
            return;
        }
        if let Some(mut old) = self.queues.remove(&index) {
            old.dismantle(&mut self.w);
        }
        self.w.book.enabled(index);
        self.voids.enabled(index);
        let (mut q, new) = Queue::enable(index, &regs, size, &mut self.w);
        let now = self.w.book.now;
        let (from, to) = q.positions(&new);
        // Chains from before the queue ran need a kick too: one made after DRIVER_OK.
        if from != to {
            q.kicks.published(from, to, now);
        }
        self.startup.enabled(index, self.w.seq);
        self.queues.insert(index, q);
        self.net.queue_enabled(index, &self.w);
        self.moderation_changed();
        self.chains_appeared(index, new);
    }
}
