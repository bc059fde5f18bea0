//! How is everything started? Build, then become the host.

use crate::{build, workspace::Workspace};
use anyhow::{Result, anyhow};
use std::{ffi::OsString, os::unix::process::CommandExt as _, process::Command};

/// Where state lives unless --state says otherwise; in .gitignore.
const STATE: &str = ".signalbox";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// For `signalbox up`: --listen 127.0.0.1:3000, --state .signalbox, --log-format json, and what else it knows.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

pub(crate) fn up(workspace: &Workspace, args: &Args) -> Result<()> {
    build::ensure(workspace, false)?;
    let mut command = Command::new(workspace.signalbox());
    command.arg("up").arg("--from").arg(workspace.root.join("spin.toml"));
    if !has(&args.options, "--state") {
        command.arg("--state").arg(workspace.root.join(STATE));
    }
    command.args(&args.options);
    // Not a child but our successor: signals and the exit status are the host's own.
    let error = command.exec();
    Err(anyhow!("cannot start {}: {error}", workspace.signalbox().display()))
}

fn has(options: &[OsString], name: &str) -> bool {
    options
        .iter()
        .filter_map(|option| option.to_str())
        .any(|option| option.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_in_both_spellings() {
        let has_state =
            |words: &[&str]| has(&words.iter().map(OsString::from).collect::<Vec<_>>(), "--state");
        assert!(has_state(&["--listen", "127.0.0.1:0", "--state", "x"]));
        assert!(has_state(&["--state=x"]));
        assert!(!has_state(&["--stateful"]));
    }
}
