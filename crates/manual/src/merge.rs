//! How do the components' parts become one document?
//!
//! A schema that two parts say alike is kept once. Where they say different things under one name, the later part's is
//! kept under its own name (`JobsAttempt`), and what points at it follows. A route that two parts claim is a fault.

use kernel::{Fault, Kind};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const REFERENCE: &str = "#/components/schemas/";

/// What the document says of itself.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The product's name.
    pub title: &'a str,
    /// The product's version.
    pub version: &'a str,
    /// What holds for every route, in Markdown.
    pub description: &'a str,
    /// Where the paths begin, and what each beginning means.
    pub servers: &'a [Value],
    /// The areas in the order in which people read them, each with what it is for.
    pub areas: &'a [(&'a str, &'a str)],
}

/// What one component says of itself.
#[derive(Debug, Clone)]
pub struct Part {
    /// The component's name.
    pub name: String,
    /// Its OpenAPI document.
    pub document: Value,
}

/// Two parts contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Both answer to one route.
    #[error("two components say that they answer to {0}")]
    Route(String),
    /// Both mean something else by one name.
    #[error("two components say different things under #/components/{0}")]
    Name(String),
}

impl Fault for MergeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Route(_) | Self::Name(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Route(_) | Self::Name(_) => "INTERNAL",
        }
    }
}

/// One document of all parts.
///
/// # Errors
/// [`MergeError`] if two parts contradict each other.
pub fn merge(about: &About<'_>, parts: Vec<Part>) -> Result<Value, MergeError> {
    let mut merged = Merged::default();
    for part in parts {
        merged.take(part)?;
    }
    Ok(merged.finish(about))
}

#[derive(Default)]
struct Merged {
    paths: Map<String, Value>,
    components: BTreeMap<String, Map<String, Value>>,
    /// What parts say of areas.
    described: BTreeMap<String, Value>,
    operations: BTreeSet<String>,
}

impl Merged {
    fn take(&mut self, part: Part) -> Result<(), MergeError> {
        let Part { name, mut document } = part;
        let known = self.components.entry("schemas".to_owned()).or_default();
        let renamed = contradictions(known, &document, &name);
        if !renamed.is_empty() {
            redirect(&mut document, &renamed);
        }
        for (section, entries) in taken(&mut document, "components") {
            let Value::Object(entries) = entries else { continue };
            let is_schemas = section == "schemas";
            let there = self.components.entry(section.clone()).or_default();
            for (key, entry) in entries {
                let key = if is_schemas { renamed.get(&key).cloned().unwrap_or(key) } else { key };
                match there.get(&key) {
                    Some(before) if *before != entry => {
                        return Err(MergeError::Name(format!("{section}/{key}")));
                    }
                    Some(_) => {}
                    None => drop(there.insert(key, entry)),
                }
            }
        }
        if let Some(Value::Array(tags)) = document.get_mut("tags").map(Value::take) {
            for tag in tags {
                if let Some(area) = tag.get("name").and_then(Value::as_str) {
                    self.described.entry(area.to_owned()).or_insert(tag);
                }
            }
        }
        for (path, item) in taken(&mut document, "paths") {
            let Value::Object(item) = item else { continue };
            for (method, operation) in item {
                self.route(&name, &path, method, operation)?;
            }
        }
        Ok(())
    }

    fn route(
        &mut self,
        part: &str,
        path: &str,
        method: String,
        mut operation: Value,
    ) -> Result<(), MergeError> {
        if let Some(Value::String(id)) = operation.get_mut("operationId")
            && !self.operations.insert(id.clone())
        {
            *id = format!("{part}_{id}");
            self.operations.insert(id.clone());
        }
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        let Value::Object(item) = item else { return Ok(()) };
        if item.contains_key(&method) {
            return Err(MergeError::Route(format!("{} {path}", method.to_uppercase())));
        }
        item.insert(method, operation);
        Ok(())
    }

    fn finish(mut self, about: &About<'_>) -> Value {
        let used: BTreeSet<String> = self
            .paths
            .values()
            .filter_map(Value::as_object)
            .flat_map(Map::values)
            .filter_map(|operation| operation.get("tags")?.as_array())
            .flatten()
            .filter_map(|tag| tag.as_str().map(str::to_owned))
            .collect();
        let mut tags: Vec<Value> = Vec::new();
        for (name, description) in about.areas {
            let said = self.described.remove(*name);
            if used.contains(*name) {
                let described = said.filter(|tag| tag.get("description").is_some());
                tags.push(described.unwrap_or_else(|| json!({"name": name, "description": description})));
            }
        }
        let ordered: BTreeSet<&str> = about.areas.iter().map(|(name, _)| *name).collect();
        for name in used.iter().filter(|name| !ordered.contains(name.as_str())) {
            tags.push(self.described.remove(name).unwrap_or_else(|| json!({ "name": name })));
        }
        json!({
            "openapi": "3.1.0",
            "info": {"title": about.title, "version": about.version, "description": about.description},
            "servers": about.servers,
            "tags": tags,
            "paths": self.paths,
            "components": self.components,
        })
    }
}

