//! Budgets: what a run may cost, for machines that build and test.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::CompareError;
use super::difference::Comparison;
use super::text::number;

/// Relative slack of a comparison of fractions, which files carry with ten significant digits.
const SLACK: f64 = 1e-9;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    budget: Vec<Spanned<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    metric: String,
    max: Option<f64>,
    min: Option<f64>,
    max_growth_percent: Option<f64>,
    max_shrink_percent: Option<f64>,
    absent: Option<f64>,
}

/// What a run may cost.
#[derive(Debug)]
pub struct Budgets {
    path: std::path::PathBuf,
    entries: Vec<(usize, Entry)>,
}

/// What became of a budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its metric.
    pub metric: String,
    /// Its line in the file, from 1.
    pub line: usize,
    /// The value of the second run.
    pub value: Option<f64>,
    /// How it was broken; `None`: kept.
    pub broken: Option<String>,
}

impl Budgets {
    /// Reads a file of budgets; `path` is for messages.
    ///
    /// # Errors
    /// [`CompareError::Budget`] with the line: no TOML, an unknown key, a budget without a limit or a limit that is no number.
    pub fn parse(text: &str, path: &Path) -> Result<Self, CompareError> {
        let line_of = |at: usize| 1 + text.get(..at).unwrap_or(text).matches('\n').count();
        let wrong = |line, cause: String| CompareError::Budget {
            path: path.to_owned(),
            line,
            cause,
        };
        let file: File = toml::from_str(text)
            .map_err(|e| wrong(e.span().map_or(1, |s| line_of(s.start)), e.message().to_owned()))?;
        let mut entries: Vec<(usize, Entry)> = Vec::new();
        for spanned in file.budget {
            let line = line_of(spanned.span().start);
            let entry = spanned.into_inner();
            let limits = [
                ("max", entry.max),
                ("min", entry.min),
                ("max_growth_percent", entry.max_growth_percent),
                ("max_shrink_percent", entry.max_shrink_percent),
            ];
            if limits.iter().all(|(_, v)| v.is_none()) {
                let names = limits.map(|(n, _)| n).join(", ");
                return Err(wrong(
                    line,
                    format!("{} has no limit: give one of {names}", entry.metric),
                ));
            }
            for (name, value) in limits.into_iter().chain([("absent", entry.absent)]) {
                if value.is_some_and(|v| !v.is_finite()) {
                    return Err(wrong(line, format!("{name} of {} is no number", entry.metric)));
                }
                if name.ends_with("percent") && value.is_some_and(|v| v < 0.0) {
                    return Err(wrong(
                        line,
                        format!("{name} of {} is negative: 0 allows none", entry.metric),
                    ));
                }
            }
            if let Some((before, _)) = entries.iter().find(|(_, e)| e.metric == entry.metric) {
                let cause = format!("{} has a budget already, in line {before}", entry.metric);
                return Err(wrong(line, cause));
            }
            entries.push((line, entry));
        }
        if entries.is_empty() {
            return Err(wrong(1, "no budget: expected [[budget]] tables".to_owned()));
        }
        Ok(Budgets {
            path: path.to_owned(),
            entries,
        })
    }

    /// Holds a comparison against the budgets.
    ///
    /// # Errors
    /// [`CompareError::Budget`] for a metric that neither run has: a slip of the pen must not look like a budget that is kept.
    pub fn check(&self, c: &Comparison) -> Result<Vec<Finding>, CompareError> {
        let mut findings = Vec::new();
        for (line, entry) in &self.entries {
            let known = |run: usize| c.measures[run].contains_key(&entry.metric);
            if !known(0) && !known(1) && entry.absent.is_none() {
                return Err(CompareError::Budget {
                    path: self.path.clone(),
                    line: *line,
                    cause: format!(
                        "neither run has {:?}{}; where that is as it should be: absent = 0",
                        entry.metric,
                        near(&entry.metric, c)
                    ),
                });
            }
            let value = |run: usize| c.measures[run].get(&entry.metric).copied().flatten();
            findings.push(Finding {
                metric: entry.metric.clone(),
                line: *line,
                value: value(1).or(entry.absent),
                broken: entry.broken(value(0), value(1)),
            });
        }
        Ok(findings)
    }
}

