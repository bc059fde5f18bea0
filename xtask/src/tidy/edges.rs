//! Does every crate use only what stands below it? Read from `cargo metadata`, held against the reviewed table.

use super::{Breach, allowed};
use crate::{
    run::{cargo, output},
    workspace::Workspace,
};
use anyhow::{Context as _, Result};
use serde_json::Value;

const REMEDY: &str = "move the code to the floor that both may use, or to pipeline, which brings areas together; \
    a door in xtask/src/tidy/allowed.rs needs a reason";

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Breach>> {
    let text =
        output(&mut cargo(workspace, &["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
    Ok(breaches(&metadata))
}

fn breaches(metadata: &Value) -> Vec<Breach> {
    let packages = || metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    let name = |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let ours: Vec<String> = packages().map(name).collect();
    let mut found = Vec::new();
    for package in packages() {
        let user = name(package);
        if !allowed::is_known(&user) {
            found.push(Breach::new(
                format!("package {user}"),
                "is not in the table of who may use whom",
                "give it a line in xtask/src/tidy/allowed.rs and a place in ARCHITECTURE.md",
            ));
            continue;
        }
        let used = package.get("dependencies").and_then(Value::as_array).into_iter().flatten().map(name);
        for used in used.filter(|used| ours.contains(used)) {
            // A crate may name itself among its dev-dependencies, to switch on a feature.
            if used != user && !allowed::may_use(&user, &used) {
                found.push(Breach::new(format!("package {user}"), format!("uses {used}"), REMEDY));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_edge_between_areas_is_a_breach() {
        let metadata = json!({"packages": [
            {"name": "rules", "dependencies": [{"name": "kernel"}, {"name": "jobs"}, {"name": "serde"}]},
            {"name": "jobs", "dependencies": []},
            {"name": "kernel", "dependencies": []},
            {"name": "drawer", "dependencies": []},
        ]});
        let found: Vec<String> =
            breaches(&metadata).into_iter().map(|breach| breach.place + " " + &breach.what).collect();
        assert_eq!(
            found,
            ["package rules uses jobs", "package drawer is not in the table of who may use whom"]
        );
    }
}
