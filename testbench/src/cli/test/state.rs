//! What `ringside test` remembers: a file of one JSON object a line, the first says whose state it is, each of the others one scenario, or the
//! smallest scenario of one kind of failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bucket::{Bucket, without_numbers};
use crate::cli::CliError;
use crate::cli::paint::{Paint, count, grouped};

/// Version of the file's format.
const VERSION: u32 = 2;

/// Whose state it is: results of other scenarios or of another model do not count here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    ringside_random: u32,
    seed: u64,
    stretch: u32,
    model: String,
    harness: String,
    device: Vec<String>,
}

impl Header {
    /// `model` and `harness` are digests: of the device's model, and of the program that drives and judges it.
    pub(super) fn new(seed: u64, stretch: u32, model: &str, harness: &str) -> Self {
        Header {
            ringside_random: VERSION,
            seed,
            stretch,
            model: model.to_owned(),
            harness: harness.to_owned(),
            device: Vec::new(),
        }
    }

    /// What every run is told of the device: arguments.
    pub(super) fn with(self, device: &[String]) -> Self {
        Header {
            device: device.to_vec(),
            ..self
        }
    }
}

/// What came of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Record {
    /// Its number.
    pub(in crate::cli) seed: u64,
    /// Its name.
    pub(in crate::cli) scenario: String,
    /// Descriptors that its driver wrote.
    pub(in crate::cli) descriptors: u64,
    /// Cycles simulated.
    pub(in crate::cli) cycles: u64,
    /// Is all well?
    pub(in crate::cli) passed: bool,
    /// If not: why.
    pub(in crate::cli) why: String,
    /// If not: what kind of failure it is.
    pub(in crate::cli) bucket: Option<Bucket>,
}

/// The smallest scenario found that fails in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Smallest {
    /// In which way.
    pub(super) fails: Bucket,
    /// The scenario that it was made from.
    pub(super) seed: u64,
    /// What differs in it from the plainest scenario.
    pub(super) size: u64,
    /// Its steps.
    pub(super) steps: u64,
    /// Its frames.
    pub(super) frames: u64,
    /// The command that runs it.
    pub(super) repeat: String,
}

impl Smallest {
    /// From what `ringside shrink --json` said; `None` if it was cut short.
    pub(super) fn of_shrinking(fails: &Bucket, seed: u64, stdout: &str) -> Option<Self> {
        let said: serde_json::Value = serde_json::from_str(stdout).ok()?;
        Some(Smallest {
            fails: fails.clone(),
            seed,
            size: said["size"].as_u64()?,
            steps: said["steps"].as_u64()?,
            frames: said["frames"].as_u64()?,
            repeat: said["repeat"].as_str()?.to_owned(),
        })
    }
}

impl Record {
    /// From what `ringside run --json` said.
    pub(in crate::cli) fn of_run(seed: u64, code: Option<i32>, stdout: &str, stderr: &str) -> Self {
        let said: serde_json::Value = serde_json::from_str(stdout).unwrap_or_default();
        let number = |key: &str| said[key].as_u64().unwrap_or_default();
        let passed = code == Some(0) && said["passed"] == true;
        let mut why = String::new();
        if !passed {
            let mut rules: Vec<&str> = said["verdict"]["violations"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|v| v["rule"].as_str())
                .collect();
            rules.dedup();
            let complaints = said["complaints"].as_array().into_iter().flatten();
            let first = stderr.lines().next().filter(|l| !l.is_empty());
            let ended = said["ended"].as_str().filter(|e| *e != "complete");
            why = (!rules.is_empty())
                .then(|| rules.join(", "))
                .or_else(|| ended.map(|e| e.lines().next().unwrap_or_default().to_owned()))
                .or_else(|| complaints.into_iter().find_map(|c| c.as_str().map(str::to_owned)))
                .or_else(|| first.map(str::to_owned))
                .or_else(|| said["notes"].as_array()?.first()?.as_str().map(str::to_owned))
                .unwrap_or_else(|| match code {
                    Some(code) => format!("exit code {code}"),
                    None => "ended by a signal".to_owned(),
                });
        }
        let scenario = said["scenario"]
            .as_str()
            .map_or_else(|| format!("random-{seed}"), str::to_owned);
        let bucket = (!passed).then(|| {
            serde_json::from_value(said["bucket"].clone()).unwrap_or_else(|_| Bucket {
                what: without_numbers(&why),
                queue: "-".to_owned(),
                ring: if scenario.ends_with("packed") {
                    "packed"
                } else {
                    "split"
                }
                .to_owned(),
                step: "-".to_owned(),
            })
        });
        Record {
            seed,
            scenario,
            bucket,
            descriptors: number("descriptors"),
            cycles: number("cycles"),
            passed,
            why,
        }
    }
}

