//! Port access: loads and stores straight into the model, no call.

use std::cell::Cell;
use std::fmt;

use crate::build::Direction;

/// A port of a loaded model: a width and an address. Copy it freely; it belongs to the thread of its model.
///
/// A port may outlive its model; using it then is a panic that says so.
#[derive(Clone, Copy)]
pub struct Port {
    address: *mut u8,
    alive: &'static Cell<bool>,
    width: u32,
    input: bool,
}

impl Port {
    /// `address` points to the storage of a port of `width` bits in a model; `alive` turns false before that storage goes.
    pub(crate) fn new(address: usize, width: u32, input: bool, alive: &'static Cell<bool>) -> Self {
        Self {
            address: std::ptr::with_exposed_provenance_mut(address),
            alive,
            width,
            input,
        }
    }

    /// Width in bits.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Number of 32-bit words that hold it.
    #[must_use]
    pub const fn words(&self) -> usize {
        self.width.div_ceil(32) as usize
    }

    /// Direction, seen from the design.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        if self.input {
            Direction::Input
        } else {
            Direction::Output
        }
    }

    #[inline]
    fn check(&self) {
        assert!(self.alive.get(), "a port was used after its model was dropped");
    }

    /// The value; of a port wider than 64 bits the low 64.
    #[inline]
    #[must_use]
    pub fn get_u64(&self) -> u64 {
        self.check();
        // SAFETY: the storage lives (checked), has the size that the width implies (the model's table), and is aligned; nothing else runs in this thread.
        #[expect(unsafe_code, clippy::cast_ptr_alignment)]
        unsafe {
            match self.width {
                0..=8 => u64::from(self.address.read()),
                9..=16 => u64::from(self.address.cast::<u16>().read()),
                17..=32 => u64::from(self.address.cast::<u32>().read()),
                33..=64 => self.address.cast::<u64>().read(),
                _ => {
                    let words = self.address.cast::<u32>();
                    u64::from(words.read()) | u64::from(words.add(1).read()) << 32
                }
            }
        }
    }

    /// Sets the value; bits above the port's width are dropped, a port wider than 64 bits is zero-extended.
    #[inline]
    pub fn set_u64(&self, value: u64) {
        self.check();
        // SAFETY: as in `get_u64`. The model reads inputs only inside `eval`, which cannot run now.
        #[expect(unsafe_code, clippy::cast_ptr_alignment)]
        unsafe {
            match self.width {
                0..=8 => self
                    .address
                    .write((value as u8) & (0xff_u16 >> (8 - self.width)) as u8),
                9..=16 => self
                    .address
                    .cast::<u16>()
                    .write((value as u16) & (u16::MAX >> (16 - self.width))),
                17..=32 => self
                    .address
                    .cast::<u32>()
                    .write((value as u32) & (u32::MAX >> (32 - self.width))),
                33..=64 => self
                    .address
                    .cast::<u64>()
                    .write(value & (u64::MAX >> (64 - self.width))),
                width => {
                    let words = self.address.cast::<u32>();
                    words.write(value as u32);
                    let second = u32::MAX >> (64_u32.saturating_sub(width));
                    words.add(1).write((value >> 32) as u32 & second);
                    for index in 2..self.words() {
                        words.add(index).write(0);
                    }
                }
            }
        }
    }

    /// Whether any of the low 64 bits is set.
    #[inline]
    #[must_use]
    pub fn get_bool(&self) -> bool {
        self.get_u64() != 0
    }

    /// Sets 1 or 0.
    #[inline]
    pub fn set_bool(&self, value: bool) {
        self.set_u64(u64::from(value));
    }

    /// Reads the port as little-endian 32-bit words: as many as both sides have; words of `into` above the port become 0.
    #[inline]
    pub fn read_words(&self, into: &mut [u32]) {
        if self.width <= 64 {
            let value = self.get_u64();
            for (index, word) in into.iter_mut().enumerate() {
                *word = if index < 2 {
                    (value >> (32 * index)) as u32
                } else {
                    0
                };
            }
            return;
        }
        self.check();
        let count = self.words().min(into.len());
        // SAFETY: a port wider than 64 bits is an array of `words()` 32-bit words; `into` is Rust's own memory.
        #[expect(unsafe_code, clippy::cast_ptr_alignment)]
        unsafe {
            std::ptr::copy_nonoverlapping(self.address.cast::<u32>(), into.as_mut_ptr(), count);
        }
        into[count..].fill(0);
    }

    /// Writes the port from little-endian 32-bit words; missing words are 0, bits above the port's width are dropped.
    #[inline]
    pub fn write_words(&self, from: &[u32]) {
        if self.width <= 64 {
            let word = |index: usize| from.get(index).copied().map_or(0, u64::from);
            self.set_u64(word(0) | word(1) << 32);
            return;
        }
        self.check();
        let words = self.words();
        let count = words.min(from.len());
        // SAFETY: as in `read_words`; every write stays below `words()`.
        #[expect(unsafe_code, clippy::cast_ptr_alignment)]
        unsafe {
            let to = self.address.cast::<u32>();
            std::ptr::copy_nonoverlapping(from.as_ptr(), to, count);
            for index in count..words {
                to.add(index).write(0);
            }
            let top = to.add(words - 1);
            // Verilator relies on the unused bits of the last word being 0.
            top.write(top.read() & (u32::MAX >> (words * 32 - self.width as usize)));
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Port");
        debug.field("dir", &self.direction()).field("width", &self.width);
        if self.alive.get() {
            let mut words = vec![0; self.words()];
            self.read_words(&mut words);
            debug.field("words", &format_args!("{words:08x?}"));
        }
        debug.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive() -> &'static Cell<bool> {
        Box::leak(Box::new(Cell::new(true)))
    }

    /// Every width round-trips, is masked, and never touches a byte beside it.
    #[test]
    fn every_width_round_trips_within_its_bytes() {
        for width in 1..=130_u32 {
            let mut store = [u32::MAX; 8];
            let address = (&raw mut store[2]).cast::<u8>().expose_provenance();
            let port = Port::new(address, width, true, alive());
            port.write_words(&[0x89ab_cdef, 0x0123_4567, 0xdead_beef, 0x5555_5555, 0x3]);
            let mut back = [7; 6];
            port.read_words(&mut back);
            let expect: Vec<u32> = [0x89ab_cdef_u32, 0x0123_4567, 0xdead_beef, 0x5555_5555, 0x3, 0]
                .iter()
                .enumerate()
                .map(|(i, w)| match (width as usize).saturating_sub(32 * i) {
                    0 => 0,
                    n if n >= 32 => *w,
                    n => w & (u32::MAX >> (32 - n)),
                })
                .collect();
            assert_eq!(back.to_vec(), expect, "width {width}");
            port.set_u64(u64::MAX);
            assert_eq!(port.get_u64(), u64::MAX >> (64 - width.min(64)), "width {width}");
            assert_eq!(store[..2], [u32::MAX; 2], "width {width}");
            let used = if width <= 32 {
                3
            } else {
                2 + width.div_ceil(32) as usize
            };
            assert!(store[used..].iter().all(|w| *w == u32::MAX), "width {width}");
        }
    }

    #[test]
    #[should_panic(expected = "after its model was dropped")]
    fn a_port_of_a_dropped_model_is_refused() {
        let mut store = 0_u64;
        let flag = alive();
        let port = Port::new((&raw mut store).cast::<u8>().expose_provenance(), 64, true, flag);
        flag.set(false);
        let _ = port.get_u64();
    }
}
