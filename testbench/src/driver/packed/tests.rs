mod breaches;
mod device;
mod torture;

use super::*;
use crate::driver::ring::FreeList;
use crate::host::config::MemoryConfig;
use crate::host::dice::Dice;
use crate::host::latency::ClockRate;
use crate::host::recorder::Recorder;
use device::{Device, List};
use layout::{INDIRECT, NEXT};

fn bench(size: u16, event_idx: bool, free_list: FreeList) -> (PackedQueue<u32>, Memory, Device) {
    bench_with(
        size,
        QueueOptions {
            event_idx,
            in_order: false,
            free_list,
            dice: Dice::new(1, "queue"),
            start: None,
        },
    )
}

fn bench_with(size: u16, options: QueueOptions) -> (PackedQueue<u32>, Memory, Device) {
    let config = MemoryConfig {
        visibility_ns_max: 0,
        ..MemoryConfig::default()
    };
    let clock = ClockRate::from_mhz(250.0);
    let m = Memory::new(&config, clock, Recorder::new(), Dice::new(1, "memory"));
    let q = PackedQueue::new(&m, size, options).unwrap();
    let d = Device::new(&m, q.areas());
    (q, m, d)
}

fn queue(size: u16) -> (PackedQueue<u32>, Memory, Device) {
    bench(size, true, FreeList::Lifo)
}

fn element(addr: u64, len_bytes: u32, write: bool) -> Element {
    Element {
        addr,
        len_bytes,
        write,
    }
}

fn one() -> [Element; 1] {
    [element(0x10, 1, false)]
}

fn shown(elements: &[Element]) -> Vec<(u64, u32, bool)> {
    elements.iter().map(|e| (e.addr, e.len_bytes, e.write)).collect()
}

/// Address, length, id, flags of a slot.
fn at(m: &Memory, q: &PackedQueue<u32>, slot: u16) -> (u64, u32, u16, u16) {
    let d = m.load(q.layout().descriptor(slot), 16);
    (
        u64::from_le_bytes(d[..8].try_into().unwrap()),
        u32::from_le_bytes(d[8..12].try_into().unwrap()),
        u16::from_le_bytes([d[12], d[13]]),
        u16::from_le_bytes([d[14], d[15]]),
    )
}

#[test]
fn a_list_is_seen_only_when_published_and_its_id_is_in_its_last_descriptor() {
    let (mut q, m, mut d) = queue(8);
    let elements = [
        element(0x1000, 12, false),
        element(0x2000, 60, false),
        element(0x3000, 4, true),
    ];
    let id = q.add(&elements, Shape::Direct, 7, None).unwrap();
    assert_eq!(d.fetch(), None);
    assert_eq!(
        at(&m, &q, 0),
        (0x1000, 12, !id, 0),
        "the head's flags are held back"
    );
    assert_eq!(at(&m, &q, 1), (0x2000, 60, !id, AVAIL | NEXT));
    assert_eq!(at(&m, &q, 2), (0x3000, 4, id, AVAIL | WRITE));
    assert_eq!(q.position(), 0x8000, "nothing is published yet");
    q.publish(None);
    let parts = shown(&elements);
    assert_eq!(d.fetch(), Some(List { id, slots: 3, parts }));
    assert_eq!(
        (q.position(), q.free_descriptors(), q.in_flight()),
        (0x8003, 5, 1)
    );
}

#[test]
fn a_batch_is_seen_at_once() {
    let (mut q, _m, mut d) = queue(8);
    for token in 0..3 {
        q.add(&[one()[0]; 2], Shape::Direct, token, None).unwrap();
        assert!(!d.sees_available());
    }
    q.publish(None);
    assert_eq!(
        std::iter::from_fn(|| d.fetch()).map(|l| l.id).collect::<Vec<_>>(),
        [0, 1, 2]
    );
}

