//! Where two traces part.

use std::fmt;

use super::align::{Hunk, align};
use super::normal::{Line, Normal};
use super::words::words;

/// Lines of the stream shown before and after the first difference.
const AROUND: usize = 3;
/// Lines shown of each side of a difference.
const SHOWN: usize = 4;
/// Events of the whole trace shown before the first divergence.
const CONTEXT: usize = 6;
/// Columns of a line shown.
const COLUMNS: usize = 150;

/// How one stream differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The stream.
    pub stream: String,
    /// Line of the stream where it first differs, from 1.
    pub line: usize,
    /// Cycle of that line in the golden trace and in the other one; `None` where there is none any more.
    pub cycles: (Option<u64>, Option<u64>),
    /// What is different there, in words.
    pub words: String,
    /// Common lines just before it.
    pub before: Vec<String>,
    /// What the golden trace has there.
    pub golden: Vec<String>,
    /// What the other trace has there.
    pub other: Vec<String>,
    /// Common lines just after it.
    pub after: Vec<String>,
    /// Places of the stream that differ.
    pub places: usize,
    /// Lines that only the golden trace has, and lines that only the other one has, in all places.
    pub lines: (usize, usize),
    /// What happened in the other trace just before, whatever the stream; for the first divergence only.
    pub context: Vec<String>,
}

