//! The judge: one pass over the events of a trace, live or from a file. Gives every TLP its cause and every rule its outcome.
//!
//! It knows the boundary and the specification, nothing of the device's inside. Where things are, it learns from the traffic itself:
//! register writes say where rings lie and which features hold, the driver's stores (or, without them, what the device read) say what the
//! rings contain. Each queue is seen from both sides: what the driver made available, and what the device knows, fetched and returned.

mod address_map;
mod answered;
mod asking;
mod bus;
mod capability;
mod cause;
mod changes;
mod checkpoint;
mod coalesce;
mod config_space;
mod device_config;
mod dma;
mod features;
mod finish;
mod host;
mod inbound;
mod interrupt;
mod line;
mod messages;
mod met;
mod named;
mod net;
mod notify;
mod outbound;
mod packed;
mod past;
mod queue;
mod registers;
mod shadow;
mod split;
mod startup;
mod suspend;
#[cfg(test)]
mod tests;
mod verdict;
mod way_out;
mod window;
mod windows;
mod world;

use std::collections::BTreeMap;

pub use cause::{Cause, Purpose};
pub use verdict::{Compared, RuleOutcome, Verdict, Violation};

use crate::event::{Channel, EndReason, Event, Header, Region, What};
use crate::rules::RuleId;
use crate::tlp::Tlp;
use address_map::{Area, RingArea};
use bus::Credits;
use capability::Capabilities;
use changes::LinkPin;
use config_space::ConfigSpace;
use device_config::DeviceConfig;
use dma::Reads;
use host::HostRequests;
use messages::Messages;
use named::VoidQueues;
use net::Net;
use past::Past;
use queue::{Queue, State};
use registers::Registers;
use startup::Startup;
use way_out::WayOut;
use world::World;

/// What the judge says about one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Why the packet crossed the boundary; present for every TLP, absent for every other event.
    pub cause: Option<Cause>,
    /// Rules found broken by this event (usually none).
    pub violations: Vec<Violation>,
}

/// Where the device is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Never started.
    Fresh,
    Running,
    /// A reset was written and is not acknowledged yet.
    Stopping,
    /// Reset, and not started again.
    Reset,
}

#[derive(Clone, Copy, Debug)]
struct Mapped {
    addr: u64,
    len_bytes: u32,
    multiplier: Option<u32>,
}

/// What has gone wrong since the device was started, and whether the driver has looked at the status since.
#[derive(Clone, Copy, Debug, Default)]
struct Distress {
    /// A read of the device came back with an error.
    failed_reads: bool,
    /// Status was read since the driver published something malformed.
    status_read_since_fault: bool,
    /// Status was read since a read of a ring failed.
    status_read_since_failure: bool,
}

/// Judges one run, event by event.
#[derive(Debug)]
pub struct Judge {
    header: Header,
    w: World,
    end: Option<EndReason>,
    regions: BTreeMap<Region, Mapped>,
    config: ConfigSpace,
    capabilities: Capabilities,
    registers: Registers,
    device_config: DeviceConfig,
    requests: HostRequests,
    reads: Reads,
    past: Past,
    voids: VoidQueues,
    credits: Credits,
    way_out: WayOut,
    messages: Messages,
    queues: BTreeMap<u16, Queue>,
    net: Net,
    life: Life,
    link: LinkPin,
    rest: suspend::Rest,
    startup: Startup,
    /// `DEVICE_NEEDS_RESET` was read since the device was started.
    needs_reset: bool,
    distress: Distress,
    last_sweep: u64,
    /// When unanswered reads were last looked for.
    last_look: u64,
    /// The least time after which a requester may give a read up.
    timeout_cycles: u64,
    /// Cycle of the last packet.
    last_packet: u64,
    /// Queues whose fault has been counted as a reason for a configuration interrupt.
    faults_told: usize,
    /// A function-level reset was asked for by this event and is not known to be over.
    flr: Option<u64>,
}

const SWEEP_CYCLES: u64 = 8192;

/// After this many microseconds a read that nobody has answered counts as given up by the device.
///
/// PCI Express (base specification, 2.8 and Device Control 2) lets a requester with the default setting time out anywhere from 50 us to 50 ms and
/// asks it not to be hasty. The judge cannot see inside the device, so it needs one figure: a slow host must not be taken for a silent one (starved
/// links answer after 60 us and more), and a device at the short end of the range must be believed when it reports the failure.
const TIMEOUT_US: f64 = 250.0;

