//! Enumeration against a configuration space in memory.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::config::LinkConfig;
use super::enumerate::{ConfigAccess, EnumerateError, enumerate};
use super::function::{Bar, Function, Structure};
use super::requests::RequestError;

/// A virtio function whose registers are bytes with a mask of what can be written.
struct Space {
    bytes: RefCell<Vec<u8>>,
    writable: Vec<u8>,
}

impl Space {
    fn new() -> Self {
        let mut s = Space {
            bytes: RefCell::new(vec![0; 256]),
            writable: vec![0; 256],
        };
        s.put(0x00, &[0xf4, 0x1a, 0x41, 0x10]);
        s.put(0x06, &[0x10, 0x00]);
        s.put(0x08, &[1, 0, 0, 2]);
        s.put(0x2c, &[0xf4, 0x1a, 0x00, 0x11]);
        s.put(0x34, &[0x40]);
        s.put(0x3d, &[1]);
        s.writable[0x04..0x06].copy_from_slice(&[6, 4]);
        s.bar(0, 0x1_0000, 0xc);
        s.bar(2, 0x2000, 0xc);
        s.put(0x40, &[0x10, 0x80, 2, 0, 0x22, 0x80, 0, 0]);
        s.writable[0x48..0x4a].copy_from_slice(&[0xff, 0x7f]);
        s.writable[0x69] = 0x10; // Device Control 2: 10-bit tags
        s.put(0x80, &[0x11, 0x90, 8, 0, 2, 0, 0, 0, 2, 0x10, 0, 0]);
        s.cap(0x90, 0xa4, 16, 1, 0, 0x0000, 64);
        s.cap(0xa4, 0xb8, 20, 2, 0, 0x3000, 64);
        s.put(0xb4, &[4, 0, 0, 0]);
        s.cap(0xb8, 0xc8, 16, 3, 0, 0x1000, 4);
        s.cap(0xc8, 0xd8, 16, 4, 0, 0x2000, 32);
        s.cap(0xd8, 0x00, 20, 5, 0, 0, 0);
        s
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes.borrow_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn bar(&mut self, index: usize, size: u32, kind: u8) {
        let at = 0x10 + 4 * index;
        self.put(at, &[kind]);
        self.writable[at..at + 4].copy_from_slice(&(!(size - 1) & !0xf).to_le_bytes());
        self.writable[at + 4..at + 8].fill(0xff);
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a virtio capability")]
    fn cap(&mut self, at: usize, next: u8, len: u8, kind: u8, bar: u8, offset: u32, length: u32) {
        self.put(at, &[9, next, len, kind, bar, 0, 0, 0]);
        self.put(at + 8, &offset.to_le_bytes());
        self.put(at + 12, &length.to_le_bytes());
    }
}

impl ConfigAccess for Space {
    async fn read(&self, reg: u16) -> Result<u32, RequestError> {
        let at = usize::from(reg);
        let b = self.bytes.borrow();
        Ok(u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]))
    }

    async fn write(&self, reg: u16, size: usize, value: u32) -> Result<(), RequestError> {
        let mut b = self.bytes.borrow_mut();
        for (i, new) in value.to_le_bytes().iter().take(size).enumerate() {
            let at = usize::from(reg) + i;
            let mask = self.writable[at];
            b[at] = b[at] & !mask | new & mask;
        }
        Ok(())
    }
}

fn run(space: &Space, link: &LinkConfig) -> Result<Function, EnumerateError> {
    let mut future = pin!(enumerate(space, 0x100, link));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a space in memory never waits"),
    }
}

fn refused(change: impl FnOnce(&mut Space)) -> EnumerateError {
    let mut space = Space::new();
    change(&mut space);
    run(&space, &LinkConfig::default()).unwrap_err()
}

#[test]
fn a_function_is_found_and_set_up() {
    let space = Space::new();
    let f = run(&space, &LinkConfig::default()).unwrap();
    assert_eq!((f.vendor, f.device, f.virtio_type()), (0x1af4, 0x1041, Some(1)));
    assert_eq!(
        (f.class, f.revision, f.subsystem, f.interrupt_pin),
        (0x02_0000, 1, 0x1100, 1)
    );
    let bar = |index, base, size_bytes| Bar {
        index,
        base,
        size_bytes,
        is_64: true,
        prefetchable: true,
    };
    assert_eq!(
        f.bars,
        [bar(0, 0x80_0000_0000, 0x1_0000), bar(2, 0x80_0001_0000, 0x2000)]
    );
    assert_eq!(f.capabilities.len(), 7);
    let v = f.virtio.unwrap();
    let place = |addr, len_bytes| Structure { addr, len_bytes };
    assert_eq!(v.common, place(0x80_0000_0000, 64));
    assert_eq!((v.notify, v.notify_multiplier), (place(0x80_0000_3000, 64), 4));
    assert_eq!(v.isr, place(0x80_0000_1000, 4));
    assert_eq!(
        (v.device, v.pci_cfg),
        (Some(place(0x80_0000_2000, 32)), Some(0xd8))
    );
    let m = f.msix.unwrap();
    assert_eq!((m.vectors, m.table, m.pba), (9, 0x80_0001_0000, 0x80_0001_1000));
    assert_eq!(f.maps().len(), 6);
    // Device Control: 256 bytes payload, 512 read request, extended tags, no relaxed ordering.
    assert_eq!((f.mps_bytes, f.mrrs_bytes, f.ext_tag), (256, 512, true));
    assert_eq!(space.bytes.borrow()[0x48..0x4a], [0x2f, 0x21]);
    assert_eq!(space.bytes.borrow()[4], 2, "memory space on, bus mastering off");
}

