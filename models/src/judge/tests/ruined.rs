//! Rings that their driver ruined, known only from what the device read: the driver is named, and a device that asks to be reset is not.

use super::clean::frame;
use super::packed::PACKED;
use super::told;
use crate::testutil::{CONFIG_VECTOR, Part, TX, USUAL, World, packet, ring};

/// The device asks to be reset, and the rules that are broken are exactly these.
fn asks_for_reset(mut w: World, broken: &[&str]) {
    w.msix(CONFIG_VECTOR);
    w.status_is(0x4f);
    let v = w.without_stores().verdict();
    let rules: Vec<_> = v.violations.iter().map(|x| x.rule).collect();
    assert_eq!(rules, broken, "{}", told(&v));
}

/// A chain that the device knows of, so that the available index is 1.
fn one_sent() -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    w
}

#[test]
fn an_available_index_that_no_driver_can_reach_is_its_drivers_fault_whatever_the_distance() {
    let at = ring(TX, Part::Avail, 2);
    for step in [9, 100, 0x7fff, 0x8000, 0x8001, 0xffff] {
        let mut w = one_sent();
        let tag = w.issue(at, 2);
        w.answer_with(tag, at, &1_u16.wrapping_add(step).to_le_bytes());
        asks_for_reset(w, &["DRIVER-AVAIL-IDX"]);
    }
}

#[test]
fn an_index_read_that_was_overtaken_is_old_and_nobodys_fault() {
    let at = ring(TX, Part::Avail, 2);
    let mut w = one_sent();
    let early = w.issue(at, 2);
    w.transmit(&frame(61));
    w.answer_with(early, at, &1_u16.to_le_bytes());
    let honest = w.clone().without_stores().verdict();
    assert!(honest.passed(), "{}", told(&honest));
    // So a device that asks to be reset for it is to blame.
    asks_for_reset(w, &["INT-CONFIG-SPURIOUS"]);
}

/// A list whose second descriptor is not available; `apart`: it lies in another line.
fn runs_on(apart: bool) -> (World, u64) {
    let mut w = World::started(PACKED);
    for _ in 0..if apart { 3 } else { 0 } {
        let list = w.offer(TX, &[packet(&frame(60))]);
        w.kick(TX);
        w.fetch_list(TX, &list);
        w.read_list(&list);
        w.wire_tx(&frame(60));
        w.finish_list(TX, &list, 0);
    }
    let mut list = w.list(TX, &[packet(&frame(64))], false);
    list.flags |= 1; // NEXT
    w.show(TX, &list);
    w.kick(TX);
    (w, list.position)
}

#[test]
fn a_list_that_runs_on_into_a_free_slot_is_its_drivers_fault_once_it_is_sure() {
    // In one line, by one read: both stood there at the same time.
    let (mut w, head) = runs_on(false);
    w.scan(TX, head, 2);
    asks_for_reset(w, &["DRIVER-PUBLISH-ORDER"]);
    // In two lines the second may have been looked at first ...
    let (mut w, head) = runs_on(true);
    w.fetch(w.descriptor_at(TX, head), 32);
    asks_for_reset(w.clone(), &["INT-CONFIG-SPURIOUS"]);
    // ... until it has been read again.
    w.scan(TX, head + 1, 1);
    asks_for_reset(w, &["DRIVER-PUBLISH-ORDER"]);
}
