//! What a run was, in one screen.

use std::fmt::Write as _;

use ringside_models::cost::{Costs, Traffic};
use ringside_models::event::Header;
use ringside_models::judge::{Purpose, Verdict};
use ringside_models::link::usable_bits_per_second;
use ringside_models::rules::{self, Scope};
use ringside_sim::SimError;
use serde_json::{Value, json};

use super::interrupt;
use super::paint::{Paint, count, grouped};
use crate::bucket::Bucket;
use crate::driver::error::DriverError;
use crate::run::{Ended, RunResult};

/// What stands before a line that goes on with the one above.
const INDENT: &str = "         ";

/// Version of the JSON summaries.
const FORMAT_VERSION: u32 = 1;

/// One line: what was run on what.
pub(super) fn head(header: &Header, paint: Paint) -> String {
    format!(
        "\n{} · {} · {}, {} bit at {} MHz · gen{} x{} · seed {}\n\n",
        paint.strong("ringside"),
        paint.strong(&header.scenario),
        header.dut,
        header.data_width_bits,
        header.clock_mhz,
        header.link.generation,
        header.link.lanes,
        header.seed
    )
}

/// How a run ended, in the first line of what is said about it.
enum Ending {
    Pass,
    /// The device, or the run, did not do what it should; why.
    Fail(String),
    /// The run never came to its first frame; why.
    NotRun(String),
    /// Somebody wanted it to end; when.
    Stopped(String),
}

impl Ending {
    /// What a verdict alone says.
    fn of_verdict(verdict: &Verdict) -> Self {
        let mut broken: Vec<&str> = verdict.unexpected().map(|v| v.rule).collect();
        broken.dedup();
        let missing: Vec<&str> = verdict.missing().collect();
        match (broken.as_slice(), missing.as_slice()) {
            ([], []) => Ending::Pass,
            ([], missing) => Ending::Fail(format!(
                "{} was to be violated in this run, and was not",
                missing.join(", ")
            )),
            ([rule], _) => Ending::Fail(format!("the run violates {rule}")),
            ([rule, ..], _) => Ending::Fail(format!("the run violates {rule} and other rules")),
        }
    }

    fn of_run(result: &RunResult) -> Self {
        let judged = result.findings.verdict.as_ref().map(Ending::of_verdict);
        match (&result.ended, judged) {
            (Ended::Sim(SimError::Stopped { cycle }), _) => Ending::Stopped(format!(
                "by {} at cycle {}, before the run was over",
                interrupt::name(),
                grouped(*cycle)
            )),
            (Ended::Driver(e @ DriverError::Lacks { .. }), None | Some(Ending::Pass)) => Ending::NotRun(
                format!("{e}; --queues, --set and the scenario say what is asked for"),
            ),
            // A rule that was broken says more than what it led to. A rule that was not may just not have had its chance.
            (_, Some(fail @ Ending::Fail(_))) if result.first_violation.is_some() => fail,
            (Ended::Driver(e), _) => Ending::Fail(format!("the driver gave up: {e}")),
            (Ended::Sim(e), _) => {
                let text = e.to_string();
                let first = text.lines().next().unwrap_or_default();
                Ending::Fail(format!("the simulation ended early: {first}"))
            }
            (Ended::Complete, Some(fail @ Ending::Fail(_))) => fail,
            (Ended::Complete, _) if result.passed() => Ending::Pass,
            (Ended::Complete, _) => Ending::Fail(format!(
                "no rule is violated, but driver or script has {}",
                count(result.complaints.len() as u64, "complaint")
            )),
        }
    }
}

/// The verdict of a run, in its first lines.
pub(super) fn headline(result: &RunResult, paint: Paint) -> String {
    lines(&Ending::of_run(result), result.findings.verdict.as_ref(), paint)
}

/// The verdict over a recorded trace, in its first lines.
pub(super) fn verdict_lines(verdict: &Verdict, paint: Paint) -> String {
    lines(&Ending::of_verdict(verdict), Some(verdict), paint)
}

