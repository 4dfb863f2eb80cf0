//! Every number of a report against one counted by hand.
//!
//! The synthetic world lets ten cycles pass with every event, and its memory lies above 4 GiB: a request takes 24 bytes on the link, a completion 20 and
//! its data, a write 24 and its data; kicks and interrupts go to addresses below 4 GiB and take 24.

mod common;

use common::{frame, headline, report, row, rows};
use ringside_models::testutil::{Buffer, TX, USUAL, World, packet};
use serde_json::{Value, json};

fn near(got: &Value, want: f64) {
    let got = got.as_f64().unwrap_or_else(|| panic!("{got} is no number"));
    assert!(
        (got - want).abs() < 1e-9 * want.abs().max(1.0),
        "{got}, counted {want}"
    );
}

/// One transmit of the world, from its store of the frame: four stores, kick, and reads of index, entry, descriptor and payload (two packets each), frame, element,
/// index, read of the event word, MSI-X, store, event word, read of the index.
const PERIOD_CYCLES: f64 = 230.0;

#[test]
fn transmit_by_cause() {
    let w = report(&common::transmit(3));
    assert!(w.summary.passed && w.summary.complete, "{}", w.json["verdict"]);
    let cause = |name| row(&w.json, "causes", &[("role", "transmit"), ("cause", name)]);
    // (cause, reads, writes, bytes up and down a packet)
    for (name, reads, writes, up, down) in [
        ("available index", 6, 0, 48.0, 48.0), // one that finds the chain, one after asking for kicks
        ("available entry", 3, 0, 24.0, 24.0),
        ("descriptor", 3, 0, 24.0, 36.0),
        ("payload", 3, 0, 24.0, 92.0),
        ("used element", 0, 3, 32.0, 0.0),
        ("used index", 0, 3, 28.0, 0.0),
        ("driver event word", 3, 0, 24.0, 24.0),
        ("device event word", 0, 3, 28.0, 0.0),
        ("MSI-X", 0, 3, 24.0, 0.0),
        ("kick", 0, 0, 0.0, 24.0),
    ] {
        let r = cause(name);
        assert_eq!(
            (&r["reads"], &r["writes"]),
            (&json!(reads), &json!(writes)),
            "{name}"
        );
        near(&r["up_bytes_per_packet"], up);
        near(&r["down_bytes_per_packet"], down);
        near(&r["requests_per_packet"], f64::from(reads + writes) / 3.0);
    }
    let h = headline(&w.json);
    assert!((h["requests_per_packet"] - 10.0).abs() < 1e-9);
    assert!((h["requests_per_tx"] - 10.0).abs() < 1e-9);
    assert!((h["kicks_per_packet"] - 1.0).abs() < 1e-9 && (h["interrupts_per_packet"] - 1.0).abs() < 1e-9);
    assert!((h["frames_tx"] - 3.0).abs() < 1e-9 && (h["frame_bytes_tx"] - 60.0).abs() < 1e-9);
}

