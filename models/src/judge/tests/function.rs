//! The function as a whole: what its configuration space says, the network device's configuration, and what a network driver gives.

use super::assert_clean;
use super::broken::{Case, cut_with};
use super::clean::{buffers, command, frame, receive};
use crate::judge::Verdict;
use crate::testutil::{Buffer, COMMON, DEVICE, RX, TX, USUAL, World, packet};

const MTU: u128 = 1 << 3;
const MQ: u128 = 1 << 22;

/// One pair and MQ, so that the control queue is queue 2 all the same; an MTU of 400.
fn small() -> World {
    let mut w = World::new(USUAL | MTU | MQ);
    w.pairs = 1;
    w.start();
    w
}

/// Everything that is asked of a function is as it should be, up to the longest frames.
pub(super) fn world() -> World {
    let mut w = small();
    command(&mut w, &[4, 0, 1, 0], 0);
    w.transmit(&frame(414));
    let chains = buffers(&mut w, 1, 2000);
    receive(&mut w, &frame(414), &chains, 2000);
    w.used_event(RX, 1);
    w.arm(RX);
    let chains = buffers(&mut w, 1, 2000);
    let mut tagged = frame(418);
    tagged[12..14].copy_from_slice(&[0x81, 0]);
    receive(&mut w, &tagged, &chains, 2000);
    w
}

/// The window set to BAR 0, `offset`, `len` bytes, and used.
fn window(w: &mut World, offset: u32, len: u32) {
    w.config_write(0x10, 15, COMMON as u32);
    w.config_write(0x64, 1, 0);
    w.config_write(0x68, 15, offset);
    w.config_write(0x6c, 15, len);
    w.config_read(0x70, 0);
}

/// The device reads capabilities of which one is bent.
fn bent(n: usize, cap: &'static [u32]) -> Case {
    cut_with("CFG-CAPABILITY", World::new(USUAL), |w| {
        w.capabilities[n] = cap;
        w.enumerate();
    })
}

/// A started device whose notification capability is this.
fn notify(cap: &'static [u32], features: u128) -> Case {
    cut_with("CFG-NOTIFY", World::new(features), |w| {
        w.capabilities[2] = cap;
        w.start();
    })
}

/// A started device whose common configuration has so many bytes.
fn fields(bytes: u32, features: u128) -> Case {
    cut_with("CFG-CAPABILITY", World::new(features), |w| {
        w.capabilities[1] = match bytes {
            56 => &[0x0110_0009, 0, 0, 56],
            _ => &[0x0110_0009, 0, 0, 58],
        };
        w.start();
    })
}

/// A packet whose header has this byte there.
fn header(at: usize, value: u8) -> Case {
    cut_with("DRIVER-NET-HEADER", World::started(USUAL), |w| {
        let mut bytes = vec![0; 12];
        bytes[at] = value;
        bytes.extend_from_slice(&frame(60));
        w.give(TX, &[Buffer::Out(bytes)]);
    })
}

