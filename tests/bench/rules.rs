//! How many events can rules be asked about in a second: natively, as a component, and beside engines of others? With many rules,
//! and over what happened before?

use crate::{contestant::Contestant, past, report::Report};
use anyhow::Result;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const NATIVE: &str = "native";
const WASM: &str = "wasm";
const JSON_RULES: &str = "json-rules-engine";
const ZEN: &str = "zen-engine";
const ZEN_RUST: &str = "zen-expression (Rust)";

/// The cases that are the same for every engine.
const VERDICT: &str = "verdict";

/// What is measured besides.
pub struct Wish {
    /// How often each is measured; once more, for warmth, that does not count.
    pub rounds: u32,
    /// Whether backtests are run over HTTP as well.
    pub http: bool,
}

/// Everything, into `report`.
pub fn measure(wish: &Wish, report: &mut Report) -> Result<()> {
    let cases: Value = serde_json::from_str(include_str!("../speed/cases.json"))?;
    let mut all = contestants(&cases["matches"])?;
    for round in 0..=wish.rounds {
        report.doing(&format!("round {round} of {}: all engines in turn", wish.rounds));
        for one in &mut all {
            one.measure("evaluation", round > 0)?;
        }
        for part in ["crowd", "past"] {
            for one in all.iter_mut().filter(|one| [NATIVE, WASM].contains(&one.name())) {
                one.measure(part, round > 0)?;
            }
        }
    }
    for one in &all {
        for (case, nanos) in one.figures() {
            let mut rates: Vec<f64> = nanos.iter().map(|nanos| 1e9 / nanos).collect();
            report.spread(&named(one.name(), case), &mut rates, "1/s");
        }
    }
    drop(all);
    aims(report);
    if wish.http { past::measure(report) } else { Ok(()) }
}

fn named(who: &str, case: &str) -> String {
    format!("{who}: {case}")
}

/// Holds what was measured against the aims.
fn aims(report: &mut Report) {
    let (ours, wasm) = (named(NATIVE, VERDICT), named(WASM, VERDICT));
    for case in [VERDICT, "verdict, 160 at a time"] {
        let name = format!("verdicts, native per {JSON_RULES} ({case})");
        report.ratio(&name, &ours, &named(JSON_RULES, case), 20.0);
    }
    report.ratio("verdicts, native per zen-engine compiled, from Python", &ours, &named(ZEN, VERDICT), 1.0);
    report.ratio(
        "verdicts, native per zen-expression compiled, in Rust",
        &ours,
        &named(ZEN_RUST, VERDICT),
        1.0,
    );
    report.ratio("verdicts, wasm per native", &wasm, &ours, 0.5);
    let read = "reading and verdict";
    report.ratio(
        "reading and verdict, native per json-rules-engine",
        &named(NATIVE, read),
        &named(JSON_RULES, read),
        0.0,
    );
    report.ratio("reading and verdict, native per zen-engine", &named(NATIVE, read), &named(ZEN, read), 0.0);
    for who in [NATIVE, WASM] {
        for means in ["equality", "a list", "a threshold", "a part of a text"] {
            let name = format!("{who}: an event with 10,000 rules per one with 10, told apart by {means}");
            let of = |count: u32| named(who, &format!("{count} rules, told apart by {means}"));
            report.ratio(&name, &of(10), &of(10_000), 0.0);
            report.at_most(&name, 10.0);
        }
        report.at_least(&named(who, "event of a backtest"), 50_000.0);
    }
}

/// Those that can be had on this machine; of others it is said why not.
fn contestants(wanted: &Value) -> Result<Vec<Contestant>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let target = root.join("target");
    let others = root.join("tests/counterparts");
    let mut wasm = Command::new(target.join("release/examples/command"));
    wasm.arg(target.join("wasm32-wasip2/release/speed.wasm"));
    let mut all = vec![
        Contestant::start(NATIVE, &mut Command::new(target.join("release/speed")), wanted)?,
        Contestant::start(WASM, &mut wasm, wanted)?,
    ];
    let packages = others.join("json-rules");
    if packages.join("node_modules").is_dir()
        || runs(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&packages))
    {
        all.push(Contestant::start(
            JSON_RULES,
            Command::new("node").arg("measure.mjs").current_dir(&packages),
            wanted,
        )?);
    } else {
        eprintln!(
            "skipped: {JSON_RULES} needs Node.js and its packages (npm ci in tests/counterparts/json-rules)"
        );
    }
    match python(&target, &others.join("zen")) {
        Some(python) => {
            all.push(Contestant::start(
                ZEN,
                Command::new(python).arg(others.join("zen/measure.py")),
                wanted,
            )?);
        }
        None => eprintln!(
            "skipped: {ZEN} needs Python 3 with venv and pip, and its wheel (tests/counterparts/zen/requirements.txt)"
        ),
    }
    let rust = target.join("zen/release/zen-speed");
    if rust.exists() {
        all.push(Contestant::start(ZEN_RUST, &mut Command::new(rust), wanted)?);
    }
    Ok(all)
}

/// A Python that has zen-engine, made on demand.
fn python(target: &Path, folder: &Path) -> Option<PathBuf> {
    let place = target.join("bench/python");
    let python = place.join("bin/python");
    let has = || runs(Command::new(&python).args(["-c", "import zen"]));
    if has() {
        return Some(python);
    }
    let made = runs(Command::new("python3").args(["-m", "venv"]).arg(&place))
        && runs(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "-r"])
                .arg(folder.join("requirements.txt")),
        );
    (made && has()).then_some(python)
}

fn runs(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
