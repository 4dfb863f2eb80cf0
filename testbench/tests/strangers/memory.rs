//! Memory of a driver that uses raw pointers, as a mirror of the host's memory: the only unsafe code of these tests.
//!
//! The driver runs in lockstep with the clock (`ringside::serve::in_process`), in one thread that also owns this memory. So
//! nobody else ever touches it, and at each turn a comparison with the last known content tells what the driver stored.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::NonNull;

use ringside::serve::in_process::{Ask, Guest, GuestError, Reply, Signal, Turn};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// Bytes that are compared as one: a descriptor's address, or its other fields.
const WORD: usize = 8;

struct Region {
    bus: u64,
    at: NonNull<u8>,
    /// What the host's memory holds there, as far as this side knows.
    mirror: Vec<u8>,
}

fn layout(len: usize) -> Layout {
    Layout::from_size_align(len, PAGE_SIZE).expect("a few pages")
}

impl Region {
    fn new(bus: u64, len: usize) -> Self {
        // SAFETY: the layout has a size: `dma_alloc` refuses zero pages.
        let Some(at) = NonNull::new(unsafe { alloc_zeroed(layout(len)) }) else {
            handle_alloc_error(layout(len));
        };
        Region {
            bus,
            at,
            mirror: vec![0; len],
        }
    }

    /// What the memory holds now.
    fn bytes(&self) -> Vec<u8> {
        // SAFETY: `at` was allocated with this length and zeroed; the driver runs in this thread and not now.
        unsafe { std::slice::from_raw_parts(self.at.as_ptr(), self.mirror.len()) }.to_vec()
    }

    /// Takes what the device wrote.
    fn update(&mut self, view: &[u8]) {
        for (offset, (new, old)) in view.iter().zip(&mut self.mirror).enumerate() {
            if new != old {
                *old = *new;
                // SAFETY: `offset` is below the length of the allocation; nobody holds a reference into it now.
                unsafe { self.at.add(offset).write_volatile(*new) };
            }
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.at.as_ptr(), layout(self.mirror.len())) };
    }
}

/// The driver's machine: its memory, and the way to the device.
pub(crate) struct Machine {
    guest: Guest,
    regions: Vec<Region>,
    /// Available rings: whose last word counts first. Address and length.
    rings: Vec<(u64, usize)>,
    /// Stores into buffers, not handed over yet.
    stores: Vec<(u64, Vec<u8>)>,
    signals: Vec<Signal>,
}

thread_local! {
    static MACHINE: RefCell<Option<Machine>> = const { RefCell::new(None) };
}

/// The machine of this thread's driver.
pub(crate) fn machine<T>(use_it: impl FnOnce(&mut Machine) -> T) -> T {
    MACHINE.with_borrow_mut(|m| use_it(m.as_mut().expect("a driver runs in this thread")))
}

/// Runs `driver` on a machine of its own.
pub(crate) fn with_machine<T>(guest: Guest, driver: impl FnOnce() -> T) -> T {
    let machine = Machine {
        guest,
        regions: Vec::new(),
        rings: Vec::new(),
        stores: Vec::new(),
        signals: Vec::new(),
    };
    MACHINE.set(Some(machine));
    let value = driver();
    MACHINE.set(None);
    value
}

impl Machine {
    pub(crate) fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Interrupts since the last call.
    pub(crate) fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    /// From here to there lies an available ring.
    pub(crate) fn ring(&mut self, addr: u64, len: usize) {
        self.rings.push((addr, len));
    }

    /// Hands over what the driver stored, asks, and takes what the device wrote.
    pub(crate) fn ask(&mut self, ask: Ask) -> u64 {
        self.ask_and_look(ask, None).0
    }

