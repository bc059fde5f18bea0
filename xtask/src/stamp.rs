//! Did anything change since the last build? Path, size and time of every source, hashed; looked at before cargo is.

use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Whatever a build reads. A toolchain's update is not seen here: `cargo xtask build --force` after one.
const SOURCES: &[&str] = &[
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "components",
    "crates",
    "host",
    "migrations",
    "rust-toolchain.toml",
    "spin.toml",
    "wit",
];

/// Variables that change what cargo makes.
const VARIABLES: &[&str] = &["RUSTFLAGS", "RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER"];

/// What the sources look like.
pub(crate) struct Stamp {
    file: PathBuf,
    seen: String,
}

impl Stamp {
    pub(crate) fn of(workspace: &Workspace) -> Result<Self> {
        let mut files = Vec::new();
        for source in SOURCES {
            collect(&workspace.root.join(source), &mut files)?;
        }
        files.sort();
        let mut hasher = DefaultHasher::new();
        for path in files {
            let about = fs::metadata(&path).with_context(|| format!("cannot look at {}", path.display()))?;
            let changed = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            (path, about.len(), changed).hash(&mut hasher);
        }
        for name in VARIABLES {
            env::var_os(name).hash(&mut hasher);
        }
        Ok(Self {
            file: workspace.target().join("xtask").join("built"),
            seen: format!("{:016x}", hasher.finish()),
        })
    }

    /// Whether the last build that went through saw the same.
    pub(crate) fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|last| last == self.seen)
    }

    /// Notes that a build of these sources went through.
    pub(crate) fn keep(&self) -> Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(&self.file, &self.seen).with_context(|| format!("cannot write {}", self.file.display()))
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
    } else if path.is_dir() && !path.ends_with("target") {
        for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
            collect(&entry?.path(), files)?;
        }
    }
    Ok(())
}
