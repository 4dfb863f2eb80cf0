//! A scenario: everything that a run depends on, as data. A run is a scenario and a seed.
//!
//! Scenarios are TOML; unknown keys are errors, every field has a default. Paths in a scenario file are relative to the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringside_sim::ParamValue;
use serde::{Deserialize, Serialize};

use crate::driver::config::{DriverConfig, DriverConfigError, Publish};
use crate::driver::ring::Format;
use crate::host::config::{HostConfig, HostConfigError};
use crate::wire::capture::Unfit;
use crate::wire::generate::Generator;

pub use order::StepError;
pub use phase::{Part, Phase, Side};

/// Everything that a run depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Name, as it appears in the trace; the file's name if empty.
    pub name: String,
    /// What it is for, in a sentence.
    pub about: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Description of the device under test; absent: Ringside's own.
    pub dut: Option<PathBuf>,
    /// Parameters of the device's top module, over those of its description.
    pub parameters: BTreeMap<String, ParamValue>,
    /// The host.
    pub host: HostConfig,
    /// The driver.
    pub driver: DriverConfig,
    /// What goes over the wire.
    pub traffic: Traffic,
    /// The wire's behaviour at the pins.
    pub wire: WireConfig,
    /// What happens, one after the other; none: all the traffic.
    #[serde(rename = "phase")]
    pub phases: Vec<Phase>,
    /// Rules that this scenario provokes on purpose.
    pub expect: Vec<String>,
    /// When to give up.
    pub limits: Limits,
}

/// Which way frames go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The driver sends, the wire takes.
    Tx,
    /// The wire sends, the driver receives.
    Rx,
    /// The driver sends, the wire brings every frame back.
    #[default]
    Loopback,
    /// Both ways at the same time, without connection.
    Both,
}

/// When frames are handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// As fast as they are taken.
    #[default]
    Max,
    /// At the times of the capture or of the generator's rate.
    Timed,
}

/// Which queue pair a frame goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// By its flow hash.
    #[default]
    Flow,
    /// In turn.
    RoundRobin,
}

/// What goes over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// Which way.
    pub direction: Direction,
    /// A capture, pcap or pcapng, Ethernet. Absent: the generator.
    pub pcap: Option<PathBuf>,
    /// What to make if there is no capture.
    pub generator: Generator,
    /// How many frames; 0: all of a capture, 100 of a generator.
    pub frames: usize,
    /// Frames of a capture that do not fit the device.
    pub unfit: Unfit,
    /// When frames are handed over.
    pub pace: Pace,
    /// Which queue pair a frame goes through.
    pub spread: Spread,
}

/// The wire at the pins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WireConfig {
    /// Chance per thousand that the wire does not take a beat of `net_tx` in a cycle.
    pub tx_stall_per_mille: u32,
    /// Chance per thousand that the wire makes a pause before a beat of `net_rx`.
    pub rx_pause_per_mille: u32,
}

/// When to give up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest run, in cycles.
    pub max_cycles: u64,
    /// Longest run, in seconds of real time.
    pub wall_seconds: u64,
    /// The run is quiet, and so over, when no TLP and no frame moved for so many cycles.
    pub quiet_cycles: u64,
    /// A hang: so many cycles without any progress.
    pub idle_cycles: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_cycles: 50_000_000,
            wall_seconds: 600,
            quiet_cycles: 3_000,
            idle_cycles: 200_000,
        }
    }
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file could not be read.
    #[error("cannot read scenario {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It is not what a scenario looks like.
    #[error("scenario {}: {cause}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and column.
        cause: toml::de::Error,
    },
    /// The host part has an impossible value.
    #[error("scenario {name}: {cause}")]
    Host {
        /// The scenario.
        name: String,
        /// Which value.
        cause: HostConfigError,
    },
    /// The driver part has an impossible value.
    #[error("scenario {name}: {cause}")]
    Driver {
        /// The scenario.
        name: String,
        /// Which value.
        cause: DriverConfigError,
    },
    /// A step that cannot mean what it says.
    #[error("scenario {name}: {cause}")]
    Step {
        /// The scenario.
        name: String,
        /// Which step.
        cause: StepError,
    },
    /// A rule that the judge does not know.
    #[error("scenario {name}: expect names rule {rule:?}, which does not exist; see docs/rules.md")]
    Rule {
        /// The scenario.
        name: String,
        /// The name given.
        rule: String,
    },
    /// Another impossible value.
    #[error("scenario {name}: {key} = {value}: {allowed}")]
    Value {
        /// The scenario.
        name: String,
        /// Dotted key.
        key: &'static str,
        /// What was given.
        value: u64,
        /// What may be given.
        allowed: &'static str,
    },
}

