//! Interrupts that look wrong and are not: shared vectors, changes close together, what crosses a read of ISR status or a reset.
//! Each has its counterpart in which one interrupt more, or none, is wrong.

use super::clean::frame;
use super::{assert_clean, told};
use crate::event::{Channel, EndReason, What};
use crate::judge::Verdict;
use crate::testutil::{BDF, CONFIG_VECTOR, CTRL, Given, ISR, Part, RX, SIZE, TX, USUAL, World, packet, ring};
use crate::tlp::Body;

/// Judges a run that was cut off: nothing need be complete.
fn cut(mut w: World) -> Verdict {
    w.push(What::End {
        reason: EndReason::Truncated,
    });
    w.judge()
}

fn assert_right(w: World) {
    let v = cut(w);
    assert!(v.violations.is_empty(), "{}", told(&v));
}

fn assert_breaks(w: World, rule: &str) {
    let v = cut(w);
    let broken: Vec<&str> = v.violations.iter().map(|v| v.rule).collect();
    assert_eq!(broken, [rule], "{}", told(&v));
}

/// Changes the vector of a queue.
fn vector(w: &mut World, queue: u16, vector: u16) {
    w.write16(0x16, queue);
    w.write16(0x1a, vector);
    w.read16(0x1a, vector);
}

/// A frame that is on the wire, its chain not yet returned.
fn on_the_wire(w: &mut World) -> Given {
    let given = w.give(TX, &[packet(&frame(60))]);
    w.kick(TX);
    w.learn(TX, &given);
    w.read_payload(&given);
    w.wire_tx(&frame(60));
    given
}

/// Returns it, up to the look at the driver's event word.
fn returned(w: &mut World, given: &Given) {
    w.element(TX, 0, given.head, 0);
    w.used_index(TX, 1);
    w.read_event(TX);
}

/// A command of the control queue, returned up to the look at the driver's event word.
fn commanded(w: &mut World) {
    use crate::testutil::Buffer;
    let given = w.give(CTRL, &[Buffer::Out(vec![0, 0, 1]), Buffer::In(1)]);
    w.kick(CTRL);
    w.learn(CTRL, &given);
    w.fetch(given.buffers[0].0, 3);
    w.put(given.buffers[1].0, &[0]);
    w.element(CTRL, 0, given.head, 1);
    w.used_index(CTRL, 1);
    w.read_event(CTRL);
}

fn shared(messages: usize) -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    vector(&mut w, TX, RX);
    vector(&mut w, CTRL, RX);
    w.used_event(TX, 1);
    let given = on_the_wire(&mut w);
    commanded(&mut w);
    returned(&mut w, &given);
    for _ in 0..messages {
        w.msix(RX);
    }
    w
}

#[test]
fn queues_that_share_a_vector_may_send_one_message_or_one_each() {
    assert_right(shared(1));
    assert_right(shared(2));
    assert_breaks(shared(3), "INT-SPURIOUS");
}

/// Two publications of one queue that are being asked for while another queue of the vector has its answer; then a message for each.
fn asked_crosswise(messages: usize) -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    vector(&mut w, TX, RX);
    vector(&mut w, CTRL, RX);
    let event = ring(TX, Part::Avail, 4 + 2 * u64::from(SIZE));
    let mut tags = Vec::new();
    for n in 1..=2 {
        w.used_event(TX, n);
        let given = on_the_wire(&mut w);
        w.element(TX, 0, given.head, 0);
        w.used_index(TX, 1);
        tags.push(w.issue(event, 2));
    }
    commanded(&mut w);
    w.msix(RX);
    for tag in tags.into_iter().take(messages - 1) {
        w.answer(tag, event, 2);
        w.msix(RX);
    }
    for _ in 3..messages {
        w.msix(RX);
    }
    w
}

#[test]
fn a_message_is_put_down_to_what_the_device_was_answered_first() {
    assert_right(asked_crosswise(3));
    assert_breaks(asked_crosswise(4), "INT-SPURIOUS");
}

