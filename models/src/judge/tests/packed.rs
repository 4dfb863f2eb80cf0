//! Well-behaved runs on packed rings.

use super::clean::frame;
use crate::event::{Channel, What};
use crate::testutil::{BDF, Buffer, CONFIG_VECTOR, ISR, Listed, RX, TX, USUAL, World, packet};
use crate::tlp::Body;

pub(super) const PACKED: u128 = USUAL | 1 << 34;
const CTRL: u16 = 2;

/// Makes receive buffers available and lets the device read them.
pub(super) fn buffers(w: &mut World, count: u16, room: u32) -> Vec<Listed> {
    let lists: Vec<_> = (0..count).map(|_| w.offer(RX, &[Buffer::In(room)])).collect();
    w.kick(RX);
    for l in &lists {
        w.scan(RX, l.position, 1);
    }
    lists
}

/// Writes a received frame into the buffers of `lists`; returns the bytes in each.
pub(super) fn fill(w: &mut World, frame: &[u8], lists: &[Listed], room: usize) -> Vec<u32> {
    w.wire_rx(frame);
    let bytes = World::received(frame, lists.len() as u16);
    for (part, list) in bytes.chunks(room).zip(lists) {
        for (i, piece) in part.chunks(256).enumerate() {
            w.put(list.buffers[0].0 + 256 * i as u64, piece);
        }
    }
    bytes.chunks(room).map(|c| c.len() as u32).collect()
}

/// One control command from publication to its return.
fn command(w: &mut World, bytes: &[u8], ack: u8) {
    let list = w.offer(CTRL, &[Buffer::Out(bytes.to_vec()), Buffer::In(1)]);
    w.kick(CTRL);
    w.fetch_list(CTRL, &list);
    w.fetch(list.buffers[0].0, bytes.len());
    w.put(list.buffers[1].0, &[ack]);
    w.finish_list(CTRL, &list, 1);
}

/// Single buffers, lists over the ring's end, indirect tables, out of order, mergeable, both event structures in mode 2.
pub(super) fn usual() -> World {
    let mut w = World::started(PACKED);
    for (i, (pieces, indirect)) in [
        (1, false),
        (3, false),
        (3, true),
        (2, false),
        (5, false),
        (4, true),
    ]
    .into_iter()
    .enumerate()
    {
        let list = w.send_list(&frame(60 + i), pieces, indirect);
        w.finish_list(TX, &list, 0);
    }

    // Three at once, returned in another order in one write; the line that holds the first brings its followers too.
    let a = w.list(TX, &[packet(&frame(70))], false);
    let b = w.list(TX, &[Buffer::Out(vec![0; 12]), Buffer::Out(frame(71))], false);
    w.show(TX, &a);
    w.show(TX, &b);
    w.kick(TX);
    w.scan(TX, a.position, 3);
    w.scan(TX, b.position + 1, 1);
    for l in [&a, &b] {
        w.read_list(l);
    }
    w.use_list(TX, &b, 0);
    w.use_list(TX, &a, 0);
    w.wire_tx(&frame(70));
    w.wire_tx(&frame(71));
    w.read_structure(TX);
    w.msix(TX);
    w.ask_interrupt(TX, 2, a.position + 3);
    w.ask_kick(TX, 2, a.position + 3);

    // Receive: one buffer, then a packet over two, whose first used descriptor comes last.
    command(&mut w, &[0, 0, 0], 0);
    let lists = buffers(&mut w, 3, 1000);
    let len = fill(&mut w, &frame(100), &lists[..1], 1000);
    w.finish_list(RX, &lists[0], len[0]);
    let len = fill(&mut w, &frame(1500), &lists[1..], 1000);
    w.used_descriptor(RX, 1, lists[2].id, len[1]);
    w.used_descriptor(RX, 0, lists[1].id, len[0]);
    w.packed_advance(RX, 2);
    w.read_structure(RX);
    w.msix(RX);
    w.ask_interrupt(RX, 2, 3);
    w.ask_kick(RX, 2, 3);
    command(&mut w, &[0, 0, 1], 0);

    // Queue reset and another life.
    w.write16(0x16, TX);
    w.write16(0x3a, 1);
    w.read16(0x3a, 0);
    w.fresh_ring(TX);
    w.enable(TX);
    let list = w.send_list(&frame(62), 1, false);
    w.finish_list(TX, &list, 0);
    w
}

