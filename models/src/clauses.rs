//! The catalogue of clauses of the virtio specification (`clauses.tsv`): id to level and paraphrase.

use std::sync::LazyLock;

/// One clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Our identifier, for example `SPLIT-DEV-015`.
    pub id: &'static str,
    /// `device`, `driver` or `both`.
    pub binds: &'static str,
    /// `MUST`, `MUST NOT`, `SHOULD`, `SHOULD NOT` or `MAY`.
    pub level: &'static str,
    /// Where it would be checked, for example `rtl-ring-split` or `host-driver-model`.
    pub area: &'static str,
    /// The behaviour that conforms, in our words.
    pub paraphrase: &'static str,
    /// Headings of the specification, from chapter to the normative section.
    pub section: &'static str,
}

static CLAUSES: LazyLock<Vec<Clause>> = LazyLock::new(|| {
    let mut rows: Vec<Clause> = include_str!("../clauses.tsv")
        .lines()
        .skip(1)
        .filter_map(row)
        .collect();
    rows.sort_unstable_by_key(|c| c.id);
    rows
});

fn row(line: &'static str) -> Option<Clause> {
    let mut f = line.split('\t');
    let (id, binds, level) = (f.next()?, f.next()?, f.next()?);
    let area = f.nth(1)?;
    let (paraphrase, section) = (f.nth(1)?, f.next()?);
    Some(Clause {
        id,
        binds,
        level,
        area,
        paraphrase,
        section,
    })
}

/// Every clause, sorted by id.
#[must_use]
pub fn all() -> &'static [Clause] {
    &CLAUSES
}

/// The clause with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Clause> {
    CLAUSES
        .binary_search_by(|c| c.id.cmp(id))
        .ok()
        .map(|i| &CLAUSES[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    #[test]
    fn every_row_of_the_catalogue_is_read() {
        assert_eq!(all().len(), include_str!("../clauses.tsv").lines().count() - 1);
        let c = find("SPLIT-DEV-015").unwrap();
        assert_eq!((c.level, c.binds), ("MUST", "device"));
        assert_eq!(
            c.paraphrase,
            "Used element length is visible before the idx that publishes it."
        );
        assert!(find("SPLIT-DEV-999").is_none());
    }

    #[test]
    fn rules_name_clauses_that_exist_and_ids_are_unique() {
        for (i, r) in RULES.iter().enumerate() {
            for c in r.clauses {
                assert!(
                    find(c).is_some(),
                    "{} names {c}, which is not in the catalogue",
                    r.id
                );
            }
            assert!(RULES[..i].iter().all(|o| o.id != r.id), "{} is there twice", r.id);
            assert!(
                r.sentence.ends_with('.'),
                "{}: a sentence ends with a full stop",
                r.id
            );
        }
    }
}
