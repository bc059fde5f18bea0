//! Where is everything? The root of the checkout, the components, and what cargo makes of them.

use anyhow::{Context as _, Result, anyhow};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The checkout that this program was built from.
pub(crate) struct Workspace {
    /// Its root: the folder of spin.toml.
    pub(crate) root: PathBuf,
}

/// A folder in `components/`.
pub(crate) struct Component {
    /// The folder's name: `rules`.
    pub(crate) folder: String,
    /// The package in it: `rules-component`.
    pub(crate) package: String,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here
            .parent()
            .filter(|root| root.join("Cargo.toml").exists())
            .ok_or_else(|| anyhow!("{} is gone: run cargo xtask inside the checkout", here.display()))?;
        Ok(Self { root: root.to_owned() })
    }

    /// Where everything is built. Fixed, because spin.toml names files in it.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The program that runs spin.toml.
    pub(crate) fn signalbox(&self) -> PathBuf {
        self.target().join("release").join("signalbox")
    }

    pub(crate) fn has_host(&self) -> bool {
        self.root.join("host/Cargo.toml").exists()
    }

    /// The folders of `components/`, sorted.
    pub(crate) fn components(&self) -> Result<Vec<Component>> {
        let mut found = Vec::new();
        let parent = self.root.join("components");
        if !parent.exists() {
            return Ok(found);
        }
        for entry in fs::read_dir(&parent).with_context(|| format!("cannot list {}", parent.display()))? {
            let entry = entry?;
            let manifest = entry.path().join("Cargo.toml");
            if !manifest.exists() {
                continue;
            }
            let text = fs::read_to_string(&manifest)
                .with_context(|| format!("cannot read {}", manifest.display()))?;
            let table: toml::Table =
                text.parse().with_context(|| format!("{} is not TOML", manifest.display()))?;
            let package = table
                .get("package")
                .and_then(|package| package.get("name"))
                .and_then(toml::Value::as_str)
                .ok_or_else(|| anyhow!("{} has no package.name", manifest.display()))?;
            found.push(Component {
                folder: entry.file_name().to_string_lossy().into_owned(),
                package: package.to_owned(),
            });
        }
        found.sort_by(|one, other| one.folder.cmp(&other.folder));
        Ok(found)
    }
}

impl Component {
    /// The file that spin.toml names as this component's source.
    pub(crate) fn wasm(&self, workspace: &Workspace) -> PathBuf {
        workspace
            .target()
            .join("wasm32-wasip2/release")
            .join(format!("{}.wasm", self.package.replace('-', "_")))
    }
}

/// Tells what is being done now, so that a long silence has a name.
pub(crate) fn say(what: &str) {
    eprintln!("xtask: {what}");
}
