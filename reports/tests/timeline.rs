//! Timelines for Perfetto: the schema, slices that nest, and as many chains as the report counts.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{text, transmit};
use ringside_reports::{perfetto, write_report};
use serde_json::Value;

fn goldens() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/traces");
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("golden traces")
        .map(|e| e.expect("an entry").path())
        .filter(|p| {
            p.to_string_lossy().contains(".jsonl")
                && !p.file_name().unwrap().to_string_lossy().starts_with('.')
        })
        .collect();
    found.sort();
    assert!(found.len() >= 34);
    found
}

fn timeline(trace: &[u8]) -> (u64, Value) {
    let mut out = Vec::new();
    let chains = perfetto::write(trace, &mut out).expect("a timeline");
    (chains, serde_json::from_slice(&out).expect("JSON"))
}

fn events(timeline: &Value) -> &Vec<Value> {
    timeline["traceEvents"].as_array().expect("events")
}

/// A time in nanoseconds.
fn ns(event: &Value, key: &str) -> u64 {
    let us = event[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key} in {event}"));
    assert!(us >= 0.0, "{event}");
    let ns = (us * 1000.0).round();
    assert!((us * 1000.0 - ns).abs() < 1e-3, "no whole nanoseconds: {event}");
    format!("{ns:.0}").parse().expect("a number")
}

/// Every event is what the format says of its phase.
fn check_schema(timeline: &Value) {
    assert_eq!(timeline["otherData"]["ringside_timeline"], 1);
    assert_eq!(timeline["displayTimeUnit"], "ns");
    let (mut processes, mut threads) = (Vec::new(), Vec::new());
    for e in events(timeline) {
        let has = |keys: &[&str]| {
            let mut have: Vec<&str> = e
                .as_object()
                .expect("an object")
                .keys()
                .map(String::as_str)
                .collect();
            let mut keys = keys.to_vec();
            keys.sort_unstable();
            have.sort_unstable();
            assert_eq!(have, keys, "{e}");
        };
        assert!(
            e["pid"].is_u64() && e["name"].is_string() && e["args"].is_object(),
            "{e}"
        );
        let (pid, tid) = (e["pid"].clone(), e["tid"].clone());
        match e["ph"].as_str().expect("a phase") {
            "M" if tid.is_null() => {
                has(&["ph", "pid", "name", "args"]);
                processes.push(pid);
            }
            "M" => {
                has(&["ph", "pid", "tid", "name", "args"]);
                threads.push((pid, tid));
            }
            "X" => {
                has(&["ph", "pid", "tid", "name", "cat", "ts", "dur", "args"]);
                ns(e, "ts");
                ns(e, "dur");
                assert!(threads.contains(&(pid, tid)), "a slice of an unnamed track: {e}");
            }
            "i" => {
                has(&["ph", "s", "pid", "tid", "name", "cat", "ts", "args"]);
                assert!(threads.contains(&(pid, tid)), "a mark of an unnamed track: {e}");
            }
            "C" => {
                has(&["ph", "pid", "name", "ts", "args"]);
                let levels = e["args"].as_object().expect("levels");
                assert!(levels.values().all(Value::is_u64), "{e}");
                assert!(processes.contains(&pid), "{e}");
            }
            other => panic!("phase {other}"),
        }
    }
}

/// Begin, end and name.
type Slice = (u64, u64, String);

/// Slices of a track lie beside or inside each other.
fn check_nesting(timeline: &Value) {
    let mut tracks: BTreeMap<(u64, u64), Vec<Slice>> = BTreeMap::new();
    for e in events(timeline).iter().filter(|e| e["ph"] == "X") {
        let (from, dur) = (ns(e, "ts"), ns(e, "dur"));
        let at = (e["pid"].as_u64().expect("pid"), e["tid"].as_u64().expect("tid"));
        tracks
            .entry(at)
            .or_default()
            .push((from, from + dur, e["name"].to_string()));
    }
    for (at, mut slices) in tracks {
        slices.sort_by_key(|(from, to, _)| (*from, u64::MAX - to));
        let mut open: Vec<Slice> = Vec::new();
        for s in slices {
            while open.last().is_some_and(|o| o.1 <= s.0) {
                open.pop();
            }
            if let Some(o) = open.last() {
                assert!(s.1 <= o.1, "track {at:?}: {s:?} leaves {o:?}");
            }
            open.push(s);
        }
    }
}

#[test]
fn every_golden_timeline_is_sound_and_has_every_chain() {
    for path in goldens() {
        let trace = fs::read(&path).expect("a trace");
        let (chains, timeline) = timeline(&trace);
        check_schema(&timeline);
        check_nesting(&timeline);
        let slices: Vec<&Value> = events(&timeline)
            .iter()
            .filter(|e| e["ph"] == "X" && e["args"]["chain"].is_u64())
            .collect();
        assert_eq!(slices.len() as u64, chains, "{}", path.display());
        let folder = tempfile::tempdir().expect("a folder");
        write_report(&trace[..], "t", folder.path()).expect("a report");
        let report: Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("report.json")).expect("report"))
                .expect("JSON");
        for row in report["tables"]["queues"].as_array().expect("queues") {
            let pid = 10 + row["queue"].as_u64().expect("a number");
            let returned = slices
                .iter()
                .filter(|e| e["pid"] == pid && e["args"]["not_returned"].is_null())
                .count() as u64;
            assert_eq!(Some(returned), row["chains"].as_u64(), "{} {row}", path.display());
        }
        // what is in flight comes down to nothing where the run came to its end
        let last = events(&timeline)
            .iter()
            .rfind(|e| e["name"] == "read bytes in flight")
            .expect("a counter");
        assert_eq!(last["args"]["bytes"], 0, "{}", path.display());
    }
}

#[test]
fn a_chain_is_shown_from_the_look_that_found_it_to_its_return() {
    let world = transmit(3);
    let (chains, timeline) = timeline(text(&world).as_bytes());
    assert_eq!(chains, 3);
    let named = |name: &str| -> Vec<&Value> {
        events(&timeline)
            .iter()
            .filter(|e| e["name"] == name && e["ph"] != "M")
            .collect()
    };
    for n in 0..3 {
        let chain = named(&format!("chain {n}"))[0];
        let (from, to) = (
            chain["args"]["begin"].as_u64().unwrap(),
            chain["args"]["end"].as_u64().unwrap(),
        );
        assert!(from < to && chain["args"]["cycles"] == to - from);
        // 12 bytes of packet header, 60 of frame
        assert_eq!(chain["args"]["bytes"], 72, "{chain}");
        assert_eq!(ns(chain, "ts"), from * 4, "250 MHz");
    }
    assert_eq!(named("kick").len(), 3);
    assert_eq!(named("published, interrupt").len(), 3);
    assert_eq!(named("payload").len(), 3);
    assert_eq!(named("frame").len(), 3);
}

#[test]
fn a_trace_that_is_none_is_an_error() {
    let said = perfetto::write(&b"hello\n"[..], &mut Vec::new())
        .unwrap_err()
        .to_string();
    assert!(said.contains("not a Ringside trace"), "{said}");
    let whole = text(&transmit(1));
    let half = whole.lines().take(40).collect::<Vec<_>>().join("\n") + "\n";
    let said = perfetto::write(half.as_bytes(), &mut Vec::new())
        .unwrap_err()
        .to_string();
    assert!(said.contains("stops here without an `end`"), "{said}");
}
