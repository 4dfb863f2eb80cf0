//! Wrong register contents, frames and drivers.

use super::*;
use crate::testutil::KICK_VALUES;

pub(super) fn registers() -> Vec<Case> {
    vec![
        cut("CFG-STATUS", &[], |w| w.status_is(0xb)),
        cut("CFG-STATUS", &[], |w| w.status_is(0x4f)),
        raw("CFG-FEATURES-OK", USUAL, |w| {
            w.negotiate();
            w.status_is(3);
        }),
        raw("CFG-FEATURES-OK", USUAL, |w| {
            w.features |= 1 << 22; // offered ...
            w.status(0);
            w.status_is(0);
            for window in 0..2u32 {
                w.write(COMMON, &window.to_le_bytes());
                w.read(COMMON + 4, &((USUAL >> (32 * window)) as u32).to_le_bytes());
            }
            w.status(3);
            w.write(COMMON + 8, &[1, 0, 0, 0]);
            w.write(COMMON + 12, &[1, 0, 0, 0x80]); // VERSION_1 and bit 63, which is not
            w.status(0xb);
            w.status_is(0xb);
        })
        .with(&["DRIVER-FEATURES"]),
        raw("CFG-OFFERED", USUAL | 1 << 24, World::negotiate),
        raw("CFG-OFFERED", USUAL & !(1 << 17), World::negotiate)
            .with(&["DRIVER-FEATURES", "CFG-FEATURES-OK"]),
        cut("CFG-VECTOR", &[], |w| w.read16(0x10, 0)),
        cut("CFG-QUEUE-SIZE", &[], |w| w.read16(0x18, 24)),
        cut("CFG-QUEUE-ENABLE", &[], |w| w.read16(0x1c, 0)),
        cut("CFG-QUEUE-RESET", &[], |w| w.read16(0x3a, 1)),
        cut("CFG-READBACK", &[], |w| w.read(COMMON + 0x20, &[1, 2, 3, 4])),
        cut("CFG-GENERATION", &[], |w| {
            for status in [1, 0] {
                w.read(DEVICE + 6, &[status, 0]);
                w.read(COMMON + 0x15, &[0]);
            }
        }),
    ]
}

