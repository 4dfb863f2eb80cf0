//! What a person sees when something is wrong: the message, and the exit code.

use std::path::{Path, PathBuf};
use std::process::Command;

struct Bench {
    folder: tempfile::TempDir,
}

/// Exit code and what was said, with the test's folder replaced.
struct Said {
    code: i32,
    text: String,
}

impl Bench {
    fn new() -> Self {
        Bench {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// Runs the command in Ringside's tree; `DIR` in an argument is the test's folder.
    fn ringside(&self, args: &[&str]) -> Said {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the workspace")
            .to_owned();
        let out = Command::new(env!("CARGO_BIN_EXE_ringside"))
            .args(args.iter().map(|a| a.replace("DIR", &folder)))
            .current_dir(&root)
            .env("NO_COLOR", "1")
            .output()
            .expect("started");
        let text = [out.stdout, out.stderr]
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .concat();
        let text = text
            .replace(&folder, "DIR")
            .replace(&*root.to_string_lossy(), "ROOT");
        Said {
            code: out.status.code().expect("it ended by itself"),
            text,
        }
    }

    fn says(&self, args: &[&str], code: i32) -> String {
        let said = self.ringside(args);
        assert_eq!(said.code, code, "{}", said.text);
        said.text
    }
}

/// A pcap of frames of these lengths.
fn pcap(link_type: u32, frames: &[u32]) -> Vec<u8> {
    let mut f = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, link_type] {
        f.extend_from_slice(&u32::to_le_bytes(word));
    }
    for bytes in frames {
        for word in [1, 0, *bytes, *bytes] {
            f.extend_from_slice(&word.to_le_bytes());
        }
        f.extend(std::iter::repeat_n(0x5a, *bytes as usize));
    }
    f
}

#[test]
fn captures_that_cannot_be_sent() {
    let b = Bench::new();
    let whole = pcap(1, &[60, 60, 60]);
    b.file("truncated.pcap", &whole[..whole.len() - 10]);
    b.file("wifi.pcap", &pcap(105, &[60]));
    b.file("zero.pcap", &pcap(1, &[60, 0]));
    b.file("huge.pcap", &pcap(1, &[60, 65_536]));
    b.file("empty.pcap", &pcap(1, &[]));
    b.file("text.pcap", b"this is no capture");
    let say = |name: &str| {
        b.says(
            &["run", "--pcap", &format!("DIR/{name}.pcap"), "--out", "DIR/out"],
            2,
        )
    };
    insta::assert_snapshot!("truncated", say("truncated"));
    insta::assert_snapshot!("link_type", say("wifi"));
    insta::assert_snapshot!("zero_length", say("zero"));
    insta::assert_snapshot!("too_long", say("huge"));
    insta::assert_snapshot!("no_frames", say("empty"));
    insta::assert_snapshot!("no_capture", say("text"));
    insta::assert_snapshot!("no_file", say("nowhere"));
}

#[test]
fn frames_that_do_not_fit_can_be_left_out() {
    let b = Bench::new();
    b.file("odd.pcap", &pcap(1, &[60, 0, 65_536, 61]));
    let run = [
        "run",
        "--pcap",
        "DIR/odd.pcap",
        "--queues",
        "1",
        "--unfit",
        "skip",
        "--json",
        "--out",
        "DIR/out",
    ];
    let summary: serde_json::Value = serde_json::from_str(&b.says(&run, 0)).expect("JSON");
    assert_eq!(
        (
            summary["frames"]["sent"].as_u64(),
            summary["frames"]["skipped"].as_u64()
        ),
        (Some(2), Some(2))
    );
    assert_eq!(summary["format_version"], 1);
}

#[test]
fn scenarios_that_make_no_sense() {
    let b = Bench::new();
    b.file("unknown.toml", b"seed = 1\n[driver]\nqueue_pares = 2\n");
    b.file("value.toml", b"[driver]\nqueue_size = 100\n");
    b.file("rule.toml", b"expect = [\"NO-SUCH-RULE\"]\n");
    b.file("phase.toml", b"[[phase]]\ndo = \"dance\"\n");
    b.file("dut.toml", b"dut = \"nowhere/dut.toml\"\n");
    let say = |name: &str| {
        b.says(
            &[
                "run",
                "--scenario",
                &format!("DIR/{name}.toml"),
                "--out",
                "DIR/out",
            ],
            2,
        )
    };
    insta::assert_snapshot!("unknown_key", say("unknown"));
    insta::assert_snapshot!("bad_value", say("value"));
    insta::assert_snapshot!("no_such_rule", say("rule"));
    insta::assert_snapshot!("no_such_phase", say("phase"));
    insta::assert_snapshot!("no_dut", say("dut"));
}

#[test]
fn arguments_that_make_no_sense() {
    let b = Bench::new();
    insta::assert_snapshot!("bad_link", b.says(&["run", "--link", "gen9x8"], 2));
    insta::assert_snapshot!("bad_set", b.says(&["run", "--set", "BUG"], 2));
    insta::assert_snapshot!(
        "no_such_bug",
        b.says(&["run", "--set", "BUG=99999", "--no-files"], 2)
    );
    insta::assert_snapshot!(
        "size_and_pcap",
        b.says(&["run", "--size", "64", "--pcap", "x.pcap"], 2)
    );
    insta::assert_snapshot!(
        "bad_size",
        b.says(&["run", "--size", "20", "--out", "DIR/out"], 2)
    );
    insta::assert_snapshot!("no_command", b.says(&[], 2));
}

#[test]
fn places_that_cannot_be_written() {
    let b = Bench::new();
    b.file("file", b"in the way");
    insta::assert_snapshot!(
        "unwritable_folder",
        b.says(
            &["run", "--size", "64", "--frames", "1", "--out", "DIR/file/out"],
            2
        )
    );
    insta::assert_snapshot!(
        "unwritable_trace",
        b.says(
            &[
                "run",
                "--size",
                "64",
                "--frames",
                "1",
                "--out",
                "DIR/out",
                "--trace",
                "DIR/file/t"
            ],
            2
        )
    );
}

#[test]
fn traces_that_are_none() {
    let b = Bench::new();
    b.file("text.jsonl", b"hello\n");
    b.file("version.jsonl", b"{\"ringside_trace\": 99}\n");
    let golden = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/traces/tx_single.jsonl"),
    )
    .expect("a golden trace");
    let lines: Vec<&str> = golden.lines().collect();
    b.file(
        "cut.jsonl",
        format!("{}\n{}", lines[..20].join("\n"), &lines[20][..30]).as_bytes(),
    );
    b.file("ends.jsonl", lines[..20].join("\n").as_bytes());
    insta::assert_snapshot!("no_trace", b.says(&["check", "DIR/text.jsonl"], 2));
    insta::assert_snapshot!("trace_version", b.says(&["check", "DIR/version.jsonl"], 2));
    insta::assert_snapshot!("cut_line", b.says(&["check", "DIR/cut.jsonl"], 2));
    b.file("bytes.jsonl", &[0x1f, 0x8b, 0x08, 0xff, 0xfe, b'\n']);
    b.file("empty.jsonl", b"");
    insta::assert_snapshot!("trace_without_end", b.says(&["check", "DIR/ends.jsonl"], 2));
    insta::assert_snapshot!(
        "report_without_end",
        b.says(&["report", "DIR/ends.jsonl", "-o", "DIR/out"], 2)
    );
    insta::assert_snapshot!("trace_of_bytes", b.says(&["check", "DIR/bytes.jsonl"], 2));
    insta::assert_snapshot!(
        "report_of_bytes",
        b.says(&["report", "DIR/bytes.jsonl", "-o", "DIR/out"], 2)
    );
    insta::assert_snapshot!("empty_trace", b.says(&["check", "DIR/empty.jsonl"], 2));
    insta::assert_snapshot!("no_trace_file", b.says(&["check", "DIR/none.jsonl"], 2));
    insta::assert_snapshot!(
        "no_report",
        b.says(&["report", "DIR/text.jsonl", "-o", "DIR/out"], 2)
    );
    std::fs::create_dir(b.folder.path().join("nothing")).expect("made");
    insta::assert_snapshot!("no_traces_in_folder", b.says(&["report", "DIR/nothing"], 2));
}

