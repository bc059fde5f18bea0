//! Is everything that is there also in use? Components in spin.toml, migrations in one unbroken row.

use super::{Breach, tree::Tree};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};

pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Result<Vec<Breach>> {
    let mut found = migrations(tree);
    let components = workspace.components()?;
    let Some(spin) = tree.files.iter().find(|file| file.path == "spin.toml") else {
        if !components.is_empty() {
            found.push(Breach::new("spin.toml", "is missing", "every component is started by it"));
        }
        return Ok(found);
    };
    let table: toml::Table = spin.text.parse().context("spin.toml is not TOML")?;
    let sources: Vec<&str> = table
        .get("component")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(toml::Table::values)
        .filter_map(|component| component.get("source")?.as_str())
        .collect();
    for component in components {
        let wasm = format!("{}.wasm", component.package.replace('-', "_"));
        if !sources.iter().any(|source| source.ends_with(&format!("/{wasm}"))) {
            found.push(Breach::new(
                format!("components/{}", component.folder),
                "is started by nothing",
                format!(
                    "give spin.toml a [component.{}] whose source is target/wasm32-wasip2/release/{wasm}",
                    component.folder
                ),
            ));
        }
    }
    Ok(found)
}

fn migrations(tree: &Tree) -> Vec<Breach> {
    let names = tree.files.iter().filter_map(|file| file.path.strip_prefix("migrations/"));
    names
        .enumerate()
        .filter(|(place, name)| !name.starts_with(&format!("{:04}_", place + 1)) || !name.ends_with(".sql"))
        .map(|(place, name)| {
            let remedy =
                "migrations are NNNN_name.sql, numbered without a gap and never renumbered once released";
            Breach::new(
                format!("migrations/{name}"),
                format!("stands where {:04}_….sql should", place + 1),
                remedy,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_breach() {
        let tree = Tree::of(&[("migrations/0001_a.sql", ""), ("migrations/0003_b.sql", "")]);
        let places: Vec<String> = migrations(&tree).into_iter().map(|breach| breach.place).collect();
        assert_eq!(places, ["migrations/0003_b.sql"]);
    }
}
