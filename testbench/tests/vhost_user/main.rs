//! `ringside serve vhost-user` under a frontend of our own: rings of both formats, with and without eventfds, and everything that a
//! frontend can do wrong. Strangers' frontends are in `make drivers`.

mod frontend;
mod stranger;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rand::{Rng as _, SeedableRng as _};
use ringside::run::{Ended, RunOptions, RunResult};
use ringside::scenario::{Direction, Scenario};
use ringside::serve::service::{HOST_MEMORY, ServeOptions};
use ringside::serve::vhost_user::message::{F_PROTOCOL_FEATURES, Request, protocol};
use ringside::serve::vhost_user::server::{PeerReport, serve};
use ringside_models::rules::Scope;
use ringside_sim::ParamValue;

use frontend::{Frontend, GUEST, MEMORY_BYTES, Manner, USER};

const RX: usize = 0;
const TX: usize = 1;

struct Server {
    _dir: tempfile::TempDir,
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(RunResult, Vec<PeerReport>)>,
}

fn scenario() -> Scenario {
    let mut scenario = Scenario {
        name: "served".to_owned(),
        seed: 1,
        ..Scenario::default()
    };
    scenario.host.memory.base = HOST_MEMORY;
    scenario.driver.queue_pairs = 1;
    scenario
}

impl Server {
    fn start(scenario: Scenario, trace: Option<PathBuf>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let stop = Arc::new(AtomicBool::new(false));
        let (socket, flag) = (path.clone(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let options = ServeOptions {
                socket,
                once: false,
                stop: flag,
                say: Box::new(|_| ()),
            };
            let run = RunOptions {
                trace,
                ..RunOptions::default()
            };
            serve(&scenario, &run, &options, &|_| {}).unwrap()
        });
        Server {
            _dir: dir,
            path,
            stop,
            thread,
        }
    }

    fn end(self) -> (RunResult, Vec<PeerReport>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn frame(number: usize) -> Vec<u8> {
    let mut frame = vec![0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2, 0x88, 0xb5];
    frame.extend((0..46 + number * 61 % 1300).map(|i| (i * 5 + number) as u8));
    frame
}

/// Sends `count` frames, at most `burst` at a time, and expects each back as it was.
fn echo(f: &mut Frontend, count: usize, burst: usize, manner: Manner) {
    let kick = |f: &Frontend, ring| {
        if manner == Manner::Eventfds {
            f.kick(ring);
        }
    };
    for _ in 0..frontend::SIZE {
        f.give(RX, None);
    }
    kick(f, RX);
    let mut done = 0;
    while done < count {
        let n = burst.min(count - done);
        for number in done..done + n {
            f.give(TX, Some(&frame(number)));
        }
        kick(f, TX);
        for number in done..done + n {
            assert_eq!(f.take(TX), Vec::<u8>::new());
            assert_eq!(f.take(RX), frame(number));
            f.give(RX, None);
        }
        kick(f, RX);
        done += n;
    }
}

fn broken(result: &RunResult) -> BTreeSet<&'static str> {
    let verdict = result.findings.verdict.as_ref().expect("somebody judged");
    let device = |v: &&ringside_models::judge::Violation| v.scope() != Scope::Driver;
    verdict.violations.iter().filter(device).map(|v| v.rule).collect()
}

fn assert_clean(result: &RunResult) {
    assert!(matches!(result.ended, Ended::Complete), "{:?}", result.ended);
    assert_eq!(result.complaints, Vec::<String>::new());
    let verdict = result.findings.verdict.as_ref().unwrap();
    assert_eq!(verdict.violations, [], "device and driver");
}

#[test]
fn frames_come_back_on_split_and_packed_rings_and_the_trace_has_the_same_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace.jsonl");
    let server = Server::start(scenario(), Some(trace.clone()));
    for packed in [false, true] {
        for manner in [Manner::Eventfds, Manner::Polling] {
            let mut f = Frontend::connect(&server.path, packed);
            f.hello(0);
            f.rings(manner);
            echo(&mut f, 50, 7, manner);
            if manner == Manner::Eventfds {
                assert!(f.was_called(RX) && f.was_called(TX), "packed {packed}");
            }
            let bases = [f.stop(0), f.stop(1)];
            // 50 buffers of 16 a lap: the second slot of the fourth lap, whose wrap counter is 0.
            assert_eq!(bases, if packed { [0x2_0002; 2] } else { [50; 2] });
            // Stopped is not lost: the same rings go on where they were.
            f.bases[..2].copy_from_slice(&bases);
            f.rings(manner);
            for number in 0..20 {
                f.give(TX, Some(&frame(number)));
                if manner == Manner::Eventfds {
                    f.kick(TX);
                    f.kick(RX);
                }
                assert_eq!((f.take(TX).len(), f.take(RX)), (0, frame(number)));
                f.give(RX, None);
            }
            assert_eq!(f.stop(1), if packed { 0x8006_8006 } else { 70 });
        }
    }
    let (result, peers) = server.end();
    assert_clean(&result);
    assert_eq!((result.frames.wire_tx, result.frames.wire_rx), (280, 280));
    assert!(
        peers.iter().all(|p| p.left.is_fair() && p.starts == 2),
        "{peers:?}"
    );
    assert!(peers[0].kicks > 7 && peers[0].calls > 7, "{peers:?}");
    assert_eq!((peers[1].kicks, peers[1].calls), (0, 0));
    assert_eq!(
        judged_again(&trace),
        (0, result.findings.verdict.unwrap().compared.tlps)
    );
}

