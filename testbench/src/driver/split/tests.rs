use super::*;
use crate::host::config::MemoryConfig;
use crate::host::dice::Dice;
use crate::host::latency::ClockRate;
use crate::host::recorder::Recorder;

fn memory() -> Memory {
    let config = MemoryConfig {
        visibility_ns_max: 0,
        ..MemoryConfig::default()
    };
    Memory::new(
        &config,
        ClockRate::from_mhz(250.0),
        Recorder::new(),
        Dice::new(1, "memory"),
    )
}

fn queue(size: u16, event_idx: bool, free_list: FreeList) -> (SplitQueue<u32>, Memory) {
    queue_with(size, event_idx, free_list, false)
}

fn queue_with(size: u16, event_idx: bool, free_list: FreeList, in_order: bool) -> (SplitQueue<u32>, Memory) {
    let m = memory();
    let options = QueueOptions {
        event_idx,
        in_order,
        free_list,
        dice: Dice::new(1, "queue"),
        start: None,
    };
    (SplitQueue::new(&m, size, options).unwrap(), m)
}

fn readable(addr: u64, len_bytes: u32) -> Element {
    Element {
        addr,
        len_bytes,
        write: false,
    }
}

fn writable(addr: u64, len_bytes: u32) -> Element {
    Element {
        addr,
        len_bytes,
        write: true,
    }
}

/// What a device does: writes a used element and the index.
fn use_chain(q: &SplitQueue<u32>, m: &Memory, index: u16, id: u32, len: u32) {
    let l = q.layout();
    m.device_write(
        0,
        l.used_slot(index),
        &[id.to_le_bytes(), len.to_le_bytes()].concat(),
        15,
        15,
    );
    let word = (u32::from(index.wrapping_add(1)) << 16).to_le_bytes();
    m.device_write(0, l.used, &word, 0b1100, 0);
}

fn at(m: &Memory, l: Layout, index: u16) -> (u64, u32, u16, u16) {
    let d = m.load(l.descriptor(index), 16);
    let half = |i: usize| u16::from_le_bytes([d[i], d[i + 1]]);
    (
        u64::from_le_bytes(d[..8].try_into().unwrap()),
        u32::from_le_bytes(d[8..12].try_into().unwrap()),
        half(12),
        half(14),
    )
}

#[test]
fn a_direct_chain_lies_in_the_table_and_is_seen_only_when_published() {
    let (mut q, m) = queue(8, true, FreeList::Lifo);
    let l = q.layout();
    let head = q
        .add(
            &[readable(0x1000, 12), readable(0x2000, 60), writable(0x3000, 4)],
            Shape::Direct,
            7,
            None,
        )
        .unwrap();
    assert_eq!(head, 0);
    assert_eq!(at(&m, l, 0), (0x1000, 12, NEXT, 1));
    assert_eq!(at(&m, l, 1), (0x2000, 60, NEXT, 2));
    assert_eq!(at(&m, l, 2), (0x3000, 4, WRITE, 0));
    assert_eq!(m.load_u16(l.available_index()), 0);
    q.publish(None);
    assert_eq!(
        (m.load_u16(l.available_index()), m.load_u16(l.available_slot(0))),
        (1, 0)
    );
    assert_eq!((q.free_descriptors(), q.in_flight()), (5, 1));
}

#[test]
fn an_indirect_chain_takes_one_descriptor_and_its_table_comes_back() {
    let (mut q, m) = queue(4, true, FreeList::Lifo);
    let before = m.live_buffers();
    let head = q
        .add(
            &[readable(0x1000, 12), writable(0x2000, 64)],
            Shape::Indirect,
            1,
            None,
        )
        .unwrap();
    let (table, len, flags, _) = at(&m, q.layout(), head);
    assert_eq!((len, flags), (32, INDIRECT));
    assert_eq!(m.load(table, 16), layout::descriptor(0x1000, 12, NEXT, 1));
    assert_eq!(m.load(table + 16, 16), layout::descriptor(0x2000, 64, WRITE, 0));
    q.publish(None);
    use_chain(&q, &m, 0, head.into(), 64);
    assert_eq!(
        q.pop().unwrap(),
        Some(Used {
            token: 1,
            len_bytes: 64
        })
    );
    assert_eq!((m.live_buffers(), q.free_descriptors()), (before, 4));
    let head = q
        .add(
            &[readable(1, 2), readable(3, 4), readable(5, 6)],
            Shape::DirectThenIndirect,
            2,
            None,
        )
        .unwrap();
    let (_, _, flags, next) = at(&m, q.layout(), head);
    assert_eq!(flags, NEXT);
    assert_eq!(
        (at(&m, q.layout(), next).1, at(&m, q.layout(), next).2),
        (32, INDIRECT)
    );
}

