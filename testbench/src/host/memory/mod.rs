//! Shared memory with a sense of time.
//!
//! A driver's store is *issued* now and *visible* to the device later; its own loads see it at once. A device's read samples memory when the root
//! complex says so, granule by granule, and a device's write is there for everybody at the moment it is applied. Every buffer lies between guard bytes, and
//! a freed one is poisoned, so that a stray write is found even by a reader who knows nothing of rings.

mod foreign;
mod heap;
mod pages;
mod stores;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ringside_models::event::What;
use serde::{Deserialize, Serialize};

pub use foreign::Backing;
pub use heap::{GUARD, GUARD_BYTES, MemoryError, POISON};
pub use pages::{FRESH, PAGE_BYTES};

use super::config::MemoryConfig;
use super::dice::Dice;
use super::latency::ClockRate;
use super::recorder::Recorder;
use foreign::Foreign;
use heap::Heap;
use pages::Pages;
use stores::StoreBuffer;

/// Errors kept; further ones are counted only.
const ERRORS_MAX: usize = 64;

/// What a queue's memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Frames to send.
    Payload,
    /// Descriptors, indices and event words; not indirect tables.
    Rings,
}

#[derive(Debug)]
struct Shared {
    pages: Pages,
    foreign: Foreign,
    heap: Heap,
    stores: StoreBuffer,
    visibility_cycles: u64,
    reorder: bool,
    dice: Dice,
    recorder: Recorder,
    /// Stores are recorded.
    told: bool,
    errors: Vec<MemoryError>,
    /// Queue and purpose of allocations that have one, by address.
    queues: BTreeMap<u64, (u16, Part)>,
}

/// Handle to the memory; clones share it.
#[derive(Clone, Debug)]
pub struct Memory(Rc<RefCell<Shared>>);

impl Memory {
    /// Empty memory.
    #[must_use]
    pub fn new(config: &MemoryConfig, clock: ClockRate, recorder: Recorder, dice: Dice) -> Self {
        Memory(Rc::new(RefCell::new(Shared {
            pages: Pages::default(),
            foreign: Foreign::default(),
            heap: Heap::new(config.base),
            stores: StoreBuffer::default(),
            visibility_cycles: clock.cycles(config.visibility_ns_max.into()),
            reorder: config.reorder_stores,
            dice,
            recorder,
            told: true,
            errors: Vec::new(),
            queues: BTreeMap::new(),
        })))
    }

    /// Allocates `len` bytes aligned to `align` (a power of two). Their content is undefined: whoever needs zeros stores them.
    ///
    /// # Errors
    /// [`MemoryError::Allocation`] for a length of 0 or an alignment that is no power of two.
    pub fn alloc(&self, len: u64, align: u64) -> Result<u64, MemoryError> {
        let s = &mut *self.0.borrow_mut();
        s.heap
            .alloc(&mut s.pages, len, align, s.recorder.now(), &mut s.errors)
    }

    /// Gives a buffer back. Its guards are checked, its content becomes poison.
    pub fn free(&self, addr: u64) {
        let s = &mut *self.0.borrow_mut();
        if let Some(len) = s.heap.free(&mut s.pages, addr, s.recorder.now(), &mut s.errors) {
            s.stores.forget(addr, len);
            s.queues.remove(&addr);
        }
    }

    /// Says what the allocation at `addr` is for, until it is given back.
    pub fn assign(&self, addr: u64, queue: u16, part: Part) {
        self.0.borrow_mut().queues.insert(addr, (queue, part));
    }

    /// What the allocation around `addr..addr + len` is for, if that was said.
    #[must_use]
    pub fn assigned(&self, addr: u64, len: u64) -> Option<(u16, Part)> {
        let s = self.0.borrow();
        let (start, _) = s.heap.owner(addr, len)?;
        s.queues.get(&start).copied()
    }