#[test]
fn the_crate_virtio_driver_sends_and_receives_on_split_and_packed_rings() {
    let server = Server::start(scenario(), None);
    let frame =
        |number: usize| -> Vec<u8> { (0..stranger::FRAME).map(|i| (i * 3 + number * 7) as u8).collect() };
    for packed in [false, true] {
        for events in [false, true] {
            let back = stranger::echo(&server.path, packed, events, 100, 5, frame);
            assert_eq!(back, (0..100).map(frame).collect::<Vec<_>>(), "{packed} {events}");
        }
    }
    let (result, peers) = server.end();
    assert_clean(&result);
    assert_eq!((result.frames.wire_tx, result.frames.wire_rx), (400, 400));
    assert!(peers.iter().all(|p| p.left.is_fair() && p.calls > 0), "{peers:?}");
}

/// Violations and TLPs of a trace.
fn judged_again(trace: &Path) -> (usize, u64) {
    let file = std::io::BufReader::new(std::fs::File::open(trace).unwrap());
    let mut lines = ringside_reports::TraceLines::open(file).unwrap();
    assert!(!lines.header().driver_stores);
    let mut judge = ringside_models::judge::Judge::new(lines.header());
    while let Some((event, _)) = lines.next_event().unwrap() {
        judge.observe(&event);
    }
    let verdict = judge.finish();
    (verdict.violations.len(), verdict.compared.tlps)
}

