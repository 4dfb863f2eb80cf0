//! The host against the repository's own device: what an operating system sees of it before any driver runs.

mod host_common;

use host_common::{Run, dut, pins, start};
use ringside::host::config::{HostConfig, Starve};
use ringside::host::{Function, Host, RequestError};
use ringside_models::accounts;
use ringside_models::event::{Channel, Event, Region, What};
use ringside_models::features;
use ringside_models::tlp::CplStatus;

fn device() -> Run {
    start(&dut("../rtl/dut.toml", &[]), &HostConfig::default(), 1)
}

/// Common configuration, offsets.
const DEVICE_FEATURE_SELECT: u64 = 0x00;
const DEVICE_FEATURE: u64 = 0x04;
const DRIVER_FEATURE_SELECT: u64 = 0x08;
const DRIVER_FEATURE: u64 = 0x0c;
const NUM_QUEUES: u64 = 0x12;
const STATUS: u64 = 0x14;
const QUEUE_SELECT: u64 = 0x16;
const QUEUE_SIZE: u64 = 0x18;
const QUEUE_DESC: u64 = 0x20;

async fn common(host: &Host, f: &Function, offset: u64, size: usize) -> u64 {
    host.mmio_read(f.virtio.unwrap().common.addr + offset, size)
        .await
        .unwrap()
}

fn notes(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|e| match &e.what {
            What::Note { text } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn the_device_is_enumerated_as_virtio_net() {
    for width in [64, 512] {
        let dut = dut("../rtl/dut.toml", &[("DATA_W", width)]);
        let events = start(&dut, &HostConfig::default(), 1).go(async |host, _| {
            let f = host.enumerate().await.unwrap();
            assert_eq!((f.vendor, f.virtio_type(), f.class), (0x1af4, Some(1), 0x02_0000));
            assert!(f.revision >= 1 && f.subsystem >= 0x40);
            let bars: Vec<_> = f
                .bars
                .iter()
                .map(|b| (b.index, b.size_bytes, b.is_64, b.prefetchable))
                .collect();
            assert_eq!(bars, [(0, 0x1_0000, true, true), (2, 0x1_0000, true, true)]);
            let v = f.virtio.unwrap();
            assert_eq!(v.common.addr, f.bars[0].base);
            assert_eq!((v.notify.addr - f.bars[0].base, v.notify_multiplier), (0x3000, 4));
            assert_eq!((v.isr.addr - f.bars[0].base, v.common.len_bytes), (0x1000, 64));
            assert!(v.device.is_some() && v.pci_cfg.is_some());
            // Four pairs and the control queue, and one for configuration changes.
            assert_eq!(f.msix.unwrap().vectors, 10);
            assert_eq!((f.mps_bytes, f.mrrs_bytes, f.ext_tag), (256, 512, true));
        });
        assert_eq!((pins(&events), notes(&events)), (vec![], vec![]));
        let regions: Vec<Region> = events
            .iter()
            .filter_map(|e| match e.what {
                What::Map { region, .. } => Some(region),
                _ => None,
            })
            .collect();
        assert_eq!(
            regions,
            [
                Region::Common,
                Region::Notify,
                Region::Isr,
                Region::Device,
                Region::Checkpoint,
                Region::MsixTable,
                Region::MsixPba
            ]
        );
    }
}

#[test]
fn common_configuration_answers_by_field() {
    let events = device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let base = f.virtio.unwrap().common.addr;
        assert_eq!(common(host, &f, NUM_QUEUES, 2).await, 9);
        assert_eq!(common(host, &f, STATUS, 1).await, 0);
        host.mmio_write(base, &1_u32.to_le_bytes()).await.unwrap();
        assert_eq!(
            common(host, &f, DEVICE_FEATURE, 4).await & 1,
            1,
            "VERSION_1 is bit 32"
        );
        host.mmio_write(base + STATUS, &[1]).await.unwrap();
        host.mmio_write(base + STATUS, &[3]).await.unwrap();
        assert_eq!(common(host, &f, STATUS, 1).await, 3);
        for queue in 0..10_u16 {
            host.mmio_write(base + QUEUE_SELECT, &queue.to_le_bytes())
                .await
                .unwrap();
            let size = common(host, &f, QUEUE_SIZE, 2).await;
            assert_eq!(size > 0, queue < 9, "queue {queue} has size {size}");
        }
        host.mmio_write(base + QUEUE_SELECT, &0_u16.to_le_bytes())
            .await
            .unwrap();
        for (half, value) in [(0, 0x5566_7000_u32), (4, 0x11)] {
            host.mmio_write(base + QUEUE_DESC + half, &value.to_le_bytes())
                .await
                .unwrap();
            assert_eq!(common(host, &f, QUEUE_DESC + half, 4).await, u64::from(value));
        }
        host.mmio_write(base + STATUS, &[0]).await.unwrap();
        while common(host, &f, STATUS, 1).await != 0 {}
        assert_eq!(common(host, &f, QUEUE_DESC, 4).await, 0);
    });
    assert_eq!(pins(&events), [""; 0]);
}

