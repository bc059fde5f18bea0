//! Who gets a token, who does not, and what does it open?

use super::*;
use crate::{
    Checked, Client, ClientPatch, Credential, NewClient, Wish, service,
    service::stage::{PASSWORD, START, Stage},
};
use futures::executor::block_on;
use jwt_simple::{
    algorithms::{Ed25519KeyPair, EdDSAKeyPairLike as _},
    claims::Claims,
    prelude::{Duration, UnixTimeStamp},
};
use kernel::{Fault, Permission, Permissions};

struct Scene {
    stage: Stage,
    owner: Call,
}

fn scene() -> Scene {
    let stage = Stage::new();
    let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
    Scene { stage, owner }
}

impl Scene {
    fn client(&self, permissions: &[&str]) -> (Client, Secret<String>) {
        let permissions: Vec<String> = permissions.iter().map(|name| (*name).to_owned()).collect();
        let wish = Wish { name: "CRM", permissions: &permissions, ..Wish::default() };
        let new = NewClient::new(&wish, self.stage.now).unwrap();
        let (client, secret) = block_on(service::create_client(&self.stage.db, &self.owner, new)).unwrap();
        (client, secret.unwrap().text().clone())
    }

    fn ask(&self, client: &Client, shown: Shown, scope: Option<&str>) -> Result<Granted, GrantError> {
        let asked = GrantAsked {
            proof: ClientProof { client: client.id.clone(), shown },
            scope: scope.map(str::to_owned),
            tenant_named: None,
        };
        block_on(grant(&self.stage.db, self.stage.gate.tokens(), &self.stage.visit(), asked))
    }

    fn token(&self, client: &Client, secret: &Secret<String>, scope: Option<&str>) -> Secret<String> {
        self.ask(client, Shown::Secret(secret.clone()), scope).unwrap().access_token
    }

    fn check(&self, token: &Secret<String>) -> Result<Checked, crate::AuthError> {
        self.stage.check(&Credential::Bearer(token.clone()))
    }
}

fn code<T>(outcome: Result<T, GrantError>) -> &'static str {
    outcome.err().map_or("granted", |error| error.code())
}

#[test]
fn a_token_opens_what_was_asked_for_and_no_more() {
    let scene = scene();
    let (client, secret) = scene.client(&["rules:read", "events:write"]);
    let whole = scene.check(&scene.token(&client, &secret, None)).unwrap();
    assert_eq!(whole.principal.actor, Actor::Client(client.id.clone()));
    assert_eq!(whole.principal.permissions, client.permissions);
    assert_eq!(whole.rate_per_minute, 60_000);
    let narrow = scene.token(&client, &secret, Some("events:write"));
    let narrow_may = || scene.check(&narrow).unwrap().principal.permissions;
    assert_eq!(narrow_may(), Permissions::NONE.with(Permission::EventsWrite));
    // What the client loses, its tokens lose; what it gains, they do not.
    for (names, wanted) in [
        (["rules:read"], Permissions::NONE),
        (["events:write"], Permissions::NONE.with(Permission::EventsWrite)),
    ] {
        let permissions = Some(names.map(str::to_owned).into());
        let patch = ClientPatch { permissions, ..ClientPatch::default() };
        block_on(service::change_client(&scene.stage.db, &scene.owner, &client.id, patch, None)).unwrap();
        assert_eq!(narrow_may(), wanted);
    }
    let beyond = scene.ask(&client, Shown::Secret(secret), Some("rules:write"));
    assert_eq!(code(beyond), "INVALID_SCOPE");
}

