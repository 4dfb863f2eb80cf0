//! Registers of the repository's own device under a driver that does what it must not, or what few drivers do: lines 43 to 70 of
//! docs/corner-cases.md. What a write must not change is read back; that nothing else is harmed shows in the scenarios.

mod host_common;

use host_common::{Run, dut, pins, start};
use ringside::host::config::HostConfig;
use ringside::host::{Function, Host};
use ringside_models::event::{Channel, Event, What};

const DEVICE_FEATURE_SELECT: u64 = 0x00;
const DEVICE_FEATURE: u64 = 0x04;
const DRIVER_FEATURE_SELECT: u64 = 0x08;
const DRIVER_FEATURE: u64 = 0x0c;
const CONFIG_VECTOR: u64 = 0x10;
const NUM_QUEUES: u64 = 0x12;
const STATUS: u64 = 0x14;
const GENERATION: u64 = 0x15;
const QUEUE_SELECT: u64 = 0x16;
const QUEUE_SIZE: u64 = 0x18;
const QUEUE_VECTOR: u64 = 0x1a;
const QUEUE_ENABLE: u64 = 0x1c;
const QUEUE_NOTIFY_OFF: u64 = 0x1e;
const QUEUE_DESC: u64 = 0x20;
const QUEUE_RESET: u64 = 0x3a;

const ACKNOWLEDGE_AND_DRIVER: u8 = 3;
const DRIVER_OK: u8 = 4;
const FEATURES_OK: u8 = 8;
const NEEDS_RESET: u8 = 64;
const FAILED: u8 = 128;

const VERSION_1: u128 = 1 << 32;
const RING_PACKED: u128 = 1 << 34;
const RING_RESET: u128 = 1 << 40;
const CTRL_VQ: u128 = 1 << 17;
const NO_VECTOR: u64 = 0xffff;

/// An enumerated device and its common configuration.
struct Common<'a> {
    host: &'a Host,
    function: Function,
    base: u64,
}

impl<'a> Common<'a> {
    async fn find(host: &'a Host) -> Self {
        let function = host.enumerate().await.unwrap();
        host.set_command(true, true, false).await.unwrap();
        let base = function.virtio.unwrap().common.addr;
        Common { host, function, base }
    }

    async fn read(&self, offset: u64, size: usize) -> u64 {
        self.host.mmio_read(self.base + offset, size).await.unwrap()
    }

    async fn write(&self, offset: u64, value: u64, size: usize) {
        let bytes = value.to_le_bytes();
        self.host
            .mmio_write(self.base + offset, &bytes[..size])
            .await
            .unwrap();
    }

    async fn status(&self) -> u8 {
        self.read(STATUS, 1).await as u8
    }

    async fn set_status(&self, status: u8) {
        self.write(STATUS, status.into(), 1).await;
    }

    async fn offered(&self) -> u128 {
        let mut all = 0;
        for window in 0..4_u32 {
            self.write(DEVICE_FEATURE_SELECT, window.into(), 4).await;
            all |= u128::from(self.read(DEVICE_FEATURE, 4).await) << (32 * window);
        }
        all
    }

    /// Steps 1 to 5: acknowledge, features, `FEATURES_OK`. Is the bit kept?
    async fn negotiate(&self, features: u128) -> bool {
        self.set_status(ACKNOWLEDGE_AND_DRIVER).await;
        for window in 0..4_u32 {
            self.write(DRIVER_FEATURE_SELECT, window.into(), 4).await;
            let word = (features >> (32 * window)) as u32;
            self.write(DRIVER_FEATURE, word.into(), 4).await;
        }
        self.set_status(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK).await;
        self.status().await & FEATURES_OK != 0
    }

    async fn reset(&self) {
        self.set_status(0).await;
        while self.status().await != 0 {}
    }

    /// Gives the queue a zeroed ring of `size` entries, and enables it.
    async fn enable(&self, queue: u16, size: u16) {
        let memory = self.host.memory();
        self.write(QUEUE_SELECT, queue.into(), 2).await;
        self.write(QUEUE_SIZE, size.into(), 2).await;
        for part in 0..3 {
            let addr = memory.alloc(4096, 16).unwrap();
            memory.store(addr, &[0; 4096]);
            self.write(QUEUE_DESC + 8 * part, addr & 0xffff_ffff, 4).await;
            self.write(QUEUE_DESC + 8 * part + 4, addr >> 32, 4).await;
        }
        self.host.full_barrier().await;
        self.write(QUEUE_ENABLE, 1, 2).await;
    }

