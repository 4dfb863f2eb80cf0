//! Driver and device at random, each asleep when it may be, over a memory that shows stores late and out of order: nothing is lost, nothing is taken
//! twice, nothing is seen half-written, and nobody sleeps for ever.

use std::collections::VecDeque;

use super::device::At;
use super::*;

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Works,
    /// Asks for a kick once its stores are visible.
    Publishes,
    /// Looks again once its event structure is visible.
    Arms(u16),
    Sleeps,
}

/// Address, length and direction of a list's elements.
type Parts = Vec<(u64, u32, bool)>;

struct Torture {
    recorder: Recorder,
    memory: Memory,
    queue: PackedQueue<u32>,
    device: Device,
    dice: Dice,
    driver: Driver,
    device_sleeps: bool,
    event_idx: bool,
    in_order: bool,
    longest: u64,
    token: u32,
    /// What the device has to find, in order.
    given: VecDeque<(u32, Parts)>,
    held: Vec<(u32, List)>,
    /// What the driver has to get back, in order.
    finished: VecDeque<(u32, u32)>,
    kicks: u32,
    interrupts: u32,
}

impl Torture {
    fn new(seed: u64, size: u16, (event_idx, reorder_stores, in_order): (bool, bool, bool)) -> Self {
        let recorder = Recorder::new();
        let config = MemoryConfig {
            visibility_ns_max: 200,
            reorder_stores,
            ..MemoryConfig::default()
        };
        let clock = ClockRate::from_mhz(250.0);
        let memory = Memory::new(&config, clock, recorder.clone(), Dice::new(seed, "memory"));
        let mut dice = Dice::new(seed, "torture");
        let free_list = [FreeList::Lifo, FreeList::Fifo, FreeList::Random][dice.below(3) as usize];
        let options = QueueOptions {
            event_idx,
            in_order,
            free_list,
            dice: Dice::new(seed, "queue"),
            start: None,
        };
        let queue = PackedQueue::new(&memory, size, options).unwrap();
        let device = Device::new(&memory, queue.areas());
        recorder.set_now(memory.visible_at());
        Torture {
            recorder,
            memory,
            queue,
            device,
            longest: u64::from(size).min(6),
            dice,
            driver: Driver::Works,
            device_sleeps: true,
            event_idx,
            in_order,
            token: 0,
            given: VecDeque::new(),
            held: Vec::new(),
            finished: VecDeque::new(),
            kicks: 0,
            interrupts: 0,
        }
    }

    fn now(&self) -> u64 {
        self.recorder.now()
    }

    /// One step of whoever is awake. False if nobody is.
    fn step(&mut self, tokens: u32) -> bool {
        let now = self.now() + 1 + self.dice.below(12);
        self.recorder.set_now(now);
        self.device.now = now;
        let driver_waits = match self.driver {
            Driver::Publishes | Driver::Arms(_) => self.memory.visible_at() > now,
            Driver::Sleeps => true,
            Driver::Works => self.token == tokens && self.queue.in_flight() == 0,
        };
        match (driver_waits, self.device_sleeps) {
            (true, true) => return matches!(self.driver, Driver::Publishes | Driver::Arms(_)),
            (true, false) => self.device_step(),
            (false, false) if self.dice.chance(500) => self.device_step(),
            (false, _) => self.driver_step(tokens),
        }
        true
    }

    fn driver_step(&mut self, tokens: u32) {
        match self.driver {
            Driver::Publishes => {
                if self.queue.kick_needed() {
                    self.kicks += 1;
                    self.device_sleeps = false;
                }
                self.driver = Driver::Works;
            }
            Driver::Arms(after) => {
                self.driver = if self.queue.has_reached(after) {
                    Driver::Works
                } else {
                    Driver::Sleeps
                };
            }
            Driver::Works => {
                self.queue.disable_interrupts();
                while let Some(used) = self.queue.pop().unwrap() {
                    assert_eq!(Some((used.token, used.len_bytes)), self.finished.pop_front());
                }
                let batch = self.dice.below(4);
                let added = (0..batch).filter(|_| self.token < tokens && self.add()).count();
                if added > 0 {
                    self.queue.publish(None);
                    self.driver = Driver::Publishes;
                } else if self.queue.in_flight() > 0 {
                    let most = if self.event_idx { self.queue.in_flight() } else { 1 };
                    let after = 1 + self.dice.below(most as u64) as u16;
                    self.queue.enable_interrupts(after);
                    self.driver = Driver::Arms(after);
                }
            }
            Driver::Sleeps => unreachable!("asleep"),
        }
    }

