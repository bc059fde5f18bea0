//! Is a person gone when they are erased, and is what is old? On a real file, which is searched byte by byte.

use crate::stage::{Counting, Hand, Ropes};
use ::webhooks::{Endpoint, EndpointPatch, NewEndpoint};
use auth::{ErasureState, NewUser, Visit, service};
use db::{Db, native::Native};
use events::{NewEvent, Origin};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Filter, Kind, Lost, Parcel, Receipt, State};
use kernel::{
    Actor, Call, Chance, Clock, PageRequest, Permissions, Person, Principal, RequestId, Secret, Span,
    TenantId, Trace, UserId,
};
use notifications::{Means, NewMessage};
use pipeline::{Books, Door, Works, drain, privacy};
use rules::Draft;
use serde_json::json;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

const START: i64 = 1_800_000_000_000;
const EMAIL: &str = "anneliese.testperson@example.com";
const NAME: &str = "Anneliese Testperson";

struct Nobody;
impl Courier for Nobody {
    fn send(&self, _: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        let body = format!("thanks, {EMAIL}").into_bytes();
        ready(Ok(Receipt { status: 200, headers: Vec::new(), body })).boxed()
    }
}

/// A tenant with everything in a file of its own, which goes with the test.
struct House {
    folder: PathBuf,
    db: Db,
    clock: Hand,
    chance: Arc<dyn Chance>,
    means: Means,
    books: Arc<Books>,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl House {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("signalbox-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Native::file(&folder.join("db")).unwrap();
        let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
        let house = Self {
            folder,
            db,
            clock: Hand(AtomicI64::new(START)),
            chance: Arc::new(Counting::default()),
            means: Means::new(&keys, false).unwrap(),
            books: Arc::default(),
        };
        let visit = Visit {
            now: house.clock.now(),
            request: RequestId::new(&*house.chance),
            trace: Trace::new(&*house.chance),
            address: Some("192.0.2.1".to_owned()),
            agent: None,
            chance: Arc::clone(&house.chance),
        };
        let asked =
            service::SetUp::new("acme-corp", "Acme", "owner@acme.test", "correct horse battery").unwrap();
        block_on(service::setup(&house.db, &visit, asked)).unwrap();
        house
    }

    fn call(&self) -> Call {
        Call {
            principal: Principal::system("acme-corp".parse::<TenantId>().unwrap()),
            now: self.clock.now(),
            request: RequestId::new(&*self.chance),
            trace: Trace::new(&*self.chance),
            address: None,
            chance: Arc::clone(&self.chance),
        }
    }

    fn as_user(&self, id: &UserId, address: &str) -> Call {
        let mut call = self.call();
        let session = kernel::SessionId::new(call.now, &*self.chance);
        call.principal.actor = Actor::User(id.clone(), session);
        call.principal.permissions = Permissions::all();
        call.address = Some(address.to_owned());
        call
    }

    fn user(&self, email: &str, name: &str) -> UserId {
        let new = NewUser::new(email, name, None).unwrap();
        block_on(service::create_user(&self.db, &self.call(), new)).unwrap().user.id
    }

    fn drain(&self) {
        let works = Works {
            db: &self.db,
            books: &self.books,
            means: &self.means,
            mail: None,
            courier: &Nobody,
            renderer: &pipeline::ByRules,
            tokens: &crate::stage::TOKENS,
            is_guarded: true,
            clock: &self.clock,
            chance: Arc::clone(&self.chance),
        };
        block_on(drain(&works, self.clock.now() + Span::seconds(60))).unwrap();
    }

    fn later(&self, span: Span) {
        self.clock.0.fetch_add(span.as_millis(), Ordering::Relaxed);
    }

    fn tell(&self, recipient: &str, body: &str) {
        let message = NewMessage {
            recipient: recipient.to_owned(),
            title: None,
            body: body.to_owned(),
            channel: None,
            event_id: None,
            job_id: None,
        };
        block_on(pipeline::tell(&self.db, &self.call(), message)).unwrap();
    }

    fn event(&self, call: &Call, name: &str) {
        let door = Door::new(self.db.clone(), Arc::clone(&self.books), Arc::new(Ropes));
        let data =
            json!({"opportunity_id": "o-1", "opportunity_name": name, "value": 20_000, "note": "plain"});
        let event = NewEvent {
            trigger: "high_value_opportunity".to_owned(),
            data: data.to_string(),
            source: "api".to_owned(),
            external_id: None,
            subject: None,
            occurred: None,
            dedupe: None,
        };
        block_on(door.publish(call, event, Origin::default())).unwrap();
    }

    fn rule(&self, recipient: &str) {
        let draft = Draft {
            name: Some("Tell somebody".to_owned()),
            module_type: Some("sales".to_owned()),
            trigger_id: Some("high_value_opportunity".to_owned()),
            conditions: Some(json!([])),
            actions: Some(json!([{"type": "send_notification", "parameters":
                {"recipient": recipient, "message": "Deal: {{opportunity_name}}"}}])),
            ..Draft::default()
        };
        let who = kernel::Bounded::new(self.call(), kernel::Permission::RulesWrite);
        block_on(rules::service::create(&self.db, &who, draft, None)).unwrap();
    }

    /// An endpoint that takes all, by `patch`.
    fn endpoint(&self, patch: EndpointPatch) -> Endpoint {
        let means = ::webhooks::Means { vault: &self.means.vault, allow_private: false };
        let patch = EndpointPatch { event_types: Some(vec!["sales.*".to_owned()]), ..patch };
        let new =
            NewEndpoint { url: "https://customer.example/in".to_owned(), patch, ..NewEndpoint::default() };
        block_on(pipeline::webhooks::create(&self.db, &self.call(), means, new)).unwrap().0
    }

    fn run(&self, sql: &str) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    fn count(&self, sql: &str) -> i64 {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            lease.all_tenants().unwrap().one(sql, []).await.unwrap().unwrap_or(0)
        })
    }

    fn chain_holds(&self) {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let tenant = "acme-corp".parse().unwrap();
            let found = audit::verify(&mut lease.scope(&tenant).unwrap()).await.unwrap();
            assert_eq!(found.broken, None);
        });
    }

    /// How often a text stands in the files of the database, in any case.
    fn in_files(&self, text: &str) -> usize {
        let wanted = text.to_lowercase().into_bytes();
        let files = std::fs::read_dir(&self.folder).unwrap().flatten();
        files
            .map(|file| {
                let bytes = std::fs::read(file.path()).unwrap().to_ascii_lowercase();
                bytes.windows(wanted.len()).filter(|window| *window == wanted).count()
            })
            .sum()
    }
}

