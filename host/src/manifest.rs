//! What does spin.toml say?
//!
//! Reads the part of Spin's manifest (version 2) that Signalbox uses. Whatever else stands there is refused by name
//! and line, so that an application never runs here with less than it asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::{Failure, Outcome};

/// The manifest, parsed and checked; paths are still as written, relative to the manifest's directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u64,
    /// Name and version, shown at `/.well-known/spin/info`.
    pub application: Application,
    /// Variables that the operator may set.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// What starts a component.
    #[serde(default)]
    pub trigger: Triggers,
    /// The components, by id.
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
}

/// `[application]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The application's name.
    pub name: String,
    /// Its version; empty when it is not given.
    #[serde(default)]
    pub version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
}

/// One entry of `[variables]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The value when the operator gives none.
    pub default: Option<String>,
    /// Whether the start is refused without a value.
    #[serde(default)]
    pub required: bool,
    /// Whether the value is a secret; the host prints no values in either case.
    #[serde(default)]
    pub secret: bool,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

/// `[[trigger.*]]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// `[[trigger.http]]`.
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    /// `[[trigger.cron]]`.
    #[serde(default)]
    pub cron: Vec<CronTrigger>,
}

/// A route, or the statement that a component has none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    /// The component that answers.
    pub component: String,
    /// Where it answers.
    pub route: Route,
}

/// The route of an HTTP trigger.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Route {
    /// A pattern such as `/api/...`.
    Public(String),
    /// `{ private = true }`: reachable by service chaining only.
    Private(Private),
}

/// `{ private = true }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Private {
    /// Must be true.
    pub private: bool,
}

/// A schedule in six fields, seconds first.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CronTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    /// The component that is called.
    pub component: String,
    /// When, in UTC.
    pub cron_expression: String,
}

/// One `[component.*]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The path of its wasm file.
    pub source: PathBuf,
    #[serde(default, rename = "description")]
    _description: String,
    /// Its variables; a value may hold `{{ name }}`.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Where it may send requests.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Labels of its key-value stores.
    #[serde(default)]
    pub key_value_stores: BTreeSet<String>,
    /// Labels of its databases.
    #[serde(default)]
    pub sqlite_databases: BTreeSet<String>,
    #[serde(default, rename = "build")]
    _build: Option<Build>,
}

/// `[component.*.build]` is for whoever builds; the host only checks its shape.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    #[serde(rename = "command")]
    _command: toml::Value,
    #[serde(default, rename = "workdir")]
    _workdir: Option<String>,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, holds something that the host does not know, or contradicts itself.
    pub fn read(path: &Path) -> Outcome<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            Failure::new(
                format!("The application's manifest {} cannot be read: {e}.", path.display()),
                "Without it the host knows neither routes nor components.",
                "Run the command in the directory of spin.toml, or name the file: signalbox up --from path/to/spin.toml.",
            )
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Whether a public route reads just so.
    pub fn has_route(&self, wanted: &str) -> bool {
        self.trigger
            .http
            .iter()
            .any(|trigger| matches!(&trigger.route, Route::Public(route) if route == wanted))
    }

    /// Parses and checks manifest text; `name` is how errors call it.
    ///
    /// # Errors
    /// As [`Manifest::read`], except that no file is read.
    pub fn parse(text: &str, name: &str) -> Outcome<Self> {
        let manifest: Self = toml::from_str(text).map_err(|e| refused(name, e.to_string().trim_end()))?;
        manifest.check(name)?;
        Ok(manifest)
    }

    fn check(&self, name: &str) -> Outcome<()> {
        if self.spin_manifest_version != 2 {
            return Err(refused(
                name,
                &format!("spin_manifest_version is {}, not 2", self.spin_manifest_version),
            ));
        }
        let triggers = self.trigger.http.iter().map(|t| ("http", &t.component));
        let triggers = triggers.chain(self.trigger.cron.iter().map(|t| ("cron", &t.component)));
        for (kind, component) in triggers {
            if !self.component.contains_key(component) {
                return Err(refused(
                    name,
                    &format!(
                        "[[trigger.{kind}]] names the component '{component}', and there is no [component.{component}]"
                    ),
                ));
            }
        }
        for trigger in &self.trigger.http {
            if matches!(&trigger.route, Route::Private(p) if !p.private) {
                let component = &trigger.component;
                return Err(refused(
                    name,
                    &format!("the route of '{component}' is {{ private = false }}; give a pattern"),
                ));
            }
        }
        Ok(())
    }
}

fn refused(name: &str, reason: &str) -> Failure {
    Failure::new(
        format!("{name} is refused: {reason}"),
        "Signalbox runs the part of Spin's manifest (version 2) that it uses itself, and refuses the rest rather than ignore it.",
        "Correct or remove what is named above; docs/operations lists what the host reads. `spin up` runs the whole manifest.",
    )
}