    /// A write of these bytes to the kick address of `queue`.
    async fn kick(&self, queue: u64, bytes: &[u8]) {
        let v = self.function.virtio.unwrap();
        let addr = v.notify.addr + queue * u64::from(v.notify_multiplier);
        self.host.mmio_write(addr, bytes).await.unwrap();
    }
}

/// A note: requests before it do not matter.
const HERE: &str = "from here on";

/// Runs `test` on a fresh device; the requests that the device sent since the note [`HERE`], if there is one.
fn device(test: impl AsyncFnOnce(&Common<'_>)) -> Vec<Event> {
    let run: Run = start(&dut("../rtl/dut.toml", &[]), &HostConfig::default(), 1);
    let events = run.go(async |host, _| {
        let common = Common::find(host).await;
        test(&common).await;
        host.quiet(500).await;
    });
    assert_eq!(pins(&events), [""; 0]);
    let here = events
        .iter()
        .position(|e| matches!(&e.what, What::Note { text } if text == HERE));
    events
        .into_iter()
        .skip(here.unwrap_or(0))
        .filter(|e| matches!(e.what, What::Tlp { ch: Channel::Rq, .. }))
        .collect()
}

#[test]
fn every_broken_dependency_is_refused_and_every_right_set_taken() {
    device(async |c| {
        let offered = c.offered().await;
        assert!(offered & VERSION_1 != 0 && offered & CTRL_VQ != 0);
        assert!(c.negotiate(offered).await, "all that is offered");
        c.reset().await;
        assert!(!c.negotiate(offered & !VERSION_1).await, "without VERSION_1");
        c.reset().await;
        // CTRL_RX, CTRL_VLAN, MQ, CTRL_MAC_ADDR, VQ_NOTF_COAL and NOTF_COAL each want the control queue.
        for bit in [18, 19, 22, 23, 52, 53] {
            assert!(offered >> bit & 1 == 1, "bit {bit} is offered");
            assert!(!c.negotiate(VERSION_1 | 1 << bit).await, "bit {bit} alone");
            c.reset().await;
            assert!(c.negotiate(VERSION_1 | CTRL_VQ | 1 << bit).await, "bit {bit}");
            c.reset().await;
        }
        for bit in (0..128).filter(|bit| offered >> bit & 1 == 0) {
            assert!(
                !c.negotiate(VERSION_1 | 1 << bit).await,
                "bit {bit} is not offered"
            );
            c.reset().await;
        }
        assert!(c.negotiate(offered).await, "the same set after a reset");
    });
}

#[test]
fn windows_beyond_the_last_read_zero_and_take_nothing() {
    device(async |c| {
        for select in [4, 5, 0x8000_0000, 0xffff_ffff] {
            c.write(DEVICE_FEATURE_SELECT, select, 4).await;
            assert_eq!(c.read(DEVICE_FEATURE, 4).await, 0, "window {select:#x}");
            c.write(DRIVER_FEATURE_SELECT, select, 4).await;
            c.write(DRIVER_FEATURE, 0xffff_ffff, 4).await;
            assert_eq!(c.read(DRIVER_FEATURE, 4).await, 0, "window {select:#x}");
        }
        for window in 0..4 {
            c.write(DRIVER_FEATURE_SELECT, window, 4).await;
            assert_eq!(c.read(DRIVER_FEATURE, 4).await, 0, "window {window} is as it was");
        }
    });
}

#[test]
fn what_this_device_has_not_it_does_not_offer() {
    device(async |c| {
        let offered = c.offered().await;
        // Checksums and segmentation (0, 1, 7 to 14), bits 57 to 66 of offloads and hashes, and whatever else needs a longer header.
        for bit in [0, 1, 7, 8, 9, 10, 11, 12, 13, 14, 54, 56, 57, 59, 60, 65, 66] {
            assert_eq!(offered >> bit & 1, 0, "bit {bit}");
        }
        // SR_IOV and ADMIN_VQ.
        for bit in [37, 41] {
            assert_eq!(offered >> bit & 1, 0, "bit {bit}");
        }
        assert_eq!(offered >> 64, 0, "nothing in the upper windows");
    });
}

#[test]
fn features_are_frozen_by_features_ok() {
    device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        c.write(DRIVER_FEATURE_SELECT, 0, 4).await;
        c.write(DRIVER_FEATURE, 1 << 17, 4).await;
        assert_eq!(c.read(DRIVER_FEATURE, 4).await, 0);
        assert_eq!(c.status().await & FEATURES_OK, FEATURES_OK);
    });
}

