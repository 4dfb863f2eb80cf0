//! The recorded runs of the repository: judged with and without the driver's stores.

use std::path::PathBuf;

use ringside_models::event::{Event, Header, What};
use ringside_models::judge::{Judge, Verdict};
use ringside_models::rules;
use ringside_models::trace::{Reader, parse_header};

struct Recorded {
    name: String,
    header: Header,
    events: Vec<Event>,
}

fn recorded() -> Vec<Recorded> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../golden/traces");
    let mut paths: Vec<PathBuf> = folder.read_dir().unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "jsonl"));
    paths.sort();
    assert!(paths.len() >= 6, "only {} golden traces", paths.len());
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut lines = text.lines();
            let header = parse_header(lines.next().unwrap()).unwrap();
            let mut reader = Reader::new();
            let events = lines.filter_map(|l| reader.event(l).unwrap()).collect();
            Recorded {
                name: path.display().to_string(),
                header,
                events,
            }
        })
        .collect()
}

fn without_stores(r: &Recorded) -> Recorded {
    let mut header = Header {
        driver_stores: false,
        ..r.header.clone()
    };
    // What a driver did wrong is not seen without its stores.
    header
        .expect
        .retain(|e| rules::find(e).is_some_and(|r| !r.rule().needs_stores));
    let events = r
        .events
        .iter()
        .filter(|e| !matches!(e.what, What::Store { .. }))
        .cloned()
        .collect();
    Recorded {
        name: format!("{} without stores", r.name),
        header,
        events,
    }
}

fn judge(header: &Header, events: &[Event]) -> Verdict {
    let mut judge = Judge::new(header);
    for e in events {
        judge.observe(e);
    }
    judge.finish()
}

#[test]
fn recorded_runs_pass_with_and_without_the_drivers_stores() {
    for r in recorded() {
        for r in [without_stores(&r), r] {
            let v = judge(&r.header, &r.events);
            assert!(v.passed(), "{}: {:#?}", r.name, v.violations);
            assert!(v.compared.chains > 0, "{}: {:?}", r.name, v.compared);
        }
    }
}
