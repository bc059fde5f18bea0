//! What does the state directory hold, and who may use it?
//!
//! One host at a time: a lock file says who. [`secrets`] are made before
//! the application is loaded, [`first`] credentials once it answers.

pub mod address;
pub mod first;
pub mod keyring;
pub mod secrets;
pub mod turning;

use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// A state directory that belongs to this process until it is dropped.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: fs::File,
}

impl StateDir {
    /// Makes the directory if it is not there, readable by this user only, and locks it.
    ///
    /// # Errors
    /// If it cannot be made, or another host uses it.
    pub fn open(path: &Path) -> Outcome<Self> {
        let trouble = |e: std::io::Error| {
            Failure::new(
                format!("The state directory {} cannot be used: {e}.", path.display()),
                "The host has no place for its databases.",
                "Check the path and its permissions, or give another by --state DIR.",
            )
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(trouble)?;
        let path = path.canonicalize().map_err(trouble)?;
        let file = path.join("lock");
        let mut options = fs::OpenOptions::new();
        let mut lock = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(file)
            .map_err(trouble)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::Error(e)) => return Err(trouble(e)),
            Err(fs::TryLockError::WouldBlock) => return Err(taken(&path, &mut lock)),
        }
        let written =
            lock.set_len(0).and_then(|()| lock.write_all(std::process::id().to_string().as_bytes()));
        written.map_err(trouble)?;
        Ok(Self { path, _lock: lock })
    }

    /// The directory, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn taken(path: &Path, lock: &mut fs::File) -> Failure {
    let mut process = String::new();
    let read = lock.rewind().and_then(|()| lock.read_to_string(&mut process));
    let who = if read.is_ok() && !process.trim().is_empty() {
        format!(" (process {})", process.trim())
    } else {
        String::new()
    };
    Failure::new(
        format!("Another Signalbox uses the state directory {}{who}.", path.display()),
        "Two hosts with one directory would run every schedule twice and could damage each other's files.",
        "Stop the other one, or give this one a directory of its own by --state DIR.",
    )
}
