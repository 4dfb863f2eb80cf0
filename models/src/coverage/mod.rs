//! Functional coverage: which of the situations that the plan names have been met, counted while a trace is judged.
//!
//! The plan ([`plan::crosses`]) is a list of crosses of dimensions. A point of a cross is one value of each dimension, written
//! `cross/value/value`; a point that cannot be met by anybody is named in the plan with the reason. What is then never met is a hole.
//! All of it is seen at the boundary, so it means the same for every device.

mod plan;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Serialize, Serializer};

pub(crate) use plan::FEATURES;
pub use plan::{Cross, Dimension};

static PLAN: LazyLock<Vec<Cross>> = LazyLock::new(plan::crosses);

/// The crosses of the plan.
#[must_use]
pub fn crosses() -> &'static [Cross] {
    &PLAN
}

/// The crosses, for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the plan says what each is")]
pub enum Of {
    Feature,
    Chain,
    Lap,
    Edge,
    Batch,
    Told,
    Reset,
    ReadError,
    Answer,
    Frame,
    Merge,
    Command,
    Drop,
    Rule,
}

/// A point of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// `cross/value/value`.
    pub name: String,
    /// How often it was met.
    pub met: u64,
    /// Why nobody can meet it, if so.
    pub impossible: Option<&'static str>,
}

/// A name that is no point of the plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no point of the coverage plan")]
pub struct NoPoint {
    /// The name.
    pub name: String,
}

/// How often each point was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// By cross, then by point in the order of the dimensions, the last running fastest.
    met: Vec<Vec<u64>>,
}

impl Default for Coverage {
    fn default() -> Self {
        Coverage {
            met: PLAN.iter().map(|c| vec![0; c.size()]).collect(),
        }
    }
}

impl Coverage {
    /// The point with these values was met. A value that the dimension does not have is not counted.
    pub fn meet(&mut self, of: Of, values: &[&str]) {
        let at = PLAN[of as usize].place(values);
        debug_assert!(at.is_some(), "{of:?}: {values:?} is not in the plan");
        if let Some(at) = at {
            self.met[of as usize][at] += 1;
        }
    }

    /// Every point of the plan.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        PLAN.iter().zip(&self.met).flat_map(|(cross, met)| {
            met.iter().enumerate().map(|(at, &met)| {
                let values = cross.values(at);
                Point {
                    name: format!("{}/{}", cross.id, values.join("/")),
                    met,
                    impossible: cross.why_impossible(&values),
                }
            })
        })
    }

    /// Adds what another run met.
    pub fn add(&mut self, other: &Coverage) {
        for (mine, theirs) in self.met.iter_mut().flatten().zip(other.met.iter().flatten()) {
            *mine += theirs;
        }
    }

    /// Adds what another run met, as it was written: points and how often.
    ///
    /// # Errors
    /// [`NoPoint`]: a name that the plan does not have.
    pub fn add_named(&mut self, met: &BTreeMap<String, u64>) -> Result<(), NoPoint> {
        for (name, count) in met {
            let place = || {
                let (id, values) = name.split_once('/')?;
                let cross = PLAN.iter().position(|c| c.id == id)?;
                let at = PLAN[cross].place(&values.split('/').collect::<Vec<_>>())?;
                Some((cross, at))
            };
            let (cross, at) = place().ok_or_else(|| NoPoint { name: name.clone() })?;
            self.met[cross][at] += count;
        }
        Ok(())
    }
}

/// The points that were met, by name.
impl Serialize for Coverage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.points().filter(|p| p.met > 0).map(|p| (p.name, p.met)))
    }
}

/// Does a name agree with a pattern, in which `*` stands for any one value?
#[must_use]
pub fn agrees(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.split('/'), name.split('/'));
    pattern.clone().count() == name.clone().count() && pattern.zip(name).all(|(p, n)| p == "*" || p == n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_in_the_order_of_those_who_count() {
        let named: Vec<String> = [
            Of::Feature,
            Of::Chain,
            Of::Lap,
            Of::Edge,
            Of::Batch,
            Of::Told,
            Of::Reset,
            Of::ReadError,
            Of::Answer,
            Of::Frame,
            Of::Merge,
            Of::Command,
            Of::Drop,
            Of::Rule,
        ]
        .iter()
        .map(|of| format!("{of:?}").to_lowercase())
        .collect();
        let ids: Vec<String> = crosses().iter().map(|c| c.id.replace('_', "")).collect();
        assert_eq!(named, ids);
    }

    #[test]
    fn every_point_has_a_name_of_its_own_and_every_impossible_one_exists() {
        let points: Vec<Point> = Coverage::default().points().collect();
        let mut names: Vec<&str> = points.iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), points.len());
        for cross in crosses() {
            for (pattern, why) in cross.impossible {
                let pattern = format!("{}/{pattern}", cross.id);
                assert!(
                    points
                        .iter()
                        .any(|p| agrees(&pattern, &p.name) && p.impossible == Some(*why)),
                    "{pattern} is no point"
                );
            }
        }
    }

    #[test]
    fn what_was_met_survives_its_short_form() {
        let mut c = Coverage::default();
        c.meet(Of::Chain, &["split", "one", "read", "any_order"]);
        c.meet(Of::Chain, &["split", "one", "read", "any_order"]);
        c.meet(Of::Edge, &["packed_list"]);
        let text = serde_json::to_string(&c).unwrap();
        assert_eq!(
            text,
            r#"{"chain/split/one/read/any_order":2,"edge/packed_list":1}"#
        );
        let mut sum = c.clone();
        sum.add_named(&serde_json::from_str(&text).unwrap()).unwrap();
        c.add(&c.clone());
        assert_eq!(sum, c);
        let wrong = BTreeMap::from([("edge/nowhere".to_owned(), 1)]);
        assert_eq!(
            sum.add_named(&wrong).unwrap_err().to_string(),
            "\"edge/nowhere\" is no point of the coverage plan"
        );
    }

    #[test]
    fn a_star_stands_for_one_value() {
        assert!(agrees("a/*/c", "a/b/c") && !agrees("a/*", "a/b/c") && !agrees("a/*/c", "a/b/d"));
    }
}
