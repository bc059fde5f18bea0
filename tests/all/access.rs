//! `/api/v1/admin/roles`, `/api/v1/admin/role-bindings`: who may do what, and where; and how nobody gets more than they have.

use crate::{
    expect,
    stage::{OPTIONS, Stage, data, fresh, get, id, post, text},
};
use serde_json::{Value, json};
use tests::{Answer, Client, Signalbox};

const PASSWORD: &str = "correct horse battery staple 9";

/// A stage of its own, and what its owner makes on it.
struct Cast {
    stage: Stage,
    owner: Client,
}

impl Cast {
    fn new() -> Self {
        let stage = Stage::own();
        let owner = stage.client();
        Self { stage, owner }
    }

    fn role(&self, name: &str) -> String {
        let all = get(&self.owner, "/api/v1/admin/roles?limit=200");
        let found = data(&all).iter().find(|role| role["name"] == name).map(id);
        found.unwrap_or_else(|| panic!("no role {name}: {all}"))
    }

    fn own_role(&self, permissions: &[&str]) -> String {
        let role = json!({"name": fresh("role"), "permissions": permissions});
        id(&post(&self.owner, "/api/v1/admin/roles", &role, 201))
    }

    /// A new user with these roles, each for a scope; and a client of theirs.
    fn user(&self, roles: &[(&str, &str)]) -> (String, Client) {
        let email = format!("{}@example.com", fresh("user"));
        let (user, client) = self.stage.user(&self.owner, &email, "Ana", PASSWORD, &[]);
        for (role, scope) in roles {
            let binding = json!({"user_id": user, "role_id": role, "scope": scope});
            post(&self.owner, "/api/v1/admin/role-bindings", &binding, 201);
        }
        (user, client)
    }

    fn first_owner(&self) -> String {
        let users = get(&self.owner, "/api/v1/admin/users");
        id(&data(&users)[0])
    }
}

fn rule(module: &str) -> Value {
    let trigger = if module == "crm" { "lead_created" } else { "opportunity_created" };
    json!({
        "name": fresh("rule"), "module_type": module, "trigger_id": trigger,
        "actions": [{"type": "send_notification", "parameters": {"recipient": "a@example.com", "message": "Hello"}}],
    })
}

fn send(client: &Client, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = client.request(method, path);
    match body {
        Some(body) => request.json(body).send().unwrap(),
        None => request.send().unwrap(),
    }
}

#[test]
fn an_editor_of_one_module_sees_and_edits_only_its_rules() {
    let cast = Cast::new();
    let (_, editor) = cast.user(&[(&cast.role("editor"), "module:crm")]);
    let rules = "/api/v1/automation/rules";
    let sales = id(&post(&cast.owner, rules, &rule("sales"), 201));
    let theirs = id(&post(&cast.owner, rules, &rule("crm"), 201));
    let made = id(&post(&editor, rules, &rule("crm"), 201));

    let listed = get(&editor, &format!("{rules}?limit=1"));
    assert!(listed["links"]["next"].is_string(), "a page is full of what may be seen: {listed}");
    let listed: Vec<String> = data(&get(&editor, rules)).iter().map(id).collect();
    assert_eq!(listed, [theirs.clone(), made]);
    assert_eq!(data(&get(&editor, &format!("{rules}?module_type=sales"))).len(), 0);

    // What is not theirs is not there, whatever is done to it.
    let there = format!("{rules}/{sales}");
    for (method, path, body) in [
        ("GET", there.clone(), None),
        ("PUT", there.clone(), Some(rule("crm"))),
        ("PATCH", there.clone(), Some(json!({"name": "mine"}))),
        ("PUT", format!("{there}/toggle?is_active=false"), None),
        ("GET", format!("{there}/versions"), None),
        ("POST", format!("{there}/rollback"), Some(json!({"version": 1}))),
        (
            "POST",
            format!("{there}/test"),
            Some(json!({"data": {"opportunity_id": "o", "opportunity_name": "x"}})),
        ),
        ("DELETE", there.clone(), None),
    ] {
        let answer = send(&editor, method, &path, body.as_ref());
        expect::problem(&answer, 404, "NOT_FOUND");
    }
    assert_eq!(get(&cast.owner, &there)["version"], 1);

    // Nor do they make, or move, one there.
    expect::problem(&editor.post(rules, &rule("sales")).unwrap(), 403, "OUT_OF_REACH");
    let moved = send(&editor, "PUT", &format!("{rules}/{theirs}"), Some(&rule("sales")));
    expect::problem(&moved, 403, "OUT_OF_REACH");
    let renamed = send(&editor, "PATCH", &format!("{rules}/{theirs}"), Some(&json!({"name": "Renamed"})));
    assert_eq!(renamed.status, 200, "{}", renamed.text());

    // Triggers and events by the same measure; and nothing that does not ask for a module.
    let triggers = get(&editor, "/api/v1/automation/triggers");
    assert!(data(&triggers).iter().all(|trigger| trigger["module_type"] == "crm"), "{triggers}");
    let deal =
        json!({"event": "opportunity_created", "data": {"opportunity_id": "o", "opportunity_name": "x"}});
    let deal = id(&post(&cast.owner, "/api/v1/events", &deal, 202));
    let lead = json!({"event": "lead_created", "data": {"lead_id": "l-1"}});
    let lead = id(&post(&cast.owner, "/api/v1/events", &lead, 202));
    let seen: Vec<String> = data(&get(&editor, "/api/v1/events")).iter().map(id).collect();
    assert_eq!(seen, std::slice::from_ref(&lead));
    assert_eq!(editor.get(&format!("/api/v1/events/{lead}/trace")).unwrap().status, 200);
    expect::problem(&editor.get(&format!("/api/v1/events/{deal}")).unwrap(), 404, "NOT_FOUND");
    expect::problem(&editor.get("/api/v1/jobs").unwrap(), 403, "FORBIDDEN");
    expect::problem(&editor.get("/api/v1/admin/users").unwrap(), 403, "FORBIDDEN");

    let me = get(&editor, "/api/v1/auth/user");
    assert_eq!((&me["permissions"], &me["grants"][0]["scope"]), (&json!([]), &json!("module:crm")), "{me}");
}

