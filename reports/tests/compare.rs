//! Two runs side by side: equal ones, and one whose device reads once too often.

mod common;

use std::path::Path;

use common::{end, frame, report, text};
use ringside_models::testutil::{TX, USUAL, World};
use ringside_reports::compare::{Better, Budgets, Comparison, Run};

/// `n` frames sent; before each the device looks `looks` times more at the available index than it has to.
fn sent(n: usize, looks: usize) -> World {
    let mut w = World::started(USUAL);
    for _ in 0..n {
        for _ in 0..looks {
            w.read_index(TX);
        }
        w.transmit(&frame(60));
    }
    end(&mut w);
    w
}

fn run(folder: &Path, name: &str, world: &World) -> Run {
    let path = folder.join(name);
    std::fs::write(&path, text(world)).unwrap();
    Run::open(&path, name).unwrap()
}

fn compared(a: &World, b: &World) -> Comparison {
    let folder = tempfile::tempdir().unwrap();
    Comparison::new(&run(folder.path(), "a", a), &run(folder.path(), "b", b))
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let c = compared(&sent(4, 0), &sent(4, 0));
    assert!(c.is_empty() && c.passed == [true, true]);
    assert!(c.compared > 100, "{} numbers", c.compared);
    assert!(c.text(&[], 9).contains("no difference"), "{}", c.text(&[], 9));
}

#[test]
fn a_report_is_compared_as_its_trace_is() {
    let world = sent(4, 0);
    let written = report(&world);
    let folder = tempfile::tempdir().unwrap();
    let trace = run(folder.path(), "trace", &world);
    for path in [written.folder.path(), &written.summary.json] {
        let c = Comparison::new(&Run::open(path, "report").unwrap(), &trace);
        assert!(c.is_empty(), "{:?}", c.changes);
    }
}

#[test]
fn an_older_report_beside_a_trace_is_of_another_run() {
    let written = report(&sent(20, 0));
    let folder = written.folder.path();
    let old = Run::open(&written.summary.json, "old").unwrap();
    let new = run(folder, "trace.jsonl", &sent(20, 1));
    // A file system may not tell the times of two files apart that were written at once.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    let trace = std::fs::File::options()
        .append(true)
        .open(folder.join("trace.jsonl"))
        .unwrap();
    trace.set_modified(later).unwrap();
    let both = Run::open(folder, "both").unwrap();
    assert!(Comparison::new(&both, &new).is_empty());
    assert!(!Comparison::new(&both, &old).is_empty());
}

#[test]
fn one_read_more_a_packet_is_one_request_more_a_packet_and_breaks_its_budget() {
    let c = compared(&sent(4, 0), &sent(4, 1));
    let change = |name: &str| {
        let found = c.changes.iter().find(|c| c.metric == name);
        found.unwrap_or_else(|| panic!("no change of {name}: {:?}", c.changes))
    };
    let requests = change("requests_per_packet");
    assert_eq!(
        (requests.difference(), requests.better),
        (Some(1.0), Some(Better::Worse))
    );
    let reads = change("causes.transmit.available_index.reads");
    assert_eq!(reads.difference(), Some(4.0));
    assert!(
        !c.changes
            .iter()
            .any(|c| c.metric.starts_with("causes.transmit.payload"))
    );

    let budget = |limit: &str| {
        let text = format!("[[budget]]\nmetric = \"requests_per_packet\"\n{limit}\n");
        let findings = Budgets::parse(&text, Path::new("b.toml"))
            .unwrap()
            .check(&c)
            .unwrap();
        findings[0].broken.clone()
    };
    let before = requests.a.unwrap();
    assert_eq!(budget(&format!("max = {}", before + 1.0)), None);
    assert_eq!(budget("max_growth_percent = 100"), None);
    let said = budget(&format!("max = {before}")).unwrap();
    assert!(said.contains(&format!("is over {before}")), "{said}");
    let said = budget("max_growth_percent = 0").unwrap();
    assert!(
        said.contains("grew from") && said.contains("allowed are 0 %"),
        "{said}"
    );

    // the other way round it is better
    let back = compared(&sent(4, 1), &sent(4, 0));
    assert!(
        back.changes
            .iter()
            .any(|c| c.metric == "requests_per_packet" && c.better == Some(Better::Better))
    );
}

