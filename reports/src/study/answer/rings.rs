//! Ring formats, indirect tables, merged buffers.

use std::fmt::Write as _;

use super::super::results::Results;
use super::{capital, compared, ends};

/// Axes `k`, `ring`, `direction`; metric `requests`.
pub(super) fn formats(r: &Results) -> Option<String> {
    let (direction, _) = ends(r, "direction")?;
    let (first, last) = ends(r, "k")?;
    // the format with the fewest requests at each batch, and the one with the most
    let order = |k: &str| -> Option<[(&str, f64); 2]> {
        let of = |ring: &str| {
            r.value(
                "requests",
                &[("k", k), ("ring", ring), ("direction", &direction.name)],
            )
        };
        let mut all: Vec<(&str, f64)> = r
            .choices("ring")
            .iter()
            .filter_map(|c| Some((c.name.as_str(), of(&c.name)?)))
            .collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        Some([*all.first()?, *all.last()?])
    };
    let mut reigns: Vec<(&str, &str, &str, f64)> = Vec::new(); // format, first k, last k, requests at its first k
    for k in r.choices("k") {
        let [(best, requests), _] = order(&k.name)?;
        match reigns.last_mut() {
            Some(reign) if reign.0 == best => reign.2 = &k.name,
            _ => reigns.push((best, &k.name, &k.name, requests)),
        }
    }
    let reigns: Vec<String> = reigns
        .iter()
        .map(
            |(ring, from, to, requests)| match (*from == first.name, *to == last.name) {
                (true, true) => format!("{ring} at every batch ({requests:.2} at {from})"),
                _ if from == to => format!("{ring} at batches of {from} ({requests:.2})"),
                _ => format!("{ring} at batches of {from} to {to} ({requests:.2} at {from})"),
            },
        )
        .collect();
    let gap = |k: &str| order(k).map(|[(_, least), (_, most)]| most - least);
    let (small, large) = (gap(&first.name)?, gap(&last.name)?);
    let verdict = if large < small {
        "the larger the batch, the less the format matters"
    } else {
        "large batches do not even the formats out"
    };
    let mut text = format!(
        "To {}, the fewest requests a packet are those of {}; {verdict}: best and worst are {small:.2} requests apart at {} and {large:.2} at {}",
        direction.name,
        reigns.join(", of "),
        first.name,
        last.name
    );
    if let Some((name, percent)) = most_above(r, "requests") {
        let _ = write!(
            text,
            "; the device needs at most {percent:.0} % more requests than the formula ({name})"
        );
    }
    Some(capital(&text) + ".")
}

/// The run that lies farthest above its prediction, and how far in per cent.
pub(super) fn most_above(r: &Results, metric: &str) -> Option<(String, f64)> {
    r.rows
        .iter()
        .filter_map(|row| {
            let (value, predicted) = (row.values.get(metric)?, row.predicted.get(metric)?);
            Some((r.name_of(row), 100.0 * (value / predicted - 1.0)))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Axes `shape` (a chain first, an indirect table last), `ring`, `k`; metrics `requests`, `busier` (bytes of the busier way).
pub(super) fn indirect(r: &Results) -> Option<String> {
    let (chain, table) = ends(r, "shape")?;
    let mut parts = Vec::new();
    for ring in r.choices("ring") {
        let (mut measured, mut predicted) = (Vec::new(), Vec::new());
        for k in r.choices("k") {
            let row = |shape: &str| r.row(&[("shape", shape), ("ring", &ring.name), ("k", &k.name)]);
            let (with, without) = (row(&table.name)?, row(&chain.name)?);
            let more = with.values.get("requests")? - without.values.get("requests")?;
            measured.push((k.name.clone(), more));
            if let (Some(a), Some(b)) = (with.predicted.get("requests"), without.predicted.get("requests")) {
                predicted.push((k.name.clone(), a - b));
            }
        }
        let formula = if predicted.is_empty() {
            String::new()
        } else {
            format!(", by the formulas {}", compared(&predicted, "requests"))
        };
        parts.push(format!(
            "on {} rings {}{formula}",
            ring.name,
            compared(&measured, "requests a packet")
        ));
    }
    let (first, last) = ends(r, "k")?;
    Some(format!(
        "At batches of {} to {}, {} costs against {}: {}.",
        first.name,
        last.name,
        table.name,
        chain.name,
        parts.join("; ")
    ))
}

/// Axes `buffers` (merged ones first, big ones last, `amount` their bytes), `bytes`; metrics `up`, `requests`, `used` (buffers a frame).
pub(super) fn mergeable(r: &Results) -> Option<String> {
    /// More link bytes than this, in per cent, are a price.
    const PRICE: f64 = 5.0;
    let (merged, big) = ends(r, "buffers")?;
    let of =
        |metric: &str, buffers: &str, bytes: &str| r.value(metric, &[("buffers", buffers), ("bytes", bytes)]);
    let (small, large) = ends(r, "bytes")?;
    let mut worst = (small.name.as_str(), f64::NEG_INFINITY);
    for size in r.choices("bytes") {
        let more = 100.0 * (of("up", &merged.name, &size.name)? / of("up", &big.name, &size.name)? - 1.0);
        if more > worst.1 {
            worst = (&size.name, more);
        }
    }
    let held =
        |buffers: &super::super::Choice| Some(buffers.amount? * of("used", &buffers.name, &small.name)?);
    let (few, many) = (held(merged)?, held(big)?);
    let requests = of("requests", &merged.name, &large.name)? - of("requests", &big.name, &large.name)?;
    let verdict = match (worst.1 <= PRICE, few < many) {
        (true, true) => "Merge",
        (true, false) => "It hardly matters",
        (false, true) => "A trade",
        (false, false) => "Do not merge",
    };
    Some(format!(
        "{verdict}: {} cost at most {:.1} % more link bytes to the host than {} (frames of {} bytes) and {requests:+.2} requests a frame of {} bytes, and a frame of {} bytes holds {few:.0} bytes of memory instead of {many:.0}.",
        merged.name,
        worst.1.max(0.0),
        big.name,
        worst.0,
        large.name,
        small.name
    ))
}
