//! The steps of a random scenario: traffic, resets, commands and faults one after the other, and suspensions among them.

use super::Draw;
use crate::driver::command::{Command, RxMode};
use crate::driver::config::{DriverConfig, Vectors};
use crate::driver::features;
use crate::host::config::HostConfig;
use crate::scenario::Phase;

/// What keeps traffic from finishing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closed {
    Masked,
    NoMaster,
    NoBuffers,
}

pub(super) fn phases(draw: &mut Draw, driver: &DriverConfig, host: &HostConfig, frames: u32) -> Vec<Phase> {
    if draw.chance(300) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    for _ in 0..draw.range(1, 6) {
        let closed = draw
            .chance(300)
            .then(|| draw.one(&[Closed::Masked, Closed::NoMaster, Closed::NoBuffers]));
        match closed {
            None => open_step(draw, driver, host, frames, &mut steps),
            Some(closed) => closed_steps(draw, driver, closed, frames, &mut steps),
        }
    }
    steps.push(Phase::Traffic {
        frames: None,
        wait: true,
    });
    steps
}

fn some_traffic(draw: &mut Draw, frames: u32, wait: bool) -> Phase {
    Phase::Traffic {
        frames: Some(draw.range(1, frames.div_ceil(3)) as usize),
        wait,
    }
}

fn pause(draw: &mut Draw) -> Phase {
    Phase::Wait {
        cycles: draw.one(&[0, 1, 2, 5, 20, 100, 500, 2000, 6000]),
    }
}

/// The link goes down and up, close together or not.
fn link_flaps(draw: &mut Draw, steps: &mut Vec<Phase>) {
    for _ in 0..draw.range(1, 3) {
        steps.push(Phase::Link { up: false });
        steps.push(pause(draw));
        steps.push(Phase::Link { up: true });
        if draw.chance(500) {
            steps.push(pause(draw));
        }
    }
}

fn open_step(draw: &mut Draw, driver: &DriverConfig, host: &HostConfig, frames: u32, steps: &mut Vec<Phase>) {
    let control = !driver.decline.contains(&features::CTRL_VQ);
    let queue_reset = !driver.decline.contains(&features::RING_RESET);
    if draw.chance(700) {
        let wait = draw.chance(300);
        steps.push(some_traffic(draw, frames, wait));
        steps.push(pause(draw));
    }
    match draw.range(0, 6) {
        0 => steps.push(Phase::DeviceReset {}),
        1 => steps.push(Phase::FunctionReset {}),
        2 if queue_reset => steps.push(Phase::QueueReset {
            queue: draw.range(0, u32::from(driver.queue_pairs) * 2 - 1) as u16,
        }),
        // A control command may be lost in a queue that a failed read has stopped.
        3 if control && host.faults.is_empty() => steps.push(Phase::Control {
            command: Command::RxMode {
                mode: draw.one(&[RxMode::Promisc, RxMode::Allmulti]),
                on: draw.chance(500),
            },
            ok: Some(true),
        }),
        4 => steps.push(Phase::ReadConfig {}),
        _ => link_flaps(draw, steps),
    }
}

fn closed_steps(draw: &mut Draw, driver: &DriverConfig, closed: Closed, frames: u32, steps: &mut Vec<Phase>) {
    let everything = draw.chance(500) || matches!(driver.vectors, Vectors::Intx | Vectors::Single);
    let vectors = if everything {
        Vec::new()
    } else {
        vec![draw.range(0, 1) as u16]
    };
    if draw.chance(500) {
        steps.push(some_traffic(draw, frames, false));
        steps.push(pause(draw));
    }
    steps.push(match closed {
        Closed::Masked => Phase::Mask {
            vectors: vectors.clone(),
        },
        Closed::NoMaster => Phase::BusMaster { on: false },
        Closed::NoBuffers => Phase::Refill { on: false },
    });
    for _ in 0..draw.range(1, 3) {
        match draw.range(0, 3) {
            0 | 1 => steps.push(some_traffic(draw, frames, false)),
            2 => link_flaps(draw, steps),
            _ => {}
        }
        steps.push(pause(draw));
    }
    steps.push(match closed {
        Closed::Masked => Phase::Unmask { vectors },
        Closed::NoMaster => Phase::BusMaster { on: true },
        Closed::NoBuffers => Phase::Refill { on: true },
    });
}

/// The steps with suspensions among them, and whether there are any. Where a read of the device may fail there are none: a device that
/// asks for a reset never comes to rest.
pub(super) fn suspended(
    draw: &mut Draw,
    driver: &DriverConfig,
    host: &HostConfig,
    mut steps: Vec<Phase>,
) -> (Vec<Phase>, bool) {
    let wanted = draw.chance(250) && host.faults.is_empty();
    if !wanted {
        return (steps, false);
    }
    if steps.is_empty() {
        let frames = draw.range(1, 20) as usize;
        let part = Phase::Traffic {
            frames: Some(frames),
            wait: false,
        };
        steps = vec![
            part,
            pause(draw),
            Phase::Traffic {
                frames: None,
                wait: true,
            },
        ];
    }
    for _ in 0..draw.range(1, 2) {
        let places = open_places(&steps);
        let at = draw.one(&places);
        // Nobody may end a suspension that was not reached.
        let mut inside = vec![Phase::Suspend { wait: true }, pause(draw)];
        match draw.range(0, 3) {
            // Frames that come, or are to be sent, meanwhile have to wait.
            0 => inside.extend([some_traffic(draw, 6, false), pause(draw)]),
            1 if !driver.decline.contains(&features::STATUS) => link_flaps(draw, &mut inside),
            _ => {}
        }
        inside.push(Phase::Resume {});
        steps.splice(at..at, inside);
    }
    (steps, true)
}

/// Places between steps where nothing is shut: vectors, bus mastering, receive buffers or the device itself.
fn open_places(steps: &[Phase]) -> Vec<usize> {
    let mut shut = 0_u32;
    let mut places = vec![0];
    for (n, step) in steps.iter().enumerate() {
        match step {
            Phase::Mask { .. }
            | Phase::BusMaster { on: false }
            | Phase::Refill { on: false }
            | Phase::Suspend { .. } => shut += 1,
            Phase::Unmask { .. }
            | Phase::BusMaster { on: true }
            | Phase::Refill { on: true }
            | Phase::Resume {} => {
                shut = shut.saturating_sub(1);
            }
            _ => {}
        }
        if shut == 0 {
            places.push(n + 1);
        }
    }
    places
}
