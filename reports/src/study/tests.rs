//! Studies of this repository with numbers made up: the answer is what the numbers say, not what a study hopes.

use std::collections::BTreeMap;

use super::definition::{Answer, Definition};
use super::results::{Results, Row};
use super::{StudyError, figures, markdown, page, text};

/// A number for a run.
type Law<'a> = &'a dyn Fn(&str, &BTreeMap<String, String>) -> f64;

fn golden(name: &str) -> Definition {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../golden/studies")
        .join(name)
        .with_extension("toml");
    Definition::load(&path).unwrap()
}

/// Results of a study whose metrics and predictions follow two laws.
fn made_up(study: &Definition, measured: Law, predicted: Law) -> Results {
    let row = |at: &BTreeMap<String, String>| Row {
        at: at.clone(),
        passed: true,
        why: String::new(),
        values: study
            .metrics
            .iter()
            .map(|m| (m.key.clone(), measured(&m.key, at)))
            .collect(),
        predicted: study
            .predict
            .iter()
            .map(|p| (p.clone(), predicted(p, at)))
            .collect(),
    };
    let rows = study.cases().unwrap().iter().map(|c| row(&c.at)).collect();
    Results::new(study, vec!["512 bit".to_owned()], rows)
}

fn number(at: &BTreeMap<String, String>, axis: &str) -> f64 {
    at[axis].parse().unwrap()
}

fn sentence(name: &str, measured: Law) -> String {
    made_up(&golden(name), measured, &|_, _| 50.0).sentence()
}

#[track_caller]
fn says(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "{part:?} is not in: {sentence}");
    }
}

#[test]
fn other_numbers_another_answer() {
    let packed_wins = sentence("formats", &|_, at| {
        if at["ring"].starts_with("packed") {
            4.0
        } else {
            9.0 / number(at, "k") + 5.0
        }
    });
    says(
        &packed_wins,
        &[
            "To transmit",
            "packed at every batch (4.00 at 1)",
            "the less the format matters",
        ],
    );
    let crossing = sentence("formats", &|_, at| {
        let k = number(at, "k");
        if at["ring"].starts_with("packed") { k } else { 5.0 }
    });
    says(
        &crossing,
        &[
            "packed at batches of 1 to 4",
            "split, contiguous ids at batches of 8 to 32 (5.00 at 8)",
            "do not even the formats out",
        ],
    );

    let law = |more: f64| {
        move |_: &str, at: &BTreeMap<String, String>| {
            if at["shape"].contains("table") {
                3.0 + more
            } else {
                3.0
            }
        }
    };
    says(
        &sentence("indirect", &law(1.0)),
        &["on split rings more requests a packet everywhere (+1.00 at 1, +1.00 at 32)"],
    );
    says(
        &sentence("indirect", &law(-0.5)),
        &["on packed rings fewer requests a packet everywhere (-0.50 at 1"],
    );
    says(
        &sentence("indirect", &law(0.0)),
        &["as many requests a packet everywhere"],
    );

    let merged = |up: f64| {
        move |metric: &str, at: &BTreeMap<String, String>| {
            if metric == "up" && at["buffers"].contains("1536") {
                1.0 + up
            } else {
                1.0
            }
        }
    };
    says(
        &sentence("mergeable", &merged(0.01)),
        &["Merge:", "1.0 %", "1536 bytes of memory instead of 9728"],
    );
    says(&sentence("mergeable", &merged(0.2)), &["A trade:", "20.0 %"]);

    let cut = |lost: f64| {
        move |metric: &str, at: &BTreeMap<String, String>| {
            if metric == "mpps" && at["cut"] != "merged" {
                1.0 - lost
            } else {
                1.0
            }
        }
    };
    says(&sentence("completions", &cut(0.0)), &["does not feel it"]);
    says(
        &sentence("completions", &cut(0.25)),
        &["feels it at 60, 124", "at most 25 %"],
    );

    let queues = |each: f64| move |_: &str, at: &BTreeMap<String, String>| 10.0 + each * number(at, "queues");
    says(
        &sentence("queues", &queues(1.0)),
        &["More queues are faster", "14.0 Mpps instead of 11.0 (+27 %)"],
    );
    says(&sentence("queues", &queues(-1.0)), &["More queues are slower"]);
    says(&sentence("queues", &queues(0.0)), &["change no rate"]);

    says(
        &sentence("link", &|_, _| 49.0),
        &["keeps up with every link", "98.0 % at Gen3 x8"],
    );
    says(
        &sentence("link", &|_, at| {
            if at["link"] == "Gen5 x16" { 25.0 } else { 50.0 }
        }),
        &["does not keep up with Gen5 x16:", "50.0 % at Gen5 x16"],
    );

    let data = |spared: f64| {
        move |_: &str, at: &BTreeMap<String, String>| if at["data"] == "plain" { 5.0 } else { 5.0 - spared }
    };
    says(
        &sentence("notification-data", &data(1.0)),
        &["It spares requests", "on packed rings 1.00 of 5.00 at 1"],
    );
    says(&sentence("notification-data", &data(0.0)), &["hardly a request"]);

    let slow = sentence("outstanding", &|_, at| {
        if number(at, "latency") > 1000.0 {
            10.0
        } else {
            40.0
        }
    });
    says(
        &slow,
        &[
            "With 5-bit tags the rate falls below nine tenths of its 40.0 Mpps from 2000 ns on",
            "-80 to -20 %",
        ],
    );
    says(
        &sentence("outstanding", &|_, _| 40.0),
        &["stays above nine tenths of its 40.0 Mpps up to 8000 ns"],
    );

    let moderation = |saves: bool| {
        move |metric: &str, at: &BTreeMap<String, String>| match (metric, at["setting"].as_str()) {
            ("interrupts", "moderation 16/20") if saves => 0.1,
            ("interrupts", _) => 1.0,
            (_, "EVENT_IDX") => 1000.0,
            _ => 3000.0,
        }
    };
    says(
        &sentence("moderation", &moderation(true)),
        &[
            "The best trade is moderation 16/20",
            "saves 90 % of the interrupts at 20 Mpps",
            "3.0 µs instead of 1.0",
        ],
    );
    says(
        &sentence("moderation", &moderation(false)),
        &["No moderation is worth its wait: EVENT_IDX"],
    );
}

