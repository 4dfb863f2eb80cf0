//! Interrupts and kicks.

use super::super::results::Results;
use super::ends;

/// Axes `setting` (what there is without moderation first), `load` (light to heavy); metrics `interrupts`, `wait` (ns).
pub(super) fn moderation(r: &Results) -> Option<String> {
    let settings = r.choices("setting");
    let plain = settings.first()?;
    let (light, heavy) = ends(r, "load")?;
    let of =
        |metric: &str, setting: &str, load: &str| r.value(metric, &[("setting", setting), ("load", load)]);
    let interrupts = |setting: &str| of("interrupts", setting, &heavy.name);
    // worst of the loads: who waits longest
    let wait = |setting: &str| -> Option<f64> {
        let all = r.choices("load").iter().map(|l| of("wait", setting, &l.name));
        all.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
    };
    let mut by_product = Vec::new();
    for setting in settings {
        by_product.push((interrupts(&setting.name)? * wait(&setting.name)?, setting));
    }
    let best = by_product.iter().min_by(|a, b| a.0.total_cmp(&b.0))?.1;
    // of all loads together
    let sum = |setting: &str| -> Option<f64> {
        r.choices("load")
            .iter()
            .map(|l| of("interrupts", setting, &l.name))
            .sum()
    };
    let by = |s: &super::super::Choice| sum(&s.name).unwrap_or(f64::MAX);
    let fewest = settings.iter().min_by(|a, b| by(a).total_cmp(&by(b)))?;
    let us = |setting: &str| wait(setting).map(|ns| ns / 1000.0);
    let extreme = format!(
        "the fewest interrupts of all, {:.3} and {:.3} a packet, are those of {}, where the wait is {:.1} µs",
        of("interrupts", &fewest.name, &light.name)?,
        interrupts(&fewest.name)?,
        fewest.name,
        us(&fewest.name)?
    );
    Some(if best == plain {
        format!(
            "No moderation is worth its wait: {} has the least product of interrupts ({:.3} a packet at {}) and longest wait ({:.1} µs, 99 % of them); {extreme}.",
            plain.name,
            interrupts(&plain.name)?,
            heavy.name,
            us(&plain.name)?
        )
    } else {
        let saved = |load: &str| -> Option<f64> {
            let (with, without) = (
                of("interrupts", &best.name, load)?,
                of("interrupts", &plain.name, load)?,
            );
            Some(100.0 * (1.0 - with / without))
        };
        format!(
            "The best trade is {}: beside {} it saves {:.0} % of the interrupts at {} ({:.3} a packet instead of {:.3}) and {:.0} % at {}, and 99 % wait at most {:.1} µs instead of {:.1}; {extreme}.",
            best.name,
            plain.name,
            saved(&heavy.name)?,
            heavy.name,
            interrupts(&best.name)?,
            interrupts(&plain.name)?,
            saved(&light.name)?,
            light.name,
            us(&best.name)?,
            us(&plain.name)?
        )
    })
}

/// Axes `data` (off first, on last), `ring`, `k`; metric `requests`, predicted too.
pub(super) fn notification_data(r: &Results) -> Option<String> {
    /// A share that is worth the name.
    const FELT: f64 = 0.02;
    let (off, on) = ends(r, "data")?;
    let (first, last) = ends(r, "k")?;
    let mut parts = Vec::new();
    let mut pays = false;
    for ring in r.choices("ring") {
        let row = |data: &str, k: &str| r.row(&[("data", data), ("ring", &ring.name), ("k", k)]);
        // spared and before, by batch
        let mut spared = Vec::new();
        for k in r.choices("k") {
            let of = |data: &str| row(data, &k.name)?.values.get("requests").copied();
            spared.push((k.name.as_str(), of(&off.name)? - of(&on.name)?, of(&off.name)?));
        }
        pays |= spared.iter().any(|(_, less, before)| *less > FELT * before);
        let most = spared.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let words: Vec<String> = spared
            .iter()
            .filter(|(k, ..)| *k == first.name || *k == last.name || *k == most.0)
            .map(|(k, less, before)| format!("{less:.2} of {before:.2} at {k}"))
            .collect();
        let of = |data: &str| row(data, most.0)?.predicted.get("requests").copied();
        let formula = match (of(&off.name), of(&on.name)) {
            (Some(a), Some(b)) => format!(" (by the formulas {:.2} at {})", a - b, most.0),
            _ => String::new(),
        };
        parts.push(format!("on {} rings {}{formula}", ring.name, words.join(", ")));
    }
    let verdict = if pays {
        "It spares requests"
    } else {
        "It spares hardly a request"
    };
    Some(format!(
        "{verdict} (a packet, over the batch): {}.",
        parts.join("; ")
    ))
}
