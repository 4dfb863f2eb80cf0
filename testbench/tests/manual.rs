//! `docs/scenarios.md` against the parser that it describes: every key, choice and default, found by asking the parser.

use std::collections::BTreeMap;
use std::path::Path;

use ringside::scenario::Scenario;
use serde_json::Value;

/// Elements with their required keys only: what is not given here has a default.
const ELEMENTS: &str = r#"
[[host.faults]]
kind = "ur"
[host.credits.starve]
every_cycles = 10
for_cycles = 1
[driver.coalesce]
tx = { max_packets = 1, max_usecs = 1 }
rx = { max_packets = 1, max_usecs = 1 }
[[driver.misbehave]]
what = "loop"
queue = 1
"#;

/// Keys and choices, by dotted path. A key without choices has none.
type Schema = BTreeMap<String, Vec<String>>;

fn parse(text: &str) -> Result<Scenario, String> {
    toml::from_str(text).map_err(|e| e.message().to_owned())
}

/// The names that the parser would have taken instead of a wrong one.
fn instead(text: &str, of: &str) -> Option<Vec<String>> {
    let message = parse(text).err()?;
    // The words of the TOML library for the fields of a choice; serde's are below.
    if let ("field", Some(keys)) = (
        of,
        message.strip_prefix("unexpected keys in table: ?, available keys:"),
    ) {
        let keys = keys.split(',').map(str::trim).filter(|k| !k.is_empty());
        return Some(keys.map(str::to_owned).collect());
    }
    let rest = message.strip_prefix(&format!("unknown {of} `?`, "))?;
    Some(rest.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// The dotted path `path`, set to `value`.
type Wrap<'a> = &'a dyn Fn(&str) -> String;

/// Asks what may stand at `path`, where `wrap` puts a value into a scenario.
fn explore(path: &str, wrap: Wrap, found: &mut Schema) {
    if let Some(keys) = instead(&wrap("{ \"?\" = 0 }"), "field") {
        fields(
            path,
            &keys,
            &|key, value| wrap(&format!("{{ {key} = {value} }}")),
            found,
        );
    } else if let Some(variants) = instead(&wrap("{ \"?\" = 0 }"), "variant") {
        for variant in &variants {
            let inside = |fields: &str| wrap(&format!("{{ {variant} = {{ {fields} }} }}"));
            // A choice without fields is a word, and no table.
            let Some(keys) = instead(&inside("\"?\" = 0"), "field") else {
                continue;
            };
            let path = format!("{path}.{variant}");
            found.insert(path.clone(), Vec::new());
            fields(
                &path,
                &keys,
                &|key, value| inside(&format!("{key} = {value}")),
                found,
            );
        }
        found.insert(path.to_owned(), variants);
    } else if let Some(steps) = instead(&wrap("[{ do = \"?\" }]"), "variant") {
        for step in &steps {
            let path = format!("{path}.{step}");
            let inside = |fields: &str| wrap(&format!("[{{ do = \"{step}\", {fields} }}]"));
            let keys = instead(&inside("\"?\" = 0"), "field").unwrap_or_default();
            found.insert(path.clone(), Vec::new());
            fields(
                &path,
                &keys,
                &|key, value| inside(&format!("{key} = {value}")),
                found,
            );
        }
        found.insert(path.to_owned(), steps);
    } else if let Some(keys) = instead(&wrap("[{ \"?\" = 0 }]"), "field") {
        found.insert(path.to_owned(), Vec::new());
        fields(
            path,
            &keys,
            &|key, value| wrap(&format!("[{{ {key} = {value} }}]")),
            found,
        );
    } else {
        found.insert(
            path.to_owned(),
            instead(&wrap("\"?\""), "variant").unwrap_or_default(),
        );
    }
}

fn fields(path: &str, keys: &[String], wrap: &dyn Fn(&str, &str) -> String, found: &mut Schema) {
    for key in keys {
        let below = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        explore(&below, &|value| wrap(key, value), found);
    }
}

fn schema() -> Schema {
    let mut found = Schema::new();
    let keys = instead("\"?\" = 0", "field").expect("a scenario has keys");
    fields("", &keys, &|key, value| format!("{key} = {value}"), &mut found);
    assert!(found.len() > 100, "the parser was not understood: {found:?}");
    found
}

/// What the manual says of one key.
#[derive(Debug)]
struct Row {
    default: Option<String>,
    text: String,
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn manual() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios.md");
    std::fs::read_to_string(path).expect("docs/scenarios.md")
}

/// The tables of the manual: a heading such as "## `driver.tx`" names what the keys below it belong to.
fn rows(text: &str) -> BTreeMap<String, Row> {
    let (mut section, mut variants) = (String::new(), false);
    let mut rows = BTreeMap::new();
    let mut add = |path: String, default: Option<String>, text: &str| {
        let path = path.trim_start_matches('.').to_owned();
        let text = text.to_owned();
        assert!(
            rows.insert(path.clone(), Row { default, text }).is_none(),
            "{path} stands twice in the manual"
        );
    };
    for line in text.lines() {
        if line.starts_with('#') {
            section = quoted(line).first().cloned().unwrap_or_default();
        }
        let Some(cells) = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |")) else {
            continue;
        };
        let cells: Vec<&str> = cells.split(" | ").collect();
        if let ["key" | "variant" | "do", ..] = cells[..] {
            variants = cells[0] != "key";
        }
        let Some(key) = quoted(cells[0]).into_iter().next() else {
            continue;
        };
        if variants {
            add(format!("{section}.{key}"), None, line);
            for inner in quoted(cells[1]) {
                add(format!("{section}.{key}.{inner}"), None, line);
            }
        } else {
            let default = quoted(cells[1]).into_iter().next();
            add(
                format!("{section}.{key}"),
                Some(default.unwrap_or_else(|| cells[1].to_owned())),
                cells[2],
            );
        }
    }
    rows
}

#[test]
fn the_manual_has_every_key_of_a_scenario_and_no_other() {
    let (schema, rows) = (schema(), rows(&manual()));
    let missing: Vec<&String> = schema.keys().filter(|k| !rows.contains_key(*k)).collect();
    // A table that may be absent has a row of its own beside its keys.
    let table = |key: &str| schema.keys().any(|k| k.starts_with(&format!("{key}.")));
    let wrong: Vec<&String> = rows
        .keys()
        .filter(|k| !schema.contains_key(*k) && !table(k))
        .collect();
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "docs/scenarios.md lacks {missing:#?}\nand has what is none: {wrong:#?}"
    );
}

