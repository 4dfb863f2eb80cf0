//! Arguments of `ringside run`, and the scenario that they make.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ringside_sim::{ParamValue, TraceWindow};

use super::error::CliError;
use crate::driver::ring::Format;
use crate::scenario::{Direction, Scenario, Traffic, random};
use crate::wire::capture::Unfit;
use crate::wire::generate::{Generator, Sizes};
use crate::workspace;

/// Frames of a run at most.
const FRAMES_MAX: usize = 10_000_000;
/// Queue pairs of the main job.
const MAIN_PAIRS: u16 = 4;

/// Which way frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DirectionArg {
    Tx,
    Rx,
    Loopback,
    Both,
}

/// Format of the rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RingArg {
    Split,
    Packed,
}

/// Frames that do not fit the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum UnfitArg {
    Error,
    Skip,
    Clamp,
}

/// `ringside run`
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as clap wants them"
)]
#[derive(Clone, Debug, Default, Args)]
pub(super) struct RunArgs {
    /// Capture to send, pcap or pcapng, Ethernet [default: golden/traffic/mixed.pcap]
    #[arg(long, value_name = "FILE")]
    pub(super) pcap: Option<PathBuf>,
    /// Everything a run depends on, as a TOML file; other options override it
    #[arg(long, value_name = "FILE")]
    pub(super) scenario: Option<PathBuf>,
    /// A random legal scenario, made from this number; it draws the format of its rings unless --ring says it
    #[arg(long, value_name = "SEED", conflicts_with_all = ["scenario", "pcap", "size"])]
    pub(super) random: Option<u64>,
    /// So many times the frames of a random scenario
    #[arg(long, value_name = "N", requires = "random", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) stretch: Option<u32>,
    /// Description of the device under test [default: rtl/dut.toml]
    #[arg(long, value_name = "FILE")]
    pub(super) dut: Option<PathBuf>,
    /// Queue pairs that the driver uses [default: 4]
    #[arg(long, value_name = "N")]
    pub(super) queues: Option<u16>,
    /// Format of the rings [default: split]
    #[arg(long, value_enum)]
    pub(super) ring: Option<RingArg>,
    /// Buffers come back in order (feature `IN_ORDER`), one used element for several
    #[arg(long)]
    pub(super) in_order: bool,
    /// PCIe generation and lanes, e.g. gen3x8
    #[arg(long, value_name = "LINK", value_parser = parse_link)]
    pub(super) link: Option<(u8, u8)>,
    /// Seed of every random choice [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Which way frames go [default: loopback]
    #[arg(long, value_enum)]
    pub(super) direction: Option<DirectionArg>,
    /// Send at most so many frames
    #[arg(long, value_name = "N", value_parser = parse_frames)]
    pub(super) frames: Option<usize>,
    /// Generate frames of this size, in bytes without FCS, instead of sending a capture
    #[arg(long, value_name = "BYTES", conflicts_with = "pcap")]
    pub(super) size: Option<u32>,
    /// Frames of the capture that do not fit the device
    #[arg(long, value_enum)]
    pub(super) unfit: Option<UnfitArg>,
    /// Parameter of the device's top module, e.g. BUG=3; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_parameter)]
    pub(super) set: Vec<(String, ParamValue)>,
    /// Rule that this run is to provoke; may be repeated
    #[arg(long, value_name = "RULE")]
    pub(super) expect: Vec<String>,
    /// Folder for trace, report and capture [default: reports/out/NAME]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write the trace here instead
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
    /// Summary as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Run twice, the second time with waveforms, and compare digests of trace and ports
    #[arg(long)]
    pub(super) check_determinism: bool,
    /// Run the same on this design too (the RTL that a netlist was made from) and demand the same at every pin in every cycle
    #[arg(long, value_name = "FILE", conflicts_with = "check_determinism")]
    pub(super) same_as: Option<PathBuf>,
    /// Write waveforms of these cycles, e.g. 1000..2000
    #[arg(long, value_name = "FROM..TO", value_parser = parse_window)]
    pub(super) waves: Option<(u64, u64)>,
    /// Do not run again with waveforms when a rule is violated
    #[arg(long)]
    pub(super) no_rerun: bool,
    /// Do not write a report
    #[arg(long)]
    pub(super) no_report: bool,
    /// Write no trace, no capture, no report
    #[arg(long)]
    pub(super) no_files: bool,
    /// Do not judge; only to measure what judging costs
    #[arg(long, hide = true)]
    pub(super) unjudged: bool,
    /// Leave the design's own assertions out of the model, so that the judge speaks first
    #[arg(long)]
    pub(super) no_assert: bool,
    /// Write line and user coverage of the RTL to this file
    #[arg(long, value_name = "FILE")]
    pub(super) coverage: Option<PathBuf>,
}

