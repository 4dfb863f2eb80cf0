//! Reads that nobody answers: how long the judge waits before it believes that the device gave up.

use super::{assert_clean, told};
use crate::event::{EndReason, What};
use crate::testutil::{CONFIG_VECTOR, Given, TX, USUAL, World, packet};

/// A transmit chain whose payload read was issued so many microseconds ago; nothing came of it.
fn unanswered(us: u64) -> (World, Given, u16) {
    let mut w = World::started(USUAL);
    w.transmit(&[6; 60]);
    let given = w.give(TX, &[packet(&[7; 60])]);
    w.kick(TX);
    w.learn(TX, &given);
    let (at, len) = given.buffers[0];
    let tag = w.issue(at, len as usize);
    w.cycle += us * 250;
    (w, given, tag)
}

#[test]
fn a_device_that_gives_a_read_up_after_the_time_out_may_say_so() {
    let (mut w, ..) = unanswered(251);
    w.msix(CONFIG_VECTOR);
    w.push(What::WireTx {
        queue: 0,
        error: true,
        data: vec![7; 20],
    });
    w.push(What::End {
        reason: EndReason::Truncated,
    });
    let v = w.judge();
    assert!(v.violations.is_empty(), "{}", told(&v));
}

#[test]
fn a_slow_host_is_not_a_silent_one() {
    let (mut w, ..) = unanswered(240);
    w.msix(CONFIG_VECTOR);
    w.push(What::End {
        reason: EndReason::Truncated,
    });
    let v = w.judge();
    assert_eq!(v.violations.len(), 1, "{}", told(&v));
    assert_eq!(v.violations[0].rule, "INT-CONFIG-SPURIOUS");

    let (mut w, given, tag) = unanswered(240);
    w.answer(tag, given.buffers[0].0, given.buffers[0].1 as usize);
    w.wire_tx(&[7; 60]);
    w.give_back(TX, &given, 0);
    w.arm(TX);
    assert_clean(w);
}

#[test]
fn bytes_that_the_driver_replaces_while_a_read_is_under_way_may_be_old_or_new() {
    for new in [false, true] {
        let (mut w, given, tag) = unanswered(1);
        let (at, len) = given.buffers[0];
        let mut data = w.bytes(at, len as usize);
        w.store(at + 20, &[0xee; 4]);
        if new {
            data[20..24].fill(0xee);
        }
        w.answer_with(tag, at, &data);
        w.push(What::End {
            reason: EndReason::Truncated,
        });
        let v = w.judge();
        let host = v.rules.iter().find(|r| r.id == "HOST-CPL-DATA").unwrap();
        assert!(host.checked > 0 && host.violated == 0, "{}", told(&v));
    }
}
