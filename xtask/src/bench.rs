//! How fast is it, and what does it lose when it is killed? The measuring itself is `tests/bench`; here it is built and run.

use crate::{
    build,
    run::{cargo, succeed},
    workspace::{Workspace, say},
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
    /// Evaluations beside other engines, 10 rules against 10,000, backtests; native and wasm: target/bench/rules.json.
    Rules {
        /// How often each is measured.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Without the backtests over HTTP, for which all is built.
        #[arg(long)]
        without_http: bool,
    },
    /// Webhooks: how fast they leave, beside an endpoint that hangs, and when the host is killed: target/bench/webhooks.json.
    Webhooks,
    /// Kill the host in the middle of 200 events, start it again, look for each; so many rounds.
    Crash {
        /// How often.
        #[arg(long, default_value_t = 20)]
        rounds: u32,
    },
}

pub(crate) fn bench(workspace: &Workspace, args: &Args) -> Result<()> {
    let which = args.which.as_ref().unwrap_or(&Which::All { seconds: 10 });
    if let Which::Rules { without_http, .. } = which {
        build_rules(workspace)?;
        if !without_http {
            build::ensure(workspace, false)?;
        }
    } else {
        build::ensure(workspace, false)?;
    }
    let mut command = cargo(workspace, &["bench", "--package", "tests", "--bench", "load", "--"]);
    match which {
        Which::All { seconds } => command.args(["all", "--seconds", &seconds.to_string()]),
        Which::Identity => command.arg("identity"),
        Which::Rules { rounds, without_http } => command
            .args(["rules", "--rounds", &rounds.to_string()])
            .args(without_http.then_some("--without-http")),
        Which::Webhooks => command.arg("webhooks"),
        Which::Crash { rounds } => command.args(["crash", "--rounds", &rounds.to_string()]),
    };
    succeed(&mut command)
}

/// The program that measures rules, native and wasm, and what runs the latter in the host's engine.
fn build_rules(workspace: &Workspace) -> Result<()> {
    build::ensure_wasm_target(workspace)?;
    let wasm = ["build", "--target", build::WASM, "--release", "--package", "speed"];
    succeed(&mut cargo(workspace, &wasm))?;
    succeed(&mut cargo(workspace, &["build", "--release", "--package", "host", "--example", "command"]))?;
    succeed(&mut cargo(workspace, &["build", "--release", "--package", "speed"]))?;
    let zen = ["build", "--release", "--locked", "--manifest-path", "tests/counterparts/zen/Cargo.toml"];
    if succeed(cargo(workspace, &zen).args(["--target-dir", "target/zen"])).is_err() {
        say("zen-expression is left out: its libraries cannot be had");
    }
    Ok(())
}
