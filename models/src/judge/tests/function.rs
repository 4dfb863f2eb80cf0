//! The function as a whole: what its configuration space says, the network device's configuration, and what a network driver gives.

use super::broken::{Case, cut_with};
use super::clean::{buffers, command, frame, receive};
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
    let id = |reg, value| {
        cut_with("CFG-IDENTITY", World::new(USUAL), move |w| {
            if reg != 0 {
                w.config_read(0, 0x1041_1af4);
            }
            w.config_read(reg, value);
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
        id(0, 0x1041_1af5),
        id(0, 0x1042_1af4), // a block device's
        id(8, 0x0200_0000),
        id(0x2c, 0x0001_1af4),
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
    let identity = v.outcome("CFG-IDENTITY").map(|o| (o.checked, o.violated));
    assert_eq!(identity, Some((3, 0)), "{}", super::told(&v));
}

#[test]
fn the_window_may_be_written() {
    let mut w = World::started(USUAL);
    window(&mut w, 0x15, 1);
    let v = w.verdict();
    assert!(v.violations.is_empty(), "{}", super::told(&v));
}
