//! Do the use cases hold on a database? Each has a world of its own, in memory.

mod portal;

use super::*;
use crate::{
    Attempted, Came, Consequence, Dispatch, EndpointFilter, Lines, PolicyPatch, Reason, SEALED, Sign, judge,
};
use db::{Db, Decode, Row, native::Native};
use futures::executor::block_on;
use kernel::{Chance, Fault as _, Instant, JobId, PageRequest, Principal, RequestId, Secret, Span, Trace};
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

impl World {
    fn new() -> Self {
        let chance: Arc<dyn Chance> = Arc::new(Counting::default());
        let call = |tenant: &str| Call {
            principal: Principal::system(tenant.parse().unwrap()),
            now: Instant::from_millis(NOW),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: Arc::clone(&chance),
        };
        let world = Self {
            db: Native::memory().unwrap(),
            vault: Vault::from_keys(OLD).unwrap(),
            acme: call("acme-corp"),
            globex: call("globex"),
        };
        block_on(async {
            let mut tx = world.db.begin().await.unwrap();
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at)
                VALUES ('acme-corp', 'x', 'active', 0, 0), ('globex', 'x', 'active', 0, 0)";
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
        world
    }

    fn means(&self) -> Means<'_> {
        Means { vault: &self.vault, allow_private: false }
    }

    /// Runs something within a transaction, which stays if it went well.
    fn act<T>(
        &self,
        call: &Call,
        job: impl AsyncFnOnce(&mut Scope<'_>) -> Result<T, WebhookError>,
    ) -> Result<T, WebhookError> {
        block_on(async {
            let mut tx = self.db.begin().await?;
            let outcome = job(&mut tx.scope(call.tenant())).await;
            if outcome.is_ok() {
                tx.commit().await?
            } else {
                tx.rollback().await?
            }
            outcome
        })
    }

    fn create(&self, new: NewEndpoint) -> Result<(Endpoint, SigningKey), WebhookError> {
        self.act(&self.acme, async |scope| create(scope, &self.acme, self.means(), new).await)
    }

    fn made(&self) -> (Endpoint, SigningKey) {
        self.create(to("https://example.com/in?token=hush")).unwrap()
    }

    fn get(&self, call: &Call, id: &EndpointId) -> Result<Seen, WebhookError> {
        block_on(get(&self.db, call, self.means(), id))
    }

    fn change(
        &self,
        id: &EndpointId,
        patch: EndpointPatch,
        expected: Option<i64>,
    ) -> Result<Endpoint, WebhookError> {
        self.act(&self.acme, async |scope| change(scope, &self.acme, self.means(), id, patch, expected).await)
    }

    fn delete(&self, call: &Call, id: &EndpointId, expected: Option<i64>) -> Result<(), WebhookError> {
        self.act(call, async |scope| delete(scope, call, id, expected).await)
    }

    fn requests(&self, call: &Call, endpoints: &[&EndpointId]) -> Vec<Result<Prepared, WebhookError>> {
        let dispatches: Vec<Dispatch> = endpoints
            .iter()
            .map(|id| Dispatch {
                endpoint: (*id).clone(),
                job: JobId::new(call.now, &*call.chance),
                kind: "sales.opportunity_created".to_owned(),
                happened: call.now,
                data: r#"{"value": 1.50}"#.to_owned(),
                trace: call.trace.as_str().to_owned(),
            })
            .collect();
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let prepared =
                prepare(&mut tx, call, self.means(), &dispatches, &|endpoint, _| Ok(endpoint.body.clone()))
                    .await;
            tx.commit().await.unwrap();
            prepared.unwrap()
        })
    }

    fn gone(&self, id: &EndpointId, sent: i64) -> bool {
        let sent = Instant::from_millis(NOW + sent);
        let off = self.act(&self.acme, async |scope| {
            Ok(switch_off(scope, &self.acme, id, (Reason::Gone, sent)).await?)
        });
        off.unwrap().is_some()
    }

    /// Settles an attempt that ended so many seconds from now.
    fn came(&self, id: &EndpointId, came: Came<'_>, second: i64) -> Option<Consequence> {
        let ended = Instant::from_millis(NOW + second * 1000);
        let job = JobId::new(ended, &*self.acme.chance);
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let sql = "INSERT INTO jobs (tenant_id, job_id, kind, state, payload, due_at, max_attempts, first_wait, most_wait,
                trace, created_at) VALUES ('acme-corp', ?1, 'send_webhook', 'queued', '{}', 0, 1, 0, 0, '', 0)";
            tx.all_tenants().run_for_effect(sql, [(&job).into()]).await.unwrap();
            let attempted = Attempted {
                tenant: self.acme.tenant().clone(),
                endpoint: id.clone(),
                job,
                number: 1,
                started: ended,
                ended,
                answer: None,
                judgement: judge(came),
            };
            let consequences = settle(&mut tx.all_tenants(), &[&attempted]).await.unwrap();
            tx.commit().await.unwrap();
            consequences.into_iter().next().map(|(_, consequence)| consequence)
        })
    }

    /// What the audit holds, oldest first: action, and before and after as one text.
    fn audited(&self) -> Vec<(String, String)> {
        let sql = "SELECT action, coalesce(before, '') || coalesce(after, '') AS said FROM audit_entries ORDER BY sequence";
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let rows: Vec<Line> = lease.all_tenants().unwrap().all(sql, []).await.unwrap();
            rows.into_iter().map(|line| (line.0, line.1)).collect()
        })
    }
}