#[test]
fn a_run_can_be_told_to_be_too_long() {
    let b = Bench::new();
    b.file(
        "short.toml",
        b"[limits]\nmax_cycles = 2000\n[traffic]\nframes = 1\n",
    );
    let text = b.says(
        &["run", "--scenario", "DIR/short.toml", "--no-files", "--no-rerun"],
        4,
    );
    assert!(
        text.contains("not finished within the limit of 2000 cycles"),
        "{text}"
    );
}

#[test]
fn a_rule_that_was_to_be_provoked_and_was_not_is_a_failure() {
    let b = Bench::new();
    b.file("expect.toml", b"expect = [\"BUS-4K\"]\n[traffic]\nframes = 1\n");
    let text = b.says(&["run", "--scenario", "DIR/expect.toml", "--no-files"], 1);
    assert!(
        text.contains("\n  FAIL   BUS-4K was to be violated in this run, and was not\n"),
        "{text}"
    );
    assert!(
        text.contains("\n         to be provoked, and not provoked: BUS-4K\n")
            && !text.contains("on purpose"),
        "{text}"
    );
}

#[test]
fn more_queue_pairs_than_the_device_has_is_said_first() {
    let b = Bench::new();
    let text = b.says(&["run", "--queues", "8", "--size", "64", "--no-files"], 5);
    let first = text.lines().nth(3).unwrap_or_default();
    assert!(
        first.starts_with("  NOT RUN: the run needs 8 queue pairs, the device has 4")
            && first.contains("--queues"),
        "{text}"
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_file() {
    let b = Bench::new();
    let golden =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/traces/tx_single.jsonl"));
    let mark = "\u{feff}".as_bytes();
    b.file("t.jsonl", &[mark, &golden.expect("a golden trace")].concat());
    b.says(&["check", "DIR/t.jsonl"], 0);
    b.file("s.toml", &[mark, b"[traffic]\nframes = 1\n"].concat());
    b.says(&["run", "--scenario", "DIR/s.toml", "--no-files"], 0);
    let dut = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../rtl/dut.toml"));
    let rtl = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rtl/ringside.f");
    let dut = dut
        .expect("a description")
        .replace("ringside.f", &rtl.to_string_lossy());
    b.file("dut.toml", &[mark, dut.as_bytes()].concat());
    b.says(
        &[
            "run",
            "--dut",
            "DIR/dut.toml",
            "--size",
            "64",
            "--frames",
            "1",
            "--no-files",
        ],
        0,
    );
}

#[test]
fn clocks_that_are_none_are_refused() {
    let b = Bench::new();
    b.file("a.sv", b"module a; endmodule\n");
    for (given, shown) in [("0", "0"), ("-1.0", "-1"), ("nan", "NaN"), ("1e9", "1000000000")] {
        b.file(
            "dut.toml",
            format!("top = \"a\"\nfiles = [\"a.sv\"]\nclock_mhz = {given}\n").as_bytes(),
        );
        let text = b.says(&["run", "--dut", "DIR/dut.toml", "--size", "64"], 2);
        assert!(
            text.starts_with(&format!(
                "error: DIR/dut.toml: clock_mhz = {shown} is no clock in MHz"
            )),
            "{text}"
        );
    }
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_that_looks_whole() {
    let b = Bench::new();
    let out = b.folder.path().join("out");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringside"))
        .args(["run", "--size", "64", "--frames", "3000000", "--out"])
        .arg(&out)
        .current_dir(root)
        .env("NO_COLOR", "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    // The trace grows: the run is under way.
    let part = out.join("trace.jsonl.part");
    while !part.metadata().is_ok_and(|m| m.len() > 0) {
        assert_eq!(child.try_wait().expect("asked"), None, "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
    let said = child.wait_with_output().expect("ended");
    let text = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status.code(), Some(130), "{text}");
    assert!(text.contains("\n  STOPPED by SIGINT at cycle "), "{text}");
    let mut names: Vec<_> = std::fs::read_dir(&out)
        .expect("the folder")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["trace.jsonl.part", "wire.pcap.part"]);
    let trace = std::fs::read_to_string(&part).expect("the trace");
    let last = trace.lines().last().unwrap_or_default();
    assert!(last.contains("\"reason\":\"truncated\""), "{last}");
}

#[test]
fn a_session_in_which_nothing_was_served_fails() {
    let b = Bench::new();
    let socket = b.folder.path().join("s");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringside"))
        .args(["serve", "vhost-user", "--once", "--no-files", "--quiet"])
        .arg(&socket)
        .current_dir(root)
        .env("NO_COLOR", "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    // A frontend that comes and goes.
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert_eq!(child.try_wait().expect("asked"), None, "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let said = child.wait_with_output().expect("ended");
    let text = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status.code(), Some(1), "{text}");
    assert!(
        text.contains("\n  FAIL   ") && text.contains("nothing was compared"),
        "{text}"
    );
}

#[test]
fn waves_say_how_to_open_them_or_why_there_are_none() {
    let b = Bench::new();
    let run = |window: &str| {
        let out = "DIR/out";
        let args = [
            "run",
            "--size",
            "64",
            "--frames",
            "1",
            "--no-report",
            "--waves",
            window,
            "--out",
            out,
        ];
        b.says(&args, 0)
    };
    let text = run("100..200");
    assert!(
        text.contains("\n  waves  DIR/out/waves.fst (cycles 100 to 200)\n") && text.contains("gtkwave"),
        "{text}"
    );
    let text = run("900000000..900000001");
    assert!(
        text.contains("\n  waves  none: the run was over after cycle ") && !text.contains("gtkwave"),
        "{text}"
    );
}

#[test]
fn a_live_run_and_its_trace_get_one_verdict() {
    let b = Bench::new();
    let run = [
        "run",
        "--size",
        "200",
        "--frames",
        "20",
        "--queues",
        "2",
        "--json",
        "--no-report",
        "--out",
        "DIR/out",
    ];
    let live: serde_json::Value = serde_json::from_str(&b.says(&run, 0)).expect("JSON");
    let check = ["check", "DIR/out/trace.jsonl", "--json"];
    let offline: serde_json::Value = serde_json::from_str(&b.says(&check, 0)).expect("JSON");
    assert_eq!(live["verdict"], offline["verdict"]);
}

#[test]
fn golden_names_what_it_does_not_know() {
    let b = Bench::new();
    let text = b.says(&["golden", "check", "nosuch"], 2);
    assert!(
        text.starts_with("error: no golden scenario \"nosuch\"; there are: "),
        "{text}"
    );
    insta::assert_snapshot!(
        "no_golden_folder",
        b.says(&["golden", "check", "--dir", "DIR/golden/traces"], 2)
    );
}

/// Lines with every number replaced by one sign, so that what is left are the labels.
fn labels(text: &str) -> Vec<String> {
    let number = |word: &str| word.chars().all(|c| c.is_ascii_digit() || ".,;:%".contains(c));
    let line = |line: &str| {
        let mut words: Vec<&str> = line
            .split_whitespace()
            .map(|w| if number(w) { "#" } else { w })
            .collect();
        words.dedup_by(|a, b| *a == "#" && *b == "#");
        words.join(" ")
    };
    text.trim().lines().map(line).collect()
}

#[test]
fn the_screen_in_the_readme_is_what_the_main_job_prints() {
    let b = Bench::new();
    let said = b
        .says(&["run", "--out", "DIR/reports/out/main"], 0)
        .replace("DIR/", "");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    let screen = readme
        .split("```text\n")
        .nth(1)
        .and_then(|t| t.split("```").next());
    let screen = screen.expect("a screen of text in README.md");
    assert_eq!(
        labels(&said),
        labels(screen),
        "README.md shows another screen than\n{said}"
    );
}
