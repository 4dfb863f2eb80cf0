//! `ringside serve pci`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ringside_sim::ParamValue;

use super::interrupt::Interrupt;
use super::paint::{Progress, count};
use super::run_args::{parse_frames, parse_link, parse_parameter};
use super::serve::finish;
use super::{CliError, Outcome};
use crate::driver::features;
use crate::run::RunOptions;
use crate::scenario::{Direction, Scenario};
use crate::serve::pci::report::GuestReport;
use crate::serve::pci::server::{self, PciOptions};
use crate::serve::vhost_user::server::{HOST_MEMORY, ServeError};
use crate::wire::generate::Sizes;
use crate::workspace;

/// Frames that the generator makes unless told otherwise.
const FRAMES: usize = 1000;
/// Max payload size of a function on whose way there is no port that could limit it: what it has after power-on.
const PAYLOAD_BYTES: u32 = 128;

/// A feature that a guest can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FeatureArg {
    /// Packed rings
    Packed,
    /// Buffers used in order
    InOrder,
    /// Indirect tables
    Indirect,
    /// Event indices
    EventIdx,
    /// Mergeable receive buffers
    MrgRxbuf,
    /// Several queue pairs
    Mq,
    /// Kicks that say how far
    NotificationData,
    /// Reset of one queue
    RingReset,
}

impl FeatureArg {
    fn bit(self) -> u8 {
        match self {
            FeatureArg::Packed => features::RING_PACKED,
            FeatureArg::InOrder => features::IN_ORDER,
            FeatureArg::Indirect => features::INDIRECT_DESC,
            FeatureArg::EventIdx => features::EVENT_IDX,
            FeatureArg::MrgRxbuf => features::MRG_RXBUF,
            FeatureArg::Mq => features::MQ,
            FeatureArg::NotificationData => features::NOTIFICATION_DATA,
            FeatureArg::RingReset => features::RING_RESET,
        }
    }
}

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WireArg {
    /// Everybody on it answers: ARP, ping; TCP and UDP come back with the two ends exchanged
    Mirror,
    /// Bring every frame back
    Echo,
    /// Take every frame
    Sink,
    /// Take every frame, and send generated ones once a driver runs
    Generate,
}