struct Line(String, String);
impl Decode for Line {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("action")?, row.get("said")?))
    }
}

fn to(url: &str) -> NewEndpoint {
    NewEndpoint { url: url.to_owned(), ..NewEndpoint::default() }
}

fn switched(on: bool) -> EndpointPatch {
    EndpointPatch { is_active: Some(on), ..EndpointPatch::default() }
}

fn sent(prepared: &Result<Prepared, WebhookError>) -> &crate::Outbound {
    let Ok(Prepared::Send(outbound, _)) = prepared else { panic!("is sent: {prepared:?}") };
    outbound
}

fn code<T>(outcome: Result<T, WebhookError>) -> &'static str {
    outcome.err().map_or("", |fault| fault.code())
}

#[test]
fn an_endpoint_is_set_up_changed_and_taken_down_on_record() {
    let world = World::new();
    let (made, key) = world.made();
    let (other, _) = world.create(to("https://example.org/")).unwrap();
    let page = block_on(list(
        &world.db,
        &world.acme,
        world.means(),
        &EndpointFilter::default(),
        &PageRequest::default(),
    ))
    .unwrap();
    let listed: Vec<Endpoint> = page.items.into_iter().map(|seen| seen.endpoint).collect();
    assert_eq!(listed, [made.clone(), other]);
    assert_eq!(world.get(&world.acme, &made.id).unwrap().endpoint, made);
    assert_eq!(code(world.get(&world.globex, &made.id)), "NOT_FOUND");

    let patch = EndpointPatch { description: Some(Some(" Orders ".to_owned())), ..EndpointPatch::default() };
    assert_eq!(code(world.change(&made.id, patch.clone(), Some(7))), "PRECONDITION_FAILED");
    let changed = world.change(&made.id, patch, Some(1)).unwrap();
    assert_eq!((changed.description.as_deref(), changed.version), (Some("Orders"), 2));
    assert_eq!(code(world.delete(&world.globex, &made.id, None)), "NOT_FOUND");
    assert_eq!(code(world.delete(&world.acme, &made.id, Some(1))), "PRECONDITION_FAILED");
    world.delete(&world.acme, &made.id, Some(2)).unwrap();
    assert_eq!(code(world.get(&world.acme, &made.id)), "NOT_FOUND");

    let audited = world.audited();
    let actions: Vec<&str> = audited.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "webhook_endpoint.created",
            "webhook_endpoint.created",
            "webhook_endpoint.changed",
            "webhook_endpoint.deleted"
        ]
    );
    let all = format!("{audited:?}");
    assert!(!all.contains("hush") && !all.contains(key.text().expose()), "{all}");
}