#[test]
fn the_free_list_keeps_its_order() {
    for (policy, expected) in [(FreeList::Lifo, [1, 0, 2]), (FreeList::Fifo, [2, 3, 0])] {
        let (mut q, m) = queue(4, true, policy);
        for token in 0..2 {
            q.add(&[readable(0, 1)], Shape::Direct, token, None).unwrap();
        }
        q.publish(None);
        use_chain(&q, &m, 0, 0, 0);
        use_chain(&q, &m, 1, 1, 0);
        while q.pop().unwrap().is_some() {}
        let heads: Vec<u16> = (0..3)
            .map(|t| q.add(&[readable(0, 1)], Shape::Direct, t, None).unwrap())
            .collect();
        assert_eq!(heads, expected, "{policy:?}");
    }
}

#[test]
fn a_random_free_list_gives_every_descriptor_once() {
    let (mut q, m) = queue(8, true, FreeList::Random);
    let mut orders = std::collections::BTreeSet::new();
    let mut index = 0;
    for _ in 0..20 {
        let heads: Vec<u16> = (0..8)
            .map(|t| q.add(&[readable(0, 1)], Shape::Direct, t, None).unwrap())
            .collect();
        let mut sorted = heads.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6, 7]);
        q.publish(None);
        for head in &heads {
            use_chain(&q, &m, index, (*head).into(), 0);
            index += 1;
        }
        while q.pop().unwrap().is_some() {}
        orders.insert(heads);
    }
    assert!(orders.len() > 10, "{orders:?}");
}

/// What an `IN_ORDER` device does: an element in the slot of the batch's first chain, the index behind its last.
fn use_batch(q: &SplitQueue<u32>, m: &Memory, (first, chains): (u16, u16), id: u16, len: u32) {
    let element = [u32::from(id).to_le_bytes(), len.to_le_bytes()].concat();
    m.device_write(0, q.layout().used_slot(first), &element, 15, 15);
    let word = (u32::from(first.wrapping_add(chains)) << 16).to_le_bytes();
    m.device_write(0, q.layout().used, &word, 0b1100, 0);
}

#[test]
fn one_used_element_returns_a_batch_and_descriptors_go_round_the_table() {
    let (mut q, m) = queue_with(8, true, FreeList::Lifo, true);
    let (mut next, mut index) = (0, 0u16);
    for round in 0..70_000u32 {
        let heads: Vec<u16> = (0..3)
            .map(|token| {
                q.add(&[readable(0, 1), writable(0, 60)], Shape::Direct, token, None)
                    .unwrap()
            })
            .collect();
        assert_eq!(heads, [next, (next + 2) % 8, (next + 4) % 8]);
        let last = (next + 5) % 8;
        assert_eq!(at(&m, q.layout(), heads[2]).3, last, "round {round}");
        next = (next + 6) % 8;
        q.publish(None);
        use_batch(&q, &m, (index, 2), heads[1], 7);
        let got = |q: &mut SplitQueue<u32>| q.pop().unwrap().map(|u| (u.token, u.len_bytes));
        // What was skipped counts as written to its end.
        assert_eq!((got(&mut q), q.has_used()), (Some((0, 60)), true));
        assert_eq!((got(&mut q), got(&mut q)), (Some((1, 7)), None));
        use_batch(&q, &m, (index.wrapping_add(2), 1), heads[2], 0);
        assert_eq!((got(&mut q), got(&mut q)), (Some((2, 0)), None));
        index = index.wrapping_add(3);
        assert_eq!((q.in_flight(), q.free_descriptors()), (0, 8));
    }
}

#[test]
fn a_batch_that_the_index_does_not_cover_is_an_error() {
    let (mut q, m) = queue_with(8, true, FreeList::Fifo, true);
    for token in 0..3 {
        q.add(&[readable(0, 1)], Shape::Direct, token, None).unwrap();
    }
    q.publish(None);
    use_batch(&q, &m, (0, 2), 2, 0);
    assert_eq!(
        q.pop().unwrap_err().to_string(),
        "used element 0 (descriptor 2) stands for 3 chains, the used index has passed 2"
    );
}

#[test]
fn kicks_follow_avail_event_over_the_wrap() {
    let (mut q, m) = queue(2, true, FreeList::Lifo);
    let event = q.layout().available_event();
    let mut kicks = 0u32;
    for n in 0..70_000u32 {
        // The device asks to be told of every third chain.
        if n % 3 == 0 {
            m.device_write(
                0,
                event & !3,
                &[(n as u16).to_le_bytes(), (n as u16).to_le_bytes()].concat(),
                if event.is_multiple_of(4) { 3 } else { 12 },
                0,
            );
        }
        let head = q.add(&[readable(0, 1)], Shape::Direct, n, None).unwrap();
        q.publish(None);
        let kick = q.kick_needed();
        assert_eq!(kick, n % 3 == 0, "chain {n}");
        kicks += u32::from(kick);
        use_chain(&q, &m, n as u16, head.into(), 0);
        assert_eq!(q.pop().unwrap().unwrap().token, n);
    }
    assert_eq!(kicks, 23_334);
    assert!(!q.kick_needed(), "nothing new, no kick");
}

