//! How is the built program started for a test? On a port and a state directory of its own, and killed when it is dropped.

use crate::{Client, eventually};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Components are compiled to machine code at the first start.
const PATIENCE: Duration = Duration::from_secs(240);

/// How the line begins that tells it is ready.
const READY: &str = "Signalbox is listening on http://";

/// A running `signalbox up`.
pub struct Signalbox {
    child: Child,
    address: SocketAddr,
    state: Arc<TempDir>,
    /// How long it took to be ready.
    pub started_in: Duration,
}

/// What `DIR/credentials.json` holds.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Where it listened when they were written.
    pub base_url: String,
    /// The tenant's slug.
    pub tenant: String,
    /// The owner's e-mail.
    pub email: String,
    /// The owner's password.
    pub password: String,
    /// A key with the owner's permissions.
    pub api_key: String,
    /// The e-mail and the password of the platform's administrator.
    pub platform: (String, String),
}

impl Signalbox {
    /// Starts it on an empty state directory, with these options besides.
    pub fn start(options: &[&str]) -> Result<Self> {
        let state = tempfile::Builder::new()
            .prefix("signalbox-")
            .tempdir()
            .context("cannot make a state directory")?;
        Self::start_on(Arc::new(state), options)
    }

    /// Starts it on the state that another one left.
    pub fn start_on(state: Arc<TempDir>, options: &[&str]) -> Result<Self> {
        let root = root();
        let program = root.join("target/release/signalbox");
        if !program.exists() {
            bail!("{} is missing: run cargo xtask build first", program.display());
        }
        // Both streams go into one file: it is where the address is read, and what a failure shows.
        let log = state.path().join("test.log");
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let start = Instant::now();
        let mut child = Command::new(&program)
            .arg("up")
            .arg("--from")
            .arg(root.join("spin.toml"))
            .args(["--listen", "127.0.0.1:0", "--log-format", "json", "--state"])
            .arg(state.path())
            .args(options)
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let ready = eventually(PATIENCE, || match listening(&log) {
            Some(address) => Some(Ok(address)),
            None => child.try_wait().ok().flatten().map(Err),
        });
        match ready {
            Some(Ok(address)) => Ok(Self { child, address, state, started_in: start.elapsed() }),
            Some(Err(status)) => bail!("signalbox ended with {status} before it was ready:\n{}", tail(&log)),
            None => {
                drop(child.kill());
                drop(child.wait());
                bail!("signalbox was not ready within {} s:\n{}", PATIENCE.as_secs(), tail(&log))
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client without a credential.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// A client with the API key of the seeded tenant.
    pub fn with_key(&self) -> Result<Client> {
        Ok(self.client().with_bearer(&self.credentials()?.api_key))
    }

    /// What it wrote for its owner.
    pub fn credentials(&self) -> Result<Credentials> {
        let path = self.state.path().join("credentials.json");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let value: Value = serde_json::from_str(&text).context("credentials.json is not JSON")?;
        let field = |name: &str| {
            let text = value.get(name).and_then(Value::as_str).map(str::to_owned);
            text.with_context(|| format!("credentials.json has no {name}"))
        };
        let platform = |name: &str| {
            let text = value.get("platform").and_then(|platform| platform.get(name)).and_then(Value::as_str);
            text.map(str::to_owned).with_context(|| format!("credentials.json has no platform.{name}"))
        };
        Ok(Credentials {
            base_url: field("base_url")?,
            tenant: field("tenant")?,
            email: field("email")?,
            password: field("password")?,
            api_key: field("api_key")?,
            platform: (platform("email")?, platform("password")?),
        })
    }

    /// Its state directory; it outlives the process as long as somebody holds it.
    #[must_use]
    pub fn state(&self) -> Arc<TempDir> {
        self.state.clone()
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.state.path().join("test.log")).unwrap_or_default()
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, and the state that is left.
    pub fn kill(mut self) -> Arc<TempDir> {
        drop(self.child.kill());
        drop(self.child.wait());
        self.state.clone()
    }

    /// SIGTERM; whether it ended well within `limit`, and the state that is left.
    pub fn terminate(mut self, limit: Duration) -> Result<(bool, Arc<TempDir>)> {
        // The shell's own `kill`: the standard library sends no other signal than SIGKILL.
        let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status()?;
        if !sent.success() {
            bail!("cannot send SIGTERM");
        }
        let ended = eventually(limit, || self.child.try_wait().ok().flatten());
        Ok((ended.is_some_and(|status| status.success()), self.state.clone()))
    }
}

impl Drop for Signalbox {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The root of the checkout.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn listening(log: &Path) -> Option<SocketAddr> {
    let text = fs::read_to_string(log).ok()?;
    // Only a whole line: the last one may still be being written.
    let (whole, _) = text.rsplit_once('\n')?;
    let (_, after) = whole.split_once(READY)?;
    let end =
        after.find(|sign: char| !(sign.is_ascii_digit() || matches!(sign, '.' | ':'))).unwrap_or(after.len());
    after.get(..end)?.parse().ok()
}

/// The last lines, for a message.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}
