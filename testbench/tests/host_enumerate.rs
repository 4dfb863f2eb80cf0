//! The host against a small function on real pins: enumeration, registers, DMA, interrupts, faults, and what is wrong with a handshake.

mod host_common;

use host_common::{Run, dut, pins, start};
use ringside::boundary::{Boundary, BoundaryError};
use ringside::host::config::{HostConfig, Split};
use ringside::host::faults::{FaultKind, FaultRule};
use ringside::host::{Function, Host, MSI_WINDOW, RequestError};
use ringside_models::event::{Channel, What};
use ringside_models::tlp::Body;
use ringside_sim::{Mode, Model, build};

/// Registers of the probe's BAR.
mod reg {
    pub(crate) const SOURCE: u64 = 0x00;
    pub(crate) const TARGET: u64 = 0x08;
    pub(crate) const DWORDS: u64 = 0x10;
    pub(crate) const GO: u64 = 0x14;
    pub(crate) const STATUS: u64 = 0x18;
    pub(crate) const SCRATCH: u64 = 0x20;
}

fn probe(config: &HostConfig) -> Run {
    start(&dut("tests/dut/host_probe.toml", &[]), config, 1)
}

/// Enumerates, enables everything, and gives vector 0 its message.
async fn bring_up(host: &Host) -> Function {
    let f = host.enumerate().await.unwrap();
    host.set_command(true, true, false).await.unwrap();
    host.msix_program(&f).await.unwrap();
    f
}

/// Lets the probe copy `dwords` dwords and waits until it is done; true if it met no error.
async fn copy(host: &Host, f: &Function, from: u64, to: u64, dwords: u32) -> bool {
    let bar = f.bars[0].base;
    host.mmio_post(bar + reg::SOURCE, &from.to_le_bytes()).unwrap();
    host.mmio_post(bar + reg::TARGET, &to.to_le_bytes()).unwrap();
    host.mmio_post(bar + reg::DWORDS, &dwords.to_le_bytes()).unwrap();
    host.mmio_post(bar + reg::STATUS, &[0; 4]).unwrap();
    host.mmio_post(bar + reg::GO, &[1, 0, 0, 0]).unwrap();
    loop {
        let status = host.mmio_read(bar + reg::STATUS, 4).await.unwrap();
        if status & 1 == 1 {
            return status & 2 == 0;
        }
    }
}

#[test]
fn a_function_is_enumerated_over_its_pins() {
    for width in [64, 512] {
        let dut = dut("tests/dut/host_probe.toml", &[("DATA_W", width)]);
        let events = start(&dut, &HostConfig::default(), 3).go(async |host, _| {
            let f = host.enumerate().await.unwrap();
            assert_eq!((f.vendor, f.device, f.bars.len()), (0x1af4, 0x1041, 1));
            assert_eq!((f.bars[0].base, f.bars[0].size_bytes), (0x80_0000_0000, 4096));
            assert_eq!((f.mps_bytes, f.mrrs_bytes), (256, 512));
            assert_eq!(f.virtio.unwrap().notify_multiplier, 4);
            assert_eq!(f.msix.unwrap().vectors, 1);
        });
        assert!(matches!(events[0].what, What::HardReset {}));
        assert!(matches!(events[1].what, What::Credit { ph: 64, .. }));
        let maps = events
            .iter()
            .filter(|e| matches!(e.what, What::Map { .. }))
            .count();
        assert_eq!(maps, 5, "common, notify, isr, table, pba");
        assert_eq!(pins(&events), [""; 0]);
    }
}

#[test]
fn registers_of_every_size_go_out_and_come_back() {
    probe(&HostConfig::default()).go(async |host, _| {
        let bar = bring_up(host).await.bars[0].base + reg::SCRATCH;
        host.mmio_write(bar, &0x1122_3344_5566_7788_u64.to_le_bytes())
            .await
            .unwrap();
        host.mmio_write(bar + 1, &[0xaa]).await.unwrap();
        host.mmio_write(bar + 6, &[0xcc, 0xdd]).await.unwrap();
        assert_eq!(host.mmio_read(bar, 8).await, Ok(0xddcc_3344_5566_aa88));
        assert_eq!(host.mmio_read(bar + 4, 4).await, Ok(0xddcc_3344));
        assert_eq!(host.mmio_read(bar + 2, 2).await, Ok(0x5566));
        assert_eq!(host.mmio_read(bar + 7, 1).await, Ok(0xdd));
        assert_eq!(host.config_read_sized(2, 2).await, Ok(0x1041));
        assert!(matches!(
            host.mmio_read(bar + 1, 2).await,
            Err(RequestError::Access { size: 2, .. })
        ));
        assert!(matches!(
            host.config_read(4096).await,
            Err(RequestError::Access { .. })
        ));
    });
}