    /// The driver stores `data`: issued now, visible to the device later. Returns the cycle of visibility.
    #[expect(clippy::must_use_candidate, reason = "few callers wait for visibility")]
    pub fn store(&self, addr: u64, data: &[u8]) -> u64 {
        let s = &mut *self.0.borrow_mut();
        let now = s.recorder.now();
        if data.is_empty() {
            return now;
        }
        s.require("store", addr, data.len() as u64);
        s.stores.settle(now, &mut s.pages);
        let wish = now + s.dice.up_to(s.visibility_cycles);
        let visible = s.stores.push(addr, data.to_vec(), wish, s.reorder);
        if s.told {
            s.recorder.record_with(now, || What::Store {
                addr,
                data: data.to_vec(),
                visible: (visible != now).then_some(visible),
            });
        }
        visible
    }

    /// The driver's own view: its stores at once, the device's writes as far as they have arrived.
    #[must_use]
    pub fn load(&self, addr: u64, len: usize) -> Vec<u8> {
        let mut data = vec![0; len];
        self.load_into(addr, &mut data);
        data
    }

    /// As [`Memory::load`], into a buffer of the caller.
    pub fn load_into(&self, addr: u64, into: &mut [u8]) {
        let s = &mut *self.0.borrow_mut();
        s.require("load", addr, into.len() as u64);
        s.pages.read(addr, into);
        s.stores.overlay(addr, into);
    }

    /// The driver's view of a little-endian 16-bit word.
    #[must_use]
    pub fn load_u16(&self, addr: u64) -> u16 {
        let mut b = [0; 2];
        self.load_into(addr, &mut b);
        u16::from_le_bytes(b)
    }

    /// The driver's view of a little-endian 32-bit word.
    #[must_use]
    pub fn load_u32(&self, addr: u64) -> u32 {
        let mut b = [0; 4];
        self.load_into(addr, &mut b);
        u32::from_le_bytes(b)
    }

    /// Write barrier: stores issued later are not visible before those issued earlier.
    pub fn barrier(&self) {
        self.0.borrow_mut().stores.barrier();
    }

    /// The cycle from which every store so far is visible. A full barrier waits for it ([`Host::full_barrier`](super::Host::full_barrier)).
    #[must_use]
    pub fn visible_at(&self) -> u64 {
        self.0.borrow().stores.latest()
    }

    /// The cycle before which a register write that follows the present stores may not leave the processor: all stores, or on a weakly ordered
    /// processor those before the last barrier.
    #[must_use]
    pub fn ordered_at(&self) -> u64 {
        let s = self.0.borrow();
        if s.reorder {
            s.stores.floor()
        } else {
            s.stores.latest()
        }
    }

    /// Makes visible what is due.
    pub fn settle(&self, now: u64) {
        let s = &mut *self.0.borrow_mut();
        s.stores.settle(now, &mut s.pages);
    }

    /// Stores are no events from now on: the trace's header says that it has none.
    pub fn keep_stores_untold(&self) {
        self.0.borrow_mut().told = false;
    }

    /// The device can reach these regions of somebody else's memory from now on, instead of those before. They are in no [`What::Store`].
    pub fn lend(&self, regions: Vec<Rc<dyn Backing>>) {
        self.0.borrow_mut().foreign.set(regions);
    }

    /// Is there memory at all these addresses? (Pages that hold or held a buffer, and what is lent; the rest of the address space answers nobody.)
    #[must_use]
    pub fn is_memory(&self, addr: u64, len: u64) -> bool {
        let s = self.0.borrow();
        s.foreign.holds(addr, len) || s.pages.is_mapped(addr, len)
    }

    /// Does one live buffer, or somebody else's memory, hold all these bytes?
    #[must_use]
    pub fn is_allocated(&self, addr: u64, len: u64) -> bool {
        let s = self.0.borrow();
        s.foreign.holds(addr, len) || s.heap.owner(addr, len).is_some()
    }

    /// The device samples memory now.
    pub fn device_read(&self, now: u64, addr: u64, into: &mut [u8]) {
        let s = &mut *self.0.borrow_mut();
        s.stores.settle(now, &mut s.pages);
        if !s.foreign.read(addr, into) {
            s.pages.read(addr, into);
        }
    }

