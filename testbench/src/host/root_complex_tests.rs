//! Tests of the root complex: everything without pins.

use super::config::{HostConfig, Skew, Split};
use super::dice::Dice;
use super::faults::{FaultKind, FaultRule};
use super::latency::ClockRate;
use super::memory::{FRESH, Memory};
use super::recorder::Recorder;
use super::root_complex::{Interrupt, Intx, RootComplex};
use ringside_models::tlp::{Body, CplStatus, Tlp};

struct Bench {
    rc: RootComplex,
    memory: Memory,
    recorder: Recorder,
}

fn bench(change: impl FnOnce(&mut HostConfig)) -> Bench {
    let mut config = HostConfig::default();
    config.memory.visibility_ns_max = 0;
    change(&mut config);
    config.check().unwrap();
    let clock = ClockRate::from_mhz(250.0);
    let recorder = Recorder::new();
    let memory = Memory::new(&config.memory, clock, recorder.clone(), Dice::new(1, "memory"));
    let rc = RootComplex::new(&config, clock, memory.clone(), recorder.clone(), 1);
    Bench { rc, memory, recorder }
}

impl Bench {
    /// Ticks until `cycle` and returns the completions with their cycles.
    fn run(&mut self, from: u64, to: u64) -> Vec<(u64, Tlp)> {
        let mut all = Vec::new();
        for now in from..to {
            self.recorder.set_now(now);
            self.rc.tick(now);
            while let Some(tlp) = self.rc.completions.pop_front() {
                all.push((now, tlp));
            }
        }
        all
    }
}

fn read(tag: u16, addr: u64, dw: u16) -> Tlp {
    Tlp::new(Body::MRd {
        req: 0x0100,
        tag,
        addr,
        dw,
        fbe: 0xf,
        lbe: if dw == 1 { 0 } else { 0xf },
    })
}

fn write(addr: u64, data: &[u8]) -> Tlp {
    Tlp::new(Body::MWr {
        req: 0x0100,
        tag: 0,
        addr,
        fbe: 0xf,
        lbe: if data.len() == 4 { 0 } else { 0xf },
        data: data.to_vec(),
    })
}

type Parts = (u16, CplStatus, u16, Vec<u8>);

fn parts(tlp: &Tlp) -> Parts {
    match &tlp.body {
        Body::Cpl {
            tag,
            status,
            bytes,
            data,
            ..
        } => (*tag, *status, *bytes, data.clone()),
        other => panic!("not a completion: {other:?}"),
    }
}

#[test]
fn reads_come_back_whole_whatever_the_policy() {
    for split in [Split::Merged, Split::Rcb, Split::Random] {
        for skew in [Skew::None, Skew::Line, Skew::B2] {
            let mut b = bench(|c| {
                c.completions.split = split;
                c.memory.skew = skew;
            });
            let a = b.memory.alloc(4096, 4096).unwrap();
            let content: Vec<u8> = (0..4096_u32).map(|i| (i * 7 / 3) as u8).collect();
            b.memory.store(a, &content);
            for tag in 0..64_u16 {
                b.rc.accept(u64::from(tag), read(tag, a + u64::from(tag) * 60, 60));
            }
            let all = b.run(0, 2000);
            let mut overtaken = false;
            let mut last_tag = 0;
            for tag in 0..64_u16 {
                let mine: Vec<Parts> = all.iter().map(|(_, t)| parts(t)).filter(|p| p.0 == tag).collect();
                let mut left = 240;
                for (_, status, bytes, data) in &mine {
                    assert_eq!((*status, *bytes), (CplStatus::Sc, left));
                    left -= data.len() as u16;
                }
                let whole: Vec<u8> = mine.iter().flat_map(|p| p.3.clone()).collect();
                let from = usize::from(tag) * 60;
                assert_eq!(whole, content[from..from + 240], "{split:?} {skew:?} tag {tag}");
            }
            for (_, t) in &all {
                let tag = parts(t).0;
                overtaken |= tag < last_tag;
                last_tag = tag;
            }
            assert!(overtaken, "no reordering across tags");
            assert!(b.rc.is_idle());
        }
    }
}

#[test]
fn without_reordering_answers_come_in_request_order() {
    let mut b = bench(|c| {
        c.completions.reorder = false;
        c.completions.split = Split::Rcb;
        c.latency.tail_per_mille = 300;
    });
    let a = b.memory.alloc(4096, 4096).unwrap();
    for tag in 0..100 {
        b.rc.accept(u64::from(tag), read(tag, a, 64));
    }
    let tags: Vec<u16> = b.run(0, 5000).iter().map(|(_, t)| parts(t).0).collect();
    assert_eq!(tags.len(), 400);
    assert!(tags.is_sorted());
}

