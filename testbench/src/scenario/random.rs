//! A legal scenario from a number: host, driver, wire and steps drawn by chance, so that whatever a right device makes of it must please the judge.
//!
//! The same number gives the same scenario on every machine; each part draws from a stream of its own, so that a new choice in one part
//! does not move the others. Nothing that a driver must not do is drawn: while interrupts are masked, bus mastering is off or receive buffers are
//! withheld, no step waits for traffic.

mod packed;
mod steps;

use super::{Direction, Limits, Pace, Phase, Scenario, Spread, Traffic, WireConfig};
use crate::driver::coalesce::{Coalesce, Limits as CoalesceLimits};
use crate::driver::config::{DriverConfig, Events, KickConfig, RxConfig, TxConfig, Vectors};
use crate::driver::features;
use crate::driver::ring::{FreeList, Shape};
use crate::host::config::{
    CompletionConfig, CreditConfig, HostConfig, LatencyConfig, LinkConfig, MemoryConfig, Skew, Split, Starve,
};
use crate::host::dice::Dice;
use crate::host::faults::{FaultKind, FaultRule};
use crate::wire::generate::{Generator, SHORTEST_BYTES, Sizes};

pub use packed::packed;
use steps::{phases, suspended};

/// Longest run of a random scenario, in cycles: a slow link with starved credits needs about a tenth of it.
const MAX_CYCLES: u64 = 4_000_000;

/// Choices of one part.
struct Draw(Dice);

impl Draw {
    fn new(seed: u64, part: &str) -> Self {
        Draw(Dice::new(seed, &format!("scenario/{part}")))
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.0.below(of.len() as u64) as usize].clone()
    }

    fn range(&mut self, least: u32, most: u32) -> u32 {
        least + self.0.up_to((most - least).into()) as u32
    }

    fn chance(&mut self, per_mille: u32) -> bool {
        self.0.chance(per_mille)
    }
}

/// The random scenario number `seed`, split or packed rings by chance.
#[must_use]
pub fn drawn(seed: u64) -> Scenario {
    if Draw::new(seed, "ring").chance(500) {
        packed(seed)
    } else {
        scenario(seed)
    }
}

/// The same scenario with so many times the frames, in every step and in all, and the time for them.
#[must_use]
pub fn stretched(mut scenario: Scenario, times: u32) -> Scenario {
    let times = times.max(1);
    scenario.traffic.frames *= times as usize;
    scenario.limits.max_cycles *= u64::from(times);
    scenario.limits.wall_seconds *= u64::from(times);
    for phase in &mut scenario.phases {
        if let Phase::Traffic {
            frames: Some(frames), ..
        } = phase
        {
            *frames *= times as usize;
        }
    }
    scenario
}

/// The random scenario number `seed`, with split rings.
#[must_use]
pub fn scenario(seed: u64) -> Scenario {
    let mut driver = driver(&mut Draw::new(seed, "driver"));
    kicks(&mut Draw::new(seed, "kicks"), &mut driver);
    driver.coalesce = coalesce(&mut Draw::new(seed, "coalesce"), &driver);
    let traffic = traffic(&mut Draw::new(seed, "traffic"), &driver);
    let host = host(&mut Draw::new(seed, "host"));
    let phases = phases(
        &mut Draw::new(seed, "phases"),
        &driver,
        &host,
        traffic.frames as u32,
    );
    let (phases, suspend) = suspended(&mut Draw::new(seed, "suspend"), &driver, &host, phases);
    let mut draw = Draw::new(seed, "wire");
    let driver = DriverConfig {
        suspend,
        in_order: Draw::new(seed, "in order").chance(400),
        ..driver
    };
    Scenario {
        name: format!("random-{seed}"),
        about: format!("Drawn by chance from {seed}."),
        seed,
        host,
        driver,
        traffic,
        wire: WireConfig {
            tx_stall_per_mille: draw.one(&[0, 0, 100, 500]),
            rx_pause_per_mille: draw.one(&[0, 0, 100, 500]),
        },
        phases,
        limits: Limits {
            max_cycles: MAX_CYCLES,
            ..Limits::default()
        },
        ..Scenario::default()
    }
}

fn kicks(draw: &mut Draw, driver: &mut DriverConfig) {
    driver.notif_config_data = draw.chance(300);
    if draw.chance(300) {
        driver.kicks = KickConfig {
            late_ns_max: draw.range(0, 3000),
            repeat_per_mille: draw.one(&[0, 100, 1000]),
        };
    }
}

