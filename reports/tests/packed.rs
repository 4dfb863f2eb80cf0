//! The least that packed rings cost, against the project's yardstick (its formulas for packed rings, and its table for 64-byte frames).
//!
//! The kick of this world goes to an address below 4 GiB: it is 24 bytes, the yardstick's is 28.

mod common;

use common::{frame, report, row};
use ringside_models::testutil::{Buffer, LAP, Listed, RX, TX, USUAL, World, packet};
use serde_json::{Value, json};

const PACKED: u128 = USUAL | 1 << 34;
const IN_ORDER: u128 = 1 << 35;
const KICK_SHORTER: u64 = 4;

fn least(json: &Value, role: &str, cause: &str) -> [u64; 3] {
    let r = row(json, "yardstick", &[("role", role), ("cause", cause)]);
    ["least_requests", "least_up_bytes", "least_down_bytes"].map(|k| r[k].as_u64().unwrap())
}

fn actual(json: &Value, role: &str, cause: &str) -> u64 {
    row(json, "yardstick", &[("role", role), ("cause", cause)])["requests"]
        .as_u64()
        .unwrap()
}

/// The world as a report, which must have been a good run.
fn good(mut w: World) -> Value {
    common::end(&mut w);
    let w = report(&w);
    assert!(w.summary.passed, "{}", w.json["verdict"]);
    assert!(w.json["yardstick_off"].is_null());
    w.json
}

/// `n` frames one by one, each in this many pieces.
fn one_by_one(n: u64, pieces: usize, indirect: bool) -> Value {
    let mut w = World::started(PACKED);
    for _ in 0..n {
        let list = w.send_list(&frame(60), pieces, indirect);
        w.finish_list(TX, &list, 0);
    }
    good(w)
}

#[test]
fn one_by_one_the_least_is_the_yardstick_of_k_1() {
    // requests, bytes up, bytes down of one 64-byte frame: alone, chain of 2, indirect table of 2
    for (pieces, indirect, yardstick) in [
        (1, false, [6, 164, 180]),
        (2, false, [7, 188, 216]),
        (2, true, [8, 212, 252]),
    ] {
        // two: a third list of two would cross the ring end and cost a request more
        let json = one_by_one(2, pieces, indirect);
        let [requests, up, down] = yardstick;
        assert_eq!(
            least(&json, "transmit", "all"),
            [2 * requests, 2 * up, 2 * (down - KICK_SHORTER)],
            "{pieces} pieces, indirect {indirect}"
        );
        // what the device did beside it: a look at the next descriptor after asking for kicks
        assert!(actual(&json, "transmit", "all") > 2 * requests);
    }
}

fn four(w: &mut World) -> Vec<Listed> {
    (0..4).map(|_| w.list(TX, &[packet(&frame(60))], false)).collect()
}

#[test]
fn a_batch_read_and_returned_piece_by_piece_is_held_against_one_read_and_one_write() {
    let mut w = World::started(PACKED);
    let lists = four(&mut w);
    for list in &lists {
        w.show(TX, list);
    }
    w.kick(TX);
    for list in &lists {
        w.fetch_list(TX, list);
        w.read_list(list);
        w.wire_tx(&frame(60));
        w.use_list(TX, list, 0);
    }
    w.read_structure(TX);
    w.msix(TX);
    w.ask_interrupt(TX, 2, 4);
    w.ask_kick(TX, 2, 4);
    let json = good(w);
    // the yardstick's k = 4: 2.25 requests, 71.0 bytes up and 126 down a packet
    assert_eq!(least(&json, "transmit", "all"), [9, 284, 504 - KICK_SHORTER]);
    assert_eq!(actual(&json, "transmit", "descriptor"), 5);
    assert_eq!(least(&json, "transmit", "descriptor")[0], 1);
    assert_eq!(actual(&json, "transmit", "used descriptor"), 4);
    assert_eq!(least(&json, "transmit", "used descriptor")[0], 1);
    let found = row(
        &json,
        "batches",
        &[("what", "found by the device"), ("role", "transmit")],
    );
    assert_eq!((&found["times"], &found["max"]), (&json!(1), &json!(4)));
    let returned = row(&json, "batches", &[("what", "returned"), ("role", "transmit")]);
    assert_eq!((&returned["times"], &returned["max"]), (&json!(4), &json!(1)));
}

#[test]
fn what_is_published_after_the_device_asked_is_another_batch() {
    let mut w = World::started(PACKED);
    for _ in 0..2 {
        let list = w.offer(TX, &[packet(&frame(60))]);
        w.kick(TX);
        w.fetch_list(TX, &list);
        w.read_list(&list);
        w.wire_tx(&frame(60));
        w.use_list(TX, &list, 0);
    }
    w.read_structure(TX);
    w.msix(TX);
    let json = good(w);
    assert_eq!(least(&json, "transmit", "descriptor")[0], 2);
}

