//! What is known of the mutants so far: a file of one JSON object a line. Its name holds the digest of model, program and scenarios, so that nothing else is taken
//! for it. The budget is not in it: the scenarios of a small one are the first of a greater one, so a mutant that was killed stays so, and one that survived
//! only has the rest to run.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::plan::{Plan, name};
use crate::cli::CliError;

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum End {
    /// A scenario did not pass.
    Killed {
        /// Which.
        scenario: String,
        /// The rule, or how else.
        why: String,
        /// Was it our program that broke, and not a finding?
        ours: bool,
    },
    /// All did.
    Survived {
        /// How many, from the first.
        steps: usize,
        /// Those in which some pin was not as the unmutated device's.
        seen: Vec<String>,
    },
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// The mutant's number.
    pub(super) mutant: usize,
    /// What became of it.
    pub(super) end: End,
}

/// The file and what it holds.
pub(super) struct State {
    path: PathBuf,
    file: File,
    ends: BTreeMap<usize, End>,
    /// Steps of the plan, and their scenarios.
    steps: Vec<String>,
}

impl State {
    /// Opens it, or begins a new one.
    ///
    /// # Errors
    /// The file cannot be used.
    pub(super) fn open(folder: &Path, plan: &Plan) -> Result<Self, CliError> {
        let path = folder.join(format!("state-{}.jsonl", &plan.key[..16]));
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(CliError::file("write", &path))?;
        let text = std::fs::read_to_string(&path).map_err(CliError::file("read", &path))?;
        // A line that was cut off when the command was killed is no record.
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n").map_err(CliError::file("write", &path))?;
        }
        let records = text
            .lines()
            .filter_map(|l| serde_json::from_str::<Record>(l).ok());
        let ends = records.map(|r| (r.mutant, r.end)).collect();
        let steps = plan.orders.steps.iter().map(|s| name(&s.scenario)).collect();
        Ok(State {
            path,
            file,
            ends,
            steps,
        })
    }

    /// Remembers what became of a mutant.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn add(&mut self, record: Record) -> Result<(), CliError> {
        let fail = || CliError::file("write", &self.path);
        let text = serde_json::to_string(&record).map_err(|e| fail()(e.into()))?;
        self.file
            .write_all(format!("{text}\n").as_bytes())
            .map_err(fail())?;
        self.ends.insert(record.mutant, record.end);
        Ok(())
    }

    /// What became of a mutant within the plan's budget, if that is known.
    pub(super) fn end(&self, mutant: usize) -> Option<&End> {
        self.ends.get(&mutant).filter(|end| match end {
            End::Killed { scenario, .. } => self.steps.contains(scenario),
            End::Survived { steps, .. } => *steps == self.steps.len(),
        })
    }

    /// Steps that a mutant of which the end is not known is known to survive, and those in which it was seen.
    pub(super) fn begun(&self, mutant: usize) -> (usize, Vec<String>) {
        match self.ends.get(&mutant) {
            Some(End::Survived { steps, seen }) if *steps < self.steps.len() => (*steps, seen.clone()),
            _ => (0, Vec::new()),
        }
    }

    /// Is it known what became of it?
    pub(super) fn knows(&self, mutant: usize) -> bool {
        self.end(mutant).is_some()
    }

    /// How many of these are known.
    pub(super) fn count(&self, of: &[usize]) -> usize {
        of.iter().filter(|n| self.knows(**n)).count()
    }

    /// How many of these survived.
    pub(super) fn survivors(&self, of: &[usize]) -> usize {
        let survived = |n: &&usize| matches!(self.end(**n), Some(End::Survived { .. }));
        of.iter().filter(survived).count()
    }
}
