//! What a suite or a soak gave, as JUnit XML: the dialect that CI systems read (one `testsuite`, a `testcase` a scenario).
//!
//! Written by hand: it is sixty lines, and the file has to be well-formed whatever a failure says, control characters included.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::CliError;

/// How long a scenario takes, in real time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch(Instant);

impl Watch {
    pub(super) fn start() -> Self {
        Watch(Instant::now())
    }

    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// What became of a scenario.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// All is well.
    Passed,
    /// Not.
    Failed {
        /// The kind of failure.
        bucket: String,
        /// Why, in words.
        why: String,
        /// The command that repeats it.
        repeat: String,
    },
    /// The design was not made for it.
    Skipped(String),
}

/// One scenario.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// Cycles simulated.
    pub(super) cycles: u64,
    /// How long it took; nothing if it was not run now.
    pub(super) wall: Option<Duration>,
    pub(super) fate: Fate,
}

/// Writes the file. What was cut must not look whole: it gets its name when it is.
pub(super) fn write(path: &Path, suite: &str, cases: &[Case]) -> Result<(), CliError> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(CliError::file("create", folder))?;
    }
    let part = path.with_added_extension("part");
    std::fs::write(&part, xml(suite, cases))
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(CliError::file("write", path))
}

fn seconds(wall: Duration) -> String {
    format!("{:.3}", wall.as_secs_f64())
}

fn xml(suite: &str, cases: &[Case]) -> String {
    let count = |is: fn(&Fate) -> bool| cases.iter().filter(|c| is(&c.fate)).count();
    let failures = count(|f| matches!(f, Fate::Failed { .. }));
    let skipped = count(|f| matches!(f, Fate::Skipped(_)));
    let time = seconds(cases.iter().filter_map(|c| c.wall).sum());
    let numbers = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time}\"",
        cases.len()
    );
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ringside\" {numbers}>\n  <testsuite name=\"{}\" {numbers}>\n",
        escaped(suite)
    );
    for c in cases {
        let time = c
            .wall
            .map_or_else(String::new, |w| format!(" time=\"{}\"", seconds(w)));
        let _ = write!(
            out,
            "    <testcase classname=\"ringside.{}\" name=\"{}\"{time}>\n      <properties><property name=\"cycles\" value=\"{}\"/></properties>\n",
            escaped(suite),
            escaped(&c.name),
            c.cycles
        );
        let _ = match &c.fate {
            Fate::Passed => Ok(()),
            Fate::Skipped(why) => writeln!(out, "      <skipped message=\"{}\"/>", escaped(why)),
            Fate::Failed { bucket, why, repeat } => writeln!(
                out,
                "      <failure type=\"{}\" message=\"{}\">{}</failure>",
                escaped(bucket),
                escaped(why),
                escaped(repeat)
            ),
        };
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text for an attribute or an element. XML 1.0 has no way to write most control characters: they become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c < ' ' || matches!(c, '\u{7f}' | '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_passed_failed_and_was_left_out() {
        let case = |name: &str, fate| Case {
            name: name.to_owned(),
            cycles: 7,
            wall: Some(Duration::from_millis(1500)),
            fate,
        };
        let cases = [
            case("a", Fate::Passed),
            case(
                "b<\"",
                Fate::Failed {
                    bucket: "SPLIT-USED-ORDER · tx · split · start".to_owned(),
                    why: "1 & 2\u{1b}[1m\nend".to_owned(),
                    repeat: "ringside run --scenario 'b'".to_owned(),
                },
            ),
            Case {
                wall: None,
                ..case("c", Fate::Skipped("no packed rings".to_owned()))
            },
        ];
        let text = xml("scenarios", &cases);
        for part in [
            "<testsuite name=\"scenarios\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"3.000\">",
            "<testcase classname=\"ringside.scenarios\" name=\"a\" time=\"1.500\">\n      <properties><property name=\"cycles\" value=\"7\"/></properties>\n    </testcase>",
            "name=\"b&lt;&quot;\"",
            "<failure type=\"SPLIT-USED-ORDER · tx · split · start\" message=\"1 &amp; 2\u{fffd}[1m&#10;end\">ringside run",
            "name=\"c\">",
            "<skipped message=\"no packed rings\"/>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(text.matches("</testcase>").count(), 3);
    }
}