pub(super) fn parse_link(text: &str) -> Result<(u8, u8), String> {
    let parts = text.strip_prefix("gen").and_then(|t| t.split_once('x'));
    let parsed = parts.and_then(|(g, l)| Some((g.parse().ok()?, l.parse().ok()?)));
    parsed
        .filter(|(g, l): &(u8, u8)| (1..=5).contains(g) && [1, 2, 4, 8, 16].contains(l))
        .ok_or_else(|| "a link is gen1 to gen5 by 1, 2, 4, 8 or 16 lanes, e.g. gen3x8".to_owned())
}

fn parse_window(text: &str) -> Result<(u64, u64), String> {
    let parsed = text
        .split_once("..")
        .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parsed
        .filter(|(a, b): &(u64, u64)| a <= b)
        .ok_or_else(|| "a window of cycles is FROM..TO, e.g. 1000..2000".to_owned())
}

pub(super) fn parse_parameter(text: &str) -> Result<(String, ParamValue), String> {
    let (key, value) = text
        .split_once('=')
        .filter(|(k, _)| !k.is_empty() && k.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .ok_or_else(|| "a parameter is KEY=VALUE, e.g. BUG=3".to_owned())?;
    let sized = value
        .split_once('\'')
        .is_some_and(|(width, _)| width.chars().all(|c| c.is_ascii_digit()));
    let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    let value = match value.parse::<i64>() {
        Ok(n) => ParamValue::Int(n),
        Err(_) if sized => ParamValue::Text(value.to_owned()),
        Err(_) if quoted => ParamValue::Text(value[1..value.len() - 1].to_owned()),
        Err(_) => {
            return Err(format!(
                "{value:?} is no value of a parameter: give a number (3), a sized literal (48'h02aa) or a string in double quotes"
            ));
        }
    };
    Ok((key.to_owned(), value))
}

/// A count of at least one.
pub(super) fn parse_frames(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("at least one frame; leave the option out to send them all".to_owned()),
        Ok(n) if n > FRAMES_MAX => Err(format!("at most {FRAMES_MAX} frames: they are held in memory")),
        Ok(n) => Ok(n),
        Err(e) => Err(e.to_string()),
    }
}

impl RunArgs {
    /// The scenario that the arguments ask for.
    ///
    /// # Errors
    /// The scenario file is not right, or there is no capture to send.
    pub(super) fn scenario(&self) -> Result<Scenario, CliError> {
        let mut s = match (&self.scenario, self.random) {
            (Some(path), _) => Scenario::load(path)?,
            (None, Some(seed)) => {
                let drawn = match self.ring {
                    None => random::drawn(seed),
                    Some(RingArg::Split) => random::scenario(seed),
                    Some(RingArg::Packed) => random::packed(seed),
                };
                random::stretched(drawn, self.stretch.unwrap_or(1))
            }
            (None, None) => self.main_job()?,
        };
        if let Some(pcap) = &self.pcap {
            s.traffic.pcap = Some(pcap.clone());
        }
        if let Some(bytes) = self.size {
            s.traffic.pcap = None;
            s.traffic.generator.sizes = Sizes::Fixed { bytes };
        }
        if let Some(dut) = &self.dut {
            s.dut = Some(dut.clone());
        }
        if let Some(pairs) = self.queues {
            s.driver.queue_pairs = pairs;
        }
        if let Some(ring) = self.ring {
            s.driver.ring = match ring {
                RingArg::Split => Format::Split,
                RingArg::Packed => Format::Packed,
            };
        }
        s.driver.in_order |= self.in_order;
        if let Some((generation, lanes)) = self.link {
            (s.host.link.generation, s.host.link.lanes) = (generation, lanes);
        }
        if let Some(seed) = self.seed {
            s.seed = seed;
        }
        if let Some(direction) = self.direction {
            s.traffic.direction = match direction {
                DirectionArg::Tx => Direction::Tx,
                DirectionArg::Rx => Direction::Rx,
                DirectionArg::Loopback => Direction::Loopback,
                DirectionArg::Both => Direction::Both,
            };
        }
        if let Some(frames) = self.frames {
            s.traffic.frames = frames;
        }
        if let Some(unfit) = self.unfit {
            s.traffic.unfit = match unfit {
                UnfitArg::Error => Unfit::Error,
                UnfitArg::Skip => Unfit::Skip,
                UnfitArg::Clamp => Unfit::Clamp,
            };
        }
        s.parameters.extend(self.set.iter().cloned());
        s.expect.extend(self.expect.iter().cloned());
        s.check()?;
        Ok(s)
    }

