//! Who plays what we talk to? Real programs of others, run by Node.js from `tests/counterparts/`, where they are to be had.

use crate::eventually;
use anyhow::{Context as _, Result};
use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

/// One such program, as long as it is held.
pub struct Counterpart {
    child: Child,
    /// Where it answers.
    pub url: String,
}

impl Counterpart {
    /// Starts `tests/counterparts/<name>/server.mjs` with this argument. `None`, and a word on standard error, where there is
    /// no Node.js, or its packages are neither there nor to be fetched.
    pub fn start(name: &str, argument: &str) -> Result<Option<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("counterparts").join(name);
        if !has_node() || !has_packages(&folder) {
            eprintln!(
                "skipped: the counterpart {name} needs Node.js and its packages (npm ci in {})",
                place(&folder)
            );
            return Ok(None);
        }
        let log = tempfile::NamedTempFile::new()?;
        let mut child = Command::new("node")
            .arg("server.mjs")
            .arg(argument)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(File::create(log.path())?)
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start node")?;
        let ready = eventually(Duration::from_secs(60), || {
            let lines = BufReader::new(File::open(log.path()).ok()?).lines();
            let url =
                lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
            url.map(Some).or_else(|| child.try_wait().ok().flatten().map(|_| None))
        });
        match ready.flatten() {
            Some(url) => Ok(Some(Self { child, url })),
            None => {
                drop(child.kill());
                drop(child.wait());
                anyhow::bail!("the counterpart {name} did not come up")
            }
        }
    }
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn place(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    PathBuf::from("tests/counterparts").join(name).display().to_string()
}

fn has_node() -> bool {
    let asked = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Whether the packages are there; they are fetched if they can be, by one test at a time.
fn has_packages(folder: &Path) -> bool {
    static FETCHING: Mutex<()> = Mutex::new(());
    let _one = FETCHING.lock();
    if folder.join("node_modules").is_dir() {
        return true;
    }
    let options = ["ci", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=20000"];
    let fetched = Command::new("npm")
        .args(options)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    fetched.is_ok_and(|status| status.success())
}