#[test]
fn transmit_rates_and_the_link() {
    let w = report(&common::transmit(3));
    let h = &w.json["headline"];
    // from the first read of a payload to the third MSI-X, seven events after its read of the payload
    let cycles = 2.0 * PERIOD_CYCLES + 70.0 + 1.0;
    near(&h["window_cycles"], cycles);
    near(&h["packets_per_clock"], 3.0 / cycles);
    near(&h["mpps"], 3.0 * 250.0 / cycles);
    near(&h["frame_gbps_tx"], 180.0 * 8.0 * 0.25 / cycles);
    // up: payload request, element, index, event read, MSI-X each; between two also event word, index twice, entry, descriptor
    let up = 3.0 * (24.0 + 32.0 + 28.0 + 24.0 + 24.0) + 2.0 * (28.0 + 24.0 + 24.0 + 24.0 + 24.0);
    // down: payload and event word each; between two also index twice, kick, entry, descriptor
    let down = 3.0 * (92.0 + 24.0) + 2.0 * (24.0 + 24.0 + 24.0 + 24.0 + 36.0);
    // Gen3 x8 at 250 MHz: 8 lanes of 8 GT/s, 128/130 coding, less acknowledgements and skips, in bytes a cycle
    let ceiling = 64.0 * 128.0 / 130.0 * (1.0 - 16.0 / 203.0 - 4.0 / 1538.0) * 1000.0 / 8.0 / 250.0;
    // the link counts in whole bits a second, and a lane's rate too
    let got = w.json["link_bytes_per_cycle"].as_f64().unwrap();
    assert!((got - ceiling).abs() < 1e-8 * ceiling, "{got}, counted {ceiling}");
    let ceiling = got;
    near(&h["up_bytes_per_packet"], up / 3.0);
    near(&h["down_bytes_per_packet"], down / 3.0);
    // the least is 232 bytes up and 224 down a packet
    near(&h["limit_mpps"], 250.0 * ceiling / 232.0);
    near(&h["limit_percent"], 100.0 * (3.0 / cycles) / (ceiling / 232.0));
    near(&h["requests_efficiency_percent"], 90.0);
    near(&h["link_up_percent"], 100.0 * up / (ceiling * cycles));
    near(&h["link_down_percent"], 100.0 * down / (ceiling * cycles));
    let kind = |direction, name| &row(&w.json, "bytes", &[("direction", direction), ("kind", name)])["bytes"];
    near(kind("device to host", "ring structures"), 3.0 * (8.0 + 4.0));
    near(kind("device to host", "event words"), 2.0 * 4.0);
    near(kind("device to host", "interrupts"), 3.0 * 4.0);
    near(kind("device to host", "all"), up);
    near(kind("device to host", "TLP overhead"), up - 36.0 - 8.0 - 12.0);
    near(kind("host to device", "payload"), 3.0 * 72.0);
    near(
        kind("host to device", "ring structures"),
        2.0 * (4.0 + 4.0 + 4.0 + 16.0),
    );
    near(kind("host to device", "kicks and registers"), 2.0 * 4.0);
    near(kind("host to device", "all"), down);
}

#[test]
fn transmit_latencies_and_queue() {
    let w = report(&common::transmit(3));
    for (what, role, samples, cycles) in [
        ("kick to first read", "transmit", 3, 10),
        ("payload done to used index", "transmit", 3, 30),
        ("newest used index to MSI-X", "transmit", 3, 30),
        ("oldest used index to MSI-X", "transmit", 3, 30),
        ("memory read round trip", "every queue", 18, 10),
    ] {
        let r = row(&w.json, "latency", &[("what", what), ("role", role)]);
        for key in ["min_cycles", "p50_cycles", "p99_cycles", "max_cycles"] {
            assert_eq!(r[key], json!(cycles), "{what}: {key}");
        }
        assert_eq!(r["samples"], json!(samples), "{what}");
        near(&r["p50_ns"], f64::from(cycles) * 4.0);
    }
    let q = &rows(&w.json, "queues")[0];
    for (key, want) in [
        ("queue", json!(1)),
        ("role", json!("transmit")),
        ("chains", json!(3)),
        ("payload_read_bytes", json!(216)),
        ("requests", json!(30)),
        ("kicks", json!(3)),
        ("publications", json!(3)),
        ("interrupts", json!(3)),
        ("idle_index_reads", json!(3)),
        ("peak_depth", json!(1)),
    ] {
        assert_eq!(q[key], want, "{key}");
    }
}

#[test]
fn one_by_one_the_least_is_the_yardstick_of_k_1() {
    // 9 requests, 232 bytes up, 228 down a 64-byte frame with event index and an interrupt each (the project's yardstick for split rings at k = 1); the
    // kick of this world goes below 4 GiB and is 4 bytes shorter
    let w = report(&common::transmit(3));
    let all = row(&w.json, "yardstick", &[("role", "transmit"), ("cause", "all")]);
    assert_eq!(all["least_requests"], json!(27));
    assert_eq!(all["least_up_bytes"], json!(3 * 232));
    assert_eq!(all["least_down_bytes"], json!(3 * 224));
    assert_eq!(all["requests"], json!(30));
    near(&all["requests_efficiency_percent"], 90.0);
    near(&all["up_efficiency_percent"], 100.0 * 232.0 / 256.0); // the second read of the index
}

