//! Commands that take traces and no device: `ringside compare`, `capture`, `timeline`, and `ringside check` of captures.

use std::path::{Path, PathBuf};
use std::process::Command;

use ringside_models::event::{Channel, Event, What};
use ringside_models::judge::{Judge, Purpose};
use ringside_models::tlp::Body;
use ringside_models::trace::{encode_event, encode_header, parse_event, parse_header};
use ringside_reports::study::{Definition, Results, Row};
use serde_json::Value;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Bench {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("written");
    }

    /// Runs the command; `DIR` in an argument is the test's folder, `GOLDEN` that of the golden traces.
    fn says(&self, args: &[&str], code: i32) -> String {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let golden = golden("").to_string_lossy().into_owned();
        let args = args
            .iter()
            .map(|a| a.replace("DIR", &folder).replace("GOLDEN/", &golden));
        let out = Command::new(env!("CARGO_BIN_EXE_ringside"))
            .args(args)
            .env("NO_COLOR", "1")
            .output()
            .expect("started");
        let text = [&out.stdout, &out.stderr]
            .map(|b| String::from_utf8_lossy(b).into_owned())
            .concat();
        assert_eq!(out.status.code(), Some(code), "{text}");
        text.replace(&folder, "DIR").replace(&golden, "GOLDEN/")
    }
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../golden/traces")
        .join(name)
}

/// A trace whose device reads every descriptor twice: as soon as a read of descriptors is answered it asks again, and gets the same answer.
fn reading_twice(trace: &str) -> String {
    let mut lines = trace.lines();
    let header = parse_header(lines.next().expect("a header")).expect("a header");
    let mut judge = Judge::new(&header);
    let mut out = encode_header(&header) + "\n";
    // the read under way by tag, and its answers so far
    let mut asked: Vec<(u16, Vec<Event>)> = Vec::new();
    for (index, line) in lines.enumerate() {
        let event = parse_event(line, index + 2).expect("an event");
        let cause = judge.observe(&event).cause;
        out.push_str(&(encode_event(&event) + "\n"));
        let What::Tlp { ch, tlp, .. } = &event.what else {
            continue;
        };
        let (ch, tag) = (*ch, tlp.tag().expect("a tag"));
        match (&tlp.body, ch) {
            (Body::MRd { .. }, Channel::Rq) if cause.is_some_and(|c| c.purpose == Purpose::Descriptor) => {
                asked.push((tag, vec![event]));
            }
            (Body::Cpl { bytes, data, .. }, Channel::Rc) => {
                let last = usize::from(*bytes) <= data.len();
                let Some(at) = asked.iter().position(|(t, _)| *t == tag) else {
                    continue;
                };
                let now = event.cycle;
                asked[at].1.push(event);
                if last {
                    for mut again in asked.swap_remove(at).1 {
                        again.cycle = now;
                        out.push_str(&(encode_event(&again) + "\n"));
                    }
                }
            }
            _ => {}
        }
    }
    out
}

#[test]
fn a_run_compared_with_itself_shows_nothing() {
    let b = Bench::new();
    let text = b.says(&["compare", "GOLDEN/chains.jsonl", "GOLDEN/chains.jsonl"], 0);
    assert!(text.contains("no difference in "), "{text}");
}

#[test]
fn one_extra_read_a_packet_breaks_a_budget() {
    let b = Bench::new();
    let trace = std::fs::read_to_string(golden("tx_single.jsonl")).expect("a golden trace");
    b.file("twice.jsonl", &reading_twice(&trace));
    b.says(&["check", "DIR/twice.jsonl"], 0);
    let compare = |budget: &str, code| {
        b.file("budgets.toml", budget);
        b.says(
            &[
                "compare",
                "GOLDEN/tx_single.jsonl",
                "DIR/twice.jsonl",
                "--budget",
                "DIR/budgets.toml",
                "--out",
                "DIR/out",
            ],
            code,
        )
    };
    let tight = "[[budget]]\nmetric = \"requests_per_packet\"\nmax_growth_percent = 0\n";
    let text = compare(tight, 1);
    assert!(text.contains("BROKEN  requests_per_packet: "), "{text}");
    let page = std::fs::read_to_string(b.path("out/compare.html")).expect("a page");
    assert!(page.contains("over budget"));
    let json = std::fs::read_to_string(b.path("out/compare.json")).expect("a file");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["budgets"][0]["kept"], false);
    let wide = "[[budget]]\nmetric = \"requests_per_packet\"\nmax_growth_percent = 40\n";
    let text = compare(wide, 0);
    assert!(text.contains("kept    requests_per_packet: "), "{text}");
    // the same trace keeps what the other breaks
    b.file("budgets.toml", tight);
    let same = ["compare", "GOLDEN/tx_single.jsonl", "GOLDEN/tx_single.jsonl"];
    b.says(&[&same[..], &["--budget", "DIR/budgets.toml"]].concat(), 0);
}

