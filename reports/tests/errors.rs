//! Input that is no trace, and places that cannot be written.

mod common;

use std::fs;
use std::io::{self, BufReader, Read};

use ringside_reports::{LineError, ReportError, write_report};

fn fault(text: &str) -> ReportError {
    let folder = tempfile::tempdir().unwrap();
    let error = write_report(text.as_bytes(), "x.jsonl", folder.path()).unwrap_err();
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is written when the trace is bad"
    );
    error
}

#[test]
fn what_is_no_trace_is_named_as_such() {
    assert_eq!(fault("").to_string(), "x.jsonl: empty, expected a Ringside trace");
    for text in ["hello\n", "{}\n", "[1]\n", "\u{1}\u{2}\n"] {
        let message = fault(text).to_string();
        assert!(
            message.starts_with("x.jsonl: line 1, column ") && message.contains("not a Ringside trace"),
            "{message}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_named_with_their_line() {
    let text = common::text(&common::transmit(1));
    let mut bytes = text.clone().into_bytes();
    let second = text.find('\n').unwrap() + 1;
    bytes[second + 3] = 0xff;
    let folder = tempfile::tempdir().unwrap();
    let message = write_report(&bytes[..], "x", folder.path())
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "x: line 2, column 4: byte 0xff is no UTF-8 text, and a trace is text"
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_trace() {
    let text = format!("\u{feff}{}", common::text(&common::transmit(1)));
    let folder = tempfile::tempdir().unwrap();
    assert!(write_report(text.as_bytes(), "x", folder.path()).unwrap().passed);
}

#[test]
fn a_cut_line_is_told_from_a_wrong_one() {
    let text = common::text(&common::transmit(1));
    let lines = text.lines().count();
    let cut = fault(text.trim_end().strip_suffix('}').unwrap());
    assert!(
        matches!(
            cut,
            ReportError::Trace {
                source: LineError::Cut { line, events, .. },
                ..
            } if line == lines && events == lines as u64 - 2
        ),
        "{cut}"
    );
    assert!(
        cut.to_string()
            .starts_with(&format!("x.jsonl: cut in the middle of line {lines}: ")),
        "{cut}"
    );
    let wrong = fault(&text.replacen("\"e\"", "\"f\"", 3));
    assert!(
        matches!(wrong, ReportError::Trace { .. })
            && wrong.to_string().starts_with("x.jsonl: line 2, column "),
        "{wrong}"
    );
}

#[test]
fn a_trace_without_its_end_gives_a_report_that_says_so() {
    let mut world = common::transmit(2);
    world.events.pop();
    let w = common::report(&world);
    assert!(!w.summary.complete && !w.summary.passed);
    assert!(w.html.contains("The trace stops before the run was over"));
    assert_eq!(w.summary.frames_tx, 2);
    assert_eq!(w.summary.cut_after, Some(world.events.len() + 1));
}

#[test]
fn a_folder_that_cannot_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    fs::write(&file, "a file").unwrap();
    let error = write_report(common::text(&common::transmit(1)).as_bytes(), "x", &file).unwrap_err();
    assert!(
        matches!(error, ReportError::Write { .. }) && error.to_string().contains("taken"),
        "{error}"
    );
}

#[test]
fn a_source_that_fails() {
    struct Broken<'a>(&'a [u8]);
    impl Read for Broken<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(io::Error::other("the disk is gone")),
                n => Ok(n),
            }
        }
    }
    let text = common::text(&common::transmit(1));
    let folder = tempfile::tempdir().unwrap();
    let error = write_report(BufReader::new(Broken(text.as_bytes())), "x", folder.path()).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("x: cannot read after line") && message.ends_with("the disk is gone"),
        "{message}"
    );
}
