//! Well-behaved runs.

use super::assert_clean;
use crate::event::Channel;
use crate::event::What;
use crate::testutil::{
    BDF, Buffer, COMMON, CONFIG_VECTOR, CTRL, DEVICE, Given, ISR, Part, RX, SIZE, TX, USUAL, World, packet,
    ring,
};
use crate::tlp::{Body, CplStatus};

/// A frame of the given length to the device's own address.
pub(super) fn frame(len: usize) -> Vec<u8> {
    let mut f = vec![2, 0, 0, 0, 0, 1];
    f.extend((6..len).map(|i| i as u8));
    f
}

/// Receives one frame into the chains given, each `room` bytes, and returns them.
pub(super) fn receive(w: &mut World, frame: &[u8], chains: &[Given], room: usize) {
    w.wire_rx(frame);
    let bytes = World::received(frame, chains.len() as u16);
    for (part, chain) in bytes.chunks(room).zip(chains) {
        for (i, piece) in part.chunks(256).enumerate() {
            w.put(chain.buffers[0].0 + 256 * i as u64, piece);
        }
    }
    for (i, (part, chain)) in bytes.chunks(room).zip(chains).enumerate() {
        w.element(RX, i as u16, chain.head, part.len() as u32);
    }
    w.used_index(RX, chains.len() as u16);
    w.read_event(RX);
    w.msix(RX);
    for c in chains {
        w.reclaim(RX, c);
    }
}

/// Makes receive buffers available and lets the device learn of them.
pub(super) fn buffers(w: &mut World, count: u16, room: u32) -> Vec<Given> {
    let chains: Vec<_> = (0..count).map(|_| w.give(RX, &[Buffer::In(room)])).collect();
    w.kick(RX);
    w.read_index(RX);
    for back in (1..=count).rev() {
        w.read_entry(RX, back);
    }
    for c in &chains {
        w.read_descriptors(RX, c);
    }
    chains
}

/// One control command from publication to its return.
pub(super) fn command(w: &mut World, bytes: &[u8], ack: u8) {
    let given = w.give(CTRL, &[Buffer::Out(bytes.to_vec()), Buffer::In(1)]);
    w.kick(CTRL);
    w.learn(CTRL, &given);
    w.fetch(given.buffers[0].0, bytes.len());
    w.put(given.buffers[1].0, &[ack]);
    w.give_back(CTRL, &given, 1);
    w.arm(CTRL);
}

/// Transmit, receive, control queue, configuration change, queue reset, device reset: the usual features.
pub(super) fn usual() -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    w.transmit(&frame(61));

    // Three chains in one batch, the last one indirect and split in pieces; one interrupt.
    let a = w.prepare(TX, &[packet(&frame(70))], false);
    let b = w.prepare(TX, &[Buffer::Out(vec![0; 12]), Buffer::Out(frame(71))], false);
    let c = w.prepare(
        TX,
        &[
            Buffer::Out(vec![0; 5]),
            Buffer::Out(vec![0; 7]),
            Buffer::Out(frame(300)),
        ],
        true,
    );
    w.publish(TX);
    w.kick(TX);
    w.read_index(TX);
    w.fetch(ring(TX, Part::Avail, 4 + 2 * 2), 6);
    for x in [&a, &b, &c] {
        w.read_descriptors(TX, x);
        w.read_payload(x);
    }
    for (i, x) in [&c, &a, &b].iter().enumerate() {
        w.element(TX, i as u16, x.head, 0);
    }
    w.wire_tx(&frame(70));
    w.wire_tx(&frame(71));
    w.used_index(TX, 3);
    w.wire_tx(&frame(300));
    w.read_event(TX);
    w.msix(TX);
    for x in [a, b, c] {
        w.reclaim(TX, &x);
    }
    w.used_event(TX, 5);
    w.arm(TX);

    // Receive: single buffer, then a packet over two; a frame for another address is filtered once promiscuous mode is off.
    command(&mut w, &[0, 0, 0], 0);
    let chains = buffers(&mut w, 3, 1000);
    receive(&mut w, &frame(100), &chains[..1], 1000);
    w.used_event(RX, 1);
    receive(&mut w, &frame(1500), &chains[1..], 1000);
    w.used_event(RX, 3);
    w.arm(RX);
    let mut foreign = frame(60);
    foreign[5] = 9;
    w.wire_rx(&foreign);
    w.push(What::WireDrop { reason: 1 });

    // Control: promiscuous, so that the same frame passes; then an unknown command.
    command(&mut w, &[0, 0, 1], 0);
    let chains = buffers(&mut w, 1, 1000);
    receive(&mut w, &foreign, &chains, 1000);
    w.used_event(RX, 4);
    w.arm(RX);
    command(&mut w, &[99, 0], 1);

    // The link goes down: configuration interrupt, ISR, generation.
    w.read(DEVICE + 6, &[1, 0]);
    w.read(COMMON + 0x15, &[0]);
    w.push(What::LinkUp { up: false });
    w.msix(CONFIG_VECTOR);
    w.read(ISR, &[2]);
    w.read(DEVICE + 6, &[0, 0]);
    w.read(COMMON + 0x15, &[1]);

    // Queue reset and another life of the queue.
    w.write16(0x16, TX);
    w.write16(0x3a, 1);
    w.read16(0x3a, 1);
    w.read16(0x3a, 0);
    w.read16(0x1c, 0);
    w.fresh_ring(TX);
    w.enable(TX);
    w.transmit(&frame(62));
    w
}