#[test]
fn the_access_window_reaches_the_same_registers() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let window = f.virtio.unwrap().pci_cfg.unwrap();
        host.config_write(window + 4, 1, 0).await.unwrap();
        host.config_write(window + 8, 4, NUM_QUEUES as u32).await.unwrap();
        host.config_write(window + 12, 4, 2).await.unwrap();
        assert_eq!(host.config_read_sized(window + 16, 2).await, Ok(9));
        host.config_write(window + 8, 4, STATUS as u32).await.unwrap();
        host.config_write(window + 12, 4, 1).await.unwrap();
        host.config_write(window + 16, 1, 1).await.unwrap();
        assert_eq!(common(host, &f, STATUS, 1).await, 1);
    });
}

/// Writes a field of the common configuration.
async fn set(host: &Host, f: &Function, offset: u64, data: &[u8]) {
    host.mmio_write(f.virtio.unwrap().common.addr + offset, data)
        .await
        .unwrap();
}

/// The features that the device offers.
async fn offered(host: &Host, f: &Function) -> u128 {
    let mut bits = 0;
    for window in 0..4_u32 {
        set(host, f, DEVICE_FEATURE_SELECT, &window.to_le_bytes()).await;
        bits |= u128::from(common(host, f, DEVICE_FEATURE, 4).await) << (32 * window);
    }
    bits
}

#[test]
fn what_is_offered_is_what_the_account_says() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let offered = offered(host, &f).await;
        for (clause, feature) in accounts::absent() {
            let bit =
                features::bit(feature).unwrap_or_else(|| panic!("{clause}: no feature is called {feature}"));
            assert_eq!(
                offered >> bit & 1,
                0,
                "{clause} is accounted for as absent, but {feature} is offered"
            );
        }
        assert_eq!(offered >> 33 & 1, 1, "ACCESS_PLATFORM");
        assert_eq!(offered >> 36 & 1, 1, "ORDER_PLATFORM");
    });
}

#[test]
fn accepted_features_read_back() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let offered = offered(host, &f).await;
        for window in [1_u32, 0] {
            let value = (offered >> (32 * window)) as u32;
            set(host, &f, DRIVER_FEATURE_SELECT, &window.to_le_bytes()).await;
            set(host, &f, DRIVER_FEATURE, &value.to_le_bytes()).await;
            assert_eq!(common(host, &f, DRIVER_FEATURE, 4).await, u64::from(value));
        }
        set(host, &f, DRIVER_FEATURE_SELECT, &1_u32.to_le_bytes()).await;
        assert_eq!(common(host, &f, DRIVER_FEATURE, 4).await, offered as u64 >> 32);
    });
}

#[test]
fn configuration_can_be_read_before_features_are_chosen() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let base = f.virtio.unwrap().device.unwrap().addr;
        assert_eq!(
            host.mmio_read(base, 4).await,
            Ok(0x1200_5452),
            "the first bytes of the MAC address"
        );
        assert_eq!(
            host.mmio_read(base + 6, 2).await,
            Ok(0),
            "nobody has raised the link here"
        );
        assert_eq!(host.mmio_read(base + 8, 2).await, Ok(4), "queue pairs");
        assert_eq!(host.mmio_read(base + 10, 2).await, Ok(9000), "MTU");
    });
}

#[test]
fn the_network_configuration_is_little_endian_and_read_only() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let base = f.virtio.unwrap().device.unwrap().addr;
        assert_eq!(
            host.mmio_read(base + 10, 1).await,
            Ok(9000 % 256),
            "the low byte first"
        );
        assert_eq!(host.mmio_read(base + 11, 1).await, Ok(9000 / 256));
        let before = host.mmio_read(base, 8).await.unwrap();
        for at in 0..12 {
            host.mmio_write(base + at, &[0xa5]).await.unwrap();
        }
        assert_eq!(host.mmio_read(base, 8).await.unwrap(), before);
        assert_eq!(host.mmio_read(base + 8, 4).await, Ok(0x2328_0004));
    });
}