#[test]
fn no_numbers_no_answer() {
    let study = golden("queues");
    let mut r = made_up(&study, &|_, _| 1.0, &|_, _| 1.0);
    r.rows[0].values.clear();
    says(&r.sentence(), &["No answer: the runs lack numbers"]);
    r.rows[1].passed = false;
    says(&r.sentence(), &["No answer: 1 of 12 runs failed"]);
    r.rows.clear();
    says(&r.sentence(), &["No answer"]);
    let drawn = figures::figures(&r).unwrap();
    assert!(drawn.is_empty() && page::page(&r, &drawn).into_string().contains("0 runs"));
}

const TINY: &str = r#"
title = "T"
question = "Q?"
[scenario]
driver = { tx = { batch = 1 } }
[[axis]]
key = "ring"
title = "ring"
choice = [{ name = "a, b" }, { name = "<c>", scenario = { driver = { ring = "packed" } } }]
[[axis]]
key = "k"
title = "k"
values = [1, 2]
into = { "driver.tx.batch" = 3 }
[[metric]]
key = "m"
title = "M"
from = { table = { name = "t", where = { role = "$ring" }, column = "n", times = "w", per = ["packets"] } }
[[plot]]
x = "k"
y = "m"
lines = "ring"
scale = "logarithmic"
[[budget]]
metric = "m"
max = 10
"#;

#[test]
fn every_combination_is_a_run_and_leaves_the_rest_of_the_scenario_alone() {
    let study = Definition::parse(TINY, "tiny").unwrap();
    let cases = study.cases().unwrap();
    let seen: Vec<String> = cases.iter().map(|c| c.name(&study)).collect();
    assert_eq!(seen, ["a, b · 1", "a, b · 2", "<c> · 1", "<c> · 2"]);
    assert_eq!(
        cases[3].scenario.to_string().replace('\n', " ").trim(),
        "[driver] ring = \"packed\"  [driver.tx] batch = 6"
    );
    let skipping = TINY.replace("question", "skip = [{ ring = \"<c>\", k = \"2\" }]\nquestion");
    assert_eq!(
        Definition::parse(&skipping, "s").unwrap().cases().unwrap().len(),
        3
    );
}

#[test]
fn a_number_is_summed_weighed_and_divided() {
    let study = Definition::parse(TINY, "tiny").unwrap();
    let case = &study.cases().unwrap()[0];
    let mut report = serde_json::json!({
        "headline": { "packets": 4 },
        "tables": { "t": [
            { "role": "a, b", "n": 3, "w": 2.0 }, { "role": "a, b", "n": 1, "w": 2 },
            { "role": "a, b", "n": null, "w": 2 }, { "role": "other", "n": 100, "w": 1 },
        ] },
    });
    assert_eq!(study.metrics[0].of(&report, &case.at), Some(2.0));
    report["headline"]["packets"] = 0.into();
    assert_eq!(study.metrics[0].of(&report, &case.at), None);
    assert_eq!(study.metrics[0].of(&serde_json::Value::Null, &case.at), None);
}