    /// A write of the device arrives: whole dwords at `addr` with the byte enables of the first and last.
    pub fn device_write(&self, now: u64, addr: u64, data: &[u8], fbe: u8, lbe: u8) {
        let s = &mut *self.0.borrow_mut();
        s.stores.settle(now, &mut s.pages);
        let dwords = data.len() / 4;
        let enabled = |i: usize| match i / 4 {
            0 => fbe >> i & 1 == 1,
            dword if dword + 1 == dwords => lbe >> (i % 4) & 1 == 1,
            _ => true,
        };
        if s.foreign.write(addr, data, enabled) {
            return;
        }
        s.write_enabled(addr, data.get(..4), fbe);
        if dwords > 1 {
            let last = (dwords - 1) * 4;
            s.write_enabled(addr.wrapping_add(last as u64), data.get(last..last + 4), lbe);
        }
        if dwords > 2 {
            s.pages.write(addr.wrapping_add(4), &data[4..(dwords - 1) * 4]);
        }
    }

    /// Checks all guards and poison, and takes every error found so far. `lost` errors beyond the first 64 are dropped.
    #[must_use]
    pub fn take_errors(&self) -> Vec<MemoryError> {
        let s = &mut *self.0.borrow_mut();
        let now = s.recorder.now();
        s.heap.check(&s.pages, now, &mut s.errors);
        s.errors.truncate(ERRORS_MAX);
        std::mem::take(&mut s.errors)
    }

    /// Buffers in use.
    #[must_use]
    pub fn live_buffers(&self) -> usize {
        self.0.borrow().heap.live()
    }
}

impl Shared {
    fn write_enabled(&mut self, addr: u64, dword: Option<&[u8]>, enables: u8) {
        for (i, value) in dword.unwrap_or_default().iter().enumerate() {
            if enables >> i & 1 == 1 {
                self.pages.write(addr.wrapping_add(i as u64), &[*value]);
            }
        }
    }