/// `ringside serve pci`
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as clap wants them"
)]
#[derive(Clone, Debug, Args)]
pub(super) struct PciArgs {
    /// Where to listen
    socket: PathBuf,
    /// Simulate the guest's time, too: where its calendar is to be (time-travel=ext:CALENDAR)
    #[arg(long, value_name = "CALENDAR")]
    time_travel: Option<PathBuf>,
    /// What the wire does
    #[arg(long, value_enum, default_value = "mirror")]
    wire: WireArg,
    /// Features that the guest is not shown, so that it does without
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FEATURES")]
    without: Vec<FeatureArg>,
    /// Frames to generate [default: 1000]
    #[arg(long, value_name = "N", value_parser = parse_frames)]
    frames: Option<usize>,
    /// Their size, in bytes without FCS [default: the Internet mix]
    #[arg(long, value_name = "BYTES")]
    size: Option<u32>,
    /// End when the first guest has gone
    #[arg(long)]
    once: bool,
    /// Description of the device [default: rtl/dut.toml]
    #[arg(long, value_name = "FILE")]
    dut: Option<PathBuf>,
    /// Parameter of the device's top module, e.g. BUG=3; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_parameter)]
    set: Vec<(String, ParamValue)>,
    /// PCIe generation and lanes, e.g. gen3x8
    #[arg(long, value_name = "LINK", value_parser = parse_link)]
    link: Option<(u8, u8)>,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Name of the run [default: pci]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Folder for trace, report and capture [default: reports/out/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write no trace, no capture, no report
    #[arg(long)]
    no_files: bool,
    /// Summary as JSON
    #[arg(long)]
    json: bool,
    /// Say nothing while serving
    #[arg(short, long)]
    quiet: bool,
}

impl PciArgs {
    fn scenario(&self) -> Scenario {
        let mut scenario = Scenario {
            name: self.name.clone().unwrap_or_else(|| "pci".to_owned()),
            seed: self.seed,
            dut: self.dut.clone(),
            parameters: self.set.iter().cloned().collect(),
            ..Scenario::default()
        };
        let link = &mut scenario.host.link;
        link.mps_bytes = PAYLOAD_BYTES;
        if let Some((generation, lanes)) = self.link {
            (link.generation, link.lanes) = (generation, lanes);
        }
        scenario.host.memory.base = HOST_MEMORY;
        // People end this run, not clocks.
        (scenario.limits.max_cycles, scenario.limits.wall_seconds) = (u64::MAX, 0);
        scenario.driver.queue_pairs = 1;
        let t = &mut scenario.traffic;
        t.direction = match self.wire {
            WireArg::Mirror | WireArg::Echo => Direction::Loopback,
            WireArg::Sink => Direction::Tx,
            WireArg::Generate => Direction::Both,
        };
        t.frames = self.frames.unwrap_or(FRAMES);
        if let Some(bytes) = self.size {
            t.generator.sizes = Sizes::Fixed { bytes };
        }
        scenario
    }
}

pub(super) fn serve(args: &PciArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    if args.time_travel.as_ref() == Some(&args.socket) {
        return Err(CliError::Usage(format!(
            "{}: slot and calendar cannot be one socket",
            args.socket.display()
        )));
    }
    let scenario = args.scenario();
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| workspace::path("reports/out").join(&scenario.name));
    let mut run = RunOptions::default();
    if !args.no_files {
        std::fs::create_dir_all(&folder).map_err(CliError::file("create", &folder))?;
        run.trace = Some(folder.join("trace.jsonl"));
        run.capture = Some(folder.join("wire.pcap"));
    }
    let quiet = args.quiet;
    let options = PciOptions {
        socket: args.socket.clone(),
        calendar: args.time_travel.clone(),
        mirror: args.wire == WireArg::Mirror,
        withheld: args.without.iter().fold(0, |all, f| all | 1 << f.bit()),
        once: args.once,
        stop: interrupt.flag(),
        say: Box::new(move |text| {
            if !quiet {
                eprintln!("ringside: {text}");
            }
        }),
    };
    let progress = Progress::new();
    let done = Interrupt::during(|| server::serve(&scenario, &run, &options, &|text| progress.say(text)));
    drop(progress);
    let (result, guests) = done.map_err(|e| match e {
        ServeError::Listen(e) => CliError::Listen(e),
        ServeError::Run(e) => CliError::Run(e),
    })?;
    let lines: Vec<String> = (1..).zip(&guests).map(|(n, guest)| line(n, guest)).collect();
    finish(result, &run, &folder, &lines, args.json)
}

/// What one guest did.
fn line(number: usize, guest: &GuestReport) -> String {
    let c = &guest.counts;
    let rings = match (guest.features, guest.features >> features::RING_PACKED & 1) {
        (0, _) => "no driver".to_owned(),
        (taken, 0) => format!("split rings, features {taken:#x}"),
        (taken, _) => format!("packed rings, features {taken:#x}"),
    };
    let time = guest.time_ns.map_or_else(String::new, |ns| {
        format!(" after {}.{:09} s", ns / 1_000_000_000, ns % 1_000_000_000)
    });
    format!(
        "guest {number}: {rings}, {}; configuration {} and {}, BARs {} and {} ({}), {}; it left{time}: {}",
        count(c.starts, "start"),
        count(c.config_reads, "read"),
        count(c.config_writes, "write"),
        count(c.reads, "read"),
        count(c.writes, "write"),
        count(c.kicks, "kick"),
        count(guest.interrupts, "interrupt"),
        guest.left
    )
}