/// A study of one run, which is this report, with a budget of its requests a packet.
fn study_of(report: &Path, max: f64) -> Results {
    let text = format!(
        r#"
title = "Reads"
question = "How many requests does a packet cost?"
[[axis]]
key = "run"
title = "run"
choice = [{{ name = "it" }}]
[[metric]]
key = "requests"
title = "DMA requests a packet"
from = {{ headline = "requests_per_packet" }}
[[budget]]
metric = "requests"
max = {max:?}
"#
    );
    let study = Definition::parse(&text, "reads").expect("a study");
    let report = std::fs::read(report).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let at = study.cases().expect("runs")[0].at.clone();
    let requests = study.metrics[0].of(&report, &at).expect("a number");
    let row = Row {
        at,
        passed: report["verdict"]["passed"] == true,
        values: [("requests".to_owned(), requests)].into(),
        ..Row::default()
    };
    Results::new(&study, Vec::new(), vec![row])
}

#[test]
fn one_extra_read_a_packet_changes_a_study_and_breaks_its_budget() {
    let b = Bench::new();
    let trace = std::fs::read_to_string(golden("tx_single.jsonl")).expect("a golden trace");
    b.file("once.jsonl", &trace);
    b.file("twice.jsonl", &reading_twice(&trace));
    let study = |name: &str, max: f64| {
        b.says(
            &[
                "report",
                &format!("DIR/{name}.jsonl"),
                "--out",
                &format!("DIR/{name}"),
            ],
            0,
        );
        study_of(&b.path(name).join("report.json"), max)
    };
    let before = study("once", 0.0).rows[0].values["requests"];
    let (once, twice) = (study("once", before + 0.5), study("twice", before + 0.5));
    assert!(once.passed() && twice.passed(), "reading twice is no violation");
    assert!(
        once.broken().is_empty() && twice.broken().len() == 1,
        "{:?} {:?}",
        once.broken(),
        twice.broken()
    );
    assert_eq!(
        once.sentence(),
        format!("DMA requests a packet is {before:.2} in every run.")
    );
    let after = twice.rows[0].values["requests"];
    assert!(after >= before + 0.9, "{before} {after}");
    assert_eq!(
        twice.sentence(),
        format!("DMA requests a packet is {after:.2} in every run.")
    );
}

