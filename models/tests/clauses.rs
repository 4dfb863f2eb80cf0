//! Every clause that concerns this project is accounted for, and the account is true: rules and tests that it names exist.
//!
//! `UPDATE=1 cargo test -p ringside-models --test clauses` writes `docs/clauses.md` anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ringside_models::accounts::{self, Account};
use ringside_models::clauses::{self, Clause};
use ringside_models::features;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The clauses that have to be accounted for.
fn concerned() -> impl Iterator<Item = &'static Clause> {
    clauses::all().iter().filter(|c| accounts::concerns(c))
}

/// A device's MUST or MUST NOT.
fn is_device_must(c: &Clause) -> bool {
    c.binds != "driver" && c.level.starts_with("MUST")
}

#[test]
fn every_clause_is_accounted_for() {
    let missing: Vec<&str> = concerned()
        .filter(|c| accounts::of(c.id).is_none())
        .map(|c| c.id)
        .collect();
    assert!(
        missing.is_empty(),
        "clauses without a rule or a line in models/accounts.tsv: {missing:?}"
    );
    assert_eq!(
        accounts::idle_lines(),
        [""; 0],
        "lines of models/accounts.tsv that say nothing"
    );
}

/// What is wrong with a test's name: `path::function` or the path of a scenario.
fn fault(named: &str) -> Option<String> {
    let (path, function) = match named.split_once("::") {
        Some((path, function)) => (path, Some(function)),
        None => (named, None),
    };
    let Ok(source) = std::fs::read_to_string(root().join(path)) else {
        return Some(format!("{path} cannot be read"));
    };
    let Some(function) = function else {
        let scenario = Path::new(path).extension().is_some_and(|e| e == "toml");
        return (!scenario).then(|| format!("{path} is no scenario, and no function is named"));
    };
    let start = format!("{function}(");
    let is_test = source
        .split("#[test]")
        .skip(1)
        .any(|after| after.split("fn ").nth(1).is_some_and(|d| d.starts_with(&start)));
    (!is_test).then(|| format!("{path} has no test {function}"))
}

#[test]
fn named_tests_and_features_exist() {
    let mut wrong = Vec::new();
    for c in concerned() {
        match accounts::of(c.id) {
            Some(Account::Tests(tests)) => {
                wrong.extend(
                    tests
                        .iter()
                        .filter_map(|t| fault(t))
                        .map(|f| format!("{}: {f}", c.id)),
                );
            }
            Some(Account::Absent(feature)) if features::bit(feature).is_none() => {
                wrong.push(format!("{}: no feature is called {feature}", c.id));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(fault("models/tests/clauses.rs::no_such_test").is_some());
    assert!(fault("golden/scenarios/no_such_scenario.toml").is_some());
    assert_eq!(
        fault("models/tests/clauses.rs::named_tests_and_features_exist"),
        None
    );
}

/// (by rule, by test, absent, inspected)
fn tally<'a>(clauses: impl Iterator<Item = &'a Clause>) -> [usize; 4] {
    let mut n = [0; 4];
    for c in clauses {
        match accounts::of(c.id) {
            Some(Account::Rules(_)) => n[0] += 1,
            Some(Account::Tests(_)) => n[1] += 1,
            Some(Account::Absent(_)) => n[2] += 1,
            Some(Account::Inspected(_)) => n[3] += 1,
            None => {}
        }
    }
    n
}

/// Of a device's obligations nine in ten are held by something that can fail.
#[test]
fn most_obligations_of_the_device_are_checked() {
    let [rules, tests, _, inspected] = tally(concerned().filter(|c| is_device_must(c)));
    let (checked, all) = (rules + tests, rules + tests + inspected);
    assert!(10 * checked >= 9 * all, "{checked} of {all}");
}

fn cell(account: &Account) -> (&'static str, String) {
    match account {
        Account::Rules(rules) => {
            let ids: Vec<String> = rules.iter().map(|r| format!("`{}`", r.id)).collect();
            ("rule", ids.join(", "))
        }
        Account::Tests(tests) => {
            let links: Vec<String> = tests
                .iter()
                .map(|t| {
                    let (path, name) = t
                        .split_once("::")
                        .unwrap_or_else(|| (t, t.rsplit('/').next().unwrap_or(t)));
                    format!("[{name}](../{path})")
                })
                .collect();
            ("test", links.join(", "))
        }
        Account::Absent(feature) => ("absent", format!("{feature} is not offered")),
        Account::Inspected(reason) => ("inspected", (*reason).to_owned()),
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Clauses\n\n\
         What becomes of each clause of VIRTIO 1.4 that concerns a network device on PCI with split and packed rings, and its driver. Generated from\n\
         `models/src/rules.rs` and `models/accounts.tsv` (`UPDATE=1 cargo test -p ringside-models --test clauses`); a test fails when a clause is not accounted for,\n\
         when a test that is named does not exist, or when a feature that is called absent is offered.\n\n\
         * **rule**: checked in every run by this rule of the judge ([rules](rules.md)), which has a test that it holds and one that it fires;\n\
         * **test**: shown by this test or scenario;\n\
         * **absent**: the feature is not offered (`what_is_offered_is_what_the_account_says` asks the device);\n\
         * **inspected**: looked at by people, for the reason given.\n\n\
         | area | clauses | rule | test | absent | inspected |\n|---|---:|---:|---:|---:|---:|\n",
    );
    let mut areas: Vec<&str> = concerned().map(|c| c.area).collect();
    areas.sort_unstable();
    areas.dedup();
    let mut row = |name: &str, n: [usize; 4]| {
        let all: usize = n.iter().sum();
        let _ = writeln!(
            page,
            "| {name} | {all} | {} | {} | {} | {} |",
            n[0], n[1], n[2], n[3]
        );
    };
    for area in &areas {
        row(area, tally(concerned().filter(|c| c.area == *area)));
    }
    row("**all**", tally(concerned()));
    row(
        "MUST and MUST NOT of the device",
        tally(concerned().filter(|c| is_device_must(c))),
    );
    for area in &areas {
        let _ = write!(
            page,
            "\n## {area}\n\n| clause | binds | level | what conforms | how | what |\n|---|---|---|---|---|---|\n"
        );
        for c in concerned().filter(|c| c.area == *area) {
            let (how, what) = accounts::of(c.id)
                .as_ref()
                .map_or(("nothing", String::new()), cell);
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {how} | {what} |",
                c.id, c.binds, c.level, c.paraphrase
            );
        }
    }
    page
}

#[test]
fn the_clauses_page_is_the_account() {
    let path = root().join("docs/clauses.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/clauses.md is not what the account says; run: UPDATE=1 cargo test -p ringside-models --test clauses"
    );
}