#[test]
fn a_wrong_proof_is_refused_whatever_is_wrong() {
    let scene = scene();
    let (client, secret) = scene.client(&["rules:read"]);
    let (other, others) = scene.client(&["rules:read"]);
    for text in ["", "x", others.expose(), &secret.expose().to_uppercase(), &format!("{} ", secret.expose())]
    {
        let shown = Shown::Secret(Secret::new(text.to_owned()));
        assert_eq!(code(scene.ask(&client, shown, None)), "INVALID_CLIENT", "{text}");
    }
    let shown = Shown::Assertion(secret.clone());
    assert_eq!(code(scene.ask(&client, shown, None)), "INVALID_CLIENT");
    let nobody = Client { id: kernel::ClientId::new(START, &*scene.stage.noise), ..other };
    assert_eq!(code(scene.ask(&nobody, Shown::Secret(secret.clone()), None)), "INVALID_CLIENT");
    let asked = GrantAsked {
        proof: ClientProof { client: client.id.clone(), shown: Shown::Secret(secret.clone()) },
        scope: None,
        tenant_named: Some("globex".to_owned()),
    };
    let named = block_on(grant(&scene.stage.db, scene.stage.gate.tokens(), &scene.stage.visit(), asked));
    assert_eq!(code(named), "INVALID_CLIENT");
    assert!(scene.ask(&client, Shown::Secret(secret), None).is_ok());
    let audited = scene.stage.audited("acme-corp");
    assert_eq!(audited.iter().filter(|action| *action == "client.refused").count(), 7);
}

#[test]
fn wrong_proofs_are_slowed_down_from_their_address() {
    let mut scene = scene();
    let (client, secret) = scene.client(&["rules:read"]);
    for _ in 0..10 {
        let shown = Shown::Secret(Secret::new("wrong".to_owned()));
        assert_eq!(code(scene.ask(&client, shown, None)), "INVALID_CLIENT");
    }
    let right = || Shown::Secret(secret.clone());
    let blocked = scene.ask(&client, right(), None).unwrap_err();
    assert_eq!((blocked.code(), blocked.retry_after()), ("TEMPORARILY_UNAVAILABLE", Some(Span::seconds(5))));
    scene.stage.address = Some("192.0.2.2".to_owned());
    assert!(scene.ask(&client, right(), None).is_ok());
    scene.stage.address = Some("192.0.2.1".to_owned());
    scene.stage.now = START + Span::seconds(5);
    assert!(scene.ask(&client, right(), None).is_ok());
}

#[test]
fn a_secret_is_turned_with_an_overlap() {
    let mut scene = scene();
    let (client, old) = scene.client(&["rules:read"]);
    let out = scene.token(&client, &old, None);
    let turned = service::rotate_client_secret(&scene.stage.db, &scene.owner, &client.id, Span::hours(2));
    let (after, new) = block_on(turned).unwrap();
    assert_eq!(after.old_secret_until, Some(START + Span::hours(2)));
    let new = new.text().clone();
    scene.stage.now = START + Span::minutes(119);
    assert!(scene.ask(&client, Shown::Secret(old.clone()), None).is_ok());
    assert!(scene.ask(&client, Shown::Secret(new.clone()), None).is_ok());
    scene.stage.now = START + Span::hours(2);
    assert_eq!(code(scene.ask(&client, Shown::Secret(old), None)), "INVALID_CLIENT");
    // Without an overlap the present one ends at once, and with it the one before.
    let turned = service::rotate_client_secret(&scene.stage.db, &scene.owner, &client.id, Span::default());
    let (after, newest) = block_on(turned).unwrap();
    assert_eq!(after.old_secret_until, None);
    assert_eq!(code(scene.ask(&client, Shown::Secret(new), None)), "INVALID_CLIENT");
    assert!(scene.ask(&client, Shown::Secret(newest.text().clone()), None).is_ok());
    scene.stage.now = START;
    assert!(scene.check(&out).is_ok(), "tokens that are out go on");
}

#[test]
fn a_revoked_client_stops_at_the_next_request() {
    let scene = scene();
    let (client, secret) = scene.client(&["rules:read"]);
    let token = scene.token(&client, &secret, None);
    assert!(scene.check(&token).is_ok());
    for _ in 0..2 {
        block_on(service::revoke_client(&scene.stage.db, &scene.owner, &client.id)).unwrap();
        assert!(matches!(scene.check(&token), Err(crate::AuthError::CredentialInvalid)));
        assert_eq!(code(scene.ask(&client, Shown::Secret(secret.clone()), None)), "INVALID_CLIENT");
    }
    let again = service::rotate_client_secret(&scene.stage.db, &scene.owner, &client.id, Span::default());
    assert!(matches!(block_on(again), Err(crate::AuthError::Revoked(_))));
}