fn shared_with_config(messages: usize) -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    vector(&mut w, TX, CONFIG_VECTOR);
    w.used_event(TX, 1);
    let given = on_the_wire(&mut w);
    returned(&mut w, &given);
    w.push(What::LinkUp { up: false });
    for _ in 0..messages {
        w.msix(CONFIG_VECTOR);
    }
    w
}

#[test]
fn a_queue_may_share_the_vector_of_the_configuration() {
    assert_right(shared_with_config(1));
    assert_right(shared_with_config(2));
    assert_breaks(shared_with_config(3), "INT-CONFIG-SPURIOUS");
}

/// The link flaps, down and up again after so many cycles; then configuration interrupts.
fn flap(cycles: u64, messages: usize) -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    w.push(What::LinkUp { up: false });
    w.cycle = w.cycle - 10 + cycles;
    w.push(What::LinkUp { up: true });
    for _ in 0..messages {
        w.msix(CONFIG_VECTOR);
    }
    w
}

#[test]
fn two_link_changes_close_together_may_each_be_told_of() {
    assert_right(flap(1, 1));
    assert_right(flap(1, 2));
    assert_breaks(flap(1, 3), "INT-CONFIG-SPURIOUS");
}

#[test]
fn a_link_that_moves_back_within_the_cycle_need_not_be_told_of() {
    assert_clean(flap(0, 0));
    assert_eq!(
        flap(1, 0)
            .verdict()
            .violations
            .iter()
            .map(|v| v.rule)
            .collect::<Vec<_>>(),
        ["INT-CONFIG"]
    );
}

#[test]
fn an_interrupt_decided_before_a_reset_may_come_until_it_is_acknowledged() {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    let given = on_the_wire(&mut w);
    returned(&mut w, &given);
    w.status(0);
    let mut twice = w.clone();
    w.msix(TX);
    w.status_is(0);
    assert_right(w);
    twice.msix(TX);
    twice.msix(TX);
    assert_breaks(twice, "INT-SPURIOUS");
}

fn line(w: &mut World, up: bool) {
    let body = Body::Msg {
        req: BDF,
        tag: 0,
        routing: 4,
        code: if up { 0x20 } else { 0x24 },
        data: vec![],
    };
    w.packet(Channel::Rq, body);
}

/// A started device that uses `INTx`, with one frame sent and told of.
fn intx() -> World {
    let mut w = World::new(USUAL);
    w.enumerate();
    w.config_write(0x50, 15, 0x0003_0011);
    w.negotiate();
    for queue in 0..3 {
        w.enable(queue);
    }
    w.status(0xf);
    w.status_is(0xf);
    let given = on_the_wire(&mut w);
    returned(&mut w, &given);
    line(&mut w, true);
    w.cycle += 1000;
    w.read(ISR, &[1]);
    line(&mut w, false);
    w.reclaim(TX, &given);
    w.used_event(TX, 1);
    w.arm(TX);
    w
}

#[test]
fn an_event_that_crosses_a_read_of_isr_status_may_raise_the_line_again() {
    let mut w = intx();
    w.push(What::LinkUp { up: false });
    line(&mut w, true);
    let given = on_the_wire(&mut w);
    w.element(TX, 0, given.head, 0);
    w.used_index(TX, 1);
    let tag = w.ask(ISR, 1);
    w.read_event(TX);
    w.isr_answer(tag, 3);
    line(&mut w, false);
    line(&mut w, true);
    w.cycle += 1000;
    let mut again = w.clone();
    w.read(ISR, &[1]);
    line(&mut w, false);
    w.reclaim(TX, &given);
    assert_clean(w);
    again.read(ISR, &[1]);
    line(&mut again, false);
    line(&mut again, true);
    assert_breaks(again, "INT-CONFIG-SPURIOUS");
}

