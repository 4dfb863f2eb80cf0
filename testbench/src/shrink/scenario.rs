//! Scenarios as something to shrink: what is left alone, what is legal, and how the smallest one is written down.

use serde_json::Value;

use super::{Look, Shrinker, distance};
use crate::scenario::{Phase, Scenario};

/// Parts of a scenario that say which failure it is, or how long to wait for it: they stay.
const KEPT: [&str; 7] = ["name", "about", "seed", "dut", "parameters", "expect", "limits"];

/// The goal of a scenario: the default of everything, one frame, and of what is kept its own.
///
/// # Errors
/// None that a scenario can cause; serde's words.
pub fn goal(scenario: &Scenario) -> Result<Value, serde_json::Error> {
    let own = serde_json::to_value(scenario)?;
    let mut goal = serde_json::to_value(Scenario::default())?;
    for key in KEPT {
        goal[key] = own[key].clone();
    }
    // 0 would be as many as there are.
    goal["traffic"]["frames"] = 1.into();
    Ok(goal)
}

/// How much of a scenario differs from its goal: keys, and steps with theirs.
///
/// # Errors
/// As [`goal`].
pub fn size(scenario: &Scenario) -> Result<usize, serde_json::Error> {
    Ok(distance(&serde_json::to_value(scenario)?, &goal(scenario)?))
}

/// Shrinks a scenario for which `fails` says [`Look::Same`].
///
/// # Errors
/// As [`goal`].
pub fn shrink(
    scenario: &Scenario,
    fails: &mut dyn FnMut(&Scenario) -> Look,
) -> Result<Scenario, serde_json::Error> {
    let goal = goal(scenario)?;
    let value = serde_json::to_value(scenario)?;
    let stranded = stranded(scenario);
    let expected = expectations(scenario);
    let mut look = |candidate: &Value| match serde_json::from_value::<Scenario>(candidate.clone()) {
        Ok(s)
            if s.check().is_ok()
                && self::stranded(&s) <= stranded
                && expectations(&s).iter().all(|e| expected.contains(e)) =>
        {
            fails(&s)
        }
        _ => Look::Other,
    };
    serde_json::from_value(super::shrink(
        value,
        Shrinker {
            goal,
            look: &mut look,
        },
    ))
}

/// Steps that demand something. They stay as they are or go: with a smaller limit a good device fails them too.
fn expectations(scenario: &Scenario) -> Vec<Phase> {
    let demands = |step: &Phase| matches!(step, Phase::Progress { .. } | Phase::Fairness { .. });
    scenario.steps().into_iter().filter(demands).collect()
}

/// Steps that need what an earlier step has shut: a step that waits, a reset or a command while interrupts are masked, bus mastering is off, receive
/// buffers are withheld or the device is suspended. The end of the run waits too. Whoever leaves out the opening of what was shut makes
/// another failure of it, one of the scenario's own.
fn stranded(scenario: &Scenario) -> usize {
    let mut shut = Shut::default();
    let mut count = 0;
    for phase in scenario.steps() {
        shut.step(&phase);
        let needs = match phase {
            Phase::Traffic { wait, .. } => wait,
            Phase::DeviceReset {}
            | Phase::FunctionReset {}
            | Phase::QueueReset { .. }
            | Phase::Control { .. }
            | Phase::ReadConfig {} => true,
            _ => false,
        };
        count += usize::from(needs && shut.any());
    }
    count + usize::from(shut.any())
}

#[derive(Default)]
struct Shut {
    masked: Vec<Vec<u16>>,
    no_master: bool,
    no_buffers: bool,
    suspended: bool,
}

impl Shut {
    fn step(&mut self, phase: &Phase) {
        match phase {
            Phase::Mask { vectors } => self.masked.push(vectors.clone()),
            Phase::Unmask { vectors } => self.masked.retain(|m| m != vectors),
            Phase::BusMaster { on } => self.no_master = !on,
            Phase::Refill { on } => self.no_buffers = !on,
            Phase::Suspend { .. } => self.suspended = true,
            Phase::Resume {} => self.suspended = false,
            _ => {}
        }
    }