#[test]
fn status_bits_go_only_by_a_reset() {
    device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        c.set_status(FEATURES_OK).await;
        assert_eq!(
            c.status().await,
            ACKNOWLEDGE_AND_DRIVER | FEATURES_OK,
            "nothing is cleared"
        );
        c.set_status(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | NEEDS_RESET)
            .await;
        assert_eq!(
            c.status().await & NEEDS_RESET,
            0,
            "DEVICE_NEEDS_RESET is the device's"
        );
        let running = ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | DRIVER_OK;
        for _ in 0..2 {
            c.set_status(running).await;
            assert_eq!(c.status().await, running, "DRIVER_OK, and again");
        }
        c.set_status(running | FAILED).await;
        assert_eq!(c.status().await, running | FAILED);
        c.reset().await;
    });
}

#[test]
fn driver_ok_without_features_ok_starts_nothing() {
    let requests = device(async |c| {
        c.set_status(ACKNOWLEDGE_AND_DRIVER).await;
        c.enable(1, 8).await;
        assert_eq!(c.read(QUEUE_ENABLE, 2).await, 0, "no queue before FEATURES_OK");
        c.set_status(ACKNOWLEDGE_AND_DRIVER | DRIVER_OK).await;
        assert_eq!(
            c.status().await,
            ACKNOWLEDGE_AND_DRIVER | DRIVER_OK,
            "the bit is there to see"
        );
        c.enable(1, 8).await;
        c.kick(1, &[1, 0]).await;
    });
    assert_eq!(requests, []);
}

#[test]
fn nothing_is_read_before_driver_ok_and_a_kick_of_then_is_not_needed() {
    let requests = device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        c.enable(1, 8).await;
        c.kick(1, &[1, 0]).await;
        c.host.quiet(500).await;
        assert_eq!(c.read(QUEUE_ENABLE, 2).await, 1);
    });
    assert_eq!(requests, []);
}

#[test]
fn kicks_that_say_nothing_are_ignored() {
    // Absent queues, a disabled one, another queue's number, a byte, eight bytes, 32 bits without NOTIFICATION_DATA; each read would be seen.
    let requests = device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        c.enable(1, 8).await;
        c.set_status(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | DRIVER_OK)
            .await;
        c.status().await;
        c.host.quiet(2000).await;
        c.host.recorder().note(HERE);
        c.kick(9, &[9, 0]).await;
        c.kick(600, &[88, 2]).await;
        c.kick(0, &[0, 0]).await;
        c.kick(1, &[3, 0]).await;
        c.kick(1, &[1]).await;
        c.kick(1, &[1, 0, 0, 0]).await;
        c.kick(0, &[0, 0, 0, 0, 1, 0, 0, 0]).await;
        c.host.quiet(2000).await;
        assert_eq!(c.status().await, ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | DRIVER_OK);
    });
    assert_eq!(requests, []);
}

#[test]
fn a_right_kick_through_the_access_window_is_a_kick() {
    let requests = device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        c.enable(1, 8).await;
        c.set_status(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | DRIVER_OK)
            .await;
        let v = c.function.virtio.unwrap();
        let window = v.pci_cfg.unwrap();
        let offset = v.notify.addr + u64::from(v.notify_multiplier) - c.function.bars[0].base;
        c.host.config_write(window + 4, 1, 0).await.unwrap();
        c.host.config_write(window + 8, 4, offset as u32).await.unwrap();
        c.host.config_write(window + 12, 4, 2).await.unwrap();
        c.host.config_write(window + 16, 2, 1).await.unwrap();
        c.host.quiet(2000).await;
    });
    assert!(!requests.is_empty(), "the available index is read");
}

