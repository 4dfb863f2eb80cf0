//! The checkpoint window: positions read, and rings that go on where another life of the device left them.

use super::assert_clean;
use super::broken::{Case, cut_with};
use super::clean::frame;
use super::packed::PACKED;
use crate::testutil::{CHECKPOINT, CONFIG_VECTOR, LAP, RX, TX, USUAL, World, packet};

const AT: u64 = CHECKPOINT + 8 * TX as u64;

/// The eight bytes of a queue.
fn shown(avail: u16, used: u16, told: u16, quiet: bool) -> Vec<u8> {
    [avail, used, told, quiet.into()]
        .iter()
        .flat_map(|w| w.to_le_bytes())
        .collect()
}

fn at(start: u16) -> [u8; 4] {
    (u32::from(start) << 16 | u32::from(start)).to_le_bytes()
}

fn started(features: u128) -> World {
    let mut w = World::started(features);
    w.checkpoint_window();
    w
}

/// Reset and negotiated again; the rings lie where they lay.
fn taken(w: &mut World) {
    w.status(0);
    w.status_is(0);
    w.negotiate();
    w.write16(0x10, CONFIG_VECTOR);
    w.read16(0x10, CONFIG_VECTOR);
}

/// Enables all queues, the transmit queue at a position.
fn go_on(w: &mut World, start: u16) {
    for queue in [RX, 2] {
        w.enable(queue);
    }
    w.set_up(TX);
    w.write(AT, &at(start));
    w.read(AT, &at(start));
    w.write16(0x1c, 1);
    w.read16(0x1c, 1);
    w.status(0xf);
    w.status_is(0xf);
}

/// A split queue: read at rest and under way, taken over after three chains, and moved on.
pub(super) fn split() -> World {
    let mut w = started(USUAL);
    w.read(AT, &shown(0, 0, 0, true));
    for n in 0..3 {
        w.transmit(&frame(60 + n));
    }
    w.read(AT, &shown(3, 3, 3, true));
    w.read(AT, &at(3));
    // One that is under way, and returned while the window is read.
    let given = w.give(TX, &[packet(&frame(70))]);
    w.kick(TX);
    w.learn(TX, &given);
    w.read_payload(&given);
    w.wire_tx(&frame(70));
    w.read(AT, &shown(4, 3, 3, false));
    w.read(AT, &shown(3, 3, 3, false));
    let tag = w.ask(AT, 8);
    w.give_back(TX, &given, 0);
    w.answered(tag, AT, &shown(4, 3, 3, false));
    let tag = w.ask(AT, 8);
    w.arm(TX);
    w.answered(tag, AT, &shown(4, 4, 4, true));
    taken(&mut w);
    w.write16(0x16, TX);
    w.read16(0x18, 256);
    w.read(AT, &at(0));
    w.write(AT, &at(0xfff0));
    w.read(AT, &shown(0xfff0, 0xfff0, 0xfff0, true));
    go_on(&mut w, 4); // a new size voids what was written before
    w.read(AT, &shown(4, 4, 4, true));
    for n in 0..9 {
        w.transmit(&frame(80 + n));
    }
    w.read(AT, &shown(13, 13, 13, true));
    w
}

/// A packed queue, taken over with the wrap counter 0.
pub(super) fn packed() -> World {
    let mut w = started(PACKED);
    w.read(AT, &shown(0x8000, 0x8000, 0x8000, true));
    for n in 0..3 {
        let list = w.send_list(&frame(60 + n), 3, false);
        w.finish_list(TX, &list, 0);
    }
    let nine = 9 % LAP;
    w.read(AT, &shown(nine, nine, nine, true));
    taken(&mut w);
    go_on(&mut w, nine);
    w.read(AT, &shown(nine, nine, nine, true));
    for n in 0..3 {
        let list = w.send_list(&frame(70 + n), 2, false);
        w.finish_list(TX, &list, 0);
    }
    w.read(AT, &shown(0, 0, 0, true)); // three laps
    w
}

#[test]
fn a_ring_goes_on_in_another_life_of_the_device() {
    assert_eq!(assert_clean(split()).compared.frames_tx, 13);
    assert_eq!(assert_clean(packed()).compared.frames_tx, 6);
}

/// Two chains returned.
fn two() -> World {
    let mut w = started(USUAL);
    w.transmit(&frame(60));
    w.transmit(&frame(61));
    w
}

/// One more that is under way.
fn under_way() -> World {
    let mut w = two();
    let given = w.give(TX, &[packet(&frame(62))]);
    w.kick(TX);
    w.learn(TX, &given);
    w.read_payload(&given);
    w
}

fn packed_two() -> World {
    let mut w = started(PACKED);
    for n in 0..2 {
        let list = w.send_list(&frame(60 + n), 3, false);
        w.finish_list(TX, &list, 0);
    }
    w
}

fn to_be_enabled(packed: bool) -> World {
    let mut w = if packed { packed_two() } else { two() };
    taken(&mut w);
    w.set_up(TX);
    w
}

/// What is wrong, each case by itself.
pub(super) fn cases() -> Vec<Case> {
    vec![
        cut_with("CHECKPOINT-USED", under_way(), |w| {
            w.read(AT, &shown(3, 3, 2, false));
        }),
        cut_with("CHECKPOINT-USED", two(), |w| {
            w.read(AT, &shown(1, 1, 1, true));
        }),
        cut_with("CHECKPOINT-USED", packed_two(), |w| {
            w.read(AT, &shown(0x8001, 0x8001, 0x8001, true)); // the other lap
        }),
        cut_with("CHECKPOINT-USED", packed_two(), |w| {
            w.read(AT, &shown(LAP, LAP, LAP, true)); // no slot
        }),
        cut_with("CHECKPOINT-AVAIL", two(), |w| {
            w.read(AT, &shown(3, 2, 2, false));
        }),
        cut_with("CHECKPOINT-AVAIL", two(), |w| {
            w.read(AT, &shown(1, 2, 2, false));
        }),
        cut_with("CHECKPOINT-QUIET", under_way(), |w| {
            w.read(AT, &shown(2, 2, 2, true));
        }),
        cut_with("CHECKPOINT-QUIET", two(), |w| {
            w.read(AT, &shown(2, 2, 1, true));
        }),
        cut_with("CHECKPOINT-START", to_be_enabled(false), |w| {
            w.read(AT, &at(2));
        }),
        cut_with("CHECKPOINT-START", to_be_enabled(true), |w| {
            w.read(AT, &at(0));
        }),
        cut_with("CHECKPOINT-START", to_be_enabled(false), |w| {
            w.write(AT, &at(7));
            w.write16(0x18, 4);
            w.read(AT, &at(7));
        }),
        cut_with("DRIVER-CHECKPOINT", two(), |w| {
            w.write(AT, &at(2));
        }),
        cut_with("DRIVER-CHECKPOINT", to_be_enabled(false), |w| {
            w.write(AT, &[2, 0, 3, 0]);
        }),
        cut_with("DRIVER-CHECKPOINT", to_be_enabled(false), |w| {
            w.write(AT, &[2, 0]);
        }),
        cut_with("DRIVER-CHECKPOINT", to_be_enabled(false), |w| {
            w.write(AT + 4, &at(2));
        }),
        cut_with("DRIVER-CHECKPOINT", to_be_enabled(true), |w| {
            w.write(AT, &at(LAP));
        }),
    ]
}
