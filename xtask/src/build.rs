//! How does the source become something that runs? All components in one cargo call, then the host.

use crate::{
    run::{cargo, output, succeed, words},
    stamp::Stamp,
    workspace::{Component, Workspace, say},
};
use anyhow::{Result, bail};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

/// What components are compiled for.
pub(crate) const WASM: &str = "wasm32-wasip2";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Ask cargo even though no source changed, as after an update of the toolchain.
    #[arg(long)]
    force: bool,
}

pub(crate) fn build(workspace: &Workspace, args: &Args) -> Result<()> {
    if ensure(workspace, args.force)? {
        say("built; start it with cargo xtask up");
    } else {
        say("nothing changed since the last build");
    }
    Ok(())
}

/// Builds what is not built yet. Tells whether there was something to do.
pub(crate) fn ensure(workspace: &Workspace, force: bool) -> Result<bool> {
    let stamp = Stamp::of(workspace)?;
    let components = workspace.components()?;
    let complete =
        workspace.signalbox().exists() && components.iter().all(|one| one.wasm(workspace).exists());
    if !force && complete && stamp.is_fresh() {
        return Ok(false);
    }
    build_components(workspace, &components)?;
    build_host(workspace)?;
    compile_ahead(workspace);
    // Taken before the build: a source that was saved meanwhile makes the next one look again.
    stamp.keep()?;
    Ok(true)
}

fn build_components(workspace: &Workspace, components: &[Component]) -> Result<()> {
    if components.is_empty() {
        say("components/ is empty: no components to build");
        return Ok(());
    }
    ensure_wasm_target(workspace)?;
    let names: Vec<&str> = components.iter().map(|one| one.folder.as_str()).collect();
    say(&format!("building {} components for {WASM}: {}", names.len(), names.join(", ")));
    let mut command = cargo(workspace, &["build", "--target", WASM, "--release"]);
    for component in components {
        command.args(["--package", &component.package]);
    }
    timed(&mut command)?;
    for component in components {
        let wasm = component.wasm(workspace);
        if !wasm.exists() {
            bail!(
                "cargo made no {}: components/{} needs crate-type = [\"cdylib\"]",
                wasm.display(),
                component.folder
            );
        }
    }
    Ok(())
}

fn build_host(workspace: &Workspace) -> Result<()> {
    if !workspace.has_host() {
        say("host/ is missing: no program to build");
        return Ok(());
    }
    say("building the host, target/release/signalbox (the first time compiles wasmtime: several minutes)");
    timed(&mut cargo(workspace, &["build", "--release", "--package", "host"]))
}

/// From wasm to this machine's code, which is kept in target/: else the first start would do it, and tests that start many programs
/// would wait for each other. Where nothing can be kept, everything is built all the same, and each start compiles.
fn compile_ahead(workspace: &Workspace) {
    if !workspace.signalbox().exists() || !workspace.root.join("spin.toml").exists() {
        return;
    }
    say("compiling the components for this machine");
    let mut command = Command::new(workspace.signalbox());
    command.current_dir(&workspace.root).args(["compile", "--from", "spin.toml"]);
    if timed(&mut command).is_err() {
        say("the components were not compiled ahead; why stands above. Each start will do it");
    }
}

fn timed(command: &mut Command) -> Result<()> {
    let start = Instant::now();
    succeed(command)?;
    say(&format!("done in {:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// Installs the target through rustup unless the toolchain has it already, whoever installed that.
pub(crate) fn ensure_wasm_target(workspace: &Workspace) -> Result<()> {
    let mut ask = Command::new("rustc");
    ask.current_dir(&workspace.root).args(["--print", "target-libdir", "--target", WASM]);
    let library = output(&mut ask)?;
    if Path::new(library.trim()).exists() {
        return Ok(());
    }
    say(&format!("installing the target {WASM}"));
    let mut add = Command::new("rustup");
    add.current_dir(&workspace.root).args(["target", "add", WASM]).stdin(Stdio::null());
    match add.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("{} ended with {status}: look at its message above, then try again", words(&add)),
        Err(_) => bail!(
            "this Rust has no target {WASM}, and there is no rustup to install it. Components are compiled for that target. \
             Install Rust with rustup (https://rustup.rs), or the package of your distribution that holds {WASM}"
        ),
    }
}