#[test]
fn a_budget_for_a_number_that_nobody_has_is_an_error_with_its_line() {
    let c = compared(&sent(1, 0), &sent(1, 0));
    let check = |text: &str| Budgets::parse(text, Path::new("b.toml")).unwrap().check(&c);
    let said = check("\n\n[[budget]]\nmetric = \"request_per_packet\"\nmax = 1")
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with(
            "b.toml, line 3: neither run has \"request_per_packet\" (near: \"requests_per_packet\""
        ),
        "{said}"
    );
    let kept = check("[[budget]]\nmetric = \"drops.2.frames\"\nmax = 0\nabsent = 0").unwrap();
    assert_eq!((kept[0].value, &kept[0].broken), (Some(0.0), &None));
}

#[test]
fn what_was_not_made_alike_is_named() {
    let (a, mut b) = (sent(1, 0), sent(1, 0));
    b.header.seed += 1;
    b.header.conditions.push(("queues".into(), "4".into()));
    let c = compared(&a, &b);
    let names: Vec<&str> = c.conditions.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["run: seed", "scenario: queues"]);
    assert!(c.changes.is_empty() && !c.is_empty());
}

#[test]
fn the_three_forms_say_the_same() {
    let c = compared(&sent(4, 0), &sent(5, 1));
    let folder = tempfile::tempdir().unwrap();
    let html = c.write(&[], folder.path()).unwrap();
    let page = std::fs::read_to_string(html).unwrap();
    let csv = std::fs::read_to_string(folder.path().join("compare.csv")).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("compare.json")).unwrap()).unwrap();
    assert_eq!(json["ringside_compare"], 1);
    let changes = json["changes"].as_array().unwrap();
    assert_eq!(changes.len(), c.changes.len());
    assert_eq!(csv.lines().count(), 1 + changes.len());
    let text = c.text(&[], usize::MAX);
    for (change, line) in changes.iter().zip(csv.lines().skip(1)) {
        let name = change["metric"].as_str().unwrap();
        assert!(line.starts_with(&format!("{name},")), "{line}");
        assert!(
            page.contains(&format!("<td>{name}</td>")),
            "{name} is not on the page"
        );
        assert!(text.contains(name), "{name} is not in the text");
    }
    assert!(!page.contains("<script") && !page.contains("http"));
}

#[test]
fn what_is_no_run_is_an_error_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let said = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        Run::open(&path, name).unwrap_err().to_string()
    };
    let whole = text(&sent(1, 0));
    let half = whole.lines().take(30).collect::<Vec<_>>().join("\n") + "\n";
    for (content, part) in [
        (&b""[..], "neither a trace nor a report: EOF"),
        (b"{\"a\": 1}", "no member `ringside_report`"),
        (b"{\"ringside_report\": 99}", "report format version 99"),
        (b"{\"ringside_report\": 1}", "verdict.passed: expected true or false"),
        (b"\xff\xfe\x00", "neither a trace nor a report"),
        (half.as_bytes(), "half a run has no costs"),
        (b"{\"ringside_trace\":1}\n", "missing field"),
        (
            br#"{"ringside_report":1,"verdict":{"passed":true,"complete":true,"violations":0,"unexpected":0},"headline":{"mpps":"x"},"tables":{}}"#,
            "headline.mpps: expected a number or null",
        ),
        (
            br#"{"ringside_report":1,"verdict":{"passed":true,"complete":true,"violations":0,"unexpected":0},"headline":{},"tables":{"causes":[1]}}"#,
            "tables.causes: expected a list of objects",
        ),
    ] {
        let said = said("x", content);
        assert!(said.contains(part), "{said}");
    }
    let said = Run::open(folder.path(), "f").unwrap_err().to_string();
    assert!(said.starts_with("no run in "), "{said}");
}