#[test]
fn a_binding_or_a_key_may_reach_one_rule_only() {
    let cast = Cast::new();
    let rules = "/api/v1/automation/rules";
    let one = id(&post(&cast.owner, rules, &rule("sales"), 201));
    let other = id(&post(&cast.owner, rules, &rule("sales"), 201));
    let (_, editor) = cast.user(&[(&cast.role("editor"), &format!("resource:{one}"))]);
    let key = json!({"name": "one", "permissions": ["rules:read", "rules:write"], "scope": format!("resource:{one}")});
    let person = cast.stage.person();
    let key = post(&person, "/api/v1/admin/api-keys", &key, 201);
    let key = cast.stage.host.client().with_bearer(text(&key, "key"));
    for client in [&editor, &key] {
        let listed: Vec<String> = data(&get(client, rules)).iter().map(id).collect();
        assert_eq!(listed, std::slice::from_ref(&one));
        let toggled = send(client, "PUT", &format!("{rules}/{one}/toggle?is_active=true"), None);
        assert_eq!(toggled.status, 200, "{}", toggled.text());
        expect::problem(&client.get(&format!("{rules}/{other}")).unwrap(), 404, "NOT_FOUND");
        expect::problem(&client.post(rules, &rule("sales")).unwrap(), 403, "OUT_OF_REACH");
    }
}

