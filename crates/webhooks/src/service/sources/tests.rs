//! Do sources and what comes to them hold on a database? Each test has a world of its own, in memory.

use super::*;
use crate::{
    Capture, Outcome, SEALED, SourceDraft,
    service::requests::{self, Again, LINES_KEPT, Landing},
};
use db::{Decode, Row, native::Native};
use futures::executor::block_on;
use hmac::{Hmac, Mac as _};
use kernel::{Chance, Fault as _, Instant, JobId, Principal, ReceiptId, RequestId, Trace};
use sha2::Sha256;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const NOW: i64 = 1_700_000_000_000;
const OLD: &str = "k1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const NEW: &str = "k2:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

/// Counts up, so that ids sort in the order in which they are made.
#[derive(Default)]
struct Counting(AtomicU64);
impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        let length = bytes.len();
        bytes[length.saturating_sub(8)..].copy_from_slice(&number[8_usize.saturating_sub(length)..]);
    }
}

struct World {
    db: Db,
    vault: Vault,
    acme: Call,
    globex: Call,
}

struct Line(String);
impl Decode for Line {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("said").map(Self)
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, WebhookError>) -> &'static str {
    outcome.unwrap_err().code()
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn draft(preset: &str, secrets: &[&str]) -> SourceDraft {
    SourceDraft {
        name: Some("Billing".to_owned()),
        preset: Some(preset.to_owned()),
        secrets: (!secrets.is_empty()).then(|| secrets.iter().map(|text| secret(text)).collect()),
        trigger: Some("contact_created".to_owned()),
        ..SourceDraft::default()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The headers of a request of GitHub's.
fn github(key: &str, id: &str, body: &[u8]) -> Vec<(String, String)> {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(body);
    let signature = format!("sha256={}", hex(&mac.finalize().into_bytes()));
    let pairs =
        [("x-hub-signature-256", signature.as_str()), ("x-github-delivery", id), ("x-github-event", "push")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

const POST: Asked<'static> = Asked { method: "POST", query: &[] };

impl World {
    fn new() -> Self {
        let chance: Arc<dyn Chance> = Arc::new(Counting::default());
        let call = |tenant: &str| Call {
            principal: Principal::system(tenant.parse().unwrap()),
            now: Instant::from_millis(NOW),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: Some("192.0.2.7".to_owned()),
            chance: Arc::clone(&chance),
        };
        let world = Self {
            db: Native::memory().unwrap(),
            vault: Vault::from_keys(OLD).unwrap(),
            acme: call("acme-corp"),
            globex: call("globex"),
        };
        world.run(
            "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at)
            VALUES ('acme-corp', 'x', 'active', 0, 0), ('globex', 'x', 'active', 0, 0)",
        );
        world
    }

    fn run(&self, sql: &str) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    fn create(&self, draft: SourceDraft) -> Result<(Source, Option<Secret<String>>), WebhookError> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let made =
                create(&mut tx.scope(self.acme.tenant()), &self.acme, &self.vault, draft, Vec::new()).await;
            tx.commit().await.unwrap();
            made
        })
    }

    fn change(
        &self,
        source: &Source,
        patch: SourcePatch,
        expected: Option<i64>,
    ) -> Result<Source, WebhookError> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let mut scope = tx.scope(self.acme.tenant());
            let which = (&source.id, expected);
            let done = change(&mut scope, &self.acme, &self.vault, which, patch, |_| Vec::new()).await;
            tx.commit().await.unwrap();
            done
        })
    }

    fn open(&self, source: &Source) -> Open {
        block_on(find(&self.db, &self.vault, self.acme.tenant(), &source.id)).unwrap()
    }

    /// What comes of a request at the door: taken, or the word of the refusal.
    fn send(
        &self,
        source: &Source,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Landing, &'static str> {
        let received = Received { headers, body, at: self.acme.now };
        let verdict = self.open(source).judge(&POST, &received, Some("192.0.2.7".parse().unwrap()));
        let proof = match verdict {
            Ok(Verdict::Take(proof)) => proof,
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => {
                block_on(async {
                    let mut tx = self.db.begin().await.unwrap();
                    let mut scope = tx.scope(self.acme.tenant());
                    requests::refused(&mut scope, &self.acme, source, &received, &refusal).await.unwrap();
                    tx.commit().await.unwrap();
                });
                return Err(refusal.as_str());
            }
        };
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let mut scope = tx.scope(self.acme.tenant());
            let job = JobId::new(self.acme.now, &*self.acme.chance);
            let landing = requests::take(&mut scope, &self.acme, source, &received, (&proof, None), &job)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            Ok(landing)
        })
    }

    fn taken(&self, source: &Source, headers: &[(String, String)], body: &[u8]) -> ReceiptId {
        match self.send(source, headers, body) {
            Ok(Landing::New(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    fn log(&self, source: &Source) -> Vec<Capture> {
        block_on(requests::list(&self.db, &self.acme, &source.id, None, &PageRequest::default()))
            .unwrap()
            .items
    }

    fn again(&self, source: &Source, id: &ReceiptId) -> Again {
        block_on(requests::verify_again(&self.db, &self.acme, &self.vault, &source.id, id)).unwrap()
    }

    fn audit(&self) -> Vec<String> {
        let sql = "SELECT action || ' ' || coalesce(before, '') || coalesce(after, '') AS said FROM audit_entries ORDER BY sequence";
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let rows: Vec<Line> = lease.all_tenants().unwrap().all(sql, []).await.unwrap();
            rows.into_iter().map(|line| line.0).collect()
        })
    }
}

#[test]
fn a_source_is_set_up_changed_and_taken_down_by_its_tenant_alone() {
    let world = World::new();
    let (source, made) = world.create(draft("github", &["hush-one"])).unwrap();
    assert!(made.is_none());
    assert_eq!((source.secret_count, source.version), (1, 1));
    assert_eq!(block_on(get(&world.db, &world.acme, &source.id)).unwrap(), source);
    assert_eq!(code(block_on(get(&world.db, &world.globex, &source.id))), "NOT_FOUND");
    let both =
        SourcePatch { secrets: Some(vec![secret("hush-two"), secret("hush-one")]), ..SourcePatch::default() };
    assert_eq!(code(world.change(&source, both.clone(), Some(7))), "PRECONDITION_FAILED");
    let changed = world.change(&source, both, Some(1)).unwrap();
    assert_eq!((changed.secret_count, changed.version), (2, 2));
    assert_eq!(world.open(&source).secrets.keys, [secret("hush-two"), secret("hush-one")]);
    let renamed = SourcePatch { name: Some("Other".to_owned()), ..SourcePatch::default() };
    world.change(&source, renamed, None).unwrap();
    assert_eq!(world.open(&source).secrets.keys.len(), 2, "they stay");
    block_on(async {
        let mut tx = world.db.begin().await.unwrap();
        let mut scope = tx.scope(world.globex.tenant());
        assert_eq!(code(delete(&mut scope, &world.globex, &source.id, None).await), "NOT_FOUND");
        let mut scope = tx.scope(world.acme.tenant());
        assert_eq!(code(delete(&mut scope, &world.acme, &source.id, Some(1)).await), "PRECONDITION_FAILED");
        delete(&mut scope, &world.acme, &source.id, Some(3)).await.unwrap();
        tx.commit().await.unwrap();
    });
    assert_eq!(code(block_on(get(&world.db, &world.acme, &source.id))), "NOT_FOUND");
    let audit = world.audit();
    let actions: Vec<&str> = audit.iter().filter_map(|line| line.split(' ').next()).collect();
    let [created, changed, deleted] =
        ["webhook_source.created", "webhook_source.changed", "webhook_source.deleted"];
    assert_eq!(actions, [created, changed, changed, deleted]);
    assert!(
        audit[1].contains(r#""secrets":"changed""#) && !audit[2].contains(r#""secrets":"changed""#),
        "{audit:?}"
    );
    assert!(!audit.concat().contains("hush"), "{audit:?}");
}

#[test]
fn all_faulty_fields_are_told_and_there_is_an_end() {
    let world = World::new();
    let faulty = SourceDraft {
        networks: Some(vec!["10.0.0.0/33".to_owned()]),
        rate_per_minute: Some(0),
        keep_days: Some(366),
        name: Some(" ".to_owned()),
        trigger: None,
        ..draft("hmac", &[])
    };
    let Err(WebhookError::Invalid(faults)) = world.create(faulty) else { panic!("is faulty") };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["name", "secrets", "networks", "mapping.trigger_id", "rate_per_minute", "keep_days"]);
    for (preset, secrets) in [
        ("", &["s"][..]),
        ("github", &[]),
        ("github", &[""]),
        ("github", &["1", "2", "3", "4", "5", "6"]),
        ("basic", &["password"]),
        ("standard-webhooks", &["whsec_c2hvcnQ="]),
        ("standard-webhooks", &["whpk_c2hvcnQ="]),
        ("unverified", &["s"]),
    ] {
        assert_eq!(code(world.create(draft(preset, secrets))), "VALIDATION_ERROR", "{preset} {secrets:?}");
    }
    let unsaid = SourceDraft { preset: None, ..draft("github", &["s"]) };
    assert_eq!(
        code(world.create(unsaid)),
        "VALIDATION_ERROR",
        "nobody is unverified by leaving something out"
    );
    for _ in 0..crate::SOURCES_MAX {
        world.create(draft("unverified", &[])).unwrap();
    }
    assert_eq!(code(world.create(draft("unverified", &[]))), "WEBHOOK_SOURCE_LIMIT");
}

#[test]
fn a_secret_is_made_for_senders_that_take_ours() {
    let world = World::new();
    let (source, made) = world.create(draft("standard-webhooks", &[])).unwrap();
    let made = made.unwrap();
    assert!(made.expose().starts_with("whsec_"));
    assert_eq!(world.open(&source).secrets.keys, [made]);
    let open = SourcePatch { preset: Some("unverified".to_owned()), ..SourcePatch::default() };
    let open = world.change(&source, open, None).unwrap();
    assert_eq!((open.preset.verifies(), open.secret_count), (false, 0));
}

#[test]
fn what_came_before_is_taken_once() {
    let world = World::new();
    let (source, _) = world.create(draft("github", &["key"])).unwrap();
    let (other, _) = world.create(draft("github", &["key"])).unwrap();
    let first = world.taken(&source, &github("key", "d-1", b"{}"), b"{}");
    // Another body under the same id is still the same delivery, as the provider says.
    let again = world.send(&source, &github("key", "d-1", b"[]"), b"[]");
    assert_eq!(again, Ok(Landing::Before(first.clone())));
    world.taken(&source, &github("key", "d-2", b"{}"), b"{}");
    world.taken(&other, &github("key", "d-1", b"{}"), b"{}");
    let log = world.log(&source);
    let outcomes: Vec<Outcome> = log.iter().map(|capture| capture.outcome).collect();
    assert_eq!(outcomes, [Outcome::Taken, Outcome::Double, Outcome::Taken]);
    assert_eq!(log[1].first.as_ref(), Some(&first));
}

#[test]
fn what_is_signed_with_its_time_and_has_no_id_is_taken_once() {
    let world = World::new();
    let key = "8f742231b10e8888abcd99yyyzzz85a5";
    let (source, _) = world.create(draft("slack", &[key])).unwrap();
    let signed = |seconds: i64, capitals: bool| {
        let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        let signature = hex(&mac.chain_update(format!("v0:{seconds}:command=%2Fgo")).finalize().into_bytes());
        let signature = if capitals { signature.to_uppercase() } else { signature };
        vec![
            ("x-slack-request-timestamp".to_owned(), seconds.to_string()),
            ("x-slack-signature".to_owned(), format!("v0={signature}")),
        ]
    };
    let body = b"command=%2Fgo";
    let first = world.taken(&source, &signed(NOW / 1000, false), body);
    // Written otherwise, it is still what was signed.
    let again = world.send(&source, &signed(NOW / 1000, true), body);
    assert_eq!(again, Ok(Landing::Before(first)));
    world.taken(&source, &signed(NOW / 1000 - 1, false), body);
}

#[test]
fn refusals_are_written_down_without_what_came_and_the_log_has_an_end() {
    let world = World::new();
    let (source, _) = world.create(draft("github", &["key"])).unwrap();
    let taken = world.taken(&source, &github("key", "d-0", b"{}"), b"{}");
    for number in 0..LINES_KEPT + 5 {
        let headers = github("another", &format!("d-{number}"), b"hush");
        assert_eq!(world.send(&source, &headers, b"hush"), Err("signature"));
    }
    let page = PageRequest::new(200, None).unwrap();
    let refused = Some(Outcome::Refused);
    let listed = block_on(requests::list(&world.db, &world.acme, &source.id, refused, &page)).unwrap();
    let last = &listed.items[0];
    assert_eq!((last.reason.as_deref(), last.address.as_deref()), (Some("signature"), Some("192.0.2.7")));
    assert!(last.words.as_deref().unwrap().contains("the one that the provider shows"));
    assert!(last.headers.iter().all(|(_, value)| value.is_none()) && last.headers.len() == 3);
    let count = block_on(async {
        let sql = "SELECT COUNT(*) AS n FROM webhook_requests WHERE outcome = 'refused'";
        let mut lease = world.db.read().await.unwrap();
        lease.all_tenants().unwrap().one::<i64>(sql, []).await.unwrap().unwrap()
    });
    assert_eq!(count, LINES_KEPT);
    assert_eq!(
        block_on(requests::get(&world.db, &world.acme, &source.id, &taken)).unwrap().body.unwrap(),
        b"{}"
    );
    let foreign = block_on(requests::get(&world.db, &world.globex, &source.id, &taken));
    assert_eq!(code(foreign), "NOT_FOUND");
}

#[test]
fn what_is_kept_verifies_again_with_the_secrets_of_now() {
    let world = World::new();
    let (source, _) = world.create(draft("github", &["key"])).unwrap();
    let body = b"\x00\xff not text";
    let id = world.taken(&source, &github("key", "d-1", body), body);
    assert!(matches!(world.again(&source, &id), Again::Holds(proof) if proof.secret == Some(0)));
    let turn = |keys: &[&str]| {
        let secrets = Some(keys.iter().map(|key| secret(key)).collect());
        world.change(&source, SourcePatch { secrets, ..SourcePatch::default() }, None).unwrap();
    };
    turn(&["new", "key"]);
    assert!(matches!(world.again(&source, &id), Again::Holds(proof) if proof.secret == Some(1)));
    turn(&["new"]);
    assert_eq!(world.again(&source, &id), Again::Fails(Refusal::Signature));
    world.run("UPDATE webhook_requests SET is_altered = 1");
    assert_eq!(world.again(&source, &id), Again::Altered);
    let (bearer, _) = world.create(draft("bearer", &["token"])).unwrap();
    let shown = [("authorization".to_owned(), "Bearer token".to_owned())];
    let id = world.taken(&bearer, &shown, b"{}");
    assert_eq!(world.again(&bearer, &id), Again::NotKept);
    let kept = block_on(requests::get(&world.db, &world.acme, &bearer.id, &id)).unwrap();
    assert_eq!(kept.capture.headers, [("authorization".to_owned(), None)]);
}

#[test]
fn a_time_is_judged_as_of_when_the_request_came() {
    let world = World::new();
    let (source, made) = world.create(draft("standard-webhooks", &[])).unwrap();
    let key: crate::SigningKey = made.unwrap().expose().parse().unwrap();
    let headers = |at: Instant| {
        let signature = key.sign("msg_1", at, "{}");
        let seconds = at.seconds().to_string();
        [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", seconds.as_str()),
            ("webhook-signature", signature.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let id = world.taken(&source, &headers(world.acme.now), b"{}");
    let later = Call { now: Instant::from_millis(NOW + 86_400_000), ..world.acme.clone() };
    let world = World { acme: later, ..world };
    assert!(matches!(world.again(&source, &id), Again::Holds(_)));
    assert_eq!(world.send(&source, &headers(Instant::from_millis(NOW)), b"{}"), Err("stale"));
}

#[test]
fn networks_keep_others_out_before_anything_else_is_looked_at() {
    let world = World::new();
    let networks = Some(vec!["192.0.2.0/28".to_owned(), "2001:db8::1".to_owned()]);
    let (source, _) = world.create(SourceDraft { networks, ..draft("unverified", &[]) }).unwrap();
    let open = world.open(&source);
    let received = Received { headers: &[], body: b"{}", at: world.acme.now };
    let judge =
        |address: Option<&str>| open.judge(&POST, &received, address.map(|text| text.parse().unwrap()));
    for inside in ["192.0.2.7", "::ffff:192.0.2.15", "2001:db8::1"] {
        assert_eq!(judge(Some(inside)), Ok(Verdict::Take(Proof::default())), "{inside}");
    }
    for outside in [Some("192.0.2.16"), Some("2001:db8::2"), None] {
        assert_eq!(judge(outside), Err(Refusal::Address), "{outside:?}");
    }
}

#[test]
fn each_challenge_is_answered_and_no_other() {
    let world = World::new();
    let token = Some(secret("meta-token"));
    let (source, _) = world.create(SourceDraft { verify_token: token, ..draft("github", &["key"]) }).unwrap();
    let open = world.open(&source);
    let judge = |method: &str, query: &[(&str, &str)], headers: &[(&str, &str)], body: &[u8]| {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let (query, headers) = (own(query), own(headers));
        let received = Received { headers: &headers, body, at: world.acme.now };
        open.judge(&Asked { method, query: &query }, &received, None)
    };
    let text = |said: &str| Ok(Verdict::Answer(Challenge::Text(said.to_owned())));
    let meta =
        |token| [("hub.mode", "subscribe"), ("hub.verify_token", token), ("hub.challenge", "1158201444")];
    assert_eq!(judge("GET", &meta("meta-token"), &[], b""), text("1158201444"));
    assert_eq!(judge("GET", &meta("meta-tokem"), &[], b""), Err(Refusal::VerifyToken));
    assert_eq!(judge("GET", &[], &[], b""), Ok(Verdict::Nothing));
    let graph = [("validationToken", "Validation: <b>Testing</b>")];
    assert_eq!(judge("POST", &graph, &[], b""), text("Validation: <b>Testing</b>"));
    // With a body it is something that came, and must be signed.
    assert_eq!(judge("POST", &graph, &[], b"{}"), Err(Refusal::Missing("x-hub-signature-256".to_owned())));
    let long = "x".repeat(1_001);
    assert_eq!(judge("POST", &[("validationToken", &long)], &[], b""), Err(Refusal::Challenge));
    let Ok(Verdict::Answer(Challenge::Headers(headers))) =
        judge("OPTIONS", &[], &[("webhook-request-origin", "events.example.com")], b"")
    else {
        panic!("is a challenge")
    };
    assert_eq!(headers[0], ("webhook-allowed-origin", "events.example.com".to_owned()));
    assert_eq!(judge("OPTIONS", &[], &[], b""), Ok(Verdict::Nothing));
    // What Slack asks is for Slack's sources, and signed.
    let ask = br#"{"type":"url_verification","challenge":"c"}"#;
    let signed = github("key", "d", ask);
    let signed: Vec<(&str, &str)> =
        signed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(matches!(judge("POST", &[], &signed, ask), Ok(Verdict::Take(_))));
}

#[test]
fn one_that_is_off_or_of_a_suspended_tenant_is_as_good_as_none() {
    let world = World::new();
    let (source, _) = world.create(draft("unverified", &[])).unwrap();
    let find = |world: &World| code(block_on(find(&world.db, &world.vault, world.acme.tenant(), &source.id)));
    let switch = |is_active| SourcePatch { is_active: Some(is_active), ..SourcePatch::default() };
    world.change(&source, switch(false), None).unwrap();
    assert_eq!(find(&world), "WEBHOOK_NO_SOURCE");
    world.change(&source, switch(true), None).unwrap();
    world.open(&source);
    world.run("UPDATE tenants SET state = 'suspended' WHERE tenant_id = 'acme-corp'");
    assert_eq!(find(&world), "WEBHOOK_NO_SOURCE");
}

#[test]
fn requests_are_forgotten_when_their_source_the_tenant_or_nobody_wants_them() {
    let world = World::new();
    let (short, _) = world.create(SourceDraft { keep_days: Some(1), ..draft("unverified", &[]) }).unwrap();
    let (long, _) = world.create(SourceDraft { keep_days: Some(30), ..draft("unverified", &[]) }).unwrap();
    let (gone, _) = world.create(draft("unverified", &[])).unwrap();
    for source in [&short, &long, &gone] {
        world.taken(source, &[], b"{}");
    }
    let forget = |days: i64, limit: i64| {
        block_on(async {
            let mut tx = world.db.begin().await.unwrap();
            let mut scope = tx.scope(world.acme.tenant());
            let at = |days: i64| Instant::from_millis(NOW + days * 86_400_000 + 1);
            let gone = requests::forget(&mut scope, at(days), at(limit), 10).await.unwrap();
            tx.commit().await.unwrap();
            gone
        })
    };
    assert_eq!(forget(0, -90), 0);
    assert_eq!((forget(1, -90), world.log(&short).len(), world.log(&long).len()), (1, 0, 1));
    block_on(async {
        let mut tx = world.db.begin().await.unwrap();
        delete(&mut tx.scope(world.acme.tenant()), &world.acme, &gone.id, None).await.unwrap();
        tx.commit().await.unwrap();
    });
    assert_eq!((forget(1, -90), world.log(&long).len()), (1, 1));
    assert_eq!((forget(2, 0), world.log(&long).len()), (1, 0), "the tenant keeps nothing for so long");
}

#[test]
fn secrets_survive_a_turn_of_the_key_that_seals_them() {
    let world = World::new();
    let (source, _) = world.create(draft("github", &["key"])).unwrap();
    let both = Vault::from_keys(&format!("{NEW},{OLD}")).unwrap();
    block_on(async {
        let mut tx = world.db.begin().await.unwrap();
        let chance = &*world.acme.chance;
        let done = vault::step(&mut tx.all_tenants(), &both, chance, SEALED, None, 10).await.unwrap();
        assert_eq!((done.done, done.stuck.len()), (1, 0));
        tx.commit().await.unwrap();
    });
    let turned = World { vault: Vault::from_keys(NEW).unwrap(), ..world };
    turned.taken(&source, &github("key", "d-1", b"{}"), b"{}");
    let old = Vault::from_keys(OLD).unwrap();
    let lost = block_on(find(&turned.db, &old, turned.acme.tenant(), &source.id));
    assert!(matches!(lost, Err(WebhookError::Vault(_))));
}