/// Without `EVENT_IDX`, with `INTx`: flags both ways.
pub(super) fn flags() -> World {
    let mut w = World::new(USUAL & !(1 << 29));
    w.enumerate();
    w.config_write(0x50, 15, 0x0003_0011);
    w.negotiate();
    for queue in 0..3 {
        w.enable(queue);
    }
    w.status(0xf);
    let flags = ring(TX, Part::Used, 0);
    for i in 0..3u8 {
        let given = w.give(TX, &[packet(&frame(60))]);
        if i == 0 {
            w.kick(TX);
        }
        w.learn(TX, &given);
        w.put(flags, &[1, 0]);
        w.read_payload(&given);
        w.wire_tx(&frame(60));
        w.element(TX, 0, given.head, 0);
        w.used_index(TX, 1);
        w.read_event(TX);
        let message = |code| Body::Msg {
            req: BDF,
            tag: 0,
            routing: 4,
            code,
            data: vec![],
        };
        if i != 1 {
            w.packet(Channel::Rq, message(0x20));
            w.read(ISR, &[1]);
            w.packet(Channel::Rq, message(0x24));
        }
        // The second time the driver suppresses.
        w.store(ring(TX, Part::Avail, 0), &[u8::from(i == 0), 0]);
        w.reclaim(TX, &given);
        if i == 2 {
            w.put(flags, &[0, 0]);
            w.read_index(TX);
        }
    }
    w
}

/// A reset in the middle, and a second life that has just begun: of a frame of the first one the wire knows nothing yet.
pub(super) fn reset_begun() -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    let given = w.give(TX, &[packet(&frame(64))]);
    w.kick(TX);
    w.read_index(TX);
    w.read_entry(TX, 1);
    w.status(0);
    w.status_is(0xf);
    w.read_descriptors(TX, &given);
    w.status_is(0);
    w.read16(0x10, 0xffff);
    for queue in 0..3 {
        w.fresh_ring(queue);
    }
    w.negotiate();
    w.write16(0x10, CONFIG_VECTOR);
    for queue in 0..3 {
        w.enable(queue);
    }
    w.status(0xf);
    w
}

/// A reset in the middle, and a second life.
pub(super) fn reset() -> World {
    let mut w = reset_begun();
    // A wire that stood still learns only now that the frame before the reset was cut.
    w.push(What::WireTx {
        queue: 0,
        error: true,
        data: frame(64),
    });
    w.transmit(&frame(65));
    w
}

/// A function-level reset with DMA in flight, and a second life.
pub(super) fn function_reset() -> World {
    let mut w = World::started(USUAL);
    let given = w.give(TX, &[packet(&frame(64))]);
    w.kick(TX);
    w.read_index(TX);
    let tag = w.host_tag();
    w.packet(
        Channel::Cq,
        Body::CfgWr {
            req: 0,
            tag,
            target: BDF,
            reg: 0x48,
            fbe: 3,
            data: vec![0, 0x80, 0, 0],
        },
    );
    w.read_entry(TX, 1); // still on its way
    w.packet(
        Channel::Cc,
        Body::Cpl {
            cpl: BDF,
            req: 0,
            tag,
            status: CplStatus::Sc,
            bytes: 4,
            lower: 0,
            data: vec![],
        },
    );
    w.reclaim(TX, &given);
    for queue in 0..3 {
        w.fresh_ring(queue);
    }
    w.config_read(0, 0x1041_1af4);
    w.start();
    w.transmit(&frame(66));
    w
}