#[test]
fn a_list_across_the_end_changes_its_wrap_counter_on_the_way() {
    let (mut q, m, mut d) = queue(5);
    q.add(&[one()[0]; 3], Shape::Direct, 0, None).unwrap();
    q.publish(None);
    let first = d.fetch().unwrap();
    d.finish(first.id, first.slots, None);
    assert_eq!(q.pop().unwrap().unwrap().token, 0);
    q.add(&[one()[0]; 4], Shape::Direct, 1, None).unwrap();
    q.publish(None);
    let flags: Vec<u16> = [3, 4, 0, 1].map(|s| at(&m, &q, s).3).to_vec();
    assert_eq!(flags, [AVAIL | NEXT, AVAIL | NEXT, USED | NEXT, USED]);
    assert_eq!(q.position(), 2, "slot 2 of the lap with wrap counter 0");
    let second = d.fetch().unwrap();
    d.finish(second.id, second.slots, None);
    assert_eq!(q.pop().unwrap().unwrap().token, 1);
    assert!(!q.has_used() && q.pop().unwrap().is_none());
}

#[test]
fn every_size_fills_empties_and_wraps() {
    for size in [1u16, 2, 3, 5, 8, 255] {
        for free_list in [FreeList::Lifo, FreeList::Fifo, FreeList::Random] {
            let (mut q, memory, mut d) = bench(size, true, free_list);
            let lengths: Vec<u16> = [1, 2, 3, size / 2 + 1, size]
                .into_iter()
                .filter(|n| *n <= size)
                .collect();
            let mut token = 0;
            for round in 0..4 * usize::from(size) + 20 {
                let mut given = Vec::new();
                loop {
                    let count = lengths[(round + given.len()) % lengths.len()];
                    let elements: Vec<Element> = (0..u64::from(count))
                        .map(|i| {
                            element(
                                u64::from(token) << 16 | i << 4,
                                i as u32 + 1,
                                i + 1 == u64::from(count),
                            )
                        })
                        .collect();
                    match q.add(&elements, Shape::Direct, token, None) {
                        Ok(id) => given.push((id, token, shown(&elements), u32::from(count))),
                        Err(error) => {
                            assert!(matches!(error, AddError::Full { .. }), "{error}");
                            break;
                        }
                    }
                    token += 1;
                }
                q.publish(None);
                // In order in one round, last first in the next: slots are used in the order of completion.
                let mut held: Vec<List> = std::iter::from_fn(|| d.fetch()).collect();
                assert_eq!(
                    held.iter().map(|l| (l.id, l.parts.clone())).collect::<Vec<_>>(),
                    given.iter().map(|g| (g.0, g.2.clone())).collect::<Vec<_>>(),
                    "size {size}"
                );
                if round % 2 == 1 {
                    held.reverse();
                    given.reverse();
                }
                for (list, (_, token, _, len)) in held.iter().zip(given) {
                    assert!(q.pop().unwrap().is_none());
                    d.finish(list.id, list.slots, Some(len));
                    let used = q.pop().unwrap().expect("used");
                    assert_eq!((used.token, used.len_bytes), (token, len));
                }
                assert_eq!((q.free_descriptors(), q.in_flight()), (size.into(), 0));
            }
            assert_eq!(memory.live_buffers(), 3);
        }
    }
}

#[test]
fn one_used_descriptor_returns_a_batch_in_order() {
    let options = QueueOptions {
        event_idx: true,
        in_order: true,
        free_list: FreeList::Lifo,
        dice: Dice::new(1, "queue"),
        start: None,
    };
    let (mut q, m, mut d) = bench_with(7, options);
    let before = m.live_buffers();
    for round in 0..20 {
        for (token, shape) in [Shape::Direct, Shape::Indirect, Shape::Direct]
            .into_iter()
            .enumerate()
        {
            let parts = [element(0x1000, 12, false), element(0x2000, 60, true)];
            q.add(&parts, shape, token as u32, None).unwrap();
        }
        q.publish(None);
        let lists: Vec<List> = std::iter::from_fn(|| d.fetch()).collect();
        assert!(!q.has_used() && !q.has_reached(1));
        d.finish(lists[1].id, lists[0].slots + lists[1].slots, Some(7));
        assert!(q.has_reached(2) && !q.has_reached(3), "round {round}");
        let got = |q: &mut PackedQueue<u32>| q.pop().unwrap().map(|u| (u.token, u.len_bytes));
        // What was skipped counts as written to its end.
        assert_eq!(got(&mut q), Some((0, 60)));
        assert!(q.has_used() && q.has_reached(1) && !q.has_reached(2));
        assert_eq!((got(&mut q), got(&mut q)), (Some((1, 7)), None));
        d.finish(lists[2].id, lists[2].slots, None);
        assert_eq!((got(&mut q), got(&mut q)), (Some((2, 0)), None));
    }
    assert_eq!(
        (q.in_flight(), q.free_descriptors(), m.live_buffers()),
        (0, 7, before)
    );
}

