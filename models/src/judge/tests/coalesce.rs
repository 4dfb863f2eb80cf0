//! Interrupt moderation: rounds that end by packets, by time, by a command and by a zero limit; each with what is wrong about it.

use super::broken::{Case, cut_with, whole_with};
use super::clean::{buffers, command, frame, receive};
use super::{assert_clean, told};
use crate::event::{EndReason, What};
use crate::testutil::{Buffer, CTRL, Part, RX, SIZE, TX, USUAL, World, packet, ring};

const FEATURES: u128 = USUAL | 1 << 52 | 1 << 53;
/// Cycles of a microsecond in these worlds.
const US: u64 = 250;

fn set(class_command: u8, packets: u8, usecs: u8) -> Vec<u8> {
    vec![6, class_command, packets, 0, 0, 0, usecs, 0, 0, 0]
}

/// `VQ_SET` with reserved bits set.
fn set_queue(queue: u16, packets: u8, usecs: u8) -> Vec<u8> {
    vec![6, 2, queue as u8, 0, 0xff, 0xff, packets, 0, 0, 0, usecs, 0, 0, 0]
}

/// `VQ_GET` answered with these limits and used length.
fn query(w: &mut World, queue: u16, packets: u8, usecs: u8, len: u32) {
    let get = vec![6, 3, queue as u8, 0, 0, 0];
    let given = w.give(CTRL, &[Buffer::Out(get), Buffer::In(1), Buffer::In(8)]);
    w.kick(CTRL);
    w.learn(CTRL, &given);
    w.fetch(given.buffers[0].0, 6);
    w.put(given.buffers[1].0, &[0]);
    w.put(given.buffers[2].0, &[packets, 0, 0, 0, usecs, 0, 0, 0]);
    w.give_back(CTRL, &given, len);
    w.arm(CTRL);
}

/// A frame goes out and its chain comes back; nobody is told.
fn quiet(w: &mut World, frames: u16) {
    for _ in 0..frames {
        let given = w.give(TX, &[packet(&frame(60))]);
        w.kick(TX);
        w.learn(TX, &given);
        w.read_payload(&given);
        w.wire_tx(&frame(60));
        w.element(TX, 0, given.head, 0);
        w.used_index(TX, 1);
        w.reclaim(TX, &given);
        w.arm(TX);
    }
}

/// The device looks at the driver's wish and tells it; the driver wants to hear of the next one.
fn tell(w: &mut World, seen: u16) {
    w.read_event(TX);
    w.msix(TX);
    w.used_event(TX, seen);
}

/// Every way a round can end.
pub(super) fn world() -> World {
    let mut w = World::started(FEATURES);
    // Three packets, then one and 20 us.
    command(&mut w, &set(0, 3, 20), 0);
    quiet(&mut w, 3);
    tell(&mut w, 3);
    quiet(&mut w, 1);
    w.cycle += 20 * US;
    tell(&mut w, 4);
    // One is waiting; its limit falls.
    quiet(&mut w, 1);
    command(&mut w, &set_queue(TX, 1, 20), 0);
    tell(&mut w, 5);
    query(&mut w, TX, 1, 20, 9);
    query(&mut w, RX, 0, 0, 9);
    // A packet over two buffers is one.
    command(&mut w, &set(1, 2, 100), 0);
    let chains = buffers(&mut w, 3, 1000);
    quiet_receive(&mut w, &chains[..2]);
    receive(&mut w, &frame(100), &chains[2..], 1000);
    w.used_event(RX, 3);
    w.arm(RX);
    // Enabled again the queue has the global limits, which a zero then takes away.
    w.write16(0x16, TX);
    w.write16(0x3a, 1);
    w.read16(0x3a, 0);
    w.fresh_ring(TX);
    w.enable(TX);
    query(&mut w, TX, 3, 20, 9);
    command(&mut w, &set_queue(TX, 0, 20), 0);
    w.transmit(&frame(61));
    w
}

/// As `receive`, but without a look at the event word and without an interrupt.
fn quiet_receive(w: &mut World, chains: &[crate::testutil::Given]) {
    let mut heard = w.clone();
    let before = w.events.len();
    receive(&mut heard, &frame(1500), chains, 1000);
    // The last two packets but the answer of the read are the look and the message.
    let told = heard.events.len() - 3;
    heard.events.truncate(told.max(before));
    *w = heard;
}