    fn any(&self) -> bool {
        !self.masked.is_empty() || self.no_master || self.no_buffers || self.suspended
    }
}

/// The scenario as a file: only what differs from the default.
///
/// # Errors
/// None that a scenario can cause; TOML's words.
pub fn to_toml(scenario: &Scenario) -> Result<String, toml::ser::Error> {
    let own = toml::Value::try_from(scenario)?;
    let default = toml::Value::try_from(Scenario::default())?;
    toml::to_string(&differing(own, &default))
}

fn differing(own: toml::Value, default: &toml::Value) -> toml::Value {
    match (own, default) {
        (toml::Value::Table(own), toml::Value::Table(default)) => toml::Value::Table(
            own.into_iter()
                .filter(|(key, part)| default.get(key) != Some(part))
                .map(|(key, part)| {
                    let part = match default.get(&key) {
                        Some(default) => differing(part, default),
                        None => part,
                    };
                    (key, part)
                })
                .collect(),
        ),
        (own, _) => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::ring::Format;
    use crate::scenario::random;

    #[test]
    fn a_random_scenario_shrinks_to_what_matters_and_reads_back() {
        for seed in 0..40 {
            let drawn = random::stretched(random::packed(seed), 20);
            let mut looks = 0;
            let small = shrink(&drawn, &mut |s| {
                looks += 1;
                if s.driver.ring == Format::Packed && s.traffic.frames >= 3 {
                    Look::Same
                } else {
                    Look::Other
                }
            })
            .unwrap();
            assert_eq!((small.driver.ring, small.traffic.frames), (Format::Packed, 3));
            assert_eq!((small.seed, &small.name), (drawn.seed, &drawn.name));
            assert_eq!(size(&small).unwrap(), 2, "seed {seed}: {small:?}");
            assert!(looks < 100, "seed {seed}: {looks} looks");
            let text = to_toml(&small).unwrap();
            assert_eq!(toml::from_str::<Scenario>(&text).unwrap(), small, "{text}");
            assert!(text.lines().count() < 16, "{text}");
        }
    }

    #[test]
    fn what_a_scenario_demands_stays_or_goes_but_is_not_made_harder() {
        let demand = Phase::Progress {
            queue: 1,
            frames: 7,
            cycles: 900,
        };
        let mut scenario = random::drawn(5);
        scenario.phases = vec![demand.clone()];
        let demands = |s: &Scenario| s.phases.iter().any(|p| matches!(p, Phase::Progress { .. }));
        let small = shrink(&scenario, &mut |s| {
            if demands(s) { Look::Same } else { Look::Other }
        })
        .unwrap();
        assert_eq!(small.phases, [demand]);
    }

    #[test]
    fn every_random_scenario_survives_its_short_form() {
        for seed in 0..200 {
            let s = random::drawn(seed);
            let text = to_toml(&s).unwrap();
            assert_eq!(toml::from_str::<Scenario>(&text).unwrap(), s, "{text}");
            assert_eq!(stranded(&s), 0, "{text}");
        }
    }

    #[test]
    fn what_was_shut_is_not_left_shut() {
        let closed = Scenario {
            phases: vec![
                Phase::Mask { vectors: vec![1] },
                Phase::Wait { cycles: 9 },
                Phase::Unmask { vectors: vec![1] },
                Phase::DeviceReset {},
            ],
            ..Scenario::default()
        };
        let small = shrink(&closed, &mut |s| {
            if s.phases.iter().any(|p| matches!(p, Phase::Mask { .. })) {
                Look::Same
            } else {
                Look::Other
            }
        })
        .unwrap();
        let kinds: Vec<String> = small.phases.iter().map(Phase::word).collect();
        assert_eq!(kinds, ["mask", "unmask"]);
    }
}
