//! A trace that Ringside did not make: `docs/examples/other_device.py` writes one as `docs/trace.md` says, and the judge judges it.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Exit code and words of `ringside check` on what the script writes.
fn judged(arguments: &[&str]) -> (Option<i32>, String) {
    let written = Command::new("python3")
        .arg(root().join("docs/examples/other_device.py"))
        .args(arguments)
        .output()
        .expect("python3, which make setup installs");
    assert!(
        written.status.success(),
        "{}",
        String::from_utf8_lossy(&written.stderr)
    );
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("my.jsonl");
    std::fs::write(&trace, written.stdout).unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_ringside"))
        .arg("check")
        .arg(&trace)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    (
        checked.status.code(),
        String::from_utf8_lossy(&checked.stdout).into_owned(),
    )
}

#[test]
fn a_strangers_trace_is_judged() {
    let (code, said) = judged(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("0 violations"), "{said}");
}

#[test]
fn what_a_strangers_device_does_wrong_is_found() {
    for (bug, rule) in [
        ("early", "SPLIT-USED-EARLY"),
        ("bytes", "NET-TX-DATA"),
        ("stray", "SAFE-READ"),
        ("silent", "INT-MISSING"),
    ] {
        let (code, said) = judged(&["--bug", bug]);
        assert_eq!(code, Some(1), "{bug}: {said}");
        assert!(
            said.contains(&format!("FAIL   the run violates {rule}")),
            "{bug}: {said}"
        );
    }
}

/// The first violation as it is printed, without the command that repeats it (its path is another every time).
fn violation(said: &str, rule: &str) -> String {
    said.lines()
        .skip_while(|l| !l.starts_with(&format!("  {rule} at cycle")))
        .take_while(|l| !l.trim_start().starts_with("repeat"))
        .map(|l| l.strip_prefix("  ").unwrap_or(l))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_page_on_failures_shows_what_is_printed() {
    let path = root().join("docs/failures.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut renewed = String::new();
    for (i, section) in page.split_inclusive("```text\n").enumerate() {
        let shown = if i == 0 {
            ""
        } else {
            section.split("```\n").next().unwrap_or("")
        };
        renewed.push_str(&section[shown.len()..]);
        // The title before a block names the bug that it shows.
        let title = section.lines().rev().find(|l| l.starts_with("## "));
        if let Some(bug) = title
            .and_then(|t| t.split('`').nth(1))
            .filter(|_| section.ends_with("```text\n"))
        {
            let rule = match bug {
                "early" => "SPLIT-USED-EARLY",
                "stray" => "SAFE-READ",
                _ => "INT-MISSING",
            };
            let text = violation(&judged(&["--bug", bug]).1, rule);
            assert!((6..=15).contains(&text.lines().count()), "{text}");
            renewed.push_str(&text);
            renewed.push('\n');
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &renewed).unwrap();
        return;
    }
    assert!(
        page == renewed,
        "run: UPDATE=1 cargo test -p ringside --test others\n{renewed}"
    );
}
