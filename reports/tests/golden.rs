//! Reports of the golden traces of the tree, held against counts made straight from their lines.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::rows;
use ringside_models::cost::Costs;
use ringside_models::judge::Judge;
use ringside_models::trace;
use ringside_reports::write_report;
use serde_json::Value;

fn traces() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/traces");
    let Ok(entries) = fs::read_dir(&folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    found.sort();
    found
}

fn sum(rows: &[Value], keys: &[&str]) -> u64 {
    rows.iter()
        .flat_map(|r| keys.iter().map(move |k| r[*k].as_u64().expect("a count")))
        .sum()
}

#[test]
fn reports_of_real_runs_count_what_their_lines_say() {
    let traces = traces();
    assert!(!traces.is_empty(), "the tree has golden traces");
    for path in traces {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let summary = write_report(text.as_bytes(), &name, folder.path()).unwrap_or_else(|e| panic!("{e}"));
        let json: Value = serde_json::from_str(&fs::read_to_string(&summary.json).unwrap()).unwrap();

        let events: Vec<Value> = text
            .lines()
            .skip(1)
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let of = |kind: &str| events.iter().filter(|e| !e["e"][kind].is_null()).count() as u64;
        let on = |ch: &str, body: &str| {
            events
                .iter()
                .filter(|e| e["e"]["tlp"]["ch"] == ch && !e["e"]["tlp"]["tlp"]["body"][body].is_null())
                .count() as u64
        };
        assert_eq!(summary.frames_tx, of("wire_tx"), "{name}");
        assert_eq!(summary.frames_dropped, of("wire_drop"), "{name}");
        assert_eq!(summary.frames_rx, of("wire_rx") - of("wire_drop"), "{name}");
        assert_eq!(sum(rows(&json, "causes"), &["reads"]), on("rq", "MRd"), "{name}");
        assert_eq!(
            sum(rows(&json, "causes"), &["writes"]),
            on("rq", "MWr") + on("rq", "Msg"),
            "{name}"
        );
        let unknown = rows(&json, "causes")
            .iter()
            .filter(|r| r["cause"] == "unknown")
            .count();
        assert_eq!(unknown, 0, "{name}: every packet of a golden trace has a cause");

        // nothing can cost less than the least
        for row in rows(&json, "yardstick") {
            for (least, actual) in [
                ("least_requests", "requests"),
                ("least_up_bytes", "up_bytes"),
                ("least_down_bytes", "down_bytes"),
            ] {
                assert!(row[least].as_u64() <= row[actual].as_u64(), "{name}: {row}");
            }
        }
        // frames that moved leave no chain unexplained
        let moved = summary.frames_tx + summary.frames_rx > 0;
        assert!(json["yardstick_off"].is_null(), "{name}: no yardstick");
        assert_eq!(moved, !rows(&json, "yardstick").is_empty(), "{name}: yardstick");
        for key in ["link_up_percent", "link_down_percent"] {
            assert!(
                json["headline"][key].as_f64().is_none_or(|p| p <= 110.0),
                "{name}: {key} {}",
                json["headline"][key]
            );
        }
    }
}

/// The terminal's summary comes from `Costs`, the page from this crate: one window, the same numbers.
#[test]
fn the_page_and_the_terminal_agree() {
    for path in traces() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.display();
        let folder = tempfile::tempdir().unwrap();
        let page =
            write_report(text.as_bytes(), "agreement", folder.path()).unwrap_or_else(|e| panic!("{e}"));

        let mut lines = text.lines();
        let header = trace::parse_header(lines.next().unwrap()).unwrap();
        let (mut judge, mut costs) = (Judge::new(&header), Costs::new());
        for (i, line) in lines.enumerate() {
            let event = trace::parse_event(line, i + 2).unwrap();
            let seen = judge.observe(&event);
            costs.observe(&event, seen.cause.as_ref());
        }
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let per_clock = |packets: u64| packets as f64 / costs.busy_cycles() as f64;
        let packets = page.frames_tx + page.frames_rx;
        if let Some(rate) = page.packets_per_clock.filter(|_| packets > 0) {
            assert!((rate - per_clock(packets)).abs() < 1e-9, "{name}: {rate}");
        }
        let (up, down) = (
            page.link_up_percent.unwrap_or(0.0),
            page.link_down_percent.unwrap_or(0.0),
        );
        let (bytes_up, bytes_down) = (costs.window_up_wire_bytes, costs.window_down_wire_bytes);
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let cross =
            (up * bytes_down as f64 - down * bytes_up as f64).abs() / (up * bytes_down as f64).max(1.0);
        assert!(
            cross < 1e-9,
            "{name}: {up} % is {bytes_up} bytes, {down} % is {bytes_down}"
        );
    }
}