/// Everything that a house can know of somebody.
fn furnished(name: &str) -> (House, UserId, UserId) {
    let house = House::new(name);
    let ana = house.user(EMAIL, NAME);
    let other = house.user("diana@example.com", "Diana");
    let hers = house.as_user(&ana, "203.0.113.77");
    house.rule(EMAIL);
    house.event(&hers, "Big deal");
    house.event(&house.call(), EMAIL);
    for number in 0..450 {
        house.tell(EMAIL, &format!("Number {number} for you"));
    }
    house.tell("diana@example.com", &format!("Ask {EMAIL} about it"));
    house.tell(&format!("di{EMAIL}"), "Not for her");
    house.drain();
    // Not yet worked off when the erasure begins.
    house.event(&house.call(), "Late deal");
    house.run(&format!(
        "INSERT INTO sessions (tenant_id, session_id, user_id, state, address, agent, created_at, last_used_at, expires_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
         SELECT 'acme-corp', printf('ses_01hf7yat00zzzzzzzzzzzzz%03d', i), '{ana}', 'active', '203.0.113.77', 'Browser', 1, 1, 9e15
         FROM n"
    ));
    house.run(&format!(
        "INSERT INTO idempotency_keys (tenant_id, key, fingerprint, state, status, headers, body, created_at)
         VALUES ('acme-corp', 'k1', x'00', 'done', 201, '{{}}', CAST('{{\"email\":\"{EMAIL}\"}}' AS BLOB), {START}),
            ('acme-corp', 'k2', x'00', 'done', 201, '{{}}', CAST('{{}}' AS BLOB), {START})"
    ));
    // Requests of providers: as text, as a form, in JSON with escapes, and as bytes that are no text.
    let (at_sign, escaped) = (EMAIL.replace('@', "%40"), EMAIL.replace('@', "\\u0040"));
    house.run(&format!(
        "INSERT INTO webhook_sources (tenant_id, source_id, name, description, preset, secrets, secret_count, has_verify_token,
            networks, mapping, rate_per_minute, keep_days, is_active, version, created_at, updated_at)
         VALUES ('acme-corp', 'src_01hf7yat00zzzzzzzzzzzzzzzz', 'Forms', 'Ask {EMAIL}', 'unverified', x'00', 0, 0, '[]',
            '{{\"trigger_id\":\"contact_created\",\"data\":{{\"owner\":\"{EMAIL}\"}}}}', 60, 365, 1, 1, {START}, {START})"
    ));
    house.run(&format!(
        "INSERT INTO webhook_requests (tenant_id, request_id, source_id, received_at, outcome, headers, body, is_text, provider_id,
            job_id)
         SELECT 'acme-corp', 'rcv_01hf7yat00zzzzzzzzzzzzzzz' || (value ->> 0), 'src_01hf7yat00zzzzzzzzzzzzzzzz', {START}, 'taken',
            '[[\"x-from\",\"{EMAIL}\"]]', CASE value ->> 0 WHEN 3 THEN CAST(value ->> 1 || x'ff' AS BLOB)
            ELSE CAST(value ->> 1 AS BLOB) END, value ->> 0 <> 3, value ->> 2, 'job_01hf7yat00zzzzzzzzzzzzzzzz'
         FROM json_each(json_array(json_array(0, '{{\"email\":\"{EMAIL}\"}}', '{EMAIL}'), json_array(1, 'email={at_sign}', 'id-1'),
            json_array(2, '{{\"email\":\"{escaped}\"}}', 'id-2'), json_array(3, 'email: {EMAIL}', 'id-3'),
            json_array(4, 'Nobody', 'id-4')))"
    ));
    (house, ana, other)
}