#[test]
fn what_is_wrong_with_a_study_is_said() {
    for (from, to, cause) in [
        ("\ny = \"m\"", "\ny = \"n\"", "no metric \"n\""),
        ("lines = \"ring\"", "lines = \"rings\"", "no axis \"rings\""),
        ("$ring", "$rong", "no axis \"rong\""),
        ("values = [1, 2]", "values = [1, 1]", "\"1\" is there twice"),
        ("values = [1, 2]", "values = []", "neither values nor choices"),
        ("into = { \"driver.tx.batch\" = 3 }", "", "no `into`"),
        ("max = 10", "", "limits nothing"),
        ("max = 10", "max = 1\nwhere = { k = \"3\" }", "no choice \"3\""),
        ("title = \"T\"", "titel = \"T\"", "unknown field `titel`"),
        (
            "title = \"T\"",
            "title = \"T\"\nanswer = \"yes\"",
            "unknown variant `yes`",
        ),
    ] {
        let said = Definition::parse(&TINY.replacen(from, to, 1), "tiny").unwrap_err();
        assert!(said.contains(cause), "{cause:?} is not in: {said}");
    }
    let through = TINY.replace("\"driver.tx.batch\" = 3", "\"title.x.y\" = 3, \"title.x\" = 2");
    let said = Definition::parse(&through, "tiny").unwrap().cases().unwrap_err();
    assert!(said.contains("is no table"), "{said}");
    let large = TINY
        .replace("= 3 }", "= 9223372036854775807 }")
        .replace("values = [1, 2]", "values = [4000000000000000000]");
    assert!(
        Definition::parse(&large, "tiny")
            .unwrap()
            .cases()
            .unwrap_err()
            .contains("is too much")
    );
    let grid = TINY.replace(
        "values = [1, 2]",
        &format!("values = {:?}", (0..4000).collect::<Vec<_>>()),
    );
    assert!(
        Definition::parse(&grid, "tiny")
            .unwrap_err()
            .contains("8000 runs")
    );
}

#[test]
fn results_survive_their_file_and_others_are_refused() {
    let study = Definition::parse(TINY, "tiny").unwrap();
    let r = made_up(&study, &|_, at| number(at, "k") / 3.0, &|_, _| 0.0);
    let folder = tempfile::tempdir().unwrap();
    let page = super::write(&r, folder.path()).unwrap();
    assert_eq!(Results::load(&folder.path().join("study.json")).unwrap(), r);
    let html = std::fs::read_to_string(page).unwrap();
    for part in [
        "M lies between 0.33 (a, b · 1) and 0.67 (&lt;c&gt; · 2).",
        "&lt;c&gt;",
        "<svg",
        "within budget",
        "m-over-k.csv",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(
        !html.contains("<script") && !html.contains("http:") && !html.contains("https:")
            || html.contains("w3.org")
    );
    let csv = std::fs::read_to_string(folder.path().join("csv/m-over-k.csv")).unwrap();
    assert!(
        csv.starts_with("line,x,measured,predicted\r\n\"a, b\",1,0.3333333333333333,\r\n"),
        "{csv}"
    );
    assert_eq!(text::csv(&r).lines().count(), 5);
    let page = markdown(std::slice::from_ref(&r));
    says(
        &page,
        &[
            "## `tiny`: T",
            "M, over k:\n\n| | 1 | 2 |\n|---|---:|---:|\n| a, b | 0.33 | 0.67 |\n| <c> | 0.33 | 0.67 |\n",
        ],
    );
    let wrong = |content: &str| {
        let path = folder.path().join("x.json");
        std::fs::write(&path, content).unwrap();
        let e: StudyError = Results::load(&path).unwrap_err();
        e.to_string()
    };
    says(
        &wrong(
            &r.to_json()
                .replace("\"ringside_study\": 1", "\"ringside_study\": 2"),
        ),
        &["results of version 2"],
    );
    says(&wrong("{}"), &["`ringside_study` is missing"]);
    says(&wrong("["), &["line 1"]);
    let empty = Results {
        rows: Vec::new(),
        ..r
    };
    std::fs::write(folder.path().join("e.json"), empty.to_json()).unwrap();
    assert_eq!(Results::load(&folder.path().join("e.json")).unwrap(), empty);
}

#[test]
fn a_budget_is_broken_by_too_much_and_by_nothing_at_all() {
    let text = TINY.replace("question", "predict = [\"m\"]\nquestion")
        + "\n[[budget]]\nmetric = \"m\"\nwhere = { k = \"2\" }\nmax_above_predicted_percent = 10\n";
    let study = Definition::parse(&text, "tiny").unwrap();
    let law = |value: f64| made_up(&study, &move |_, _| value, &|_, _| 4.0);
    assert!(law(4.4).broken().is_empty());
    let broken = law(4.5).broken();
    assert_eq!(broken.len(), 2);
    assert_eq!(broken[0].run, "a, b · 2");
    says(
        &broken[0].cause,
        &["12.5 % above the predicted 4.000, at most 10 %"],
    );
    assert_eq!(law(11.0).broken().len(), 4 + 2);
    let mut r = law(1.0);
    r.rows[1].values.clear();
    assert_eq!(
        r.broken().iter().map(|b| b.cause.as_str()).collect::<Vec<_>>(),
        ["not measured"; 2]
    );
    r.rows.clear();
    assert_eq!(r.broken().len(), 2);
    assert_eq!(Definition::parse(TINY, "t").unwrap().answer, Answer::Extremes);
}
