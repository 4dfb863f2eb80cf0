//! `ringside study`: a tiny one run from the command line, and the results that are kept of Ringside's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use ringside_reports::study::{Definition, Results, markdown};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn studies() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("golden/studies")).expect("golden/studies");
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("readable").path()).collect();
    files.retain(|f| {
        let name = f.file_name().expect("a name").to_string_lossy();
        name.ends_with(".toml") && !name.starts_with("dut-")
    });
    files.sort();
    assert!(files.len() >= 9, "{files:?}");
    files
}

/// What is kept was made by the study as it stands, and every run of it passed.
#[test]
fn kept_results_are_those_of_the_studies() {
    for file in studies() {
        let study = Definition::load(&file).expect("a study");
        let kept = Results::load(&file.with_extension("json")).expect("kept results");
        assert!(kept.passed(), "{}: a run failed", study.name);
        let of_now = Results::new(&study, kept.devices.clone(), kept.rows.clone());
        assert!(
            kept == of_now,
            "{}: the study changed: ringside study {} --keep",
            study.name,
            study.name
        );
        let cases: Vec<_> = study.cases().expect("runs").into_iter().map(|c| c.at).collect();
        let runs: Vec<_> = kept.rows.iter().map(|r| r.at.clone()).collect();
        assert_eq!(cases, runs, "{}", study.name);
        assert!(
            !kept.sentence().starts_with("No answer"),
            "{}: {}",
            study.name,
            kept.sentence()
        );
    }
}

/// `docs/studies.md` says what the kept results say; `UPDATE=1` writes it.
#[test]
fn the_page_of_documents_is_made_of_the_kept_results() {
    let kept: Vec<Results> = studies()
        .iter()
        .map(|f| Results::load(&f.with_extension("json")).expect("kept results"))
        .collect();
    let path = root().join("docs/studies.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, markdown(&kept)).expect("written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == markdown(&kept),
        "UPDATE=1 cargo test -p ringside --test studies"
    );
}

/// The device at another clock is the device: what is said of it in two places is the same.
#[test]
fn the_device_at_another_clock_is_the_device() {
    let read = |file: &str| -> toml::Table {
        let text = std::fs::read_to_string(root().join(file)).expect("a description");
        let mut table: toml::Table = text.parse().expect("TOML");
        assert!(table.remove("clock_mhz").is_some() && table.remove("filelist").is_some());
        table
    };
    assert_eq!(read("golden/studies/dut-500mhz.toml"), read("rtl/dut.toml"));
}

fn ringside(args: &[&str]) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_ringside"))
        .args(args)
        .env("NO_COLOR", "1")
        .output()
        .expect("started");
    let text = [&out.stdout, &out.stderr]
        .map(|b| String::from_utf8_lossy(b).into_owned())
        .concat();
    (out.status.code(), text)
}

const TINY: &str = r#"
title = "Tiny"
question = "Is one batch of eight cheaper than eight of one?"
predict = ["requests"]
[scenario]
host = { link = { lanes = 16 }, latency = { jitter_ns = 0, tail_per_mille = 0 }, memory = { visibility_ns_max = 0 } }
driver = { free_list = "fifo", tx = { interrupt_after_per_mille = 1000 } }
traffic = { direction = "tx", pace = "timed", generator = { sizes = { fixed = { bytes = 60 } } } }
[[axis]]
key = "k"
title = "packets in a batch"
values = [1, 8]
into = { "driver.tx.batch" = 1, "traffic.generator.burst" = 1, "traffic.generator.rate_mbps" = 24, "traffic.frames" = 6 }
[[metric]]
key = "requests"
title = "DMA requests a packet"
from = { table = { name = "yardstick", where = { cause = "all", role = "transmit" }, column = "requests", per = ["packets"] } }
[[plot]]
x = "k"
y = "requests"
[[budget]]
metric = "requests"
max_above_predicted_percent = 25
"#;

#[test]
fn a_study_is_run_once_and_answers_from_its_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (file, out) = (path("tiny.toml"), path("out"));
    std::fs::write(&file, TINY).expect("written");
    let args = ["study", &file, "--jobs", "2", "--out", &out];
    let (code, said) = ringside(&args);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("tiny: 2 runs\n"), "{said}");
    let least_and_most = "DMA requests a packet lies between 2.";
    assert!(
        said.contains(least_and_most) && said.contains(" (8) and ") && said.contains(" (1).\n"),
        "{said}"
    );
    for made in [
        "study.html",
        "study.json",
        "csv/runs.csv",
        "csv/requests-over-k.csv",
    ] {
        assert!(Path::new(&out).join("tiny").join(made).is_file(), "{made}");
    }
    let (code, again) = ringside(&args);
    assert_eq!(
        (code, again),
        (Some(0), said.replace("2 runs\n", "2 runs, 2 kept from before\n"))
    );
    // the device looks at the index more often than the formulas do
    std::fs::write(&file, TINY.replace("percent = 25", "percent = 0.5")).expect("written");
    let (code, said) = ringside(&args);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("over budget: requests of 1: ") && said.contains("above the predicted 9.000"),
        "{said}"
    );
    let page = std::fs::read_to_string(Path::new(&out).join("tiny/study.html")).expect("a page");
    assert!(page.contains("over budget") && !page.contains("<script"));
}

#[test]
fn mistakes_are_said_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.toml").to_string_lossy().into_owned();
    for (from, to, cause) in [
        ("title = \"Tiny\"", "titles = \"Tiny\"", "unknown field `titles`"),
        ("[\"requests\"]", "[\"request\"]", "nothing predicts \"request\""),
        ("free_list", "freelist", "freelist"),
        ("lanes = 16", "lanes = 3", "lanes"),
    ] {
        std::fs::write(&file, TINY.replace(from, to)).expect("written");
        let out = folder.path().join("out").to_string_lossy().into_owned();
        let (code, said) = ringside(&["study", &file, "--out", &out]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(cause), "{cause:?} is not in: {said}");
    }
    for (args, cause) in [
        (
            &["study"][..],
            "which study? --all, a file, or of: completions, formats",
        ),
        (
            &["study", "format"],
            "there is no study \"format\"; there are completions, formats",
        ),
        (&["study", "--all", "--kept", "--keep"], "cannot be used with"),
    ] {
        let (code, said) = ringside(args);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(cause), "{said}");
    }
}
