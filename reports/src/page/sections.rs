//! The sections on cost, time and conditions.

use maud::{Markup, html};

use super::parts::{Look, PLAIN, data, figure, lines_id, section, table};
use crate::glossary;
use crate::plot::Figure;
use crate::plot::theme::Ink;
use crate::report::Report;
use crate::table::Value;

/// A table by name, if it has rows.
fn shown(r: &Report, id: &str, look: Look) -> Markup {
    r.table(id)
        .filter(|t| !t.rows.is_empty())
        .map_or_else(|| html! {}, |t| table(t, look))
}

pub(crate) fn requests(r: &Report, figures: &[Figure]) -> Markup {
    let look = Look {
        group: Some("role"),
        swatch: Some(("cause", Ink::of_cause)),
        source: &["reads", "writes"],
        ..PLAIN
    };
    section(
        "requests",
        "What a packet cost in DMA requests",
        "Memory reads and writes that the device sent, counted by what they were for. Completions count as bytes, not as requests. A number of reads or writes leads to the first of them in the trace.",
        &html! { (figure(figures, "causes")) (shown(r, "causes", look)) },
    )
}

pub(crate) fn link(r: &Report, figures: &[Figure]) -> Markup {
    let look = Look {
        group: Some("direction"),
        swatch: Some(("kind", Ink::of_kind)),
        ..PLAIN
    };
    section(
        "link",
        "What the link carried",
        "Bytes on the link, framing and headers included, against what its generation and width can carry. The link of the host may let a burst of a few packets pass at the speed of the pins, so short peaks can stand above the line.",
        &html! {
            (figure(figures, "bytes"))
            (shown(r, "bytes", look))
            div.pair {
                (figure(figures, "throughput_up"))
                (figure(figures, "throughput_down"))
                (figure(figures, "frames"))
                (figure(figures, "reads"))
            }
            p.source { "Over time: " (data("throughput")) }
        },
    )
}

pub(crate) fn latency(r: &Report, figures: &[Figure]) -> Markup {
    let empty = r.table("latency").is_none_or(|t| t.rows.is_empty());
    section(
        "latency",
        "Latency",
        "Cycles of the device's clock at the boundary. Percentiles by nearest rank: the smallest value that so many of the samples do not exceed. A message follows one or more publications: the newest of them tells how fast the device decides, the oldest how long the driver waited, by its own wish or not. A longest one leads to the line of the trace that ended it.",
        &html! {
            @if empty { p.none { "The trace has no kick, publication or read to measure." } }
            div.pair {
                (figure(figures, "cdf_kick"))
                (figure(figures, "cdf_used"))
                (figure(figures, "cdf_msix"))
                (figure(figures, "cdf_msix_oldest"))
                (figure(figures, "cdf_read"))
            }
            (shown(r, "latency", Look { source: &["max_cycles", "max_ns"], ..PLAIN }))
            @if !empty { p.source { "Distributions: " (data("latency_cdf")) } }
        },
    )
}

pub(crate) fn yardstick(r: &Report) -> Markup {
    let look = Look {
        group: Some("role"),
        swatch: Some(("cause", Ink::of_cause)),
        ..PLAIN
    };
    let none = r.table("yardstick").is_none_or(|t| t.rows.is_empty());
    section(
        "yardstick",
        "Beside the least possible",
        "The least takes as given what the device could not choose: how many chains it found at each look, which descriptors they took, where buffers lay, ring ends, the link's limits. It asks for one read of the index a batch, the fewest requests for entries and descriptors, every payload byte once, and at most one return a batch (on receive queues as often as the device returned, for frames come when they come). Requests, bytes up and bytes down are each minimal on their own.",
        &html! {
            @if none { p.none { (r.yardstick_off.unwrap_or("Not every chain's descriptors are in the trace: a minimum would be a guess.")) } }
            (shown(r, "yardstick", look))
            (shown(r, "batches", PLAIN))
        },
    )
}

pub(crate) fn queues(r: &Report, figures: &[Figure]) -> Markup {
    section(
        "queues",
        "Queues",
        "",
        &html! {
            div.pair {
                (figure(figures, "depth_tx"))
                (figure(figures, "depth_rx"))
                (figure(figures, "depth_other"))
            }
            (shown(r, "queues", PLAIN))
            p.source { "Depth over time: " (data("depth")) }
            (shown(r, "fairness", PLAIN))
            (shown(r, "drops", PLAIN))
        },
    )
}

pub(crate) fn conditions(r: &Report) -> Markup {
    let look = Look {
        group: Some("group"),
        swatch: None,
        ..PLAIN
    };
    section(
        "conditions",
        "Test conditions",
        "",
        &html! { (shown(r, "conditions", look)) (table(&r.headline(), Look { hide: &["metric"], ..PLAIN })) },
    )
}

/// What the trace says: the lines behind the numbers.
pub(crate) fn lines(r: &Report) -> Markup {
    let Some(t) = r.table("lines").filter(|t| !t.rows.is_empty()) else {
        return html! {};
    };
    let of = |row: &[Value]| lines_id(t, row);
    section(
        "lines",
        "In the trace",
        "The first requests of each cause, and what ended the longest latency of each kind, by their line in the trace file.",
        &html! {
            @for rows in t.rows.chunk_by(|a, b| of(a) == of(b)) {
                div.lines id=(of(&rows[0])) {
                    p.caption { (rows[0][t.at("role")].show()) ": " (rows[0][t.at("cause")].show()) }
                    pre { @for row in rows { "line " (row[t.at("line")].plain()) @if let Some(since) = row[t.at("since")].as_f64() { ", since cycle " (since) } "  " (row[t.at("text")].plain()) "\n" } }
                }
            }
            p.source { "All of them: " (data("lines")) }
        },
    )
}

pub(crate) fn words() -> Markup {
    section(
        "words",
        "Words",
        "",
        &html! { dl { @for (word, meaning) in glossary::WORDS { div { dt { (word) } dd { (meaning) } } } } },
    )
}