#[test]
fn capabilities_are_read_only() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let window = f.virtio.unwrap().pci_cfg.unwrap();
        let vendor: Vec<u16> = f
            .capabilities
            .iter()
            .filter(|c| c.id == 9)
            .map(|c| c.offset)
            .collect();
        assert!(vendor.len() >= 5);
        for &at in &vendor {
            let length = (host.config_read(at).await.unwrap() >> 16 & 0xff) as u16;
            for reg in (at..at + length).step_by(4) {
                // The window's BAR, offset, length and data are there to be written.
                if at == window && reg > at {
                    continue;
                }
                let before = host.config_read(reg).await.unwrap();
                host.config_write(reg, 4, !before).await.unwrap();
                assert_eq!(host.config_read(reg).await.unwrap(), before, "{reg:#x}");
            }
        }
        assert_eq!(host.enumerate().await.unwrap(), f);
    });
}

#[test]
fn the_vector_table_keeps_what_is_written() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        host.msix_program(&f).await.unwrap();
        let table = f.msix.unwrap().table;
        for vector in 0..10 {
            let entry = table + vector * 16;
            let low = host.mmio_read(entry, 8).await.unwrap();
            let data = host.mmio_read(entry + 8, 8).await.unwrap();
            assert_eq!((low, data), (0xfee0_0000, vector), "data and an unmasked entry");
            assert!(!host.msix_pending(&f, vector as u16).await.unwrap());
        }
        host.msix_mask(&f, 3, true).unwrap();
        assert_eq!(host.mmio_read(table + 3 * 16 + 12, 4).await, Ok(1));
    });
}

#[test]
fn what_is_not_there_is_an_unsupported_request() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let unsupported = |r: Result<u64, RequestError>| {
            matches!(
                r,
                Err(RequestError::Status {
                    status: CplStatus::Ur,
                    ..
                })
            )
        };
        assert!(unsupported(host.mmio_read(0x1000, 4).await));
        host.set_command(false, false, false).await.unwrap();
        assert!(unsupported(host.mmio_read(f.bars[0].base, 4).await));
        host.set_command(true, false, false).await.unwrap();
        assert!(host.mmio_read(f.bars[0].base, 4).await.is_ok());
        assert_eq!(host.config_read(0x100).await, Ok(0), "no extended capability");
    });
}

#[test]
fn a_function_level_reset_forgets_everything() {
    device().go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        let base = f.virtio.unwrap().common.addr;
        host.mmio_write(base + STATUS, &[3]).await.unwrap();
        assert_eq!(common(host, &f, STATUS, 1).await, 3);
        assert_eq!(host.function_level_reset(&f, 1000).await, Ok(true));
        assert_eq!(
            host.config_read(0x10).await.unwrap() & !0xf,
            0,
            "BAR0 is forgotten"
        );
        let again = host.enumerate().await.unwrap();
        assert_eq!(again, f);
        assert_eq!(common(host, &f, STATUS, 1).await, 0);
    });
}

#[test]
fn one_completion_credit_at_a_time_is_enough() {
    let mut config = HostConfig::default();
    config.credits.cplh = 1;
    config.credits.cpld = 16;
    config.credits.starve = Some(Starve {
        every_cycles: 400,
        for_cycles: 300,
    });
    let run = start(&dut("../rtl/dut.toml", &[]), &config, 1);
    let events = run.go(async |host, _| {
        let f = host.enumerate().await.unwrap();
        for _ in 0..20 {
            assert_eq!(common(host, &f, NUM_QUEUES, 2).await, 9);
        }
        host.quiet(1000).await;
    });
    // Headers consumed never pass the limit in force when a completion began.
    let (mut limit, mut consumed) = (0_u8, 0_u8);
    for e in &events {
        match &e.what {
            What::Credit { cplh, .. } => limit = *cplh,
            What::Tlp { ch: Channel::Cc, .. } => {
                consumed = consumed.wrapping_add(1);
                assert!(limit.wrapping_sub(consumed) < 128, "cycle {}", e.cycle);
            }
            _ => {}
        }
    }
    assert!(consumed > 40);
}