#[test]
fn an_erased_person_is_found_nowhere() {
    let (house, ana, _) = furnished("erase");
    assert!(house.in_files(EMAIL) > 100 && house.in_files(NAME) > 0 && house.in_files("203.0.113.77") > 0);
    let admin = house.call();
    let wrong = block_on(privacy::erase(&house.db, &admin, &ana, "diana@example.com"));
    assert!(matches!(wrong, Err(auth::AuthError::Erasure(auth::ErasureError::Confirm))));
    let own = block_on(privacy::erase(&house.db, &house.as_user(&ana, "x"), &ana, EMAIL));
    assert!(matches!(own, Err(auth::AuthError::Erasure(auth::ErasureError::Oneself))));
    let begun = block_on(privacy::erase(&house.db, &admin, &ana, EMAIL)).unwrap();
    assert_eq!(begun.state, ErasureState::Running);
    let again = block_on(privacy::erase(&house.db, &admin, &ana, EMAIL)).unwrap();
    assert_eq!(again.job, begun.job, "once is enough");
    house.drain();

    let done = block_on(privacy::erasure(&house.db, &admin, &ana)).unwrap();
    assert_eq!((done.state, done.person.clone()), (ErasureState::Done, None), "{done:?}");
    let jobs = block_on(jobs::list(
        &house.db,
        &admin,
        &Filter { kind: Some(Kind::ErasePerson), ..Filter::default() },
        &PageRequest::default(),
    ));
    assert_eq!(jobs.unwrap().items[0].state, State::Done);
    house.chain_holds();
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM users WHERE name = 'Anneliese Testperson'"), 0);
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM sessions"), 0);
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM messages"), 2, "the others' stay");
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM idempotency_keys"), 1);
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM audit_entries WHERE action = 'person.erased'"), 1);
    let altered = "SELECT COUNT(*) AS n FROM webhook_requests WHERE is_altered";
    assert_eq!(house.count(altered), 5, "the headers of each named her");
    let bodies = "SELECT COUNT(*) AS n FROM webhook_requests WHERE length(body) > 0";
    assert_eq!(house.count(bodies), 2, "of text she is taken out; what is written otherwise goes as a whole");
    let ids = "SELECT COUNT(*) AS n FROM webhook_requests WHERE provider_id IS NOT NULL";
    assert_eq!(house.count(ids), 4);
    // What names her only in part, or is the tenant's, is as it was.
    assert_eq!(house.in_files("not for her"), 1);
    assert!(house.count("SELECT COUNT(*) AS n FROM messages WHERE recipient LIKE 'dianneliese%'") == 1);

    // The last copies that SQLite left behind when it moved rows go with a file that is written anew.
    let in_gaps = [EMAIL, NAME, "203.0.113.77"].map(|text| house.in_files(text));
    eprintln!(
        "left in gaps: {in_gaps:?}, {} of them part of another address",
        house.in_files(&format!("di{EMAIL}"))
    );
    house.compact();
    let written_otherwise = ["%40", "\\u0040"].map(|sign| house.in_files(&EMAIL.replace('@', sign)));
    assert_eq!(written_otherwise, [0, 0]);
    let left = house.in_files(EMAIL) - house.in_files(&format!("di{EMAIL}"));
    assert_eq!([left, house.in_files(NAME), house.in_files("203.0.113.77")], [0, 0, 0]);
    house.chain_holds();

    // Rules go on, for nobody.
    house.event(&house.call(), "Another deal");
    house.drain();
    assert_eq!(house.in_files(NAME), 0);
    let person = Person { id: ana, email: EMAIL.to_owned(), name: NAME.to_owned() };
    let to = format!("SELECT COUNT(*) AS n FROM messages WHERE recipient = '{}'", person.pseudonym());
    assert_eq!(house.count(&to), 1);
}

