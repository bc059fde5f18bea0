//! How does a person read a document? As one page: areas on the left, operations to unfold, nothing to load.
//!
//! The page's only style stands inside it and is allowed by its hash, so that the policy forbids everything else.

use crate::{
    curl::curl,
    html::{anchor, escape},
    outline::{Access, Answer, Area, Form, Operation, Parameter, areas, is, text},
    prose,
    schema::{Node, tree},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("style.css");
/// Below this level of a tree, fields are folded.
const OPEN_LEVELS: usize = 2;
/// A signal's arm and its lamp.
const MARK: &str = "<svg class=\"mark\" viewBox=\"0 0 24 24\" width=\"28\" height=\"28\" aria-hidden=\"true\">\
    <path d=\"M6 2v20M3 22h6\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\"/>\
    <path d=\"M6 5h12l3 3-3 3H6z\" fill=\"currentColor\" opacity=\".25\"/>\
    <circle cx=\"11\" cy=\"8\" r=\"2.2\" fill=\"currentColor\"/></svg>";

/// A page, and the policy under which it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The whole HTML document.
    pub html: String,
    /// The value of the header `Content-Security-Policy`.
    pub policy: String,
}

/// The page of an OpenAPI document whose service answers at `base`, without a trailing slash. The document itself is
/// linked as `source`.
#[must_use]
pub fn page(document: &Value, base: &str, source: &str) -> Page {
    let writer = Writer { document, base };
    let info = document.get("info").unwrap_or(&Value::Null);
    let title = format!("{} API", text(info, "title"));
    let areas = areas(document);
    let count: usize = areas.iter().map(|area| area.operations.len()).sum();
    let sections: String = areas.iter().map(|area| writer.area(area)).collect();
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
         <header class=\"top\"><a class=\"brand\" href=\"#main\">{MARK}<span>{title}</span></a>\
         <span class=\"version\">{version}</span><a class=\"source\" href=\"{source}\">OpenAPI document</a></header>\n\
         <div class=\"frame\">\n{nav}\n<main id=\"main\" tabindex=\"-1\">\n\
         <section class=\"intro\"><h1>{title}</h1>\n\
         <p class=\"lead\">{count} operations in {areas_count} areas, at <code>{base}</code></p>\n{intro}</section>\n\
         {envelope}{sections}</main>\n</div>\n</body>\n</html>\n",
        title = escape(&title),
        version = escape(text(info, "version")),
        source = escape(source),
        nav = navigation(&areas),
        areas_count = areas.len(),
        base = escape(base),
        intro = prose::blocks(text(info, "description")),
        envelope = writer.envelope(),
    );
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Page { html, policy }
}