pub(super) fn cases() -> Vec<Case> {
    let id = |value| {
        cut_with("CFG-IDENTITY", World::new(USUAL), move |w| {
            w.config_read(0, value);
        })
    };
    // In whatever order the host reads.
    let advice = |first: (u16, u32), second: (u16, u32)| {
        cut_with("CFG-ADVICE", World::new(USUAL), move |w| {
            w.config_read(first.0, first.1);
            w.config_read(second.0, second.1);
        })
    };
    let mtu = |values: &'static [u16]| {
        cut_with("NET-CONFIG", World::started(USUAL | MTU), move |w| {
            for value in values {
                w.read(DEVICE + 10, &value.to_le_bytes());
            }
        })
    };
    vec![
        id(0x1041_1af5),
        id(0x1042_1af4), // a block device's
        id(0x1001_1af4), // a transitional block device's
        id(0x1023_1af4), // no transitional device's
        advice((0, 0x1041_1af4), (8, 0x0200_0000)),
        advice((8, 0x0200_0000), (0, 0x1041_1af4)),
        advice((0, 0x1041_1af4), (0x2c, 0x0001_1af4)),
        advice((0x2c, 0x0001_1af4), (0, 0x1041_1af4)),
        // Shared memory of nothing, though its lower words say so only with the upper ones.
        cut_with("CFG-CAPABILITY", World::new(USUAL), |w| {
            w.capabilities.push(&[0x0818_0009, 0, 0, 0, 0, 0]);
            w.enumerate();
        }),
        // Room for all fields but queue_notif_config_data, for all but queue_reset.
        fields(56, USUAL & !(1 << 40) | 1 << 39),
        fields(58, USUAL),
        bent(1, &[0x0110_0009, 0, 2, 64]), // common configuration not aligned
        bent(1, &[0x0110_0009, 0, 0, 40]), // too short
        bent(1, &[0x0110_0009, 6, 0, 64]), // reserved BAR
        bent(2, &[0x0210_0009, 0, 0x3000, 64, 4]), // no room for the multiplier
        bent(3, &[0x0710_0009, 0, 0x1000, 4]), // type 7 is reserved, and ISR is missing
        bent(4, &[0x090a_0009, 0x1235]),   // vendor data of 10 bytes, device configuration missing
        bent(4, &[0x0908_0009, 0x1af4]),   // vendor data of virtio's own vendor
        notify(&[0x0214_0009, 0, 0x3001, 64, 4], USUAL),
        notify(&[0x0214_0009, 0, 0x3000, 64, 6], USUAL),
        notify(&[0x0214_0009, 0, 0x3000, 9, 4], USUAL), // queue 2 ends at 10
        notify(&[0x0214_0009, 0, 0x3002, 64, 4], USUAL | 1 << 38),
        // The second one is no better than it should be.
        cut_with("CFG-NOTIFY", World::new(USUAL), |w| {
            w.capabilities.push(&[0x0214_0009, 0, 0x3801, 64, 4]);
            w.start();
        }),
        notify(&[0x0214_0009, 0, 0x3000, 64, 2], USUAL | 1 << 38),
        mtu(&[67]),
        mtu(&[401]),
        cut_with("NET-CONFIG", World::started(USUAL | MQ), |w| {
            w.read(DEVICE + 8, &[0, 0]);
        }),
        cut_with("NET-MTU", small(), |w| {
            let chains = buffers(w, 1, 2000);
            receive(w, &frame(415), &chains, 2000);
        }),
        cut_with("DRIVER-WINDOW", World::started(USUAL), |w| window(w, 2, 4)).with(&["DRIVER-REGISTER"]),
        cut_with("DRIVER-WINDOW", World::started(USUAL), |w| window(w, 0x800, 4)),
        cut_with("DRIVER-REGISTER", World::started(USUAL), |w| {
            w.write(DEVICE, &[2, 0]);
        }),
        cut_with("DRIVER-REGISTER", World::started(USUAL), |w| {
            w.config_write(0x78, 15, 64);
        }),
        cut_with("DRIVER-VECTOR", World::started(USUAL), |w| w.write16(0x10, 4)),
        header(0, 1),
        header(0, 2),
        header(1, 1),
        header(1, 0x20),
        header(10, 1),
        header(1, 0x80),
        cut_with("DRIVER-NET-MTU", small(), |w| {
            w.give(TX, &[packet(&frame(415))]);
        }),
        cut_with("DRIVER-NET-BUFFER", World::started(USUAL), |w| {
            w.give(RX, &[Buffer::In(11)]);
        }),
        cut_with("DRIVER-NET-PAIRS", small(), |w| command(w, &[4, 0, 2, 0], 1)),
        cut_with("DRIVER-NET-PAIRS", World::started(USUAL | MQ), |w| {
            w.enable(3);
            w.give(3, &[packet(&frame(60))]);
        }),
    ]
}

#[test]
fn a_transitional_function_has_other_numbers() {
    let mut w = World::new(USUAL);
    w.config_read(0, 0x1000_1af4);
    w.config_read(8, 0x0200_0000);
    w.config_read(0x2c, 0x0001_1af4);
    let v = w.judge();
    let decided = |rule| v.outcome(rule).map(|o| (o.checked, o.violated));
    assert_eq!(decided("CFG-IDENTITY"), Some((1, 0)), "{}", super::told(&v));
    assert_eq!(decided("CFG-ADVICE"), Some((0, 0)), "{}", super::told(&v));
}