pub(super) fn cases() -> Vec<Case> {
    let started = |packets: u8, usecs: u8| {
        let mut w = World::started(FEATURES);
        command(&mut w, &set(0, packets, usecs), 0);
        w
    };
    vec![
        cut_with("INT-COALESCE-EARLY", started(3, 200), |w| {
            quiet(w, 2);
            tell(w, 2);
        }),
        // Counted anew after each interrupt: packets ...
        cut_with("INT-COALESCE-EARLY", started(3, 200), |w| {
            quiet(w, 3);
            tell(w, 3);
            quiet(w, 1);
            tell(w, 4);
        }),
        // ... and time.
        cut_with("INT-COALESCE-EARLY", started(100, 20), |w| {
            quiet(w, 1);
            w.cycle += 20 * US;
            tell(w, 1);
            w.cycle += 20 * US;
            quiet(w, 1);
            tell(w, 2);
        }),
        // The look comes long after the packets, after the time, after new limits.
        cut_with("INT-COALESCE-LATE", started(2, 200), |w| {
            quiet(w, 2);
            w.cycle += 51 * US;
            tell(w, 2);
        }),
        cut_with("INT-COALESCE-LATE", started(200, 20), |w| {
            quiet(w, 2);
            w.cycle += (20 + 2 + 51) * US;
            tell(w, 2);
        }),
        cut_with("INT-COALESCE-LATE", started(200, 255), |w| {
            quiet(w, 1);
            command(w, &set(0, 0, 255), 0);
            w.cycle += 51 * US;
            tell(w, 1);
        }),
        whole_with("INT-COALESCE-LATE", started(1, 20), |w| quiet(w, 1)),
        cut_with("INT-UNNEEDED", started(200, 20), |w| {
            w.used_event(TX, 100);
            quiet(w, 1);
            w.cycle += 20 * US;
            w.read_event(TX);
            w.msix(TX);
        }),
        cut_with("NET-COALESCE-QUERY", started(3, 20), |w| query(w, TX, 3, 21, 9)),
        cut_with("NET-COALESCE-QUERY", started(3, 20), |w| query(w, TX, 3, 20, 1)),
        cut_with("NET-CTRL-ACK", started(3, 20), |w| {
            w.write16(0x16, TX);
            w.write16(0x3a, 1);
            w.read16(0x3a, 0);
            command(w, &set_queue(TX, 1, 1), 0);
        })
        .with(&["DRIVER-COALESCE"]),
        cut_with("DRIVER-COALESCE", started(3, 20), |w| {
            command(w, &set_queue(CTRL, 1, 1), 1);
        }),
        cut_with("DRIVER-COALESCE", World::started(USUAL), |w| {
            command(w, &set(0, 1, 1), 1);
        }),
    ]
}

#[test]
fn every_end_of_a_round_is_judged_right() {
    let c = assert_clean(world());
    let checked = |rule| c.outcome(rule).map_or(0, |r| r.checked);
    assert_eq!(checked("NET-COALESCE-QUERY"), 3);
    assert_eq!(checked("DRIVER-COALESCE"), 7);
    assert!(checked("INT-COALESCE-EARLY") >= 5 && checked("INT-COALESCE-LATE") >= 5);
}

#[test]
fn a_run_may_end_while_a_round_is_open() {
    let mut w = World::started(FEATURES);
    command(&mut w, &set(0, 3, 200), 0);
    quiet(&mut w, 2);
    assert_clean(w);
}

#[test]
fn without_stores_the_limits_are_not_known_and_nothing_is_said() {
    let mut w = World::started(FEATURES);
    command(&mut w, &set(0, 3, 20), 0);
    quiet(&mut w, 1);
    w.push(What::End {
        reason: EndReason::Complete,
    });
    let v = w.without_stores().judge();
    assert!(v.violations.is_empty(), "{}", told(&v));
}

/// One packet goes out under a limit of a millisecond, and the device looks at the event word at once: it knows the wish, and has to wait.
fn asked_early() -> World {
    let mut w = World::started(FEATURES);
    command(&mut w, &[6, 0, 100, 0, 0, 0, 0xe8, 3, 0, 0], 0);
    quiet(&mut w, 1);
    w.read_event(TX);
    // Long enough for whatever is overdue to be looked for.
    w.cycle += 400 * US;
    w.read16(0x16, CTRL);
    w
}

/// A second round is full while the look at the end of the first is still under way; the next look comes so long after the answer.
fn slow_look(then_us: u64) -> World {
    let mut w = World::started(FEATURES);
    command(&mut w, &set(0, 2, 200), 0);
    quiet(&mut w, 2);
    let event = ring(TX, Part::Avail, 4 + 2 * u64::from(SIZE));
    let tag = w.issue(event, 2);
    quiet(&mut w, 2);
    w.cycle += 120 * US;
    w.answer(tag, event, 2);
    w.msix(TX);
    w.used_event(TX, 2);
    w.cycle += then_us * US;
    tell(&mut w, 4);
    w.push(What::End {
        reason: EndReason::Truncated,
    });
    w
}

#[test]
fn a_device_that_waits_for_the_answer_of_one_look_is_not_late_with_the_next() {
    let v = slow_look(1).judge();
    assert!(v.violations.is_empty(), "{}", told(&v));
    let v = slow_look(60).judge();
    let broken: Vec<&str> = v.violations.iter().map(|v| v.rule).collect();
    assert_eq!(broken, ["INT-COALESCE-LATE"], "{}", told(&v));
}

#[test]
fn a_device_that_looks_early_may_wait_for_the_end_of_the_round() {
    let mut w = asked_early();
    w.cycle += 600 * US;
    w.msix(TX);
    w.used_event(TX, 1);
    assert_clean(w);
}

#[test]
fn and_is_missed_when_it_does_not_interrupt_then() {
    let mut w = asked_early();
    w.cycle += 2000 * US;
    w.read16(0x16, CTRL);
    w.push(What::End {
        reason: EndReason::Complete,
    });
    let v = w.judge();
    assert!(
        v.violations.iter().any(|v| v.rule == "INT-MISSING"),
        "{}",
        told(&v)
    );
}