#[test]
fn kicks_follow_the_used_flag_without_event_idx() {
    let (mut q, m) = queue(4, false, FreeList::Lifo);
    q.add(&[readable(0, 1)], Shape::Direct, 0, None).unwrap();
    q.publish(None);
    assert!(q.kick_needed());
    m.device_write(0, q.layout().used, &[1, 0, 0, 0], 0b0011, 0);
    q.add(&[readable(0, 1)], Shape::Direct, 0, None).unwrap();
    q.publish(None);
    assert!(!q.kick_needed());
}

#[test]
fn interrupts_are_asked_for_in_the_mode_negotiated() {
    let (mut q, m) = queue(4, true, FreeList::Lifo);
    q.disable_interrupts();
    assert_eq!(
        m.load_u16(q.layout().available_flags()),
        0,
        "flags stay 0 with EVENT_IDX"
    );
    q.enable_interrupts(3);
    assert_eq!(m.load_u16(q.layout().used_event()), 2);
    let (mut q, m) = queue(4, false, FreeList::Lifo);
    q.disable_interrupts();
    assert_eq!(m.load_u16(q.layout().available_flags()), 1);
    q.enable_interrupts(3);
    assert_eq!(
        (
            m.load_u16(q.layout().available_flags()),
            m.load_u16(q.layout().used_event())
        ),
        (0, 0)
    );
}

#[test]
fn a_used_ring_that_makes_no_sense_is_an_error_not_a_panic() {
    let check = |id, len, index| {
        let (mut q, m) = queue(4, true, FreeList::Lifo);
        q.add(&[writable(0, 10)], Shape::Direct, 0, None).unwrap();
        q.publish(None);
        use_chain(&q, &m, index, id, len);
        q.pop().unwrap_err().to_string()
    };
    assert_eq!(
        check(4, 0, 0),
        "used element 0 names descriptor 4 of a queue of 4"
    );
    assert_eq!(
        check(3, 0, 0),
        "used element 0 names descriptor 3, which heads no chain in flight"
    );
    assert_eq!(
        check(0, 11, 0),
        "used element 0 (descriptor 0) says 11 bytes written, the chain has room for 10"
    );
    assert_eq!(
        check(0, 0, 1),
        "used index 2 is 2 ahead of what was taken, 1 chains are in flight"
    );
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let (mut q, _m) = queue(2, true, FreeList::Lifo);
    let one = readable(0, 1);
    assert_eq!(q.add(&[], Shape::Direct, 0, None), Err(AddError::Empty));
    assert_eq!(
        q.add(&[one; 3], Shape::Indirect, 0, None),
        Err(AddError::TooLong { elements: 3, size: 2 })
    );
    q.add(&[one], Shape::Direct, 0, None).unwrap();
    assert_eq!(
        q.add(&[one; 2], Shape::Direct, 0, None),
        Err(AddError::Full { needed: 2, free: 1 })
    );
    assert_eq!((q.free_descriptors(), q.in_flight()), (1, 1));
}

#[test]
fn each_breach_is_where_it_should_be() {
    let spoilt = |wrong, shape| {
        let (mut q, m) = queue(4, true, FreeList::Lifo);
        q.add(&[readable(0x10, 12), readable(0x20, 60)], shape, 0, Some(wrong))
            .unwrap();
        q.publish(Some(wrong));
        (q, m)
    };
    let (q, m) = spoilt(Wrong::BadHead, Shape::Direct);
    assert_eq!(m.load_u16(q.layout().available_slot(0)), 4);
    let (q, m) = spoilt(Wrong::Loop, Shape::Direct);
    assert_eq!((at(&m, q.layout(), 1).2, at(&m, q.layout(), 1).3), (NEXT, 0));
    let (q, m) = spoilt(Wrong::NextOutOfRange, Shape::Direct);
    assert_eq!(at(&m, q.layout(), 1).3, 4);
    let (q, m) = spoilt(Wrong::IndexJump, Shape::Direct);
    assert_eq!(m.load_u16(q.layout().available_index()), 6);
    let (q, m) = spoilt(Wrong::DescriptorOrder, Shape::Direct);
    assert_eq!(
        (m.load_u16(q.layout().available_slot(0)), at(&m, q.layout(), 1).3),
        (1, 2)
    );
    let (q, m) = spoilt(Wrong::IndirectRagged, Shape::Indirect);
    assert_eq!(at(&m, q.layout(), 0).1, 40);
    let (q, m) = spoilt(Wrong::ReadableAfterWritable, Shape::Direct);
    assert_eq!(
        (at(&m, q.layout(), 0).2 & WRITE, at(&m, q.layout(), 1).2 & WRITE),
        (WRITE, 0)
    );
}

#[test]
fn a_dismantled_queue_gives_everything_back() {
    let (mut q, m) = queue(4, true, FreeList::Lifo);
    let own = m.live_buffers();
    assert_eq!(own, 3);
    q.add(&[readable(0, 1), readable(0, 1)], Shape::Indirect, 5, None)
        .unwrap();
    q.add(&[readable(0, 1)], Shape::Direct, 6, None).unwrap();
    let mut tokens = q.dismantle();
    tokens.sort_unstable();
    assert_eq!((tokens, m.live_buffers()), (vec![5, 6], 0));
}