#[expect(clippy::cast_sign_loss, reason = "a header's clock rate is positive")]
fn timeout_cycles(clock_mhz: f64) -> u64 {
    (clock_mhz * TIMEOUT_US) as u64
}

impl Judge {
    /// A judge for a trace with this header.
    #[must_use]
    pub fn new(header: &Header) -> Self {
        let mut judge = Judge {
            header: header.clone(),
            w: World::new(header),
            end: None,
            regions: BTreeMap::new(),
            config: ConfigSpace::new(),
            capabilities: Capabilities::default(),
            registers: Registers::new(header.device_type),
            device_config: DeviceConfig::default(),
            requests: HostRequests::default(),
            reads: Reads::default(),
            past: Past::default(),
            voids: VoidQueues::default(),
            credits: Credits::default(),
            way_out: WayOut::new(&header.link, header.clock_mhz),
            messages: Messages::default(),
            queues: BTreeMap::new(),
            net: Net::new(),
            life: Life::Fresh,
            link: LinkPin::default(),
            rest: suspend::Rest::default(),
            startup: Startup::default(),
            needs_reset: false,
            distress: Distress::default(),
            last_sweep: 0,
            last_look: 0,
            timeout_cycles: timeout_cycles(header.clock_mhz),
            last_packet: 0,
            faults_told: 0,
            flr: None,
        };
        judge.switch_rules_off();
        judge
    }

    /// Judges the next event. Events come in the order of the trace.
    pub fn observe(&mut self, event: &Event) -> Observation {
        self.w.book.now = event.cycle;
        self.w.seq += 1;
        if event.cycle >= self.last_look + self.timeout_cycles / 4 {
            self.last_look = event.cycle;
            self.past.forget(self.reads.oldest().unwrap_or(event.cycle));
            self.give_up_reads();
        }
        self.link_settles(event.cycle);
        let mut cause = None;
        match &event.what {
            What::Tlp { ch, start, tlp } => {
                let mut why = self.packet(*ch, *start, tlp);
                why.control = why
                    .queue
                    .is_some_and(|q| self.w.shape.role(q) == net::shape::Role::Control);
                cause = Some(why);
            }
            What::Store { addr, data, visible } => self.store(*addr, data, visible.unwrap_or(event.cycle)),
            What::Map {
                region,
                addr,
                len_bytes,
                multiplier,
            } => {
                self.regions.insert(
                    *region,
                    Mapped {
                        addr: *addr,
                        len_bytes: *len_bytes,
                        multiplier: *multiplier,
                    },
                );
            }
            What::WireTx { queue, error, data } if self.w.shape.net => {
                self.net.wire_tx(*queue, *error, data, &self.queues, &mut self.w);
            }
            What::WireRx { flow, data } if self.w.shape.net => self.net.wire_rx(*flow, data, &self.w),
            What::WireDrop { reason } if self.w.shape.net => {
                met::dropped(*reason, &mut self.w);
                self.net
                    .wire_drop(*reason, &self.queues, &self.startup, &mut self.w);
            }
            What::LinkUp { up } => self.link.set(*up, event.cycle),
            What::Credit {
                ph,
                pd,
                nph,
                npd,
                cplh,
                cpld,
            } => {
                self.credits.limit([(*ph, *pd), (*nph, *npd), (*cplh, *cpld)]);
                self.way_out.credits(&self.credits, event.cycle);
            }
            What::Pin { channel, problem } => {
                self.w.book.check(
                    RuleId::RunPin,
                    None,
                    false,
                    || "a legal handshake".into(),
                    || format!("{channel}: {problem}"),
                );
            }
            What::HardReset {} => self.hard_reset(),
            What::End { reason } => self.end = Some(*reason),
            What::WireTx { .. } | What::WireRx { .. } | What::WireDrop { .. } | What::Note { .. } => {}
        }
        if event.cycle >= self.last_sweep + SWEEP_CYCLES {
            self.last_sweep = event.cycle;
            self.sweep(false);
        }
        Observation {
            cause,
            violations: self.w.book.take_fresh(),
        }
    }

