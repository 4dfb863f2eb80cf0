//! Reads of the device that fail, and what the host gives for those that do not.

use super::{Case, cut, sent, whole};
use crate::judge::tests::clean::{frame, ring_read_fails};
use crate::testutil::{CONFIG_VECTOR, TX};

pub(super) fn cases() -> Vec<Case> {
    vec![
        // One byte of the frame is not what memory held.
        cut("HOST-CPL-DATA", &[], |w| {
            let given = sent(w, 60);
            let (at, len) = given.buffers[0];
            let tag = w.issue(at, len as usize);
            let mut data = w.bytes(at, len as usize);
            data[40] ^= 1;
            w.answer_with(tag, at, &data);
        }),
        // The driver replaced it before the read was issued.
        cut("HOST-CPL-DATA", &[], |w| {
            let given = sent(w, 60);
            let (at, len) = given.buffers[0];
            let old = w.bytes(at, len as usize);
            w.store(at + 20, &[0xee; 4]);
            w.cycle += 10;
            let tag = w.issue(at, len as usize);
            w.answer_with(tag, at, &old);
        }),
        // The device says nothing.
        whole("RING-READ-FAILED", &[], |w| {
            w.transmit(&frame(60));
            ring_read_fails(w);
        }),
        // It asks for a reset, and goes on with the queue.
        cut("RING-READ-FAILED", &[], |w| {
            w.transmit(&frame(60));
            ring_read_fails(w);
            w.msix(CONFIG_VECTOR);
            w.status_is(0x4f);
            w.cycle += 100; // nothing kept this back
            w.read_index(TX);
        }),
    ]
}