#[test]
fn an_expired_client_and_a_suspended_tenant_get_nothing() {
    let mut scene = scene();
    let (client, secret) = scene.client(&["rules:read"]);
    let end = START + Span::minutes(5);
    let patch = ClientPatch { expires_at: Some(Some(end)), ..ClientPatch::default() };
    block_on(service::change_client(&scene.stage.db, &scene.owner, &client.id, patch, None)).unwrap();
    let token = scene.token(&client, &secret, None);
    scene.stage.meddle("UPDATE tenants SET state = 'suspended', access_revision = access_revision + 1");
    assert_eq!(code(scene.ask(&client, Shown::Secret(secret.clone()), None)), "UNAUTHORIZED_CLIENT");
    assert!(matches!(scene.check(&token), Err(crate::AuthError::TenantSuspended(_))));
    scene.stage.meddle("UPDATE tenants SET state = 'active', access_revision = access_revision + 1");
    assert!(scene.check(&token).is_ok());
    scene.stage.now = end;
    assert!(scene.check(&token).is_err(), "also from memory");
    assert_eq!(code(scene.ask(&client, Shown::Secret(secret), None)), "INVALID_CLIENT");
}

#[test]
fn networks_hold_at_the_token_endpoint_too() {
    let mut scene = scene();
    let (client, secret) = scene.client(&["rules:read"]);
    let patch = ClientPatch { networks: Some(vec!["192.0.2.0/31".to_owned()]), ..ClientPatch::default() };
    block_on(service::change_client(&scene.stage.db, &scene.owner, &client.id, patch, None)).unwrap();
    assert!(scene.ask(&client, Shown::Secret(secret.clone()), None).is_ok());
    scene.stage.address = Some("192.0.2.9".to_owned());
    assert_eq!(code(scene.ask(&client, Shown::Secret(secret.clone()), None)), "INVALID_CLIENT");
    scene.stage.address = None;
    assert_eq!(code(scene.ask(&client, Shown::Secret(secret), None)), "INVALID_CLIENT");
}

#[test]
fn a_signature_is_good_once() {
    let scene = scene();
    let pair = Ed25519KeyPair::generate();
    let (permissions, jwk) = (["rules:read".to_owned()], pair.public_key().to_jwk());
    let wish = Wish { name: "Signer", permissions: &permissions, public_key: Some(&jwk), ..Wish::default() };
    let new = NewClient::new(&wish, START).unwrap();
    let (client, secret) = block_on(service::create_client(&scene.stage.db, &scene.owner, new)).unwrap();
    assert!(secret.is_none(), "who signs needs no secret");
    let sign = |id: &str| {
        let mut claims = Claims::create(Duration::from_secs(60));
        claims.issued_at = None;
        claims.invalid_before = None;
        claims.expires_at =
            Some(UnixTimeStamp::from_secs((START + Span::minutes(1)).seconds().unsigned_abs()));
        let claims = claims
            .with_issuer(&client.id)
            .with_subject(&client.id)
            .with_audience("http://signalbox.test")
            .with_jwt_id(id);
        Shown::Assertion(Secret::new(pair.sign(claims).unwrap()))
    };
    let one = sign("one");
    assert!(scene.ask(&client, one.clone(), None).is_ok());
    assert_eq!(code(scene.ask(&client, one, None)), "INVALID_CLIENT");
    assert!(scene.ask(&client, sign("two"), None).is_ok());
    let (other, _) = scene.client(&["rules:read"]);
    assert_eq!(code(scene.ask(&other, sign("three"), None)), "INVALID_CLIENT");
}

#[test]
fn nobody_makes_or_turns_a_client_that_may_do_more() {
    let scene = scene();
    let (small, secret) = scene.client(&["access:write"]);
    let (client, _) = scene.client(&["rules:read"]);
    let call = scene.stage.as_bearer(&scene.token(&small, &secret, None));
    let beyond = |outcome: Result<(), crate::AuthError>| matches!(outcome, Err(crate::AuthError::Beyond));
    let db = &scene.stage.db;
    let permissions = ["rules:read".to_owned()];
    let wish = Wish { name: "x", permissions: &permissions, ..Wish::default() };
    let new = NewClient::new(&wish, START).unwrap();
    assert!(beyond(block_on(service::create_client(db, &call, new)).map(drop)));
    let turned = service::rotate_client_secret(db, &call, &client.id, Span::default());
    assert!(beyond(block_on(turned).map(drop)));
    let wider = ClientPatch { permissions: Some(permissions.to_vec()), ..ClientPatch::default() };
    assert!(beyond(block_on(service::change_client(db, &call, &small.id, wider, None)).map(drop)));
}