/// Status read and a queue kicked through the `PCI_CFG` window.
pub(super) fn window() -> World {
    let mut w = World::new(USUAL);
    w.enumerate();
    w.config_write(0x10, 15, COMMON as u32);
    w.negotiate();
    for queue in 0..3 {
        w.enable(queue);
    }
    w.status(0xf);
    let set = |w: &mut World, offset: u32, len: u32| {
        w.config_write(0x64, 1, 0);
        w.config_write(0x68, 15, offset);
        w.config_write(0x6c, 15, len);
    };
    set(&mut w, 0x14, 1);
    w.config_read(0x70, 0x0f);
    let given = w.give(TX, &[packet(&frame(60))]);
    set(&mut w, 0x3004, 2);
    w.config_write(0x70, 15, u32::from(TX));
    w.learn(TX, &given);
    w.read_payload(&given);
    w.wire_tx(&frame(60));
    w.give_back(TX, &given, 0);
    w.arm(TX);
    w
}

/// A malformed chain: the queue freezes, the device asks for reset. The driver is to blame.
pub(super) fn malformed() -> World {
    let mut w = World::started(USUAL);
    w.header.expect = vec!["DRIVER-CHAIN".into()];
    w.transmit(&frame(60));
    let given = w.prepare(TX, &[packet(&frame(64))], false);
    // next = 200 with NEXT set.
    w.store(
        ring(TX, Part::Desc, 16 * u64::from(given.head)) + 12,
        &[1, 0, 200, 0],
    );
    w.publish(TX);
    w.kick(TX);
    w.learn(TX, &given);
    w.msix(CONFIG_VECTOR);
    w.status_is(0x4f);
    w
}

/// Frames of the batches: as many as the world's credits allow.
const FRAMES: u16 = 15;

/// `IN_ORDER`: one used element for a batch of `len` frames, round the table and the used ring.
pub(super) fn in_order_batches(len: u16) -> World {
    let mut w = World::started(USUAL | 1 << 35);
    for round in 0..FRAMES / len {
        let batch: Vec<_> = (0..len)
            .map(|i| {
                let bytes = frame(60 + usize::from(round + i));
                let given = w.give(TX, &[Buffer::Out(vec![0; 12]), Buffer::Out(bytes.clone())]);
                (given, bytes)
            })
            .collect();
        w.kick(TX);
        w.read_index(TX);
        let used = len * round;
        for back in (1..=len).rev() {
            w.read_entry(TX, back);
        }
        for (given, bytes) in &batch {
            w.read_descriptors(TX, given);
            w.read_payload(given);
            w.wire_tx(bytes);
        }
        w.element(TX, 0, batch.last().expect("one").0.head, 0);
        w.used_index(TX, len);
        for (given, _) in &batch {
            w.reclaim(TX, given);
        }
        w.read_event(TX);
        w.msix(TX);
        w.used_event(TX, used + len);
        w.arm(TX);
    }
    w
}

#[test]
fn in_order_returns_every_chain_of_a_batch() {
    for len in 1..=SIZE / 2 {
        let c = assert_clean(in_order_batches(len)).compared;
        let frames = u64::from(FRAMES / len * len);
        assert_eq!((c.chains, c.frames_tx), (frames, frames));
    }
    let v = in_order_batches(2).without_stores().verdict();
    assert!(v.passed(), "{}", super::told(&v));
}

/// `NOTIFICATION_DATA`, `IN_ORDER`, no index reads at all.
pub(super) fn in_order() -> World {
    kicked_by_position(1 << 35)
}

/// `NOTIFICATION_DATA` and these features, no index reads at all.
fn kicked_by_position(features: u128) -> World {
    let mut w = World::started(USUAL | features | 1 << 38);
    for i in 0..2 * usize::from(SIZE) {
        let given = w.give(TX, &[packet(&frame(60 + i))]);
        w.kick(TX);
        w.read_entry(TX, 1);
        w.read_descriptors(TX, &given);
        w.read_payload(&given);
        w.wire_tx(&frame(60 + i));
        w.give_back(TX, &given, 0);
        w.arm(TX);
    }
    w
}

/// `NOTIF_CONFIG_DATA`: kicks carry what the device asks for.
fn own_kick_values() -> World {
    let mut w = World::started(USUAL | 1 << 39);
    for i in 0..3 {
        w.transmit(&frame(60 + i));
    }
    w
}

/// A payload read fails: the frame goes out marked broken.
pub(super) fn failed_read() -> World {
    let mut w = World::started(USUAL);
    let given = w.give(TX, &[packet(&frame(64))]);
    w.kick(TX);
    w.learn(TX, &given);
    let (at, len) = given.buffers[0];
    let tag = w.issue(at, len as usize);
    w.refuse(tag, at, len as usize);
    w.push(What::WireTx {
        queue: 0,
        error: true,
        data: frame(64),
    });
    w.give_back(TX, &given, 0);
    w.arm(TX);
    w.transmit(&frame(60));
    w
}