/// A UDP frame of flow `flow`.
fn datagram(flow: u8) -> Vec<u8> {
    let mut frame = vec![0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2, 8, 0];
    frame.extend([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([flow, flow ^ 0x5a, 0, 53, 0, 26, 0, 0]);
    frame.extend([flow; 18]);
    frame
}

#[test]
fn several_queue_pairs_are_active_when_they_are_enabled() {
    let server = Server::start(scenario(), None);
    for packed in [false, true] {
        let mut f = Frontend::connect(&server.path, packed);
        f.pairs = 2;
        f.hello(protocol::MQ | protocol::REPLY_ACK);
        f.rings(Manner::Eventfds);
        for ring in [0, 2] {
            for _ in 0..frontend::SIZE {
                f.give(ring, None);
            }
            f.kick(ring);
        }
        // Sent by the second pair; which pair brings them back is the flows' affair.
        let mut back = Vec::new();
        for flow in 0..12 {
            f.give(3, Some(&datagram(flow)));
            f.kick(3);
            assert_eq!(f.take(3), Vec::<u8>::new());
        }
        let mut of_pair = [0, 0];
        let start = std::time::Instant::now();
        while back.len() < 12 {
            assert!(start.elapsed() < frontend::PATIENCE, "{of_pair:?}");
            for (pair, ring) in [(0, 0), (1, 2)] {
                if let Some(frame) = f.try_take(ring) {
                    of_pair[pair] += 1;
                    back.push(frame);
                }
            }
        }
        back.sort();
        assert_eq!(back, (0..12).map(datagram).collect::<Vec<_>>());
        assert!(of_pair.iter().all(|n| *n > 0), "{of_pair:?}");
        // One pair alone again: its ring gets everything.
        assert_eq!(f.confirm(Request::SetVringEnable, &[2]), 0);
        for flow in 0..4 {
            f.give(TX, Some(&datagram(flow)));
            f.kick(TX);
            assert_eq!(f.take(RX), datagram(flow));
        }
    }
    let (result, _) = server.end();
    assert_clean(&result);
}

#[test]
fn status_configuration_and_memory_slots_are_served() {
    let server = Server::start(scenario(), None);
    let mut f = Frontend::connect(&server.path, false);
    f.hello(protocol::STATUS | protocol::REPLY_ACK | protocol::CONFIG | protocol::CONFIGURE_MEM_SLOTS);
    f.rings(Manner::Eventfds);
    f.give(RX, None);
    f.kick(RX);
    assert_eq!(f.confirm(Request::SetStatus, &[11]), 0);
    assert_eq!(f.ask(Request::GetStatus, &[])[0], 11);
    // MAC, status, pairs, MTU of the device itself.
    let part = [
        0u32.to_le_bytes(),
        12u32.to_le_bytes(),
        [0; 4],
        [0; 4],
        [0; 4],
        [0; 4],
    ]
    .concat();
    let config = f.ask(Request::GetConfig, &part);
    assert_eq!(config.len(), 24);
    assert_eq!((config[12] & 1, config[18], config[20]), (0, 1, 4), "{config:x?}");
    let far = [300u32.to_le_bytes(), 12u32.to_le_bytes(), [0; 4]].concat();
    assert_eq!(f.ask(Request::GetConfig, &far)[4..8], [0; 4]);
    assert_eq!(f.ask(Request::GetQueueNum, &[])[0], 4);
    assert_eq!(f.ask(Request::GetMaxMemSlots, &[])[0], 32);
    f.give(TX, Some(&frame(3)));
    f.kick(TX);
    assert_eq!(
        f.confirm(Request::SetStatus, &[15]),
        0,
        "buffers and kicks were there before"
    );
    assert_eq!((f.take(TX).len(), f.take(RX)), (0, frame(3)));
    assert_eq!(f.confirm(Request::SetStatus, &[0]), 0);
    assert_eq!(f.ask(Request::GetStatus, &[])[0], 0);
    drop(f);
    let (result, peers) = server.end();
    assert_clean(&result);
    assert!(peers[0].left.is_fair());
}

#[test]
fn the_wire_has_frames_for_the_driver() {
    let mut scenario = scenario();
    scenario.traffic.direction = Direction::Both;
    scenario.traffic.frames = 10;
    let server = Server::start(scenario, None);
    let mut f = Frontend::connect(&server.path, true);
    f.hello(0);
    f.rings(Manner::Eventfds);
    for _ in 0..10 {
        f.give(RX, None);
    }
    f.kick(RX);
    let lens: Vec<usize> = (0..10).map(|_| f.take(RX).len()).collect();
    assert!(lens.iter().all(|n| *n >= 60), "{lens:?}");
    drop(f);
    let (result, _) = server.end();
    assert_clean(&result);
    assert_eq!((result.frames.wire_rx, result.frames.dropped), (10, 0));
}

#[test]
fn frontends_that_go_wrong_are_told_why_and_the_next_one_is_served() {
    type Wrong = (&'static str, fn(&mut Frontend));
    let wrong: [Wrong; 13] = [
        ("header flags", |f| f.raw(b"GET / HTTP/1.1\r\n\r\n")),
        ("request 77", |f| f.raw(&[77, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])),
        ("announces a payload", |f| {
            f.raw(&[8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
        }),
        ("has a payload of 0 bytes", |f| {
            f.send(Request::SetFeatures, &[], &[]);
        }),
        ("brings 0 file descriptors, 1 are due", |f| {
            f.send(Request::SetVringKick, &[0], &[]);
        }),
        ("not among them", |f| {
            f.send(Request::SetFeatures, &[1 << 60], &[]);
        }),
        ("names ring 8: there are 8", |f| {
            f.send(Request::SetVringNum, &[8 | 16 << 32], &[]);
        }),
        ("ring 1 has 0 entries", |f| {
            f.send(Request::SetVringNum, &[1], &[]);
        }),
        ("IotlbMsg is not done here", |f| {
            f.send(Request::IotlbMsg, &[0; 4], &[]);
        }),
        ("without VIRTIO_F_VERSION_1", |f| {
            f.send(Request::SetFeatures, &[F_PROTOCOL_FEATURES], &[]);
            f.rings(Manner::Eventfds);
        }),
        ("is in no region of memory", |f| {
            f.hello(0);
            f.rings(Manner::Eventfds);
            f.send(
                Request::SetVringAddr,
                &[0, USER + MEMORY_BYTES, USER, USER, 0],
                &[],
            );
            f.kick(RX);
        }),
        ("entries", |f| {
            f.hello(0);
            f.rings(Manner::Eventfds);
            f.send(Request::SetVringNum, &[100 << 32], &[]);
            f.kick(RX);
        }),
        ("has no such position", |f| {
            f.hello(0);
            f.rings(Manner::Eventfds);
            f.send(Request::SetVringBase, &[0x1_0005 << 32], &[]);
            f.kick(RX);
        }),
    ];
    let server = Server::start(scenario(), None);
    for (why, go_wrong) in &wrong {
        let mut f = Frontend::connect(&server.path, false);
        go_wrong(&mut f);
        assert!(f.is_hung_up_on(), "{why}");
    }
    // One that is killed with everything in flight.
    for packed in [false, true] {
        let mut f = Frontend::connect(&server.path, packed);
        f.hello(0);
        f.rings(Manner::Eventfds);
        for number in 0..frontend::SIZE.into() {
            f.give(RX, None);
            f.give(TX, Some(&frame(number)));
        }
        f.kick(RX);
        f.kick(TX);
        f.take(TX);
    }
    let mut f = Frontend::connect(&server.path, false);
    f.hello(0);
    f.rings(Manner::Eventfds);
    echo(&mut f, 20, 5, Manner::Eventfds);
    drop(f);
    let (result, peers) = server.end();
    for ((why, _), peer) in wrong.iter().zip(&peers) {
        let text = peer.left.to_string();
        assert!(text.contains(why) && !peer.left.is_fair(), "{why}: {text}");
    }
    assert!(peers[wrong.len()..].iter().all(|p| p.left.is_fair()), "{peers:?}");
    assert!(matches!(result.ended, Ended::Complete), "{:?}", result.ended);
    assert_eq!(broken(&result), BTreeSet::new());
}

#[test]
fn a_driver_that_ruins_its_ring_is_named_and_the_device_is_not() {
    let mut scenario = scenario();
    scenario.limits.max_cycles = 4_000_000;
    let server = Server::start(scenario, None);
    let steps = [17_u16, 0x7fff, 0x8000, 0x8001, 0xffff];
    for step in steps {
        let mut f = Frontend::connect(&server.path, false);
        f.hello(0);
        f.rings(Manner::Eventfds);
        echo(&mut f, 3, 1, Manner::Eventfds);
        f.put_index(TX, 3_u16.wrapping_add(step));
        f.kick(TX);
        // The other ring goes on to the end.
        f.stop(RX as u32);
    }
    let seeds = 24_u64;
    for seed in 0..seeds {
        let mut f = Frontend::connect(&server.path, true);
        f.hello(0);
        f.rings(Manner::Eventfds);
        echo(&mut f, 3, 1, Manner::Eventfds);
        let ring = if seed % 2 == 0 { TX } else { RX };
        let mut noise = vec![0; 16 * usize::from(frontend::SIZE)];
        rand_pcg::Pcg64::seed_from_u64(seed).fill_bytes(&mut noise);
        f.put_descriptors(ring, &noise);
        f.kick(ring);
        f.stop(RX as u32);
    }
    let (result, peers) = server.end();
    assert_eq!(peers.len(), steps.len() + seeds as usize);
    assert!(matches!(result.ended, Ended::Complete), "{:?}", result.ended);
    let verdict = result.findings.verdict.as_ref().unwrap();
    assert_eq!(broken(&result), BTreeSet::new(), "{:?}", verdict.violations);
    let jumps = verdict.violations.iter().filter(|v| v.rule == "DRIVER-AVAIL-IDX");
    assert_eq!(jumps.count(), steps.len(), "{:?}", verdict.violations);
    assert!(
        verdict.violations.len() > steps.len(),
        "noise is no driver either"
    );
}

#[test]
fn memory_may_move_and_may_go_away_under_the_device() {
    let server = Server::start(scenario(), None);
    let mut f = Frontend::connect(&server.path, false);
    f.hello(protocol::REPLY_ACK | protocol::CONFIGURE_MEM_SLOTS);
    f.rings(Manner::Eventfds);
    echo(&mut f, 5, 5, Manner::Eventfds);
    // The same bytes in another file.
    let moved = tempfile::tempfile().unwrap();
    moved.set_len(MEMORY_BYTES).unwrap();
    std::io::copy(
        &mut std::fs::File::open(format!(
            "/proc/self/fd/{}",
            std::os::fd::AsRawFd::as_raw_fd(&f.memory)
        ))
        .unwrap(),
        &mut moved.try_clone().unwrap(),
    )
    .unwrap();
    f.memory = moved;
    f.memory_table();
    assert_eq!(f.confirm(Request::SetOwner, &[]), 0, "the table was taken");
    f.give(TX, Some(&frame(9)));
    f.kick(TX);
    assert_eq!((f.take(TX).len(), f.take(RX)), (0, frame(9)));
    // Gone altogether: the device reads what is not there.
    assert_eq!(
        f.confirm(Request::RemMemReg, &[0, GUEST, MEMORY_BYTES, USER, 0]),
        0
    );
    f.give(TX, Some(&frame(1)));
    f.kick(TX);
    drop(f);
    let mut f = Frontend::connect(&server.path, true);
    f.hello(0);
    f.rings(Manner::Eventfds);
    echo(&mut f, 5, 1, Manner::Eventfds);
    drop(f);
    let (result, peers) = server.end();
    assert_eq!(peers.len(), 2);
    assert!(matches!(result.ended, Ended::Complete), "{:?}", result.ended);
    assert_eq!(broken(&result), BTreeSet::new());
}

#[test]
fn a_planted_bug_is_caught_without_the_drivers_stores() {
    let mut scenario = scenario();
    scenario.parameters.insert("BUG".to_owned(), ParamValue::Int(1));
    let server = Server::start(scenario, None);
    let mut f = Frontend::connect(&server.path, false);
    f.hello(0);
    f.rings(Manner::Eventfds);
    f.give(RX, None);
    f.give(TX, Some(&frame(1)));
    f.kick(RX);
    f.kick(TX);
    f.take(TX);
    f.stop(1);
    drop(f);
    let (result, _) = server.end();
    assert!(
        broken(&result).contains("SPLIT-USED-ORDER"),
        "{:?}",
        broken(&result)
    );
}