#[test]
fn an_indirect_list_takes_one_slot_and_its_table_comes_back() {
    let (mut q, m, mut d) = queue(3);
    let elements = [element(0x1000, 12, false), element(0x2000, 64, true)];
    let id = q.add(&elements, Shape::Indirect, 1, None).unwrap();
    let (table, len, _, _) = at(&m, &q, 0);
    assert_eq!((len, m.live_buffers()), (32, 4));
    assert_eq!(m.load(table, 16), layout::descriptor(0x1000, 12, 0, 0));
    assert_eq!(m.load(table + 16, 16), layout::descriptor(0x2000, 64, 0, WRITE));
    q.publish(None);
    let parts = shown(&elements);
    assert_eq!(d.fetch(), Some(List { id, slots: 1, parts }));
    d.finish(id, 1, Some(64));
    assert_eq!(q.pop().unwrap().unwrap().len_bytes, 64);
    assert_eq!((m.live_buffers(), q.free_descriptors()), (3, 3));
}

#[test]
fn ids_follow_the_policy_and_random_ones_need_be_no_slots() {
    for (policy, expected) in [(FreeList::Lifo, [1, 0, 2]), (FreeList::Fifo, [2, 3, 0])] {
        let (mut q, _m, mut d) = bench(4, true, policy);
        for token in 0..2 {
            q.add(&one(), Shape::Direct, token, None).unwrap();
        }
        q.publish(None);
        while let Some(l) = d.fetch() {
            d.finish(l.id, l.slots, None);
        }
        while q.pop().unwrap().is_some() {}
        let ids = [0, 1, 2].map(|t| q.add(&one(), Shape::Direct, t, None).unwrap());
        assert_eq!(ids, expected, "{policy:?}");
    }
    let (mut q, _m, _d) = bench(200, true, FreeList::Random);
    let ids: std::collections::BTreeSet<u16> = (0..200)
        .map(|t| q.add(&one(), Shape::Direct, t, None).unwrap())
        .collect();
    assert_eq!(ids.len(), 200);
    assert!(ids.iter().any(|id| *id >= 200));
}

#[test]
fn kicks_follow_the_device_event_structure_in_every_mode() {
    let asked = |event_idx, word, flags| {
        let (mut q, _m, mut d) = bench(3, event_idx, FreeList::Lifo);
        d.ask(word, flags);
        (0..9u32)
            .filter(|n| {
                q.add(&one(), Shape::Direct, *n, None).unwrap();
                q.publish(None);
                let kick = q.kick_needed();
                assert!(!q.kick_needed(), "nothing new, no kick");
                let l = d.fetch().unwrap();
                d.finish(l.id, l.slots, None);
                q.pop().unwrap();
                kick
            })
            .collect::<Vec<_>>()
    };
    let (all, none): (Vec<u32>, Vec<u32>) = ((0..9).collect(), Vec::new());
    assert_eq!(asked(true, 0, 0), all);
    assert_eq!(asked(true, 0x8001, 1), none);
    assert_eq!(
        asked(true, 0x8001, 2),
        [1, 7],
        "slot 1 of the laps with wrap counter 1"
    );
    assert_eq!(asked(true, 0x0002, 2), [5]);
    assert_eq!(asked(true, 0x8003, 2), none, "a slot beyond the ring");
    assert_eq!(asked(true, 0x8001, 3), all, "a reserved mode suppresses nothing");
    assert_eq!(
        asked(false, 0x8001, 2),
        all,
        "a mode that was not negotiated neither"
    );
    assert_eq!(asked(false, 0, 1), none);
    assert_eq!(asked(true, 0x8001, 0xfffc), all, "reserved bits do not count");
}