#[test]
fn memory_is_copied_and_the_interrupt_follows_the_data() {
    for (width, split) in [(64, Split::Random), (128, Split::Rcb), (512, Split::Merged)] {
        let dut = dut("tests/dut/host_probe.toml", &[("DATA_W", width)]);
        let mut config = HostConfig::default();
        config.completions.split = split;
        config.link.stall_per_mille = 300;
        let events = start(&dut, &config, 5).go(async |host, _| {
            let f = bring_up(host).await;
            let mut interrupts = host.take_interrupts().unwrap();
            let memory = host.memory();
            for dwords in [1, 2, 15, 16, 17, 63, 64] {
                let from = memory.alloc(256, 256).unwrap() + 256 - u64::from(dwords) * 4;
                let to = memory.alloc(256, 256).unwrap();
                let data: Vec<u8> = (0..dwords * 4).map(|i| (i * 7 + dwords) as u8).collect();
                memory.store(from, &data);
                assert!(copy(host, &f, from, to, dwords).await);
                let interrupt = interrupts.recv().await.unwrap();
                assert_eq!((interrupt.addr, interrupt.vector_data), (MSI_WINDOW.start, 0));
                assert_eq!(
                    memory.load(to, data.len()),
                    data,
                    "{dwords} dwords at {width} bit"
                );
            }
            host.quiet(100).await;
            assert!(host.is_idle());
            assert_eq!(memory.take_errors(), []);
        });
        assert_eq!(pins(&events), [""; 0]);
        let packets = |ch: Channel| {
            events
                .iter()
                .filter(|e| matches!(&e.what, What::Tlp { ch: c, .. } if *c == ch))
                .count()
        };
        assert_eq!(packets(Channel::Rq), 7 * 3);
        assert!(packets(Channel::Rc) >= 7);
    }
}

#[test]
fn a_store_is_seen_by_the_kick_that_follows_it() {
    let mut config = HostConfig::default();
    config.memory.visibility_ns_max = 20_000;
    config.latency.base_ns = 4;
    config.latency.jitter_ns = 0;
    config.latency.posted_ns = 4;
    probe(&config).go(async |host, sim| {
        let f = bring_up(host).await;
        let (from, to) = (
            host.memory().alloc(64, 64).unwrap(),
            host.memory().alloc(64, 64).unwrap(),
        );
        for round in 0..20 {
            let stored = sim.now();
            host.memory().store(from, &[round; 64]);
            assert!(copy(host, &f, from, to, 16).await);
            assert_eq!(host.memory().load(to, 64), [round; 64], "stored at {stored}");
        }
        host.memory().store(from, &[99; 64]);
        host.full_barrier().await;
        assert!(sim.now() >= host.memory().visible_at());
    });
}

#[test]
fn faults_reach_the_device_and_a_silent_device_times_out() {
    probe(&HostConfig::default()).go(async |host, sim| {
        let f = bring_up(host).await;
        let (from, to) = (
            host.memory().alloc(256, 64).unwrap(),
            host.memory().alloc(256, 64).unwrap(),
        );
        for kind in [FaultKind::Ur, FaultKind::Ca, FaultKind::Poison] {
            host.inject(FaultRule::next(kind).within(from, from + 256));
            assert!(!copy(host, &f, from, to, 64).await, "{kind:?}");
            assert!(copy(host, &f, from, to, 64).await, "well again after {kind:?}");
        }
        // Memory that nobody has.
        assert!(!copy(host, &f, 0x1000, to, 4).await);
        // A dropped read leaves the probe waiting; its registers still answer.
        host.inject(FaultRule::next(FaultKind::Timeout));
        let hung = sim.timeout(5000, copy(host, &f, from, to, 64)).await;
        assert!(hung.is_err());
        host.set_timeout_cycles(10);
        assert_eq!(
            host.mmio_read(f.bars[0].base, 4).await.unwrap_err().to_string(),
            "MRd of 4 bytes at 0x8000000000: no completion within 10 cycles"
        );
    });
}

