//! The judge against synthetic traces: right behaviour passes, and each rule fires on the wrong behaviour that is its own.

mod broken;
mod checkpoint;
mod clean;
mod coalesce;
mod function;
mod interrupts;
mod packed;
mod packed_random;
mod ruined;
mod suspend;
mod timeouts;
mod torture;

use super::Verdict;
use crate::rules::RULES;
use crate::testutil::World;

/// A table of what was violated, for messages.
fn told(v: &Verdict) -> String {
    v.violations.iter().fold(String::new(), |text, x| {
        text + &format!(
            "\n  {} at {} (queue {:?}): expected {}; got {}",
            x.rule, x.cycle, x.queue, x.expected, x.got
        )
    })
}

/// The run must be without any violation.
fn assert_clean(world: World) -> Verdict {
    let v = world.verdict();
    assert!(v.violations.is_empty(), "{}", told(&v));
    assert!(v.passed());
    v
}

#[test]
fn every_rule_is_exercised_cleanly_and_has_a_test_that_it_fires() {
    let mut checked: Vec<&str> = Vec::new();
    for (name, world) in clean::worlds() {
        let v = world.verdict();
        assert!(v.passed(), "{name}:{}", told(&v));
        checked.extend(
            v.rules
                .iter()
                .filter(|r| r.checked > 0 && r.violated == 0)
                .map(|r| r.id),
        );
    }
    let unchecked: Vec<&str> = RULES
        .iter()
        .map(|r| r.id)
        .filter(|id| !checked.contains(id))
        .collect();
    assert!(
        unchecked.is_empty(),
        "rules never decided in a clean run: {unchecked:?}"
    );
    let cases = broken::cases();
    let silent: Vec<&str> = RULES
        .iter()
        .map(|r| r.id)
        .filter(|id| !cases.iter().any(|c| c.rule == *id))
        .collect();
    assert!(silent.is_empty(), "rules without a negative test: {silent:?}");
}