/// Receives a frame, but other bytes or another header than is right.
fn received(rule: &'static str, also: &'static [&'static str], bytes: impl Fn(Vec<u8>) -> Vec<u8>) -> Case {
    cut(rule, also, |w| {
        let given = &buffers(w, 1, 1000)[0];
        w.wire_rx(&frame(60));
        let bytes = bytes(World::received(&frame(60), 1));
        w.put(given.buffers[0].0, &bytes);
        w.element(RX, 0, given.head, bytes.len() as u32);
        w.used_index(RX, 1);
    })
}

pub(super) fn net() -> Vec<Case> {
    vec![
        cut("NET-TX-DATA", &[], |w| {
            sent(w, 60);
            w.wire_tx(&frame(59));
        }),
        cut("NET-TX-ORDER", &[], |w| {
            sent(w, 60);
            sent(w, 61);
            w.wire_tx(&frame(61));
        }),
        cut("NET-TX-ORDER", &[], |w| {
            sent(w, 60);
            w.wire_tx(&frame(60));
            w.wire_tx(&frame(60));
        }),
        cut("NET-TX-ERROR", &[], |w| {
            sent(w, 60);
            w.push(What::WireTx {
                queue: 0,
                error: true,
                data: frame(60),
            });
        }),
        cut_with("NET-TX-ERROR", crate::judge::tests::clean::reset(), |w| {
            sent(w, 60);
            // The earlier life's cut frame has come; this is another one.
            w.push(What::WireTx {
                queue: 0,
                error: true,
                data: frame(60),
            });
        }),
        cut_with("NET-TX-ERROR", crate::judge::tests::clean::reset_begun(), |w| {
            w.transmit(&frame(65));
            // A frame of the second life is behind all of the first.
            w.push(What::WireTx {
                queue: 0,
                error: true,
                data: frame(64),
            });
        }),
        cut_with("NET-TX-ERROR", crate::judge::tests::clean::reset_begun(), |w| {
            sent(w, 60);
            // No frame of the first life was so long.
            w.push(What::WireTx {
                queue: 0,
                error: true,
                data: frame(60),
            });
        }),
        whole("NET-TX-MISSING", &[], |w| {
            let given = sent(w, 60);
            w.read_payload(&given);
            w.give_back(TX, &given, 0);
        }),
        received("NET-RX-DATA", &[], |mut b| {
            b[40] ^= 1;
            b
        }),
        received("NET-RX-LEN", &[], |mut b| {
            b.truncate(70);
            b
        }),
        received("NET-RX-HEADER", &[], |mut b| {
            b[0] = 1;
            b
        }),
        received("NET-RX-NUM-BUFFERS", &[], |mut b| {
            b[10] = 0;
            b
        }),
        received("NET-RX-NUM-BUFFERS", &[], |mut b| {
            b[10] = 2;
            b
        }),
        cut("NET-RX-FULL", &[], |w| {
            let given = buffers(w, 2, 1000);
            receive(w, &frame(1500), &given, 800);
        }),
        cut("NET-RX-TOGETHER", &[], |w| {
            let given = buffers(w, 2, 1000);
            w.wire_rx(&frame(1500));
            for (part, chain) in World::received(&frame(1500), 2).chunks(1000).zip(&given) {
                for (i, piece) in part.chunks(256).enumerate() {
                    w.put(chain.buffers[0].0 + 256 * i as u64, piece);
                }
                w.element(RX, 0, chain.head, part.len() as u32);
                w.used_index(RX, 1);
            }
        }),
        cut("NET-RX-STEERING", &[], |w| {
            *w = World::started(USUAL | 1 << 22);
            let given = w.give(2, &[Buffer::In(1000)]); // receive queue of the second pair, which is not active
            w.kick(2);
            w.learn(2, &given);
            w.wire_rx(&frame(60));
            w.put(given.buffers[0].0, &World::received(&frame(60), 1));
            w.element(2, 0, given.head, 72);
            w.used_index(2, 1);
        }),
        whole("NET-RX-MISSING", &[], |w| {
            buffers(w, 1, 1000);
            w.transmit(&frame(60));
            w.wire_rx(&frame(60));
        }),
        cut("NET-RX-DROP", &[], |w| {
            buffers(w, 1, 1000);
            w.wire_rx(&frame(60));
            w.push(What::WireDrop { reason: 2 });
        }),
        cut("NET-RX-DROP", &[], |w| w.push(What::WireDrop { reason: 1 })),
        cut("NET-FILTER", &[], |w| {
            command(w, &[0, 0, 0], 0);
            let given = buffers(w, 1, 1000);
            let mut foreign = frame(60);
            foreign[5] = 9;
            receive(w, &foreign, &given, 1000);
        }),
        cut("NET-CTRL-ACK", &[], |w| command(w, &[0, 0, 1], 1)),
        cut("NET-CTRL-ACK", &[], |w| command(w, &[77, 0], 0)),
    ]
}

pub(super) fn driver() -> Vec<Case> {
    vec![
        raw("DRIVER-INIT", USUAL, |w| w.status(4)),
        cut("DRIVER-INIT", &[], |w| w.status(0x8)),
        cut("DRIVER-FEATURES", &[], |w| w.write(COMMON + 0xc, &[0; 4])),
        cut("DRIVER-REGISTER", &[], |w| w.write16(0x12, 4)),
        cut("DRIVER-REGISTER", &[], |w| w.write(COMMON + 0x20, &[0; 4])),
        cut("DRIVER-REGISTER", &[], |w| w.write(COMMON + 0x16, &[0; 4])),
        cut("DRIVER-RING-LAYOUT", &[], |w| {
            w.write16(0x16, 3);
            w.write16(0x18, SIZE);
            w.write(COMMON + 0x20, &[8, 0, 8, 0]);
            w.write(COMMON + 0x28, &[0, 0, 9, 0]);
            w.write(COMMON + 0x30, &[0, 0, 10, 0]);
            w.write16(0x1c, 1);
        }),
        raw("DRIVER-KICK-EARLY", USUAL, |w| {
            w.negotiate();
            w.enable(TX);
            w.kick(TX);
        }),
        cut("DRIVER-KICK-FORM", &[], |w| w.write(NOTIFY + 4, &[1, 0, 0, 0])),
        cut("DRIVER-KICK-FORM", &[], |w| w.write(NOTIFY + 4, &[2, 0])),
        cut("DRIVER-KICK-FORM", &[], |w| {
            *w = World::started(USUAL | 1 << 39);
            w.kick_saying(TX, TX); // the index, where the device asks for something else
        }),
        cut("DRIVER-KICK-FORM", &[], |w| {
            *w = World::started(USUAL | 1 << 38 | 1 << 39);
            w.kick_saying(TX, KICK_VALUES - RX);
        }),
        // What was said wrongly was not said.
        whole("DRIVER-KICK-FORM", &["DRIVER-KICK-MISSING", "RUN-EMPTY"], |w| {
            *w = World::started(USUAL | 1 << 39);
            w.give(TX, &[packet(&frame(60))]);
            w.kick_saying(TX, TX);
        }),
        cut("DRIVER-KICK-DATA", &[], |w| {
            *w = World::started(USUAL | 1 << 38);
            w.write(NOTIFY + 4, &[1, 0, 5, 0]);
        }),
        whole("DRIVER-KICK-MISSING", &["RUN-EMPTY"], |w| {
            w.give(TX, &[packet(&frame(60))]);
        }),
        cut("DRIVER-AVAIL-IDX", &[], |w| w.store(avail_index() + 2, &[100, 0])),
        cut("DRIVER-AVAIL-FLAGS", &[], |w| w.store(avail_index(), &[1, 0])),
        cut("DRIVER-CHAIN", &[], |w| {
            w.give(TX, &[Buffer::Out(vec![0; 5])]);
        }),
        cut("DRIVER-IN-ORDER", &[], |w| {
            *w = World::started(USUAL | 1 << 35);
            w.free_slots(TX).pop(); // not from 0 on
            w.give(TX, &[packet(&frame(60))]);
        }),
        cut("DRIVER-IN-ORDER", &[], |w| {
            *w = World::started(USUAL | 1 << 35);
            let at = w.free_slots(TX).len() - 2;
            w.free_slots(TX).swap(at, at - 1); // 0 leads to 2
            w.give(TX, &[Buffer::Out(vec![0; 12]), Buffer::Out(frame(60))]);
        }),
        cut("DRIVER-IN-ORDER", &[], |w| {
            *w = World::started(USUAL | 1 << 35);
            let parts = [
                Buffer::Out(vec![0; 12]),
                Buffer::Out(vec![0; 20]),
                Buffer::Out(vec![0; 40]),
            ];
            let given = w.prepare(TX, &parts, true);
            let (table, _) = given.table.expect("indirect");
            w.store(table + 14, &[2, 0]); // over the second entry
            w.publish(TX);
        }),
        cut("DRIVER-EXPOSED", &[], |w| {
            let given = w.give(TX, &[packet(&frame(60))]);
            w.store(ring(TX, Part::Desc, 16 * u64::from(given.head)), &[0; 16]);
        }),
        cut("DRIVER-EXPOSED", &[], |w| {
            w.store(ring(TX, Part::Used, 2), &[0, 0]);
        }),
    ]
}

pub(super) fn run() -> Vec<Case> {
    let bare = |rule, end, world| Case {
        rule,
        also: &[],
        end,
        world,
    };
    vec![
        cut("RUN-PIN", &[], |w| {
            w.push(What::Pin {
                channel: "rq".into(),
                problem: "valid dropped".into(),
            });
        }),
        bare("RUN-END", None, World::started(USUAL)),
        bare("RUN-EMPTY", Some(EndReason::Complete), World::new(USUAL)),
    ]
}
