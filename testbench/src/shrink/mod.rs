//! Shrinking: from a value that fails to the smallest one found that still fails in the same way.
//!
//! A value is taken apart as data, whatever it describes: parts are replaced by those of a goal, the largest first; elements of lists are left
//! out, many at a time and then one by one (delta debugging); numbers move towards the goal by halving. Each candidate is tried once, in an order
//! that depends on the value alone, so that the same failure shrinks to the same end.

pub mod scenario;

use std::collections::BTreeSet;

use serde_json::Value;

/// What a candidate shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The same failure.
    Same,
    /// Another one, or none.
    Other,
    /// Nothing more is to be tried.
    Stop,
}

/// What to make of a value.
pub struct Shrinker<'a> {
    /// What every part should come close to. Parts of it that are like the value's own are left alone.
    pub goal: Value,
    /// Tries a candidate.
    pub look: &'a mut dyn FnMut(&Value) -> Look,
}

/// How far a value is from its goal: parts that differ, each element of a list with its own parts.
#[must_use]
pub fn distance(value: &Value, goal: &Value) -> usize {
    match (value, goal) {
        _ if value == goal => 0,
        (Value::Object(v), Value::Object(g)) => v
            .iter()
            .map(|(key, part)| distance(part, g.get(key).unwrap_or(&Value::Null)))
            .sum(),
        (Value::Array(v), _) => v.iter().map(|part| 1 + distance(part, &Value::Null)).sum(),
        (Value::Object(v), _) => v.values().map(|part| distance(part, &Value::Null)).sum(),
        (Value::Null, _) => 0,
        _ => 1,
    }
}

/// Shrinks a value that fails until nothing that is tried makes it smaller, or `look` says [`Look::Stop`].
#[must_use]
pub fn shrink(value: Value, s: Shrinker) -> Value {
    let goal = s.goal;
    let mut work = Work {
        value,
        tried: BTreeSet::new(),
        stopped: false,
        look: s.look,
    };
    loop {
        let before = work.value.clone();
        work.part("", Some(&goal));
        if work.stopped || work.value == before {
            return work.value;
        }
    }
}

struct Work<'a> {
    value: Value,
    tried: BTreeSet<String>,
    stopped: bool,
    look: &'a mut dyn FnMut(&Value) -> Look,
}