#[test]
fn all_faulty_fields_are_told_and_there_is_an_end() {
    let world = World::new();
    let faulty =
        NewEndpoint { secret: Some(Secret::new("whsec_short".to_owned())), ..to("http://10.0.0.1/") };
    let Err(WebhookError::Invalid(faults)) = world.create(faulty) else { panic!("is faulty") };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["url", "secret"]);
    for _ in 0..crate::ENDPOINTS_MAX {
        world.made();
    }
    assert_eq!(code(world.create(to("https://example.com/"))), "WEBHOOK_ENDPOINT_LIMIT");
    let theirs = world.act(&world.globex, async |scope| {
        create(scope, &world.globex, world.means(), to("https://example.com/")).await
    });
    assert!(theirs.is_ok());
}

#[test]
fn what_is_sent_is_signed_with_the_endpoints_own_key() {
    let world = World::new();
    let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (one, key) = world
        .create(NewEndpoint { secret: Some(Secret::new(given.to_owned())), ..to("https://example.com/in") })
        .unwrap();
    assert_eq!(key.text().expose(), given);
    let (two, _) = world.made();
    let off =
        world.create(NewEndpoint { patch: switched(false), ..to("https://example.com/off") }).unwrap().0;
    let nobodys = EndpointId::new(world.acme.now, &*world.acme.chance);
    let requests = world.requests(&world.acme, &[&two.id, &nobodys, &off.id, &one.id]);
    assert_eq!(sent(&requests[0]).url.expose(), "https://example.com/in?token=hush");
    assert!(matches!(requests[1], Err(WebhookError::Unknown)));
    assert!(matches!(requests[2], Err(WebhookError::Disabled(Reason::Asked))));
    let sent = sent(&requests[3]);
    let header = |name: &str| sent.headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(header("webhook-timestamp"), "1700000000");
    assert_eq!(header("webhook-signature"), key.sign(&header("webhook-id"), world.acme.now, &sent.body));
    // Another tenant's endpoint is none.
    assert!(matches!(world.requests(&world.globex, &[&one.id])[0], Err(WebhookError::Unknown)));
}

#[test]
fn one_that_is_gone_is_switched_off_once_and_stays_off_until_somebody_switches_it_on() {
    let world = World::new();
    let (made, _) = world.made();
    assert!(!world.gone(&made.id, -1), "it was changed after that request");
    assert!(world.gone(&made.id, 1));
    assert!(!world.gone(&made.id, 1), "it is off already");
    let off = world.get(&world.acme, &made.id).unwrap().endpoint;
    assert_eq!((off.disabled.map(|disabled| disabled.reason), off.version), (Some(Reason::Gone), 2));
    assert_eq!(code(world.requests(&world.acme, &[&made.id]).remove(0)), "WEBHOOK_ENDPOINT_DISABLED");
    assert_eq!(world.audited()[1].0, "webhook_endpoint.disabled");
    world.change(&made.id, switched(true), None).unwrap();
    assert!(world.requests(&world.acme, &[&made.id])[0].is_ok());
}

#[test]
fn a_key_survives_a_turn_of_the_key_that_seals_it() {
    let world = World::new();
    let (made, _) = world.made();
    let both = Vault::from_keys(&format!("{NEW},{OLD}")).unwrap();
    let chance = &*world.acme.chance;
    block_on(async {
        let mut tx = world.db.begin().await.unwrap();
        let done = vault::step(&mut tx.all_tenants(), &both, chance, SEALED, None, 10).await.unwrap();
        assert_eq!((done.done, done.stuck.len()), (1, 0));
        assert_eq!(
            vault::left(&mut tx.all_tenants(), &both, SEALED).await.unwrap(),
            [("webhook_endpoints", 0), ("webhook_sources", 0)]
        );
        tx.commit().await.unwrap();
    });
    let turned = World { vault: Vault::from_keys(NEW).unwrap(), ..world };
    assert!(turned.requests(&turned.acme, &[&made.id])[0].is_ok());
    let old = World { vault: Vault::from_keys(OLD).unwrap(), ..turned };
    assert!(matches!(old.requests(&old.acme, &[&made.id])[0], Err(WebhookError::Vault(_))));
}