    /// The main job, or another capture or size in its place.
    fn main_job(&self) -> Result<Scenario, CliError> {
        let mut s = Scenario {
            seed: 1,
            ..Scenario::default()
        };
        s.driver.queue_pairs = MAIN_PAIRS;
        s.name = match (&self.pcap, self.size) {
            (Some(pcap), _) => pcap
                .file_stem()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default(),
            (None, Some(bytes)) => format!("fixed{bytes}"),
            (None, None) => "main".to_owned(),
        };
        if self.pcap.is_none() && self.size.is_none() {
            let path = workspace::path("golden/traffic/mixed.pcap");
            if !path.is_file() {
                return Err(CliError::Usage(format!(
                    "the main job's capture {} is not there: run inside Ringside's tree, or say what to send: --pcap FILE or --size BYTES",
                    path.display()
                )));
            }
            s.traffic.pcap = Some(path);
        } else if self.size.is_some() {
            s.traffic = Traffic {
                generator: Generator {
                    flows: 64,
                    ..Generator::default()
                },
                ..Traffic::default()
            };
        }
        Ok(s)
    }

    /// The folder for what the run leaves behind.
    pub(super) fn out_folder(&self, scenario: &Scenario) -> PathBuf {
        self.out
            .clone()
            .unwrap_or_else(|| workspace::path("reports/out").join(&scenario.name))
    }

    /// The window of cycles asked for, into this file.
    pub(super) fn window(&self, path: PathBuf) -> Option<TraceWindow> {
        self.waves.map(|(from, to)| TraceWindow { path, from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_windows_and_parameters_are_read_with_care() {
        assert_eq!(parse_link("gen4x16"), Ok((4, 16)));
        assert!(
            ["gen6x8", "gen3x3", "3x8", "gen3", ""]
                .iter()
                .all(|t| parse_link(t).is_err())
        );
        assert_eq!(parse_window("5..9"), Ok((5, 9)));
        assert!(["9..5", "5", "a..b"].iter().all(|t| parse_window(t).is_err()));
        assert_eq!(parse_parameter("BUG=3"), Ok(("BUG".into(), ParamValue::Int(3))));
        assert!(["BUG", "=3", "B G=1"].iter().all(|t| parse_parameter(t).is_err()));
    }

    #[test]
    fn frames_are_as_many_as_memory_holds() {
        assert_eq!(parse_frames("7"), Ok(7));
        assert!(
            ["0", "10000001", "18446744073709551615", "-1", "x"]
                .iter()
                .all(|t| parse_frames(t).is_err())
        );
    }

    #[test]
    fn options_override_the_scenario() {
        let args = RunArgs {
            size: Some(64),
            queues: Some(2),
            ring: Some(RingArg::Packed),
            in_order: true,
            link: Some((4, 16)),
            seed: Some(9),
            ..RunArgs::default()
        };
        let s = args.scenario().unwrap();
        assert_eq!((s.name.as_str(), s.driver.queue_pairs, s.seed), ("fixed64", 2, 9));
        assert_eq!((s.host.link.generation, s.host.link.lanes), (4, 16));
        assert_eq!((s.driver.ring, s.driver.in_order), (Format::Packed, true));
        assert_eq!(s.traffic.generator.sizes, Sizes::Fixed { bytes: 64 });
    }

    #[test]
    fn without_arguments_it_is_the_main_job() {
        let s = RunArgs::default().scenario().unwrap();
        assert_eq!(
            (s.name.as_str(), s.driver.queue_pairs, s.traffic.direction),
            ("main", 4, Direction::Loopback)
        );
        assert!(s.traffic.pcap.unwrap().ends_with("golden/traffic/mixed.pcap"));
    }
}