fn host(draw: &mut Draw) -> HostConfig {
    let mps_bytes = draw.one(&[128, 256, 512]);
    let few = draw.chance(300);
    let starve = draw.chance(250).then(|| {
        let every_cycles = draw.range(200, 6000);
        Starve {
            every_cycles,
            for_cycles: every_cycles * draw.range(100, 900) / 1000,
        }
    });
    let fault = draw.chance(120).then(|| FaultRule {
        after: draw.range(0, 120).into(),
        count: draw.range(1, 3).into(),
        ..FaultRule::next(draw.one(&[
            FaultKind::Ur,
            FaultKind::Ca,
            FaultKind::Poison,
            FaultKind::PartialCa,
        ]))
    });
    HostConfig {
        link: LinkConfig {
            generation: draw.one(&[1, 3, 3, 4]),
            lanes: draw.one(&[1, 4, 8, 8, 16]),
            mps_bytes,
            mrrs_bytes: draw.one(&[128, 256, 512, 1024]),
            rcb_bytes: draw.one(&[64, 128]),
            unlimited: draw.chance(100),
            ext_tag: draw.chance(800),
            ten_bit_tag: draw.chance(300),
            stall_per_mille: draw.one(&[0, 0, 50, 400]),
        },
        latency: LatencyConfig {
            base_ns: draw.range(20, 900),
            jitter_ns: draw.range(0, 600),
            tail_per_mille: draw.one(&[0, 10, 100]),
            tail_ns: draw.range(0, 1500),
            posted_ns: draw.range(0, 500),
        },
        completions: CompletionConfig {
            split: draw.one(&[Split::Merged, Split::Rcb, Split::Random]),
            reorder: draw.chance(700),
        },
        credits: CreditConfig {
            ph: if few { draw.range(1, 8) } else { 64 },
            pd: if few { draw.range(mps_bytes / 16, 80) } else { 1024 },
            nph: if few { draw.range(1, 16) } else { 112 },
            cplh: if few { draw.range(1, 8) } else { 64 },
            cpld: if few { draw.range(mps_bytes / 16, 64) } else { 512 },
            batch_headers: draw.one(&[1, 4, 8]),
            batch_cycles: draw.one(&[4, 16, 64]),
            starve,
            ..CreditConfig::default()
        },
        memory: MemoryConfig {
            visibility_ns_max: draw.range(0, 400),
            reorder_stores: draw.chance(400),
            skew: draw.one(&[Skew::None, Skew::Line, Skew::B16, Skew::B8, Skew::B4, Skew::B2]),
            ..MemoryConfig::default()
        },
        faults: fault.into_iter().collect(),
    }
}

fn driver(draw: &mut Draw) -> DriverConfig {
    let queue_pairs = draw.one(&[1, 1, 2, 3, 4]);
    let queue_size = draw.one(&[8, 16, 32, 64, 256]);
    let mergeable = draw.chance(700);
    let mut decline = Vec::new();
    if queue_pairs == 1 && draw.chance(150) {
        decline.push(features::CTRL_VQ);
    }
    for bit in [features::STATUS, features::RING_RESET, features::INDIRECT_DESC] {
        if draw.chance(100) {
            decline.push(bit);
        }
    }
    let shapes: &[Shape] = if decline.contains(&features::INDIRECT_DESC) {
        &[Shape::Direct]
    } else {
        &[Shape::Direct, Shape::Indirect, Shape::DirectThenIndirect]
    };
    DriverConfig {
        queue_pairs,
        queue_size,
        events: draw.one(&[Events::EventIdx, Events::EventIdx, Events::Flags, Events::Poll]),
        vectors: draw.one(&[Vectors::PerQueue, Vectors::Shared, Vectors::Single, Vectors::Intx]),
        notification_data: draw.chance(300),
        mergeable,
        vlan_filter: draw.chance(200),
        decline,
        free_list: draw.one(&[FreeList::Lifo, FreeList::Fifo]),
        promiscuous: draw.chance(700),
        reaction_ns: draw.range(4, 1500),
        tx: TxConfig {
            shape: draw.one(shapes),
            separate_header: draw.chance(400),
            element_bytes: draw.one(&[0, 0, 300, 700]),
            batch: draw.one(&[1, 2, 4, 16, 64]),
            interrupt_after_per_mille: draw.one(&[0, 500, 750, 1000]),
        },
        rx: RxConfig {
            shape: draw.one(shapes),
            buffer_bytes: if mergeable && queue_size >= 16 {
                draw.one(&[0, 256, 600, 2000])
            } else {
                0
            },
            element_bytes: draw.one(&[0, 0, 2000]),
            buffers: 0,
            refill_batch: draw.one(&[1, 4, 16]),
        },
        ..DriverConfig::default()
    }
}

/// Interrupt moderation, where there are interrupts and a control queue to ask for it.
fn coalesce(draw: &mut Draw, driver: &DriverConfig) -> Option<Coalesce> {
    let possible = driver.events != Events::Poll && !driver.decline.contains(&features::CTRL_VQ);
    let mut limits = || CoalesceLimits {
        max_packets: draw.one(&[0, 1, 3, 8, 50]),
        max_usecs: draw.one(&[0, 1, 5, 20, 100]),
    };
    let (tx, rx) = (limits(), limits());
    (draw.chance(250) && possible).then_some(Coalesce { tx, rx })
}