fn lines(ending: &Ending, verdict: Option<&Verdict>, paint: Paint) -> String {
    let mut text = match ending {
        Ending::Pass => format!("  {}   ", paint.good("PASS")),
        Ending::Fail(why) => format!("  {}   {why}\n{INDENT}", paint.bad("FAIL")),
        Ending::NotRun(why) => format!("  {} {why}\n{INDENT}", paint.bad("NOT RUN:")),
        Ending::Stopped(when) => format!("  {} {when}\n{INDENT}", paint.bad("STOPPED")),
    };
    let Some(verdict) = verdict else {
        text.push_str("nobody judged\n");
        return text;
    };
    let checked = verdict.rules.iter().filter(|r| r.checked > 0).count() as u64;
    let times: u64 = verdict.rules.iter().map(|r| r.checked).sum();
    let binds = |id: &str| rules::find(id).is_none_or(|r| r.rule().scope != Scope::Advice);
    let broken: u64 = verdict
        .rules
        .iter()
        .filter(|r| binds(r.id))
        .map(|r| r.violated)
        .sum();
    let _ = writeln!(
        text,
        "{} checked {} times on {}: {}",
        count(checked, "rule"),
        grouped(times),
        count(verdict.compared.tlps, "TLP"),
        count(broken, "violation")
    );
    let missing: Vec<&str> = verdict.missing().collect();
    let provoked = verdict.expect.iter().map(String::as_str);
    let provoked: Vec<&str> = provoked.filter(|rule| !missing.contains(rule)).collect();
    for (what, rules) in [
        ("provoked on purpose", provoked),
        ("to be provoked, and not provoked", missing),
    ] {
        if !rules.is_empty() {
            let _ = writeln!(text, "{INDENT}{what}: {}", rules.join(", "));
        }
    }
    let off: Vec<&str> = verdict
        .rules
        .iter()
        .filter(|r| r.off.is_some())
        .map(|r| r.id)
        .collect();
    if !off.is_empty() {
        let _ = writeln!(text, "         off: {}", off.join(", "));
    }
    text
}

/// Frames on their way, one line.
pub(super) fn frames_line(result: &RunResult) -> String {
    let f = &result.frames;
    let mut parts = Vec::new();
    if f.sent > 0 {
        parts.push(format!(
            "{} sent, {} on the wire",
            grouped(f.sent),
            grouped(f.wire_tx)
        ));
    }
    if f.wire_rx > 0 {
        parts.push(format!(
            "{} given back or in, {} received",
            grouped(f.wire_rx),
            grouped(f.received)
        ));
    }
    for (n, what) in [
        (f.dropped, "dropped"),
        (f.lost, "lost by resets"),
        (f.broken, "broken"),
        (f.skipped, "of the capture left out"),
    ] {
        if n > 0 {
            parts.push(format!("{} {what}", grouped(n)));
        }
    }
    let cycles = grouped(result.cycles);
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let us = result.cycles as f64 / result.header.clock_mhz;
    format!(
        "  frames {}; {cycles} cycles, {us:.1} us\n",
        if parts.is_empty() {
            "none".into()
        } else {
            parts.join(", ")
        }
    )
}

/// Packets of both directions that costs are divided by.
fn packets(costs: &Costs) -> u64 {
    costs.frames_tx + costs.frames_rx
}

/// DMA by cause, and how full the link was.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn cost_table(costs: &Costs, header: &Header) -> String {
    let per = |n: u64| n as f64 / packets(costs).max(1) as f64;
    let mut text = format!(
        "\n  {:<22}{:>11}{:>12}{:>13}{:>13}\n",
        format!("DMA, {}", count(packets(costs), "packet")),
        "requests",
        "per packet",
        "bytes up",
        "bytes down"
    );
    let mut sum = Traffic::default();
    let row = |name: &str, t: &Traffic| {
        format!(
            "    {:<20}{:>11}{:>12.2}{:>13}{:>13}\n",
            name,
            grouped(t.requests),
            per(t.requests),
            grouped(t.up_wire_bytes),
            grouped(t.down_wire_bytes)
        )
    };
    for (purpose, traffic) in costs.by_purpose() {
        // What the driver set up before is no cost of the traffic.
        if !matches!(purpose, Purpose::Config | Purpose::Register) {
            text.push_str(&row(purpose.name(), &traffic));
            sum.add(&traffic);
        }
    }
    text.push_str(&row("all", &sum));
    let cycles = costs.busy_cycles();
    if cycles > 0 {
        let bits = usable_bits_per_second(header.link.generation, header.link.lanes) as f64;
        let seconds = cycles as f64 / (header.clock_mhz * 1e6);
        let share = |bytes: u64| 100.0 * bytes as f64 * 8.0 / (bits * seconds);
        let _ = writeln!(
            text,
            "\n  link   up {:.1} %, down {:.1} % of {:.1} Gb/s over {:.1} us; {:.3} packets per clock",
            share(costs.window_up_wire_bytes),
            share(costs.window_down_wire_bytes),
            bits / 1e9,
            seconds * 1e6,
            packets(costs) as f64 / cycles as f64
        );
    }
    let kicks: u64 = costs.queues.values().map(|q| q.kicks).sum();
    let interrupts: u64 = costs.queues.values().map(|q| q.interrupts).sum();
    let _ = writeln!(
        text,
        "         {} ({:.2} a packet), {} ({:.2})",
        count(kicks, "kick"),
        per(kicks),
        count(interrupts, "interrupt"),
        per(interrupts)
    );
    text
}

