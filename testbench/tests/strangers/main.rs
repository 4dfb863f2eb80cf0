//! A driver from the crate registry on the RTL, under the judge, with all rules on: `virtio-drivers` (rcore-os), split rings.
#![allow(
    unsafe_code,
    reason = "the crate's memory trait is unsafe to implement, its unblocked calls are unsafe to make"
)]

mod memory;
mod transport;

use std::collections::BTreeSet;

use ringside::run::{Ended, RunOptions, RunResult, load_frames};
use ringside::scenario::{Direction, Scenario};
use ringside::serve::in_process::{self, Ask, Guest, Signal, Turn};
use ringside_models::rules::Scope;
use ringside_sim::ParamValue;
use virtio_drivers::device::net::{VirtIONet, VirtIONetRaw};
use virtio_drivers::transport::InterruptStatus;

use memory::{MirrorHal, machine, with_machine};
use transport::Registers;

const QUEUE_SIZE: usize = 16;
const BUFFER_BYTES: usize = 2048;
/// Enough for a frame to go out, come back and be reported.
const ROUND_TRIP_CYCLES: u64 = 4_000;
/// `VIRTIO_F_EVENT_IDX`.
const EVENT_IDX: u64 = 1 << 29;
/// `VIRTIO_F_INDIRECT_DESC`.
const INDIRECT_DESC: u64 = 1 << 28;

/// What this driver does against the specification, always: after a reset it does not wait until the status reads 0 (PCICFG-DRV-005).
const FINDINGS: [&str; 1] = ["DRIVER-INIT"];

type Net = VirtIONet<MirrorHal, Registers, QUEUE_SIZE>;
type RawNet = VirtIONetRaw<MirrorHal, Registers, QUEUE_SIZE>;

fn scenario(name: &str) -> Scenario {
    Scenario {
        name: name.to_owned(),
        seed: 1,
        ..Scenario::default()
    }
}

fn frame(number: usize) -> Vec<u8> {
    let mut frame = vec![0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2, 0x88, 0xb5];
    frame.extend((0..46 + number * 37 % 1400).map(|i| (i * 7 + number) as u8));
    frame
}

fn run<T: Send + 'static>(
    scenario: &Scenario,
    driver: impl FnOnce() -> T + Send + 'static,
) -> (RunResult, Option<T>) {
    let driver = move |guest: Guest| with_machine(guest, driver);
    in_process::run(scenario, &RunOptions::default(), driver, &|_| {}).unwrap()
}

/// Rules that were broken by those of `scope`.
fn broken(result: &RunResult, scope: Scope) -> BTreeSet<&'static str> {
    let verdict = result.findings.verdict.as_ref().expect("somebody judged");
    verdict
        .violations
        .iter()
        .filter(|v| v.scope() == scope)
        .map(|v| v.rule)
        .collect()
}

/// The run came to its end, and neither device, host nor run did anything wrong.
fn assert_clean(result: &RunResult) {
    assert!(matches!(result.ended, Ended::Complete), "{:?}", result.ended);
    assert_eq!(result.complaints, Vec::<String>::new());
    for scope in [Scope::Device, Scope::Host, Scope::Run] {
        assert_eq!(
            broken(result, scope),
            BTreeSet::new(),
            "{:?}",
            result.findings.verdict
        );
    }
    let verdict = result.findings.verdict.as_ref().unwrap();
    let off: Vec<&str> = verdict
        .rules
        .iter()
        .filter(|r| r.off.is_some())
        .map(|r| r.id)
        .collect();
    assert_eq!(off, Vec::<&str>::new(), "all rules are on");
}

/// Sends frames one by one with the crate's own blocking call; each comes back before the next.
fn one_by_one(frames: usize, hidden: u64) -> Vec<Vec<u8>> {
    let mut net = Net::new(Registers::new(ROUND_TRIP_CYCLES, hidden), BUFFER_BYTES).unwrap();
    let mut received = Vec::new();
    for number in 0..frames {
        let mut buffer = net.new_tx_buffer(frame(number).len());
        buffer.packet_mut().copy_from_slice(&frame(number));
        net.send(buffer).unwrap();
        for _ in 0..100 {
            if net.can_recv() {
                break;
            }
            machine(|m| m.ask(Ask::Cycles { cycles: 100 }));
        }
        let buffer = net.receive().unwrap();
        received.push(buffer.packet().to_vec());
        net.recycle_rx_buffer(buffer).unwrap();
    }
    received
}

#[test]
fn frames_sent_one_by_one_come_back_as_they_were() {
    for (name, hidden) in [
        ("all features", 0),
        ("no event index", EVENT_IDX),
        ("no tables", INDIRECT_DESC),
    ] {
        let (result, received) = run(&scenario(name), move || one_by_one(40, hidden));
        assert_clean(&result);
        let want: Vec<_> = (0..40).map(frame).collect();
        assert_eq!(received.unwrap(), want, "{name}");
        assert_eq!((result.frames.wire_tx, result.frames.wire_rx), (40, 40), "{name}");
        assert_eq!(broken(&result, Scope::Driver), FINDINGS.into(), "{name}");
    }
}

