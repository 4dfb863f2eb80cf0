//! Long traces: what a report, a capture and a timeline need grows with what the device has in hand, not with the length of the trace.
//!
//! `RINGSIDE_PACKETS=1000000 cargo test --release -p ringside-reports --test scale -- --nocapture` measures a report of that many.

#![cfg(target_os = "linux")]

mod common;

use std::io::{self, BufRead, Read};
use std::time::Instant;

use common::{end, frame};
use ringside_models::event::What;
use ringside_models::testutil::{USUAL, World};
use ringside_models::trace::{encode_event, encode_header};
use ringside_reports::{capture, perfetto, write_report};

/// A trace of frames sent one by one, made as it is read.
struct Endless {
    world: World,
    left: usize,
    text: Vec<u8>,
    at: usize,
    events: u64,
}

impl Endless {
    fn new(packets: usize) -> Self {
        let mut world = World::started(USUAL);
        // this host gives no credits after the first ones
        world.events.retain(|e| !matches!(e.what, What::Credit { .. }));
        let text = (encode_header(&world.header) + "\n").into_bytes();
        Endless {
            world,
            left: packets + 1,
            text,
            at: 0,
            events: 0,
        }
    }
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let n = from.len().min(into.len());
        into[..n].copy_from_slice(&from[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Endless {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.text.len() && self.left > 0 {
            self.left -= 1;
            if self.left > 0 {
                self.world.transmit(&frame(60));
                self.world.reuse_buffers();
            } else {
                end(&mut self.world);
            }
            self.text.clear();
            self.at = 0;
            for e in self.world.events.drain(..) {
                self.events += 1;
                self.text.extend(encode_event(&e).into_bytes());
                self.text.push(b'\n');
            }
        }
        Ok(&self.text[self.at..])
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
    }
}

/// The most memory that the process ever had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number")
}

/// One test, because a peak is the process's.
#[test]
fn memory_does_not_grow_with_the_trace() {
    let asked = std::env::var("RINGSIDE_PACKETS").ok();
    let packets = asked.as_deref().map_or(6000, |n| n.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let report = |packets: usize| {
        let begun = Instant::now();
        let mut trace = Endless::new(packets);
        let summary = write_report(&mut trace, "long", folder.path()).expect("a report");
        assert!(summary.passed && summary.complete);
        assert_eq!(summary.frames_tx, packets as u64);
        let peak = peak_kib();
        if asked.is_some() {
            println!(
                "{packets} packets, {} events: {:?}, peak {} MiB, maker of the trace included",
                trace.events,
                begun.elapsed(),
                peak / 1024
            );
        }
        peak
    };
    let others = |packets: usize| {
        let chains = perfetto::write(Endless::new(packets), &mut io::sink()).expect("a timeline");
        assert_eq!(chains, packets as u64);
        capture::write(Endless::new(packets), &mut io::sink()).expect("a capture");
        peak_kib()
    };
    report(packets / 10);
    others(packets / 10);
    let before = peak_kib();
    let after = report(packets).max(others(if asked.is_some() { packets / 10 } else { packets }));
    // ten times the packets: a word kept of each would show
    let allowed = 4096 + packets as u64 / 100;
    assert!(
        after - before < allowed,
        "{} KiB more for ten times the packets, allowed are {allowed}",
        after - before
    );
}
