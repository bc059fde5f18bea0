//! How fast is it, and what does it lose when it is killed? The measuring itself is `tests/bench`; here it is built and run.

use crate::{
    build,
    run::{cargo, succeed},
    workspace::Workspace,
};
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    which: Option<Which>,
}

#[derive(clap::Subcommand)]
enum Which {
    /// Every measurement in one run (the default): a table, and target/bench/report.json.
    All {
        /// How long each load lasts, in seconds.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Login, refresh and permission check with 10 tenants and with 10,000: target/bench/identity.json.
    Identity,
    /// Kill the host in the middle of 200 events, start it again, look for each; so many rounds.
    Crash {
        /// How often.
        #[arg(long, default_value_t = 20)]
        rounds: u32,
    },
}

pub(crate) fn bench(workspace: &Workspace, args: &Args) -> Result<()> {
    build::ensure(workspace, false)?;
    let mut command = cargo(workspace, &["bench", "--package", "tests", "--bench", "load", "--"]);
    match args.which.as_ref().unwrap_or(&Which::All { seconds: 10 }) {
        Which::All { seconds } => command.args(["all", "--seconds", &seconds.to_string()]),
        Which::Identity => command.arg("identity"),
        Which::Crash { rounds } => command.args(["crash", "--rounds", &rounds.to_string()]),
    };
    succeed(&mut command)
}