#[test]
fn who_is_erased_is_in_no_endpoint_and_in_no_answer() {
    let house = House::new("endpoints");
    let ana = house.user(EMAIL, NAME);
    let pairs = |name: &str| [(name.to_owned(), EMAIL.to_owned())].into();
    let filter = json!([{"type": "equals", "field": "opportunity_name", "value": EMAIL}]);
    let endpoint = house.endpoint(EndpointPatch {
        description: Some(Some(format!("For {EMAIL}"))),
        customer: Some(Some(EMAIL.to_owned())),
        filter: Some(Some(filter)),
        body: Some(Some(json!({"to": EMAIL, "name": "{{opportunity_name}}"}))),
        headers: Some(pairs("x-owner")),
        tags: Some(vec![EMAIL.to_owned()]),
        metadata: Some(pairs("owner")),
        ..EndpointPatch::default()
    });
    house.event(&house.call(), EMAIL);
    house.drain();
    let answered = format!("SELECT COUNT(*) AS n FROM webhook_attempts WHERE answer = 'thanks, {EMAIL}'");
    assert_eq!(house.count(&answered), 1, "it went out, and was answered");

    block_on(privacy::erase(&house.db, &house.call(), &ana, EMAIL)).unwrap();
    house.drain();
    house.compact();
    assert_eq!(house.in_files(EMAIL), 0);
    let person = Person { id: ana, email: EMAIL.to_owned(), name: NAME.to_owned() };
    let means = ::webhooks::Means { vault: &house.means.vault, allow_private: false };
    let seen = block_on(::webhooks::service::get(&house.db, &house.call(), means, &endpoint.id)).unwrap();
    let pseudonym = person.pseudonym();
    assert_eq!(seen.endpoint.customer.as_deref(), Some(&*pseudonym));
    assert_eq!(seen.endpoint.metadata["owner"], *pseudonym);
    assert_eq!(seen.endpoint.filter.as_ref().unwrap()[0]["value"], *pseudonym);
    assert_eq!(seen.endpoint.version, endpoint.version + 1);
    // Events meet the new filter at once: the one kept before is not asked any more.
    house.event(&house.call(), &pseudonym);
    house.event(&house.call(), "somebody else");
    house.drain();
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM webhook_attempts"), 2);
}