fn traffic(draw: &mut Draw, driver: &DriverConfig) -> Traffic {
    let longest = if driver.queue_size >= 16 { 1514 } else { 1000 };
    let sizes = match draw.range(0, 3) {
        0 => Sizes::Fixed {
            bytes: draw.range(SHORTEST_BYTES, longest),
        },
        1 => Sizes::Sweep {
            min_bytes: SHORTEST_BYTES,
            max_bytes: draw.range(SHORTEST_BYTES, 200),
        },
        _ => Sizes::Random {
            min_bytes: SHORTEST_BYTES,
            max_bytes: draw.range(SHORTEST_BYTES, longest),
        },
    };
    Traffic {
        direction: draw.one(&[Direction::Tx, Direction::Rx, Direction::Loopback, Direction::Both]),
        generator: Generator {
            sizes,
            flows: draw.range(1, 16),
            rate_mbps: draw.one(&[100, 1000, 8000]),
            burst: draw.range(1, 8),
        },
        frames: draw.range(4, 60) as usize,
        pace: draw.one(&[Pace::Max, Pace::Max, Pace::Timed]),
        spread: draw.one(&[Spread::Flow, Spread::RoundRobin]),
        ..Traffic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_gives_a_scenario_that_can_be_and_that_survives_toml() {
        for seed in 0..300 {
            let s = scenario(seed);
            s.check().unwrap_or_else(|e| panic!("{seed}: {e}"));
            let text = toml::to_string(&s).unwrap_or_else(|e| panic!("{seed}: {e}"));
            let again: Scenario = toml::from_str(&text).unwrap_or_else(|e| panic!("{seed}: {e}\n{text}"));
            assert_eq!(again, s, "{text}");
        }
    }

    #[test]
    fn both_formats_and_moderation_are_drawn() {
        let all: Vec<Scenario> = (0..100).map(drawn).collect();
        let packed = all
            .iter()
            .filter(|s| s.driver.ring == crate::driver::ring::Format::Packed)
            .count();
        assert!((30..70).contains(&packed), "{packed} of 100 packed");
        assert!(all.iter().any(|s| s.driver.coalesce.is_some()));
    }

    #[test]
    fn a_stretched_scenario_is_the_same_with_more_frames() {
        for seed in 0..100 {
            let (short, long) = (drawn(seed), stretched(drawn(seed), 10));
            long.check().unwrap();
            assert_eq!(long.traffic.frames, 10 * short.traffic.frames);
            assert_eq!(long.phases.len(), short.phases.len());
            assert_eq!((&long.driver, &long.host), (&short.driver, &short.host));
        }
    }

    #[test]
    fn a_number_means_the_same_scenario_each_time_and_others_differ() {
        assert_eq!(scenario(7), scenario(7));
        assert_ne!(scenario(7).driver, scenario(8).driver);
    }

    #[test]
    fn order_is_drawn_now_and_then() {
        let taken = (0..300).filter(|&s| scenario(s).driver.in_order).count();
        assert!((60..180).contains(&taken), "{taken} of 300");
    }

    #[test]
    fn every_kind_of_step_is_drawn() {
        let all: Vec<Phase> = (0..300).flat_map(|s| scenario(s).phases).collect();
        let drawn = |f: fn(&Phase) -> bool| all.iter().any(f);
        assert!(drawn(|p| matches!(p, Phase::DeviceReset {})));
        assert!(drawn(|p| matches!(p, Phase::FunctionReset {})));
        assert!(drawn(|p| matches!(p, Phase::QueueReset { .. })));
        assert!(drawn(|p| matches!(p, Phase::Mask { .. })));
        assert!(drawn(|p| matches!(p, Phase::BusMaster { on: false })));
        assert!(drawn(|p| matches!(p, Phase::Control { .. })));
        assert!(drawn(|p| matches!(p, Phase::Link { up: false })));
        assert!(drawn(|p| matches!(p, Phase::Refill { on: false })));
        assert!(drawn(|p| matches!(p, Phase::ReadConfig {})));
        assert!(drawn(|p| matches!(p, Phase::Suspend { wait: true })));
    }

    #[test]
    fn suspensions_end_and_nothing_is_reset_or_asked_within() {
        for seed in 0..300 {
            let s = scenario(seed);
            let mut asleep = false;
            for p in &s.phases {
                match p {
                    Phase::Suspend { .. } => asleep = true,
                    Phase::Resume {} => asleep = false,
                    Phase::Wait { .. } | Phase::Link { .. } | Phase::Traffic { wait: false, .. } => {}
                    other => assert!(!asleep, "{seed}: {other}"),
                }
            }
            let any = s.phases.iter().any(|p| matches!(p, Phase::Suspend { .. }));
            assert_eq!((asleep, any), (false, s.driver.suspend), "{seed}");
            assert!(!any || s.host.faults.is_empty(), "{seed}");
        }
    }
}
