//! `ringside serve`

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use ringside_models::judge::Verdict;
use ringside_models::rules::{self, Scope};

use super::interrupt::Interrupt;
use super::out::{out, outln};
use super::paint::{Paint, Progress, count, grouped};
use super::serve_args::ServiceArgs;
use super::{CliError, Outcome, failure, report, summary};
use crate::driver::error::DriverError;
use crate::run::{Ended, RunOptions, RunResult};
use crate::scenario::Direction;
use crate::serve::vhost_user::server::{self, PeerReport};

/// `ringside serve`
#[derive(Clone, Debug, Args)]
pub(super) struct ServeArgs {
    #[command(subcommand)]
    how: How,
}

#[derive(Clone, Debug, Subcommand)]
enum How {
    /// To a frontend of vhost-user (DPDK, QEMU): control path in software, rings in the device. See docs/drivers.md
    VhostUser(VhostUserArgs),
    /// To user-mode Linux with PCI over virtio: the whole function, from configuration space to interrupts. See docs/drivers.md
    Pci(super::serve_pci::PciArgs),
}

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WireArg {
    /// Bring every frame back
    Echo,
    /// Take every frame
    Sink,
    /// Take every frame, and send generated ones once the rings run
    Generate,
}

/// `ringside serve vhost-user`
#[derive(Clone, Debug, Args)]
struct VhostUserArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// What the wire does
    #[arg(long, value_enum, default_value = "echo")]
    wire: WireArg,
}

pub(super) fn serve(args: &ServeArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    let args = match &args.how {
        How::VhostUser(args) => args,
        How::Pci(args) => return super::serve_pci::serve(args, interrupt),
    };
    let direction = match args.wire {
        WireArg::Echo => Direction::Loopback,
        WireArg::Sink => Direction::Tx,
        WireArg::Generate => Direction::Both,
    };
    let scenario = args.service.scenario("vhost-user", direction);
    let (folder, run) = args.service.files(&scenario.name)?;
    let options = args.service.options(interrupt);
    let progress = Progress::new();
    let done = Interrupt::during(|| server::serve(&scenario, &run, &options, &|text| progress.say(text)));
    drop(progress);
    let (result, peers) = done?;
    let lines: Vec<String> = (1..).zip(&peers).map(|(n, peer)| peer_line(n, peer)).collect();
    finish(result, &run, &folder, &lines, args.service.json)
}

/// What one frontend did.
fn peer_line(number: usize, peer: &PeerReport) -> String {
    format!(
        "peer {number}: {} rings, features {:#x}, {}, {}, {}; it left: {}",
        if peer.packed { "packed" } else { "split" },
        peer.features,
        count(peer.starts, "start"),
        count(peer.kicks, "kick"),
        count(peer.calls, "interrupt"),
        peer.left
    )
}

/// Report and summary of a run whose driver was a stranger; `peers` has a line for each.
pub(super) fn finish(
    result: RunResult,
    run: &RunOptions,
    folder: &Path,
    peers: &[String],
    json: bool,
) -> Result<Outcome, CliError> {
    if let Ended::Driver(cause @ (DriverError::Lacks { .. } | DriverError::NoVersion1 { .. })) = result.ended
    {
        let dut = result.header.dut;
        return Err(CliError::Unmet { dut, cause });
    }
    let mut left = Vec::new();
    if let (Some(trace), Some(capture)) = (&run.trace, &run.capture) {
        left.push(("trace", trace.display().to_string()));
        left.push(("report", report::write(trace, folder)?.display().to_string()));
        left.push(("frames", capture.display().to_string()));
    }
    let good = is_good(&result);
    if json {
        outln!("{}", summary::run_json(&result, (good, None), &left, "", ""));
    } else {
        print(&result, peers, &left, good);
    }
    Ok(if good { Outcome::Pass } else { Outcome::Violations })
}

/// Rules that were broken by the driver, or by anybody else, and how often.
fn broken(verdict: &Verdict, driver: bool) -> Vec<(&'static str, u64)> {
    let whose = |id| rules::find(id).is_some_and(|r| (r.rule().scope == Scope::Driver) == driver);
    verdict
        .rules
        .iter()
        .filter(|r| r.violated > 0 && whose(r.id))
        .map(|r| (r.id, r.violated))
        .collect()
}

/// Did the device do all it should, and anything at all? What a stranger's driver does is its own affair.
fn is_good(result: &RunResult) -> bool {
    let judged = result.findings.verdict.as_ref();
    matches!(result.ended, Ended::Complete)
        && result.complaints.is_empty()
        && judged.is_some_and(|v| v.compared.chains > 0 && broken(v, false).is_empty())
}

fn list(rules: &[(&str, u64)]) -> String {
    let words: Vec<String> = rules
        .iter()
        .map(|(id, n)| format!("{id} ({})", grouped(*n)))
        .collect();
    words.join(", ")
}

fn print(result: &RunResult, peers: &[String], left: &[(&str, String)], good: bool) {
    let paint = Paint::stdout();
    let mut text = summary::head(&result.header, paint);
    let word = if good {
        paint.good("PASS")
    } else {
        paint.bad("FAIL")
    };
    match (&result.ended, &result.findings.verdict) {
        (Ended::Driver(e), _) => {
            let _ = writeln!(text, "  {word}   {e}");
        }
        (Ended::Sim(e), _) => {
            let _ = writeln!(text, "  {word}   the simulation ended early: {e}");
        }
        (Ended::Complete, Some(verdict)) => {
            let device = broken(verdict, false);
            let times: u64 = verdict.rules.iter().map(|r| r.checked).sum();
            let _ = writeln!(
                text,
                "  {word}   {} checked {} times on {}: {}",
                count(
                    verdict.rules.iter().filter(|r| r.checked > 0).count() as u64,
                    "rule"
                ),
                grouped(times),
                count(verdict.compared.tlps, "TLP"),
                match (device.is_empty(), verdict.compared.chains) {
                    (true, 0) => "no buffer went through a ring, so nothing was compared".to_owned(),
                    (true, _) => "no violation by the device".to_owned(),
                    (false, _) => format!("violated: {}", list(&device)),
                },
            );
            let driver = broken(verdict, true);
            if !driver.is_empty() {
                let _ = writeln!(text, "         driver findings: {}", list(&driver));
            }
            let off: Vec<&str> = verdict
                .rules
                .iter()
                .filter(|r| r.off.is_some())
                .map(|r| r.id)
                .collect();
            let _ = writeln!(
                text,
                "         off without the driver's stores: {}",
                off.join(", ")
            );
        }
        (Ended::Complete, None) => {}
    }
    let f = &result.frames;
    let _ = writeln!(
        text,
        "  frames {} from the driver, {} to it{}; {} cycles",
        grouped(f.wire_tx),
        grouped(f.wire_rx - f.dropped.min(f.wire_rx)),
        if f.dropped > 0 {
            format!(", {} dropped", grouped(f.dropped))
        } else {
            String::new()
        },
        grouped(result.cycles)
    );
    for peer in peers {
        let _ = writeln!(text, "  {peer}");
    }
    text.push_str(&summary::cost_table(&result.findings.costs, &result.header));
    if let Some(verdict) = result.findings.verdict.as_ref().filter(|_| !good) {
        text.push_str(&failure::violations(verdict, "the same frontend again", paint));
    }
    text.push_str(&failure::troubles(result, paint));
    text.push('\n');
    for (what, path) in left {
        let _ = writeln!(text, "  {what:<6} {path}");
    }
    out!("{text}");
}
