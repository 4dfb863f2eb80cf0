//! Which scenarios a mutant has to survive: the first of a list, as many as the budget allows, and how they go on the unmutated device.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::design::digest;
use super::farm::Farm;
use crate::cli::CliError;
use crate::scenario::Scenario;
use crate::strength::schema;
use crate::workspace;

/// Where scenarios are.
const SCENARIOS: &str = "golden/scenarios";
/// Which of them mutants are run against, and in which order.
const LIST: &str = "golden/strength/scenarios.txt";

/// One of the scenarios.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// Its file.
    pub(super) scenario: PathBuf,
    /// Cycles that the unmutated device takes; 0: not known yet, all it wants.
    pub(super) cycles: u64,
    /// What its pins showed.
    pub(super) digest: String,
}

/// What a process that runs a mutant is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Orders {
    /// The design.
    pub(super) dut: PathBuf,
    /// The scenarios, in this order.
    pub(super) steps: Vec<Step>,
}

/// The plan.
#[derive(Debug)]
pub(super) struct Plan {
    /// The file that says it to other processes.
    pub(super) path: PathBuf,
    /// What it says.
    pub(super) orders: Orders,
    /// Scenarios that the device passes and the budget does not allow.
    pub(super) beyond: usize,
    /// Digest of all that the outcome of a mutant depends on, but for the budget.
    pub(super) key: String,
}

impl Plan {
    /// Runs the scenarios on the unmutated device, unless that was done before. `None`: a signal ended it.
    ///
    /// # Errors
    /// A scenario that cannot be read, or that the unmutated device does not pass, or in which it is not as the design that it was made from.
    pub(super) fn make(farm: &Farm, named: &[PathBuf], cycles: u64) -> Result<Option<Self>, CliError> {
        let files = files(named)?;
        let traffic = folder(&workspace::path("golden/traffic"), |_| true)?;
        let texts = files
            .iter()
            .chain(&traffic)
            .map(|f| std::fs::read(f).map_err(CliError::file("read", f)));
        let mut texts = texts.collect::<Result<Vec<_>, _>>()?;
        texts.extend(
            files
                .iter()
                .map(|f| f.to_string_lossy().into_owned().into_bytes()),
        );
        texts.push(farm.harness.clone().into());
        texts.push(farm.design.model.clone().into());
        let all_key = digest(&texts);
        let known = farm
            .design
            .folder
            .join(format!("unmutated-{}.json", &all_key[..16]));
        let dut = farm.design.dut.clone();
        let before = std::fs::read(&known).ok();
        let mut steps: Vec<Step> = if let Some(steps) = before.and_then(|t| serde_json::from_slice(&t).ok()) {
            steps
        } else {
            let begin = |scenario: &PathBuf| Step {
                scenario: scenario.clone(),
                cycles: 0,
                digest: String::new(),
            };
            let orders = Orders {
                dut: dut.clone(),
                steps: files.iter().map(begin).collect(),
            };
            let Some(steps) = farm.unmutated(&orders)? else {
                return Ok(None);
            };
            if !farm.is_as_the_original(&steps)? {
                return Ok(None);
            }
            write(&known, &steps)?;
            steps
        };
        let all = steps.len();
        let mut sum = 0;
        steps.retain(|s| {
            sum += s.cycles;
            sum <= cycles
        });
        if steps.is_empty() {
            return Err(CliError::Usage(format!(
                "--cycles {cycles}: the shortest scenario takes more"
            )));
        }
        let beyond = all - steps.len();
        let orders = Orders { dut, steps };
        let path = farm
            .design
            .folder
            .join(format!("plan-{}-{cycles}.json", &all_key[..16]));
        write(&path, &orders)?;
        Ok(Some(Plan {
            path,
            orders,
            beyond,
            key: all_key,
        }))
    }

    /// What the unmutated device's pins showed.
    pub(super) fn digest_of(&self, scenario: &str) -> &str {
        let of = |s: &&Step| name(&s.scenario) == scenario;
        self.orders.steps.iter().find(of).map_or("", |s| &s.digest)
    }
}

/// A scenario's name for people.
pub(super) fn name(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

pub(super) fn write(path: &Path, what: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_vec(what).map_err(|e| CliError::file("write", path)(e.into()))?;
    Ok(schema::put(path, &text)?)
}

fn folder(path: &Path, takes: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, CliError> {
    let fail = || CliError::file("read", path);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail())? {
        let file = entry.map_err(fail())?.path();
        if file.is_file() && takes(&file) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The scenarios to take from: the named ones, or those of the list; each is for the design as it is described, with no parameter or device of its own.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    if named.is_empty() {
        let list = workspace::path(LIST);
        let text = std::fs::read_to_string(&list).map_err(CliError::file("read", &list))?;
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty() && !l.starts_with('#'));
        files.extend(lines.map(|line| workspace::path(SCENARIOS).join(format!("{line}.toml"))));
    }
    for path in named {
        if path.is_dir() {
            files.extend(folder(path, |f| f.extension().is_some_and(|e| e == "toml"))?);
        } else {
            files.push(path.clone());
        }
    }
    let mut before = BTreeSet::new();
    for file in &files {
        let scenario = Scenario::load(file)?;
        if !scenario.parameters.is_empty() || scenario.dut.is_some() {
            let file = file.display();
            return Err(CliError::Usage(format!(
                "{file} is for another build of the device"
            )));
        }
        if !before.insert(name(file)) {
            return Err(CliError::Usage(format!("{} is there twice", name(file))));
        }
    }
    if files.is_empty() {
        return Err(CliError::Usage("no scenario to run mutants against".to_owned()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_this_tree_names_scenarios_for_the_device_as_it_is() {
        assert!(files(&[]).unwrap().len() > 50);
    }

    #[test]
    fn what_cannot_be_run_is_said() {
        let error = |named: &[PathBuf]| files(named).unwrap_err().to_string();
        let wrap = workspace::path(SCENARIOS).join("ring_wrap.toml");
        assert!(error(&[wrap.clone(), wrap]).contains("ring_wrap is there twice"));
        let other = workspace::path(SCENARIOS).join("stress/ring_32768.toml");
        assert!(error(&[other]).contains("another build"));
        assert!(error(&[PathBuf::from("no/such.toml")]).contains("no/such.toml"));
    }
}