#[test]
fn broken_handshakes_are_told_as_events() {
    for (bug, want) in [
        (1, "rq: tvalid fell before tready was seen"),
        (2, "rq: tkeep 0xe has a hole"),
        (3, "rq: TLP header says 5 payload dwords, 16 bytes came with it"),
    ] {
        let dut = dut("tests/dut/host_probe.toml", &[("BUG", bug)]);
        let mut config = HostConfig::default();
        config.link.stall_per_mille = 700;
        let events = start(&dut, &config, 7).go(async |host, _| {
            let f = bring_up(host).await;
            let (from, to) = (
                host.memory().alloc(64, 64).unwrap(),
                host.memory().alloc(64, 64).unwrap(),
            );
            for _ in 0..10 {
                copy(host, &f, from, to, 4).await;
            }
        });
        let told = pins(&events);
        assert!(
            told.iter().any(|p| p.starts_with(want)),
            "{want:?} is not in {told:?}"
        );
    }
}

#[test]
fn a_masked_vector_sends_nothing() {
    let events = probe(&HostConfig::default()).go(async |host, _| {
        let f = bring_up(host).await;
        host.msix_mask(&f, 0, true).unwrap();
        let (from, to) = (
            host.memory().alloc(64, 64).unwrap(),
            host.memory().alloc(64, 64).unwrap(),
        );
        assert!(copy(host, &f, from, to, 4).await);
        host.quiet(200).await;
        assert!(host.msix_set(&f, 1, 0, 0).is_err());
    });
    let interrupts = events
        .iter()
        .filter(|e| {
            matches!(&e.what, What::Tlp { ch: Channel::Rq, tlp, .. }
                if matches!(&tlp.body, Body::MWr { addr, .. } if MSI_WINDOW.contains(addr)))
        })
        .count();
    assert_eq!(interrupts, 0);
}

#[test]
fn the_link_carries_what_its_generation_and_width_allow() {
    let cycles = |change: fn(&mut HostConfig)| {
        let mut config = HostConfig::default();
        change(&mut config);
        let mut took = 0;
        probe(&config).go(async |host, sim| {
            let bar = bring_up(host).await.bars[0].base + reg::SCRATCH;
            let (start, bytes) = (sim.now(), host.traffic().downstream_bytes.get());
            for _ in 0..200 {
                host.mmio_post(bar, &[0; 4]).unwrap();
            }
            host.mmio_read(bar, 4).await.unwrap();
            took = sim.now() - start;
            assert_eq!(host.traffic().downstream_bytes.get() - bytes, 200 * 28 + 24);
        });
        took
    };
    let slow = cycles(|c| (c.link.generation, c.link.lanes) = (1, 1));
    let fast = cycles(|_| {});
    let pins = cycles(|c| c.link.unlimited = true);
    // 5624 bytes: at a little less than one byte a clock, or as fast as one packet a clock.
    assert!((5100..7000).contains(&slow), "{slow}");
    assert!((200..600).contains(&fast) && pins <= fast, "{fast} {pins}");
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let events = |seed| {
        let dut = dut("tests/dut/host_probe.toml", &[]);
        let mut config = HostConfig::default();
        config.completions.split = Split::Random;
        config.link.stall_per_mille = 200;
        start(&dut, &config, seed).go(async |host, _| {
            let f = bring_up(host).await;
            let (from, to) = (
                host.memory().alloc(256, 64).unwrap(),
                host.memory().alloc(256, 64).unwrap(),
            );
            for round in 0..10 {
                host.memory().store(from, &[round; 256]);
                copy(host, &f, from, to, 64).await;
            }
        })
    };
    let first = events(1);
    assert!(first == events(1), "two runs differ");
    assert!(first != events(2), "the seed moves nothing");
}

#[test]
fn a_design_with_another_boundary_is_refused_by_name() {
    let dut = dut("../sim/tests/dut/counter.toml", &[]);
    let built = build(&dut, Mode::Fast, &|_| {}).unwrap();
    let model = Model::load(&built, 1).unwrap();
    let error = Boundary::resolve(|name| model.port(name)).unwrap_err();
    assert!(matches!(error, BoundaryError::Port(_)));
    assert!(error.to_string().contains("no port `cq_tdata_i`"), "{error}");
}