/// The same, and a read that was decided before the queue froze leaves after the status was read.
pub(super) fn failed_ring_read_and_one_under_way() -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    ring_read_fails(&mut w);
    w.msix(CONFIG_VECTOR);
    w.status_is(0x4f);
    w.read_index(TX);
    w.status(0);
    w.status_is(0);
    w
}

/// A read of a ring fails: the queue freezes, the device asks for a reset and gets one.
pub(super) fn failed_ring_read() -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    ring_read_fails(&mut w);
    w.msix(CONFIG_VECTOR);
    w.status_is(0x4f);
    w.status(0);
    w.status_is(0);
    w
}

/// The device is told of a frame and cannot read the ring that holds it.
pub(super) fn ring_read_fails(w: &mut World) {
    w.give(TX, &[packet(&frame(64))]);
    w.kick(TX);
    let at = ring(TX, Part::Avail, 2);
    let tag = w.issue(at, 2);
    w.refuse(tag, at, 2);
}

/// All of them, by name.
pub(super) fn worlds() -> Vec<(&'static str, World)> {
    vec![
        ("usual", usual()),
        ("flags", flags()),
        ("reset", reset()),
        ("function reset", function_reset()),
        ("window", window()),
        ("malformed", malformed()),
        ("in order", in_order()),
        ("in order batches", in_order_batches(3)),
        ("own kick values", own_kick_values()),
        ("own kick values and positions", kicked_by_position(1 << 39)),
        ("failed read", failed_read()),
        ("failed ring read", failed_ring_read()),
        (
            "failed ring read, one under way",
            failed_ring_read_and_one_under_way(),
        ),
        ("coalesce", super::coalesce::world()),
        ("function", super::function::world()),
        ("suspend", super::suspend::world()),
        ("checkpoint", super::checkpoint::split()),
        ("checkpoint, packed", super::checkpoint::packed()),
        ("without stores", usual().without_stores()),
        ("packed", super::packed::usual()),
        ("packed flags", super::packed::flags()),
        ("packed in order", super::packed::in_order()),
        ("packed malformed", super::packed::malformed()),
        ("packed without stores", super::packed::usual().without_stores()),
    ]
}

#[test]
fn right_behaviour_is_judged_right() {
    for (name, world) in worlds() {
        let v = world.verdict();
        assert!(v.passed(), "{name}:{}", super::told(&v));
    }
}

/// A ring begins anew where an old one was, while the device knew entries of the old one that it never used.
fn ring_at_an_old_place() -> World {
    let mut w = World::started(USUAL);
    let long = w.give(TX, &[packet(&frame(60)), packet(&frame(61))]);
    w.kick(TX);
    w.learn(TX, &long);
    let short = w.give(TX, &[packet(&frame(62))]);
    assert_ne!(
        (short.head, long.head),
        (0, 0),
        "the second entry names no head that comes there again"
    );
    w.read_index(TX);
    w.read_entry(TX, 1);
    w.read_descriptors(TX, &short);
    w.status(0);
    w.status_is(0);
    w.read16(0x10, 0xffff);
    for queue in 0..3 {
        w.fresh_ring(queue);
    }
    w.negotiate();
    w.write16(0x10, CONFIG_VECTOR);
    for queue in 0..3 {
        w.enable(queue);
    }
    w.status(0xf);
    w.transmit(&frame(65));
    w.transmit(&frame(66));
    w.transmit(&frame(67));
    w
}

#[test]
fn what_an_old_ring_held_is_no_store_of_the_new_ones_driver() {
    for world in [ring_at_an_old_place(), ring_at_an_old_place().without_stores()] {
        let v = world.verdict();
        assert!(v.passed(), "{}", super::told(&v));
        assert_eq!(v.compared.frames_tx, 3);
    }
}

#[test]
fn the_window_kicks_like_any_other_way() {
    let v = assert_clean(window());
    assert_eq!((v.compared.kicks, v.compared.frames_tx), (1, 1));
}

#[test]
fn the_usual_run_compares_what_it_should() {
    let c = assert_clean(usual()).compared;
    assert_eq!(
        (c.frames_tx, c.frames_rx, c.frames_dropped, c.commands),
        (6, 3, 1, 3)
    );
    assert_eq!((c.chains, c.chains_available), (13, 13));
    assert_eq!(c.payload_read_bytes, 72 + 73 + 82 + 83 + 312 + 3 + 3 + 2 + 74);
    assert_eq!(c.payload_written_bytes, 112 + 1512 + 72 + 1 + 1 + 1);
}