#[test]
fn a_key_that_was_replaced_signs_along_for_its_time() {
    let world = World::new();
    let (made, old) = world.made();
    let rotate = |rotation: Rotation| {
        world.act(&world.acme, async |scope| {
            rotate(scope, &world.acme, world.means(), &made.id, rotation, None).await
        })
    };
    let (turned, new) = rotate(Rotation::default()).unwrap();
    assert_eq!(turned.version, 2);
    let requests = world.requests(&world.acme, &[&made.id]);
    let outbound = sent(&requests[0]);
    let header = |name: &str| outbound.headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let signed = |key: &SigningKey| key.sign(&header("webhook-id"), world.acme.now, &outbound.body);
    assert_eq!(header("webhook-signature"), format!("{} {}", signed(&new), signed(&old)));
    let seen = world.get(&world.acme, &made.id).unwrap();
    assert_eq!(seen.overlaps_until, Some(world.acme.now + Span::hours(24)));

    let private =
        Rotation { signature: Some("v1a".to_owned()), overlap: Some(json!("PT0S")), ..Rotation::default() };
    let (_, private) = rotate(private).unwrap();
    let seen = world.get(&world.acme, &made.id).unwrap();
    assert_eq!((seen.public_key, seen.endpoint.signature.as_str()), (private.public(), "v1a"));
    let faulty = Rotation {
        signature: Some("v2".to_owned()),
        secret: Some(Secret::new("x".to_owned())),
        overlap: Some(json!("P8D")),
    };
    let Err(WebhookError::Invalid(faults)) = rotate(faulty) else { panic!("is faulty") };
    assert_eq!(
        faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(),
        ["signature", "secret", "overlap"]
    );
    assert!(!format!("{:?}", world.audited()).contains("whs"));
}

#[test]
fn a_rate_is_kept_over_requests_and_the_rest_waits() {
    let world = World::new();
    let policy = PolicyPatch { rate: Some(Some((2, json!("PT10S")))), ..PolicyPatch::default() };
    let patch = EndpointPatch { policy, ..EndpointPatch::default() };
    let (made, _) = world.create(NewEndpoint { patch, ..to("https://example.com/") }).unwrap();
    let first = world.requests(&world.acme, &[&made.id]);
    assert!(matches!(first[0], Ok(Prepared::Send(..))));
    let more = world.requests(&world.acme, &[&made.id, &made.id]);
    assert!(matches!(more[0], Ok(Prepared::Send(..))));
    let until = world.acme.now + Span::seconds(5);
    assert!(matches!(&more[1], Ok(Prepared::Wait(at, _)) if *at == until), "{:?}", more[1]);
}

#[test]
fn a_circuit_opens_one_request_tries_and_a_success_closes_it() {
    let world = World::new();
    let (made, _) = world.made();
    let answer = |status| Came::Answer { status, retry_after: None };
    for _ in 0..4 {
        assert_eq!(world.came(&made.id, Came::Slow(15), -40), None);
    }
    let opened = world.came(&made.id, answer(500), -40).unwrap();
    assert_eq!(opened.lines, Some(Lines::RestAndTry(world.acme.now - Span::seconds(10))));
    assert_eq!(world.get(&world.acme, &made.id).unwrap().health.circuit.as_str(), "open");
    // Its time is over: one tries, the others wait for it.
    let requests = world.requests(&world.acme, &[&made.id, &made.id]);
    assert!(matches!((&requests[0], &requests[1]), (Ok(Prepared::Send(..)), Ok(Prepared::Wait(..)))));
    assert_eq!(world.get(&world.acme, &made.id).unwrap().health.circuit.as_str(), "half_open");
    assert_eq!(world.came(&made.id, answer(204), 1).unwrap().lines, Some(Lines::Go));
    assert_eq!(world.get(&world.acme, &made.id).unwrap().health.circuit.as_str(), "closed");

    let figures = block_on(figures(
        &world.db,
        &world.acme,
        &made.id,
        (world.acme.now - Span::hours(1), world.acme.now + Span::hours(1)),
    ));
    let figures = figures.unwrap();
    assert_eq!((figures.attempts, figures.succeeded), (6, 1));
    assert_eq!(figures.by_failure, [("http_500".to_owned(), 1), ("timeout".to_owned(), 4)].into());
}