impl Scenario {
    /// Reads a scenario file and makes its paths absolute or relative to where the command runs.
    ///
    /// # Errors
    /// [`ScenarioError`] with file, line and column.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ScenarioError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        let mut scenario: Scenario = toml::from_str(&text).map_err(|cause| ScenarioError::Format {
            path: path.to_owned(),
            cause,
        })?;
        if scenario.name.is_empty() {
            scenario.name = path
                .file_stem()
                .map(|s| s.to_string_lossy().into_owned())
                .unwrap_or_default();
        }
        let base = path.parent().unwrap_or(Path::new(""));
        for relative in [&mut scenario.dut, &mut scenario.traffic.pcap]
            .into_iter()
            .flatten()
        {
            *relative = base.join(&*relative);
        }
        scenario.check()?;
        Ok(scenario)
    }

    /// Checks every range.
    ///
    /// # Errors
    /// The first value that cannot be.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let name = || self.name.clone();
        self.host
            .check()
            .map_err(|cause| ScenarioError::Host { name: name(), cause })?;
        self.driver
            .check()
            .map_err(|cause| ScenarioError::Driver { name: name(), cause })?;
        order::check(&self.phases, self.driver.queue_pairs)
            .map_err(|cause| ScenarioError::Step { name: name(), cause })?;
        if let Some(rule) = self
            .expect
            .iter()
            .find(|r| ringside_models::rules::find(r).is_none())
        {
            return Err(ScenarioError::Rule {
                name: name(),
                rule: rule.clone(),
            });
        }
        for (key, value) in [
            ("wire.tx_stall_per_mille", self.wire.tx_stall_per_mille),
            ("wire.rx_pause_per_mille", self.wire.rx_pause_per_mille),
        ] {
            if value > 990 {
                return Err(ScenarioError::Value {
                    name: name(),
                    key,
                    value: value.into(),
                    allowed: "at most 990",
                });
            }
        }
        if self.limits.quiet_cycles < 100 {
            let value = self.limits.quiet_cycles;
            let (key, allowed) = ("limits.quiet_cycles", "at least 100");
            return Err(ScenarioError::Value {
                name: name(),
                key,
                value,
                allowed,
            });
        }
        Ok(())
    }

    /// The steps of the run: those given, or all the traffic.
    #[must_use]
    pub fn steps(&self) -> Vec<Phase> {
        if self.phases.is_empty() {
            vec![Phase::Traffic {
                frames: None,
                wait: true,
            }]
        } else {
            self.phases.clone()
        }
    }

    /// Does the driver send?
    #[must_use]
    pub fn sends(&self) -> bool {
        self.traffic.direction != Direction::Rx
    }

    /// The driver's view in a few words, for reports.
    #[must_use]
    pub fn conditions(&self) -> Vec<(String, String)> {
        let d = &self.driver;
        let l = &self.host.latency;
        let pair = |k: &str, v: String| (k.to_owned(), v);
        let mut conditions = vec![
            pair("direction", word(&self.traffic.direction)),
            pair("queue pairs", d.queue_pairs.to_string()),
            pair(
                "queue size",
                if d.queue_size == 0 {
                    "device's".into()
                } else {
                    d.queue_size.to_string()
                },
            ),
            pair("events", word(&d.events)),
            pair("vectors", word(&d.vectors)),
            pair("free list", word(&d.free_list)),
            pair(
                "tx chain",
                format!(
                    "{}, header {}",
                    word(&d.tx.shape),
                    if d.tx.separate_header {
                        "apart"
                    } else {
                        "with the frame"
                    }
                ),
            ),
            pair("tx batch", d.tx.batch.to_string()),
            pair(
                "rx buffers",
                format!(
                    "{}{}",
                    if d.mergeable { "mergeable" } else { "single" },
                    match d.rx.buffer_bytes {
                        0 => String::new(),
                        n => format!(", {n} bytes"),
                    }
                ),
            ),
            pair(
                "read latency",
                format!(
                    "{} ns + 0..{} ns, {} per mille a tail of mean {} ns",
                    l.base_ns, l.jitter_ns, l.tail_per_mille, l.tail_ns
                ),
            ),
            pair(
                "completions",
                format!(
                    "{}, {}",
                    word(&self.host.completions.split),
                    if self.host.completions.reorder {
                        "reordered"
                    } else {
                        "in order"
                    }
                ),
            ),
            pair(
                "store visibility",
                format!("0..{} ns", self.host.memory.visibility_ns_max),
            ),
        ];
        // Said only where it is not what everybody takes for granted.
        if d.ring != Format::Split {
            conditions.insert(2, pair("rings", word(&d.ring)));
        }
        if d.in_order {
            conditions.push(pair("used", "in order".to_owned()));
        }
        if d.publish != Publish::Batch {
            conditions.push(pair("publication", word(&d.publish)));
        }
        if let Some(c) = d.coalesce {
            let limits = format!("tx {}, rx {}", c.tx.words(), c.rx.words());
            conditions.push(pair("interrupt moderation", limits));
        }
        conditions
    }
}

/// The word that a scenario file uses for a choice.
pub(crate) fn word<T: Serialize>(choice: &T) -> String {
    serde_json::to_value(choice)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

mod order;
mod phase;
pub mod random;
#[cfg(test)]
mod tests;
