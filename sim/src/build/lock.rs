//! Cross-process locks: parallel tests build a model once.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::error::BuildError;

/// Waits for the lock file; the lock ends when the returned file is dropped or the process dies.
pub(super) fn hold(path: &Path, progress: &dyn Fn(&str)) -> Result<File, BuildError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(BuildError::io("cannot open the lock", path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress("waiting for another process that builds the same");
            file.lock().map_err(BuildError::io("cannot lock", path))?;
        }
        Err(TryLockError::Error(source)) => return Err(BuildError::io("cannot lock", path)(source)),
    }
    Ok(file)
}