/// Without `EVENT_IDX`, with `INTx`: modes 0 and 1 both ways.
pub(super) fn flags() -> World {
    let mut w = World::new(PACKED & !(1 << 29));
    w.enumerate();
    w.config_write(0x50, 15, 0x0003_0011);
    w.negotiate();
    for queue in 0..3 {
        w.enable(queue);
    }
    w.status(0xf);
    for i in 0..3u16 {
        let list = w.offer(TX, &[packet(&frame(60))]);
        if i == 0 {
            w.kick(TX);
        }
        w.fetch_list(TX, &list);
        w.ask_kick(TX, 1, 0);
        w.read_list(&list);
        w.wire_tx(&frame(60));
        w.use_list(TX, &list, 0);
        w.read_structure(TX);
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
        w.ask_interrupt(TX, u16::from(i == 0), 0);
        if i == 2 {
            w.ask_kick(TX, 0, 0);
        }
    }
    w
}

/// `IN_ORDER` and `NOTIFICATION_DATA`: one used descriptor returns two lists.
pub(super) fn in_order() -> World {
    let mut w = World::started(PACKED | 1 << 35 | 1 << 38);
    for i in 0..6 {
        let a = w.send_list(&frame(60 + i), 2, false);
        let b = w.send_list(&frame(70 + i), 1, false);
        w.used_descriptor(TX, 0, b.id, 0);
        w.packed_advance(TX, a.count + b.count);
        w.read_structure(TX);
        w.msix(TX);
        w.ask_interrupt(TX, 2, b.position + 1);
        w.ask_kick(TX, 2, b.position + 1);
    }
    w
}

/// A malformed list: the queue freezes, the device asks for reset. The driver is to blame.
pub(super) fn malformed() -> World {
    let mut w = World::started(PACKED);
    w.header.expect = vec!["DRIVER-CHAIN".into()];
    let list = w.send_list(&frame(60), 1, false);
    w.finish_list(TX, &list, 0);
    let mut list = w.list(TX, &[packet(&frame(64))], true);
    list.flags |= 1; // INDIRECT and NEXT
    w.show(TX, &list);
    w.kick(TX);
    w.scan(TX, list.position, 1);
    w.msix(CONFIG_VECTOR);
    w.status_is(0x4f);
    w
}

#[test]
fn the_usual_run_compares_what_it_should() {
    let v = super::assert_clean(usual());
    let c = &v.compared;
    assert_eq!((c.frames_tx, c.frames_rx, c.commands), (9, 2, 2));
    assert_eq!((c.chains, c.chains_available), (14, 14));
}

#[test]
fn in_order_returns_every_list() {
    let c = super::assert_clean(in_order()).compared;
    assert_eq!((c.chains, c.frames_tx, c.kicks), (12, 12, 12));
}

#[test]
fn without_stores_lists_are_known_from_what_the_device_read() {
    let v = usual().without_stores().verdict();
    assert!(v.passed(), "{}", super::told(&v));
    assert_eq!((v.compared.frames_tx, v.compared.frames_rx), (9, 2));
    assert_eq!(v.compared.chains, 14);
}

#[test]
fn speculation_is_told_by_the_answer() {
    use crate::cost::Costs;
    use crate::judge::{Judge, Purpose};
    let mut w = World::started(PACKED);
    w.offer(TX, &[packet(&frame(60))]);
    w.kick(TX);
    let tag = w.issue(w.descriptor_at(TX, 0), 64);
    w.offer(TX, &[packet(&frame(61))]); // seen by the read though it came later
    w.answer(tag, w.descriptor_at(TX, 0), 64);
    let (mut judge, mut costs) = (Judge::new(&w.header), Costs::new());
    for e in &w.events {
        let seen = judge.observe(e);
        costs.observe(e, seen.cause.as_ref());
    }
    let t = costs.traffic[&(Purpose::Descriptor, Some(TX))];
    assert_eq!((t.requests, t.items, t.wasted), (1, 4, 2));
}