    fn ask_and_look(&mut self, ask: Ask, look: Option<(u64, usize)>) -> (u64, Vec<u8>) {
        let mut stores = std::mem::take(&mut self.stores);
        stores.extend(self.ring_stores());
        let mut views: Vec<_> = self.regions.iter().map(|r| (r.bus, r.mirror.len())).collect();
        views.extend(look);
        let turn = Turn { stores, ask, views };
        let Reply {
            value,
            mut views,
            interrupts,
            ..
        } = match self.guest.turn(turn) {
            Ok(reply) => reply,
            Err(GuestError::Over) => panic!("the simulation ended under the driver"),
            Err(e) => panic!("{e}"),
        };
        let looked = look.and_then(|_| views.pop()).unwrap_or_default();
        for (region, view) in self.regions.iter_mut().zip(&views) {
            region.update(view);
        }
        self.signals.extend(interrupts);
        (value, looked)
    }

    /// What changed in the rings since the last turn: available rings last and from their ends, so that an index follows what it publishes.
    fn ring_stores(&mut self) -> Vec<(u64, Vec<u8>)> {
        let mut plain = Vec::new();
        let mut rings = Vec::new();
        for region in &mut self.regions {
            let now = region.bytes();
            for (word, (new, old)) in now.chunks(WORD).zip(region.mirror.chunks(WORD)).enumerate() {
                if new == old {
                    continue;
                }
                let addr = region.bus + (word * WORD) as u64;
                let in_ring = |a: u64| {
                    self.rings
                        .iter()
                        .any(|(start, len)| (*start..*start + *len as u64).contains(&a))
                };
                if in_ring(addr) || in_ring(addr + WORD as u64 - 1) {
                    for (half, (n, o)) in new.chunks(2).zip(old.chunks(2)).enumerate() {
                        if n != o {
                            rings.push((addr + 2 * half as u64, n.to_vec()));
                        }
                    }
                } else {
                    plain.push((addr, new.to_vec()));
                }
            }
            region.mirror = now;
        }
        rings.sort_by_key(|(addr, _)| std::cmp::Reverse(*addr));
        plain.extend(rings);
        plain
    }
}

/// The memory of this thread's machine, as the driver asks for it.
pub(crate) struct MirrorHal;

// SAFETY: `dma_alloc` gives zeroed, page-aligned memory of its own that lives until `dma_dealloc`.
unsafe impl Hal for MirrorHal {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let len = pages.max(1) * PAGE_SIZE;
        machine(|m| {
            let bus = m.ask(Ask::Alloc {
                len: len as u64,
                align: PAGE_SIZE as u64,
            });
            m.stores.push((bus, vec![0; len]));
            let region = Region::new(bus, len);
            let at = region.at;
            m.ask(Ask::Look {});
            m.regions.push(region);
            (bus, at)
        })
    }

    unsafe fn dma_dealloc(bus: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        machine(|m| {
            let before = m.regions.len();
            m.regions.retain(|r| r.bus != bus);
            m.ask(Ask::Free { addr: bus });
            i32::from(m.regions.len() == before)
        })
    }

    unsafe fn mmio_phys_to_virt(_: PhysAddr, _: usize) -> NonNull<u8> {
        unreachable!("registers are behind the transport, not behind pointers")
    }

    unsafe fn share(buffer: NonNull<[u8]>, direction: BufferDirection) -> PhysAddr {
        machine(|m| {
            let bus = m.ask(Ask::Alloc {
                len: buffer.len() as u64,
                align: 16,
            });
            if direction != BufferDirection::DeviceToDriver {
                // SAFETY: the caller says that the buffer is valid and not being changed.
                m.stores.push((bus, unsafe { buffer.as_ref() }.to_vec()));
            }
            bus
        })
    }

    unsafe fn unshare(bus: PhysAddr, mut buffer: NonNull<[u8]>, direction: BufferDirection) {
        machine(|m| {
            if direction != BufferDirection::DriverToDevice {
                let (_, bytes) = m.ask_and_look(Ask::Look {}, Some((bus, buffer.len())));
                // SAFETY: the caller says that the buffer is valid and nobody else's.
                unsafe { buffer.as_mut() }.copy_from_slice(&bytes);
            }
            m.ask(Ask::Free { addr: bus });
        });
    }
}
