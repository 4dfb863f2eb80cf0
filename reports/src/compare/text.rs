//! A comparison for a terminal.

use std::fmt::Write as _;

use super::budget::Finding;
use super::difference::{Better, Change, Comparison, is_headline};

/// Said of every comparison.
pub(super) const EXACT: &str =
    "Cycles are exact and runs repeat to the byte: there is no noise, whatever differs has changed.";

/// A number with as many digits as a reader wants: whole ones whole, others with six significant digits.
pub(super) fn number(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 {
        return format!("{n:.0}");
    }
    let digits = if n == 0.0 {
        0.0
    } else {
        5.0 - n.abs().log10().floor()
    };
    #[expect(clippy::cast_sign_loss, reason = "clamped")]
    let text = format!("{n:.*}", digits.clamp(0.0, 12.0) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Two numbers that differ, so that the difference shows.
pub(super) fn pair(c: &Change) -> [String; 2] {
    let shown = [c.a, c.b].map(|n| n.map_or("-".to_owned(), number));
    if shown[0] == shown[1] {
        [c.a, c.b].map(|n| n.map_or("-".to_owned(), |n| n.to_string()))
    } else {
        shown
    }
}

/// By how much, in per cent with a sign.
pub(super) fn percent(c: &Change) -> String {
    match (c.growth_percent(), c.a, c.b) {
        (Some(p), ..) if p.abs() >= 0.01 => format!("{p:+.2} %"),
        (Some(p), ..) => format!("{p:+.1e} %"),
        (None, None, Some(_)) => "new".to_owned(),
        (None, Some(_), None) => "gone".to_owned(),
        (None, ..) => "from 0".to_owned(),
    }
}

pub(super) fn text(c: &Comparison, findings: &[Finding], rows: usize) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "A {}\nB {}\n", c.names[0], c.names[1]);
    if c.is_empty() {
        let _ = writeln!(out, "  no difference in {} numbers", c.compared);
    } else {
        let _ = writeln!(
            out,
            "  {} of {} numbers differ. {EXACT}",
            c.changes.len(),
            c.compared
        );
    }
    let word = |passed| if passed { "pass" } else { "fail" };
    if c.passed != [true, true] {
        let _ = writeln!(
            out,
            "\n  verdict  A {}, B {}",
            word(c.passed[0]),
            word(c.passed[1])
        );
    }
    if !c.conditions.is_empty() {
        let _ = writeln!(out, "\n  the runs were not made alike:");
        for d in &c.conditions {
            let _ = writeln!(
                out,
                "    {}\n      A {}\n      B {}",
                d.name,
                or_none(&d.a),
                or_none(&d.b)
            );
        }
    }
    let (headline, others): (Vec<&Change>, Vec<&Change>) =
        c.changes.iter().partition(|d| is_headline(&d.metric));
    if !c.changes.is_empty() {
        let shown: Vec<&Change> = headline
            .iter()
            .copied()
            .chain(largest(others.clone(), rows))
            .collect();
        let width = shown.iter().map(|d| d.metric.len()).max().unwrap_or(0);
        let _ = writeln!(out, "\n  {:<width$} {:>14} {:>14} {:>12}", "", "A", "B", "change");
        for d in shown {
            let [a, b] = pair(d);
            let judged = d.better.map_or("", Better::word);
            let line = format!(
                "  {:<width$} {a:>14} {b:>14} {:>12}  {judged}",
                d.metric,
                percent(d)
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        let more = others.len().saturating_sub(rows);
        if more > 0 {
            let _ = writeln!(out, "  and {more} further changes (--all shows them)");
        }
    }
    if !findings.is_empty() {
        let _ = writeln!(out, "\n  budgets");
        for f in findings {
            let _ = match &f.broken {
                None => writeln!(
                    out,
                    "    kept    {}: {}",
                    f.metric,
                    f.value.map_or(String::new(), number)
                ),
                Some(cause) => writeln!(out, "    BROKEN  {}: {cause} (line {})", f.metric, f.line),
            };
        }
    }
    out
}

/// The largest changes, by their share of the first run's value; what is new or gone comes last.
fn largest(mut changes: Vec<&Change>, rows: usize) -> Vec<&Change> {
    let size = |c: &Change| match (c.growth_percent(), c.difference()) {
        (Some(percent), _) => percent.abs(),
        (None, Some(_)) => f64::INFINITY,
        (None, None) => -1.0,
    };
    changes.sort_by(|a, b| size(b).total_cmp(&size(a)));
    changes.truncate(rows);
    changes
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_what_differs() {
        assert_eq!(
            [3.0, 0.5, 2.493_975_9, 1e-7, 123_456.789, 0.0].map(number),
            ["3", "0.5", "2.49398", "0.0000001", "123457", "0"]
        );
        let c = |a, b| Change {
            metric: String::new(),
            a,
            b,
            better: None,
        };
        let close = c(Some(1.000_000_01), Some(1.000_000_02));
        assert_eq!(pair(&close), ["1.00000001", "1.00000002"]);
        assert_eq!(percent(&close), "+1.0e-6 %");
        assert_eq!(percent(&c(Some(2.0), Some(3.0))), "+50.00 %");
        assert_eq!(percent(&c(Some(0.0), Some(3.0))), "from 0");
        assert_eq!(percent(&c(None, Some(3.0))), "new");
    }
}
