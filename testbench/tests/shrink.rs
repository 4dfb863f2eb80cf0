//! `ringside test` and `ringside shrink`: interrupted and resumed, failures by kind, and the smallest scenario of a planted bug.

use std::path::Path;
use std::process::{Command, Stdio};

fn ringside(args: &[&str]) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringside"));
    command
        .args(args)
        .current_dir(root)
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped());
    command
}

/// Exit code and standard output.
fn said(mut command: Command) -> (Option<i32>, String) {
    let out = command.output().expect("started");
    (
        out.status.code(),
        String::from_utf8_lossy(&out.stdout).into_owned(),
    )
}

/// Records of scenarios in a state: (seed, passed).
fn records(state: &Path) -> Vec<(u64, bool)> {
    let text = std::fs::read_to_string(state).unwrap_or_default();
    text.lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok())
        .filter_map(|l| Some((l["seed"].as_u64()?, l["passed"].as_bool()?)))
        .collect()
}

fn random_tests(state: &Path, args: &[&str]) -> Command {
    let mut command = ringside(&["test", "--stretch", "1", "--jobs", "1", "--state"]);
    command.arg(state).args(args);
    command
}

#[test]
fn random_tests_that_are_interrupted_go_on_where_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.jsonl");
    let mut child = random_tests(&state, &["--random", "1000000000"])
        .spawn()
        .expect("started");
    while records(&state).len() < 3 {
        assert_eq!(child.try_wait().expect("asked"), None, "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
    let out = child.wait_with_output().expect("ended");
    let text = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(130), "{text}");
    assert!(text.contains("\n  SO FAR   "), "{text}");
    let before = records(&state);
    // Descriptors that two scenarios more are enough for, or one.
    let text = std::fs::read_to_string(&state).expect("the state");
    let done: u64 = text
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok()?["descriptors"].as_u64())
        .sum();
    let wanted = (done + 1).to_string();
    let (code, text) = said(random_tests(&state, &["--random", &wanted]));
    assert_eq!(code, Some(0), "{text}");
    let after = records(&state);
    assert_eq!(&after[..before.len()], before, "nothing is done twice");
    let seeds: Vec<u64> = after.iter().map(|r| r.0).collect();
    let first = seeds.first().copied().unwrap_or_default();
    assert_eq!(
        seeds,
        (first..first + after.len() as u64).collect::<Vec<_>>(),
        "nothing is left out"
    );
    assert!(
        after.len() > before.len() && after.iter().all(|r| r.1),
        "{after:?}"
    );
}

#[test]
fn failures_of_random_tests_are_shrunk_once_a_kind_and_told_by_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.jsonl");
    // Every transmit chain is returned with a length.
    let junit = folder.path().join("random.xml");
    let args = [
        "--random",
        "1500",
        "--set",
        "BUG=5",
        "--shrink-runs",
        "12",
        "--shrink-seconds",
        "3600",
        "--junit",
    ];
    let mut command = random_tests(&state, &args);
    command.arg(&junit);
    let (code, text) = said(command);
    assert_eq!(code, Some(1), "{text}");
    let failed = records(&state).iter().filter(|r| !r.1).count();
    let xml = std::fs::read_to_string(&junit).expect("a file for CI");
    assert_eq!(xml.matches("<failure type=\"").count(), failed, "{xml}");
    assert_eq!(xml.matches("<testcase ").count(), records(&state).len(), "{xml}");
    assert!(
        xml.contains("<failure type=\"SPLIT-USED-LEN · tx · split · "),
        "{xml}"
    );
    let kinds = text.matches(" x ").count();
    let smallest = text.matches("\n         smallest has ").count();
    assert!(
        failed > kinds && kinds >= 1 && smallest >= 1,
        "{failed} failures: {text}"
    );
    assert!(smallest <= kinds, "{text}");
    // The command that it names shows the failure.
    let repeat = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("repeat ringside run --scenario "))
        .expect("a command");
    let (file, rest) = repeat
        .split_once(' ')
        .expect("a file, and what it takes to see it");
    assert_eq!(rest, "--no-assert");
    let written = std::fs::read_to_string(file).expect("the scenario");
    assert!(written.contains("BUG = 5"), "{written}");
    let (code, text) = said(ringside(&[
        "run",
        "--scenario",
        file,
        "--no-assert",
        "--no-files",
        "--no-rerun",
    ]));
    assert_eq!(code, Some(1), "{text}");
}

#[test]
fn a_planted_bug_shrinks_to_a_handful_of_keys_that_break_the_same_rule() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("smallest.toml");
    let file = file.to_string_lossy();
    let args = [
        "shrink",
        "--random",
        "3",
        "--ring",
        "packed",
        "--set",
        "BUG=5",
        "--no-assert",
        "--out",
        &file,
        "--json",
        // However slow the machine is.
        "--seconds",
        "3600",
    ];
    let (code, text) = said(ringside(&args));
    assert_eq!(code, Some(1), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["bucket"]["what"], "PACKED-USED-LEN", "{text}");
    assert_eq!(json["cut_by"], serde_json::Value::Null, "{text}");
    let number = |key: &str| json[key].as_u64().unwrap_or(u64::MAX);
    assert!(number("size_before") >= 30 && number("size") <= 6, "{text}");
    assert!(number("steps") == 0 && number("frames") <= 2, "{text}");
    // What is left fails alike, and is right without the bug.
    let run = [
        "run",
        "--scenario",
        &file,
        "--no-assert",
        "--no-files",
        "--no-rerun",
        "--json",
    ];
    let (code, text) = said(ringside(&run));
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (code, &json["bucket"]["what"]),
        (Some(1), &"PACKED-USED-LEN".into()),
        "{text}"
    );
    let mut sound = run.to_vec();
    sound.extend(["--set", "BUG=0"]);
    let (code, text) = said(ringside(&sound));
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn shrinking_ends_when_its_runs_or_its_seconds_are_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("smallest.toml");
    let file = file.to_string_lossy();
    for (budget, cut) in [("--runs", "the number of runs"), ("--seconds", "the time")] {
        let args = [
            "shrink",
            "--random",
            "3",
            "--ring",
            "packed",
            "--set",
            "BUG=5",
            "--no-assert",
            "--json",
            "--out",
            &file,
            budget,
            "1",
        ];
        let (code, text) = said(ringside(&args));
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((code, &json["cut_by"]), (Some(1), &cut.into()), "{text}");
        assert!(json["runs"].as_u64() < Some(8), "{text}");
    }
}

#[test]
fn what_does_not_fail_cannot_be_shrunk() {
    for (args, words) in [
        (
            &["shrink", "golden/scenarios/tx_single.toml"][..],
            "tx_single passes: there is nothing to shrink",
        ),
        (&["shrink"], "required arguments"),
        (
            &["shrink", "--random", "1", "golden/scenarios/tx_single.toml"],
            "cannot be used with",
        ),
        (
            &["shrink", "no/such/file.toml"],
            "cannot read scenario no/such/file.toml",
        ),
        (&["shrink", "--random", "1", "--runs", "0"], "invalid value '0'"),
    ] {
        let out = ringside(args).stderr(Stdio::piped()).output().expect("started");
        let text = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{text}");
        assert!(text.contains(words), "{text}");
    }
}
