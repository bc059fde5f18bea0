//! What does the program say of its own interface? Asked over HTTP, kept as docs/openapi.json, so that a change is a diff.

use crate::{
    build,
    workspace::{Workspace, say},
};
use anyhow::{Context as _, Result, bail};
use std::fs;
use tests::Signalbox;

/// Where the document is kept.
const FILE: &str = "docs/openapi.json";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when docs/openapi.json differs.
    #[arg(long)]
    check: bool,
}

pub(crate) fn openapi(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.check {
        return check(workspace);
    }
    let text = fetch(workspace)?;
    fs::write(workspace.root.join(FILE), text).with_context(|| format!("cannot write {FILE}"))?;
    say(&format!("wrote {FILE}"));
    Ok(())
}

/// Fails when the kept document is not what the program says.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let text = fetch(workspace)?;
    let kept = fs::read_to_string(workspace.root.join(FILE)).unwrap_or_default();
    if kept == text {
        return Ok(());
    }
    let line = kept.lines().zip(text.lines()).take_while(|(one, other)| one == other).count() + 1;
    bail!(
        "{FILE} differs from what the program says, first in line {line}: run cargo xtask openapi and commit the file"
    )
}

fn fetch(workspace: &Workspace) -> Result<String> {
    build::ensure(workspace, false)?;
    let host = Signalbox::start(&[])?;
    let answer = host.client().get("/api/v1/openapi.json")?;
    if answer.status != 200 {
        bail!("GET /api/v1/openapi.json answered {}: {}", answer.status, answer.text());
    }
    // serde_json keeps objects sorted, so the text does not depend on the order in which routes were written down.
    let document = answer.json()?;
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}