    fn add(&mut self) -> bool {
        let count = 1 + self.dice.below(self.longest);
        let writable = self.dice.below(count + 1);
        let elements: Vec<Element> = (0..count)
            .map(|i| element(u64::from(self.token) << 20 | i << 8, 1 + i as u32, i >= writable))
            .collect();
        let shape = if self.dice.chance(300) {
            Shape::Indirect
        } else {
            Shape::Direct
        };
        match self.queue.add(&elements, shape, self.token, None) {
            Ok(_) => {
                self.given.push_back((self.token, shown(&elements)));
                self.token += 1;
                true
            }
            Err(AddError::Full { .. }) => false,
            Err(e) => panic!("{e}"),
        }
    }

    fn device_step(&mut self) {
        if self.dice.chance(600)
            && let Some(list) = self.device.fetch()
        {
            let (token, parts) = self.given.pop_front().expect("no list out of nothing");
            assert_eq!(list.parts, parts, "list {token}");
            self.held.push((token, list));
        } else if !self.held.is_empty() && self.dice.chance(700) {
            self.finish();
        } else if self.held.is_empty() {
            let next = u16::from(self.device.next.wrap) << 15 | self.device.next.slot;
            self.device.ask(next, if self.event_idx { 2 } else { 0 });
            self.device_sleeps = !self.device.sees_available();
            if !self.device_sleeps {
                self.device.ask(0, 1);
            }
        }
    }

    fn finish(&mut self) {
        let from: At = self.device.used;
        let mut slots = 0;
        let count = 1 + self.dice.below(self.held.len() as u64) as usize;
        if self.in_order {
            // One used descriptor for all of them; those before the last are full.
            for (token, list) in self.held.drain(..count - 1) {
                let room: u32 = list.parts.iter().filter(|p| p.2).map(|p| p.1).sum();
                self.finished.push_back((token, room));
                slots += list.slots;
            }
            let (token, list) = self.held.remove(0);
            let len = list.parts.iter().any(|p| p.2).then_some(1);
            slots += list.slots;
            self.device.finish(list.id, slots, len);
            self.finished.push_back((token, len.unwrap_or(0)));
        }
        for _ in 0..if self.in_order { 0 } else { count } {
            let (token, list) = self.held.remove(self.dice.below(self.held.len() as u64) as usize);
            let room: u32 = list.parts.iter().filter(|p| p.2).map(|p| p.1).sum();
            let len = (room > 0).then(|| self.dice.up_to(room.into()) as u32);
            self.device.finish(list.id, list.slots, len);
            self.finished.push_back((token, len.unwrap_or(0)));
            slots += list.slots;
        }
        if self.device.interrupt_due(from, slots) {
            self.interrupts += 1;
            if self.driver == Driver::Sleeps {
                self.driver = Driver::Works;
            }
        }
    }
}

#[test]
fn nothing_is_lost_and_nobody_sleeps_for_ever() {
    const TOKENS: u32 = 400;
    for (number, size) in [1u16, 2, 3, 5, 7, 16, 255].into_iter().enumerate() {
        for variant in 0..8u64 {
            let [event_idx, reorder, in_order] = [1, 2, 4].map(|bit| variant & bit != 0);
            let mut t = Torture::new(number as u64 * 8 + variant, size, (event_idx, reorder, in_order));
            let mut steps = 0u32;
            while t.step(TOKENS) {
                steps += 1;
                assert!(steps < 2_000_000, "size {size}: no end");
            }
            assert_eq!(
                (
                    t.token,
                    t.queue.in_flight(),
                    t.held.len(),
                    t.given.len(),
                    t.finished.len()
                ),
                (TOKENS, 0, 0, 0, 0),
                "size {size}, event_idx {event_idx}, reorder {reorder}, in_order {in_order}: {}",
                t.queue.state()
            );
            assert_eq!(t.memory.take_errors(), []);
            assert!(t.kicks > 0 && t.interrupts > 0, "{} {}", t.kicks, t.interrupts);
        }
    }
}
