//! Which chores are there? `cargo xtask --help` lists them; each has a module of its name.

mod bench;
mod build;
mod ci;
mod openapi;
mod run;
mod stamp;
mod test;
mod tidy;
mod up;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of Signalbox", disable_help_subcommand = true)]
struct Chore {
    #[command(subcommand)]
    chore: Which,
}

#[derive(Subcommand)]
enum Which {
    /// Build everything that is needed and serve it; stop with Ctrl-C or SIGTERM.
    ///
    /// An empty state directory is made ready first: secrets, schema, the tenant acme-corp, its rule and its owner.
    /// The credentials are then in DIR/credentials.json.
    Up(up::Args),
    /// Build the components (wasm32-wasip2) and the host; nothing when nothing changed.
    Build(build::Args),
    /// Build, then run all tests, those over HTTP against the built components included.
    Test(test::Args),
    /// Check the walls of the house: who uses whom, which words belong to whom, names, sizes, links.
    Tidy,
    /// Write docs/openapi.json from the running program, or compare it with --check.
    Openapi(openapi::Args),
    /// Measure: floor, ingest, latency, start-up, memory; or kill the host again and again and count what is lost.
    Bench(bench::Args),
    /// Everything that must hold beside the tests: format, lints, tidy, OpenAPI document.
    Ci,
}

fn main() -> ExitCode {
    let chore = Chore::parse();
    let done = Workspace::find().and_then(|workspace| match chore.chore {
        Which::Up(args) => up::up(&workspace, &args),
        Which::Build(args) => build::build(&workspace, &args),
        Which::Test(args) => test::test(&workspace, &args),
        Which::Tidy => tidy::tidy(&workspace),
        Which::Openapi(args) => openapi::openapi(&workspace, &args),
        Which::Bench(args) => bench::bench(&workspace, &args),
        Which::Ci => ci::ci(&workspace),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