#[test]
fn a_batch_returned_chain_by_chain_is_compared_with_one_return() {
    let mut w = World::started(USUAL);
    let chains: Vec<_> = (0..4)
        .map(|_| w.prepare(TX, &[packet(&frame(60))], false))
        .collect();
    w.publish(TX);
    w.kick(TX);
    w.read_index(TX);
    for back in (1..=4).rev() {
        w.read_entry(TX, back);
    }
    for c in &chains {
        w.read_descriptors(TX, c);
        w.read_payload(c);
        w.wire_tx(&frame(60));
        w.element(TX, 0, c.head, 0);
        w.used_index(TX, 1);
    }
    w.read_event(TX);
    w.msix(TX);
    w.arm(TX);
    common::end(&mut w);
    let w = report(&w);
    let least = |cause| {
        row(&w.json, "yardstick", &[("role", "transmit"), ("cause", cause)])["least_requests"].clone()
    };
    // split ring, k = 4: 3 requests a packet
    for (cause, want) in [
        ("available index", 1),
        ("available entry", 1),
        ("descriptor", 1),
        ("payload", 4),
        ("used element", 1),
        ("used index", 1),
        ("driver event word", 1),
        ("device event word", 1),
        ("MSI-X", 1),
        ("all", 12),
    ] {
        assert_eq!(least(cause), json!(want), "{cause}");
    }
    let all = row(&w.json, "yardstick", &[("role", "transmit"), ("cause", "all")]);
    assert_eq!(all["least_up_bytes"], json!(82 * 4)); // the yardstick's 82.0 a packet
    for (what, times, size) in [("found by the device", 1, 4), ("returned", 4, 1)] {
        let b = row(&w.json, "batches", &[("what", what), ("role", "transmit")]);
        assert_eq!(
            (&b["times"], &b["p50"], &b["max"]),
            (&json!(times), &json!(size), &json!(size))
        );
    }
    assert_eq!(rows(&w.json, "queues")[0]["peak_depth"], json!(4));
}

#[test]
fn batches_returned_together_need_one_return() {
    let mut w = World::started(USUAL);
    let mut chains = Vec::new();
    for _ in 0..2 {
        chains.push(w.give(TX, &[packet(&frame(60))]));
        w.kick(TX);
        w.learn(TX, &chains[chains.len() - 1]);
    }
    for (i, c) in chains.iter().enumerate() {
        w.read_payload(c);
        w.wire_tx(&frame(60));
        w.element(TX, i as u16, c.head, 0);
    }
    w.used_index(TX, 2);
    w.read_event(TX);
    w.msix(TX);
    common::end(&mut w);
    let w = report(&w);
    let of = |cause| row(&w.json, "yardstick", &[("role", "transmit"), ("cause", cause)]);
    for (cause, requests, least) in [
        ("available index", 2, 2),
        ("used element", 2, 1),
        ("used index", 1, 1),
        ("driver event word", 1, 1),
    ] {
        let r = of(cause);
        assert_eq!(
            (&r["requests"], &r["least_requests"]),
            (&json!(requests), &json!(least)),
            "{cause}"
        );
    }
}

#[test]
fn chains_of_several_descriptors_and_tables() {
    let mut w = World::started(USUAL);
    let direct = w.prepare(TX, &[Buffer::Out(vec![0; 12]), Buffer::Out(frame(60))], false);
    let indirect = w.prepare(TX, &[Buffer::Out(vec![0; 12]), Buffer::Out(frame(600))], true);
    w.publish(TX);
    w.kick(TX);
    w.read_index(TX);
    w.read_entry(TX, 2);
    w.read_entry(TX, 1);
    for (c, f) in [(&direct, frame(60)), (&indirect, frame(600))] {
        w.read_descriptors(TX, c);
        w.fetch(c.buffers[0].0, 12);
        let (addr, len) = c.buffers[1];
        for at in (0..len).step_by(256) {
            w.fetch(addr + u64::from(at), (len - at).min(256) as usize);
        }
        w.wire_tx(&f);
    }
    w.element(TX, 0, direct.head, 0);
    w.element(TX, 1, indirect.head, 0);
    w.used_index(TX, 2);
    w.read_event(TX);
    w.msix(TX);
    common::end(&mut w);
    let w = report(&w);
    let of =
        |cause, key: &str| row(&w.json, "yardstick", &[("role", "transmit"), ("cause", cause)])[key].clone();
    assert_eq!(of("indirect table", "least_requests"), json!(1));
    assert_eq!(of("descriptor", "requests"), json!(3));
    assert_eq!(of("descriptor", "least_requests"), json!(1)); // slots 0, 1 and 2 in one read
    // 12, 60, 12 and 600 bytes: 1 + 1 + 1 + 2 requests of at most 512
    assert_eq!(of("payload", "least_requests"), json!(5));
    assert_eq!(of("payload", "requests"), json!(6));
    assert_eq!(of("used element", "least_requests"), json!(1));
}