#[test]
fn another_tenants_client_is_not_there() {
    let scene = scene();
    let (client, _) = scene.client(&["rules:read"]);
    let other = scene.stage.as_bearer(&scene.stage.set_up("globex").api_key);
    let db = &scene.stage.db;
    let missing =
        |outcome: Result<(), crate::AuthError>| matches!(outcome, Err(crate::AuthError::NotFound(_)));
    assert!(missing(block_on(service::client(db, &other, &client.id)).map(drop)));
    assert!(missing(block_on(service::revoke_client(db, &other, &client.id))));
    let turned = service::rotate_client_secret(db, &other, &client.id, Span::default());
    assert!(missing(block_on(turned).map(drop)));
    let patched = service::change_client(db, &other, &client.id, ClientPatch::default(), None);
    assert!(missing(block_on(patched).map(drop)));
}

#[test]
fn a_token_is_revoked_by_its_own_client_only() {
    let scene = scene();
    let (client, secret) = scene.client(&["rules:read"]);
    let (other, others) = scene.client(&["rules:read"]);
    let (token, spare) = (scene.token(&client, &secret, None), scene.token(&client, &secret, None));
    let call = |client: &Client, secret: &Secret<String>| {
        let proof = ClientProof { client: client.id.clone(), shown: Shown::Secret(secret.clone()) };
        let visit = scene.stage.visit();
        block_on(authenticate(&scene.stage.db, scene.stage.gate.tokens(), &visit, &proof, None)).unwrap()
    };
    let revoke = |by: Option<&Call>, token: &Secret<String>| {
        let (stage, visit) = (&scene.stage, scene.stage.visit());
        block_on(service::revoke_token(&stage.db, stage.gate.tokens(), &visit, by, token))
    };
    assert_eq!(code(revoke(None, &token)), "INVALID_CLIENT");
    assert_eq!(code(revoke(Some(&call(&other, &others)), &token)), "UNAUTHORIZED_CLIENT");
    assert!(scene.check(&token).is_ok());
    let own = call(&client, &secret);
    for _ in 0..2 {
        assert!(revoke(Some(&own), &token).is_ok());
        assert!(matches!(scene.check(&token), Err(crate::AuthError::CredentialInvalid)));
    }
    assert!(scene.check(&spare).is_ok(), "its other tokens go on");
    assert_eq!(
        scene.stage.audited("acme-corp").iter().filter(|action| *action == "token.revoked").count(),
        1
    );
}

#[test]
fn a_persons_token_ends_the_session_and_a_worthless_one_nothing() {
    let scene = scene();
    let stage = &scene.stage;
    let revoke = |token: &Secret<String>| {
        block_on(service::revoke_token(&stage.db, stage.gate.tokens(), &stage.visit(), None, token))
    };
    for by_refresh in [true, false] {
        let person = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap();
        let token = if by_refresh { &person.refresh_token } else { &person.access_token };
        assert!(scene.check(&person.access_token).is_ok());
        for _ in 0..2 {
            assert!(revoke(token).is_ok());
            assert!(scene.check(&person.access_token).is_err(), "{by_refresh}");
        }
        let visit = stage.visit();
        let again =
            service::refresh(&stage.db, stage.gate.tokens(), &stage.vault, &visit, &person.refresh_token);
        assert!(block_on(again).is_err());
    }
    for text in ["", "x", "a.b.c", "sbr_acme-corp_1_2"] {
        assert!(revoke(&Secret::new(text.to_owned())).is_ok(), "{text}");
    }
    let key = stage.set_up("globex").api_key;
    assert_eq!(code(revoke(&key)), "UNSUPPORTED_TOKEN_TYPE");
}
