//! A frontend by strangers: the transport and the rings of the crate `virtio-driver` (libblkio), with frames instead of its disk requests.
//!
//! Each request's memory, header and frame, lies in the crate's own queue memory. Every chain has two descriptors, as the crate's disk requests have
//! at least; and a receive buffer is exactly as long as the frame to come, because the crate's packed rings insist on full ones.
#![allow(
    unsafe_code,
    reason = "the crate's queues live in memory that its transport owns"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use virtio_driver::{
    Le64, QueueNotifier, VhostUser, VirtioFeatureFlags, VirtioTransport, iovec,
    virtqueue::{Virtqueue, VirtqueueLayout},
};

const HEADER: usize = 12;
/// Bytes of every frame.
pub(crate) const FRAME: usize = 300;
/// Entries of each ring.
const SIZE: usize = 32;
const PATIENCE: Duration = Duration::from_mins(1);

/// Header and frame.
type Packet = [u8; HEADER + FRAME];
type Transport = VhostUser<Le64, Packet>;

fn give(queue: &mut Virtqueue<'_, Packet>, frame: Option<&[u8]>) {
    queue
        .add_request(|packet, add| {
            if let Some(frame) = frame {
                packet[..HEADER].fill(0);
                packet[HEADER..].copy_from_slice(frame);
            }
            let at = packet.as_mut_ptr();
            for (from, len) in [(0, HEADER), (HEADER, FRAME)] {
                let part = iovec {
                    iov_base: at.wrapping_add(from).cast(),
                    iov_len: len,
                };
                add(part, frame.is_none())?;
            }
            Ok(())
        })
        .expect("room in the ring");
}

fn kick(queue: &mut Virtqueue<'_, Packet>, notifier: &dyn QueueNotifier) {
    if queue.avail_notif_needed() {
        notifier.notify().expect("an eventfd");
    }
}

/// Sends frames `0..count`, at most `burst` at a time, and returns what came back.
pub(crate) fn echo(
    path: &Path,
    packed: bool,
    events: bool,
    count: usize,
    burst: usize,
    frame: impl Fn(usize) -> Vec<u8>,
) -> Vec<Vec<u8>> {
    let mut features = VirtioFeatureFlags::VERSION_1;
    features.set(VirtioFeatureFlags::RING_PACKED, packed);
    features.set(VirtioFeatureFlags::RING_EVENT_IDX, events);
    let start = Instant::now();
    let mut transport = loop {
        match Transport::new(path.to_str().expect("a path in UTF-8"), features.bits()) {
            Ok(transport) => break transport,
            Err(e) => assert!(start.elapsed() < PATIENCE, "{e}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(transport.get_features() & features.bits(), features.bits());
    let layout = VirtqueueLayout::new::<Packet>(2, SIZE, features).expect("a layout");
    let translators = [transport.iova_translator(), transport.iova_translator()];
    let memory = transport.alloc_queue_mem(&layout).expect("queue memory");
    let (at, len) = (memory.as_mut_ptr(), memory.len());
    assert!(len >= 2 * layout.end_offset);
    let mut queues: Vec<Virtqueue<'_, Packet>> = translators
        .into_iter()
        .enumerate()
        .map(|(i, translator)| {
            // SAFETY: disjoint parts of the transport's mapping, which lives until this function returns, after the queues.
            let part =
                unsafe { std::slice::from_raw_parts_mut(at.add(i * layout.end_offset), layout.end_offset) };
            Virtqueue::new(translator, part, SIZE as u16, features).expect("a queue")
        })
        .collect();
    transport.setup_queues(&queues).expect("queues are taken");
    let notifiers = [0, 1].map(|i| VirtioTransport::get_submission_notifier(&transport, i));
    let called = transport.get_completion_fd(0);
    let (rx, tx) = queues.split_at_mut(1);
    let (rx, tx) = (&mut rx[0], &mut tx[0]);
    for _ in 0..SIZE / 2 {
        give(rx, None);
    }
    rx.set_used_notif_enabled(true);
    tx.set_used_notif_enabled(false);
    kick(rx, &*notifiers[0]);
    let (mut begun, mut out, mut received) = (0, 0, Vec::new());
    while received.len() < count {
        assert!(
            start.elapsed() < PATIENCE,
            "{} of {count} came back",
            received.len()
        );
        while begun < count && out < burst && begun - received.len() < SIZE / 4 {
            give(tx, Some(&frame(begun)));
            (begun, out) = (begun + 1, out + 1);
        }
        kick(tx, &*notifiers[1]);
        // Blocks until the device's interrupt is passed on, which is what this is about.
        if !rx.completions().has_next() {
            called.read().expect("an eventfd");
        }
        out -= tx.completions().count();
        let back: Vec<Packet> = rx.completions().map(|c| c.req).collect();
        for packet in back {
            received.push(packet[HEADER..].to_vec());
            give(rx, None);
        }
        kick(rx, &*notifiers[0]);
    }
    drop(queues);
    received
}
