//! Suspension: under way, reached and over; each with what is wrong about it.

use super::assert_clean;
use super::broken::{Case, cut_with, whole_with};
use super::clean::frame;
use crate::event::What;
use crate::testutil::{CONFIG_VECTOR, TX, USUAL, World, packet};

const FEATURES: u128 = USUAL | 1 << 43;

fn started() -> World {
    let mut w = World::started(FEATURES);
    w.push(What::LinkUp { up: true });
    w.transmit(&frame(60));
    w
}

/// Asked for and reached.
fn suspended() -> World {
    let mut w = started();
    w.status(0x1f);
    w.status_is(0x1f);
    w.status_is(0x1b);
    w
}

fn resume(w: &mut World) {
    w.status(0x1f);
    w.status_is(0x1b);
    w.status_is(0x0f);
}

/// Twice, once with a link that goes meanwhile and is told of afterwards, and ended by a reset.
pub(super) fn world() -> World {
    let mut w = suspended();
    w.push(What::LinkUp { up: false });
    w.push(What::LinkUp { up: true });
    resume(&mut w);
    w.transmit(&frame(61));
    w.status(0x1f);
    w.push(What::LinkUp { up: false });
    w.status_is(0x1b);
    // SUSPEND may be written either way.
    w.status(0x0f);
    w.status_is(0x0f);
    w.msix(CONFIG_VECTOR);
    w.transmit(&frame(62));
    w.status(0x1f);
    w.status_is(0x1b);
    w.status(0);
    w.status_is(0);
    w
}

#[test]
fn all_goes_on_where_it_stood() {
    assert_eq!(assert_clean(world()).compared.frames_tx, 3);
}

/// What is wrong, each case by itself.
pub(super) fn cases() -> Vec<Case> {
    vec![
        cut_with("LIFE-SUSPENDED", suspended(), |w| w.read_index(TX)),
        cut_with("LIFE-SUSPEND", started(), |w| {
            let given = w.give(TX, &[packet(&frame(60))]);
            w.kick(TX);
            w.learn(TX, &given);
            w.read_payload(&given);
            w.status(0x1f);
            w.status_is(0x1b); // its chain is not used
        }),
        cut_with("LIFE-SUSPEND", started(), |w| {
            let given = w.give(TX, &[packet(&frame(60))]);
            w.kick(TX);
            w.learn(TX, &given);
            w.read_payload(&given);
            w.wire_tx(&frame(60));
            w.element(TX, 0, given.head, 0);
            w.used_index(TX, 1);
            w.status(0x1f);
            w.status_is(0x1b); // and the driver's wish not asked for
        }),
        whole_with("LIFE-SUSPEND", started(), |w| w.status(0x1f)),
        whole_with("LIFE-SUSPEND", suspended(), |w| w.status(0x1f)),
        whole_with("INT-CONFIG", suspended(), |w| {
            w.push(What::LinkUp { up: false });
            resume(w);
        }),
        cut_with("CFG-STATUS", suspended(), |w| w.status_is(0x1f)),
        cut_with("CFG-STATUS", started(), |w| {
            w.status(0x1f);
            w.status_is(0x0f);
        }),
        cut_with("CFG-STATUS", World::started(USUAL), |w| {
            w.status(0x1f);
            w.status_is(0x1f); // without the feature
        })
        .with(&["DRIVER-SUSPEND"]),
        cut_with("DRIVER-SUSPEND", World::started(USUAL), |w| w.status(0x1f)),
        cut_with("DRIVER-SUSPEND", suspended(), |w| w.kick(TX)),
        cut_with("DRIVER-SUSPEND", suspended(), |w| w.write16(0x16, 1)),
        cut_with("DRIVER-SUSPEND", suspended(), |w| {
            w.give(TX, &[packet(&frame(60))]);
        }),
    ]
}
