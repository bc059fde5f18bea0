//! How are all tests run? Everything is built first, because the black-box tests start the built program.

use crate::{
    build,
    run::{cargo, output, succeed},
    workspace::{Workspace, say},
};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only tests with this in their name; further words go to cargo test (`-p rules`, `-- --nocapture`).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FILTER")]
    options: Vec<String>,
}

pub(crate) fn test(workspace: &Workspace, args: &Args) -> Result<()> {
    build::ensure(workspace, false)?;
    say("running the tests");
    let options: Vec<&str> = args.options.iter().map(String::as_str).collect();
    if options.iter().any(|option| is_choice(option)) {
        return succeed(cargo_test(workspace).args(&options));
    }
    // The host in a call of its own, as it is built: beside the other crates its libraries would be asked for other
    // features, and wasmtime compiled a second time.
    let (host, others): (Vec<String>, Vec<String>) =
        default_members(workspace)?.into_iter().partition(|name| name == "host");
    let mut broken = false;
    for packages in [others, host] {
        let mut command = cargo_test(workspace);
        for package in &packages {
            command.args(["--package", package]);
        }
        broken |= !packages.is_empty() && succeed(command.args(&options)).is_err();
    }
    if broken {
        bail!("some tests failed: their names stand above, in the closing lines of cargo test");
    }
    say("all tests passed");
    Ok(())
}

/// In release, as the host is built: wasmtime and SQLite are compiled once, and the black-box tests meet real speed.
fn cargo_test(workspace: &Workspace) -> std::process::Command {
    cargo(workspace, &["test", "--release", "--no-fail-fast"])
}

/// Whether the option says itself which packages are meant.
fn is_choice(option: &str) -> bool {
    option.starts_with("-p")
        || ["--package", "--workspace", "--all"].iter().any(|choice| option.starts_with(choice))
}

/// The packages that build natively.
fn default_members(workspace: &Workspace) -> Result<Vec<String>> {
    let text = output(&mut cargo(workspace, &["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
    let list = |name: &str| metadata.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let members = list("workspace_default_members");
    let packages = list("packages");
    let meant = packages.iter().filter(|package| package.get("id").is_some_and(|id| members.contains(id)));
    Ok(meant.filter_map(|package| package.get("name")?.as_str().map(str::to_owned)).collect())
}