#[test]
fn a_role_of_ones_own_counts_at_once_and_stays_while_somebody_has_it() {
    let cast = Cast::new();
    let role = json!({"name": "Support", "description": "Looks and retries.", "permissions": ["rules:read"]});
    let made = cast.owner.post("/api/v1/admin/roles", &role).unwrap();
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")), "{}", made.text());
    let role = id(&made.json().unwrap());
    let path = format!("/api/v1/admin/roles/{role}");
    let (user, client) = cast.user(&[(&role, "*")]);
    assert_eq!(client.get("/api/v1/automation/rules").unwrap().status, 200);
    expect::problem(&client.get("/api/v1/jobs").unwrap(), 403, "FORBIDDEN");

    let more = json!({"permissions": ["rules:read", "jobs:read"]});
    let stale = cast.owner.request("PATCH", &path).header("If-Match", "\"9\"").json(&more).send().unwrap();
    expect::problem(&stale, 412, "PRECONDITION_FAILED");
    let changed = cast.owner.request("PATCH", &path).header("If-Match", "\"1\"").json(&more).send().unwrap();
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.text());
    assert_eq!(client.get("/api/v1/jobs").unwrap().status, 200, "from the next request on");

    let taken = json!({"name": "SUPPORT", "permissions": []});
    expect::problem(&cast.owner.post("/api/v1/admin/roles", &taken).unwrap(), 409, "ROLE_NAME_TAKEN");
    let odd = json!({"name": "Odd", "permissions": ["rules:read", "rules:own", "tenants:write"]});
    let odd = cast.owner.post("/api/v1/admin/roles", &odd).unwrap();
    expect::fields(&odd, 400, "VALIDATION_ERROR", &["permissions[1]", "permissions[2]"]);
    let published = get(&cast.owner, "/api/v1/admin/permissions");
    assert!(!published.to_string().contains("tenants:"), "{published}");
    assert!(data(&published).iter().all(|one| text(one, "description").len() > 5), "{published}");

    let kept = expect::problem(&cast.owner.delete(&path).unwrap(), 409, "ROLE_IN_USE");
    assert!(kept.to_string().contains("1 bindings"), "{kept}");
    let bound = get(&cast.owner, &format!("/api/v1/admin/role-bindings?role_id={role}"));
    assert_eq!((data(&bound).len(), &data(&bound)[0]["user_id"]), (1, &json!(user)));
    let unbind = format!("/api/v1/admin/role-bindings?user_id={user}&role_id={role}");
    assert_eq!(cast.owner.delete(&unbind).unwrap().status, 200);
    expect::problem(&client.get("/api/v1/automation/rules").unwrap(), 403, "FORBIDDEN");
    assert_eq!(cast.owner.delete(&path).unwrap().status, 204);

    let built_in = format!("/api/v1/admin/roles/{}", cast.role("viewer"));
    let patched = send(&cast.owner, "PATCH", &built_in, Some(&json!({"permissions": []})));
    expect::problem(&patched, 409, "ROLE_BUILT_IN");
    expect::problem(&cast.owner.delete(&built_in).unwrap(), 409, "ROLE_BUILT_IN");
}

#[test]
fn nobody_climbs() {
    let cast = Cast::new();
    let (admin, client) = cast.user(&[(&cast.role("admin"), "*")]);
    let (second, _) = cast.user(&[(&cast.role("viewer"), "*")]);
    let bindings = "/api/v1/admin/role-bindings";
    let bind = |client: &Client, user: &str, role: &str, scope: &str| {
        let binding = json!({"user_id": user, "role_id": role, "scope": scope});
        let answer = client.post(bindings, &binding).unwrap();
        answer.json().unwrap()["error"]["code"].as_str().unwrap_or_default().to_owned()
    };
    let (owner_role, viewer_role) = (cast.role("owner"), cast.role("viewer"));
    // By binding oneself, or another who then binds back.
    assert_eq!(bind(&client, &admin, &owner_role, "*"), "BEYOND_OWN_PERMISSIONS");
    assert_eq!(bind(&client, &admin, &owner_role, "module:crm"), "BEYOND_OWN_PERMISSIONS");
    assert_eq!(bind(&client, &second, &owner_role, "*"), "BEYOND_OWN_PERMISSIONS");
    assert_eq!(bind(&client, &admin, &viewer_role, "*"), "OWN_ACCESS");
    // By a role that is made, or grows.
    let mighty = json!({"name": fresh("boss"), "permissions": ["settings:write"]});
    expect::problem(&client.post("/api/v1/admin/roles", &mighty).unwrap(), 403, "BEYOND_OWN_PERMISSIONS");
    let small = cast.own_role(&["rules:read"]);
    let grown = json!({"permissions": ["settings:write"]});
    let grown = send(&client, "PATCH", &format!("/api/v1/admin/roles/{small}"), Some(&grown));
    expect::problem(&grown, 403, "BEYOND_OWN_PERMISSIONS");
    // By a key.
    let key = json!({"name": "more", "permissions": ["settings:write"]});
    expect::problem(&client.post("/api/v1/admin/api-keys", &key).unwrap(), 403, "BEYOND_OWN_PERMISSIONS");
    // By disabling, renaming, deleting whoever stands above.
    let first = format!("/api/v1/admin/users/{}", cast.first_owner());
    let disable = json!({"state": "disabled"});
    let answers = [send(&client, "PATCH", &first, Some(&disable)), client.delete(&first).unwrap(), {
        let unbind = format!("{bindings}?user_id={}&role_id={owner_role}", cast.first_owner());
        client.delete(&unbind).unwrap()
    }];
    for answer in answers {
        expect::problem(&answer, 403, "BEYOND_OWN_PERMISSIONS");
    }
    // By fields that a body is not about.
    let slipped = json!({"email": "eve@example.com", "name": "Eve", "role": "owner", "roles": [owner_role], "state": "active"});
    let slipped = client.post("/api/v1/admin/users", &slipped).unwrap();
    assert_eq!(slipped.status, 400, "{}", slipped.text());

    // Each of these stands in the audit, once.
    let denied = get(&cast.owner, "/api/v1/admin/audit?action=access.denied&limit=200");
    let of_bindings: Vec<&Value> = data(&denied)
        .iter()
        .filter(|row| {
            row["after"]["route"] == bindings
                && row["after"]["method"] == "POST"
                && row["after"]["code"] == "BEYOND_OWN_PERMISSIONS"
        })
        .collect();
    assert_eq!(of_bindings.len(), 1, "three in a row are one: {denied}");
    assert_eq!((&of_bindings[0]["actor"], &of_bindings[0]["after"]["repeated"]), (&json!(admin), &json!(0)));
}

