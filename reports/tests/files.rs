//! The files of a report: they agree, they stand alone, they repeat.

mod common;

use std::fs;

use common::{csv, report};
use ringside_models::testutil::{TX, USUAL, World};
use serde_json::Value;

fn plain(v: &Value) -> String {
    match v {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        other => other
            .as_f64()
            .map_or_else(|| other.to_string(), |n| n.to_string()),
    }
}

/// Does a cell of the page say what a cell of a file says?
fn says(shown: &str, file: &str) -> bool {
    if shown == file || (shown == "–" && file.is_empty()) {
        return true;
    }
    let number = shown.replace('\u{202f}', "");
    let (Ok(a), Ok(b)) = (number.parse::<f64>(), file.parse::<f64>()) else {
        return false;
    };
    let digits = number
        .split_once('.')
        .map_or(0, |(_, d)| i32::try_from(d.len()).unwrap());
    (a - b).abs() <= 0.5 * 10_f64.powi(-digits) + 1e-9
}

/// Rows of cells of every table of the page with this id (a table can be shown in parts).
fn tables(html: &str, id: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for part in html
        .split("<table")
        .skip(1)
        .filter(|t| t[..t.find('>').unwrap()].contains(&format!("id=\"table-{id}\"")))
    {
        let body = &part[..part.find("</table>").unwrap()];
        for row in body.split("<tr").skip(1) {
            let cells: Vec<String> = row
                .split("<td")
                .skip(1)
                .map(|c| words(&c[c.find('>').unwrap() + 1..c.find("</td>").unwrap()]))
                .collect();
            if !cells.is_empty() {
                rows.push(cells);
            }
        }
    }
    rows
}

