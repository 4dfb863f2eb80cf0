//! What the host does: how it cuts completions, how long it takes.

use super::super::results::Results;
use super::{capital, ends};

/// Axes `cut` (merged first, cut last), `bytes`; metrics `down` (bytes a packet), `mpps`.
pub(super) fn completions(r: &Results) -> Option<String> {
    /// A rate that falls by less, in per cent, does not fall.
    const FELT: f64 = 2.0;
    let (merged, cut) = ends(r, "cut")?;
    let of = |metric: &str, cut: &str, bytes: &str| r.value(metric, &[("cut", cut), ("bytes", bytes)]);
    let mut more = Vec::new();
    let mut lost = Vec::new();
    for size in r.choices("bytes") {
        let change = |metric: &str| {
            Some(100.0 * (of(metric, &cut.name, &size.name)? / of(metric, &merged.name, &size.name)? - 1.0))
        };
        more.push((size.name.as_str(), change("down")?));
        lost.push((size.name.as_str(), -change("mpps")?));
    }
    let by = |a: &&(&str, f64), b: &&(&str, f64)| a.1.total_cmp(&b.1);
    let (least, most) = (more.iter().min_by(by)?, more.iter().max_by(by)?);
    let worst = lost.iter().max_by(by)?;
    let felt: Vec<&str> = lost.iter().filter(|(_, l)| *l > FELT).map(|(s, _)| *s).collect();
    let verdict = if felt.is_empty() {
        "The device does not feel it".to_owned()
    } else {
        format!("The device feels it at {} bytes", felt.join(", "))
    };
    Some(format!(
        "{verdict}: completions {} instead of {} are between {:.0} % ({} bytes) and {:.0} % ({} bytes) more bytes to the device, and the rate falls by at most {:.0} % ({} bytes).",
        cut.name,
        merged.name,
        least.1,
        least.0,
        most.1,
        most.0,
        worst.1.max(0.0),
        worst.0
    ))
}

/// Axes `tags`, `latency` (ns); metrics `mpps`, `in_flight`; `mpps` predicted.
pub(super) fn outstanding(r: &Results) -> Option<String> {
    /// Below this share of the best rate, latency is felt.
    const FELT: f64 = 0.9;
    let mut parts = Vec::new();
    for tags in r.choices("tags") {
        let of = |metric: &str, latency: &str| r.value(metric, &[("tags", &tags.name), ("latency", latency)]);
        let mut best = 0.0_f64;
        for latency in r.choices("latency") {
            best = best.max(of("mpps", &latency.name)?);
        }
        let last = r.choices("latency").last()?;
        let mut felt = None;
        for latency in r.choices("latency") {
            if of("mpps", &latency.name)? < FELT * best {
                felt = Some(latency);
                break;
            }
        }
        parts.push(match felt {
            Some(l) => format!(
                "with {} the rate falls below nine tenths of its {best:.1} Mpps from {} ns on, with {:.0} reads in flight in the mean",
                tags.name,
                l.name,
                of("in_flight", &l.name)?
            ),
            None => format!(
                "with {} it stays above nine tenths of its {best:.1} Mpps up to {} ns, with {:.0} reads in flight",
                tags.name,
                last.name,
                of("in_flight", &last.name)?
            ),
        });
    }
    let off = r
        .rows
        .iter()
        .filter_map(|row| Some(100.0 * (row.values.get("mpps")? / row.predicted.get("mpps")? - 1.0)))
        .collect::<Vec<_>>();
    let (low, high) = (
        off.iter().copied().reduce(f64::min)?,
        off.iter().copied().reduce(f64::max)?,
    );
    let text = format!(
        "{}; the lesser of link and reads / latency predicts the rates to within {low:+.0} to {high:+.0} %.",
        parts.join("; ")
    );
    Some(capital(&text))
}