#[test]
fn an_event_inside_a_list_or_a_batch_counts_as_passed() {
    let (mut q, _m, mut d) = queue(5);
    d.ask(0x8002, 2);
    q.add(&[one()[0]; 2], Shape::Direct, 0, None).unwrap();
    q.publish(None);
    assert!(!q.kick_needed(), "slots 0 and 1");
    q.add(&[one()[0]; 2], Shape::Direct, 1, None).unwrap();
    q.add(&one(), Shape::Direct, 2, None).unwrap();
    q.publish(None);
    assert!(q.kick_needed(), "slots 2 to 4");
}

#[test]
fn interrupts_are_asked_for_at_the_slot_of_a_chain() {
    let (mut q, m, mut d) = queue(5);
    let event = q.layout().driver_event;
    for (token, elements) in [2, 1, 1].into_iter().enumerate() {
        q.add(&vec![one()[0]; elements], Shape::Direct, token as u32, None)
            .unwrap();
    }
    q.publish(None);
    q.disable_interrupts();
    assert_eq!(m.load_u32(event), 1 << 16);
    for (after, word) in [(1, 0x8000), (2, 0x8002), (3, 0x8003), (9, 0x8003)] {
        q.enable_interrupts(after);
        assert_eq!(m.load_u32(event), 2 << 16 | word, "after {after}");
    }
    let lists: Vec<List> = std::iter::from_fn(|| d.fetch()).collect();
    assert!(!q.has_reached(1));
    d.finish(lists[0].id, 2, None);
    assert!(q.has_reached(1) && !q.has_reached(2));
    d.finish(lists[1].id, 1, None);
    assert!(q.has_reached(2) && !q.has_reached(3));
    let (mut q, m, _d) = bench(5, false, FreeList::Lifo);
    q.disable_interrupts();
    assert_eq!(m.load_u32(q.layout().driver_event), 1 << 16);
    q.enable_interrupts(3);
    assert_eq!(m.load_u32(q.layout().driver_event), 0);
}

#[test]
fn a_used_descriptor_that_makes_no_sense_is_an_error_not_a_panic() {
    let check = |id, len| {
        let (mut q, _m, mut d) = queue(4);
        q.add(&[element(0, 10, true)], Shape::Direct, 0, None).unwrap();
        q.publish(None);
        d.finish(id, 1, len);
        q.pop().map(|u| u.map(|u| u.len_bytes)).map_err(|e| e.to_string())
    };
    assert_eq!(
        check(3, None).unwrap_err(),
        "the used descriptor in slot 0 (wrap counter 1) names buffer 3, which is not in flight"
    );
    assert_eq!(
        check(0, Some(11)).unwrap_err(),
        "the used descriptor in slot 0 (wrap counter 1, buffer 0) says 11 bytes written, the chain has room for 10"
    );
    assert_eq!(check(0, Some(10)), Ok(Some(10)));
    assert_eq!(check(0, None), Ok(Some(0)), "without WRITE the length is garbage");
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let (mut q, _m, _d) = queue(2);
    let [e] = one();
    assert_eq!(q.add(&[], Shape::Direct, 0, None), Err(AddError::Empty));
    assert_eq!(
        q.add(&[e; 3], Shape::Indirect, 0, None),
        Err(AddError::TooLong { elements: 3, size: 2 })
    );
    assert_eq!(
        q.add(&[e; 2], Shape::DirectThenIndirect, 0, None),
        Err(AddError::Mixed)
    );
    q.add(&[e], Shape::Direct, 0, None).unwrap();
    let full = AddError::Full { needed: 2, free: 1 };
    assert_eq!(q.add(&[e; 2], Shape::Direct, 0, None), Err(full));
    assert_eq!((q.free_descriptors(), q.in_flight()), (1, 1));
}

#[test]
fn a_dismantled_queue_gives_everything_back() {
    let (mut q, m, _d) = queue(4);
    q.add(&[one()[0]; 2], Shape::Indirect, 5, None).unwrap();
    q.add(&one(), Shape::Direct, 6, None).unwrap();
    assert_eq!((q.dismantle(), m.live_buffers()), (vec![5, 6], 0));
    assert_eq!(m.take_errors(), []);
}
