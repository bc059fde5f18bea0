//! What can be said on the command line?

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::app::Options;
use crate::failure::Outcome;
use crate::handler::Reuse;
use crate::log::Format;
use crate::runtime_config::RuntimeConfig;
use crate::trail;
use crate::variables;

/// Runs Signalbox, or any Spin application that uses the same part of Spin.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the application until SIGTERM or Ctrl-C.
    Up(Box<Up>),
    /// Compile the components for this machine ahead, so that `up` starts at once: for images, and before tests.
    Compile(Compile),
    /// Bring the database to this program's schema; `up` does so by itself.
    Migrate(Place),
    /// Check the installation: each line says what was looked at, and what to do where it fails.
    Doctor(Place),
    /// See the keys of an installation, and turn them while it runs.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Show the letters that wait for a mail service, and read them: asks the Signalbox that runs.
    Letters(Letters),
    /// Write the database anew, so that nothing of what was deleted is left in its file.
    Compact(Place),
    /// Fetch a tenant's audit, or prove that an exported one holds.
    #[command(subcommand)]
    Audit(AuditCommand),
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Show which keys there are and what each is for; never a key.
    List(ListKeys),
    /// Put a new key in place of the present one, without a break.
    Rotate(RotateKeys),
}

/// Whose keys are shown.
#[derive(Debug, Args)]
pub struct ListKeys {
    /// The state directory.
    #[arg(long, value_name = "DIR", default_value = ".signalbox")]
    pub state: PathBuf,
}

/// Options of `signalbox compile`.
#[derive(Debug, Args)]
pub struct Compile {
    /// The application's manifest.
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub from: PathBuf,
    /// The state directory that `up` will use.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Where compiled components are kept, if `up` is told so.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

/// Which key is turned, and how.
#[derive(Debug, Args)]
pub struct RotateKeys {
    /// The state directory.
    #[arg(long, value_name = "DIR", default_value = ".signalbox")]
    pub state: PathBuf,
    /// Turn the key that seals secrets at rest, and seal everything anew, instead of the key that signs tokens.
    #[arg(long)]
    pub data: bool,
    /// How long the new key is known before it works, for example 60s; 330s for tokens, which others may verify, 30s with
    /// --data; never below 6s.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub wait: Option<Duration>,
    /// The present signing key was stolen: let the new one sign within seconds, and drop the old one at once.
    #[arg(long, conflicts_with_all = ["data", "wait"])]
    pub compromised: bool,
    /// With --data: how many secrets are sealed anew in one step, 1 to 100.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub batch: u16,
}

/// Options of `signalbox letters`.
#[derive(Debug, Args)]
pub struct Letters {
    /// The state directory of the Signalbox that runs.
    #[arg(long, value_name = "DIR", default_value = ".signalbox")]
    pub state: PathBuf,
    /// All letters, also those that were sent, given up or have expired.
    #[arg(long)]
    pub all: bool,
    /// Print what stands in this letter; its tenant's audit tells of that.
    #[arg(long, value_name = "ID")]
    pub read: Option<String>,
}

/// What to do with an audit.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Find any row of an exported file that was edited, removed, inserted or moved. Exit code 0: it holds; 1: it does
    /// not, and the line is named; 2: it cannot be read.
    Verify(Verify),
    /// Fetch a tenant's audit from a running installation.
    Export(Export),
}

/// Options of `signalbox audit verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Lines of JSON, as `signalbox audit export` writes them.
    pub file: PathBuf,
    /// The hash of a row that was kept elsewhere: the file must hold that row.
    #[arg(long, value_name = "HASH", value_parser = trail::hash)]
    pub head: Option<audit::Hash>,
    /// The hash of the row before the first: for a file that begins in the middle.
    #[arg(long, value_name = "HASH", value_parser = trail::hash)]
    pub after: Option<audit::Hash>,
}

/// Options of `signalbox audit export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Where the installation answers.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// A file with an API key that has the permission audit:read; without it, SIGNALBOX_API_KEY says the key.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// jsonl, which can be verified, or csv.
    #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
    pub format: String,
    /// Only rows at or after this instant (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only rows before this instant (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Where to write to; without it, the standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Which installation is meant.
#[derive(Debug, Args)]
pub struct Place {
    /// The application's manifest.
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub from: PathBuf,
    /// The state directory.
    #[arg(long, value_name = "DIR", default_value = ".signalbox")]
    pub state: PathBuf,
    /// Spin's runtime configuration, if one is used.
    #[arg(long, value_name = "FILE")]
    pub runtime_config_file: Option<PathBuf>,
}

impl Place {
    /// The runtime configuration.
    ///
    /// # Errors
    /// If the file cannot be read or is refused.
    pub fn config(&self) -> Outcome<RuntimeConfig> {
        self.runtime_config_file.as_deref().map_or_else(|| Ok(RuntimeConfig::default()), RuntimeConfig::read)
    }
}

/// Options of `signalbox up`.
#[derive(Debug, Args)]
pub struct Up {
    /// The application's manifest.
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub from: PathBuf,
    /// Where to listen; port 0 takes a free one, which the ready line names.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Where databases live; without it, they live in memory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Spin's runtime configuration: databases and blocked networks.
    #[arg(long, value_name = "FILE")]
    pub runtime_config_file: Option<PathBuf>,
    /// A variable's value as name=value, name=@file, @file.toml or @file.json; wins over SPIN_VARIABLE_NAME.
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// How log lines on stderr look.
    #[arg(long, value_enum, default_value_t)]
    pub log_format: Format,
    /// Log warnings and errors only.
    #[arg(long, short)]
    pub quiet: bool,
    /// Let components reach private addresses, such as this machine.
    #[arg(long)]
    pub allow_private_outbound: bool,
    /// How many requests an instance serves before a new one takes its place.
    #[arg(long, value_name = "COUNT", default_value_t = 128)]
    pub max_instance_reuse_count: usize,
    /// How many requests an instance serves at one time.
    #[arg(long, value_name = "COUNT", default_value_t = 16)]
    pub max_instance_concurrent_reuse_count: usize,
    /// How long an instance without requests is kept, for example 500ms or 1s.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub idle_instance_timeout: Duration,
    /// How long a request may take before it is answered with 504, for example 30s.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub request_timeout: Option<Duration>,
    /// Where compiled components are kept.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// For tests: a file with milliseconds that are added to the wall clock, read anew at each look.
    #[arg(long, value_name = "FILE")]
    pub test_clock: Option<PathBuf>,
}

impl Up {
    /// What the application is loaded with.
    ///
    /// # Errors
    /// If a file that is named cannot be read or is refused.
    pub fn options(&self) -> Outcome<Options> {
        let runtime_config = match &self.runtime_config_file {
            Some(file) => RuntimeConfig::read(file)?,
            None => RuntimeConfig::default(),
        };
        Ok(Options {
            state: self.state.clone(),
            runtime_config,
            variables: variables::given(&self.variables)?,
            allow_private_outbound: self.allow_private_outbound,
            reuse: Reuse {
                requests: self.max_instance_reuse_count.max(1),
                at_once: self.max_instance_concurrent_reuse_count.max(1),
                idle: self.idle_instance_timeout,
                request_timeout: self.request_timeout,
            },
            test_clock: self.test_clock.clone(),
            cache: self.cache.clone(),
        })
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| "write a whole number with s, ms or us, for example 1s")?;
    match unit {
        "" | "s" => Ok(Duration::from_secs(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "us" | "μs" => Ok(Duration::from_micros(number)),
        _ => Err(format!("'{unit}' is no unit of time; write s, ms or us")),
    }
}