#[test]
fn a_publication_that_the_line_told_of_may_still_be_asked_for_once() {
    let mut w = intx();
    // The line stands for something else already, and then the driver looks at everything.
    w.push(What::LinkUp { up: false });
    line(&mut w, true);
    let given = on_the_wire(&mut w);
    w.element(TX, 0, given.head, 0);
    w.used_index(TX, 1);
    w.read_event(TX);
    w.cycle += 1000;
    w.read(ISR, &[3]);
    line(&mut w, false);
    w.reclaim(TX, &given);
    w.read_event(TX);
    line(&mut w, true);
    w.cycle += 1000;
    w.read(ISR, &[1]);
    line(&mut w, false);
    let mut again = w.clone();
    assert_right(w);
    again.read_event(TX);
    line(&mut again, true);
    assert_breaks(again, "INT-CONFIG-SPURIOUS");
}

#[test]
fn an_event_that_crosses_a_read_of_isr_status_may_hold_the_line() {
    let mut w = intx();
    w.push(What::LinkUp { up: false });
    line(&mut w, true);
    w.cycle += 1000;
    let tag = w.ask(ISR, 1);
    w.push(What::LinkUp { up: true });
    w.isr_answer(tag, 2);
    let mut late = w.clone();
    w.cycle += 100;
    assert_clean(w);
    // The driver has looked again, and found nothing.
    late.cycle += 1000;
    late.read(ISR, &[0]);
    let v = late.verdict();
    assert_eq!(
        v.violations.iter().map(|v| v.rule).collect::<Vec<_>>(),
        ["INT-INTX"],
        "{}",
        told(&v)
    );
}

#[test]
fn a_line_parked_by_interrupt_disable_comes_back_for_the_same_reason() {
    let mut w = intx();
    w.push(What::LinkUp { up: false });
    line(&mut w, true);
    w.config_write(0x04, 3, 0x0406);
    line(&mut w, false);
    w.config_write(0x04, 3, 0x0006);
    line(&mut w, true);
    w.cycle += 1000;
    w.read(ISR, &[2]);
    line(&mut w, false);
    let mut again = w.clone();
    assert_clean(w);
    line(&mut again, true);
    assert_breaks(again, "INT-CONFIG-SPURIOUS");
}

/// The device is reset and brought up again; a frame arrives so many events before the end of it, and is dropped.
fn dropped(early: bool) -> World {
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    w.wire_rx(&frame(64));
    w.push(What::WireDrop { reason: 2 });
    w.status(0);
    w.status_is(0);
    for queue in 0..3 {
        w.fresh_ring(queue);
    }
    w.negotiate();
    w.write16(0x10, CONFIG_VECTOR);
    for queue in 0..3 {
        w.enable(queue);
    }
    if early {
        w.wire_rx(&frame(61));
    }
    w.status(0xf);
    if !early {
        w.status_is(0xf);
        w.wire_rx(&frame(62)); // may have begun before; the next cannot
        w.push(What::WireDrop { reason: 5 });
        w.wire_rx(&frame(61));
    }
    w.push(What::WireDrop { reason: 5 });
    w
}

#[test]
fn a_frame_from_before_the_queue_ran_may_be_dropped_after_it_does() {
    assert_right(dropped(true));
    assert_breaks(dropped(false), "NET-RX-DROP");
}

/// Bus mastering goes off while a write of several beats is crossing, and the device has answered before its last beat.
fn long_write(first_beat_before: bool) -> World {
    use super::clean::buffers;
    use crate::tlp::Tlp;
    let mut w = World::started(USUAL);
    w.transmit(&frame(60));
    let chain = buffers(&mut w, 1, 1000).remove(0);
    w.wire_rx(&frame(200));
    let start = w.cycle;
    w.cycle += 1;
    w.config_write(0x04, 3, 0x0002);
    let start = if first_beat_before { start } else { w.cycle - 1 };
    w.cycle += 2;
    w.push(What::Tlp {
        ch: Channel::Rq,
        start: Some(start),
        tlp: Tlp::new(Body::MWr {
            req: BDF,
            tag: 0,
            addr: chain.buffers[0].0,
            fbe: 15,
            lbe: 15,
            data: vec![0; 128],
        }),
    });
    w
}

#[test]
fn a_packet_that_began_before_bus_mastering_went_off_may_end() {
    assert_right(long_write(true));
    assert_breaks(long_write(false), "BUS-MASTER");
}