impl Entry {
    fn broken(&self, a: Option<f64>, b: Option<f64>) -> Option<String> {
        let a = a.or(self.absent);
        let Some(b) = b.or(self.absent) else {
            return Some("the second run has no value, so nothing holds it to its budget".to_owned());
        };
        let slack = SLACK * b.abs();
        if let Some(max) = self.max.filter(|max| b > max + slack) {
            return Some(format!("{} is over {}", number(b), number(max)));
        }
        if let Some(min) = self.min.filter(|min| b < min - slack) {
            return Some(format!("{} is under {}", number(b), number(min)));
        }
        let by = |percent: f64, word: &str, allowed: f64| {
            let a = a.unwrap_or_default();
            format!(
                "{} {word} from {} by {} %, allowed are {} %",
                number(b),
                number(a),
                number(percent.abs()),
                number(allowed)
            )
        };
        if self.max_growth_percent.is_none() && self.max_shrink_percent.is_none() {
            return None;
        }
        let Some(a) = a else {
            return Some("the first run has no value to grow or shrink from".to_owned());
        };
        let percent = 100.0 * (b - a) / a.abs();
        if let Some(allowed) = self.max_growth_percent
            && b - a > a.abs() * allowed / 100.0 + slack
        {
            return Some(if a == 0.0 {
                format!("{} grew from 0", number(b))
            } else {
                by(percent, "grew", allowed)
            });
        }
        if let Some(allowed) = self.max_shrink_percent
            && a - b > a.abs() * allowed / 100.0 + slack
        {
            return Some(by(percent, "shrank", allowed));
        }
        None
    }
}

/// Names that look like a metric's, as part of a message.
fn near(metric: &str, c: &Comparison) -> String {
    let mut names: Vec<&String> = c.measures[1].keys().chain(c.measures[0].keys()).collect();
    names.sort_unstable_by_key(|n| (distance(metric, n), n.as_str()));
    names.dedup();
    let best: Vec<String> = names.iter().take(3).map(|n| format!("{n:?}")).collect();
    if best.is_empty() {
        String::new()
    } else {
        format!(" (near: {})", best.join(", "))
    }
}

/// Fewest letters to add, drop or change that make one word the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let here = (diagonal + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = here;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let e = Budgets::parse(text, Path::new("b.toml")).unwrap_err();
        e.to_string()
    }

    #[test]
    fn what_cannot_be_a_budget_is_refused_with_its_line() {
        for (text, part) in [
            ("", "b.toml, line 1: no budget"),
            ("[[budget]]\nmetric = \"mpps\"", "line 1: mpps has no limit"),
            (
                "\n[[budget]]\nmetric = \"mpps\"\nmaxx = 3",
                "line 4: unknown field `maxx`",
            ),
            ("[budgets]", "line 1: unknown field `budgets`"),
            ("[[budget]]\nmetric = \"a\"\nmax = nan", "max of a is no number"),
            (
                "[[budget]]\nmetric = \"a\"\nmax_growth_percent = -1",
                "is negative",
            ),
            ("[[budget]]\nmetric = 4\nmax = 1", "line 2: invalid type"),
            ("[[budget]]\nmax = 1", "missing field `metric`"),
            (
                "[[budget]]\nmetric = \"a\"\nmax = 1\n[[budget]]\nmetric = \"a\"\nmin = 1",
                "line 4: a has a budget already, in line 1",
            ),
            ("nonsense", "line 1: "),
        ] {
            let said = refused(text);
            assert!(said.contains(part), "{text:?} gave {said:?}");
        }
    }

    #[test]
    fn limits_hold_at_their_edge_and_break_beyond_it() {
        let entry = |text: &str| {
            let b = Budgets::parse(&format!("[[budget]]\nmetric = \"m\"\n{text}"), Path::new("b")).unwrap();
            b.entries.into_iter().next().unwrap().1
        };
        for (limit, a, b, kept) in [
            ("max = 3", None, Some(3.0), true),
            ("max = 3", None, Some(3.001), false),
            ("max = 3", Some(1.0), None, false),
            ("min = 3", None, Some(3.0), true),
            ("min = 3", None, Some(2.9), false),
            ("max_growth_percent = 10", Some(3.0), Some(3.3), true),
            ("max_growth_percent = 10", Some(3.0), Some(3.31), false),
            ("max_growth_percent = 0", Some(3.0), Some(3.0), true),
            ("max_growth_percent = 50", Some(0.0), Some(1.0), false),
            ("max_growth_percent = 50", None, Some(1.0), false),
            ("max_growth_percent = 50\nabsent = 1", None, Some(1.0), true),
            ("max_shrink_percent = 5", Some(100.0), Some(95.0), true),
            ("max_shrink_percent = 5", Some(100.0), Some(94.9), false),
            ("max_shrink_percent = 5", Some(100.0), Some(300.0), true),
        ] {
            let said = entry(limit).broken(a, b);
            assert_eq!(said.is_none(), kept, "{limit}: {a:?} {b:?} {said:?}");
        }
    }

    #[test]
    fn distances() {
        assert_eq!(
            [("mpps", "mpps"), ("mpps", "mps"), ("", "ab"), ("abc", "xbd")].map(|(a, b)| distance(a, b)),
            [0, 1, 2, 2]
        );
    }
}