#[test]
fn the_manual_has_every_choice() {
    let rows = rows(&manual());
    for (key, choices) in schema() {
        let Some(row) = rows.get(&key) else { continue };
        let said = quoted(&row.text);
        for choice in &choices {
            let own_row = rows.contains_key(&format!("{key}.{choice}"));
            assert!(own_row || said.contains(choice), "{key} may also be {choice:?}");
        }
        if row.default.is_some() && !choices.is_empty() {
            for word in &said {
                assert!(choices.contains(word), "{key} cannot be {word:?}");
            }
        }
    }
}

#[test]
fn the_manual_has_the_defaults() {
    let default = serde_json::to_value(Scenario::default()).expect("JSON");
    let elements = serde_json::to_value(parse(ELEMENTS).expect("elements")).expect("JSON");
    let given: toml::Table = ELEMENTS.parse().expect("TOML");
    let given = serde_json::to_value(given).expect("JSON");
    let at = |value: &Value, path: &str| {
        path.split('.').try_fold(value.clone(), |v, key| {
            let v = if v.is_array() { v[0].clone() } else { v };
            v.get(key).cloned()
        })
    };
    for (key, row) in rows(&manual()) {
        let Some(said) = row.default else { continue };
        let value = at(&default, &key).or_else(|| {
            let required = at(&given, &key).is_some();
            at(&elements, &key).map(|v| if required { Value::from("required") } else { v })
        });
        let is = match value {
            Some(Value::Null) => "none".to_owned(),
            Some(Value::String(s)) if s == "required" => s,
            Some(value) => toml::Value::try_from(&value).expect("TOML").to_string(),
            None => panic!("{key} has no default to compare"),
        };
        assert_eq!(said, is, "default of {key}");
    }
}

#[test]
fn the_examples_of_the_manual_are_scenarios() {
    let text = manual();
    let mut examples = 0;
    for block in text.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let scenario = parse(block).unwrap_or_else(|e| panic!("{e} in\n{block}"));
        scenario.check().unwrap_or_else(|e| panic!("{e} in\n{block}"));
        examples += 1;
    }
    assert!(examples >= 3, "{examples} examples");
}
