//! The checkpoint window of the repository's own device: what can be written there and when, and what reads show. That rings go on where they stood is
//! shown by the scenarios `restore*` and `packed_restore*`.

mod host_common;

use host_common::{Run, dut, pins, start};
use ringside::driver::config::DriverConfig;
use ringside::driver::features::Features;
use ringside::driver::ring::{Areas, Format};
use ringside::driver::transport::{NO_VECTOR, Transport};
use ringside::host::Host;
use ringside::host::config::HostConfig;

/// Offsets in the common configuration.
const QUEUE_SELECT: u64 = 0x16;
const QUEUE_SIZE: u64 = 0x18;
const QUEUE_RESET: u64 = 0x3a;

/// An enumerated device, its common configuration and its checkpoint window.
struct Device<'a> {
    host: &'a Host,
    transport: Transport,
    common: u64,
    window: u64,
}

impl Device<'_> {
    async fn negotiate(&self, ring: Format) -> Features {
        let config = DriverConfig {
            ring,
            ..DriverConfig::default()
        };
        self.transport.negotiate(&config).await.unwrap()
    }

    async fn set(&self, offset: u64, value: u16) {
        self.host
            .mmio_write(self.common + offset, &value.to_le_bytes())
            .await
            .unwrap();
    }

    async fn size(&self, queue: u16, size: u16) {
        self.set(QUEUE_SELECT, queue).await;
        self.set(QUEUE_SIZE, size).await;
    }

    /// Writes {used, avail}.
    async fn begin(&self, queue: u16, used: u16, avail: u16) {
        let value = u32::from(used) << 16 | u32::from(avail);
        let at = self.window + 8 * u64::from(queue);
        self.host.mmio_write(at, &value.to_le_bytes()).await.unwrap();
    }

    /// {used, avail}.
    async fn shown(&self, queue: u16) -> u64 {
        let at = self.window + 8 * u64::from(queue);
        self.host.mmio_read(at, 4).await.unwrap()
    }

    async fn enable(&self, queue: u16, size: u16, features: Features) {
        let memory = self.host.memory();
        let part = || {
            let addr = memory.alloc(4096, 16).unwrap();
            memory.store(addr, &[0; 4096]);
            addr
        };
        let areas = Areas {
            size,
            descriptor: part(),
            driver: part(),
            device: part(),
        };
        self.transport
            .enable_queue(queue, &areas, NO_VECTOR, features, None)
            .await
            .unwrap();
    }
}