#[test]
fn sizes_that_may_not_be_are_not_taken() {
    device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        c.write(QUEUE_SELECT, 1, 2).await;
        let max = c.read(QUEUE_SIZE, 2).await;
        for size in [0, 3, 100, max + 1, 2 * max, 0xffff] {
            c.write(QUEUE_SIZE, size, 2).await;
            assert_eq!(c.read(QUEUE_SIZE, 2).await, max, "{size}");
        }
        c.write(QUEUE_SIZE, 8, 2).await;
        assert_eq!(c.read(QUEUE_SIZE, 2).await, 8);
        c.reset().await;
        assert!(c.negotiate(VERSION_1 | RING_PACKED).await);
        c.write(QUEUE_SELECT, 1, 2).await;
        for (size, is) in [(0, max), (3, 3), (255, 255), (max + 1, 255), (1, 1)] {
            c.write(QUEUE_SIZE, size, 2).await;
            assert_eq!(c.read(QUEUE_SIZE, 2).await, is, "{size}, packed");
        }
    });
}

#[test]
fn an_enabled_queue_stays_what_it_is() {
    device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        c.enable(1, 8).await;
        let before = c.read(QUEUE_DESC, 4).await;
        c.write(QUEUE_SIZE, 16, 2).await;
        c.write(QUEUE_DESC, 0x1000, 4).await;
        c.write(QUEUE_ENABLE, 0, 2).await;
        assert_eq!(c.read(QUEUE_SIZE, 2).await, 8);
        assert_eq!(c.read(QUEUE_DESC, 4).await, before);
        assert_eq!(c.read(QUEUE_ENABLE, 2).await, 1, "only a reset disables");
        c.write(QUEUE_VECTOR, 2, 2).await;
        assert_eq!(c.read(QUEUE_VECTOR, 2).await, 2, "a vector may change");
    });
}

#[test]
fn a_queue_may_be_enabled_after_driver_ok() {
    device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        c.set_status(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | DRIVER_OK)
            .await;
        c.enable(1, 8).await;
        assert_eq!(c.read(QUEUE_ENABLE, 2).await, 1);
    });
}

#[test]
fn queue_resets_are_per_queue_and_a_disabled_queue_has_none() {
    device(async |c| {
        assert!(c.negotiate(VERSION_1 | RING_RESET).await);
        c.write(QUEUE_SELECT, 0, 2).await;
        c.write(QUEUE_RESET, 1, 2).await;
        assert_eq!(c.read(QUEUE_RESET, 2).await, 0, "disabled: nothing to do");
        c.enable(0, 8).await;
        c.enable(1, 8).await;
        c.set_status(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | DRIVER_OK)
            .await;
        // Two at once, queue_select goes on while they run.
        for queue in [0, 1] {
            c.write(QUEUE_SELECT, queue, 2).await;
            c.write(QUEUE_RESET, 1, 2).await;
        }
        for queue in [0, 1] {
            c.write(QUEUE_SELECT, queue, 2).await;
            while c.read(QUEUE_RESET, 2).await != 0 {}
            assert_eq!(c.read(QUEUE_ENABLE, 2).await, 0);
        }
        // Again, in other places, of another size; and a device reset while a queue reset runs.
        c.enable(1, 32).await;
        assert_eq!(c.read(QUEUE_SIZE, 2).await, 32);
        c.write(QUEUE_RESET, 1, 2).await;
        c.reset().await;
        assert!(c.negotiate(VERSION_1).await);
        c.enable(1, 8).await;
        c.write(QUEUE_RESET, 1, 2).await;
        assert_eq!(c.read(QUEUE_RESET, 2).await, 0, "not negotiated");
        assert_eq!(c.read(QUEUE_ENABLE, 2).await, 1);
    });
}

#[test]
fn a_reset_reads_nonzero_until_it_is_over() {
    device(async |c| {
        assert!(c.negotiate(VERSION_1).await);
        for queue in 0..4 {
            c.enable(queue, 8).await;
        }
        c.set_status(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | DRIVER_OK)
            .await;
        for queue in 0..4_u8 {
            c.kick(queue.into(), &[queue, 0]).await;
        }
        // Reset, another reset on top, and writes that a driver had better not make now.
        c.set_status(0).await;
        c.set_status(0).await;
        c.set_status(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK).await;
        c.write(QUEUE_SIZE, 4, 2).await;
        while c.status().await != 0 {}
        c.write(QUEUE_SELECT, 1, 2).await;
        assert_eq!(c.read(QUEUE_ENABLE, 2).await, 0);
        assert_eq!(c.read(QUEUE_DESC, 4).await, 0);
        assert_eq!(c.read(CONFIG_VECTOR, 2).await, NO_VECTOR);
    });
}

