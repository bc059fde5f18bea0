//! Who is let in where? Every route, by everybody who may come: a table made from the OpenAPI document, to be read by eye.
//!
//! A caller who is let in meets a path with ids that nobody has and an empty body, so that nothing happens; what counts is
//! whether they are let in. `yes`: let in. `no`: 403, a permission is missing. `own`: let in, to what is their own.

use crate::{
    operation_list::{Operation, operations},
    stage::{Stage, fresh},
};
use std::fmt::Write as _;
use tests::{Answer, Client};

/// The roles that every tenant has.
const ROLES: [&str; 5] = ["owner", "admin", "editor", "operator", "viewer"];

/// Everybody who may come.
struct Callers {
    stage: Stage,
    /// In the table's order, each with the head of its column.
    all: Vec<(&'static str, Client)>,
}

impl Callers {
    fn gather() -> Self {
        let stage = Stage::own();
        stage.raise_user_rate();
        let mut all = vec![("nobody", stage.host.client())];
        for role in ROLES {
            all.push((role, stage.member(role)));
        }
        all.push(("narrow key", stage.key_with(&["inbox:read"])));
        let (_, other) = stage.other_tenant();
        all.push(("other tenant", other));
        all.push(("suspended", stage.suspended()));
        let revoked = stage.member("owner");
        assert_eq!(revoked.request("POST", "/api/v1/logout").send().unwrap().status, 204);
        all.push(("revoked", revoked));
        Self { stage, all }
    }
}

/// What an answer says of its caller.
fn said(operation: &Operation, column: &str, answer: &Answer) -> String {
    let code = answer.json().unwrap_or_default()["error"]["code"].as_str().unwrap_or_default().to_owned();
    assert!(answer.status < 500, "{} by {column}: {}", operation.name(), answer.text());
    match (answer.status, code.as_str()) {
        (401, "UNAUTHENTICATED") => "401".to_owned(),
        (401, "CREDENTIAL_INVALID") => "401".to_owned(),
        (401, "INTERNAL_TOKEN_REQUIRED") => "operator".to_owned(),
        (403, "FORBIDDEN") => "no".to_owned(),
        (403, "TENANT_SUSPENDED") => "suspended".to_owned(),
        (403, "SESSION_REQUIRED") => "person".to_owned(),
        (403, "CONFIRMATION_REQUIRED") => "confirm".to_owned(),
        (403, other) => other.to_lowercase(),
        (404, _) if column == "other tenant" => "404".to_owned(),
        _ if column == "other tenant" && !operation.is_public => "own".to_owned(),
        _ => "yes".to_owned(),
    }
}

/// A path with an id that nobody has, of the shape that each place wants.
fn path_of_nobody(operation: &Operation) -> String {
    let parts = operation.template.split('/').map(|part| if part.starts_with('{') { "nobody" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn everybody_is_let_in_where_they_should_be() {
    let callers = Callers::gather();
    let owner = callers.stage.client();
    crate::tenants::furnish(&owner);
    let mut table = String::from("route");
    for (column, _) in &callers.all {
        write!(table, " | {column}").unwrap();
    }
    table.push('\n');
    let mut operations = operations(&owner);
    operations.sort_by(|one, other| (&one.template, &one.method).cmp(&(&other.template, &other.method)));
    for operation in &operations {
        write!(table, "{} {}", operation.method, operation.template.trim_start_matches("/api/v1")).unwrap();
        for (column, client) in &callers.all {
            let ends_session = operation.method == "POST" && operation.template.ends_with("/logout")
                || operation.method == "DELETE" && operation.template.ends_with("/sessions");
            let spare = (ends_session && ROLES.contains(column)).then(|| callers.stage.member(column));
            let client = spare.as_ref().unwrap_or(client);
            // To the other tenant the paths are real: it must not see what is there.
            let real = if *column == "other tenant" { operation.path_of(&owner) } else { None };
            let path = real.unwrap_or_else(|| path_of_nobody(operation));
            let request = client.request(&operation.method, &path);
            let request = if operation.takes_body() { request.json(&serde_json::json!({})) } else { request };
            let answer = request.send().unwrap();
            write!(table, " | {}", said(operation, column, &answer)).unwrap();
        }
        table.push('\n');
    }
    insta::assert_snapshot!("who_is_let_in_where", aligned(&table));
}

/// The same table with columns one below the other.
fn aligned(table: &str) -> String {
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(" | ").collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.len()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(text, "{}", cells.join("  ").trim_end()).unwrap();
    }
    text
}

#[test]
fn a_made_up_role_is_let_in_where_its_permissions_say() {
    let callers = Stage::own();
    let client = callers.key_with(&["rules:read"]);
    assert_eq!(client.get("/api/v1/automation/rules").unwrap().status, 200);
    let refused = client.post("/api/v1/automation/rules", &serde_json::json!({"name": fresh("x")})).unwrap();
    crate::expect::problem(&refused, 403, "FORBIDDEN");
}