#[test]
fn with_in_order_one_used_descriptor_stands_for_the_batch() {
    let mut w = World::started(PACKED | IN_ORDER);
    let lists = four(&mut w);
    for list in &lists {
        w.show(TX, list);
    }
    w.kick(TX);
    w.scan(TX, 0, 4);
    for list in &lists {
        w.read_list(list);
        w.wire_tx(&frame(60));
    }
    w.used_descriptor(TX, 0, lists[3].id, 0);
    w.packed_advance(TX, 4);
    w.read_structure(TX);
    w.msix(TX);
    w.ask_interrupt(TX, 2, 4);
    w.ask_kick(TX, 2, 4);
    let json = good(w);
    // the yardstick's packed IN_ORDER at k = 4: 2.25 requests, 59.0 bytes up
    let [requests, up, _] = least(&json, "transmit", "all");
    assert_eq!((requests, up), (9, 236));
}

/// Receive buffers, all made available, kicked and read at once.
fn buffers(w: &mut World, count: u16, room: u32) -> Vec<Listed> {
    let lists: Vec<Listed> = (0..count).map(|_| w.offer(RX, &[Buffer::In(room)])).collect();
    w.kick(RX);
    w.scan(RX, 0, count.into());
    lists
}

#[test]
fn receive_one_by_one_is_the_yardstick_of_k_1() {
    let mut w = World::started(PACKED);
    let list = buffers(&mut w, 1, 1536).remove(0);
    w.wire_rx(&frame(60));
    w.put(list.buffers[0].0, &World::received(&frame(60), 1));
    w.finish_list(RX, &list, 72);
    assert_eq!(least(&good(w), "receive", "all"), [6, 236, 88 - KICK_SHORTER]);
}

#[test]
fn the_first_descriptor_of_a_merged_packet_shows_last() {
    let mut w = World::started(PACKED);
    let lists = buffers(&mut w, 2, 100);
    w.wire_rx(&frame(180));
    let bytes = World::received(&frame(180), 2);
    w.put(lists[0].buffers[0].0, &bytes[..100]);
    w.put(lists[1].buffers[0].0, &bytes[100..]);
    w.used_descriptor(RX, 1, lists[1].id, 92);
    w.used_descriptor(RX, 0, lists[0].id, 100);
    w.packed_advance(RX, 2);
    w.read_structure(RX);
    w.msix(RX);
    let json = good(w);
    assert_eq!(least(&json, "receive", "used descriptor"), [2, 80, 0]);
    let returned = row(&json, "batches", &[("what", "returned"), ("role", "receive")]);
    assert_eq!(returned["max"], json!(2));
}

#[test]
fn the_ring_end_costs_a_request() {
    let mut w = World::started(PACKED);
    for round in 0..2 {
        let lists: Vec<Listed> = (0..3).map(|_| w.offer(TX, &[packet(&frame(60))])).collect();
        w.kick(TX);
        w.scan(TX, 3 * round, 3);
        for list in &lists {
            w.read_list(list);
            w.wire_tx(&frame(60));
            w.use_list(TX, list, 0);
        }
        w.read_structure(TX);
        w.msix(TX);
    }
    assert_eq!(LAP, 5);
    let json = good(w);
    // slots 0..3, then 3, 4 and 0
    assert_eq!(least(&json, "transmit", "descriptor")[0], 3);
    assert_eq!(least(&json, "transmit", "used descriptor")[0], 3);
}

#[test]
fn a_used_descriptor_without_its_reserved_bytes_is_no_better_than_the_least() {
    let mut w = World::started(PACKED);
    let list = w.send_list(&frame(60), 1, false);
    let bytes = World::used_bytes(list.id, 0, w.used_flags(0));
    w.put(w.descriptor_at(TX, 0) + 8, &bytes[8..]);
    w.packed_advance(TX, 1);
    w.read_structure(TX);
    w.msix(TX);
    let json = good(w);
    assert_eq!(least(&json, "transmit", "used descriptor"), [1, 32, 0]);
}

#[test]
fn without_stores_what_reads_brought_is_what_there_was() {
    let world = || {
        let mut w = World::started(PACKED);
        for _ in 0..3 {
            let list = w.send_list(&frame(60), 1, false);
            w.finish_list(TX, &list, 0);
        }
        common::end(&mut w);
        w
    };
    let (with, without) = (report(&world()), report(&world().without_stores()));
    for table in ["causes", "bytes", "yardstick", "latency"] {
        assert_eq!(
            with.json["tables"][table], without.json["tables"][table],
            "{table}"
        );
    }
}
