//! Each breach is where it should be, and nowhere else.

use std::cell::RefCell;
use std::rc::Rc;

use ringside_models::event::What;

use super::*;

/// Adds a list of two with `wrong` to an empty ring of four.
fn spoilt(wrong: Wrong, shape: Shape) -> (PackedQueue<u32>, Memory, Device) {
    let (mut q, m, d) = queue(4);
    let elements = [element(0x10, 12, false), element(0x20, 60, false)];
    q.add(&elements, shape, 0, Some(wrong)).unwrap();
    q.publish(Some(wrong));
    (q, m, d)
}

fn flags(q: &PackedQueue<u32>, m: &Memory, slots: [u16; 4]) -> [u16; 4] {
    slots.map(|s| at(m, q, s).3)
}

#[test]
fn lists_that_a_device_must_refuse() {
    let (q, m, _) = spoilt(Wrong::LongList, Shape::Direct);
    assert_eq!(flags(&q, &m, [0, 1, 2, 3]), [AVAIL | NEXT; 4]);
    assert_eq!((q.free_descriptors(), q.position()), (0, 0));
    let (q, m, d) = spoilt(Wrong::WrongWrap, Shape::Direct);
    assert_eq!(flags(&q, &m, [0, 1, 2, 3]), [USED | NEXT, USED, 0, 0]);
    assert!(!d.sees_available());
    let (q, m, _) = spoilt(Wrong::IndirectInList, Shape::Direct);
    assert_eq!(
        flags(&q, &m, [0, 1, 2, 3]),
        [AVAIL | NEXT, AVAIL | INDIRECT, 0, 0]
    );
    let (q, m, _) = spoilt(Wrong::IndirectNext, Shape::Indirect);
    assert_eq!(at(&m, &q, 0).3, AVAIL | INDIRECT | NEXT);
    let (q, m, _) = spoilt(Wrong::ReadableAfterWritable, Shape::Direct);
    assert_eq!(flags(&q, &m, [0, 1, 2, 3]), [AVAIL | NEXT | WRITE, AVAIL, 0, 0]);
    let (q, m, _) = spoilt(Wrong::IndirectRagged, Shape::Indirect);
    assert_eq!(at(&m, &q, 0).1, 40);
    let (q, m, _) = spoilt(Wrong::IndirectEmpty, Shape::Indirect);
    assert_eq!(at(&m, &q, 0).1, 0);
}

#[test]
fn flags_in_a_table_that_a_device_must_ignore() {
    let entry = |wrong, number: u64| {
        let (q, m, _) = spoilt(wrong, Shape::Indirect);
        let table = at(&m, &q, 0).0;
        (
            m.load_u16(table + 16 * number + 12),
            m.load_u16(table + 16 * number + 14),
        )
    };
    assert_eq!(entry(Wrong::TableFlags, 1), (0xfffe, NEXT | AVAIL | USED));
    assert_eq!(entry(Wrong::IndirectNested, 1), (0, INDIRECT));
}

/// A store's place in the ring (or behind it) and the cycle at which the device can see it.
type Stored = (u64, u64);

/// The stores that `work` makes with a queue of four, on a processor that reorders them if `reorder_stores`.
fn stores(seed: u64, reorder_stores: bool, work: impl FnOnce(&mut PackedQueue<u32>)) -> Vec<Stored> {
    let recorder = Recorder::new();
    let found = Rc::new(RefCell::new(Vec::new()));
    let config = MemoryConfig {
        visibility_ns_max: 400,
        reorder_stores,
        ..MemoryConfig::default()
    };
    let clock = ClockRate::from_mhz(250.0);
    let m = Memory::new(&config, clock, recorder.clone(), Dice::new(seed, "memory"));
    let options = QueueOptions {
        event_idx: true,
        in_order: false,
        free_list: FreeList::Lifo,
        dice: Dice::new(1, "queue"),
        start: None,
    };
    let mut q = PackedQueue::new(&m, 4, options).unwrap();
    recorder.set_now(1000);
    let (log, ring) = (Rc::clone(&found), q.layout().ring);
    recorder.add_sink(Box::new(move |e| {
        if let What::Store { addr, visible, .. } = &e.what {
            log.borrow_mut().push((addr - ring, visible.unwrap_or(e.cycle)));
        }
    }));
    work(&mut q);
    drop(q);
    found.take()
}