#[test]
fn a_run_that_fails_keeps_no_budget() {
    let b = Bench::new();
    let trace = std::fs::read_to_string(golden("tx_single.jsonl")).expect("a golden trace");
    // the first frame that leaves has another last byte
    let mut done = false;
    let broken: String = trace
        .lines()
        .map(|l| match l.strip_suffix("\"}}}") {
            Some(l) if !done && l.contains("\"wire_tx\"") => {
                done = true;
                let (l, last) = l.split_at(l.len() - 1);
                format!("{l}{}\"}}}}}}\n", if last == "0" { "1" } else { "0" })
            }
            _ => format!("{l}\n"),
        })
        .collect();
    assert!(done);
    b.file("broken.jsonl", &broken);
    b.file(
        "budgets.toml",
        "[[budget]]\nmetric = \"requests_per_packet\"\nmax = 1000\n",
    );
    let args = ["compare", "GOLDEN/tx_single.jsonl", "DIR/broken.jsonl"];
    let text = b.says(&[&args[..], &["--budget", "DIR/budgets.toml"]].concat(), 1);
    assert!(
        text.contains("the second run did not pass, so it keeps no budget"),
        "{text}"
    );
    assert!(text.contains("verdict  A pass, B fail"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let b = Bench::new();
    b.file("text", "hello");
    b.file("budgets.toml", "[[budget]]\nmetric = \"mpps\"\nmacks = 1\n");
    b.file("typo.toml", "[[budget]]\nmetric = \"mps\"\nmin = 1\n");
    let chains = "GOLDEN/chains.jsonl";
    let say = |args: &[&str]| b.says(&[&["compare"], args].concat(), 2);
    for (said, part) in [
        (say(&[chains, "DIR/none.jsonl"]), "cannot read DIR/none.jsonl"),
        (
            say(&["DIR/text", chains]),
            "DIR/text: neither a trace nor a report: expected value at line 1",
        ),
        (
            say(&["DIR", chains]),
            "no run in DIR: it holds neither report.json nor trace.jsonl",
        ),
        (
            say(&[chains, chains, "--budget", "DIR/none.toml"]),
            "cannot read DIR/none.toml",
        ),
        (
            say(&[chains, chains, "--budget", "DIR/budgets.toml"]),
            "DIR/budgets.toml, line 3: unknown field `macks`, expected one of",
        ),
        (
            say(&[chains, chains, "--budget", "DIR/typo.toml"]),
            "DIR/typo.toml, line 1: neither run has \"mps\" (near: \"mpps\"",
        ),
        (
            say(&[chains, chains, "--out", "DIR/text/out"]),
            "cannot report DIR/text/out: cannot write",
        ),
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_capture_gets_the_verdict_of_its_trace() {
    let b = Bench::new();
    let mut traces: Vec<String> = std::fs::read_dir(golden(""))
        .expect("golden traces")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    traces.sort();
    assert!(traces.len() >= 34);
    for name in traces {
        let trace = format!("GOLDEN/{name}");
        b.says(&["capture", &trace, "--out", "DIR/c.pcapng"], 0);
        let verdict = |path: &str| b.says(&["check", path, "--json"], 0);
        assert_eq!(verdict(&trace), verdict("DIR/c.pcapng"), "{name}");
    }
    // a report is the same too, and a trace that fails fails as a capture
    let b = Bench::new();
    b.file(
        "chains.jsonl",
        &std::fs::read_to_string(golden("chains.jsonl")).expect("a trace"),
    );
    b.says(&["capture", "DIR/chains.jsonl"], 0);
    let text = b.says(&["compare", "DIR/chains.jsonl", "DIR/chains.pcapng"], 0);
    assert!(text.contains("no difference in "), "{text}");
}

#[test]
fn captures_that_cannot_be_read_or_made_are_said() {
    let b = Bench::new();
    b.says(&["capture", "GOLDEN/chains.jsonl", "--out", "DIR/c.pcapng"], 0);
    let whole = std::fs::read(b.path("c.pcapng")).expect("a capture");
    std::fs::write(b.path("cut.pcapng"), &whole[..whole.len() - 60]).expect("written");
    b.file("text", "hello");
    let frames = golden("../traffic/http.pcapng");
    for (args, part) in [
        (vec!["check", "DIR/cut.pcapng"], "the file ends inside it"),
        (
            vec!["report", "DIR/cut.pcapng", "-o", "DIR/out"],
            "the file ends inside it",
        ),
        (
            vec!["check", &*frames.to_string_lossy()],
            "empty, expected a Ringside trace",
        ),
        (
            vec!["capture", "DIR/text", "-o", "DIR/x.pcapng"],
            "not a Ringside trace",
        ),
        (vec!["capture", "DIR/none"], "cannot read DIR/none"),
        (
            vec!["capture", "DIR/c.pcapng"],
            "DIR/c.pcapng is what would be read",
        ),
        (
            vec!["capture", "DIR/c.pcapng", "-o", "DIR/text/c"],
            "cannot write DIR/text/c",
        ),
    ] {
        let said = b.says(&args, 2);
        assert!(said.contains(part), "{args:?}: {said}");
    }
    // what was cut leaves nothing behind that looks whole
    b.says(&["capture", "DIR/cut.pcapng", "-o", "DIR/y.pcapng"], 2);
    assert!(!b.path("x.pcapng").exists() && !b.path("y.pcapng").exists());
}

#[test]
fn a_timeline_is_written_beside_its_trace() {
    let b = Bench::new();
    b.file(
        "chains.jsonl",
        &std::fs::read_to_string(golden("chains.jsonl")).expect("a trace"),
    );
    let text = b.says(&["timeline", "DIR/chains.jsonl"], 0);
    assert!(text.starts_with("DIR/chains.timeline.json  "), "{text}");
    let json = std::fs::read_to_string(b.path("chains.timeline.json")).expect("a timeline");
    assert!(serde_json::from_str::<Value>(&json).expect("JSON")["traceEvents"].is_array());
    b.file("text", "hello");
    let text = b.says(&["timeline", "DIR/text", "-o", "DIR/t.json"], 2);
    assert!(
        text.starts_with("error: cannot convert DIR/text: line 1, column 1: not a Ringside trace"),
        "{text}"
    );
    assert!(!b.path("t.json").exists());
}
