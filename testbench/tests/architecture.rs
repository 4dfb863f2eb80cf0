//! The invariants of ARCHITECTURE.md that a test can hold: who may know whom, and where `unsafe` may be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

/// Names below `[dependencies]` of a crate.
fn dependencies(crate_folder: &str) -> BTreeSet<String> {
    let path = root().join(crate_folder).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let manifest: toml::Table = text.parse().expect("a manifest");
    manifest["dependencies"]
        .as_table()
        .expect("a table")
        .keys()
        .cloned()
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Lines of code (comments cut off) of a crate's `folder` that contain one of `words`: file, line, text.
fn lines_with(crate_folder: &str, folder: &str, words: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    let place = root().join(crate_folder).join(folder);
    sources(&place, &mut files);
    files.sort();
    assert!(!files.is_empty(), "{} has no sources", place.display());
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|w| code.contains(w)) {
                found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

fn mentions(crate_folder: &str, words: &[&str]) -> Vec<String> {
    lines_with(crate_folder, "src", words)
}

#[test]
fn the_models_know_no_simulator_no_files_and_no_clock() {
    let allowed: BTreeSet<String> = ["serde", "serde_json", "thiserror"].map(str::to_owned).into();
    let known = dependencies("models");
    assert!(
        known.is_subset(&allowed),
        "models depends on {:?}",
        known.difference(&allowed).collect::<Vec<_>>()
    );
    let found: Vec<String> = mentions(
        "models",
        &["std::fs", "std::net", "std::time", "std::thread", "async fn"],
    );
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_simulator_knows_no_pcie_and_no_virtio() {
    assert!(!dependencies("sim").iter().any(|d| d.starts_with("ringside")));
    assert_eq!(
        mentions("sim", &["virtio", "Virtio", "Tlp", "tlp", "PCIe", "pcie"]),
        Vec::<String>::new()
    );
}

#[test]
fn the_reports_read_traces_and_no_live_simulator() {
    let known = dependencies("reports");
    assert!(
        !known.contains("ringside-sim") && !known.contains("ringside"),
        "{known:?}"
    );
}

#[test]
fn unsafe_code_is_in_sim_and_where_a_strangers_driver_wants_it() {
    // Put together here, so that this file is not among what it finds.
    let word = concat!("un", "safe ");
    let allowed = [
        "testbench/src/serve/shared_memory.rs",
        "testbench/tests/strangers/main.rs",
        "testbench/tests/strangers/memory.rs",
        "testbench/tests/vhost_user/stranger.rs",
    ];
    let mut found = Vec::new();
    for crate_folder in ["models", "testbench", "reports"] {
        for folder in ["src", "tests"] {
            found.extend(lines_with(crate_folder, folder, &[word]));
        }
    }
    for file in allowed {
        let inside = |line: &String| line.contains(&format!("{file}:"));
        assert!(found.iter().any(inside), "{file} has none: take it off the list");
        found.retain(|line| !inside(line));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn nothing_that_reaches_an_artefact_depends_on_hash_order() {
    for crate_folder in ["models", "testbench", "reports"] {
        let mut found = mentions(
            crate_folder,
            &["HashMap", "HashSet", "SystemTime", "Instant::now"],
        );
        // A file for CI says how long each scenario took: that is what it is asked for.
        found.retain(|line| !line.contains("testbench/src/cli/test/junit.rs:"));
        assert_eq!(found, Vec::<String>::new(), "{crate_folder}");
    }
}