/// Sends `frames` in batches of `batch` with the crate's unblocked calls; waits for `INTx` only, and receives what there is.
fn in_batches(frames: usize, batch: usize, send: bool) -> (Vec<Vec<u8>>, usize) {
    let mut net = RawNet::new(Registers::new(0, 0)).unwrap();
    net.enable_interrupts();
    let mut posted: Vec<(u16, Box<[u8]>)> = Vec::new();
    let post = |net: &mut RawNet, mut buffer: Box<[u8]>| {
        // SAFETY: the buffer is kept in `posted`, untouched, until its token comes back.
        let token = unsafe { net.receive_begin(&mut buffer) }.unwrap();
        (token, buffer)
    };
    for _ in 0..QUEUE_SIZE {
        posted.push(post(&mut net, vec![0; BUFFER_BYTES].into()));
    }
    if !send {
        machine(|m| m.ask(Ask::Wire {}));
    }
    let mut out: Vec<(u16, Box<[u8]>)> = Vec::new();
    let (mut received, mut begun, mut interrupts) = (Vec::new(), 0, 0);
    while received.len() < frames {
        while send && begun < frames && out.len() < batch && received.len() + batch > begun {
            let mut buffer = vec![0; 12].into_boxed_slice();
            assert_eq!(net.fill_buffer_header(&mut buffer).unwrap(), 12);
            let buffer: Box<[u8]> = buffer.iter().copied().chain(frame(begun)).collect();
            // SAFETY: the buffer is kept in `out`, untouched, until its token comes back.
            out.push((unsafe { net.transmit_begin(&buffer) }.unwrap(), buffer));
            begun += 1;
        }
        machine(|m| {
            m.ask(Ask::Interrupt {
                cycles: ROUND_TRIP_CYCLES,
            })
        });
        if machine(memory::Machine::take_signals).contains(&Signal::Level(true)) {
            assert!(net.ack_interrupt().contains(InterruptStatus::QUEUE_INTERRUPT));
            interrupts += 1;
        }
        while let Some(token) = net.poll_transmit() {
            let at = out
                .iter()
                .position(|(t, _)| *t == token)
                .expect("a token that is out");
            let (token, buffer) = out.remove(at);
            // SAFETY: the buffer that was given with this token.
            unsafe { net.transmit_complete(token, &buffer) }.unwrap();
        }
        while let Some(token) = net.poll_receive() {
            let at = posted
                .iter()
                .position(|(t, _)| *t == token)
                .expect("a token that is out");
            let (token, mut buffer) = posted.remove(at);
            // SAFETY: the buffer that was given with this token.
            let (header, len) = unsafe { net.receive_complete(token, &mut buffer) }.unwrap();
            received.push(buffer[header..header + len].to_vec());
            posted.push(post(&mut net, buffer));
        }
    }
    (received, interrupts)
}

#[test]
fn batches_with_interrupts_come_back_in_order_and_the_run_repeats() {
    let once = || {
        let options = RunOptions {
            digest: true,
            ..RunOptions::default()
        };
        let driver = |guest: Guest| with_machine(guest, || in_batches(120, 8, true));
        in_process::run(&scenario("batches"), &options, driver, &|_| {}).unwrap()
    };
    let (result, returned) = once();
    assert_clean(&result);
    assert_eq!(broken(&result, Scope::Driver), FINDINGS.into());
    let (received, interrupts) = returned.unwrap();
    assert_eq!(received, (0..120).map(frame).collect::<Vec<_>>());
    assert!(interrupts > 10, "{interrupts}");
    let (again, _) = once();
    assert!(result.findings.digest.is_some());
    assert_eq!(result.findings.digest, again.findings.digest);
}

#[test]
fn frames_from_the_wire_arrive() {
    let mut scenario = scenario("from the wire");
    scenario.traffic.direction = Direction::Rx;
    scenario.traffic.frames = 60;
    let (result, returned) = run(&scenario, || in_batches(60, 1, false));
    assert_clean(&result);
    let (frames, _) = load_frames(&scenario, 9018).unwrap();
    let want: Vec<_> = frames.rx.iter().map(|f| f.data.clone()).collect();
    assert_eq!(returned.unwrap().0, want);
}

#[test]
fn planted_bugs_are_caught_under_this_driver_too() {
    for (bug, rule) in [(1, "SPLIT-USED-ORDER"), (4, "SAFE-WRITE"), (5, "SPLIT-USED-LEN")] {
        let mut scenario = scenario("planted");
        scenario.parameters.insert("BUG".to_owned(), ParamValue::Int(bug));
        let (result, _) = run(&scenario, || one_by_one(40, 0));
        assert!(
            broken(&result, Scope::Device).contains(rule),
            "bug {bug}: {:?}",
            broken(&result, Scope::Device)
        );
        assert!(!result.passed());
    }
}

#[test]
fn a_driver_that_panics_is_a_complaint() {
    let (result, returned) = run(&scenario("panics"), || -> u8 { panic!("out of ideas") });
    assert_eq!(returned, None);
    assert_eq!(result.complaints, ["the driver panicked: out of ideas"]);
    assert!(!result.passed());
}

#[test]
fn an_access_that_no_processor_makes_is_an_error_of_the_driver() {
    let (result, returned) = run(&scenario("odd access"), || {
        let turn = |ask| Turn {
            stores: vec![],
            ask,
            views: vec![],
        };
        let read = machine(|m| m.guest().turn(turn(Ask::Read { addr: 3, size: 4 })));
        let alloc = machine(|m| m.guest().turn(turn(Ask::Alloc { len: 0, align: 4 })));
        (read.unwrap_err().to_string(), alloc.unwrap_err().to_string())
    });
    let (read, alloc) = returned.unwrap();
    assert!(read.contains("naturally aligned"), "{read}");
    assert!(alloc.contains("length of 0"), "{alloc}");
    assert!(matches!(result.ended, Ended::Complete));
}
