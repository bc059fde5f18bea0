//! How are all tests run? Everything is built first, because the black-box tests start the built program.

use crate::{
    build,
    run::{cargo, succeed},
    workspace::{Workspace, say},
};
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only tests with this in their name; further words go to cargo test (`-p rules`, `-- --nocapture`).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FILTER")]
    options: Vec<String>,
}

pub(crate) fn test(workspace: &Workspace, args: &Args) -> Result<()> {
    build::ensure(workspace, false)?;
    say("running the tests");
    // Release, as the host is built: wasmtime and SQLite are compiled once, and the black-box tests meet real speed.
    let mut command = cargo(workspace, &["test", "--release", "--no-fail-fast"]);
    command.args(&args.options);
    succeed(&mut command)?;
    say("all tests passed");
    Ok(())
}
