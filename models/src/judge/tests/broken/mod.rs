//! One wrong behaviour for each rule: the rule fires, and no other but those named beside it.

mod contents;
mod failures;
mod packed;

use super::clean::{buffers, command, frame, malformed, receive};
use super::told;
use crate::event::{Channel, EndReason, What};
use crate::testutil::{
    BDF, Buffer, COMMON, CONFIG_VECTOR, DEVICE, Given, ISR, MSI, NOTIFY, Part, RAM, RX, SIZE, TABLE, TX,
    USUAL, World, packet, ring,
};
use crate::tlp::{Body, CplStatus, Tlp};

pub(super) struct Case {
    pub(super) rule: &'static str,
    /// Rules that break with it.
    also: &'static [&'static str],
    end: Option<EndReason>,
    world: World,
}

/// From a started device; the run is cut off, so that nothing need be complete.
fn cut(rule: &'static str, also: &'static [&'static str], f: impl FnOnce(&mut World)) -> Case {
    let mut world = World::started(USUAL);
    f(&mut world);
    Case {
        rule,
        also,
        end: Some(EndReason::Truncated),
        world,
    }
}

/// From this world; the run is cut off.
pub(super) fn cut_with(rule: &'static str, mut world: World, f: impl FnOnce(&mut World)) -> Case {
    f(&mut world);
    Case {
        rule,
        also: &[],
        end: Some(EndReason::Truncated),
        world,
    }
}

/// From this world; the run is complete.
pub(super) fn whole_with(rule: &'static str, world: World, f: impl FnOnce(&mut World)) -> Case {
    Case {
        end: Some(EndReason::Complete),
        ..cut_with(rule, world, f)
    }
}

/// From a started device; the run is complete.
fn whole(rule: &'static str, also: &'static [&'static str], f: impl FnOnce(&mut World)) -> Case {
    Case {
        end: Some(EndReason::Complete),
        ..cut(rule, also, f)
    }
}

/// From a device that is not started.
fn raw(rule: &'static str, features: u128, f: impl FnOnce(&mut World)) -> Case {
    let mut world = World::new(features);
    world.enumerate();
    f(&mut world);
    Case {
        rule,
        also: &[],
        end: Some(EndReason::Truncated),
        world,
    }
}

/// A transmit chain that the device has learned of.
fn sent(w: &mut World, len: usize) -> Given {
    let given = w.give(TX, &[packet(&frame(len))]);
    w.kick(TX);
    w.learn(TX, &given);
    given
}

/// The same, read and on the wire.
fn wired(w: &mut World, len: usize) -> Given {
    let given = sent(w, len);
    w.read_payload(&given);
    w.wire_tx(&frame(len));
    given
}

fn avail_index() -> u64 {
    ring(TX, Part::Avail, 0)
}

fn index_read(tag: u16, req: u16) -> Body {
    Body::MRd {
        req,
        tag,
        addr: avail_index(),
        dw: 1,
        fbe: 0b1100,
        lbe: 0,
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = bus();
    all.extend(life_and_safety());
    all.extend(split());
    all.extend(notifications());
    all.extend(contents::registers());
    all.extend(contents::net());
    all.extend(contents::driver());
    all.extend(contents::run());
    all.extend(packed::cases());
    all.extend(failures::cases());
    all.extend(super::coalesce::cases());
    all.extend(super::function::cases());
    all.extend(super::suspend::cases());
    all.extend(super::checkpoint::cases());
    all
}

fn bus() -> Vec<Case> {
    let big = |w: &mut World| sent(w, 5000).buffers[0].0;
    vec![
        cut("BUS-4K", &[], |w| {
            let at = big(w) + 4096;
            w.fetch(at - 50, 100);
        }),
        cut("BUS-MPS", &[], |w| {
            let at = buffers(w, 1, 1000)[0].buffers[0].0;
            w.put(at, &[0; 512]);
        }),
        cut("BUS-MRRS", &[], |w| {
            let at = big(w);
            w.fetch(at, 600);
        }),
        cut("BUS-TAG", &[], |w| {
            w.packet(Channel::Rq, index_read(9, BDF));
            w.packet(Channel::Rq, index_read(9, BDF));
        }),
        cut("BUS-TAG-WIDTH", &[], |w| {
            w.config_write(0x48, 3, 0x2000 | 1 << 5);
            w.packet(Channel::Rq, index_read(40, BDF));
        }),
        cut("BUS-TAG-WIDTH", &[], |w| {
            w.config_read(0x64, 3 << 16);
            w.config_write(0x68, 3, 1 << 12);
            w.packet(Channel::Rq, index_read(40, BDF));
        }),
        cut("BUS-BE", &[], |w| {
            let addr = buffers(w, 1, 1000)[0].buffers[0].0;
            w.packet(
                Channel::Rq,
                Body::MWr {
                    req: BDF,
                    tag: 0,
                    addr,
                    fbe: 0b1001,
                    lbe: 15,
                    data: vec![0; 12],
                },
            );
        }),
        cut("BUS-CREDIT", &[], |w| {
            w.push(What::Credit {
                ph: 0,
                pd: 100,
                nph: 127,
                npd: 100,
                cplh: 127,
                cpld: 2047,
            });
            w.put(ring(TX, Part::Used, 4 + 8 * u64::from(SIZE)), &[0, 0]);
        }),
        cut("BUS-MASTER", &[], |w| {
            w.config_write(4, 3, 2);
            w.read_index(TX);
        }),
        cut("BUS-REQUESTER", &[], |w| {
            w.packet(Channel::Rq, index_read(1, BDF + 1));
        }),
        cut("BUS-ATTR", &[], |w| {
            let tlp = Tlp {
                attr: 2,
                ..Tlp::new(index_read(1, BDF))
            };
            w.push(What::Tlp {
                ch: Channel::Rq,
                start: None,
                tlp,
            });
        }),
        cut("BUS-KIND", &[], |w| {
            w.packet(
                Channel::Rq,
                Body::CfgRd {
                    req: BDF,
                    tag: 1,
                    target: 0,
                    reg: 0,
                    fbe: 15,
                },
            );
        }),
        cut("BUS-CPL-UNEXPECTED", &[], |w| {
            w.packet(
                Channel::Cc,
                Body::Cpl {
                    cpl: BDF,
                    req: 0,
                    tag: 77,
                    status: CplStatus::Sc,
                    bytes: 4,
                    lower: 0,
                    data: vec![0; 4],
                },
            );
        }),
        cut("BUS-CPL-FIELDS", &[], |w| {
            let tag = w.ask(COMMON + 0x14, 1);
            w.packet(
                Channel::Cc,
                Body::Cpl {
                    cpl: BDF,
                    req: 0,
                    tag,
                    status: CplStatus::Sc,
                    bytes: 4,
                    lower: 0x14,
                    data: vec![15, 0, 0, 0],
                },
            );
        }),
        whole("BUS-CPL-MISSING", &[], |w| {
            w.ask(COMMON + 0x14, 1);
        }),
        cut("HOST-CPL", &[], |w| {
            w.packet(
                Channel::Rc,
                Body::Cpl {
                    cpl: 0,
                    req: BDF,
                    tag: 77,
                    status: CplStatus::Sc,
                    bytes: 4,
                    lower: 0,
                    data: vec![0; 4],
                },
            );
        }),
        whole("HOST-CPL-MISSING", &[], |w| {
            w.issue(avail_index() + 2, 2);
        }),
    ]
}

fn life_and_safety() -> Vec<Case> {
    vec![
        raw("LIFE-BEFORE-DRIVER-OK", USUAL, |w| {
            w.negotiate();
            w.enable(TX);
            w.read_index(TX);
        }),
        cut("LIFE-AFTER-RESET", &[], |w| {
            w.status(0);
            w.status_is(0);
            w.read_index(TX);
        }),
        cut("LIFE-AFTER-RESET", &["BUS-MASTER"], |w| {
            w.config_write(0x48, 3, 0x8000);
            w.config_read(0, 0x1041_1af4);
            w.read_index(TX);
        }),
        cut("LIFE-AFTER-QUEUE-RESET", &[], |w| {
            w.write16(0x16, TX);
            w.write16(0x3a, 1);
            w.read_index(TX);
            w.read16(0x3a, 0);
            w.read_index(TX);
        }),
        cut("SAFE-READ", &[], |w| w.fetch(RAM + 0xf_0000, 16)),
        cut("SAFE-READ", &[], |w| w.fetch(ring(TX, Part::Used, 2), 2)),
        cut("SAFE-WRITE", &[], |w| w.put(RAM + 0xf_0000, &[0; 16])),
        cut("SAFE-WRITE", &[], |w| w.put(ring(TX, Part::Desc, 0), &[0; 16])),
        cut("SAFE-WRITE", &[], |w| {
            let at = sent(w, 100).buffers[0].0;
            w.put(at, &[0; 4]);
        }),
        cut("SAFE-WRITE", &[], |w| {
            let (at, len) = buffers(w, 1, 1000)[0].buffers[0];
            w.put(at + u64::from(len) - 4, &[0; 8]);
        }),
        cut("SAFE-READ-WRITABLE", &[], |w| {
            let at = buffers(w, 1, 1000)[0].buffers[0].0;
            w.fetch(at, 16);
        }),
        cut("SAFE-AFTER-USED", &[], |w| {
            let given = wired(w, 60);
            w.give_back(TX, &given, 0);
            w.read_payload(&given);
        }),
        cut("SAFE-DOUBLE-FETCH", &[], |w| {
            let given = sent(w, 60);
            w.fetch(given.buffers[0].0, 12);
            w.read_descriptors(TX, &given);
        }),
        cut("SAFE-DOUBLE-FETCH", &[], |w| {
            let given = w.prepare(TX, &[packet(&frame(60))], true);
            w.publish(TX);
            w.learn(TX, &given);
            w.fetch(given.buffers[0].0, 12);
            w.fetch(given.table.unwrap().0, 16);
        }),
    ]
}

fn split() -> Vec<Case> {
    vec![
        cut("SPLIT-AVAIL-ORDER", &[], |w| {
            let given = w.give(TX, &[packet(&frame(60))]);
            w.read_index(TX);
            w.read_descriptors(TX, &given);
            w.read_payload(&given);
        }),
        cut("SPLIT-DESC-UNAVAILABLE", &[], |w| {
            w.fetch(ring(TX, Part::Desc, 112), 16);
        }),
        cut("SPLIT-DESC-STALE", &["SPLIT-DESC-UNAVAILABLE"], |w| {
            let given = w.prepare(TX, &[packet(&frame(60))], false);
            w.read_descriptors(TX, &given); // too early: nothing is available yet
            w.publish(TX);
            w.read_index(TX);
            w.read_entry(TX, 1);
            w.read_payload(&given);
        }),
        cut("SPLIT-USED-SLOT", &[], |w| {
            let given = wired(w, 60);
            w.element(TX, 3, given.head, 0);
        }),
        cut("SPLIT-USED-ID", &[], |w| {
            let given = wired(w, 60);
            w.element(TX, 0, given.head + 3, 0);
            w.used_index(TX, 1);
        }),
        cut("SPLIT-USED-LEN", &[], |w| {
            let given = wired(w, 60);
            w.element(TX, 0, given.head, 72);
            w.used_index(TX, 1);
        }),
        whole("SPLIT-USED-LEN", &["NET-RX-LEN"], |w| {
            let given = &buffers(w, 1, 1000)[0];
            w.wire_rx(&frame(60));
            w.put(given.buffers[0].0, &World::received(&frame(60), 1));
            w.element(RX, 0, given.head, 76);
            w.used_index(RX, 1);
            w.read_event(RX);
            w.msix(RX);
        }),
        cut("SPLIT-USED-ORDER", &[], |w| {
            let given = wired(w, 60);
            w.used_index(TX, 1);
            w.put(ring(TX, Part::Used, 4), &[given.head as u8, 0, 0, 0, 0, 0, 0, 0]);
        }),
        cut(
            "SPLIT-PAYLOAD-ORDER",
            &["NET-RX-DATA", "NET-RX-NUM-BUFFERS"],
            |w| {
                let given = &buffers(w, 1, 1000)[0];
                w.wire_rx(&frame(60));
                w.element(RX, 0, given.head, 72);
                w.used_index(RX, 1);
                w.put(given.buffers[0].0, &World::received(&frame(60), 1));
            },
        ),
        cut("SPLIT-USED-EARLY", &[], |w| {
            let given = sent(w, 60);
            w.issue(given.buffers[0].0, 72);
            w.element(TX, 0, given.head, 0);
            w.used_index(TX, 1);
        }),
        cut("SPLIT-USED-IDX", &[], |w| {
            let given = wired(w, 60);
            w.element(TX, 0, given.head, 0);
            w.used_index(TX, 2);
        }),
        cut("SPLIT-IN-ORDER", &[], |w| {
            *w = World::started(USUAL | 1 << 35);
            let _first = wired(w, 60);
            let second = wired(w, 61);
            w.element(TX, 0, second.head, 0);
            w.used_index(TX, 1); // not past the batch
        }),
        // A chain that was not read is skipped.
        cut("SPLIT-IN-ORDER", &["NET-TX-ORDER"], |w| {
            *w = World::started(USUAL | 1 << 35);
            let first = w.give(TX, &[packet(&frame(60))]);
            w.kick(TX);
            w.learn(TX, &first);
            let second = wired(w, 61);
            w.element(TX, 0, second.head, 0);
            w.used_index(TX, 2);
        }),
        // Buffers that were written in part are skipped: nobody learns how much of them counts.
        cut("SPLIT-IN-ORDER", &["NET-RX-LEN"], |w| {
            *w = World::started(USUAL | 1 << 35);
            let given = buffers(w, 2, 1000);
            for buffer in &given {
                w.wire_rx(&frame(60));
                w.put(buffer.buffers[0].0, &World::received(&frame(60), 1));
            }
            w.element(RX, 0, given[1].head, 72);
            w.used_index(RX, 2);
        }),
        // The batch's element in the slot of its last chain.
        cut("SPLIT-USED-ORDER", &["SPLIT-IN-ORDER"], |w| {
            *w = World::started(USUAL | 1 << 35);
            let _first = wired(w, 60);
            let second = wired(w, 61);
            w.element(TX, 1, second.head, 0);
            w.used_index(TX, 2);
        }),
        cut("RING-ERROR-POLICY", &["DRIVER-CHAIN"], |w| {
            *w = malformed();
            w.cycle += 100; // nothing kept it back
            w.read_index(TX); // after DEVICE_NEEDS_RESET
        }),
        cut("RING-ERROR-POLICY", &["DRIVER-CHAIN"], |w| {
            let out = Buffer::Out(vec![0; 60]);
            let given = w.give(TX, &[out.clone(), Buffer::In(4), out]);
            w.kick(TX);
            w.learn(TX, &given);
            w.fetch(given.buffers[0].0, 60); // executes a chain with a readable descriptor after a writable one
        }),
        whole("RING-ERROR-POLICY", &["DRIVER-CHAIN", "RUN-EMPTY"], |w| {
            let given = w.give(TX, &[Buffer::Out(vec![0; 5])]);
            w.kick(TX);
            w.learn(TX, &given); // and then nothing: neither status nor interrupt
        }),
    ]
}

fn notifications() -> Vec<Case> {
    let event = ring(TX, Part::Used, 4 + 8 * u64::from(SIZE));
    vec![
        whole("NOTIFY-REREAD", &[], |w| w.put(event, &[0, 0])),
        cut("NOTIFY-AHEAD", &[], |w| w.put(event, &[100, 0])),
        cut("NOTIFY-FLAGS", &[], |w| w.put(ring(TX, Part::Used, 0), &[1, 0])),
        whole("LIVE-STUCK", &["RUN-EMPTY"], |w| {
            w.give(TX, &[packet(&frame(60))]);
            w.kick(TX);
        }),
        whole("LIVE-STUCK", &[], |w| {
            w.transmit(&frame(60)); // the device asked to be told of chain 1 ...
            w.put(event, &[0, 0]); // ... and takes it back, without looking again
            w.give(TX, &[packet(&frame(60))]);
        })
        .with(&["NOTIFY-REREAD"]),
        whole("INT-MISSING", &[], |w| {
            let given = wired(w, 60);
            w.element(TX, 0, given.head, 0);
            w.used_index(TX, 1);
            w.read_event(TX);
        }),
        cut("INT-MISSING", &[], |w| {
            let given = wired(w, 60);
            w.element(TX, 0, given.head, 0);
            w.used_index(TX, 1);
            w.read_event(TX);
            w.cycle += 5000; // the driver waits for the interrupt until it is given up
        }),
        cut("INT-UNNEEDED", &[], |w| {
            w.used_event(TX, 100);
            w.transmit(&frame(60));
        }),
        cut("INT-SPURIOUS", &[], |w| w.msix(TX)),
        cut("INT-ORDER", &[], |w| {
            let given = wired(w, 60);
            w.element(TX, 0, given.head, 0);
            w.msix(TX);
        }),
        whole("INT-EVENT-READ", &[], |w| {
            w.used_event(TX, 100);
            let given = wired(w, 60);
            w.element(TX, 0, given.head, 0);
            w.read_event(TX); // before the index, so it decides nothing
            w.used_index(TX, 1);
        }),
        cut("INT-VECTOR", &[], |w| w.put(MSI, &[0x99, 0, 0, 0])),
        cut("INT-VECTOR", &[], |w| {
            w.write16(0x16, TX);
            w.write16(0x1a, 0xffff);
            w.msix(TX);
        }),
        cut("INT-MASKED", &[], |w| {
            w.write(TABLE + 16 * u64::from(TX) + 12, &[1, 0, 0, 0]);
            w.status_is(0xf);
            w.transmit(&frame(60));
        }),
        cut("INT-INTX", &[], |w| {
            let given = wired(w, 60);
            w.element(TX, 0, given.head, 0);
            w.used_index(TX, 1);
            w.packet(
                Channel::Rq,
                Body::Msg {
                    req: BDF,
                    tag: 0,
                    routing: 4,
                    code: 0x20,
                    data: vec![],
                },
            );
        }),
        cut("INT-ISR", &[], |w| {
            w.push(What::LinkUp { up: false });
            w.msix(CONFIG_VECTOR);
            w.read(ISR, &[0]);
        }),
        whole("INT-CONFIG", &[], |w| w.push(What::LinkUp { up: false })),
        cut("INT-CONFIG-SPURIOUS", &[], |w| w.msix(CONFIG_VECTOR)),
    ]
}

impl Case {
    pub(super) fn with(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }
}

/// Marks of Rust's debug output, which no reader of a violation should meet.
const DEBUG_MARKS: [&str; 7] = ["Some(", "None", "Ok(", " { ", "{ ", "[", "::"];

#[test]
fn violations_are_told_in_words() {
    for mut case in cases() {
        if let Some(reason) = case.end {
            case.world.push(What::End { reason });
        }
        for v in case.world.judge().violations {
            for text in [&v.expected, &v.got] {
                let mark = DEBUG_MARKS.iter().find(|m| text.contains(**m));
                assert_eq!(mark, None, "{} says {text:?}", v.rule);
            }
        }
    }
}

#[test]
fn each_wrong_behaviour_breaks_its_rule_and_no_other() {
    let mut bad = Vec::new();
    for (n, case) in cases().into_iter().enumerate() {
        let mut world = case.world;
        if let Some(reason) = case.end {
            world.push(What::End { reason });
        }
        let v = world.judge();
        let fired = v.outcome(case.rule).is_some_and(|r| r.violated > 0);
        // A run that is cut off this early may well have compared nothing.
        let early = case.end == Some(EndReason::Truncated);
        let allowed = |rule| rule == case.rule || case.also.contains(&rule) || early && rule == "RUN-EMPTY";
        let others = v.violations.iter().filter(|x| !allowed(x.rule)).count();
        if !fired || others > 0 {
            bad.push(format!("case {n} for {}:{}", case.rule, told(&v)));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
