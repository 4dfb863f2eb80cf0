//! Which pictures a report has.

use std::collections::BTreeMap;

use super::bars::{Bar, Bars};
use super::lines::{Line, Lines, stairs};
use super::theme::{ALARM, DOWN, Ink, LINES, PAYLOAD, UP};
use super::{Drawing, Figure};
use crate::error::ReportError;
use crate::report::Report;
use crate::table::{Table, Value};

/// A picture before it is drawn.
struct Plan {
    id: &'static str,
    title: String,
    legend: Vec<(Ink, String)>,
    words: String,
    half: bool,
    drawing: Drawing,
}

pub(crate) fn all(report: &Report) -> Result<Vec<Figure>, ReportError> {
    let mut plans = Vec::new();
    plans.extend(report.table("causes").and_then(causes));
    plans.extend(report.table("bytes").and_then(bytes));
    if let Some(t) = report.table("throughput").filter(|t| t.rows.len() > 1) {
        plans.push(link(t, report.ceiling, Side::Up));
        plans.push(link(t, report.ceiling, Side::Down));
        plans.push(frames(t));
        plans.push(reads(t));
    }
    plans.extend(report.table("latency_cdf").into_iter().flat_map(latencies));
    plans.extend(report.table("depth").into_iter().flat_map(depth));
    plans
        .into_iter()
        .map(|p| {
            let (wide, narrow) = p.drawing.draw(p.id, p.half)?;
            Ok(Figure {
                id: p.id.to_owned(),
                title: p.title,
                legend: p.legend,
                words: p.words,
                wide,
                narrow,
            })
        })
        .collect()
}

/// A cell's text.
fn text(t: &Table, row: &[Value], key: &str) -> String {
    row[t.at(key)].plain()
}

/// A cell's number; nothing counts as zero.
fn number(t: &Table, row: &[Value], key: &str) -> f64 {
    row[t.at(key)].as_f64().unwrap_or(0.0)
}

fn add_legend(legend: &mut Vec<(Ink, String)>, ink: Ink, name: &str) {
    if !legend.iter().any(|(_, n)| n == name) {
        legend.push((ink, name.to_owned()));
    }
}

fn causes(t: &Table) -> Option<Plan> {
    let mut bars = Vec::new();
    let mut legend = Vec::new();
    let mut words = Vec::new();
    for (role, unit) in [
        ("transmit", "transmitted frame"),
        ("receive", "received frame"),
        ("other", "chain"),
    ] {
        let mut parts = Vec::new();
        for row in t.rows.iter().filter(|r| text(t, r, "role") == role) {
            let (cause, n) = (text(t, row, "cause"), number(t, row, "requests_per_packet"));
            if n > 0.0 {
                add_legend(&mut legend, Ink::of_cause(&cause), &cause);
                parts.push((Ink::of_cause(&cause), n));
            }
        }
        if !parts.is_empty() {
            let total: f64 = parts.iter().map(|p| p.1).sum();
            let title = format!("{total:.2} requests per {unit}");
            words.push(title.clone());
            bars.push(Bar { title, parts });
        }
    }
    (!bars.is_empty()).then(|| Plan {
        id: "causes",
        title: "DMA requests per packet, by cause".into(),
        legend,
        words: words.join("; "),
        half: false,
        drawing: Drawing::Bars(Bars {
            x_label: "requests per packet",
            at_least: 0.0,
            stack: bars,
            level: None,
        }),
    })
}

