//! What a reader sees first: verdict, a few numbers, the run in a sentence or two.

use maud::{Markup, html};

use crate::report::Report;
use crate::table::Value;

pub(crate) fn head(r: &Report) -> Markup {
    let h = &r.header;
    html! {
        header {
            p.kicker { "Ringside report" }
            div.title { h1 { (r.name) } (verdict(r)) }
            p.sub {
                (h.dut) " · " (h.scenario) " · Gen" (h.link.generation) " x" (h.link.lanes) " · " (h.clock_mhz) " MHz, " (h.data_width_bits) " bit"
            }
            p.lead { (in_words(r)) }
            (tiles(r))
        }
    }
}

fn verdict(r: &Report) -> Markup {
    let j = &r.judgement;
    let (class, word) = match (j.passed, j.complete) {
        (true, true) => ("good", "pass"),
        (true, false) => ("warn", "pass so far"),
        (false, _) => ("bad", "fail"),
    };
    html! { span.verdict.(class) { (word) } }
}

/// The judgement in a sentence.
fn judged(r: &Report) -> Vec<String> {
    let j = &r.judgement;
    let mut text = vec![match (j.violations, j.unexpected) {
        (0, _) => format!("{} rules were exercised and none was broken.", j.rules_checked),
        (n, 0) => format!(
            "{n} violations, all of rules that the scenario breaks on purpose ({}).",
            j.expected.join(", ")
        ),
        (n, u) if n == u => format!("{} of {}.", counted(n, "violation"), counted(broken(r), "rule")),
        (n, u) => format!(
            "{} of {}, {u} of them not announced.",
            counted(n, "violation"),
            counted(broken(r), "rule")
        ),
    }];
    if !j.missing.is_empty() {
        text.push(format!("Announced and not found: {}.", j.missing.join(", ")));
    }
    if !j.complete {
        text.push("The trace stops before the run was over: what is missing is not judged.".to_owned());
    }
    text
}

fn broken(r: &Report) -> u64 {
    let t = r.table("rules");
    t.map_or(0, |t| {
        t.rows
            .iter()
            .filter(|row| row[t.at("violated")].as_f64().is_some_and(|n| n > 0.0))
            .count() as u64
    })
}

fn counted(n: u64, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{} {what}s", Value::Count(n).show())
    }
}

fn in_words(r: &Report) -> String {
    let show = |key| r.metric(key).show();
    let number = |key| r.metric(key).as_f64();
    let mut text = judged(r);
    if let Value::Count(packets @ 1..) = *r.metric("packets")
        && let (Some(cycles), Some(up), Some(down)) = (
            number("window_cycles"),
            number("link_up_percent"),
            number("link_down_percent"),
        )
    {
        let size = mean_size(r).map_or(String::new(), |bytes| format!(" ({bytes:.0} bytes in the mean)"));
        let micros = cycles / r.header.clock_mhz;
        let (busier, share) = if up >= down {
            ("device to host", up)
        } else {
            ("host to device", down)
        };
        text.push(format!(
            "{}{} passed in {} cycles ({micros:.1} µs): {} per clock, {} Mpps. The busier way of the link, {busier}, was {share:.0} % full. A packet cost {} DMA requests.",
            counted(packets, "packet"),
            size,
            show("window_cycles"),
            show("packets_per_clock"),
            show("mpps"),
            show("requests_per_packet"),
        ));
    }
    text.join(" ")
}

/// Mean size of a frame, both ways.
fn mean_size(r: &Report) -> Option<f64> {
    let number = |key: &str| r.metric(key).as_f64();
    let sum = |frames: &str, bytes: &str| Some((number(frames)?, number(bytes)?));
    let both = [
        sum("frames_tx", "frame_bytes_tx"),
        sum("frames_rx", "frame_bytes_rx"),
    ];
    let frames: f64 = both.iter().flatten().map(|p| p.0).sum();
    let bytes: f64 = both.iter().flatten().map(|p| p.0 * p.1).sum();
    (frames > 0.0).then(|| bytes / frames)
}

fn tiles(r: &Report) -> Markup {
    let show = |key| r.metric(key).show();
    let tile = |title: &str, value: String, unit: &str, note: String| {
        html! {
            div.tile {
                span.what { (title) }
                span.value { (value) @if !unit.is_empty() { small { " " (unit) } } }
                span.note { (note) }
            }
        }
    };
    let dropped = match r.metric("frames_dropped") {
        Value::Count(0) => "none dropped".to_owned(),
        n => format!("{} dropped", n.show()),
    };
    let limit = match r.metric("limit_percent") {
        Value::None => String::new(),
        share => format!(", {} % of the link's limit", share.show()),
    };
    let least = match r.metric("requests_efficiency_percent") {
        Value::None => "no yardstick for this trace".to_owned(),
        _ => format!(
            "bytes up {} %, down {} %",
            show("up_efficiency_percent"),
            show("down_efficiency_percent")
        ),
    };
    html! {
        div.tiles {
            (tile("Frames out / in", format!("{} / {}", show("frames_tx"), show("frames_rx")), "", format!("{} / {} Gb/s, {dropped}", show("frame_gbps_tx"), show("frame_gbps_rx"))))
            (tile("Packets per clock", show("packets_per_clock"), "", format!("{} Mpps{limit}", show("mpps"))))
            (tile("Link, device to host", show("link_up_percent"), "%", format!("{} bytes per packet", show("up_bytes_per_packet"))))
            (tile("Link, host to device", show("link_down_percent"), "%", format!("{} bytes per packet", show("down_bytes_per_packet"))))
            (tile("DMA requests per packet", show("requests_per_packet"), "", format!("transmit {}, receive {}", show("requests_per_tx"), show("requests_per_rx"))))
            (tile("Least possible / actual requests", show("requests_efficiency_percent"), "%", least))
            (tile("Interrupts per packet", show("interrupts_per_packet"), "", format!("kicks {}", show("kicks_per_packet"))))
            (tile("Rules", r.judgement.rules_checked.to_string(), "checked", format!("{} violations, {} off", show_count(r.judgement.violations), r.judgement.rules_off)))
        }
    }
}

fn show_count(n: u64) -> String {
    Value::Count(n).show()
}
