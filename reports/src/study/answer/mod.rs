//! Answers: one sentence each, words and verdict made of the numbers. `None` when numbers are missing.

mod host;
mod interrupts;
mod rate;
mod rings;

use super::definition::{Answer, Choice};
use super::results::{Results, Row};

pub(super) fn sentence(r: &Results) -> Option<String> {
    match r.answer {
        Answer::Extremes => extremes(r),
        Answer::Formats => rings::formats(r),
        Answer::Indirect => rings::indirect(r),
        Answer::Mergeable => rings::mergeable(r),
        Answer::Moderation => interrupts::moderation(r),
        Answer::NotificationData => interrupts::notification_data(r),
        Answer::Completions => host::completions(r),
        Answer::Outstanding => host::outstanding(r),
        Answer::Link => rate::link(r),
        Answer::Queues => rate::queues(r),
    }
}

fn extremes(r: &Results) -> Option<String> {
    let metric = r.metrics.first()?;
    let of = |row: &Row| row.values.get(&metric.key).copied();
    let by = |a: &&Row, b: &&Row| of(a).unwrap_or(0.0).total_cmp(&of(b).unwrap_or(0.0));
    let measured = || r.rows.iter().filter(|row| of(row).is_some());
    let (least, most) = (measured().min_by(by)?, measured().max_by(by)?);
    let say = |row: &Row| Some(format!("{:.*} ({})", metric.digits, of(row)?, r.name_of(row)));
    Some(if of(least) == of(most) {
        format!(
            "{} is {:.*} in every run.",
            metric.title,
            metric.digits,
            of(least)?
        )
    } else {
        format!(
            "{} lies between {} and {}.",
            metric.title,
            say(least)?,
            say(most)?
        )
    })
}

/// The first and the last choice of an axis.
fn ends<'a>(r: &'a Results, axis: &str) -> Option<(&'a Choice, &'a Choice)> {
    let choices = r.choices(axis);
    Some((choices.first()?, choices.last()?))
}

/// A sentence's first letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().to_string());
    first + letters.as_str()
}

/// How one thing compares with another over an axis: `more`, `fewer`, or both, with the differences.
fn compared(differences: &[(String, f64)], what: &str) -> String {
    /// Below this a difference is none.
    const HAIR: f64 = 0.005;
    let signed = |d: f64| format!("{d:+.2}");
    let named = |(name, d): &(String, f64)| format!("{} at {name}", signed(*d));
    let (Some(first), Some(last)) = (differences.first(), differences.last()) else {
        return "nothing to compare".to_owned();
    };
    let range = if differences.len() > 1 {
        format!("{}, {}", named(first), named(last))
    } else {
        named(first)
    };
    let side = |more: bool| -> Vec<&str> {
        let on = differences
            .iter()
            .filter(|(_, d)| if more { *d > HAIR } else { *d < -HAIR });
        on.map(|(name, _)| name.as_str()).collect()
    };
    let (more, fewer) = (side(true), side(false));
    match (more.len(), fewer.len()) {
        (0, 0) => format!("as many {what} everywhere"),
        (m, 0) if m == differences.len() => format!("more {what} everywhere ({range})"),
        (0, f) if f == differences.len() => format!("fewer {what} everywhere ({range})"),
        (_, 0) => format!(
            "more {what} at {} and as many elsewhere ({range})",
            more.join(", ")
        ),
        (0, _) => format!(
            "fewer {what} at {} and as many elsewhere ({range})",
            fewer.join(", ")
        ),
        _ => format!(
            "fewer {what} at {} and more at {} ({range})",
            fewer.join(", "),
            more.join(", ")
        ),
    }
}