#[test]
fn a_change_lets_an_endpoint_begin_anew() {
    let world = World::new();
    let (made, _) = world.made();
    for _ in 0..5 {
        world.came(&made.id, Came::Broken("refused"), 0);
    }
    assert!(matches!(world.requests(&world.acme, &[&made.id])[0], Ok(Prepared::Wait(..))));
    world.change(&made.id, EndpointPatch::default(), None).unwrap();
    assert!(matches!(world.requests(&world.acme, &[&made.id])[0], Ok(Prepared::Send(..))));
    assert_eq!(judge(Came::Forbidden).sign, Sign::Unwell);
}

#[test]
fn a_replay_begins_moves_on_and_ends_once() {
    use crate::{Carried, Replay, ReplayState, ReplayWish, Which};
    let world = World::new();
    let (endpoint, _) = world.made();
    let now = world.acme.now;
    let wish = ReplayWish { which: Which::Failed, since: now - Span::hours(1), until: now, per_minute: 600 };
    let job = JobId::first(now);
    let begin = |call: &Call| {
        world.act(call, async |scope| replay::begin(scope, call, &endpoint.id, wish, (&job, "job_")).await)
    };
    let begun = begin(&world.acme).unwrap();
    assert!(matches!(begin(&world.globex), Err(WebhookError::Unknown)));
    let under_way =
        || world.act(&world.acme, async |scope| Ok(replay::under_way(scope, &begun.id).await?)).unwrap();
    let was = under_way().unwrap();
    assert_eq!((was.replay.clone(), was.after.as_str(), was.next_at), (begun.clone(), "job_", now));
    let running = Replay { state: ReplayState::Running, total: 7, ..begun.clone() };
    let is = Carried { replay: running, after: "job_0".to_owned(), next_at: now };
    let advance = |was: &Carried, is: &Carried| {
        world.act(&world.acme, async |scope| Ok(replay::advance(scope, was, is).await?)).unwrap()
    };
    assert!(advance(&was, &is) && !advance(&was, &is), "who was overtaken changes nothing");
    assert_eq!(under_way(), Some(is.clone()));
    let cancel = |call: &Call| world.act(call, async |scope| replay::cancel(scope, call, &begun.id).await);
    assert!(matches!(cancel(&world.globex), Err(WebhookError::ReplayUnknown)));
    assert_eq!(cancel(&world.acme).unwrap(), is.replay);
    assert!(matches!(cancel(&world.acme), Err(WebhookError::ReplayEnded(ReplayState::Cancelled))));
    assert!(under_way().is_none() && !advance(&is, &is));
    world.act(&world.acme, async |scope| Ok(replay::failed(scope, &begun.id, "no", now).await?)).unwrap();
    let seen = world.act(&world.acme, async |scope| replay::get(scope, &begun.id).await).unwrap();
    assert_eq!((seen.state, seen.reason, seen.ended_at), (ReplayState::Cancelled, None, Some(now)));
    for _ in 0..3 {
        begin(&world.acme).unwrap();
    }
    let refused = begin(&world.acme).unwrap_err();
    assert_eq!(refused.code(), "WEBHOOK_REPLAYS_UNDER_WAY");
    let list = block_on(replay::list(&world.db, &world.acme, Some(&endpoint.id), &PageRequest::default()));
    assert_eq!(list.unwrap().items.len(), 4);
    let forget = |days: i64| {
        let at = now + Span::days(days);
        world.act(&world.acme, async |scope| Ok(replay::forget(scope, at, 10).await?)).unwrap()
    };
    assert_eq!((forget(29), forget(31), forget(31)), (0, 1, 0), "those that go on stay");
    world
        .change(&endpoint.id, EndpointPatch { is_active: Some(false), ..EndpointPatch::default() }, None)
        .unwrap();
    assert!(matches!(begin(&world.acme), Err(WebhookError::Disabled(Reason::Asked))));
}
