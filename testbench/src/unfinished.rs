//! Files that get their name when they are whole: what was cut never looks as if it were not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What is added to the name of a file that is not whole.
const EXTENSION: &str = "part";

/// Where a file is while it is not whole.
#[must_use]
pub fn part_of(path: &Path) -> PathBuf {
    path.with_added_extension(EXTENSION)
}

/// A file being written. Dropped, it is gone.
#[derive(Debug)]
pub struct Unfinished {
    path: PathBuf,
    /// Its place until then; `None` when it was there before and is no regular file, such as a pipe or `/dev/null`.
    part: Option<PathBuf>,
}

impl Unfinished {
    /// Creates the file beside its place.
    ///
    /// # Errors
    /// The system's, when the file cannot be created.
    pub fn create(path: &Path) -> io::Result<(File, Self)> {
        let special = path.metadata().is_ok_and(|m| !m.is_file());
        let part = (!special).then(|| part_of(path));
        let file = File::create(part.as_deref().unwrap_or(path))?;
        let unfinished = Unfinished {
            path: path.to_owned(),
            part,
        };
        Ok((file, unfinished))
    }

    /// The file is whole: it gets its name.
    ///
    /// # Errors
    /// The system's, when it cannot be renamed.
    pub fn finish(mut self) -> io::Result<()> {
        match self.part.take() {
            Some(part) => fs::rename(part, &self.path),
            None => Ok(()),
        }
    }

    /// The file stays as it is, under the name of one that is not whole.
    pub fn leave(mut self) {
        self.part = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            // An error ended the writing; there is none to add to it.
            let _ = fs::remove_file(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        let (mut file, unfinished) = Unfinished::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(names(dir.path()), ["t.jsonl.part"]);
        unfinished.finish().unwrap();
        assert_eq!(names(dir.path()), ["t.jsonl"]);
        let (_file, unfinished) = Unfinished::create(&path).unwrap();
        drop(unfinished);
        assert_eq!(fs::read(&path).unwrap(), b"half");
        let (_file, unfinished) = Unfinished::create(&path).unwrap();
        unfinished.leave();
        assert_eq!(names(dir.path()), ["t.jsonl", "t.jsonl.part"]);
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let (_file, unfinished) = Unfinished::create(Path::new("/dev/null")).unwrap();
        assert_eq!(unfinished.part, None);
        unfinished.finish().unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }
}
