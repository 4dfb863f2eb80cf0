//! Every number of a report under a name of its own: `requests_per_packet`, `causes.transmit.available_index.reads`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// A table whose rows are compared.
struct Rows {
    id: &'static str,
    /// The columns that say which row it is.
    keys: &'static [&'static str],
    /// The columns that are compared; empty: all others that hold numbers.
    columns: &'static [&'static str],
}

/// Tables whose rows have the same meaning in two runs. Rows over time have not.
const TABLES: &[Rows] = &[
    rows("causes", &["role", "cause"], &[]),
    rows("bytes", &["direction", "kind"], &[]),
    rows("yardstick", &["role", "cause"], &[]),
    rows("batches", &["what", "role"], &[]),
    rows("latency", &["what", "role"], &[]),
    rows("queues", &["queue", "role"], &[]),
    rows("drops", &["reason"], &["frames"]),
    rows("rules", &["rule"], &["violated"]),
    rows("compared", &["what"], &[]),
];

const fn rows(id: &'static str, keys: &'static [&'static str], columns: &'static [&'static str]) -> Rows {
    Rows { id, keys, columns }
}

/// Every number of a report; `None` where the report has nothing to say.
pub(super) fn measures(report: &Json) -> BTreeMap<String, Option<f64>> {
    let mut all = BTreeMap::new();
    for (key, value) in report["headline"].as_object().into_iter().flatten() {
        all.insert(key.clone(), value.as_f64());
    }
    for (name, member) in [
        ("violations", "violations"),
        ("unexpected_violations", "unexpected"),
    ] {
        all.insert(name.to_owned(), report["verdict"][member].as_f64());
    }
    for table in TABLES {
        for row in report["tables"][table.id].as_array().into_iter().flatten() {
            let mut name = table.id.to_owned();
            for key in table.keys {
                name.push('.');
                name += &word(&row[*key]);
            }
            for (column, value) in row.as_object().into_iter().flatten() {
                let wanted = if table.columns.is_empty() {
                    !table.keys.contains(&column.as_str()) && !value.is_string()
                } else {
                    table.columns.contains(&column.as_str())
                };
                if wanted {
                    all.insert(format!("{name}.{column}"), value.as_f64());
                }
            }
        }
    }
    all
}

/// A cell as part of a name: `used element` becomes `used_element`.
fn word(cell: &Json) -> String {
    let text = match cell {
        Json::String(s) => s.clone(),
        other => other.to_string(),
    };
    let mut out = String::new();
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => out.push(c),
            _ if !out.ends_with('_') && !out.is_empty() => out.push('_'),
            _ => {}
        }
    }
    out.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_have_names_and_text_has_none() {
        let report = json!({
            "headline": {"mpps": 1.5, "limit": null},
            "verdict": {"violations": 0, "unexpected": 0},
            "tables": {
                "causes": [{"role": "transmit", "cause": "used element", "reads": 3, "writes": 0}],
                "rules": [{"rule": "BUS-4K", "state": "held", "checked": 9, "violated": 0}],
                "throughput": [{"cycle": 0, "kicks": 1}],
            },
        });
        let all: Vec<(String, Option<f64>)> = measures(&report).into_iter().collect();
        let expected = [
            ("causes.transmit.used_element.reads", Some(3.0)),
            ("causes.transmit.used_element.writes", Some(0.0)),
            ("limit", None),
            ("mpps", Some(1.5)),
            ("rules.BUS-4K.violated", Some(0.0)),
            ("unexpected_violations", Some(0.0)),
            ("violations", Some(0.0)),
        ];
        assert_eq!(all, expected.map(|(n, v)| (n.to_owned(), v)));
    }
}