#[test]
fn receive() {
    let w = report(&common::receive());
    assert!(w.summary.passed, "{}", w.json["verdict"]);
    assert_eq!(
        (w.summary.frames_rx, w.summary.frames_tx, w.summary.frames_dropped),
        (2, 0, 0)
    );
    let h = headline(&w.json);
    // index, 2 entries, 2 descriptors; and for each frame payload, element, index, event word, MSI-X
    assert!((h["requests_per_rx"] - 7.5).abs() < 1e-9, "{h:?}");
    let all = row(&w.json, "yardstick", &[("role", "receive"), ("cause", "all")]);
    assert_eq!(all["requests"], json!(15));
    assert_eq!(all["least_requests"], json!(13)); // entries in one read, descriptors in one; nobody asked for kicks
    // 2 x (24 + 72) payload, 2 x 32, 2 x 28, 2 x 24, 2 x 24, and three reads of 24
    assert_eq!(
        all["least_up_bytes"],
        json!(2 * (96 + 32 + 28 + 24 + 24) + 3 * 24)
    );
    let q = &rows(&w.json, "queues")[0];
    assert_eq!(
        (&q["role"], &q["payload_written_bytes"], &q["peak_depth"]),
        (&json!("receive"), &json!(144), &json!(2))
    );
}

#[test]
fn a_strangers_trace_without_stores_costs_the_same() {
    for world in [common::transmit(3), common::receive()] {
        let with = report(&world);
        let without = report(&world.without_stores());
        for table in ["causes", "bytes", "yardstick", "latency"] {
            assert_eq!(
                with.json["tables"][table], without.json["tables"][table],
                "{table}"
            );
        }
        let off = rows(&without.json, "rules")
            .iter()
            .filter(|r| r["state"] == "off")
            .count();
        assert!(off > 0, "rules that need stores are off");
        assert!(
            rows(&without.json, "rules")
                .iter()
                .filter(|r| r["state"] == "off")
                .all(|r| r["off_because"] != "")
        );
    }
}

#[test]
fn time_is_all_there() {
    let w = report(&common::transmit(200));
    let t = rows(&w.json, "throughput");
    assert!(t.len() > 40 && t.len() <= 160, "{} bins", t.len());
    let sum = |key: &str| t.iter().map(|r| r[key].as_f64().unwrap()).sum::<f64>();
    assert!(
        (sum("frames_tx") - 200.0).abs() < 1e-9
            && (sum("kicks") - 200.0).abs() < 1e-9
            && (sum("interrupts") - 200.0).abs() < 1e-9
    );
    let bytes: f64 = t
        .iter()
        .map(|r| r["up_bytes_per_cycle"].as_f64().unwrap() * r["cycles"].as_f64().unwrap())
        .sum();
    assert!(
        (bytes - 200.0 * 256.0).abs() < 1e-6,
        "every request of every frame, {bytes}"
    );
}

#[test]
fn with_in_order_one_element_stands_for_the_batch() {
    let mut w = World::started(USUAL | 1 << 35);
    let chains: Vec<_> = (0..4)
        .map(|_| w.prepare(TX, &[packet(&frame(60))], false))
        .collect();
    w.publish(TX);
    w.kick(TX);
    w.read_index(TX);
    for back in (1..=4).rev() {
        w.read_entry(TX, back);
    }
    for c in &chains {
        w.read_descriptors(TX, c);
        w.read_payload(c);
        w.wire_tx(&frame(60));
    }
    w.element(TX, 0, chains[3].head, 0); // at the first one's slot, with the last one's head
    w.used_index(TX, 4);
    w.read_event(TX);
    w.msix(TX);
    w.arm(TX);
    common::end(&mut w);
    let w = report(&w);
    let all = row(&w.json, "yardstick", &[("role", "transmit"), ("cause", "all")]);
    // the yardstick's split IN_ORDER at k = 4: 3 requests, 76.0 bytes up a packet
    assert_eq!(all["least_requests"], json!(12));
    assert_eq!(all["least_up_bytes"], json!(76 * 4));
}
