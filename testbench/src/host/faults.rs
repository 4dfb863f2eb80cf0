//! Failures of device reads on demand: which read, and how it fails.

use serde::{Deserialize, Serialize};

use super::config::HostConfigError;
use super::dice::Dice;

/// How a read fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Unsupported Request, no data.
    Ur,
    /// Completer Abort, no data.
    Ca,
    /// All data arrive, one completion of them poisoned (EP).
    Poison,
    /// No completion ever.
    Timeout,
    /// The first completion is good, then Completer Abort. A read answered in one piece aborts at once.
    PartialCa,
    /// The first completion is good, then nothing. A read answered in one piece gets nothing at all.
    PartialTimeout,
}

/// Which reads fail, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// How.
    pub kind: FaultKind,
    /// Matching reads that are spared first.
    #[serde(default)]
    pub after: u64,
    /// How many reads fail, 0 for no end.
    #[serde(default = "one")]
    pub count: u64,
    /// Chance per thousand of each matching read.
    #[serde(default = "always")]
    pub per_mille: u32,
    /// Lowest byte address that the rule is about.
    #[serde(default)]
    pub from: u64,
    /// First byte address beyond it.
    #[serde(default = "everywhere")]
    pub to: u64,
}

fn one() -> u64 {
    1
}
fn always() -> u32 {
    1000
}
fn everywhere() -> u64 {
    // TOML integers end here; no address of the host's memory lies beyond.
    i64::MAX as u64
}

impl FaultRule {
    /// The next read anywhere fails so.
    #[must_use]
    pub fn next(kind: FaultKind) -> Self {
        FaultRule {
            kind,
            after: 0,
            count: 1,
            per_mille: 1000,
            from: 0,
            to: everywhere(),
        }
    }

    /// Only reads that touch `from..to`.
    #[must_use]
    pub fn within(mut self, from: u64, to: u64) -> Self {
        (self.from, self.to) = (from, to);
        self
    }

    pub(super) fn check(&self) -> Result<(), HostConfigError> {
        if self.per_mille > 1000 {
            return Err(HostConfigError::Value {
                key: "faults.per_mille",
                value: self.per_mille.into(),
                allowed: "at most 1000",
            });
        }
        if self.from >= self.to {
            return Err(HostConfigError::Value {
                key: "faults.from",
                value: self.from,
                allowed: "less than `to`",
            });
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Armed {
    rule: FaultRule,
    seen: u64,
    hit: u64,
}

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Faults {
    rules: Vec<Armed>,
    dice: Dice,
}

impl Faults {
    /// The rules of a configuration, in their order.
    #[must_use]
    pub fn new(rules: &[FaultRule], dice: Dice) -> Self {
        let mut faults = Faults {
            rules: Vec::new(),
            dice,
        };
        for rule in rules {
            faults.add(rule.clone());
        }
        faults
    }

    /// Adds a rule behind the others.
    pub fn add(&mut self, rule: FaultRule) {
        self.rules.push(Armed {
            rule,
            seen: 0,
            hit: 0,
        });
    }

    /// How the read of `addr..end` fails, if it does.
    pub fn draw(&mut self, addr: u64, end: u64) -> Option<FaultKind> {
        for armed in &mut self.rules {
            let rule = &armed.rule;
            let spent = rule.count != 0 && armed.hit == rule.count;
            if spent || addr >= rule.to || end <= rule.from {
                continue;
            }
            armed.seen += 1;
            if armed.seen > rule.after && self.dice.chance(rule.per_mille) {
                armed.hit += 1;
                return Some(rule.kind);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hit_by_count_range_and_chance() {
        let mut by_count = FaultRule::next(FaultKind::Ur);
        by_count.after = 2;
        by_count.count = 2;
        let in_range = FaultRule::next(FaultKind::Ca).within(0x1000, 0x2000);
        let mut f = Faults::new(&[by_count, in_range], Dice::new(1, "faults"));
        let hits: Vec<_> = (0..6).map(|_| f.draw(0x3000, 0x3040)).collect();
        assert_eq!(
            hits,
            [None, None, Some(FaultKind::Ur), Some(FaultKind::Ur), None, None]
        );
        assert_eq!(f.draw(0xfff, 0x1000), None);
        assert_eq!(f.draw(0xfff, 0x1001), Some(FaultKind::Ca));
        assert_eq!(f.draw(0x1000, 0x1004), None, "its count is 1");
    }

    #[test]
    fn a_chance_is_a_chance() {
        let mut rule = FaultRule::next(FaultKind::Poison);
        (rule.per_mille, rule.count) = (250, 0);
        let mut f = Faults::new(&[rule], Dice::new(3, "faults"));
        let hits = (0..2000).filter(|_| f.draw(0, 4).is_some()).count();
        assert!((400..600).contains(&hits), "{hits}");
    }

    #[test]
    fn faults_read_from_toml() {
        #[derive(Deserialize)]
        struct File {
            faults: Vec<FaultRule>,
        }
        let f: File =
            toml::from_str("[[faults]]\nkind = \"partial_ca\"\nafter = 3\nfrom = 0x1000\nto = 0x2000")
                .unwrap();
        assert_eq!((f.faults[0].kind, f.faults[0].after), (FaultKind::PartialCa, 3));
        assert!(f.faults[0].check().is_ok());
    }
}
