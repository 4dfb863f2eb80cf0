//! Rates beside what limits them.

use super::super::results::{Results, Row};
use super::ends;

/// What limits a run, and whether that is the link.
fn limit(row: &Row) -> Option<(f64, bool)> {
    let (link, boundary) = (
        *row.predicted.get("mpps_link")?,
        *row.predicted.get("mpps_boundary")?,
    );
    Some((link.min(boundary), link <= boundary))
}

/// Axes `link` (slow to fast) and any others; metric `mpps`, predictions `mpps_link` and `mpps_boundary`.
pub(super) fn link(r: &Results) -> Option<String> {
    /// A share of the limit that counts as reaching it.
    const REACHED: f64 = 0.9;
    let mut shares = Vec::new();
    let mut boundary = Vec::new();
    for link in r.choices("link") {
        let mut worst: Option<(f64, String)> = None;
        let (mut by_link, mut rows) = (0, 0);
        for row in r.rows.iter().filter(|row| row.at.get("link") == Some(&link.name)) {
            let (most, is_link) = limit(row)?;
            let share = row.values.get("mpps")? / most;
            rows += 1;
            by_link += usize::from(is_link);
            if worst.as_ref().is_none_or(|w| share < w.0) {
                worst = Some((share, r.name_of(row)));
            }
        }
        shares.push((link.name.as_str(), worst?));
        if by_link < rows {
            boundary.push(link.name.as_str());
        }
    }
    let all: Vec<String> = shares
        .iter()
        .map(|(link, (share, _))| format!("{:.1} % at {link}", 100.0 * share))
        .collect();
    let (_, (_, run)) = shares.iter().min_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
    let missed: Vec<&str> = shares
        .iter()
        .filter(|(_, (s, _))| *s < REACHED)
        .map(|(l, _)| *l)
        .collect();
    let verdict = if missed.is_empty() {
        "The device keeps up with every link".to_owned()
    } else {
        format!("The device does not keep up with {}", missed.join(", "))
    };
    let pins = if boundary.is_empty() {
        "the link binds everywhere".to_owned()
    } else {
        format!(
            "not the link but the pins bind in runs at {}",
            boundary.join(", ")
        )
    };
    Some(format!(
        "{verdict}: at worst it reaches {} of the lower limit (least: {run}); {pins}.",
        all.join(", ")
    ))
}

/// Axes `queues`, `direction`; metrics `mpps`, `requests`.
pub(super) fn queues(r: &Results) -> Option<String> {
    /// Growth of less, in per cent, is none.
    const FELT: f64 = 3.0;
    let (one, many) = ends(r, "queues")?;
    let mut parts = Vec::new();
    let (mut gains, mut losses) = (0, 0);
    for direction in r.choices("direction") {
        let of = |metric: &str, queues: &str| {
            r.value(metric, &[("queues", queues), ("direction", &direction.name)])
        };
        let (before, after) = (of("mpps", &one.name)?, of("mpps", &many.name)?);
        let growth = 100.0 * (after / before - 1.0);
        gains += u32::from(growth > FELT);
        losses += u32::from(growth < -FELT);
        parts.push(format!(
            "{} {after:.1} Mpps instead of {before:.1} ({growth:+.0} %) for {:.2} requests a packet instead of {:.2}",
            direction.name,
            of("requests", &many.name)?,
            of("requests", &one.name)?
        ));
    }
    let verdict = match (gains, losses) {
        (0, 0) => "More queues change no rate",
        (_, 0) => "More queues are faster",
        (0, _) => "More queues are slower",
        _ => "It depends on the direction",
    };
    Some(format!(
        "{verdict}: {} queues against {}, {}.",
        many.name,
        one.name,
        parts.join(", ")
    ))
}
