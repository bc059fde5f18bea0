//! Who plays what we talk to? Real programs of others, run by Node.js and Python from `tests/counterparts/`, where they are to be had.

use crate::eventually;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
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
        let folder = folder(name);
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

/// What the programs of `tests/counterparts/<name>` answer to these lines of JSON: `<name>.py`, run by Python, and `<name>.mjs`, run by
/// Node.js, a line each, as an object. Each answer is that of all that are to be had, together; `None`, and a word on
/// standard error, where neither is.
pub fn ask(name: &str, lines: &[Value]) -> Result<Option<Vec<Vec<Value>>>> {
    let folder = folder(name);
    let mut input = tempfile::NamedTempFile::new()?;
    for line in lines {
        writeln!(input, "{line}")?;
    }
    let mut programs = Vec::new();
    if has_python_packages(&folder) {
        programs.push((folder.join(PYTHON), format!("{name}.py")));
    } else {
        eprintln!(
            "left out: the counterpart {name}.py needs Python 3.11 and its packages, which are not to be had"
        );
    }
    if has_node() && has_packages(&folder) {
        programs.push((PathBuf::from("node"), format!("{name}.mjs")));
    } else {
        eprintln!(
            "left out: the counterpart {name}.mjs needs Node.js and its packages (npm ci in {})",
            place(&folder)
        );
    }
    let mut answers = vec![Vec::new(); lines.len()];
    let is_answered = !programs.is_empty();
    for (program, script) in programs {
        let said = Command::new(program)
            .arg(&script)
            .current_dir(&folder)
            .stdin(File::open(input.path())?)
            .output()
            .with_context(|| format!("cannot start {script}"))?;
        let text = String::from_utf8(said.stdout).context("an answer is no text")?;
        if !said.status.success() || text.lines().count() != lines.len() {
            bail!("{script} broke off: {}", String::from_utf8_lossy(&said.stderr));
        }
        for (answer, line) in answers.iter_mut().zip(text.lines()) {
            answer.push(serde_json::from_str(line).context("an answer is not JSON")?);
        }
    }
    Ok(is_answered.then_some(answers))
}

/// Where a counterpart's Python stands in its folder, with its packages.
const PYTHON: &str = ".venv/bin/python";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counterparts").join(name)
}

fn place(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    PathBuf::from("tests/counterparts").join(name).display().to_string()
}

fn has_node() -> bool {
    let asked = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Packages are fetched by one test at a time.
static FETCHING: Mutex<()> = Mutex::new(());

/// Whether the packages are there; they are fetched if they can be.
fn has_packages(folder: &Path) -> bool {
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

/// The same for Python's, which `requirements.txt` names with what they hash to.
fn has_python_packages(folder: &Path) -> bool {
    let _one = FETCHING.lock();
    let done = folder.join(".venv/fetched");
    if done.exists() {
        return true;
    }
    let run = |program: &Path, words: &[&str]| {
        let mut command = Command::new(program);
        let quiet = command.args(words).current_dir(folder).stdin(Stdio::null());
        quiet.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let fetch =
        ["-m", "pip", "install", "--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"];
    let patience = ["--retries", "0", "--timeout", "20", "-r", "requirements.txt"];
    run(Path::new("python3"), &["-m", "venv", ".venv"])
        && run(&folder.join(PYTHON), &[&fetch[..], &patience[..]].concat())
        && File::create(done).is_ok()
}
