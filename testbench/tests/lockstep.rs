//! Two designs side by side (`--same-as`), and scenarios on a design of one's choice (`ringside test --dut`).

use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SHORT: [&str; 8] = [
    "run",
    "--size",
    "200",
    "--frames",
    "12",
    "--queues",
    "1",
    "--no-files",
];

/// Exit code and all that was said.
fn ringside(args: &[&str]) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_ringside"))
        .args(args)
        .current_dir(ROOT)
        .env("NO_COLOR", "1")
        .output()
        .expect("ringside starts");
    let said = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (out.status.code(), said.concat())
}

/// A description of Ringside's device as a netlist of it would have one: made with a parameter that cannot be set any more.
fn netlist(folder: &Path) -> String {
    let root = Path::new(ROOT).canonicalize().expect("the workspace");
    let text = format!(
        "top = \"ringside_net\"\nfilelist = \"{}/rtl/ringside.f\"\n[fixed]\nQUEUE_PAIRS = 2\n",
        root.display()
    );
    let path = folder.join("netlist.toml");
    std::fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_design_is_the_same_as_itself() {
    let (code, said) = ringside(&[&SHORT[..], &["--same-as", "rtl/dut.toml"]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("same   as ringside_net: every output of every cycle, "),
        "{said}"
    );
}

#[test]
fn another_design_is_told_from_it_with_the_cycles() {
    // The same device with registers at its pins: it passes, a cycle later.
    let (code, said) = ringside(&[&SHORT[..], &["--same-as", "rtl/examples/registered/dut.toml"]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("outputs part between cycles 16 and 1040 ("),
        "{said}"
    );
}

#[test]
fn the_second_design_has_to_be_there() {
    let (code, said) = ringside(&[&SHORT[..], &["--same-as", "rtl/no_such.toml"]].concat());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("rtl/no_such.toml"), "{said}");
}

#[test]
fn a_parameter_that_sources_have_no_more_cannot_be_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let dut = netlist(folder.path());
    let (code, said) = ringside(&[&SHORT[..], &["--dut", &dut, "--set", "QUEUE_PAIRS=4"]].concat());
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("made with QUEUE_PAIRS = 2, which cannot be 4 now"),
        "{said}"
    );
}

#[test]
fn a_suite_says_what_passed_and_what_the_design_was_not_made_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let one = "driver = { queue_pairs = 1 }\ntraffic = { frames = 4, generator = { sizes = { fixed = { bytes = 80 } } } }\n";
    let good = file("good.toml", one);
    let not_for_it = file("other.toml", "parameters = { QUEUE_PAIRS = 4 }\n");
    let dut = netlist(folder.path());

    let (code, said) = ringside(&["test", &good, "--same-as", "rtl/dut.toml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("PASS   good: "), "{said}");

    let (code, said) = ringside(&["test", &not_for_it, "--dut", &dut]);
    assert_eq!(
        code,
        Some(1),
        "a suite of which nothing could be run has not passed: {said}"
    );
    assert!(
        said.contains("SKIP   other: ") && said.contains("QUEUE_PAIRS = 2"),
        "{said}"
    );

    let junit = folder
        .path()
        .join("deep/suite.xml")
        .to_string_lossy()
        .into_owned();
    let registered = ["--same-as", "rtl/examples/registered/dut.toml", "--junit", &junit];
    let (code, said) = ringside(&[&["test", &good][..], &registered].concat());
    assert_eq!(code, Some(1), "{said}");
    let xml = std::fs::read_to_string(&junit).expect("a file for CI");
    assert!(
        xml.contains("tests=\"1\" failures=\"1\"")
            && xml.contains("<testcase classname=\"ringside.scenarios\" name=\"good\" time=\"")
            && xml.contains("message=\"same   NO: ringside_net is not as "),
        "{xml}"
    );
    assert!(
        said.contains("FAIL   good: same   NO: ringside_net is not as ")
            && said.contains("repeat  ringside run --scenario"),
        "{said}"
    );

    let broken = file("broken.toml", "nonsense = 1\n");
    let (code, said) = ringside(&["test", &broken]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("nonsense"), "{said}");

    let (code, said) = ringside(&["test", &folder.path().join("none").to_string_lossy()]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn a_forgotten_reset_shows_only_where_state_begins_at_random() {
    const BUG: [&str; 5] = [
        "run",
        "--scenario",
        "golden/scenarios/tx_single.toml",
        "--set",
        "BUG=71",
    ];
    let (code, said) = ringside(&[&BUG[..], &["--no-files", "--no-rerun"]].concat());
    assert_eq!(code, Some(1), "{said}");
    // Designs that are compared begin with zeros, as a plain simulation does: nothing is wrong then.
    let (code, said) = ringside(&[&BUG[..], &["--no-files", "--same-as", "rtl/dut.toml"]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("same   as ringside_net"), "{said}");
}
