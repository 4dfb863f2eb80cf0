//! The documents that describe this crate say what it does: `docs/rules.md` is generated, the example in `docs/trace.md` is read and judged.
//!
//! `UPDATE=1 cargo test -p ringside-models --test docs` writes `docs/rules.md` anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use ringside_models::clauses;
use ringside_models::judge::Judge;
use ringside_models::rules::{RULES, Scope};
use ringside_models::trace::{Reader, parse_header};

fn document(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name)
}

fn rules_page() -> String {
    let mut page = String::from(
        "# Rules\n\n\
         Every rule the judge applies, generated from `models/src/rules.rs` (`UPDATE=1 cargo test -p ringside-models --test docs`).\n\n\
         A rule is *checked* each time it is decided and *violated* each time it does not hold. A rule marked **stores** needs the driver's stores in\n\
         the trace and is off, by name, without them. Rules whose name begins with `NET` apply to network devices. The clauses are those of\n\
         `models/clauses.tsv` (VIRTIO 1.4), in our words; a rule without one comes from PCI Express or from the boundary's contract.\n",
    );
    for (scope, title, intro) in [
        (Scope::Device, "Device", "What binds the device under test."),
        (
            Scope::Driver,
            "Driver",
            "Findings about the driver: its stores, register writes and kicks. They are no fault of the device.",
        ),
        (
            Scope::Host,
            "Host",
            "Findings about the host model: root complex and link.",
        ),
        (Scope::Run, "Run", "About the trace as a whole."),
        (
            Scope::Advice,
            "Advice",
            "What the specification recommends to devices (SHOULD) and a legal device may do otherwise. It is told, and fails no run.",
        ),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n{intro}\n\n| rule | what must hold | needs | clauses |\n|---|---|---|---|\n"
        );
        for r in RULES.iter().filter(|r| r.scope == scope) {
            let clauses: Vec<String> = r
                .clauses
                .iter()
                .map(|c| format!("[{c}](#{})", c.to_lowercase()))
                .collect();
            let needs = if r.needs_stores { "stores" } else { "" };
            let _ = writeln!(
                page,
                "| `{}` | {} | {needs} | {} |",
                r.id,
                r.sentence,
                clauses.join(", ")
            );
        }
    }
    page.push_str("\n## Clauses\n\n| clause | level | what conforms | rules |\n|---|---|---|---|\n");
    for c in clauses::all() {
        let rules: Vec<String> = RULES
            .iter()
            .filter(|r| r.clauses.contains(&c.id))
            .map(|r| format!("`{}`", r.id))
            .collect();
        if !rules.is_empty() {
            let _ = writeln!(
                page,
                "| <a id=\"{}\"></a>{} | {} | {} | {} |",
                c.id.to_lowercase(),
                c.id,
                c.level,
                c.paraphrase,
                rules.join(", ")
            );
        }
    }
    page
}

#[test]
fn the_rules_page_is_the_table() {
    let (path, page) = (document("rules.md"), rules_page());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/rules.md is not what the table says; run: UPDATE=1 cargo test -p ringside-models --test docs"
    );
}

#[test]
fn the_manuals_example_is_a_trace() {
    let manual = std::fs::read_to_string(document("trace.md")).unwrap();
    let example = manual
        .split("```jsonl\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example in a jsonl block");
    let mut lines = example.lines();
    let header = parse_header(lines.next().unwrap()).unwrap();
    let mut judge = Judge::new(&header);
    let mut reader = Reader::new();
    let mut purposes = Vec::new();
    for line in lines {
        let event = reader
            .event(line)
            .unwrap()
            .expect("no empty lines in the example");
        let seen = judge.observe(&event);
        assert_eq!(seen.violations, [], "{line}");
        purposes.extend(seen.cause.map(|c| c.purpose.name()));
    }
    assert!(reader.ended());
    assert!(judge.finish().passed());
    // The table beside the example names the cause of each packet, in order.
    let table: Vec<&str> = manual
        .split("<!-- causes -->")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|l| l.split('|').nth(2))
        .map(str::trim)
        .skip(2)
        .collect();
    assert_eq!(table, purposes);
}