/// The differences of two traces, one a stream, the earliest first; none if the traces agree.
#[must_use]
pub fn compare(golden: &Normal, other: &Normal) -> Vec<Difference> {
    let empty = Vec::new();
    let mut names: Vec<&String> = golden.streams.keys().chain(other.streams.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut found: Vec<Difference> = names
        .into_iter()
        .filter_map(|name| {
            let (a, b) = (
                golden.streams.get(name).unwrap_or(&empty),
                other.streams.get(name).unwrap_or(&empty),
            );
            let hunks = align(a, b);
            hunks.first().map(|first| difference(name, a, b, first, &hunks))
        })
        .collect();
    found.sort_by_key(|d| d.cycles.1.or(d.cycles.0));
    if let Some(first) = found.first_mut() {
        first.context = context(other, first.cycles.1.or(first.cycles.0).unwrap_or(0));
    }
    found
}

fn difference(name: &str, a: &[Line], b: &[Line], first: &Hunk, hunks: &[Hunk]) -> Difference {
    let texts = |lines: &[Line]| lines.iter().map(|l| l.text.clone()).collect::<Vec<_>>();
    let part = |lines: &[Line]| texts(&lines[..lines.len().min(SHOWN)]);
    let (gone, new) = (&a[first.a.clone()], &b[first.b.clone()]);
    Difference {
        stream: name.to_owned(),
        line: first.a.start + 1,
        cycles: (
            a.get(first.a.start).map(|l| l.cycle),
            b.get(first.b.start).map(|l| l.cycle),
        ),
        words: words(
            name,
            &gone.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(),
            &new.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(),
        ),
        before: texts(&a[first.a.start.saturating_sub(AROUND)..first.a.start]),
        golden: part(gone),
        other: part(new),
        after: part(&a[first.a.end..]).into_iter().take(AROUND).collect(),
        places: hunks.len(),
        lines: hunks
            .iter()
            .fold((0, 0), |(x, y), h| (x + h.a.len(), y + h.b.len())),
        context: Vec::new(),
    }
}

/// The last events before a cycle, of all streams.
fn context(trace: &Normal, cycle: u64) -> Vec<String> {
    let mut last: Vec<(u64, String)> = Vec::new();
    for (name, lines) in &trace.streams {
        let until = lines.partition_point(|l| l.cycle < cycle);
        let some = &lines[until.saturating_sub(CONTEXT)..until];
        last.extend(
            some.iter()
                .filter(|l| l.event > 0)
                .map(|l| (l.event, format!("cycle {} {name}: {}", l.cycle, l.text))),
        );
    }
    last.sort_unstable();
    let skip = last.len().saturating_sub(CONTEXT);
    last.into_iter().skip(skip).map(|(_, text)| text).collect()
}

/// The part of two lines that matters: around their first difference.
fn window(line: &str, differs_at: usize) -> String {
    let start = differs_at.saturating_sub(COLUMNS / 2);
    let text: String = line.chars().skip(start).take(COLUMNS).collect();
    let (head, tail) = (
        if start > 0 { "…" } else { "" },
        if line.chars().count() > start + COLUMNS {
            "…"
        } else {
            ""
        },
    );
    format!("{head}{text}{tail}")
}

impl Difference {
    /// The difference in a line.
    #[must_use]
    pub fn in_a_line(&self) -> String {
        let (gone, new) = self.lines;
        let places = match self.places {
            1 => "in one place".to_owned(),
            n => format!("in {n} places"),
        };
        let cycle = match self.cycles.1.or(self.cycles.0) {
            Some(cycle) => format!(", cycle {cycle}"),
            None => ", at its end".to_owned(),
        };
        format!(
            "stream `{}` from line {}{cycle}: {} ({gone} lines less, {new} more, {places})",
            self.stream, self.line, self.words
        )
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.in_a_line())?;
        for line in &self.context {
            write!(f, "\n    : {}", window(line, 0))?;
        }
        let at = match (self.golden.first(), self.other.first()) {
            (Some(a), Some(b)) => a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count(),
            _ => 0,
        };
        for line in &self.before {
            write!(f, "\n    {}", window(line, 0))?;
        }
        for (sign, lines) in [('-', &self.golden), ('+', &self.other)] {
            for (index, line) in lines.iter().enumerate() {
                write!(f, "\n  {sign} {}", window(line, if index == 0 { at } else { 0 }))?;
            }
        }
        for line in &self.after {
            write!(f, "\n    {}", window(line, 0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::normal::tests::{read, trace};
    use super::super::{Precision, normalise};
    use super::*;
    use ringside_models::event::{EndReason, What};

    fn normal(addresses: &[u64]) -> Normal {
        let end = What::End {
            reason: EndReason::Complete,
        };
        let events = addresses
            .iter()
            .enumerate()
            .map(|(i, a)| (i as u64, read(0, *a)))
            .chain([(90, end)])
            .collect();
        normalise(&trace(events)[..], Precision::Timeless).unwrap()
    }

    #[test]
    fn one_read_more_is_one_difference_and_is_named() {
        let golden: Vec<u64> = (0..40).map(|i| 0x1000 + 0x10 * i).collect();
        let mut now = golden.clone();
        now.insert(20, 0x1130);
        let found = compare(&normal(&golden), &normal(&now));
        assert_eq!(found.len(), 1);
        let d = &found[0];
        assert_eq!((d.line, d.places, d.lines), (21, 1, (0, 1)));
        assert_eq!(d.cycles, (Some(20), Some(20)));
        let text = d.to_string();
        assert!(
            text.contains(
                "a `unknown` request that golden does not have (0 lines less, 1 more, in one place)"
            ),
            "{text}"
        );
        assert!(
            text.contains("\n    MRd 0x1130 1 dw be f/0\n  + MRd 0x1130 1 dw be f/0\n    MRd 0x1140"),
            "{text}"
        );
        assert!(text.contains("\n    : cycle 19 rq unknown: MRd 0x1130"), "{text}");
        // and the other way round one is missing
        let found = compare(&normal(&now), &normal(&golden));
        assert!(found[0].to_string().contains("\n  - MRd 0x1130"), "{}", found[0]);
        assert_eq!(found[0].lines, (1, 0));
    }

    #[test]
    fn a_change_is_shown_with_what_came_before_and_after() {
        let found = compare(
            &normal(&[0x10, 0x20, 0x30, 0x40, 0x50, 0x80]),
            &normal(&[0x10, 0x20, 0x30, 0x40, 0x60, 0x80]),
        );
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].places, found[0].before.len()), (5, 1, 3));
        let text = found[0].to_string();
        assert!(
            text.contains("another `unknown` request: 0x60 instead of 0x50 (+0x10)")
                && text.contains("- MRd 0x50")
                && text.contains("+ MRd 0x60")
                && text.contains("\n    MRd 0x80"),
            "{text}"
        );
    }

    #[test]
    fn the_earliest_difference_comes_first() {
        let (mut golden, mut now) = (normal(&[0x10, 0x20]), normal(&[0x10, 0x20]));
        let line = |text: &str, cycle| Line {
            text: text.to_owned(),
            cycle,
            event: cycle,
        };
        golden.streams.insert("a".into(), vec![line("x", 9)]);
        now.streams.insert("a".into(), vec![line("y", 9)]);
        golden.streams.insert("b".into(), vec![line("x", 4)]);
        now.streams.insert("b".into(), vec![line("y", 5)]);
        let found = compare(&golden, &now);
        let names: Vec<&str> = found.iter().map(|d| d.stream.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
        assert!(!found[0].context.is_empty() && found[1].context.is_empty());
    }

    #[test]
    fn equal_traces_have_no_difference_and_a_missing_end_is_one() {
        assert!(compare(&normal(&[1, 2]), &normal(&[1, 2])).is_empty());
        let found = compare(&normal(&[0x10, 0x20]), &normal(&[0x10]));
        assert_eq!((found[0].lines, found[0].cycles.1), ((1, 0), None));
        assert!(found[0].to_string().contains("- MRd 0x20"), "{}", found[0]);
    }
}
