//! Is a component compiled once, whoever asks, and is it said if it will have to be done again?

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::world::{World, fresh, manifest};

fn compile(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    command
        .args(["compile", "--cache", "compiled"])
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A directory with an application whose two components are the same file.
fn application(name: &str) -> std::path::PathBuf {
    let directory = fresh(name);
    std::fs::write(directory.join("spin.toml"), manifest("[]", "")).unwrap();
    directory
}

#[test]
fn what_is_compiled_is_there_at_the_start() {
    let directory = application("compile");
    assert_eq!(
        said(&compile(&directory).output().unwrap()),
        "2 components are ready, 1 of them compiled now"
    );
    assert_eq!(
        said(&compile(&directory).output().unwrap()),
        "2 components are ready, 0 of them compiled now"
    );
    let world = World::again(directory, &["--cache", "compiled"]);
    assert_eq!(world.get("/count").body, "1");
    assert!(!world.log.lock().unwrap().contains("Compiling"));
}

#[test]
fn two_programs_at_once_share_the_work() {
    let directory = application("compile-twice");
    let both = [compile(&directory).spawn().unwrap(), compile(&directory).spawn().unwrap()];
    let mut told = both.map(|child| said(&child.wait_with_output().unwrap()));
    told.sort();
    assert_eq!(
        told,
        ["2 components are ready, 0 of them compiled now", "2 components are ready, 1 of them compiled now"]
    );
}

#[test]
fn a_cache_that_others_may_write_to_is_refused() {
    let directory = application("compile-open");
    let cache = directory.join("compiled");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = compile(&directory).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(error.contains("cannot be kept") && error.contains("others may write to it"), "{error}");
}
