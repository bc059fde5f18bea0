//! What must hold beside the tests? Format, lints, walls, licences, the OpenAPI document: all of it, then the verdict.

use crate::{
    build::{WASM, ensure_wasm_target},
    openapi,
    run::{cargo, succeed},
    tidy,
    workspace::{Workspace, say},
};
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// One thing that must hold.
type Check = (&'static str, fn(&Workspace) -> Result<()>);

const CHECKS: &[Check] = &[
    ("format", format),
    ("lints", lints),
    ("lints of the components", component_lints),
    ("tidy", tidy::tidy),
    ("licences and advisories", licences),
    ("OpenAPI document", openapi::check),
];

pub(crate) fn ci(workspace: &Workspace) -> Result<()> {
    let mut broken = Vec::new();
    for (name, check) in CHECKS {
        say(&format!("checking: {name}"));
        if let Err(error) = check(workspace) {
            eprintln!("error: {name}: {error:#}");
            broken.push(*name);
        }
    }
    if broken.is_empty() {
        say("everything holds");
        return Ok(());
    }
    bail!("does not hold: {}", broken.join(", "))
}

fn format(workspace: &Workspace) -> Result<()> {
    succeed(&mut cargo(workspace, &["fmt", "--all", "--check"]))
}

fn lints(workspace: &Workspace) -> Result<()> {
    succeed(&mut cargo(workspace, &["clippy", "--release", "--all-targets", "--", "--deny", "warnings"]))
}

fn component_lints(workspace: &Workspace) -> Result<()> {
    let components = workspace.components()?;
    if components.is_empty() {
        return Ok(());
    }
    ensure_wasm_target(workspace)?;
    let mut command = cargo(workspace, &["clippy", "--target", WASM, "--release"]);
    for component in &components {
        command.args(["--package", &component.package]);
    }
    succeed(command.args(["--", "--deny", "warnings"]))
}

/// cargo-deny is a tool of its own, not to be had with Rust: where it is absent, that is said and not failed.
fn licences(workspace: &Workspace) -> Result<()> {
    let there = Command::new("cargo-deny")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !there {
        say("cargo-deny is not installed (cargo install cargo-deny): deny.toml was not checked");
        return Ok(());
    }
    succeed(&mut cargo(workspace, &["deny", "check"]))
}