/// The file and what it holds.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    header: Header,
    file: File,
    records: BTreeMap<u64, Record>,
    smallest: BTreeMap<Bucket, Smallest>,
    /// Kinds of failure that somebody shrinks, or has tried to.
    taken: BTreeSet<Bucket>,
    descriptors: u64,
}

impl State {
    /// Opens the state, or begins a new one.
    ///
    /// # Errors
    /// The file cannot be used, or is the state of something else.
    pub(super) fn open(path: PathBuf, header: &Header) -> Result<Self, CliError> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(CliError::file("create", folder))?;
        }
        let old = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text).filter(|t| !t.is_empty()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(CliError::file("read", &path)(e)),
        };
        let (records, smallest) = match old.as_deref() {
            Some(text) => read(&path, text, header)?,
            None => <_>::default(),
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(CliError::file("write", &path))?;
        let mut state = State {
            path,
            header: header.clone(),
            file,
            descriptors: records.values().filter(|r| r.passed).map(|r| r.descriptors).sum(),
            records,
            taken: smallest.keys().cloned().collect(),
            smallest,
        };
        match old {
            None => state.line(header)?,
            // A line that was cut off when the command was killed stays what it is: no record.
            Some(text) if !text.ends_with('\n') => state.write("\n")?,
            Some(_) => {}
        }
        Ok(state)
    }

    fn line(&mut self, of: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(of).map_err(|e| CliError::file("write", &self.path)(e.into()))?;
        self.write(&format!("{text}\n"))
    }

    fn write(&mut self, text: &str) -> Result<(), CliError> {
        self.file
            .write_all(text.as_bytes())
            .map_err(CliError::file("write", &self.path))
    }

    /// Remembers what came of a scenario.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn add(&mut self, record: Record) -> Result<(), CliError> {
        self.line(&record)?;
        if record.passed {
            self.descriptors += record.descriptors;
        }
        self.records.insert(record.seed, record);
        Ok(())
    }

    /// May the caller shrink this kind of failure? Only one does.
    pub(super) fn takes(&mut self, bucket: &Bucket) -> bool {
        self.taken.insert(bucket.clone())
    }

    /// Remembers the smallest scenario of a kind of failure.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn add_smallest(&mut self, smallest: Smallest) -> Result<(), CliError> {
        self.line(&smallest)?;
        self.smallest.insert(smallest.fails.clone(), smallest);
        Ok(())
    }

    /// Where the smallest scenarios are: a folder beside the state.
    pub(super) fn smallest_folder(&self) -> PathBuf {
        self.path.with_extension("smallest")
    }

    /// Kinds of failure: how many scenarios fail so, and the first of them.
    fn buckets(&self) -> BTreeMap<&Bucket, (u64, &Record)> {
        let mut buckets = BTreeMap::new();
        for r in self.records.values().filter(|r| !r.passed) {
            if let Some(bucket) = &r.bucket {
                buckets.entry(bucket).or_insert((0, r)).0 += 1;
            }
        }
        buckets
    }

    /// What came of each scenario, by number.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// Descriptors of scenarios that passed.
    pub(super) fn descriptors(&self) -> u64 {
        self.descriptors
    }

    /// Need the scenario not be run again?
    pub(super) fn has_passed(&self, seed: u64) -> bool {
        self.records.get(&seed).is_some_and(|r| r.passed)
    }

    /// Scenarios that failed.
    pub(super) fn failures(&self) -> usize {
        self.records.values().filter(|r| !r.passed).count()
    }

    /// How far it is, in one line.
    pub(super) fn progress(&self, wanted: u64, before: u64, since: Duration) -> String {
        let left = match self.descriptors - before {
            0 => String::new(),
            done => {
                let todo = u128::from(wanted.saturating_sub(self.descriptors));
                let minutes = (since.as_millis() * todo).div_ceil(u128::from(done) * 60_000);
                format!(", about {minutes} min left")
            }
        };
        format!(
            "{} of {} descriptors, {}, {}{left}",
            grouped(self.descriptors),
            grouped(wanted),
            count(self.records.len() as u64, "scenario"),
            count(self.failures() as u64, "failure"),
        )
    }

    /// What came of it all.
    pub(super) fn summary(&self, wanted: u64, paint: Paint) -> String {
        let packed = self
            .records
            .values()
            .filter(|r| r.scenario.ends_with("packed"))
            .count();
        let cycles: u64 = self.records.values().map(|r| r.cycles).sum();
        let verdict = match self.failures() {
            0 if self.descriptors >= wanted => paint.good("PASS"),
            0 => paint.strong("SO FAR"),
            _ => paint.bad("FAIL"),
        };
        let mut text = format!(
            "\n  {verdict}   {} of {} descriptors in {}, {} with packed rings, {} cycles: {}\n  state  {}",
            grouped(self.descriptors),
            grouped(wanted),
            count(self.records.len() as u64, "scenario"),
            packed,
            grouped(cycles),
            count(self.failures() as u64, "failure"),
            self.path.display(),
        );
        for (bucket, (n, first)) in self.buckets() {
            let _ = write!(
                text,
                "\n  {n:>4} x {bucket}\n         first  {}: {}",
                first.scenario, first.why
            );
            let _ = match self.smallest.get(bucket) {
                Some(s) => write!(
                    text,
                    "\n         smallest has {} and {}\n         repeat {}",
                    count(s.steps, "step"),
                    count(s.frames, "frame"),
                    s.repeat
                ),
                None => write!(
                    text,
                    "\n         repeat ringside run --random {} --stretch {}{}",
                    first.seed,
                    self.header.stretch,
                    self.header
                        .device
                        .iter()
                        .fold(String::new(), |text, word| text + " " + word)
                ),
            };
        }
        text
    }
}