fn bytes(t: &Table) -> Option<Plan> {
    let mut bars = Vec::new();
    let mut legend = Vec::new();
    let mut words = Vec::new();
    for direction in ["device to host", "host to device"] {
        let mut parts = Vec::new();
        for row in t.rows.iter().filter(|r| text(t, r, "direction") == direction) {
            let (kind, share) = (text(t, row, "kind"), number(t, row, "link_percent"));
            if kind == "all" {
                let title = format!("{direction}: {share:.1} % of the link");
                words.push(title.clone());
                bars.push(Bar {
                    title,
                    parts: std::mem::take(&mut parts),
                });
            } else if share > 0.0 {
                add_legend(&mut legend, Ink::of_kind(&kind), &kind);
                parts.push((Ink::of_kind(&kind), share));
            }
        }
    }
    bars.iter().any(|b| !b.parts.is_empty()).then(|| Plan {
        id: "bytes",
        title: "What filled the link".into(),
        legend,
        words: words.join("; "),
        half: false,
        drawing: Drawing::Bars(Bars {
            x_label: "% of what the link can carry",
            at_least: 100.0,
            stack: bars,
            level: Some((100.0, ALARM)),
        }),
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Up,
    Down,
}

/// First cycle of each bin, and the end of the last one.
fn bins(t: &Table) -> (Vec<f64>, f64) {
    let starts: Vec<f64> = t.rows.iter().map(|r| number(t, r, "cycle")).collect();
    let width = t.rows.last().map_or(1.0, |r| number(t, r, "cycles"));
    let end = starts.last().map_or(1.0, |s| s + width);
    (starts, end)
}

fn series(t: &Table, key: &str, divide: bool) -> Vec<(f64, f64)> {
    let (starts, end) = bins(t);
    let values = t.rows.iter().map(|r| {
        if divide {
            number(t, r, key) / number(t, r, "cycles").max(1.0)
        } else {
            number(t, r, key)
        }
    });
    let points: Vec<(f64, f64)> = starts.into_iter().zip(values).collect();
    stairs(&points, end)
}

fn highest(lines: &[Line]) -> f64 {
    lines
        .iter()
        .flat_map(|l| &l.points)
        .map(|p| p.1)
        .fold(0.0, f64::max)
}

fn over_time(t: &Table, lines: Vec<Line>, level: Option<(f64, Ink)>) -> Drawing {
    let (starts, end) = bins(t);
    let y_max = highest(&lines).max(level.map_or(0.0, |l| l.0));
    Drawing::Lines(Lines {
        x_label: "cycle",
        x: starts.first().copied().unwrap_or(0.0)..end,
        logarithmic: false,
        y_max,
        percent: false,
        series: lines,
        level,
    })
}

fn link(t: &Table, ceiling: f64, side: Side) -> Plan {
    let (id, title, all, payload, ink) = match side {
        Side::Up => (
            "throughput_up",
            "Device to host, bytes per cycle",
            "up_bytes_per_cycle",
            "up_payload_bytes_per_cycle",
            UP,
        ),
        Side::Down => (
            "throughput_down",
            "Host to device, bytes per cycle",
            "down_bytes_per_cycle",
            "down_payload_bytes_per_cycle",
            DOWN,
        ),
    };
    let lines = vec![
        Line {
            ink: PAYLOAD,
            points: series(t, payload, false),
            area: true,
        },
        Line {
            ink,
            points: series(t, all, false),
            area: false,
        },
    ];
    Plan {
        id,
        title: title.into(),
        legend: vec![
            (ink, "all bytes".into()),
            (PAYLOAD, "payload".into()),
            (ALARM, format!("link, {ceiling:.1}")),
        ],
        words: format!("{title}; at most {:.1} of {ceiling:.1}", highest(&lines)),
        half: true,
        drawing: over_time(t, lines, Some((ceiling, ALARM))),
    }
}

fn frames(t: &Table) -> Plan {
    let lines = vec![
        Line {
            ink: UP,
            points: series(t, "frames_rx", true),
            area: false,
        },
        Line {
            ink: DOWN,
            points: series(t, "frames_tx", true),
            area: false,
        },
    ];
    Plan {
        id: "frames",
        title: "Frames on the wire per cycle".into(),
        legend: vec![(DOWN, "transmitted".into()), (UP, "received".into())],
        words: format!("Frames per cycle over time; at most {:.3}", highest(&lines)),
        half: true,
        drawing: over_time(t, lines, None),
    }
}

fn reads(t: &Table) -> Plan {
    let lines = vec![Line {
        ink: DOWN,
        points: series(t, "reads_in_flight", false),
        area: false,
    }];
    Plan {
        id: "reads",
        title: "Reads in flight".into(),
        legend: vec![(DOWN, "most at once".into())],
        words: format!("Reads in flight over time; at most {}", highest(&lines)),
        half: true,
        drawing: over_time(t, lines, None),
    }
}

fn role_ink(role: &str) -> Ink {
    match role {
        "receive" => UP,
        _ => DOWN,
    }
}

fn latencies(t: &Table) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (id, what) in [
        ("cdf_kick", "kick to first read"),
        ("cdf_used", "payload done to used index"),
        ("cdf_msix", "newest used index to MSI-X"),
        ("cdf_msix_oldest", "oldest used index to MSI-X"),
        ("cdf_read", "memory read round trip"),
    ] {
        let mut by_role: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for row in t.rows.iter().filter(|r| text(t, r, "what") == what) {
            by_role
                .entry(text(t, row, "role"))
                .or_default()
                .push((number(t, row, "cycles"), number(t, row, "share")));
        }
        let all = || by_role.values().flatten().map(|p| p.0);
        let Some(most) = all().reduce(f64::max) else {
            continue;
        };
        // a logarithm needs a first value above zero; 0 is drawn at the left edge
        let least = all().fold(f64::INFINITY, f64::min).max(1.0);
        let logarithmic = most / least > 20.0;
        let x = |cycles: f64| {
            if logarithmic {
                cycles.max(1.0).log10()
            } else {
                cycles
            }
        };
        let end = if logarithmic {
            x(most) + 0.1
        } else {
            (most * 1.1).max(1.0)
        };
        let start = if logarithmic { x(least) - 0.05 } else { 0.0 };
        let mut lines = Vec::new();
        let mut legend = Vec::new();
        for (role, steps) in &by_role {
            let mut points = vec![(start, 0.0)];
            points.extend(steps.iter().map(|s| (x(s.0).max(start), s.1)));
            let name = role.as_str();
            legend.push((role_ink(role), name.to_owned()));
            lines.push(Line {
                ink: role_ink(role),
                points: stairs(&points, end),
                area: false,
            });
        }
        let mut title = what.to_owned();
        title[..1].make_ascii_uppercase();
        plans.push(Plan {
            id,
            words: format!("{title}: share of samples not above so many cycles, up to {most}"),
            title,
            legend,
            half: true,
            drawing: Drawing::Lines(Lines {
                x_label: if logarithmic {
                    "cycles (logarithmic)"
                } else {
                    "cycles"
                },
                x: start..end,
                logarithmic,
                y_max: 1.0,
                percent: true,
                series: lines,
                level: None,
            }),
        });
    }
    plans
}

fn depth(t: &Table) -> Vec<Plan> {
    let mut plans = Vec::new();
    // one time axis for all, though queues start at different times
    let start = t
        .rows
        .iter()
        .map(|r| number(t, r, "cycle"))
        .fold(f64::INFINITY, f64::min);
    let end = t
        .rows
        .iter()
        .map(|r| number(t, r, "cycle") + number(t, r, "cycles"))
        .fold(0.0, f64::max);
    for (id, role) in [
        ("depth_tx", "transmit"),
        ("depth_rx", "receive"),
        ("depth_other", "other"),
    ] {
        let mut queues: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
        for row in t.rows.iter().filter(|r| text(t, r, "role") == role) {
            let cycle = number(t, row, "cycle");
            let Value::Count(queue) = row[t.at("queue")] else {
                continue;
            };
            queues
                .entry(queue)
                .or_default()
                .push((cycle, number(t, row, "depth")));
        }
        if queues.is_empty() {
            continue;
        }
        let mut lines = Vec::new();
        let mut legend = Vec::new();
        // beyond eight lines nobody can tell them apart: the rest share the last colour
        for (i, (queue, points)) in queues.iter().enumerate() {
            let ink = LINES[i.min(LINES.len() - 1)];
            let name = if i + 1 < LINES.len() || queues.len() == LINES.len() {
                format!("queue {queue}")
            } else {
                "further queues".to_owned()
            };
            add_legend(&mut legend, ink, &name);
            lines.push(Line {
                ink,
                points: stairs(points, end),
                area: false,
            });
        }
        let y_max = highest(&lines);
        plans.push(Plan {
            id,
            title: match role {
                "transmit" => "Chains in the device's hands, transmit".into(),
                "receive" => "Free receive buffers in the device's hands".into(),
                _ => "Chains in the device's hands".into(),
            },
            legend,
            words: format!("Depth of the {role} queues over time; at most {y_max}"),
            half: true,
            drawing: Drawing::Lines(Lines {
                x_label: "cycle",
                x: start..end,
                logarithmic: false,
                y_max,
                percent: false,
                series: lines,
                level: None,
            }),
        });
    }
    plans
}