fn taken(document: &mut Value, key: &str) -> Map<String, Value> {
    match document.get_mut(key).map(Value::take) {
        Some(Value::Object(map)) => map,
        Some(_) | None => Map::new(),
    }
}

/// The schemas of `document` that say something else than those of the same name in `known`, each with its new name. A
/// schema that reads alike but points at such a one says something else too.
fn contradictions(known: &Map<String, Value>, document: &Value, part: &str) -> BTreeMap<String, String> {
    let Some(ours) = document.pointer("/components/schemas").and_then(Value::as_object) else {
        return BTreeMap::new();
    };
    let mut names: BTreeSet<&str> = ours
        .iter()
        .filter(|(name, schema)| known.get(*name).is_some_and(|before| before != *schema))
        .map(|(name, _)| name.as_str())
        .collect();
    loop {
        let more: Vec<&str> = ours
            .iter()
            .filter(|(name, schema)| {
                known.contains_key(*name) && !names.contains(name.as_str()) && points_at(schema, &names)
            })
            .map(|(name, _)| name.as_str())
            .collect();
        if more.is_empty() {
            break;
        }
        names.extend(more);
    }
    names.into_iter().map(|name| (name.to_owned(), format!("{}{name}", capitalised(part)))).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn points_at(value: &Value, names: &BTreeSet<&str>) -> bool {
    match value {
        Value::String(text) => text.strip_prefix(REFERENCE).is_some_and(|name| names.contains(name)),
        Value::Array(items) => items.iter().any(|item| points_at(item, names)),
        Value::Object(map) => map.values().any(|item| points_at(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn redirect(value: &mut Value, renamed: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = text.strip_prefix(REFERENCE).and_then(|name| renamed.get(name)) {
                *text = format!("{REFERENCE}{new}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(item, renamed)),
        Value::Object(map) => map.values_mut().for_each(|item| redirect(item, renamed)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'static> = About {
        title: "Signalbox",
        version: "1.0.0",
        description: "d",
        servers: &[],
        areas: &[("rules", "What happens when."), ("jobs", "The queue.")],
    };

    fn part(name: &str, path: &str, id: &str, schemas: Value) -> Part {
        let operation = json!({"tags": [name], "operationId": id,
            "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/List"}}}}}});
        let document = json!({"paths": {path: {"get": operation}}, "components": {"schemas": schemas}});
        Part { name: name.to_owned(), document }
    }

    fn list(item: &str) -> Value {
        json!({"List": {"items": {"$ref": "#/components/schemas/Item"}}, "Item": {"type": item}})
    }

    #[test]
    fn schemas_that_agree_are_kept_once() {
        let parts = vec![
            part("jobs", "/jobs", "list", list("string")),
            part("rules", "/rules", "list", list("string")),
        ];
        let document = merge(&ABOUT, parts).unwrap();
        let names: Vec<&String> = document["components"]["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["Item", "List"]);
        assert_eq!(document["paths"]["/rules"]["get"]["operationId"], "rules_list");
        let areas: Vec<&str> =
            document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
        assert_eq!(areas, ["rules", "jobs"]);
    }

    #[test]
    fn schemas_that_contradict_are_told_apart_with_all_that_points_at_them() {
        let parts =
            vec![part("jobs", "/jobs", "a", list("string")), part("rules", "/rules", "b", list("integer"))];
        let document = merge(&ABOUT, parts).unwrap();
        let reference = |path: &str| {
            let pointer = "/get/responses/200/content/application~1json/schema/$ref";
            document["paths"][path].pointer(pointer).unwrap().as_str().unwrap().to_owned()
        };
        assert_eq!(reference("/jobs"), "#/components/schemas/List");
        assert_eq!(reference("/rules"), "#/components/schemas/RulesList");
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["RulesList"]["items"]["$ref"], "#/components/schemas/RulesItem");
        assert_eq!(
            (&schemas["Item"]["type"], &schemas["RulesItem"]["type"]),
            (&json!("string"), &json!("integer"))
        );
    }

    #[test]
    fn a_route_belongs_to_one_component() {
        let parts = vec![part("jobs", "/x", "a", json!({})), part("rules", "/x", "b", json!({}))];
        assert_eq!(merge(&ABOUT, parts), Err(MergeError::Route("GET /x".to_owned())));
    }
}
