//! The host on the pins: the one bus model that ties link, root complex and requests to the four channels.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ringside_models::event::{Channel, What};
use ringside_sim::sync::Sender;
use ringside_sim::{Bfm, Cycle};

use super::config::HostConfig;
use super::dice::Dice;
use super::latency::ClockRate;
use super::link::{Limits, Link};
use super::recorder::Recorder;
use super::requests::Requests;
use super::root_complex::{Interrupt, Intx, RootComplex};
use crate::boundary::{Boundary, CreditPorts, TlpSink, TlpSource};

/// What the host has moved, for whoever waits for quiet.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Packets of all channels.
    pub packets: Cell<u64>,
    /// Link bytes from the device to the host.
    pub upstream_bytes: Cell<u64>,
    /// Link bytes from the host to the device.
    pub downstream_bytes: Cell<u64>,
    /// Is a packet for the device on its way over the pins?
    pub sending: Cell<bool>,
}

/// The host's bus model.
#[derive(Debug)]
pub(super) struct HostBfm {
    cq: TlpSource,
    rc: TlpSource,
    rq: TlpSink,
    cc: TlpSink,
    credits: CreditPorts,
    link: Link,
    root: Rc<RefCell<RootComplex>>,
    requests: Requests,
    recorder: Recorder,
    stall_per_mille: u32,
    dice: Dice,
    /// Which of `cq` and `rc` chooses first in the next cycle.
    rc_first: bool,
    started: bool,
    out: Outputs,
    traffic: Rc<Traffic>,
}

/// Where arrivals go.
pub(super) struct Outputs {
    pub(super) interrupts: Sender<Interrupt>,
    pub(super) intx: Sender<Intx>,
}

impl std::fmt::Debug for Outputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outputs").finish_non_exhaustive()
    }
}

impl HostBfm {
    #[expect(clippy::too_many_arguments, reason = "one call, in Host::install")]
    pub(super) fn new(
        boundary: &Boundary,
        config: &HostConfig,
        clock: ClockRate,
        root: Rc<RefCell<RootComplex>>,
        requests: Requests,
        recorder: Recorder,
        out: Outputs,
        traffic: Rc<Traffic>,
        run_seed: u64,
    ) -> Self {
        let bfm = HostBfm {
            cq: TlpSource::new(Channel::Cq, boundary.cq, recorder.clone()),
            rc: TlpSource::new(Channel::Rc, boundary.rc, recorder.clone()),
            rq: TlpSink::new(Channel::Rq, boundary.rq, recorder.clone()),
            cc: TlpSink::new(Channel::Cc, boundary.cc, recorder.clone()),
            credits: boundary.credits,
            link: Link::new(&config.link, clock),
            root,
            requests,
            recorder,
            stall_per_mille: config.link.stall_per_mille,
            dice: Dice::new(run_seed, "host/stall"),
            rc_first: false,
            started: false,
            out,
            traffic,
        };
        bfm.drive_limits(bfm.root.borrow().limits());
        bfm
    }

    fn drive_limits(&self, l: Limits) {
        let p = &self.credits;
        p.ph.set_u64(l.ph.into());
        p.pd.set_u64(l.pd.into());
        p.nph.set_u64(l.nph.into());
        p.npd.set_u64(l.npd.into());
        p.cplh.set_u64(l.cplh.into());
        p.cpld.set_u64(l.cpld.into());
    }

    fn record_limits(&self, now: u64, l: Limits) {
        self.recorder.record(
            now,
            What::Credit {
                ph: l.ph,
                pd: l.pd,
                nph: l.nph,
                npd: l.npd,
                cplh: l.cplh,
                cpld: l.cpld,
            },
        );
    }

    fn start(&mut self, now: u64) {
        self.started = true;
        self.recorder.record(now, What::HardReset {});
        let limits = self.root.borrow().limits();
        self.record_limits(now, limits);
    }

    fn feed(&mut self, now: u64, rc: bool) {
        if rc {
            if self.rc.is_free()
                && let Some(tlp) = self.root.borrow_mut().completions.pop_front()
            {
                self.rc.send(tlp);
            }
        } else if self.cq.is_free()
            && let Some(tlp) = self.requests.next(now)
        {
            self.cq.send(tlp);
        }
    }

    /// Lets `cq` and `rc` put their next beats on the pins, as far as the link has room.
    fn drive_downstream(&mut self, now: u64) {
        let link = &mut self.link.downstream;
        link.tick();
        let mut moved = false;
        for rc in [self.rc_first, !self.rc_first] {
            let open = self.link.downstream.is_open();
            if open {
                self.feed(now, rc);
            }
            let source = if rc { &mut self.rc } else { &mut self.cq };
            let bytes = source.drive(open);
            if bytes > 0 {
                self.link.downstream.charge(bytes);
                moved = true;
            }
        }
        if moved {
            self.rc_first = !self.rc_first;
            self.traffic.downstream_bytes.set(self.link.downstream.bytes());
        }
    }
}

impl Bfm for HostBfm {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        let now = cx.now;
        if !self.started {
            self.start(now);
        }
        // What the host sends comes first in a cycle's events: the device may answer it at once, never the other way round.
        for source in [&mut self.cq, &mut self.rc] {
            if source.sample(now).is_some() {
                let t = &self.traffic;
                t.packets.set(t.packets.get() + 1);
                cx.progress();
            }
        }
        for (sink, requests) in [(&mut self.rq, true), (&mut self.cc, false)] {
            let Some(arrived) = sink.sample(now) else {
                continue;
            };
            cx.progress();
            self.link.upstream.charge(arrived.wire_bytes);
            self.traffic.upstream_bytes.set(self.link.upstream.bytes());
            if let Some(tlp) = arrived.tlp {
                let t = &self.traffic;
                t.packets.set(t.packets.get() + 1);
                let mut root = self.root.borrow_mut();
                if requests {
                    root.accept(now, tlp);
                } else {
                    root.accept_completion(now, tlp);
                }
            }
        }
    }

    fn drive(&mut self, cx: &mut Cycle<'_>) {
        let now = cx.now;
        let limits = {
            let root = &mut *self.root.borrow_mut();
            let limits = root.tick(now);
            while let Some(interrupt) = root.interrupts.pop_front() {
                self.out.interrupts.send(interrupt);
            }
            while let Some(change) = root.intx.pop_front() {
                self.out.intx.send(change);
            }
            while let Some(tlp) = root.answers.pop_front() {
                if let Err(problem) = self.requests.complete(&tlp) {
                    let text = format!("host: cc: {problem}");
                    self.recorder.record(now, What::Note { text });
                }
            }
            limits
        };
        if let Some(limits) = limits {
            self.drive_limits(limits);
            self.record_limits(now, limits);
        }
        self.link.upstream.tick();
        let open = self.link.upstream.is_open();
        let rq = open && !self.dice.chance(self.stall_per_mille);
        let cc = open && !self.dice.chance(self.stall_per_mille);
        self.rq.drive(rq);
        self.cc.drive(cc);
        self.drive_downstream(now);
        self.traffic.sending.set(!self.cq.is_free() || !self.rc.is_free());
    }

    fn status(&self) -> Option<String> {
        let root = self.root.borrow();
        let mut lines: Vec<String> = self.requests.status().into_iter().collect();
        if !root.is_idle() {
            lines.push("host: reads or writes of the device are under way".to_owned());
        }
        let l = root.limits();
        lines.push(format!("credit limits ph {} pd {} nph {}", l.ph, l.pd, l.nph));
        Some(lines.join("; "))
    }
}