impl Work<'_> {
    /// The part with this JSON pointer.
    fn at(&self, pointer: &str) -> &Value {
        self.value.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Tries the value with another part there, and keeps it if it fails as well.
    fn try_with(&mut self, pointer: &str, part: Value) -> bool {
        if self.stopped || *self.at(pointer) == part {
            return false;
        }
        let mut candidate = self.value.clone();
        let Some(place) = candidate.pointer_mut(pointer) else {
            return false;
        };
        *place = part;
        if !self.tried.insert(candidate.to_string()) {
            return false;
        }
        match (self.look)(&candidate) {
            Look::Same => self.value = candidate,
            Look::Other => return false,
            Look::Stop => {
                self.stopped = true;
                return false;
            }
        }
        true
    }

    /// Makes the part with this pointer smaller. Elements of lists have no goal of their own.
    fn part(&mut self, pointer: &str, goal: Option<&Value>) {
        if self.stopped || goal == Some(self.at(pointer)) {
            return;
        }
        if let Some(goal) = goal
            && self.try_with(pointer, goal.clone())
        {
            return;
        }
        match self.at(pointer) {
            Value::Object(fields) => {
                let keys: Vec<String> = fields.keys().cloned().collect();
                for key in keys {
                    let field = key.replace('~', "~0").replace('/', "~1");
                    let inner = goal.and_then(|g| g.get(&key));
                    self.part(&format!("{pointer}/{field}"), inner);
                }
            }
            Value::Array(_) => self.list(pointer),
            Value::Number(_) => self.number(pointer, goal.and_then(Value::as_u64).unwrap_or(0)),
            _ => {}
        }
    }

    /// Leaves out runs of elements, long ones first and late ones first, then makes those that stay smaller.
    fn list(&mut self, pointer: &str) {
        let elements = |w: &Self| w.at(pointer).as_array().cloned().unwrap_or_default();
        let mut run = elements(self).len();
        while run > 0 {
            let mut end = elements(self).len();
            while end > 0 && !self.stopped {
                let start = end.saturating_sub(run);
                let mut rest = elements(self);
                rest.drain(start..end);
                self.try_with(pointer, Value::Array(rest));
                end = start;
            }
            run /= 2;
        }
        for n in 0..elements(self).len() {
            self.part(&format!("{pointer}/{n}"), None);
        }
    }

    /// Moves a number towards `goal` as far as it goes by halving the way.
    fn number(&mut self, pointer: &str, goal: u64) {
        let Some(mut good) = self.at(pointer).as_u64() else {
            return;
        };
        if self.try_with(pointer, goal.into()) {
            return;
        }
        let mut bad = goal;
        while good.abs_diff(bad) > 1 && !self.stopped {
            let middle = bad.midpoint(good);
            if self.try_with(pointer, middle.into()) {
                good = middle;
            } else {
                bad = middle;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Shrinks with a predicate; also how many candidates it saw.
    fn to_smallest(value: Value, goal: &Value, fails: impl Fn(&Value) -> bool) -> (Value, usize) {
        assert!(fails(&value), "it fails to begin with");
        let mut looks = 0;
        let mut look = |candidate: &Value| {
            looks += 1;
            if fails(candidate) { Look::Same } else { Look::Other }
        };
        let goal = goal.clone();
        let smallest = shrink(
            value,
            Shrinker {
                goal,
                look: &mut look,
            },
        );
        (smallest, looks)
    }

    #[test]
    fn what_does_not_matter_becomes_the_goal_and_what_does_stays() {
        let goal = json!({"a": 0, "deep": {"x": 1, "y": "plain", "z": false}, "steps": []});
        let value = json!({"a": 77, "deep": {"x": 9, "y": "odd", "z": true}, "steps": [1, 2, 3]});
        let (smallest, _) = to_smallest(value, &goal, |v| v["deep"]["y"] == "odd");
        let wanted = json!({"a": 0, "deep": {"x": 1, "y": "odd", "z": false}, "steps": []});
        assert_eq!(smallest, wanted);
        assert_eq!(distance(&smallest, &goal), 1);
    }

    #[test]
    fn numbers_stop_where_the_failure_stops() {
        for (threshold, start) in [(1, 1000), (713, 1000), (1000, 1000), (3, 4)] {
            let value = json!({"n": start});
            let (smallest, looks) =
                to_smallest(value, &json!({"n": 0}), |v| v["n"].as_u64() >= Some(threshold));
            assert_eq!(smallest["n"], threshold);
            assert!(looks < 25, "{looks} looks for one number");
        }
    }

    #[test]
    fn of_a_list_the_two_elements_that_matter_are_left_in_order() {
        let steps: Vec<Value> = (0..40)
            .map(|n| json!({"do": n % 10, "cycles": 100 + n}))
            .collect();
        let value = json!({"steps": steps});
        let fails = |v: &Value| {
            let kinds: Vec<u64> = v["steps"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|s| s["do"].as_u64())
                .collect();
            let reset = kinds.iter().position(|&k| k == 7);
            reset.is_some_and(|at| kinds[at..].contains(&3))
        };
        let (smallest, looks) = to_smallest(value, &json!({"steps": []}), fails);
        assert_eq!(smallest["steps"].as_array().map(Vec::len), Some(2), "{smallest}");
        assert!(fails(&smallest) && looks < 150, "{looks} looks: {smallest}");
    }

    #[test]
    fn it_is_the_same_each_time_and_stops_when_told() {
        let value = json!({"a": [5, 6, 7, 8], "b": {"c": 9, "d": 3}});
        let goal = json!({"a": [], "b": {"c": 0, "d": 0}});
        let fails = |v: &Value| v["a"].as_array().is_some_and(|a| a.contains(&json!(7)));
        let once = to_smallest(value.clone(), &goal, fails);
        assert_eq!(once, to_smallest(value.clone(), &goal, fails));
        assert_eq!(once.0, json!({"a": [7], "b": {"c": 0, "d": 0}}));
        let mut left = 3;
        let mut look = |v: &Value| {
            left -= 1;
            match fails(v) {
                _ if left == 0 => Look::Stop,
                true => Look::Same,
                false => Look::Other,
            }
        };
        let part = shrink(
            value,
            Shrinker {
                goal,
                look: &mut look,
            },
        );
        assert!(fails(&part) && left == 0, "{part}");
    }

    #[test]
    fn distance_counts_what_differs() {
        let goal = json!({"a": 1, "list": [], "none": null});
        assert_eq!(distance(&goal, &goal), 0);
        assert_eq!(
            distance(
                &json!({"a": 2, "list": [{"x": 1}, {"x": null}], "none": {"y": 1, "z": 2}}),
                &goal
            ),
            6
        );
    }
}