#[test]
fn attempts_go_with_their_jobs_and_replays_a_month_after_their_end() {
    let house = House::new("attempts");
    let endpoint = house.endpoint(EndpointPatch::default());
    house.event(&house.call(), "Big deal");
    house.drain();
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM webhook_attempts"), 1);
    let form = ::webhooks::ReplayForm {
        which: Some("failed".to_owned()),
        since: Some("2027-01-01T00:00:00Z".to_owned()),
        ..::webhooks::ReplayForm::default()
    };
    let wish = form.read(house.clock.now()).unwrap();
    let begun =
        block_on(pipeline::webhooks::replay::begin(&house.db, &house.call(), &endpoint.id, wish)).unwrap();
    house.drain();
    let seen = block_on(pipeline::webhooks::replay::see(&house.db, &house.call(), &begun.replay.id)).unwrap();
    assert_eq!(seen.replay.state, ::webhooks::ReplayState::Done);
    let sweep = || {
        block_on(pipeline::lay(&house.db, house.clock.now(), &house.chance)).unwrap();
        house.drain();
        let count = |table: &str| house.count(&format!("SELECT COUNT(*) AS n FROM {table}"));
        (count("webhook_attempts"), count("webhook_replays"))
    };
    house.later(Span::days(29));
    assert_eq!(sweep(), (1, 1));
    house.later(Span::days(2));
    assert_eq!(sweep(), (0, 0));
}

impl House {
    fn compact(&self) {
        block_on(async {
            let mut connection = db::native::connect(&self.folder.join("db")).unwrap();
            for sql in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
                connection.run(sql, Vec::new()).await.unwrap();
            }
        });
    }
}

#[test]
fn everything_held_is_exported_page_by_page() {
    let (house, ana, other) = furnished("export");
    let mut cursor: Option<String> = None;
    let mut all: Vec<(String, String)> = Vec::new();
    for page in 0.. {
        assert!(page < 20);
        let whose = privacy::Whose::User(&ana);
        let held = block_on(privacy::holdings(&house.db, &house.call(), whose, cursor.as_deref())).unwrap();
        for (name, items) in held.sections {
            all.extend(items.into_iter().map(|item| (name.to_owned(), item)));
        }
        cursor = held.next;
        if cursor.is_none() {
            break;
        }
    }
    let count = |name: &str| all.iter().filter(|(section, _)| section == name).count();
    assert_eq!((count("user"), count("sessions")), (1, 450));
    assert!(count("messages") >= 451, "{}", count("messages"));
    assert!(count("audit") >= 3, "{}", count("audit"));
    let text: String = all.iter().map(|(_, item)| item.as_str()).collect();
    assert!(!text.contains("hash\":") && !text.contains("argon2"), "no secret is told");
    assert!(text.contains("Number 449") && !text.contains("Not for her"));
    let foreign =
        block_on(privacy::holdings(&house.db, &house.call(), privacy::Whose::User(&other), Some("x")));
    assert!(matches!(foreign, Err(auth::AuthError::Fields(_))));
    let by_key = block_on(privacy::holdings(&house.db, &house.call(), privacy::Whose::Own, None));
    assert!(matches!(by_key, Err(auth::AuthError::NeedsSession)));
    let own = house.as_user(&other, "192.0.2.9");
    let own = block_on(privacy::holdings(&house.db, &own, privacy::Whose::Own, None)).unwrap();
    assert_eq!(own.person.email, "diana@example.com");
}

#[test]
fn what_is_old_goes_and_the_rest_still_holds() {
    let (house, ..) = furnished("retention");
    house.drain();
    house.later(Span::days(60));
    house.event(&house.call(), "A young deal");
    house.drain();
    let lay = || block_on(pipeline::lay(&house.db, house.clock.now(), &house.chance)).unwrap();
    assert_eq!((lay(), lay()), (1, 0), "once a day");
    house.drain();
    // 60 days: jobs and sessions that have ended are too old, the rest is not.
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM events"), 4);
    assert!(house.count("SELECT COUNT(*) AS n FROM messages") > 450);
    let old = format!("SELECT COUNT(*) AS n FROM jobs WHERE created_at <= {START}");
    assert_eq!(house.count(&old), 0);
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM sessions"), 0, "nobody used them for long");

    house
        .run("UPDATE tenants SET settings = json_set(settings, '$.retention', json('{\"audit_days\": 50}'))");
    house.later(Span::days(40));
    assert_eq!(lay(), 1);
    house.drain();
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM events"), 1);
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM messages"), 1);
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM deliveries"), 1);
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM inbox"), 1);
    assert_eq!(house.count("SELECT COUNT(*) AS n FROM audit_entries WHERE action = 'audit.retention'"), 1);
    let left = house.count("SELECT COUNT(*) AS n FROM audit_entries");
    assert!((2..10).contains(&left), "{left}");
    house.chain_holds();
    assert_eq!(lay(), 0);
}
