//! Has every route its three cases: a success, no credential, another tenant's? Those that lack one stand in a list that should shrink.

use crate::{
    expect,
    operation_list::operations,
    stage::{Stage, text},
};
use std::fmt::Write as _;

#[test]
fn every_route_has_its_three_cases() {
    let stage = Stage::own();
    let owner = stage.client();
    crate::tenants::furnish(&owner);
    let (_, other) = stage.other_tenant();
    let stranger = stage.host.client();
    let person = stage.person();
    let mut lacking = String::new();
    for operation in operations(&owner) {
        let mut lacks = Vec::new();
        if let Some(path) = operation.path_of(&owner) {
            if operation.is_operators() {
                for client in [&stranger, &owner] {
                    let answer = operation.request(client, &path).send().unwrap();
                    expect::problem(&answer, 401, "INTERNAL_TOKEN_REQUIRED");
                }
                continue;
            }
            if !operation.is_public {
                let answer = operation.request(&stranger, &path).send().unwrap();
                assert_eq!(
                    answer.status,
                    401,
                    "{} without a credential: {}",
                    operation.name(),
                    answer.text()
                );
                expect::problem(&answer, 401, text(&answer.json().unwrap()["error"], "code"));
                let answer =
                    operation.request(&other, &path).header("X-Tenant-ID", "acme-corp").send().unwrap();
                expect::problem(&answer, 403, "TENANT_MISMATCH");
            }
            let mut answer = operation.request(&owner, &path).send().unwrap();
            if matches!(answer.status, 400 | 403) {
                // Some things only a person can do, in a session.
                answer = operation.request(&person, &path).send().unwrap();
            }
            assert!(answer.status < 500, "{}: {}", operation.name(), answer.text());
            if !(200..400).contains(&answer.status) {
                eprintln!("{} {path}: {} {}", operation.name(), answer.status, answer.text());
                lacks.push("success");
            }
        } else {
            lacks.extend(["success", "no credential", "other tenant"]);
        }
        if !lacks.is_empty() {
            writeln!(lacking, "{}: {}", operation.name(), lacks.join(", ")).unwrap();
        }
    }
    insta::assert_snapshot!("routes_without_their_cases", lacking);
}
