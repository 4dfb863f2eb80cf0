//! Synthetic traces whose cost is easy to count by hand, and reports made of them.

#![allow(dead_code, reason = "each test file takes what it needs")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ringside_models::event::{EndReason, What};
use ringside_models::testutil::{Buffer, Given, RX, USUAL, World};
use ringside_models::trace::{encode_event, encode_header};
use ringside_reports::{Summary, write_report};
use serde_json::Value;

/// A report as its files.
pub(crate) struct Written {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) summary: Summary,
    pub(crate) json: Value,
    pub(crate) html: String,
}

/// A trace as text.
pub(crate) fn text(world: &World) -> String {
    let mut out = encode_header(&world.header) + "\n";
    for e in &world.events {
        out += &encode_event(e);
        out.push('\n');
    }
    out
}

/// Writes and reads back the report of a trace.
pub(crate) fn report(world: &World) -> Written {
    let folder = tempfile::tempdir().expect("a folder");
    let summary = write_report(text(world).as_bytes(), "synthetic", folder.path()).expect("a report");
    let json = serde_json::from_str(&fs::read_to_string(&summary.json).expect("report.json")).expect("JSON");
    let html = fs::read_to_string(&summary.html).expect("report.html");
    Written {
        folder,
        summary,
        json,
        html,
    }
}

pub(crate) fn end(w: &mut World) {
    w.push(What::End {
        reason: EndReason::Complete,
    });
}

/// A frame of this length to the device's own address.
pub(crate) fn frame(len: usize) -> Vec<u8> {
    let mut f = vec![2, 0, 0, 0, 0, 1];
    f.extend((6..len).map(|i| i as u8));
    f
}

/// `n` frames of 60 bytes sent one by one, a kick and an interrupt each.
pub(crate) fn transmit(n: usize) -> World {
    let mut w = World::started(USUAL);
    for _ in 0..n {
        w.transmit(&frame(60));
    }
    end(&mut w);
    w
}

/// Makes `count` receive buffers available; the device learns of all at once and reads entry by entry, descriptor by descriptor.
pub(crate) fn buffers(w: &mut World, count: u16, room: u32) -> Vec<Given> {
    let chains: Vec<Given> = (0..count).map(|_| w.give(RX, &[Buffer::In(room)])).collect();
    w.kick(RX);
    w.read_index(RX);
    for back in (1..=count).rev() {
        w.read_entry(RX, back);
    }
    for c in &chains {
        w.read_descriptors(RX, c);
    }
    chains
}

/// Two frames of 60 bytes received into two buffers, returned one by one with an interrupt each.
pub(crate) fn receive() -> World {
    let mut w = World::started(USUAL);
    let chains = buffers(&mut w, 2, 1536);
    for (i, chain) in chains.iter().enumerate() {
        w.wire_rx(&frame(60));
        w.put(chain.buffers[0].0, &World::received(&frame(60), 1));
        w.element(RX, 0, chain.head, 72);
        w.used_index(RX, 1);
        w.read_event(RX);
        w.msix(RX);
        w.reclaim(RX, chain);
        w.used_event(RX, i as u16 + 1);
    }
    end(&mut w);
    w
}

/// Rows of a table of the JSON.
pub(crate) fn rows<'a>(json: &'a Value, table: &str) -> &'a Vec<Value> {
    json["tables"][table]
        .as_array()
        .unwrap_or_else(|| panic!("no table {table}"))
}

/// The row whose cells have these values.
pub(crate) fn row<'a>(json: &'a Value, table: &str, cells: &[(&str, &str)]) -> &'a Value {
    rows(json, table)
        .iter()
        .find(|r| cells.iter().all(|(k, v)| r[*k] == *v))
        .unwrap_or_else(|| panic!("no row {cells:?} in {table}"))
}

/// Cells of a CSV file, names of the columns first.
pub(crate) fn csv(folder: &Path, table: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("csv").join(format!("{table}.csv"))).expect("a table");
    let mut rows = Vec::new();
    let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (true, '"') if chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {}
            (false, '\n') => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, c) => cell.push(c),
        }
    }
    assert!(
        cell.is_empty() && row.is_empty(),
        "{table}.csv does not end with a line break"
    );
    rows
}

/// The headline as numbers.
pub(crate) fn headline(json: &Value) -> BTreeMap<String, f64> {
    let members = json["headline"].as_object().expect("a headline");
    members
        .iter()
        .filter_map(|(k, v)| Some((k.clone(), v.as_f64()?)))
        .collect()
}
