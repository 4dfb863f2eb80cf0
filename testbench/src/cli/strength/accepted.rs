//! Survivors that somebody looked into: `golden/strength/accepted.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::cli::CliError;
use crate::strength::mutant::{Mutant, Name};

/// Why a survivor is all right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// No input makes the mutant do anything else than the device does.
    Equivalent,
    /// It does something else, which the specifications leave to the device: another order, a moment sooner or later.
    Legal,
    /// It would be wrong, but only where no scenario of the budget goes.
    Unreached,
    /// It is wrong, and nobody notices yet.
    Hole,
}

/// The list.
pub(super) struct Accepted(BTreeMap<Name, Kind>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    accepted: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: String,
    from: String,
    to: String,
    kind: Kind,
    why: String,
}

impl Accepted {
    /// Reads it; no file, no survivors.
    ///
    /// # Errors
    /// It cannot be read, is no list of this kind, a reason is missing, or a mutant is there twice.
    pub(super) fn load(path: &Path) -> Result<Self, CliError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|cause| CliError::State {
                path: path.to_owned(),
                cause,
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Accepted(BTreeMap::new())),
            Err(e) => Err(CliError::file("read", path)(e)),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = toml::from_str(text).map_err(|e| e.to_string())?;
        let mut rows = BTreeMap::new();
        for row in raw.accepted {
            let place = format!("{}: {} becomes {}", row.file, row.from, row.to);
            if row.why.trim().is_empty() {
                return Err(format!("{place}: why is it accepted?"));
            }
            let name = Name {
                file: row.file,
                from: row.from,
                to: row.to,
            };
            if rows.insert(name, row.kind).is_some() {
                return Err(format!("{place}: is there twice"));
            }
        }
        Ok(Accepted(rows))
    }

    /// Why this one is accepted, if it is.
    pub(super) fn kind(&self, mutant: &Mutant) -> Option<Kind> {
        self.0.get(&mutant.name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str =
        "[[accepted]]\nfile = \"a.sv\"\nfrom = \"a\"\nto = \"b\"\nkind = \"legal\"\nwhy = \"x\"\n";

    #[test]
    fn a_list_needs_reasons_and_says_things_once() {
        assert_eq!(Accepted::parse(ROW).unwrap().0.len(), 1);
        assert!(Accepted::parse("").unwrap().0.is_empty());
        let wrong = |text: &str, says: &str| {
            let error = Accepted::parse(text).err().unwrap();
            assert!(error.contains(says), "{error}");
        };
        wrong(&ROW.repeat(2), "twice");
        wrong(&ROW.replace("\"x\"", "\" \""), "why");
        wrong(&ROW.replace("legal", "fine"), "fine");
        wrong(&ROW.replace("kind = \"legal\"\n", ""), "kind");
        wrong(&ROW.replace("why", "because"), "because");
    }

    #[test]
    fn the_list_of_this_tree_can_be_read() {
        Accepted::load(&crate::workspace::path("golden/strength/accepted.toml")).unwrap();
    }
}