#[test]
fn the_last_owner_stays_by_every_way() {
    let cast = Cast::new();
    let owner = cast.first_owner();
    let (user, role) = (format!("/api/v1/admin/users/{owner}"), cast.role("owner"));
    let email = text(&get(&cast.owner, &user), "email").to_owned();
    let person = cast.stage.person();
    for (what, answer) in [
        (
            "unbound",
            cast.owner.delete(&format!("/api/v1/admin/role-bindings?user_id={owner}&role_id={role}")),
        ),
        ("disabled", Ok(send(&cast.owner, "PATCH", &user, Some(&json!({"state": "disabled"}))))),
        ("deleted", cast.owner.delete(&user)),
        (
            "unbound by themselves",
            person.delete(&format!("/api/v1/admin/role-bindings?user_id={owner}&role_id={role}")),
        ),
        ("deleted by themselves", person.delete(&user)),
        ("erased", cast.owner.post(&format!("{user}/erase"), &json!({"confirm": email}))),
    ] {
        let answer = answer.unwrap();
        assert_eq!(answer.json().unwrap()["error"]["code"], "LAST_OWNER", "{what}: {}", answer.text());
    }
    // An owner of a module is none.
    let (_, _) = cast.user(&[(&role, "module:crm")]);
    expect::problem(&cast.owner.delete(&user).unwrap(), 409, "LAST_OWNER");
    let (second, _) = cast.user(&[(&role, "*")]);
    assert_eq!(cast.owner.delete(&user).unwrap().status, 204);
    expect::problem(&cast.owner.delete(&format!("/api/v1/admin/users/{second}")).unwrap(), 409, "LAST_OWNER");
}

#[test]
fn a_denied_attempt_is_told_with_all_that_is_known_of_it() {
    let cast = Cast::new();
    let (viewer, client) = cast.user(&[(&cast.role("viewer"), "*")]);
    let path = "/acme-corp/api/v1/automation/rules/rul_01hf7yat00zzzzzzzzzzzzzzzz";
    for _ in 0..3 {
        let refused =
            client.request("DELETE", path).header("X-Request-Id", "req_of_the_test").send().unwrap();
        expect::problem(&refused, 403, "FORBIDDEN");
    }
    let elsewhere = client.request("GET", "/api/v1/jobs").header("X-Tenant-ID", "globex").send().unwrap();
    expect::problem(&elsewhere, 403, "TENANT_MISMATCH");
    assert_eq!(client.request("POST", "/api/v1/logout").send().unwrap().status, 204);
    expect::problem(&client.get("/api/v1/jobs").unwrap(), 401, "CREDENTIAL_INVALID");
    assert_eq!(cast.stage.host.client().get("/api/v1/jobs").unwrap().status, 401, "a stranger is nobody's");

    let denied = get(&cast.owner, "/api/v1/admin/audit?action=access.denied");
    let told: Vec<(&str, &str, &str)> = data(&denied)
        .iter()
        .rev()
        .map(|row| (text(&row["after"], "method"), text(&row["after"], "route"), text(&row["after"], "code")))
        .collect();
    let one = "/api/v1/automation/rules/{id}";
    let wanted = [
        ("DELETE", one, "FORBIDDEN"),
        ("GET", "/api/v1/jobs", "TENANT_MISMATCH"),
        ("GET", "/api/v1/jobs", "CREDENTIAL_INVALID"),
    ];
    assert_eq!(told, wanted, "{denied}");
    let first = data(&denied).last().unwrap();
    assert_eq!((&first["actor"], &first["request_id"]), (&json!(viewer), &json!("req_of_the_test")));
    assert_eq!(first["after"]["permission"], "rules:write");
    assert_eq!(first["address"], "127.0.0.1");
    let verified = get(&cast.owner, "/api/v1/admin/audit/verify");
    assert_eq!(verified["holds"], true, "{verified}");
}

