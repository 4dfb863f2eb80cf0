//! A failure in at most fifteen lines, the last of which repeats it.

use std::fmt::Write as _;

use ringside_models::clauses;
use ringside_models::judge::Verdict;
use ringside_models::rules;

use super::paint::{Paint, count};
use crate::run::{Ended, RunResult};

/// Ring events shown.
const CONTEXT: usize = 5;
/// Complaints shown.
const COMPLAINTS: usize = 4;
/// Columns of a line shown.
const COLUMNS: usize = 150;

/// A word for a shell.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn cut(text: &str) -> String {
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(COLUMNS)
        .collect();
    if line.len() < text.len() {
        format!("{line}…")
    } else {
        line
    }
}

/// The first unexpected violation, how many others there are, and the command that repeats them. Empty if there is nothing to say.
pub(super) fn violations(verdict: &Verdict, repeat: &str, paint: Paint) -> String {
    if verdict.passed() {
        return String::new();
    }
    let mut text = String::from("\n");
    let unexpected: Vec<_> = verdict.unexpected().collect();
    if let Some(v) = unexpected.first() {
        let queue = v.queue.map(|q| format!(", queue {q}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {} at cycle {}{queue} ({})",
            paint.bad(v.rule),
            v.cycle,
            v.scope().word()
        );
        if let Some(rule) = rules::find(v.rule) {
            let rule = rule.rule();
            let _ = writeln!(text, "    rule      {}", rule.sentence);
            if let Some(clause) = rule.clauses.first().and_then(|id| clauses::find(id)) {
                let _ = writeln!(text, "    clause    {}: {}", clause.id, clause.paraphrase);
            }
        }
        let _ = writeln!(text, "    expected  {}", cut(&v.expected));
        let _ = writeln!(text, "    got       {}", cut(&v.got));
        for (index, row) in v.context.iter().rev().take(CONTEXT).rev().enumerate() {
            let _ = writeln!(
                text,
                "    {}  {}",
                if index == 0 { "before  " } else { "        " },
                cut(row)
            );
        }
        let others = unexpected.len() as u64 - 1;
        if others > 0 {
            let mut ids: Vec<&str> = unexpected.iter().skip(1).map(|v| v.rule).collect();
            ids.dedup();
            ids.truncate(6);
            let _ = writeln!(
                text,
                "    and       {}: {}",
                count(others, "more violation"),
                ids.join(", ")
            );
        }
    }
    let _ = writeln!(text, "    repeat    {repeat}");
    text
}

/// A line for each piece of advice that the device did not follow, up to [`COMPLAINTS`] of them. It fails no run.
pub(super) fn advice(verdict: &Verdict, paint: Paint) -> String {
    verdict
        .advice()
        .take(COMPLAINTS)
        .fold(String::new(), |mut text, v| {
            let _ = writeln!(
                text,
                "  {} {}: recommended is {}; got {}",
                paint.dim("advice"),
                v.rule,
                cut(&v.expected),
                cut(&v.got)
            );
            text
        })
}

/// What else went wrong: the simulation's end, the driver's complaints, the rings.
pub(super) fn troubles(result: &RunResult, paint: Paint) -> String {
    let mut text = String::new();
    // Its first line is in the headline; who waits for what takes more of them.
    if let Ended::Sim(e) = &result.ended
        && e.wait_graph().is_some()
    {
        let _ = writeln!(text, "\n  {} {e}", paint.bad("the simulation ended early:"));
    }
    if !result.complaints.is_empty() {
        let _ = writeln!(text, "\n  {}", paint.bad("complaints"));
        for complaint in result.complaints.iter().take(COMPLAINTS) {
            let _ = writeln!(text, "    {complaint}");
        }
        let more = result.complaints.len().saturating_sub(COMPLAINTS) as u64;
        if more > 0 {
            let _ = writeln!(text, "    and {}", count(more, "more complaint"));
        }
    }
    for line in &result.rings {
        let _ = writeln!(text, "    {}", paint.dim(line));
    }
    for line in &result.rtl_log {
        let _ = writeln!(text, "    the design printed: {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_when_a_shell_needs_it() {
        assert_eq!(quote("golden/x.toml"), "golden/x.toml");
        assert_eq!(quote("my file"), "'my file'");
        assert_eq!(quote("it's"), "'it'\\''s'");
        assert_eq!(quote(""), "''");
    }
}
