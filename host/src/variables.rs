//! What is the value of a variable?
//!
//! Application variables have a default or are required; the operator sets them by `--variable name=value`, which wins
//! over the environment's `SPIN_VARIABLE_NAME`, which wins over the default: Spin's order. A component sees its own
//! `[component.x.variables]`, whose values may hold `{{ name }}`. Values are read at the start, and may be replaced while
//! the host runs: a component sees the new ones the next time that it asks. None is printed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use crate::failure::{Failure, Outcome};
use crate::manifest::Manifest;

/// The variables of every component, as they are at this moment.
#[derive(Default)]
pub struct Variables(RwLock<Resolved>);

#[derive(Default)]
struct Resolved {
    application: HashMap<String, String>,
    components: HashMap<String, HashMap<String, String>>,
}

/// Why a component did not get a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The name cannot be a variable's name.
    Invalid(String),
    /// The component has no variable of this name.
    Undefined(String),
}

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variables").finish_non_exhaustive()
    }
}

impl Variables {
    /// Resolves everything that the manifest declares.
    ///
    /// `given` are the operator's values; `environment` looks a name such as `SPIN_VARIABLE_TOKEN` up.
    ///
    /// # Errors
    /// If a required variable has no value, or a template or a name is wrong.
    pub fn resolve(
        manifest: &Manifest,
        given: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Outcome<Self> {
        if let Some(name) = given.keys().find(|name| !manifest.variables.contains_key(*name)) {
            tracing::warn!(name, "--variable sets a name that is not in [variables]; it has no effect");
        }
        let mut application = HashMap::new();
        let mut missing = Vec::new();
        for (name, declared) in &manifest.variables {
            check_name(name).map_err(|why| bad_manifest(&why))?;
            if declared.default.is_some() && declared.required {
                return Err(bad_manifest(&format!("the variable '{name}' is required and has a default")));
            }
            let from_environment = || environment(&format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase()));
            match given.get(name).cloned().or_else(from_environment).or_else(|| declared.default.clone()) {
                Some(value) => drop(application.insert(name.clone(), value)),
                None => missing.push(name.as_str()),
            }
        }
        if let Some(first) = missing.first() {
            return Err(Failure::new(
                format!("These variables have no value: {}.", missing.join(", ")),
                "spin.toml requires them, and components would fail without them.",
                format!(
                    "Set each by SPIN_VARIABLE_{}=... in the environment, or by --variable {first}=...",
                    first.to_ascii_uppercase()
                ),
            ));
        }
        let mut components = HashMap::new();
        for (id, component) in &manifest.component {
            let mut values = HashMap::new();
            for (name, template) in &component.variables {
                check_name(name).map_err(|why| bad_manifest(&why))?;
                let value = fill(template, &application).map_err(|why| {
                    bad_manifest(&format!("the variable '{name}' of the component '{id}': {why}"))
                })?;
                values.insert(name.clone(), value);
            }
            components.insert(id.clone(), values);
        }
        Ok(Self(RwLock::new(Resolved { application, components })))
    }

    /// Takes over the values of another, all at once.
    pub fn replace(&self, other: Self) {
        let values = other.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = values;
    }

    /// The value of `name` for a component.
    ///
    /// # Errors
    /// If the name is no variable's name, or the component does not declare it.
    pub fn get(&self, component: &str, name: &str) -> Result<String, Missing> {
        check_name(name).map_err(Missing::Invalid)?;
        let now = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let value = now.components.get(component).and_then(|values| values.get(name)).cloned();
        value.ok_or_else(|| Missing::Undefined(format!("no variable for \"{component}\".\"{name}\"")))
    }

    /// Fills `{{ name }}` from the application's variables.
    ///
    /// # Errors
    /// If a brace is not closed or a name is unknown; the text says which.
    pub fn fill(&self, template: &str) -> Result<String, String> {
        fill(template, &self.0.read().unwrap_or_else(PoisonError::into_inner).application)
    }
}

/// Reads what `--variable` was given: `name=value`, `name=@file`, `@file.toml` or `@file.json`.
///
/// # Errors
/// If the text has none of these forms or a file cannot be read.
pub fn given(arguments: &[String]) -> Outcome<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for argument in arguments {
        if let Some(path) = argument.strip_prefix('@') {
            let text = read(Path::new(path))?;
            let parsed: Option<BTreeMap<String, String>> =
                match Path::new(path).extension().and_then(|e| e.to_str()) {
                    Some("toml") => toml::from_str(&text).ok(),
                    Some("json") => serde_json::from_str(&text).ok(),
                    _ => None,
                };
            all.extend(parsed.ok_or_else(|| {
                Failure::new(
                    format!("The variables file {path} is not understood."),
                    "It must be a .toml or .json file of names and text values.",
                    "Write one line per variable, for example: api_token = \"...\"",
                )
            })?);
        } else if let Some((name, value)) = argument.split_once('=') {
            let value = match value.strip_prefix('@') {
                Some(path) => read(Path::new(path))?,
                None => value.to_owned(),
            };
            all.insert(name.to_owned(), value);
        } else {
            return Err(Failure::new(
                "A --variable is neither name=value nor @file.",
                "The host does not know which variable is meant.",
                "Write --variable name=value, --variable name=@file or --variable @file.toml.",
            ));
        }
    }
    Ok(all)
}

fn read(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path).map_err(|e| {
        Failure::new(
            format!("The variables file {} cannot be read: {e}.", path.display()),
            "The variables that it holds have no value.",
            "Check the path and its permissions.",
        )
    })
}

fn bad_manifest(why: &str) -> Failure {
    Failure::new(
        format!("The variables of the manifest are refused: {why}."),
        "A component would read a wrong or empty value.",
        "Correct [variables] or [component.*.variables] in spin.toml.",
    )
}

fn check_name(name: &str) -> Result<(), String> {
    let reason = if name.is_empty() {
        "must not be empty".to_owned()
    } else if let Some(odd) =
        name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_'))
    {
        format!("invalid character {odd:?}: only lower-case letters, digits and underscores are allowed")
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        "must begin with a lower-case letter".to_owned()
    } else if name.ends_with('_') || name.contains("__") {
        "an underscore may stand only between two other characters".to_owned()
    } else {
        return Ok(());
    };
    Err(format!("{name:?}: {reason}"))
}

fn fill(template: &str, values: &HashMap<String, String>) -> Result<String, String> {
    let mut filled = String::with_capacity(template.len());
    let mut left = template;
    while let Some((before, after)) = left.split_once("{{") {
        let (name, rest) = after.split_once("}}").ok_or("a '{{' is not closed")?;
        let value = values.get(name.trim()).ok_or_else(|| format!("unknown variable '{}'", name.trim()))?;
        filled.push_str(before);
        filled.push_str(value);
        left = rest;
    }
    filled.push_str(left);
    Ok(filled)
}
