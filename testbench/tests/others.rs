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
