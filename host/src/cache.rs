//! How is a component compiled only once?
//!
//! Compiled code is kept as `.cwasm` files whose names hold the SHA-256 of the wasm file and of everything about the
//! engine that matters to compiled code. Loading such a file means running it, so only a regular file in a directory is
//! loaded that both belong to this user and that nobody else may write to.
//!
//! Only one component is compiled at a time, with all processors, by whatever programs use the directory: they find what
//! another one compiled meanwhile, and each that is done stays done if the program is ended before the next.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::failure::{Failure, Outcome};

/// Tells files apart that this process writes at one time.
static UNFINISHED: AtomicU32 = AtomicU32::new(0);

/// How long a program waits for another one that compiles a component, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(300);
const NAP: Duration = Duration::from_millis(100);

/// Whose turn it is to compile within this process.
static TURN: Mutex<()> = Mutex::new(());

/// A directory of compiled components, or none if it is not safe to use one.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Where it is, or why there is none.
    directory: Result<PathBuf, String>,
}

impl Cache {
    /// Uses this directory, and makes it if it is not there.
    pub fn new(directory: &Path) -> Self {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        match made.map_err(|e| e.to_string()).and_then(|()| own(directory)) {
            Ok(()) => Self { directory: Ok(directory.to_owned()) },
            Err(why) => {
                let path = directory.display().to_string();
                tracing::warn!(
                    path,
                    why,
                    "The cache of compiled components is not used; each start compiles anew"
                );
                Self { directory: Err(format!("{path}: {why}")) }
            }
        }
    }

    /// Whether anything can be kept.
    ///
    /// # Errors
    /// Why nothing can.
    pub fn usable(&self) -> Result<(), &str> {
        self.directory.as_ref().map(|_| ()).map_err(String::as_str)
    }

    /// Loads or compiles the component in this file, and says which.
    ///
    /// # Errors
    /// If the file cannot be read or is no component.
    pub fn load(&self, engine: &Engine, id: &str, wasm: &Path) -> Outcome<(Component, Made)> {
        let bytes = fs::read(wasm).map_err(|e| {
            Failure::new(
                format!("The wasm file {} of the component '{id}' cannot be read: {e}.", wasm.display()),
                "The component has not been built, or its source in spin.toml is wrong.",
                "Build the components (cargo xtask build, or spin build), then start again.",
            )
        })?;
        let file =
            self.directory.as_ref().map(|directory| directory.join(format!("{}.cwasm", key(engine, &bytes))));
        let found = || file.as_ref().ok().and_then(|file| stored(engine, file));
        if let Some(component) = found() {
            return Ok((component, Made::Before));
        }
        let _turn = self.turn();
        if let Some(component) = found() {
            return Ok((component, Made::Before));
        }
        tracing::info!(component = id, kib = bytes.len() >> 10, "Compiling");
        let begun = Instant::now();
        let component = Component::new(engine, &bytes).map_err(|e| {
            Failure::new(
                format!("{} is not a component that can run here: {e:#}.", wasm.display()),
                format!("The component '{id}' cannot be loaded."),
                "Build it for the target wasm32-wasip2.",
            )
        })?;
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(component = id, ms, "Compiled");
        let kept = file.map_err(Clone::clone).and_then(|file| store(&component, &file));
        match kept {
            Ok(()) => Ok((component, Made::Now)),
            Err(why) => {
                let told = "The compiled component could not be kept; the next start compiles it anew";
                tracing::warn!(component = id, why, "{told}");
                Ok((component, Made::InVain(why)))
            }
        }
    }

    /// Waits until nobody else compiles in this process, or into this directory; but not for ever.
    fn turn(&self) -> Turn {
        let within = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a lock, two may do the same: that costs processor time, and nothing else.
        Turn { _file: self.directory.as_deref().ok().and_then(locked), _within: within }
    }
}

/// How a component came to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It was compiled before.
    Before,
    /// It was compiled now, and is there the next time.
    Now,
    /// It was compiled now, and could not be kept: why.
    InVain(String),
}

/// The lock of a directory, as soon as no other program has it; `None` if there are no locks, or it takes too long.
fn locked(directory: &Path) -> Option<fs::File> {
    let path = directory.join("lock");
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).ok()?;
    let begun = Instant::now();
    let mut is_told = false;
    while begun.elapsed() < PATIENCE {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(fs::TryLockError::WouldBlock) => {}
            Err(fs::TryLockError::Error(_)) => return None,
        }
        if !is_told {
            tracing::info!(directory = %directory.display(), "Waiting for another program that compiles");
            is_told = true;
        }
        std::thread::sleep(NAP);
    }
    None
}

/// While it is held, nobody else compiles.
struct Turn {
    _file: Option<fs::File>,
    _within: MutexGuard<'static, ()>,
}

/// Feeds what is hashed into SHA-256.
struct Sha(Sha256);

impl Hasher for Sha {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

fn key(engine: &Engine, wasm: &[u8]) -> String {
    let mut sha = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.0.update(Sha256::digest(wasm));
    sha.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the path belongs to this user and nobody else may write to it.
fn own(path: &Path) -> Result<(), String> {
    let found = fs::symlink_metadata(path).map_err(|e| e.to_string())?;
    let me = fs::metadata("/proc/self").map_err(|e| e.to_string())?.uid();
    if found.uid() != me {
        return Err("it belongs to another user".into());
    }
    if found.mode() & 0o022 != 0 {
        return Err("others may write to it".into());
    }
    if found.is_symlink() {
        return Err("it is a symbolic link".into());
    }
    Ok(())
}

fn stored(engine: &Engine, file: &Path) -> Option<Component> {
    own(file).ok()?;
    #[expect(
        unsafe_code,
        reason = "the directory and the file are this user's alone, and the name holds the hash of what was compiled"
    )]
    // SAFETY: only this program writes such files, as `Component::serialize` gives them and in one step (see `store`);
    // wasmtime itself refuses a file of another version or configuration.
    let loaded = unsafe { Component::deserialize_file(engine, file) };
    loaded.inspect_err(|e| tracing::debug!(%e, "A compiled component was not usable")).ok()
}

fn store(component: &Component, file: &Path) -> Result<(), String> {
    let compiled = component.serialize().map_err(|e| e.to_string())?;
    let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
    let unfinished = file.with_extension(format!("{}-{number}.part", std::process::id()));
    let write = || {
        let mut part =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        part.write_all(&compiled)?;
        part.sync_all()?;
        fs::rename(&unfinished, file)
    };
    write().map_err(|e| e.to_string())
}