    /// A change of the link that is over by cycle `now` is a reason for a configuration interrupt, one that is owed once the device runs for sure.
    fn link_settles(&mut self, now: u64) {
        if let Some(cycle) = self.link.settled(now) {
            let sure =
                self.life == Life::Running && self.startup.running().is_some_and(|since| since < cycle);
            // What happens over a suspension is told of after it, if it shows then.
            let owed = sure && self.w.has(features::STATUS) && self.w.shape.net && !self.resting();
            self.messages.changes.changed(owed, cycle);
        }
    }

    /// A packet crossed whose first beat was offered at cycle `start`, if that was an earlier one.
    fn packet(&mut self, ch: Channel, start: Option<u64>, tlp: &Tlp) -> Cause {
        self.w.book.compared.tlps += 1;
        self.last_packet = self.w.book.now;
        if ch.is_upstream() {
            let now = self.w.book.now;
            self.way_out.packet(tlp, start.unwrap_or(now), now);
            bus::check_upstream(
                tlp,
                &self.header.link,
                &self.config,
                &mut self.credits,
                self.requests.acknowledged_before(start),
                &mut self.w.book,
            );
            self.way_out.credits(&self.credits, now);
        }
        match ch {
            Channel::Cq => self.host_request(tlp),
            Channel::Cc => self.device_completion(tlp),
            Channel::Rq => self.device_request(tlp),
            Channel::Rc => self.host_completion(tlp),
        }
    }

    /// The driver stored into memory.
    fn store(&mut self, addr: u64, data: &[u8], visible: u64) {
        if data.is_empty() {
            return;
        }
        let mut old = vec![0; data.len()];
        self.w.shadow.read(addr, &mut old);
        self.past.replaced(addr, old, visible);
        self.w.shadow.write(addr, data);
        let end = addr.saturating_add(data.len() as u64);
        let hits: Vec<RingArea> = self.w.rings.touched(addr, end).collect();
        for area in hits {
            let (first, last) = (
                addr.max(area.start) - area.start,
                end.min(area.end) - 1 - area.start,
            );
            let Some(q) = self
                .queues
                .get_mut(&area.queue)
                .filter(|q| q.state == State::Live)
            else {
                continue;
            };
            let new = q.driver_stored(area.area, (first, last), visible, &mut self.w);
            if area.area == Area::Desc && self.w.book.is_void(area.queue) {
                let place = (area.start, area.end);
                self.voids
                    .stored(area.queue, place, (first, last), &self.past, &self.w.shadow);
            }
            let (from, to) = q.positions(&new);
            if from != to && self.w.has(features::SUSPEND) {
                let waits = self.registers.suspension.waits();
                self.w.book.check(
                    RuleId::DriverSuspend,
                    Some(area.queue),
                    !waits,
                    || "no buffer made available once a suspension was asked for".into(),
                    || format!("ring positions {from}..{to} were"),
                );
            }
            if from != to {
                q.kicks.published(from, to, self.w.book.now);
            }
            self.chains_appeared(area.queue, new);
        }
    }

    /// Chains of a queue became available; those known in full go to the scoreboard.
    fn chains_appeared(&mut self, queue: u16, new: std::ops::Range<u64>) {
        if self.w.shape.net
            && let Some(q) = self.queues.get(&queue)
        {
            for n in new {
                self.net.chain(q, n, &mut self.w);
            }
            if self.w.shape.role(queue) == net::shape::Role::Control {
                self.moderation_changed();
            }
        }
    }

    /// Chains that became known in full only now.
    fn late_chains(&mut self) {
        for (queue, number) in std::mem::take(&mut self.w.walked) {
            if let Some(q) = self.queues.get(&queue).filter(|_| self.w.shape.net) {
                self.net.chain(q, number, &mut self.w);
            }
        }
    }

    /// A malformed chain is a reason for a configuration interrupt, and what voids a queue may be one.
    fn note_faults(&mut self) {
        let broken = |q: &Queue| q.fault.is_some() || self.w.book.is_void(q.index);
        let faults = self.queues.values().filter(|q| broken(q)).count();
        if faults > self.faults_told {
            self.messages.changes.fault();
        }
        self.faults_told = faults;
    }

    fn hard_reset(&mut self) {
        self.function_reset();
        self.requests.clear();
        self.reads.clear();
        self.credits.reset();
        self.life = Life::Fresh;
    }
}