#[test]
fn a_read_sees_the_writes_before_it() {
    let mut b = bench(|c| {
        c.latency.base_ns = 4;
        c.latency.jitter_ns = 0;
        c.latency.posted_ns = 400;
    });
    let a = b.memory.alloc(64, 64).unwrap();
    b.rc.accept(5, write(a, &[1, 2, 3, 4]));
    b.rc.accept(5, read(9, a, 1));
    let all = b.run(5, 300);
    assert_eq!(parts(&all[0].1).3, [1, 2, 3, 4]);
    assert!(all[0].0 > 105);
    assert_eq!(b.memory.take_errors(), []);
}

#[test]
fn a_torn_read_can_happen_only_with_finer_granules() {
    let torn = |skew| {
        let mut b = bench(|c| c.memory.skew = skew);
        let a = b.memory.alloc(64, 64).unwrap();
        b.memory.store(a, &[0; 16]);
        let mut torn = 0;
        for round in 0..200_u64 {
            let start = 1000 * round + 1;
            b.recorder.set_now(start);
            b.rc.accept(start, read(1, a, 4));
            let mut got = b.run(start, start + 80);
            b.memory.store(a, &[round as u8 + 1; 16]);
            got.extend(b.run(start + 80, start + 1000));
            let data = parts(&got[0].1).3;
            torn += u32::from(data.iter().any(|x| *x != data[0]));
        }
        torn
    };
    assert_eq!(torn(Skew::None), 0);
    assert_eq!(torn(Skew::Line), 0);
    assert!(torn(Skew::B4) > 10);
}

#[test]
fn interrupts_arrive_behind_the_writes_before_them() {
    let mut b = bench(|_| {});
    let a = b.memory.alloc(64, 64).unwrap();
    b.rc.accept(1, write(a, &[7; 8]));
    b.rc.accept(1, write(0xfee0_1000, &0x4041_u32.to_le_bytes()));
    b.rc.accept(
        2,
        Tlp::new(Body::Msg {
            req: 0x100,
            tag: 0,
            routing: 4,
            code: 0x20,
            data: vec![],
        }),
    );
    b.run(1, 51);
    assert!(b.rc.interrupts.is_empty());
    b.run(51, 60);
    assert_eq!(
        b.rc.interrupts,
        [Interrupt {
            addr: 0xfee0_1000,
            vector_data: 0x4041,
            cycle: 51
        }]
    );
    assert_eq!(
        b.rc.intx,
        [Intx {
            line: 0,
            asserted: true,
            cycle: 52
        }]
    );
    assert_eq!(b.memory.load(a, 8), [7; 8]);
}

#[test]
fn every_fault_looks_as_ordered() {
    for (kind, want) in [
        (FaultKind::Ur, vec![(CplStatus::Ur, 512, 0)]),
        (FaultKind::Ca, vec![(CplStatus::Ca, 512, 0)]),
        (FaultKind::Timeout, vec![]),
        (
            FaultKind::PartialCa,
            vec![(CplStatus::Sc, 512, 256), (CplStatus::Ca, 256, 0)],
        ),
        (FaultKind::PartialTimeout, vec![(CplStatus::Sc, 512, 256)]),
        (
            FaultKind::Poison,
            vec![(CplStatus::Sc, 512, 256), (CplStatus::Sc, 256, 256)],
        ),
    ] {
        let mut b = bench(|c| c.faults = vec![FaultRule::next(kind)]);
        let a = b.memory.alloc(1024, 1024).unwrap();
        b.rc.accept(0, read(3, a, 128));
        let got = b.run(0, 3000);
        let shape: Vec<_> = got
            .iter()
            .map(|(_, t)| parts(t))
            .map(|(_, s, bytes, d)| (s, bytes, d.len()))
            .collect();
        assert_eq!(shape, want, "{kind:?}");
        let poisoned = got.iter().filter(|(_, t)| t.poisoned).count();
        assert_eq!(poisoned, usize::from(kind == FaultKind::Poison));
        // and the next read is well again, in the same slot
        b.rc.accept(3000, read(4, a, 4));
        let next = b.run(3000, 6000);
        assert_eq!((next.len(), parts(&next[0].1).1), (1, CplStatus::Sc));
        assert!(b.rc.is_idle());
    }
}