    fn require(&mut self, access: &'static str, addr: u64, len: u64) {
        if len != 0 && self.heap.owner(addr, len).is_none() && self.errors.len() < ERRORS_MAX {
            let cycle = self.recorder.now();
            self.errors.push(MemoryError::Outside {
                access,
                addr,
                len_bytes: len,
                cycle,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::config::Skew;

    fn memory(visibility_ns_max: u32) -> (Memory, Recorder) {
        let r = Recorder::new();
        let config = MemoryConfig {
            visibility_ns_max,
            skew: Skew::None,
            ..MemoryConfig::default()
        };
        let clock = ClockRate::from_mhz(250.0);
        (Memory::new(&config, clock, r.clone(), Dice::new(1, "memory")), r)
    }

    #[test]
    fn a_store_is_the_drivers_now_and_the_devices_later() {
        let (m, r) = memory(400);
        let a = m.alloc(64, 16).unwrap();
        assert_eq!(a % 16, 0);
        let mut seen = [0; 4];
        let mut late = 0;
        for cycle in (0..4000).step_by(200) {
            r.set_now(cycle);
            let data = (cycle as u32).to_le_bytes();
            let visible = m.store(a, &data);
            assert!((cycle..=cycle + 100).contains(&visible));
            assert_eq!(m.load_u32(a), cycle as u32);
            if visible > cycle {
                late += 1;
                m.device_read(visible - 1, a, &mut seen);
                assert_ne!(seen, data);
            }
            m.device_read(visible, a, &mut seen);
            assert_eq!(seen, data);
        }
        assert!(late > 10);
        assert_eq!(m.take_errors(), []);
    }

    #[test]
    fn stores_are_recorded_with_their_visibility() {
        let (m, r) = memory(0);
        let seen = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&seen);
        r.add_sink(Box::new(move |e| log.borrow_mut().push(e.clone())));
        let a = m.alloc(4, 4).unwrap();
        r.set_now(5);
        m.store(a, &[1, 2]);
        let want = What::Store {
            addr: a,
            data: vec![1, 2],
            visible: None,
        };
        assert_eq!((seen.borrow()[0].cycle, &seen.borrow()[0].what), (5, &want));
    }

    #[test]
    fn byte_enables_decide_what_a_device_writes() {
        let (m, _r) = memory(0);
        let a = m.alloc(32, 4).unwrap();
        m.store(a, &[0; 32]);
        m.device_write(1, a, &[0x11; 4], 0b0110, 0);
        assert_eq!(m.load(a, 4), [0, 0x11, 0x11, 0]);
        m.device_write(1, a + 4, &[0x22; 8], 0b1000, 0b0001);
        assert_eq!(m.load(a + 4, 8), [0, 0, 0, 0x22, 0x22, 0, 0, 0]);
        m.device_write(1, a + 12, &[0x33; 16], 0b1100, 0b0011);
        let mut want = [0x33; 16];
        for hole in [0, 1, 14, 15] {
            want[hole] = 0;
        }
        assert_eq!(m.load(a + 12, 16), want);
        m.device_write(1, a + 28, &[0x44; 4], 0, 0);
        assert_eq!(m.load(a + 28, 4), [0; 4]);
        assert_eq!(m.take_errors(), []);
    }

    #[test]
    fn a_write_beyond_a_buffer_is_found_on_both_sides() {
        let (m, _r) = memory(0);
        let a = m.alloc(10, 4).unwrap();
        m.device_write(1, a + 8, &[9; 4], 0b0111, 0);
        m.device_write(1, a - 4, &[9; 4], 0b1000, 0);
        let errors = m.take_errors();
        let at: Vec<u64> = errors
            .iter()
            .map(|e| match e {
                MemoryError::Guard { at, .. } => *at,
                e => panic!("{e}"),
            })
            .collect();
        assert_eq!(at, [a - 1, a + 10]);
        assert!(
            errors[1].to_string().contains("behind the buffer"),
            "{}",
            errors[1]
        );
    }

    #[test]
    fn freed_buffers_are_poisoned_and_watched() {
        let (m, r) = memory(400);
        let a = m.alloc(100, 4).unwrap();
        r.set_now(3);
        m.store(a, &[1; 100]);
        m.free(a);
        let mut seen = [0; 4];
        m.device_read(1000, a, &mut seen);
        assert_eq!(
            seen, [POISON; 4],
            "a store on its way does not wake a freed buffer"
        );
        m.device_write(1001, a + 4, &[7; 4], 0b0001, 0);
        let errors = m.take_errors();
        assert!(
            matches!(errors[..], [MemoryError::AfterFree { at, freed: 3, found: 7, .. }] if at == a + 4),
            "{errors:?}"
        );
    }

    #[test]
    fn buffers_are_used_again_after_a_while() {
        let (m, _r) = memory(0);
        let first = m.alloc(100, 4).unwrap();
        m.free(first);
        let mut again = 0;
        for _ in 0..100 {
            let a = m.alloc(100, 4).unwrap();
            again += u32::from(a == first);
            m.free(a);
        }
        assert!(again > 0);
        assert_eq!((m.live_buffers(), m.take_errors().len()), (0, 0));
    }

    #[test]
    fn misuse_by_the_driver_is_an_error_not_a_panic() {
        let (m, r) = memory(0);
        r.set_now(12);
        assert!(m.alloc(0, 4).is_err() && m.alloc(4, 3).is_err());
        let a = m.alloc(8, 8).unwrap();
        m.store(a + 4, &[0; 8]);
        m.free(a + 1);
        m.free(a);
        let _ = m.load(a, 4);
        let texts: Vec<String> = m.take_errors().iter().map(ToString::to_string).collect();
        assert!(
            texts[0].starts_with("cycle 12: driver store of 8 bytes"),
            "{texts:?}"
        );
        assert!(texts[1].contains("no buffer starts there"), "{texts:?}");
        assert!(
            texts.iter().any(|t| t.contains("driver load of 4 bytes")),
            "{texts:?}"
        );
    }
}
