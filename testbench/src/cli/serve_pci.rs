//! `ringside serve pci`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::interrupt::Interrupt;
use super::paint::{Progress, count};
use super::serve::finish;
use super::serve_args::ServiceArgs;
use super::{CliError, Outcome};
use crate::driver::features;
use crate::scenario::Direction;
use crate::serve::pci::report::GuestReport;
use crate::serve::pci::server::{self, PciOptions};

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
#[derive(Clone, Debug, Args)]
pub(super) struct PciArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Simulate the guest's time, too: where its calendar is to be (time-travel=ext:CALENDAR)
    #[arg(long, value_name = "CALENDAR")]
    time_travel: Option<PathBuf>,
    /// What the wire does
    #[arg(long, value_enum, default_value = "mirror")]
    wire: WireArg,
    /// Features that the guest is not shown, so that it does without
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FEATURES")]
    without: Vec<FeatureArg>,
}

pub(super) fn serve(args: &PciArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    if args.time_travel.as_ref() == Some(&args.service.socket) {
        return Err(CliError::Usage(format!(
            "{}: slot and calendar cannot be one socket",
            args.service.socket.display()
        )));
    }
    let direction = match args.wire {
        WireArg::Mirror | WireArg::Echo => Direction::Loopback,
        WireArg::Sink => Direction::Tx,
        WireArg::Generate => Direction::Both,
    };
    let mut scenario = args.service.scenario("pci", direction);
    scenario.host.link.mps_bytes = PAYLOAD_BYTES;
    let (folder, run) = args.service.files(&scenario.name)?;
    let options = PciOptions {
        service: args.service.options(interrupt),
        calendar: args.time_travel.clone(),
        mirror: args.wire == WireArg::Mirror,
        withheld: args.without.iter().fold(0, |all, f| all | 1 << f.bit()),
    };
    let progress = Progress::new();
    let done = Interrupt::during(|| server::serve(&scenario, &run, &options, &|text| progress.say(text)));
    drop(progress);
    let (result, guests) = done?;
    let lines: Vec<String> = (1..).zip(&guests).map(|(n, guest)| line(n, guest)).collect();
    finish(result, &run, &folder, &lines, args.service.json)
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