#[test]
fn what_is_illegal_is_refused_and_remarked() {
    let mut b = bench(|_| {});
    let notes = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let log = std::rc::Rc::clone(&notes);
    b.recorder
        .add_sink(Box::new(move |e| log.borrow_mut().push(format!("{:?}", e.what))));
    let a = b.memory.alloc(8192, 4096).unwrap();
    b.rc.accept(0, read(1, a + 4092, 2));
    b.rc.accept(0, read(2, 0x10, 1));
    b.rc.accept(0, write(0x10, &[0; 4]));
    b.rc.accept(0, write(a + 4092, &[0; 8]));
    b.rc.accept(0, write(a, &[0; 512]));
    b.rc.accept(0, write(0xfee0_0000, &[0; 8]));
    let mut poisoned = write(a, &[1; 4]);
    poisoned.poisoned = true;
    b.rc.accept(0, poisoned);
    b.rc.accept(0, write(a + 8192, &[1; 4]));
    b.rc.accept(
        0,
        Tlp::new(Body::Other {
            hdr: [0x4c00_0001, 0x0100_0900, 0, 0],
            data: vec![0; 4],
        }),
    );
    let mut got: Vec<_> = b
        .run(0, 3000)
        .iter()
        .map(|(_, t)| parts(t))
        .map(|p| (p.0, p.1))
        .collect();
    got.sort_by_key(|p| p.0);
    assert_eq!(got, [(1, CplStatus::Ca), (2, CplStatus::Ur), (9, CplStatus::Ur)]);
    assert_eq!(b.memory.load(a, 4), [FRESH; 4]);
    let text = notes.borrow().join("\n");
    for part in [
        "crosses 4 KiB: Completer Abort",
        "read of 0x10..0x14 hits no memory",
        "write of 0x10..0x14 hits no memory",
        "crosses 4 KiB: dropped",
        "exceeds the max payload size",
        "interrupt window: dropped",
        "poisoned write",
        "leaves every live buffer",
        "unknown type",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert_eq!(b.memory.take_errors().len(), 1, "the guard behind the buffer");
}

#[test]
fn credits_come_back_for_every_kind() {
    let mut b = bench(|c| c.credits.batch_headers = 1);
    let a = b.memory.alloc(64, 64).unwrap();
    let before = b.rc.limits();
    b.rc.accept(0, write(a, &[0; 20]));
    b.rc.accept(0, read(0, a, 1));
    b.rc.accept_completion(
        0,
        Tlp::new(Body::Cpl {
            cpl: 0x100,
            req: 0,
            tag: 0,
            status: CplStatus::Sc,
            bytes: 4,
            lower: 0,
            data: vec![0; 4],
        }),
    );
    b.run(0, 49);
    assert_eq!(b.rc.limits(), before);
    b.run(49, 200);
    let after = b.rc.limits();
    assert_eq!(
        (after.ph, after.pd, after.nph, after.npd),
        (before.ph + 1, before.pd + 2, before.nph + 1, before.npd)
    );
    assert_eq!((after.cplh, after.cpld), (before.cplh + 1, before.cpld + 1));
    assert_eq!(b.rc.answers.len(), 1);
}

#[test]
fn no_request_whatever_stops_the_host() {
    let mut b = bench(|c| c.memory.skew = Skew::B2);
    let a = b.memory.alloc(8192, 4096).unwrap();
    let mut dice = Dice::new(11, "fuzz");
    let mut word = || dice.below(1 << 32) as u32;
    for now in 0..20_000_u64 {
        let kind = [
            0x00, 0x20, 0x40, 0x60, 0x04, 0x44, 0x0a, 0x4a, 0x30, 0x74, 0x02, 0x4c,
        ][word() as usize % 12];
        let dw0 = kind << 24 | word() & 0x00ff_f3ff | (word() % 1024) >> (word() % 10);
        let near =
            [a, a + 4096, u64::MAX - 4096, 0xfee0_0000][word() as usize % 4] + u64::from(word() % 4096);
        let hdr = if dw0 >> 29 & 1 == 1 {
            [dw0, word(), (near >> 32) as u32, near as u32]
        } else {
            [dw0, word(), near as u32, 0]
        };
        let dwords = if dw0 >> 30 & 1 == 0 {
            0
        } else {
            (dw0 & 0x3ff) as usize
        };
        let bytes = if dwords == 0 && dw0 >> 30 & 1 == 1 {
            4096
        } else {
            dwords * 4
        };
        let Ok(tlp) = Tlp::decode(hdr, None, vec![0x5a; bytes]) else {
            continue;
        };
        b.rc.accept(now, tlp);
        b.run(now, now + 1);
    }
    b.run(20_000, 30_000);
    assert!(b.rc.is_idle());
    b.rc.accept(30_000, read(1, a, 16));
    assert_eq!(parts(&b.run(30_000, 40_000)[0].1).1, CplStatus::Sc);
}
