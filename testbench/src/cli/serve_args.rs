//! What every `ringside serve` can be told, whoever the driver is.

use std::path::PathBuf;

use clap::Args;
use ringside_sim::ParamValue;

use super::CliError;
use super::interrupt::Interrupt;
use super::run_args::{parse_frames, parse_link, parse_parameter};
use crate::run::RunOptions;
use crate::scenario::{Direction, Scenario};
use crate::serve::service::{HOST_MEMORY, ServeError, ServeOptions};
use crate::wire::generate::Sizes;
use crate::workspace;

/// Frames that the generator makes unless told otherwise.
const FRAMES: usize = 1000;

/// The common options.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as clap wants them"
)]
#[derive(Clone, Debug, Args)]
pub(super) struct ServiceArgs {
    /// Where to listen
    pub(super) socket: PathBuf,
    /// Frames to generate [default: 1000]
    #[arg(long, value_name = "N", value_parser = parse_frames)]
    frames: Option<usize>,
    /// Their size, in bytes without FCS [default: the Internet mix]
    #[arg(long, value_name = "BYTES")]
    size: Option<u32>,
    /// End when the first driver has gone
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
    /// Name of the run [default: vhost-user, or pci]
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
    pub(super) json: bool,
    /// Say nothing while serving
    #[arg(short, long)]
    quiet: bool,
}

impl ServiceArgs {
    /// The scenario that says how device, host and wire are.
    pub(super) fn scenario(&self, name: &str, direction: Direction) -> Scenario {
        let mut scenario = Scenario {
            name: self.name.clone().unwrap_or_else(|| name.to_owned()),
            seed: self.seed,
            dut: self.dut.clone(),
            parameters: self.set.iter().cloned().collect(),
            ..Scenario::default()
        };
        if let Some((generation, lanes)) = self.link {
            (scenario.host.link.generation, scenario.host.link.lanes) = (generation, lanes);
        }
        scenario.host.memory.base = HOST_MEMORY;
        // People end this run, not clocks.
        (scenario.limits.max_cycles, scenario.limits.wall_seconds) = (u64::MAX, 0);
        scenario.driver.queue_pairs = 1;
        let t = &mut scenario.traffic;
        t.direction = direction;
        t.frames = self.frames.unwrap_or(FRAMES);
        if let Some(bytes) = self.size {
            t.generator.sizes = Sizes::Fixed { bytes };
        }
        scenario
    }

    /// The folder of what the run of this name leaves, and what it is to leave there.
    pub(super) fn files(&self, name: &str) -> Result<(PathBuf, RunOptions), CliError> {
        let folder = self
            .out
            .clone()
            .unwrap_or_else(|| workspace::path("reports/out").join(name));
        let mut run = RunOptions::default();
        if !self.no_files {
            std::fs::create_dir_all(&folder).map_err(CliError::file("create", &folder))?;
            run.trace = Some(folder.join("trace.jsonl"));
            run.capture = Some(folder.join("wire.pcap"));
        }
        Ok((folder, run))
    }

    /// How to serve.
    pub(super) fn options(&self, interrupt: &Interrupt) -> ServeOptions {
        let quiet = self.quiet;
        ServeOptions {
            socket: self.socket.clone(),
            once: self.once,
            stop: interrupt.flag(),
            say: Box::new(move |text| {
                if !quiet {
                    eprintln!("ringside: {text}");
                }
            }),
        }
    }
}

impl From<ServeError> for CliError {
    fn from(e: ServeError) -> Self {
        match e {
            ServeError::Listen(e) => CliError::Listen(e),
            ServeError::Run(e) => CliError::Run(e),
        }
    }
}