#[test]
fn what_the_device_found_itself_needs_no_kick() {
    let mut w = World::started(PACKED);
    let list = w.offer(TX, &[packet(&frame(60))]);
    w.fetch_list(TX, &list);
    w.read_list(&list);
    w.wire_tx(&frame(60));
    w.finish_list(TX, &list, 0);
    super::assert_clean(w);
}

#[test]
fn a_torn_descriptor_is_not_taken_for_the_published_one() {
    let mut w = World::started(PACKED);
    let list = w.offer(TX, &[packet(&frame(60))]);
    w.kick(TX);
    // The flags are new, the length still old.
    let at = w.descriptor_at(TX, 0);
    let tag = w.issue(at, 16);
    let mut data = w.bytes(at, 16);
    data[8] = 0;
    w.answer_with(tag, at, &data);
    let mut honest = w.clone();
    w.read_list(&list);
    assert!(
        w.judge()
            .outcome("PACKED-DESC-STALE")
            .is_some_and(|r| r.violated == 1)
    );
    honest.scan(TX, 0, 1); // read again, now that the flags are known
    honest.read_list(&list);
    honest.wire_tx(&frame(60));
    honest.finish_list(TX, &list, 0);
    super::assert_clean(honest);
}

#[test]
fn every_tlp_of_a_packed_run_has_a_cause() {
    use crate::judge::{Judge, Purpose};
    let w = usual();
    let mut judge = Judge::new(&w.header);
    for e in &w.events {
        let seen = judge.observe(e);
        if let (What::Tlp { ch, .. }, Some(cause)) = (&e.what, seen.cause) {
            assert_ne!(cause.purpose, Purpose::Unknown, "{ch:?} at {}", e.cycle);
        }
    }
}

#[test]
fn a_ring_of_any_size_is_legal_only_when_packed() {
    let w = World::new(PACKED);
    assert!(!w.size().is_power_of_two());
    let v = World::started(PACKED & !(1 << 34)).judge();
    assert!(v.outcome("DRIVER-REGISTER").is_some_and(|r| r.violated == 0));
    let mut w = World::started(PACKED & !(1 << 34));
    w.write16(0x16, 3);
    w.write16(0x18, 5);
    assert!(
        w.judge()
            .outcome("DRIVER-REGISTER")
            .is_some_and(|r| r.violated == 1)
    );
}

/// Two lists whose one buffer is the same memory, as a packet generator sends them; one used descriptor returns both. `reads`: how often it is read.
fn shared_buffer(reads: usize) -> World {
    let mut w = World::started(PACKED | 1 << 35);
    let a = w.list(TX, &[packet(&frame(60))], false);
    let mut b = w.list(TX, &[packet(&frame(60))], false);
    b.buffers = a.buffers.clone();
    let at = w.descriptor_at(TX, b.position);
    w.store(at, &a.buffers[0].0.to_le_bytes());
    w.show(TX, &a);
    w.show(TX, &b);
    w.kick(TX);
    w.scan(TX, a.position, 2);
    for _ in 0..reads {
        w.read_list(&a);
    }
    w.wire_tx(&frame(60));
    w.wire_tx(&frame(60));
    w.used_descriptor(TX, 0, b.id, 0);
    w.packed_advance(TX, 2);
    w.read_structure(TX);
    w.msix(TX);
    w.ask_interrupt(TX, 2, b.position + 1);
    w.ask_kick(TX, 2, b.position + 1);
    w
}

#[test]
fn lists_that_share_a_buffer_are_used_up_when_each_has_read_it() {
    for w in [shared_buffer(2), shared_buffer(2).without_stores()] {
        let v = w.verdict();
        assert!(v.passed(), "{}", super::told(&v));
        assert_eq!((v.compared.frames_tx, v.compared.chains), (2, 2));
    }
    let v = shared_buffer(0).verdict();
    let rules: Vec<_> = v.violations.iter().map(|x| x.rule).collect();
    assert!(rules.contains(&"PACKED-IN-ORDER"), "{rules:?}");
}