/// Places of the stores of a batch of one list of two.
fn list_stores(wrong: Option<Wrong>) -> Vec<u64> {
    let all = stores(1, false, |q| {
        q.add(&[one()[0]; 2], Shape::Direct, 0, wrong).unwrap();
        q.publish(wrong);
    });
    all.into_iter().map(|s| s.0).collect()
}

#[test]
fn no_mode_is_seen_before_its_slot_and_no_flags_before_their_list() {
    for seed in 0..50 {
        let event = stores(seed, true, |q| {
            q.disable_interrupts();
            q.add(&one(), Shape::Direct, 0, None).unwrap();
            q.enable_interrupts(1);
        });
        let [.., word, mode] = &event[..] else {
            panic!("{event:?}")
        };
        assert_eq!(mode.0, word.0 + 2);
        assert!(word.1 <= mode.1, "seed {seed}: {event:?}");
        let batch = stores(seed, true, |q| {
            q.add(&[one()[0]; 2], Shape::Direct, 0, None).unwrap();
            q.add(&one(), Shape::Direct, 0, None).unwrap();
            q.publish(None);
        });
        let last = batch.last().unwrap();
        assert!(last.0 == 14 && batch.iter().all(|s| s.1 <= last.1), "{batch:?}");
    }
}

#[test]
fn the_head_is_last_unless_that_is_the_breach() {
    assert_eq!(list_stores(None), [30, 16, 0, 14]);
    assert_eq!(list_stores(Some(Wrong::HeadFirst)), [0, 30, 16]);
    assert_eq!(list_stores(Some(Wrong::FlagsFirst)), [30, 16, 14, 0]);
}

#[test]
fn a_reused_id_comes_back_twice() {
    let (mut q, _m, mut d) = queue(4);
    for (token, wrong) in [(0, None), (1, Some(Wrong::ReuseId)), (2, None)] {
        q.add(&one(), Shape::Direct, token, wrong).unwrap();
    }
    q.publish(None);
    let ids: Vec<u16> = std::iter::from_fn(|| d.fetch()).map(|l| l.id).collect();
    assert_eq!(ids, [0, 0, 1]);
    for id in ids {
        d.finish(id, 1, None);
    }
    let tokens: Vec<u32> = std::iter::from_fn(|| q.pop().unwrap()).map(|u| u.token).collect();
    assert_eq!(tokens, [0, 1, 2]);
    assert!(q.pop().unwrap().is_none());
}

#[test]
fn event_structures_are_spoilt_once() {
    let (mut q, m, _d) = queue(4);
    let event = q.layout().driver_event;
    q.add(&one(), Shape::Direct, 0, Some(Wrong::EventReserved))
        .unwrap();
    q.enable_interrupts(1);
    assert_eq!(m.load_u16(event + 2), 0xffff);
    q.disable_interrupts();
    q.enable_interrupts(1);
    assert_eq!(m.load_u32(event), 2 << 16 | 0x8000);
    q.add(&one(), Shape::Direct, 0, Some(Wrong::EventBeyond)).unwrap();
    q.disable_interrupts();
    q.enable_interrupts(1);
    assert_eq!(m.load_u32(event), 2 << 16 | 0x8000, "right again after a moment");
}

#[test]
fn a_changed_list_is_the_one_meant() {
    let (mut q, m, mut d) = queue(4);
    q.add(&one(), Shape::Direct, 0, None).unwrap();
    let id = q.add(&[element(0x40, 9, false)], Shape::Direct, 1, None).unwrap();
    q.publish(None);
    q.mutate(id);
    assert_eq!((at(&m, &q, 0).1, at(&m, &q, 1).1), (1, 8));
    assert_eq!(d.fetch().unwrap().parts, [(0x10, 1, false)]);
}
