//! `/api/v1/admin/invitations`, `/api/v1/auth/invitations/accept`: how people join a tenant.

use crate::{
    expect,
    letters::{letter, token_in, with_mail},
    stage::{Stage, data, elsewhere, fresh, get, id, join, login, post, text, token_of},
};
use serde_json::{Value, json};
use tests::{Answer, Client, Reply};

const PASSWORD: &str = "correct horse battery staple 9";
const INVITATIONS: &str = "/api/v1/admin/invitations";

fn role(client: &Client, name: &str) -> String {
    let all = get(client, "/api/v1/admin/roles?limit=200");
    data(&all).iter().find(|role| role["name"] == name).map(id).unwrap()
}

fn accept(stage: &Stage, token: &str) -> Answer {
    let said = json!({"token": token, "name": "Ana Li", "password": PASSWORD});
    elsewhere(&stage.host.client()).post("/api/v1/auth/invitations/accept", &said).unwrap()
}

fn by_link(client: &Client, email: &str, roles: &[&str]) -> (Value, String) {
    let wish = json!({"email": email, "role_ids": roles, "send": "link"});
    let invited = post(client, INVITATIONS, &wish, 201);
    let token = token_of(text(&invited, "link"));
    (invited, token)
}

#[test]
fn an_invitation_by_mail_is_accepted_once_and_proves_the_address() {
    let (stage, receiver) = with_mail(Reply::Accept);
    let owner = stage.client();
    let viewer = role(&owner, "viewer");
    let wish = json!({"email": "ana@example.com", "name": "Ana", "role_ids": [viewer], "send": "mail"});
    let invited = post(&owner, INVITATIONS, &wish, 201);
    assert_eq!(invited["link"], Value::Null, "the link is in the letter only");
    let token = token_in(&letter(&receiver, "ana@example.com", "invitation"));
    let weak = json!({"token": token, "name": "Ana", "password": "short"});
    let answer = stage.host.client().post("/api/v1/auth/invitations/accept", &weak).unwrap();
    expect::fields(&answer, 400, "VALIDATION_ERROR", &["password"]);
    let accepted = accept(&stage, &token);
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    let session = accepted.json().unwrap();
    assert_eq!(session["user"]["roles"], json!(["viewer"]));
    let ana = stage.host.client().with_bearer(text(&session, "access_token"));
    assert_eq!(ana.get("/api/v1/automation/rules").unwrap().status, 200);
    expect::problem(&accept(&stage, &token), 400, "LINK_INVALID");
    let user = get(&owner, &format!("/api/v1/admin/users/{}", text(&session["user"], "id")));
    assert!(user["email_verified_at"].is_string(), "{user}");
    let shown = get(&owner, &format!("{INVITATIONS}/{}", id(&invited)));
    assert_eq!((&shown["state"], &shown["sent_by"]), (&json!("accepted"), &json!("mail")));
}

#[test]
fn a_link_that_is_handed_over_is_shown_once_and_proves_no_address() {
    let stage = Stage::own();
    let owner = stage.client();
    let (invited, token) = by_link(&owner, "bo@example.com", &[]);
    let shown = get(&owner, &format!("{INVITATIONS}/{}", id(&invited)));
    assert!(!shown.to_string().contains(&token) && !get(&owner, INVITATIONS).to_string().contains(&token));
    let session = accept(&stage, &token).json().unwrap();
    let user = get(&owner, &format!("/api/v1/admin/users/{}", text(&session["user"], "id")));
    assert_eq!(user["email_verified_at"], Value::Null);
}

#[test]
fn a_link_ends_by_a_newer_one_by_being_revoked_and_in_time() {
    let stage = Stage::with_clock();
    let owner = stage.client();
    let (invited, first) = by_link(&owner, "ana@example.com", &[]);
    let path = format!("{INVITATIONS}/{}", id(&invited));
    let again = post(&owner, &format!("{path}/resend"), &json!({"send": "link"}), 201);
    let second = token_of(text(&again, "link"));
    expect::problem(&accept(&stage, &first), 400, "LINK_INVALID");
    assert_eq!(owner.delete(&path).unwrap().status, 204);
    expect::problem(&accept(&stage, &second), 400, "LINK_INVALID");
    expect::problem(&owner.delete(&path).unwrap(), 409, "INVITATION_ENDED");
    let (_, third) = by_link(&owner, "ana@example.com", &[]);
    stage.pass(std::time::Duration::from_secs(7 * 24 * 3600));
    expect::problem(&accept(&stage, &third), 400, "LINK_INVALID");
}

#[test]
fn nobody_invites_beyond_their_own_permissions_nor_smuggles_roles_in() {
    let stage = Stage::own();
    let owner = stage.client();
    let (admin, own) = (role(&owner, "admin"), role(&owner, "owner"));
    let session = join(&owner, &format!("{}@example.com", fresh("admin")), "Ad", PASSWORD, &[&admin]);
    let client = stage.host.client().with_bearer(text(&session, "access_token"));
    let wish = json!({"email": "eve@example.com", "role_ids": [own], "send": "link"});
    expect::problem(&client.post(INVITATIONS, &wish).unwrap(), 403, "BEYOND_OWN_PERMISSIONS");
    let (_, token) = by_link(&client, "eve@example.com", &[]);
    for more in [json!({"role_ids": [own]}), json!({"email": "x@example.com"}), json!({"state": "active"})] {
        let mut said = json!({"token": token, "name": "Eve", "password": PASSWORD});
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = stage.host.client().post("/api/v1/auth/invitations/accept", &said).unwrap();
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    let session = accept(&stage, &token).json().unwrap();
    assert_eq!(session["user"]["permissions"], json!([]));
    let unknown =
        json!({"email": "x@example.com", "role_ids": ["rol_01hf7yat00zzzzzzzzzzzzzzzz"], "send": "link"});
    expect::fields(&owner.post(INVITATIONS, &unknown).unwrap(), 400, "VALIDATION_ERROR", &["role_ids[0]"]);
}

#[test]
fn a_user_without_a_password_is_invited_to_choose_one_and_nobody_chooses_it_for_them() {
    let stage = Stage::own();
    let owner = stage.client();
    let chosen = json!({"email": "ana@example.com", "name": "Ana", "password": PASSWORD});
    assert_eq!(owner.post("/api/v1/admin/users", &chosen).unwrap().status, 400);
    let user =
        id(&post(&owner, "/api/v1/admin/users", &json!({"email": "ana@example.com", "name": "Ana"}), 201));
    let path = format!("/api/v1/admin/users/{user}/invite");
    let invited = post(&owner, &path, &json!({"send": "link"}), 201);
    let session = accept(&stage, &token_of(text(&invited, "link"))).json().unwrap();
    assert_eq!(session["user"]["id"], user);
    assert_eq!(login(&elsewhere(&stage.host.client()), "ana@example.com", PASSWORD).status, 200);
    expect::problem(&owner.post(&path, &json!({"send": "link"})).unwrap(), 409, "INVITATION_NOT_NEEDED");
}

#[test]
fn the_page_of_a_link_changes_nothing_and_loads_nothing() {
    let stage = Stage::own();
    for page in ["/auth/invitation", "/auth/reset", "/auth/verify"] {
        let answer = stage.host.client().get(page).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let html = answer.text();
        assert!(html.contains("<html lang=\"en\">") && html.contains("<h1>"), "{html}");
        assert!(!html.contains("http://") && !html.contains("https://"), "loads something: {html}");
        let inputs = html.matches("<input").count();
        assert_eq!(inputs, html.matches("<label for=").count(), "every field has a label");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
}
