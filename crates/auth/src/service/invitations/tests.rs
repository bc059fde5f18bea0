//! What is asked of an invitation, from its making to its end.

use super::*;
use crate::{
    BuiltIn, NewUser, Purpose, Unbounded,
    service::{
        create_user, roles,
        stage::{PASSWORD, START, Stage},
    },
};
use futures::executor::block_on;
use kernel::{Fault, Span};

const ANA: &str = "ana@example.com";

struct Scene {
    stage: Stage,
    owner: Call,
    roles: Vec<Role>,
}

fn scene() -> Scene {
    let stage = Stage::new();
    let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
    let roles = block_on(roles(&stage.db, &owner, &PageRequest::default())).unwrap().items;
    Scene { stage, owner, roles }
}

impl Scene {
    fn role(&self, wanted: BuiltIn) -> String {
        self.roles.iter().find(|role| role.built_in == Some(wanted)).unwrap().id.to_string()
    }

    fn invite(&self, call: &Call, email: &str, role: BuiltIn, by: By) -> Result<Invited, AuthError> {
        let new = NewInvitation::new(email, Some("Ana"), &[self.role(role)]).unwrap();
        block_on(invite(&self.stage.db, call, self.stage.post(), new, by))
    }

    fn linked(&self, email: &str, role: BuiltIn) -> TicketSecret {
        let invited = self.invite(&self.owner, email, role, By::Link).unwrap();
        Stage::token_in(invited.link.unwrap().expose())
    }

    fn accept(&self, link: &TicketSecret, password: &str) -> Result<LoggedIn, AuthError> {
        let said = Acceptance {
            name: "Ana Li".to_owned(),
            password: Secret::new(password.to_owned()),
            cookie: false,
        };
        let (tokens, visit, post) = (self.stage.gate.tokens(), self.stage.visit(), self.stage.post());
        block_on(accept_invitation(&self.stage.db, tokens, &Unbounded, post, &visit, link, &said))
    }

    fn only(&self) -> Invitation {
        let page = PageRequest::default();
        let mut items = block_on(invitations(&self.stage.db, &self.owner, None, &page)).unwrap().items;
        items.remove(0)
    }
}

fn code<T>(outcome: Result<T, AuthError>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "")
}

#[test]
fn an_invitation_by_letter_makes_a_user_with_its_roles_and_a_session() {
    let scene = scene();
    let invited = scene.invite(&scene.owner, ANA, BuiltIn::Editor, By::Mail).unwrap();
    assert!(invited.link.is_none(), "the link is in the letter only");
    let letters = scene.stage.letters();
    assert_eq!((letters[0].0.as_str(), letters[0].1), (ANA, Purpose::Invitation));
    let link = scene.stage.link_to(ANA);
    let ana = scene.accept(&link, PASSWORD).unwrap();
    assert_eq!(ana.member.user.name, "Ana Li");
    assert!(ana.member.user.email_verified_at.is_some());
    let call = scene.stage.as_bearer(&ana.access_token);
    assert_eq!(call.principal.permissions, BuiltIn::Editor.permissions());
    assert!(scene.stage.login(None, ANA, PASSWORD).is_ok());
    let ended = scene.only();
    assert_eq!((ended.state, ended.user), (InvitationState::Accepted, Some(ana.member.user.id)));
    let audited = scene.stage.audited("acme-corp");
    assert!(audited.contains(&"invitation.created".to_owned()));
    assert!(audited.contains(&"invitation.accepted".to_owned()));
}

#[test]
fn a_link_that_was_handed_over_proves_no_address() {
    let scene = scene();
    let ana = scene.accept(&scene.linked(ANA, BuiltIn::Viewer), PASSWORD).unwrap();
    assert_eq!(ana.member.user.email_verified_at, None);
    // She is asked to confirm it, by a letter.
    let letters = scene.stage.letters();
    assert_eq!((letters[0].0.as_str(), letters[0].1), (ANA, Purpose::EmailVerification));
}

#[test]
fn a_link_works_once() {
    let scene = scene();
    let link = scene.linked(ANA, BuiltIn::Viewer);
    // What will not do leaves the link as it is.
    let faults = scene.accept(&link, "short").unwrap_err();
    assert_eq!(faults.fields()[0].field, "password");
    scene.accept(&link, PASSWORD).unwrap();
    assert_eq!(code(scene.accept(&link, PASSWORD)), "LINK_INVALID");
}

#[test]
fn nobody_invites_somebody_mightier_than_themselves() {
    let scene = scene();
    let admin = scene.accept(&scene.linked("admin@example.com", BuiltIn::Admin), PASSWORD).unwrap();
    let call = scene.stage.as_bearer(&admin.access_token);
    assert_eq!(code(scene.invite(&call, ANA, BuiltIn::Owner, By::Link)), "BEYOND_OWN_PERMISSIONS");
    assert_eq!(code(scene.invite(&call, ANA, BuiltIn::Admin, By::Link)), "");
    // Nor gets the link of an invitation that somebody mightier made.
    let invited = scene.invite(&scene.owner, "bo@example.com", BuiltIn::Owner, By::Mail).unwrap();
    let (db, post) = (&scene.stage.db, scene.stage.post());
    let id = invited.invitation.id;
    assert_eq!(code(block_on(resend_invitation(db, &call, post, &id, By::Link))), "BEYOND_OWN_PERMISSIONS");
}