#[test]
fn advice_is_told_and_fails_no_run() {
    let mut w = World::started(USUAL);
    w.config_read(8, 0x0200_0000);
    assert_clean(w); // read before, and then it was 1
    let mut w = World::new(USUAL);
    w.config_read(8, 0x0200_0000);
    w.start();
    let v = w.verdict();
    assert!(
        v.passed() && v.unexpected().next().is_none(),
        "{}",
        super::told(&v)
    );
    assert_eq!(v.advice().map(|v| v.rule).collect::<Vec<_>>(), ["CFG-ADVICE"]);
}

#[test]
fn what_a_revision_or_subsystem_means_waits_for_the_id() {
    let mut w = World::new(USUAL);
    w.config_read(8, 0x0200_0000);
    w.config_read(0x2c, 0x0001_1af4);
    w.config_read(0, 0x1000_1af4);
    let v = w.judge();
    assert_eq!(
        v.outcome("CFG-ADVICE").map(|o| o.violated),
        Some(0),
        "{}",
        super::told(&v)
    );
}

#[test]
fn a_shared_memory_region_may_be_of_4_gib() {
    let mut w = World::new(USUAL);
    w.capabilities.push(&[0x0818_0009, 2, 0, 0, 1, 1]);
    w.start();
    assert_clean(w);
}

#[test]
fn a_common_configuration_of_56_bytes_is_enough_without_the_features_that_add_to_it() {
    let mut w = World::new(USUAL & !(1 << 40));
    w.capabilities[1] = &[0x0110_0009, 0, 0, 56];
    w.start();
    assert_clean(w);
}

/// What the host reads: the generation, or the link's status.
enum Look {
    Generation(u8),
    Link(u8),
}
use Look::{Generation, Link};

fn looks(looks: &[Look]) -> Verdict {
    let mut w = World::started(USUAL);
    for look in looks {
        match look {
            Generation(g) => w.read(COMMON + 0x15, &[*g]),
            Link(up) => w.read(DEVICE + 6, &[*up, 0]),
        }
    }
    w.verdict()
}

#[test]
fn a_device_may_count_at_the_moment_of_the_change_or_when_the_change_was_read() {
    for legal in [
        // Between the reads of the generation, at once.
        &[Generation(0), Link(1), Generation(1), Link(0), Generation(1)] as &[_],
        // Read after it was counted.
        &[
            Link(1),
            Generation(1),
            Link(0),
            Generation(1),
            Link(0),
            Generation(1),
        ],
        // Counted only when the new value was read.
        &[Generation(0), Link(1), Generation(0), Link(0), Generation(1)],
        // Two changes, and two counts.
        &[Generation(0), Link(1), Link(0), Link(1), Generation(2), Link(1)],
    ] {
        let v = looks(legal);
        let generation = v.outcome("CFG-GENERATION").map_or(0, |o| o.violated);
        assert_eq!(generation, 0, "{}", super::told(&v));
    }
    for illegal in [
        &[Generation(0), Link(1), Link(0), Generation(0)] as &[_],
        &[Generation(0), Link(1), Generation(0), Link(0), Generation(0)],
        &[Generation(3), Link(1), Link(0), Link(1), Generation(3)],
        &[
            Generation(0),
            Link(1),
            Generation(1),
            Link(0),
            Link(1),
            Generation(1),
        ],
    ] {
        let v = looks(illegal);
        let generation = v.outcome("CFG-GENERATION").map_or(0, |o| o.violated);
        assert_eq!(generation, 1, "{}", super::told(&v));
    }
}

#[test]
fn reads_that_cross_say_nothing_of_the_order_in_which_they_were_served() {
    let mut w = World::started(USUAL);
    w.read(COMMON + 0x15, &[0]);
    w.read(DEVICE + 6, &[1, 0]);
    let generation = w.ask(COMMON + 0x15, 1);
    w.read(DEVICE + 6, &[0, 0]);
    w.register_answer(generation, COMMON + 0x15, &[0]);
    w.read(COMMON + 0x15, &[1]);
    assert_clean(w);
}

#[test]
fn the_window_may_be_written() {
    let mut w = World::started(USUAL);
    window(&mut w, 0x15, 1);
    let v = w.verdict();
    assert!(v.violations.is_empty(), "{}", super::told(&v));
}