fn words(html: &str) -> String {
    let mut out = String::new();
    let mut tag = false;
    for c in html.chars() {
        match c {
            '<' => tag = true,
            '>' => tag = false,
            c if !tag => out.push(c),
            _ => {}
        }
    }
    out.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[test]
fn page_json_and_csv_agree() {
    let mut w = common::transmit(3);
    w.events.pop();
    w.transmit(&common::frame(600));
    w.msix(TX); // nothing to tell: a violation
    common::end(&mut w);
    let w = report(&w);
    let names: Vec<String> = w.json["tables"].as_object().unwrap().keys().cloned().collect();
    assert!(names.len() >= 12, "{names:?}");
    for name in &names {
        let file = csv(w.folder.path(), name);
        let json = w.json["tables"][name].as_array().unwrap();
        assert_eq!(file.len(), json.len() + 1, "{name}");
        for (cells, object) in file[1..].iter().zip(json) {
            for (column, cell) in file[0].iter().zip(cells) {
                assert_eq!(*cell, plain(&object[column]), "{name}: {column}");
            }
        }
    }
    for name in [
        "causes",
        "bytes",
        "yardstick",
        "batches",
        "latency",
        "queues",
        "rules",
        "compared",
        "conditions",
        "headline",
    ] {
        let file = csv(w.folder.path(), name);
        let page = tables(&w.html, name);
        assert_eq!(page.len(), file.len() - 1, "{name}: rows");
        for cells in &page {
            // the page may leave columns out, never reorder them
            let found = file[1..].iter().any(|row| {
                let mut left = row.iter();
                cells.iter().all(|c| left.any(|f| says(c, f)))
            });
            assert!(found, "{name}: the page says {cells:?}");
        }
    }
    let headline = csv(w.folder.path(), "headline");
    for row in &headline[1..] {
        assert_eq!(row[2], plain(&w.json["headline"][&row[0]]), "{}", row[0]);
    }
    assert_eq!(
        w.summary.packets_per_clock,
        w.json["headline"]["packets_per_clock"].as_f64()
    );
    assert_eq!(
        w.summary.link_up_percent,
        w.json["headline"]["link_up_percent"].as_f64()
    );
    assert_eq!(
        w.summary.requests_per_packet,
        w.json["headline"]["requests_per_packet"].as_f64()
    );
}

#[test]
fn the_page_stands_alone() {
    let w = report(&common::transmit(20));
    assert!(!w.html.contains("<script") && !w.html.contains("@import") && !w.html.contains("url("));
    let outside: Vec<&str> = w
        .html
        .match_indices("http")
        .map(|(i, _)| &w.html[i..(i + 26).min(w.html.len())])
        .collect();
    assert!(
        outside
            .iter()
            .all(|u| u.starts_with("http://www.w3.org/2000/svg")),
        "{outside:?}"
    );
    for link in w
        .html
        .split("href=\"")
        .skip(1)
        .map(|l| &l[..l.find('"').unwrap()])
    {
        match link.strip_prefix('#') {
            Some(anchor) => assert!(w.html.contains(&format!("id=\"{anchor}\"")), "nothing at {link}"),
            None => assert!(w.folder.path().join(link).is_file(), "no file {link}"),
        }
    }
    for figure in [
        "causes",
        "bytes",
        "throughput_up",
        "throughput_down",
        "cdf_kick",
        "cdf_used",
        "cdf_msix",
        "cdf_read",
        "depth_tx",
    ] {
        assert!(
            w.html.contains(&format!("id=\"fig-{figure}\"")),
            "no picture {figure}"
        );
    }
}

#[test]
fn a_report_repeats_byte_for_byte() {
    let (a, b) = (report(&common::transmit(5)), report(&common::transmit(5)));
    assert_eq!(a.html, b.html);
    for entry in fs::read_dir(a.folder.path().join("csv")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |f: &tempfile::TempDir| fs::read(f.path().join("csv").join(&name)).unwrap();
        assert_eq!(read(&a.folder), read(&b.folder), "{}", name.display());
    }
    assert_eq!(a.json, b.json);
}

#[test]
fn a_violation_is_explained() {
    let mut world = World::started(USUAL);
    world.transmit(&common::frame(60));
    world.msix(TX);
    common::end(&mut world);
    let w = report(&world);
    assert!(!w.summary.passed);
    let found = common::rows(&w.json, "violations");
    let rule = found[0]["rule"].as_str().unwrap();
    let spot = w.html.find("class=\"finding bad\"").expect("a finding");
    let section = &w.html[spot..];
    assert!(section.contains(rule) && words(section).contains(found[0]["got"].as_str().unwrap()));
    assert!(w.html.contains("class=\"verdict bad\""));
    // the same, announced
    world.header.expect = vec![rule.to_owned()];
    let w = report(&world);
    assert!(w.summary.passed, "{}", w.json["verdict"]);
    assert_eq!(
        common::row(&w.json, "rules", &[("rule", rule)])["state"],
        "violated as announced"
    );
    assert!(w.html.contains("class=\"finding warn\""));
}

#[test]
fn names_cannot_break_the_page() {
    let mut world = common::transmit(1);
    world.header.dut = "<script>alert(1)</script>".into();
    world.header.scenario = "a \"quoted\", & odd\nname".into();
    let w = report(&world);
    assert!(!w.html.contains("<script"));
    assert_eq!(
        common::row(&w.json, "conditions", &[("name", "scenario")])["value"],
        "a \"quoted\", & odd\nname"
    );
    assert_eq!(
        csv(w.folder.path(), "conditions")
            .iter()
            .find(|r| r[1] == "scenario")
            .unwrap()[2],
        "a \"quoted\", & odd\nname"
    );
}

#[test]
fn a_run_without_frames_still_has_a_report() {
    let mut world = World::started(USUAL);
    common::end(&mut world);
    let w = report(&world);
    assert_eq!(w.summary.packets_per_clock, None);
    assert!(w.json["headline"]["link_up_percent"].is_null());
    assert!(!w.html.contains("NaN") && !w.html.contains("inf"));
}

/// Numbers of requests lead to lines, and the lines are those of the trace.
#[test]
fn numbers_lead_to_the_lines_behind_them() {
    let mut w = common::transmit(5);
    w.events.pop();
    w.msix(TX); // nothing to tell: a violation
    let at_fault = w.events.len() + 1; // the header is line 1
    common::end(&mut w);
    let trace = common::text(&w);
    let trace: Vec<&str> = trace.lines().collect();
    let w = report(&w);
    let lines = w.json["tables"]["lines"].as_array().unwrap();
    let mut cells = 0;
    for row in w.json["tables"]["causes"].as_array().unwrap() {
        let same = |l: &&Value| l["role"] == row["role"] && l["cause"] == row["cause"];
        let behind: Vec<&Value> = lines.iter().filter(same).collect();
        let requests = row["reads"].as_u64().unwrap() + row["writes"].as_u64().unwrap();
        assert_eq!(behind.len() as u64, requests.min(3), "{row}");
        for l in behind {
            let line = usize::try_from(l["line"].as_u64().unwrap()).unwrap();
            let shown = l["text"].as_str().unwrap();
            let whole = trace[line - 1];
            assert!(
                whole == shown || whole.starts_with(shown.trim_end_matches('…')),
                "{l}"
            );
            assert!(words(&w.html).contains(&format!("line {line}  {shown}")), "{l}");
        }
        if requests > 0 {
            let word = |key: &str| row[key].as_str().unwrap().replace(' ', "-");
            let id = format!("lines-{}-{}", word("role"), word("cause"));
            assert!(w.html.contains(&format!("id=\"{id}\"")), "no {id}");
            assert!(
                w.html.contains(&format!("href=\"#{id}\"")),
                "nothing leads to {id}"
            );
            cells += 1;
        }
    }
    assert!(cells > 5);
    let violation = &w.json["tables"]["violations"][0];
    assert_eq!(violation["line"], at_fault, "{violation}");
    assert!(w.html.contains(&format!(", line {at_fault} of the trace")));
}

#[test]
fn the_json_of_a_small_run() {
    let mut json = report(&common::transmit(2)).json;
    // what the judge says has tests of its own, and grows with the judge
    for table in ["rules", "violations", "compared"] {
        json["tables"].as_object_mut().unwrap().remove(table);
    }
    insta::assert_snapshot!(format!("{json:#}"));
}
