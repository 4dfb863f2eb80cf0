//! Where Ringside's own files are: its device, its traffic, its golden traces.

use std::path::{Path, PathBuf};

/// What marks the top of Ringside's tree.
const MARKS: [&str; 2] = ["rtl/README.md", "models/clauses.tsv"];

fn is_top(folder: &Path) -> bool {
    MARKS.iter().any(|m| folder.join(m).is_file())
}

/// The top of Ringside's tree: at or above the current folder, else where this program was built.
#[must_use]
pub fn root() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.iter()
        .flat_map(|h| h.ancestors())
        .chain(built.ancestors())
        .find(|f| is_top(f))
        .map(Path::to_owned)
}

/// A file or folder of Ringside's tree; relative to the current folder if there is no tree.
#[must_use]
pub fn path(relative: &str) -> PathBuf {
    match root() {
        // A short path reads better in messages and in the command that repeats a run.
        Some(root) if std::env::current_dir().is_ok_and(|here| here == root) => PathBuf::from(relative),
        Some(root) => root.join(relative),
        None => PathBuf::from(relative),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_found_from_inside_a_crate() {
        let root = root().unwrap();
        assert!(
            root.join("rtl").is_dir() && root.join("Cargo.toml").is_file(),
            "{}",
            root.display()
        );
    }
}
