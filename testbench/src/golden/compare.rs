//! Where two traces part.

use std::fmt;

use super::normal::Normal;

/// Lines shown before the first difference.
const BEFORE: usize = 3;
/// Lines shown of each side from the first difference on.
const AFTER: usize = 3;
/// Columns of a line shown.
const COLUMNS: usize = 150;

/// The first difference of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The stream.
    pub stream: String,
    /// Line of the stream, from 1.
    pub line: usize,
    /// Common lines just before it.
    pub before: Vec<String>,
    /// What the golden trace has there.
    pub golden: Vec<String>,
    /// What the other trace has there.
    pub other: Vec<String>,
    /// Lines of the stream in the golden trace and in the other one.
    pub lengths: (usize, usize),
}

/// The first difference of each stream; none if the traces agree.
#[must_use]
pub fn compare(golden: &Normal, other: &Normal) -> Vec<Difference> {
    let empty = Vec::new();
    let mut names: Vec<&String> = golden.streams.keys().chain(other.streams.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut found = Vec::new();
    for name in names {
        let (a, b) = (
            golden.streams.get(name).unwrap_or(&empty),
            other.streams.get(name).unwrap_or(&empty),
        );
        let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        if common == a.len() && common == b.len() {
            continue;
        }
        let part = |v: &[String]| v.iter().skip(common).take(AFTER).cloned().collect();
        found.push(Difference {
            stream: name.clone(),
            line: common + 1,
            before: a[common.saturating_sub(BEFORE)..common].to_vec(),
            golden: part(a),
            other: part(b),
            lengths: (a.len(), b.len()),
        });
    }
    found
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

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = self.lengths;
        write!(
            f,
            "stream `{}` differs from line {} ({a} lines golden, {b} now)",
            self.stream, self.line
        )?;
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
            if lines.is_empty() {
                write!(f, "\n  {sign} (ends here)")?;
            }
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
            .chain([(9, end)])
            .collect();
        normalise(&trace(events)[..], Precision::Timeless).unwrap()
    }

    #[test]
    fn the_first_difference_is_shown_with_what_came_before() {
        let found = compare(
            &normal(&[0x10, 0x20, 0x30, 0x40, 0x50]),
            &normal(&[0x10, 0x20, 0x30, 0x40, 0x60, 0x70]),
        );
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].lengths, found[0].before.len()),
            (5, (5, 6), 3)
        );
        let text = found[0].to_string();
        assert!(
            text.contains("- MRd 0x50") && text.contains("+ MRd 0x60") && text.contains("+ MRd 0x70"),
            "{text}"
        );
    }

    #[test]
    fn equal_traces_have_no_difference_and_a_missing_end_is_one() {
        assert!(compare(&normal(&[1, 2]), &normal(&[1, 2])).is_empty());
        let found = compare(&normal(&[0x10, 0x20]), &normal(&[0x10]));
        assert!(found[0].to_string().ends_with("+ (ends here)"), "{}", found[0]);
    }
}