fn verdict_json(verdict: &Verdict) -> Value {
    json!({
        "passed": verdict.passed(),
        "violations": verdict.violations,
        "rules": verdict.rules,
        "compared": verdict.compared,
        "expect": verdict.expect,
        "coverage": verdict.coverage,
    })
}

/// The verdict of `ringside check` for a program.
pub(super) fn check_json(header: &Header, verdict: &Verdict) -> String {
    json!({
        "format_version": FORMAT_VERSION,
        "scenario": header.scenario,
        "dut": header.dut,
        "seed": header.seed,
        "verdict": verdict_json(verdict),
    })
    .to_string()
}

/// Jain's index of the packets of the queues, per mille, in the direction where it is lower.
fn fairness(costs: &Costs) -> Option<u64> {
    let index = [&costs.tx_shares, &costs.rx_shares].map(|s| s.index_per_mille().map(|(packets, _)| packets));
    index.into_iter().flatten().min()
}

/// Packets over the cycles in which traffic moved.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn rate_json(costs: &Costs, header: &Header) -> Value {
    let cycles = costs.busy_cycles();
    json!({
        "packets": packets(costs),
        "busy_cycles": cycles,
        "packets_per_clock": if cycles == 0 { 0.0 } else { packets(costs) as f64 / cycles as f64 },
        "clock_mhz": header.clock_mhz,
        "fairness": fairness(costs).map(|per_mille| per_mille as f64 / 1000.0),
    })
}

/// The summary of `ringside run` for a program.
pub(super) fn run_json(
    result: &RunResult,
    (passed, bucket): (bool, Option<&Bucket>),
    files: &[(&str, String)],
    notes: &str,
    repeat: &str,
) -> String {
    let traffic: Value = result
        .findings
        .costs
        .by_purpose()
        .into_iter()
        .map(|(p, t)| {
            let row = json!({
                "requests": t.requests, "up_tlps": t.up_tlps, "down_tlps": t.down_tlps,
                "up_wire_bytes": t.up_wire_bytes, "down_wire_bytes": t.down_wire_bytes,
            });
            (p.name().to_owned(), row)
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    let ended = match &result.ended {
        Ended::Complete => "complete".to_owned(),
        Ended::Driver(e) => e.to_string(),
        Ended::Sim(e) => e.to_string(),
    };
    json!({
        "format_version": FORMAT_VERSION,
        "scenario": result.header.scenario,
        "dut": result.header.dut,
        "seed": result.header.seed,
        "passed": passed,
        "ended": ended,
        "notes": notes.lines().map(str::trim).collect::<Vec<_>>(),
        "cycles": result.cycles,
        "events": result.findings.events,
        "frames": result.frames,
        "descriptors": result.descriptors,
        "complaints": result.complaints,
        "bucket": bucket,
        "verdict": result.findings.verdict.as_ref().map(verdict_json),
        "pcie": traffic,
        "rate": rate_json(&result.findings.costs, &result.header),
        "trace_sha256": result.findings.digest,
        "files": files.iter().map(|(k, v)| ((*k).to_owned(), Value::from(v.as_str()))).collect::<serde_json::Map<_, _>>(),
        "repeat": repeat,
    })
    .to_string()
}
