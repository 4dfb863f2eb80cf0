//! What a model's name in the cache is made of: every byte that can change the library, and nothing that cannot.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::BuildError;

/// Include folders are hashed whole, this deep.
const INCLUDE_DEPTH_MAX: usize = 6;

/// A hash with separators, so that no two lists of parts collide.
pub(crate) struct KeyHasher(Sha256);

impl KeyHasher {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(crate) fn part(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn file(&mut self, name: &Path, path: &Path) -> Result<(), BuildError> {
        let bytes = std::fs::read(path).map_err(BuildError::io("cannot read the source", path))?;
        self.part(name.as_os_str().as_encoded_bytes());
        self.part(bytes);
        Ok(())
    }

    /// 24 hex digits: 96 bits are plenty for a cache, and fit a terminal line.
    pub(crate) fn finish(self) -> String {
        self.0.finalize()[..12]
            .iter()
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}

/// All files below an include folder, sorted. Which of them are included is known only after elaboration.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut files = Vec::new();
    collect(folder, 0, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), BuildError> {
    const SOURCES: [&str; 7] = ["sv", "svh", "v", "vh", "inc", "vlt", "h"];
    let entries =
        std::fs::read_dir(folder).map_err(BuildError::io("cannot list the include folder", folder))?;
    for entry in entries {
        let path = entry
            .map_err(BuildError::io("cannot list the include folder", folder))?
            .path();
        if path.is_dir() {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if depth < INCLUDE_DEPTH_MAX && !hidden {
                collect(&path, depth + 1, files)?;
            }
        } else if path
            .extension()
            .is_some_and(|ext| SOURCES.iter().any(|known| ext == *known))
        {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let key = |parts: &[&str]| {
            let mut hasher = KeyHasher::new();
            for part in parts {
                hasher.part(part);
            }
            hasher.finish()
        };
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_eq!(key(&["ab", "c"]).len(), 24);
    }
}