#[test]
fn a_host_name_names_a_tenant() {
    let mut options = OPTIONS.to_vec();
    options.extend(["--variable", "tenant_domain=example.com"]);
    let stage = Stage::of_host(Signalbox::start(&options).unwrap());
    let owner = stage.client();
    let asked = |client: &Client, path: &str, host: &str| {
        let answer = client.request("GET", path).header("Host", host).send().unwrap();
        let code = answer.json().unwrap_or_default()["error"]["code"].as_str().map(str::to_owned);
        (answer.status, code.unwrap_or_default())
    };
    let rules = "/api/v1/automation/rules";
    let mismatch = (403, "TENANT_MISMATCH".to_owned());
    for (path, host, wanted) in [
        (rules, "acme-corp.example.com", (200, String::new())),
        (rules, "ACME-CORP.Example.com:8443", (200, String::new())),
        (rules, "example.com", (200, String::new())),
        (rules, "www.example.com", (200, String::new())),
        (rules, "127.0.0.1", (200, String::new())),
        (rules, "globex.example.com", mismatch.clone()),
        (rules, "nobody-at-all.example.com", mismatch.clone()),
        ("/acme-corp/api/v1/automation/rules", "globex.example.com", mismatch.clone()),
        ("/health/live", "globex.example.com", (200, String::new())),
    ] {
        assert_eq!(asked(&owner, path, host), wanted, "{path} at {host}");
    }
    // A login at a tenant's host name leads there, and nowhere else.
    let account = stage.host.credentials().unwrap();
    let body = json!({"email": account.email, "password": account.password});
    let at = |host: &str| {
        let request =
            stage.host.client().request("POST", "/api/v1/auth/login").header("Host", host).json(&body).send();
        request.unwrap().status
    };
    assert_eq!([at("acme-corp.example.com"), at("globex.example.com"), at("example.com")], [200, 401, 200]);
}

#[test]
fn nobody_goes_to_another_tenant_by_an_address_that_others_wrote_down() {
    let cast = Cast::new();
    // The administrators of another tenant make a user with the owner's address, and know the password.
    let address = cast.stage.host.credentials().unwrap().email;
    let (slug, other) = cast.stage.other_tenant();
    cast.stage.user(&other, &address, "Not the owner", PASSWORD, &[]);
    let body = json!({"email": address, "password": PASSWORD, "tenant": slug});
    let session = post(&cast.stage.host.client(), "/api/v1/auth/login", &body, 200);
    let forged = cast.stage.host.client().with_bearer(text(&session, "access_token"));
    let seen = get(&forged, "/api/v1/auth/tenants");
    assert_eq!(data(&seen).len(), 1, "nor do they learn where else she is: {seen}");
    assert_eq!((&data(&seen)[0]["id"], &data(&seen)[0]["current"]), (&json!(slug), &json!(true)));
    let switch =
        |client: &Client, to: &str| client.post("/api/v1/auth/switch", &json!({"tenant": to})).unwrap();
    let refused = expect::problem(&switch(&forged, "acme-corp"), 403, "SWITCH_REFUSED");
    let nobody = expect::problem(&switch(&forged, "nobody-at-all"), 403, "SWITCH_REFUSED");
    assert_eq!(refused["error"]["message"], nobody["error"]["message"]);
    // And the owner does not walk into what was laid out for them.
    let owner = cast.stage.host.credentials().unwrap();
    let body = json!({"email": owner.email, "password": owner.password, "tenant": "acme-corp"});
    let session = post(&cast.stage.host.client(), "/api/v1/auth/login", &body, 200);
    let owner = cast.stage.host.client().with_bearer(text(&session, "access_token"));
    expect::problem(&switch(&owner, &slug), 403, "SWITCH_REFUSED");
    expect::problem(&switch(&cast.owner, &slug), 403, "SESSION_REQUIRED");
}