#[test]
fn addresses_are_written_in_halves_of_any_order() {
    device(async |c| {
        c.write(QUEUE_SELECT, 1, 2).await;
        for part in [0, 8, 16] {
            let at = QUEUE_DESC + part;
            c.write(at, 0x1111_2220, 4).await;
            c.write(at + 4, 0x3333_4444, 4).await;
            assert_eq!(c.read(at, 4).await, 0x1111_2220);
            assert_eq!(c.read(at + 4, 4).await, 0x3333_4444);
            c.write(at + 4, 0x5555_6666, 4).await;
            c.write(at, 0x7777_8880, 4).await;
            assert_eq!(c.read(at + 4, 4).await, 0x5555_6666, "the upper half first");
            c.write(at, 0x9999_aaa0, 4).await;
            assert_eq!(c.read(at + 4, 4).await, 0x5555_6666, "one half alone");
            assert_eq!(c.read(at, 4).await, 0x9999_aaa0);
        }
        // Every field by its own width, all bytes distinct.
        c.write(DEVICE_FEATURE_SELECT, 0x0403_0201, 4).await;
        assert_eq!(c.read(DEVICE_FEATURE_SELECT, 4).await, 0x0403_0201);
    });
}

#[test]
fn a_write_of_part_of_a_field_changes_nothing_else() {
    device(async |c| {
        c.write(QUEUE_SELECT, 1, 2).await;
        c.write(QUEUE_DESC, 0x1122_3340, 4).await;
        for (offset, size) in [(QUEUE_DESC, 1), (QUEUE_DESC + 2, 2), (QUEUE_DESC + 1, 1)] {
            c.write(offset, 0xff, size).await;
            assert_eq!(
                c.read(QUEUE_DESC, 4).await,
                0x1122_3340,
                "{size} bytes at {offset:#x}"
            );
        }
        c.write(QUEUE_SIZE, 8, 1).await;
        assert_ne!(c.read(QUEUE_SIZE, 2).await, 8);
        // Read-only fields.
        for offset in [NUM_QUEUES, QUEUE_NOTIFY_OFF] {
            let before = c.read(offset, 2).await;
            c.write(offset, before ^ 0x55, 2).await;
            assert_eq!(c.read(offset, 2).await, before);
        }
        let generation = c.read(GENERATION, 1).await;
        c.write(GENERATION, generation ^ 1, 1).await;
        assert_eq!(c.read(GENERATION, 1).await, generation);
    });
}

#[test]
fn a_vector_beyond_the_table_reads_back_as_none() {
    device(async |c| {
        let vectors = u64::from(c.function.msix.unwrap().vectors);
        c.write(QUEUE_SELECT, 1, 2).await;
        for register in [CONFIG_VECTOR, QUEUE_VECTOR] {
            c.write(register, vectors - 1, 2).await;
            assert_eq!(c.read(register, 2).await, vectors - 1);
            c.write(register, vectors, 2).await;
            assert_eq!(c.read(register, 2).await, NO_VECTOR);
        }
    });
}

#[test]
fn configuration_is_read_before_features_and_ends_where_it_ends() {
    device(async |c| {
        let v = c.function.virtio.unwrap();
        let device = v.device.unwrap();
        let mac = c.host.mmio_read(device.addr, 4).await.unwrap();
        assert_ne!(mac, 0, "before FEATURES_OK");
        assert_eq!(
            c.host.mmio_read(device.addr + 0x800, 4).await,
            Ok(0),
            "behind the structure"
        );
        c.host.mmio_write(device.addr + 8, &[0xff; 4]).await.unwrap();
        assert_eq!(
            c.host.mmio_read(device.addr + 8, 2).await,
            Ok(4),
            "max_virtqueue_pairs is read-only"
        );
    });
}