fn navigation(areas: &[Area<'_>]) -> String {
    let areas: String = areas
        .iter()
        .map(|area| {
            let operations: String = area
                .operations
                .iter()
                .map(|operation| {
                    let words = if operation.summary.is_empty() { operation.path } else { operation.summary };
                    format!("<li><a href=\"#{}\">{}</a></li>", operation.anchor, escape(words))
                })
                .collect();
            format!(
                "<li><a class=\"area\" href=\"#area-{}\">{}</a><ul>{operations}</ul></li>",
                anchor(area.name),
                escape(&titled(area.name))
            )
        })
        .collect();
    format!("<nav aria-label=\"Areas\"><ul>{areas}</ul></nav>")
}

/// An area's name as a heading.
fn titled(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

struct Writer<'a> {
    document: &'a Value,
    base: &'a str,
}

impl Writer<'_> {
    /// The shape of every error, once for all operations.
    fn envelope(&self) -> String {
        let Some(schema) = self.document.pointer("/components/schemas/FaultBody") else {
            return String::new();
        };
        let tree = fields(&tree(self.document, schema).children, 0);
        format!(
            "<details class=\"envelope\"><summary>The shape of every error</summary><div>{tree}</div></details>\n"
        )
    }

    fn area(&self, area: &Area<'_>) -> String {
        let operations: String = area.operations.iter().map(|operation| self.operation(operation)).collect();
        let description = prose::blocks(area.description);
        let id = anchor(area.name);
        let name = escape(&titled(area.name));
        format!(
            "<section class=\"area\" aria-labelledby=\"area-{id}\"><h2 id=\"area-{id}\">{name}</h2>{description}\n\
             {operations}</section>\n"
        )
    }

    fn operation(&self, operation: &Operation<'_>) -> String {
        let method = operation.method;
        let mut marks = match &operation.access {
            Access::Everybody => "<span class=\"access open\">no credential</span>".to_owned(),
            Access::AnyCredential => "<span class=\"access\">any credential</span>".to_owned(),
            Access::Permission(name) => {
                format!("<span class=\"access\"><code>{}</code></span>", escape(name))
            }
        };
        if operation.deprecated {
            marks.push_str("<span class=\"access old\">deprecated</span>");
        }
        let body = operation.body.as_ref().map_or_else(String::new, |body| {
            let must = if body.required || !body.forms.is_empty() { "" } else { " (may be left out)" };
            let about = prose::blocks(body.description);
            let forms: String = body.forms.iter().map(|form| self.form(form, true)).collect();
            format!("<h4>Request body{must}</h4>{about}{forms}")
        });
        let command = escape(&curl(self.document, self.base, operation));
        format!(
            "<details class=\"operation {method}\"><summary><h3><span class=\"method\">{upper}</span> \
             <span class=\"path\">{path}</span></h3><span class=\"summary\">{summary}</span>{marks}</summary>\n\
             <div class=\"inside\" id=\"{id}\">{description}{parameters}{body}{answers}\
             <h4>Example</h4><pre tabindex=\"0\"><code>{command}</code></pre></div></details>\n",
            upper = method.to_uppercase(),
            path = path(operation.path),
            summary = prose::line(operation.summary),
            id = operation.anchor,
            description = prose::blocks(operation.description),
            parameters = self.parameters(&operation.parameters),
            answers = self.answers(&operation.answers),
        )
    }

    fn parameters(&self, parameters: &[Parameter<'_>]) -> String {
        if parameters.is_empty() {
            return String::new();
        }
        let rows: String = parameters
            .iter()
            .map(|parameter| {
                let mut node = tree(self.document, parameter.schema);
                parameter.name.clone_into(&mut node.name);
                node.required = parameter.required;
                if !parameter.description.is_empty() {
                    parameter.description.clone_into(&mut node.description);
                }
                if let Some(example) = parameter.example.or_else(|| parameter.schema.get("example")) {
                    let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                    node.notes.push(format!("for example `{text}`"));
                }
                node.deprecated |= is(parameter.schema, "deprecated");
                node.kind = format!("{} · {}", parameter.place, node.kind);
                field(&node, 0)
            })
            .collect();
        format!("<h4>Parameters</h4><ul class=\"tree\">{rows}</ul>")
    }

    fn answers(&self, answers: &[Answer<'_>]) -> String {
        let (faults, others): (Vec<&Answer<'_>>, Vec<&Answer<'_>>) =
            answers.iter().partition(|answer| answer.is_fault);
        let shown: String = others
            .iter()
            .map(|answer| {
                let forms: String = answer.forms.iter().map(|form| self.form(form, false)).collect();
                format!(
                    "<div class=\"answer\"><p><span class=\"status\">{}</span> {}</p>{forms}</div>",
                    escape(answer.status),
                    prose::line(answer.description)
                )
            })
            .collect();
        let rows: String = faults
            .iter()
            .map(|answer| {
                format!(
                    "<li><span class=\"status bad\">{}</span> {}</li>",
                    escape(answer.status),
                    prose::line(answer.description)
                )
            })
            .collect();
        let faults = if rows.is_empty() {
            String::new()
        } else {
            format!("<details class=\"faults\"><summary>Errors</summary><ul>{rows}</ul></details>")
        };
        format!("<h4>Responses</h4>{shown}{faults}")
    }

    /// A media type and its tree; what must be there is marked only where it is asked for.
    fn form(&self, form: &Form<'_>, asked: bool) -> String {
        let media = format!("<p class=\"media\"><code>{}</code></p>", escape(form.media));
        if form.schema.is_null() {
            return media;
        }
        let mut node = tree(self.document, form.schema);
        if !asked {
            node.unmark();
        }
        let about = prose::blocks(&node.description);
        if node.children.is_empty() {
            let notes = noted(&node);
            return format!(
                "{media}{about}<p class=\"whole\"><span class=\"kind\">{}</span>{notes}</p>",
                escape(&node.kind)
            );
        }
        let kind = if node.kind == "object" {
            String::new()
        } else {
            format!("<p class=\"whole\"><span class=\"kind\">{}</span></p>", escape(&node.kind))
        };
        format!("{media}{about}{kind}{}", fields(&node.children, 0))
    }
}

/// A path with its variable segments marked, which may break after each slash.
fn path(path: &str) -> String {
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| {
            let text = escape(segment);
            if segment.starts_with('{') { format!("<var>{text}</var>") } else { text }
        })
        .collect();
    segments.join("/<wbr>")
}

fn fields(nodes: &[Node], level: usize) -> String {
    let rows: String = nodes.iter().map(|node| field(node, level)).collect();
    format!("<ul class=\"tree\">{rows}</ul>")
}

fn field(node: &Node, level: usize) -> String {
    let name = if node.name.is_empty() {
        String::new()
    } else {
        format!("<code class=\"name\">{}</code> ", escape(&node.name))
    };
    let must = if node.required { " <span class=\"must\">required</span>" } else { "" };
    let old = if node.deprecated { " <span class=\"old\">deprecated</span>" } else { "" };
    let about = prose::blocks(&node.description);
    let below = if node.children.is_empty() {
        String::new()
    } else if level >= OPEN_LEVELS {
        format!(
            "<details><summary>{} fields</summary>{}</details>",
            node.children.len(),
            fields(&node.children, level + 1)
        )
    } else {
        fields(&node.children, level + 1)
    };
    format!(
        "<li>{name}<span class=\"kind\">{}</span>{must}{old}{}{about}{below}</li>",
        escape(&node.kind),
        noted(node)
    )
}

fn noted(node: &Node) -> String {
    if node.notes.is_empty() {
        return String::new();
    }
    let notes: Vec<String> = node.notes.iter().map(|note| prose::line(note)).collect();
    format!(" <span class=\"notes\">· {}</span>", notes.join(" · "))
}