fn device(test: impl AsyncFnOnce(&Device<'_>)) {
    let run: Run = start(&dut("../rtl/dut.toml", &[]), &HostConfig::default(), 1);
    let events = run.go(async |host, _| {
        let function = host.enumerate().await.unwrap();
        host.set_command(true, true, false).await.unwrap();
        let virtio = function.virtio.unwrap();
        let transport = Transport::new(host, function).unwrap();
        let device = Device {
            host,
            transport,
            common: virtio.common.addr,
            window: virtio.checkpoint.expect("a checkpoint window").addr,
        };
        test(&device).await;
        host.quiet(500).await;
    });
    assert_eq!(pins(&events), [""; 0]);
}

const NEW_PACKED: u64 = 0x8000_8000;

#[test]
fn a_position_is_taken_once_features_are_accepted_and_before_the_queue_is_enabled() {
    device(async |d| {
        d.transport.reset().await.unwrap();
        d.begin(1, 5, 5).await;
        let features = d.negotiate(Format::Split).await;
        assert_eq!(d.shown(1).await, 0, "written before FEATURES_OK");
        d.size(1, 8).await;
        d.begin(1, 5, 5).await;
        d.begin(3, 0xffff, 0xffff).await;
        assert_eq!((d.shown(1).await, d.shown(3).await), (0x0005_0005, 0xffff_ffff));
        assert_eq!(d.shown(0).await, 0, "of no other queue");
        d.enable(3, 8, features).await;
        assert_eq!(d.shown(3).await, 0, "a size voids the position");
        d.begin(3, 7, 7).await;
        assert_eq!(d.shown(3).await, 0, "written after queue_enable");
        d.transport.driver_ok().await.unwrap();
        d.begin(3, 7, 7).await;
        assert_eq!(d.shown(3).await, 0, "written while the queue runs");
        assert!(d.transport.queue_position(3).await.unwrap().quiet);
        // Resets of the queue and of the device.
        d.begin(1, 9, 9).await;
        d.set(QUEUE_SELECT, 3).await;
        d.set(QUEUE_RESET, 1).await;
        while d.host.mmio_read(d.common + QUEUE_RESET, 2).await.unwrap() != 0 {}
        d.begin(3, 11, 11).await;
        assert_eq!((d.shown(1).await, d.shown(3).await), (0x0009_0009, 0x000b_000b));
        d.transport.reset().await.unwrap();
        assert_eq!((d.shown(1).await, d.shown(3).await), (0, 0));
    });
}

#[test]
fn a_position_that_the_ring_has_not_is_not_taken() {
    device(async |d| {
        d.negotiate(Format::Packed).await;
        d.size(1, 5).await;
        assert_eq!(d.shown(1).await, NEW_PACKED);
        for (used, avail, why) in [
            (5, 5, "slot 5 of 5"),
            (0x8005, 0x8005, "slot 5 of 5, wrap 1"),
            (1, 2, "something begun and not given back"),
            (0x8001, 1, "a lap apart"),
            (0x7fff, 0x7fff, "the last slot there can be"),
        ] {
            d.begin(1, used, avail).await;
            assert_eq!(d.shown(1).await, NEW_PACKED, "{why}");
        }
        d.begin(1, 4, 4).await;
        assert_eq!(d.shown(1).await, 0x0004_0004);
        d.begin(1, 0x8000, 0x8000).await;
        assert_eq!(d.shown(1).await, NEW_PACKED);
        d.begin(1, 4, 4).await;
        d.size(1, 4).await;
        assert_eq!(d.shown(1).await, NEW_PACKED, "a slot that there is no more");
        // The upper dword, halves and bytes are not written.
        let at = d.window + 8;
        for (offset, bytes) in [
            (4, &[1_u8, 0, 1, 0][..]),
            (0, &[1, 0]),
            (2, &[1, 0]),
            (3, &[1]),
            (0, &[1, 0, 1, 0, 1, 0, 1, 0]),
        ] {
            d.host.mmio_write(at + offset, bytes).await.unwrap();
            assert_eq!(d.shown(1).await, NEW_PACKED, "{} bytes at {offset}", bytes.len());
        }
    });
}

#[test]
fn reads_of_any_form_show_the_same_and_change_nothing() {
    device(async |d| {
        d.negotiate(Format::Split).await;
        d.begin(2, 0x1234, 0x1234).await;
        let at = d.window + 16;
        let quiet = 1 << 48;
        let word = quiet | 0x1234_1234_1234;
        for _ in 0..2 {
            assert_eq!(d.host.mmio_read(at, 8).await, Ok(word));
            assert_eq!(d.host.mmio_read(at, 4).await, Ok(word & 0xffff_ffff));
            assert_eq!(d.host.mmio_read(at + 4, 4).await, Ok(word >> 32));
            assert_eq!(d.host.mmio_read(at + 2, 2).await, Ok(0x1234));
            assert_eq!(d.host.mmio_read(at + 5, 1).await, Ok(0x12));
        }
        // Another queue between.
        d.begin(3, 0x5678, 0x5678).await;
        assert_eq!(
            d.host.mmio_read(d.window + 24, 8).await,
            Ok(quiet | 0x5678_5678_5678)
        );
        assert_eq!(d.host.mmio_read(at, 8).await, Ok(word));
        // Queues that the device has not, to the end of the region and beyond.
        let queues = d.transport.num_queues().await.unwrap();
        for queue in [u64::from(queues), 100, 511] {
            assert_eq!(
                d.host.mmio_read(d.window + 8 * queue, 8).await,
                Ok(0),
                "queue {queue}"
            );
        }
        d.begin(511, 1, 1).await;
        assert_eq!(d.shown(0).await, 0);
    });
}