#[test]
fn the_device_decides_what_it_can_not_do() {
    let mut space = Space::new();
    space.put(0x44, &[0x00]); // 128 bytes, no extended tags
    let f = run(&space, &LinkConfig::default()).unwrap();
    assert_eq!((f.mps_bytes, f.ext_tag), (128, false));
}

#[test]
fn ten_bit_tags_are_enabled_where_both_sides_can() {
    let ten_bit_tag = true;
    let link = LinkConfig {
        ten_bit_tag,
        ..LinkConfig::default()
    };
    let mut space = Space::new();
    assert!(
        !run(&space, &link).unwrap().ten_bit_tag,
        "the function does not offer them"
    );
    space.put(0x66, &[0x03]); // Device Capabilities 2: completer and requester
    assert!(run(&space, &link).unwrap().ten_bit_tag);
    assert_eq!(space.bytes.borrow()[0x69], 0x10);
}

#[test]
fn the_first_capability_of_a_type_counts_and_reserved_bars_are_ignored() {
    let mut space = Space::new();
    space.cap(0xd8, 0xec, 16, 3, 0, 0x1800, 4);
    space.cap(0xec, 0x00, 16, 4, 6, 0, 4);
    let f = run(&space, &LinkConfig::default()).unwrap();
    assert_eq!(f.virtio.unwrap().isr.addr, 0x80_0000_1000);
}

/// Vendor data behind the ISR capability: {vendor, structure, BAR}, offset, length.
fn vendor_data(space: &mut Space, words: [u8; 4], offset: u32, length: u32) {
    space.cap(0xd8, 0xec, 20, 5, 0, 0, 0);
    space.cap(0xec, 0x00, 16, 9, 0, offset, length);
    space.put(0xf0, &words);
}

#[test]
fn of_vendor_data_only_that_of_our_own_device_is_looked_at() {
    let ours = [0x53, 0x52, 1, 0];
    for (words, wanted) in [
        (ours, Some(0x80_0000_4000)),
        ([0xf3, 0x1a, 1, 0], None),
        ([0x53, 0x52, 2, 0], None),
    ] {
        let mut space = Space::new();
        vendor_data(&mut space, words, 0x4000, 24);
        let f = run(&space, &LinkConfig::default()).unwrap();
        let window = f.virtio.unwrap().checkpoint;
        assert_eq!(window.map(|w| w.addr), wanted);
    }
    for (words, offset, length, part) in [
        (ours, 0x4004, 24, "no multiples of 8"),
        (ours, 0xfff8, 24, "ends beyond the BAR"),
        ([0x53, 0x52, 1, 5], 0x4000, 24, "no such memory BAR"),
    ] {
        let text = refused(|s| vendor_data(s, words, offset, length)).to_string();
        assert!(
            text.contains(part) && text.contains("checkpoint window"),
            "{text}"
        );
    }
    let short = refused(|s| {
        vendor_data(s, ours, 0x4000, 24);
        s.put(0xee, &[8]);
    });
    assert!(short.to_string().contains("cap_len"), "{short}");
}

#[test]
fn what_is_broken_is_refused_with_its_place() {
    let cases: [(&str, EnumerateError); 12] = [
        ("vendor id reads 0xffff", refused(|s| s.put(0, &[0xff, 0xff]))),
        ("header type 0x01", refused(|s| s.put(0x0e, &[1]))),
        ("makes a loop", refused(|s| s.put(0xb9, &[0x80]))),
        ("points into the header", refused(|s| s.put(0xb9, &[0x20]))),
        (
            "ends beyond the BAR",
            refused(|s| s.cap(0xc8, 0xd8, 16, 4, 0, 0xfff0, 32)),
        ),
        (
            "no such memory BAR",
            refused(|s| s.cap(0xc8, 0xd8, 16, 4, 4, 0, 32)),
        ),
        ("too short", refused(|s| s.cap(0x90, 0xa4, 16, 1, 0, 0, 32))),
        ("cap_len is too short", refused(|s| s.put(0xa6, &[16]))),
        ("not aligned", refused(|s| s.cap(0x90, 0xa4, 16, 1, 0, 2, 64))),
        ("virtio: no usable ISR", refused(|s| s.put(0xbb, &[7]))),
        ("Device Control", refused(|s| s.writable[0x48] = 0x0f)),
        (
            "BAR0 reads 0xffff0000",
            refused(|s| s.writable[0x14..0x18].fill(0)),
        ),
    ];
    for (part, error) in cases {
        let text = error.to_string();
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}