#[test]
fn a_link_ends_with_time_with_a_newer_one_and_when_it_is_revoked() {
    let mut scene = scene();
    let first = scene.linked(ANA, BuiltIn::Viewer);
    // Invitations of one moment have no order.
    scene.owner.now = START + Span::seconds(1);
    let second = scene.linked(ANA, BuiltIn::Editor);
    assert_eq!(code(scene.accept(&first, PASSWORD)), "LINK_INVALID", "another invitation took its place");
    let invitation = scene.only();
    assert_eq!(invitation.expires_at, scene.owner.now + Span::days(7));
    let (db, post) = (scene.stage.db.clone(), scene.stage.post());
    let again = block_on(resend_invitation(&db, &scene.owner, post, &invitation.id, By::Link)).unwrap();
    let third = Stage::token_in(again.link.unwrap().expose());
    assert_eq!(code(scene.accept(&second, PASSWORD)), "LINK_INVALID", "a newer link was made");
    scene.stage.now = scene.owner.now + Span::days(7);
    assert_eq!(code(scene.accept(&third, PASSWORD)), "LINK_INVALID", "its time is over");
    scene.stage.now = START + Span::days(6);
    block_on(revoke_invitation(&db, &scene.owner, &invitation.id)).unwrap();
    assert_eq!(code(scene.accept(&third, PASSWORD)), "LINK_INVALID", "it was revoked");
    assert_eq!(code(block_on(revoke_invitation(&db, &scene.owner, &invitation.id))), "INVITATION_ENDED");
}

#[test]
fn a_role_that_is_gone_keeps_nobody_from_noticing() {
    let scene = scene();
    let link = scene.linked(ANA, BuiltIn::Viewer);
    scene.stage.meddle("DELETE FROM roles WHERE built_in = 'viewer'");
    assert_eq!(code(scene.accept(&link, PASSWORD)), "INVITATION_ROLE_GONE");
    assert_eq!(code(scene.stage.login(None, ANA, PASSWORD)), "LOGIN_FAILED", "nothing stayed");
    let new = NewInvitation::new(ANA, None, &["rol_01hf7yat00zzzzzzzzzzzzzzzz".to_owned()]).unwrap();
    let unknown = block_on(invite(&scene.stage.db, &scene.owner, scene.stage.post(), new, By::Link));
    assert_eq!(unknown.unwrap_err().fields()[0].field, "role_ids[0]");
}

#[test]
fn who_is_there_is_not_invited_and_who_came_meanwhile_is_not_made_twice() {
    let scene = scene();
    let owner = "owner@acme-corp.test";
    assert_eq!(code(scene.invite(&scene.owner, owner, BuiltIn::Viewer, By::Link)), "EMAIL_TAKEN");
    let link = scene.linked(ANA, BuiltIn::Owner);
    let new = NewUser::new(ANA, "Ana", None).unwrap();
    block_on(create_user(&scene.stage.db, &scene.owner, new)).unwrap();
    assert_eq!(code(scene.accept(&link, PASSWORD)), "EMAIL_TAKEN");
}

#[test]
fn a_user_without_a_password_is_invited_to_choose_one() {
    let scene = scene();
    let (db, post) = (&scene.stage.db, scene.stage.post());
    let new = NewUser::new(ANA, "Ana", None).unwrap();
    let id = block_on(create_user(db, &scene.owner, new)).unwrap().user.id;
    let invited = block_on(invite_user(db, &scene.owner, post, &id, By::Link)).unwrap();
    let link = Stage::token_in(invited.link.unwrap().expose());
    let ana = scene.accept(&link, PASSWORD).unwrap();
    assert_eq!(ana.member.user.id, id);
    let again = block_on(invite_user(db, &scene.owner, post, &id, By::Link));
    assert_eq!(code(again), "INVITATION_NOT_NEEDED");
}

#[test]
fn another_tenants_invitations_are_not_there() {
    let scene = scene();
    scene.linked(ANA, BuiltIn::Viewer);
    let id = scene.only().id;
    let globex = scene.stage.as_bearer(&scene.stage.set_up("globex").api_key);
    let (db, post) = (&scene.stage.db, scene.stage.post());
    assert_eq!(code(block_on(invitation(db, &globex, &id))), "NOT_FOUND");
    assert_eq!(code(block_on(revoke_invitation(db, &globex, &id))), "NOT_FOUND");
    assert_eq!(code(block_on(resend_invitation(db, &globex, post, &id, By::Link))), "NOT_FOUND");
}

#[test]
fn a_suspended_tenant_takes_nobody_in() {
    let scene = scene();
    let link = scene.linked(ANA, BuiltIn::Viewer);
    scene.stage.meddle("UPDATE tenants SET state = 'suspended'");
    assert_eq!(code(scene.accept(&link, PASSWORD)), "TENANT_SUSPENDED");
}