type Remembered = (BTreeMap<u64, Record>, BTreeMap<Bucket, Smallest>);

fn read(path: &Path, text: &str, header: &Header) -> Result<Remembered, CliError> {
    let wrong = |cause: String| CliError::State {
        path: path.to_owned(),
        cause,
    };
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let found: Header = serde_json::from_str(first).map_err(|e| wrong(format!("line 1: {e}")))?;
    if found != *header {
        let what = if found.model != header.model {
            "another model of the device".to_owned()
        } else if found.harness != header.harness {
            "another build of this program".to_owned()
        } else {
            format!(
                "seed {} and stretch {} {}",
                found.seed,
                found.stretch,
                found.device.join(" ")
            )
        };
        return Err(wrong(format!(
            "it is the state of {what}: remove it to begin anew, or name another with --state"
        )));
    }
    // What is neither was cut off when the command was killed: that scenario is run again.
    let (mut records, mut smallest) = Remembered::default();
    for line in lines {
        if let Ok(r) = serde_json::from_str::<Record>(line) {
            records.insert(r.seed, r);
        } else if let Ok(s) = serde_json::from_str::<Smallest>(line) {
            smallest.insert(s.fails.clone(), s);
        }
    }
    Ok((records, smallest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seed: u64, passed: bool) -> Record {
        let text = format!(
            r#"{{"scenario":"random-{seed}-packed","passed":{passed},"descriptors":100,"cycles":7,"ended":"complete",
            "complaints":["stuck"],"verdict":{{"violations":[]}}}}"#
        );
        Record::of_run(seed, Some(i32::from(!passed)), &text, "")
    }

    #[test]
    fn what_is_done_is_remembered_and_what_failed_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.jsonl");
        let header = Header::new(3, 20, "abc", "xyz");
        let mut s = State::open(path.clone(), &header).unwrap();
        s.add(record(3_000_000, true)).unwrap();
        s.add(record(3_000_001, false)).unwrap();
        assert!(s.summary(100, Paint::stdout()).contains("stuck"));
        drop(s);
        // Killed in the middle of a line.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"seed\":3000");
        std::fs::write(&path, text).unwrap();
        let mut s = State::open(path.clone(), &header).unwrap();
        assert_eq!((s.descriptors(), s.failures()), (100, 1));
        assert!(s.has_passed(3_000_000) && !s.has_passed(3_000_001) && !s.has_passed(3_000_002));
        s.add(record(3_000_001, true)).unwrap();
        drop(s);
        let s = State::open(path, &header).unwrap();
        assert_eq!((s.descriptors(), s.failures()), (200, 0));
    }

    #[test]
    fn failures_that_are_alike_are_one_line_with_their_smallest_scenario() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.jsonl");
        let header = Header::new(3, 20, "abc", "xyz");
        let mut s = State::open(path.clone(), &header).unwrap();
        let fails = |seed: u64, rule: &str| {
            let text = format!(
                r#"{{"scenario":"random-{seed}","passed":false,"verdict":{{"violations":[{{"rule":"{rule}"}}]}},
                "bucket":{{"what":"{rule}","queue":"rx","ring":"split","step":"traffic"}}}}"#
            );
            Record::of_run(seed, Some(1), &text, "")
        };
        for (seed, rule) in [
            (3_000_001, "A"),
            (3_000_002, "B"),
            (3_000_003, "A"),
            (3_000_004, "A"),
        ] {
            s.add(fails(seed, rule)).unwrap();
        }
        let bucket = fails(0, "A").bucket.unwrap();
        assert!(s.takes(&bucket) && !s.takes(&bucket), "one of all shrinks it");
        let said = r#"{"size":4,"steps":1,"frames":2,"repeat":"ringside run --scenario x.toml"}"#;
        s.add_smallest(Smallest::of_shrinking(&bucket, 3_000_001, said).unwrap())
            .unwrap();
        drop(s);
        let mut s = State::open(path, &header).unwrap();
        assert!(!s.takes(&bucket), "known from before");
        let text = s.summary(100, Paint::stdout());
        for part in [
            "   3 x A · rx · split · traffic\n         first  random-3000001: A\n",
            "smallest has 1 step and 2 frames\n         repeat ringside run --scenario x.toml",
            "   1 x B · rx · split · traffic",
            "repeat ringside run --random 3000002 --stretch 20",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert_eq!(Smallest::of_shrinking(&bucket, 1, "{}"), None);
    }

    #[test]
    fn the_state_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.jsonl");
        drop(State::open(path.clone(), &Header::new(3, 20, "abc", "xyz")).unwrap());
        for other in [
            Header::new(4, 20, "abc", "xyz"),
            Header::new(3, 21, "abc", "xyz"),
            Header::new(3, 20, "abd", "xyz"),
            Header::new(3, 20, "abc", "xyy"),
        ] {
            let e = State::open(path.clone(), &other).unwrap_err().to_string();
            assert!(e.contains("remove it to begin anew"), "{e}");
        }
        std::fs::write(&path, "junk\n").unwrap();
        let e = State::open(path, &Header::new(3, 20, "abc", "xyz"))
            .unwrap_err()
            .to_string();
        assert!(e.contains("line 1"), "{e}");
    }

    #[test]
    fn why_a_run_failed_is_said_in_its_own_words() {
        let r = Record::of_run(5, Some(2), "", "error: no such thing\nmore");
        assert_eq!((r.why.as_str(), r.passed), ("error: no such thing", false));
        let text = r#"{"verdict":{"violations":[{"rule":"A"},{"rule":"A"},{"rule":"B"}]},"passed":false}"#;
        assert_eq!(Record::of_run(5, Some(1), text, "").why, "A, B");
        assert_eq!(Record::of_run(5, None, "", "").why, "ended by a signal");
        assert_eq!(record(6, false).why, "stuck");
    }
}
