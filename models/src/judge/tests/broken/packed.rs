//! One wrong behaviour for each rule of packed rings.

use super::super::clean::frame;
use super::super::packed::{PACKED, buffers, fill, malformed};
use super::{Case, cut, whole};
use crate::testutil::{Buffer, CONFIG_VECTOR, Part, RAM, RX, TX, World, packet, ring};

/// From a started device with packed rings; the run is cut off.
fn part(rule: &'static str, also: &'static [&'static str], f: impl FnOnce(&mut World)) -> Case {
    cut(rule, also, |w| {
        *w = World::started(PACKED);
        f(w);
    })
}

/// The same; the run is complete.
fn all(rule: &'static str, also: &'static [&'static str], f: impl FnOnce(&mut World)) -> Case {
    whole(rule, also, |w| {
        *w = World::started(PACKED);
        f(w);
    })
}

fn structure() -> u64 {
    ring(TX, Part::Used, 0)
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = device();
    all.extend(used());
    all.extend(notifications());
    all.extend(driver());
    all
}

fn device() -> Vec<Case> {
    vec![
        // The head was read before it was available.
        part("PACKED-AVAIL", &[], |w| {
            let list = w.list(TX, &[packet(&frame(60))], false);
            w.scan(TX, 0, 1);
            w.show(TX, &list);
            w.read_list(&list);
        }),
        // Followers were read before the head, and trusted.
        part("PACKED-DESC-STALE", &[], |w| {
            let parts = [Buffer::Out(vec![0; 12]), Buffer::Out(frame(60))];
            let list = w.list(TX, &parts, false);
            w.scan(TX, 1, 1);
            w.show(TX, &list);
            w.scan(TX, 0, 1);
            w.read_list(&list);
        }),
        // A follower in the next line, read together with the head.
        part("PACKED-DESC-STALE", &[], |w| {
            let parts: Vec<Buffer> = (0..5).map(|i| Buffer::Out(vec![i; 20])).collect();
            let list = w.offer(TX, &parts);
            w.scan(TX, 0, 5);
            w.read_list(&list);
        }),
        part("PACKED-DESC-STALE", &[], |w| {
            let list = w.list(TX, &[packet(&frame(60))], true);
            w.show(TX, &list);
            w.scan(TX, 0, 1);
            w.read_list(&list); // by magic: the table was not read
        }),
        part("SAFE-DOUBLE-FETCH", &[], |w| {
            let list = w.send_list(&frame(60), 2, false);
            w.scan(TX, list.position, 2);
        }),
        part("SAFE-WRITE", &[], |w| w.put(ring(TX, Part::Avail, 0), &[0; 4])),
        part("SAFE-READ", &[], |w| w.fetch(structure(), 4)),
        part("SAFE-READ", &[], |w| {
            let list = w.send_list(&frame(60), 1, false);
            w.finish_list(TX, &list, 0);
            w.fetch(w.descriptor_at(TX, 4), 32); // beyond the ring's end
        }),
        part("RING-ERROR-POLICY", &["DRIVER-CHAIN"], |w| {
            *w = malformed();
            w.cycle += 100; // nothing kept it back
            w.scan(TX, 2, 1); // after DEVICE_NEEDS_RESET
        }),
        part("RING-ERROR-POLICY", &["DRIVER-CHAIN"], |w| {
            let out = Buffer::Out(vec![0; 60]);
            let list = w.offer(TX, &[out.clone(), Buffer::In(4), out]);
            w.fetch_list(TX, &list);
            w.fetch(list.buffers[0].0, 60);
        }),
    ]
}

fn used() -> Vec<Case> {
    vec![
        // One slot on, as if the list had been a single descriptor.
        part("PACKED-USED-SLOT", &[], |w| {
            let list = w.send_list(&frame(60), 3, false);
            let next = w.send_list(&frame(61), 1, false);
            w.use_list(TX, &list, 0);
            let wrong = World::used_bytes(next.id, 0, w.used_flags(1));
            w.put(w.descriptor_at(TX, 1), &wrong);
        }),
        // A slot that was never read.
        part("PACKED-USED-SLOT", &[], |w| {
            let list = w.send_list(&frame(60), 1, false);
            w.offer(TX, &[packet(&frame(61))]);
            w.used_descriptor(TX, 1, list.id, 0);
        }),
        // A used descriptor that nobody will find.
        all("PACKED-USED-SLOT", &["LIVE-STUCK"], |w| {
            let _first = w.send_list(&frame(60), 1, false);
            let second = w.send_list(&frame(61), 1, false);
            w.used_descriptor(TX, 1, second.id, 0);
        }),
        part("PACKED-USED-FLAGS", &[], |w| {
            for i in 0..6 {
                let list = w.send_list(&frame(60 + i), 1, false);
                // The wrap counter of the first lap in the second one too.
                w.put(
                    w.descriptor_at(TX, list.position),
                    &World::used_bytes(list.id, 0, 0x8080),
                );
                w.packed_advance(TX, 1);
            }
        }),
        part("PACKED-USED-ID", &[], |w| {
            let list = w.send_list(&frame(60), 2, false);
            w.used_descriptor(TX, 0, 0x7777, 0); // the first descriptor's id, not the last one's
            let _ = list;
        }),
        part("PACKED-USED-ID", &[], |w| {
            let list = w.send_list(&frame(60), 1, false);
            w.send_list(&frame(61), 1, false);
            w.use_list(TX, &list, 0);
            w.used_descriptor(TX, 0, list.id, 0);
        }),
        part("PACKED-USED-LEN", &[], |w| {
            let list = &buffers(w, 1, 1000)[0];
            fill(w, &frame(60), std::slice::from_ref(list), 1000);
            w.used_descriptor(RX, 0, list.id, 1001);
        })
        .with(&["NET-RX-LEN"]),
        all("PACKED-USED-LEN", &["NET-RX-LEN"], |w| {
            let list = &buffers(w, 1, 1000)[0];
            fill(w, &frame(60), std::slice::from_ref(list), 1000);
            w.finish_list(RX, list, 76);
        }),
        part("PACKED-USED-WRITE", &[], |w| {
            let list = w.send_list(&frame(60), 1, false);
            let wrong = World::used_bytes(list.id, 0, w.used_flags(0) | 2);
            w.put(w.descriptor_at(TX, 0), &wrong);
        }),
        part("PACKED-USED-WRITE", &["NET-RX-LEN"], |w| {
            let list = &buffers(w, 1, 1000)[0];
            fill(w, &frame(60), std::slice::from_ref(list), 1000);
            let wrong = World::used_bytes(list.id, 72, w.used_flags(0));
            w.put(w.descriptor_at(RX, 0), &wrong);
        }),
        part(
            "PACKED-USED-ORDER",
            &["PACKED-USED-ID", "PACKED-USED-SLOT"],
            |w| {
                let list = w.send_list(&frame(60), 2, false);
                let at = w.descriptor_at(TX, 0);
                w.put(at + 14, &w.used_flags(0).to_le_bytes());
                w.put(at + 8, &World::used_bytes(list.id, 0, 0)[8..14]);
            },
        ),
        part(
            "PACKED-PAYLOAD-ORDER",
            &["NET-RX-DATA", "NET-RX-NUM-BUFFERS"],
            |w| {
                let list = &buffers(w, 1, 1000)[0];
                w.wire_rx(&frame(60));
                w.used_descriptor(RX, 0, list.id, 72);
                w.put(list.buffers[0].0, &World::received(&frame(60), 1));
            },
        ),
        part("PACKED-USED-EARLY", &[], |w| {
            let list = w.offer(TX, &[packet(&frame(60))]);
            w.fetch_list(TX, &list);
            w.issue(list.buffers[0].0, 72);
            w.use_list(TX, &list, 0);
        }),
        part("PACKED-IN-ORDER", &[], |w| {
            *w = World::started(PACKED | 1 << 35);
            let first = w.offer(TX, &[packet(&frame(60))]);
            w.fetch_list(TX, &first);
            let second = w.send_list(&frame(61), 1, false);
            w.used_descriptor(TX, 0, second.id, 0);
        })
        .with(&["NET-TX-ORDER"]),
        part("NET-RX-TOGETHER", &[], |w| {
            let lists = buffers(w, 2, 1000);
            let len = fill(w, &frame(1500), &lists, 1000);
            w.used_descriptor(RX, 0, lists[0].id, len[0]);
            w.used_descriptor(RX, 1, lists[1].id, len[1]);
        }),
        // Both in one write: the first one is seen first.
        part("NET-RX-TOGETHER", &[], |w| {
            let lists = buffers(w, 2, 1000);
            let len = fill(w, &frame(1500), &lists, 1000);
            let mut both = World::used_bytes(lists[0].id, len[0], w.used_flags(0) | 2);
            both.extend(World::used_bytes(lists[1].id, len[1], w.used_flags(1) | 2));
            w.put(w.descriptor_at(RX, 0), &both);
        }),
        part("INT-ORDER", &[], |w| {
            let _first = w.send_list(&frame(60), 1, false);
            let second = w.send_list(&frame(61), 1, false);
            w.used_descriptor(TX, 1, second.id, 0);
            w.msix(TX);
        }),
    ]
}

fn notifications() -> Vec<Case> {
    vec![
        all("NOTIFY-REREAD", &[], |w| {
            w.put(structure(), &[0, 0x80, 2, 0]);
        }),
        all("NOTIFY-REREAD", &[], |w| {
            w.put(structure(), &[0, 0, 1, 0]);
            w.put(structure(), &[0, 0, 0, 0]);
            w.scan(TX, 1, 1); // not the next one
        }),
        part("NOTIFY-AHEAD", &[], |w| w.put(structure(), &[5, 0x80, 2, 0])),
        part("NOTIFY-FLAGS", &[], |w| w.put(structure(), &[0, 0, 3, 0])),
        part("NOTIFY-FLAGS", &[], |w| {
            *w = World::started(PACKED & !(1 << 29));
            w.put(structure(), &[0, 0x80, 2, 0]);
        }),
        part("NOTIFY-EVENT-ORDER", &[], |w| {
            w.put(structure() + 2, &[2, 0]);
            w.put(structure(), &[3, 0x80]);
        }),
        all("LIVE-STUCK", &["RUN-EMPTY"], |w| {
            w.offer(TX, &[packet(&frame(60))]);
            w.kick(TX);
        }),
        // The device asks to hear of a later position, and does not look.
        all("LIVE-STUCK", &["NOTIFY-REREAD", "RUN-EMPTY"], |w| {
            w.put(structure(), &[4, 0x80, 2, 0]);
            w.offer(TX, &[packet(&frame(60))]);
        }),
        all("INT-MISSING", &[], |w| {
            let list = w.send_list(&frame(60), 1, false);
            w.use_list(TX, &list, 0);
            w.read_structure(TX);
        }),
        // Position 4 is passed inside a list that ends beyond the ring's end.
        all("INT-MISSING", &[], |w| {
            let list = w.send_list(&frame(60), 3, false);
            w.finish_list(TX, &list, 0);
            w.ask_interrupt(TX, 2, 4);
            let list = w.send_list(&frame(61), 4, false);
            w.use_list(TX, &list, 0);
            w.read_structure(TX);
        }),
        part("INT-UNNEEDED", &[], |w| {
            w.ask_interrupt(TX, 1, 0);
            let list = w.send_list(&frame(60), 1, false);
            w.finish_list(TX, &list, 0);
        }),
        // The right offset, in the other lap.
        part("INT-UNNEEDED", &[], |w| {
            w.ask_interrupt(TX, 2, 5);
            let list = w.send_list(&frame(60), 1, false);
            w.finish_list(TX, &list, 0);
        }),
        all("INT-EVENT-READ", &[], |w| {
            w.ask_interrupt(TX, 1, 0);
            let list = w.send_list(&frame(60), 1, false);
            w.read_structure(TX); // before the used descriptor, so it decides nothing
            w.use_list(TX, &list, 0);
        }),
    ]
}

/// A list whose address the driver changes behind its publication.
fn exposed(w: &mut World) {
    let list = w.offer(TX, &[packet(&frame(60))]);
    w.store(
        w.descriptor_at(TX, list.position),
        &(RAM + 0x8_0000).to_le_bytes(),
    );
}

fn driver() -> Vec<Case> {
    vec![
        part("DRIVER-RING-ZERO", &[], |w| {
            w.write16(0x16, TX);
            w.write16(0x3a, 1);
            w.read16(0x3a, 0);
            w.fresh_ring(TX);
            w.store(w.descriptor_at(TX, 3) + 14, &[0x80, 0x80]);
            w.enable(TX);
        }),
        part("DRIVER-PUBLISH-ORDER", &[], |w| {
            let parts = [Buffer::Out(vec![0; 12]), Buffer::Out(frame(60))];
            let list = w.list(TX, &parts, false);
            w.store(w.descriptor_at(TX, 1) + 14, &[0, 0]);
            w.show(TX, &list);
        })
        .with(&["DRIVER-WRAP"]),
        part("DRIVER-WRAP", &[], |w| {
            let mut list = w.list(TX, &[packet(&frame(60))], false);
            list.flags = 1 << 15; // those of the next lap
            w.show(TX, &list);
        }),
        part("DRIVER-PUBLISH-ORDER", &[], |w| {
            let parts = [Buffer::Out(vec![0; 12]), Buffer::Out(frame(60))];
            let list = w.list(TX, &parts, false);
            w.delay_last_store(100);
            w.show(TX, &list);
        }),
        part("DRIVER-TABLE", &[], |w| {
            let list = w.list(TX, &[packet(&frame(60))], true);
            w.store(list.table.map_or(0, |t| t.0) + 14, &[1, 0]);
            w.show(TX, &list);
        }),
        part("DRIVER-EVENT", &[], |w| w.ask_interrupt(TX, 3, 0)),
        part("DRIVER-EVENT", &[], |w| {
            w.store(ring(TX, Part::Avail, 0), &[5, 0x80, 2, 0]);
        }),
        part("DRIVER-EVENT", &[], |w| {
            w.store(ring(TX, Part::Avail, 2), &[2, 0]);
            w.store(ring(TX, Part::Avail, 0), &[3, 0x80]);
        }),
        part("DRIVER-CHAIN", &[], |w| {
            w.offer(TX, &[Buffer::Out(vec![0; 5])]);
        }),
        part("DRIVER-CHAIN", &[], |w| {
            let first = w.offer(TX, &[packet(&frame(60))]);
            let second = w.list(TX, &[packet(&frame(60))], false);
            w.store(w.descriptor_at(TX, second.position) + 12, &first.id.to_le_bytes());
            w.show(TX, &second);
        }),
        part("DRIVER-EXPOSED", &[], |w| {
            let list = w.offer(TX, &[packet(&frame(60))]);
            w.store(w.descriptor_at(TX, list.position), &[0; 8]);
        }),
        part("DRIVER-EXPOSED", &[], |w| w.store(structure(), &[0; 4])),
        // What a descriptor names that the driver changed behind its publication is nobody's fault but the driver's ...
        part("DRIVER-EXPOSED", &[], |w| {
            exposed(w);
            w.fetch(RAM + 0x8_0000, 64);
        }),
        // ... but the queue's mishap is no leave to read or write anywhere, or to ask for interrupts of others.
        part("SAFE-READ", &["DRIVER-EXPOSED"], |w| {
            exposed(w);
            w.fetch(RAM + 0x9_0000, 64);
        }),
        part("SAFE-WRITE", &["DRIVER-EXPOSED"], |w| {
            exposed(w);
            w.put(RAM + 0x9_0000, &[0; 4]);
        }),
        part("CFG-STATUS", &["DRIVER-EXPOSED"], |w| {
            exposed(w);
            w.status_is(0xe);
        }),
        part("INT-CONFIG-SPURIOUS", &["DRIVER-EXPOSED"], |w| {
            exposed(w);
            w.msix(CONFIG_VECTOR); // of which it may have a reason
            w.msix(CONFIG_VECTOR);
        }),
        part("DRIVER-KICK-DATA", &[], |w| {
            *w = World::started(PACKED | 1 << 38);
            w.write(crate::testutil::NOTIFY + 4, &[1, 0, 2, 0x80]);
        }),
        all("DRIVER-KICK-MISSING", &["RUN-EMPTY"], |w| {
            w.offer(TX, &[packet(&frame(60))]);
        }),
    ]
}
