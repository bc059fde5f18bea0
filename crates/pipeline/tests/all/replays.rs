//! Does what failed, or was never sent, reach its endpoint once, in order and no faster than asked, whatever happens meanwhile? On a real
//! database, with a courier that the test plays.

use crate::stage::{Counting, Ropes};
use ::webhooks::{
    Endpoint, EndpointPatch, NewEndpoint, PolicyPatch, Reason, Replay, ReplayState, ReplayWish, WebhookError,
    Which, service::replay as replays,
};
use db::{Db, native::Native};
use events::{NewEvent, Origin};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{BatchCounts, Courier, Filter, Job, Kind, Lost, Parcel, Receipt, State};
use kernel::{
    Call, Clock, Instant, PageRequest, Principal, ReplayId, RequestId, Secret, Span, TenantId, Trace,
};
use notifications::Means;
use pipeline::{
    Books, Door, Works, drain,
    webhooks::{
        self as use_cases,
        replay::{self, Counted, ReplaySeen},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

const START: i64 = 1_800_000_000_000;

/// Takes everything, or refuses everything; keeps what it carried, and when.
#[derive(Default)]
struct Player {
    refuses: AtomicBool,
    carried: Mutex<Vec<Parcel>>,
}

impl Courier for Player {
    fn send(&self, parcel: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        self.carried.lock().unwrap().push(parcel);
        let status = if self.refuses.load(Ordering::Relaxed) { 400 } else { 204 };
        ready(Ok(Receipt { status, headers: Vec::new(), body: Vec::new() })).boxed()
    }
}

/// A clock whose hand the test moves; while work is to stop soon, each look at it takes a millisecond.
struct Hand {
    at: AtomicI64,
    goes: AtomicBool,
}

impl Clock for Hand {
    fn now(&self) -> Instant {
        let step = i64::from(self.goes.load(Ordering::Relaxed));
        Instant::from_millis(self.at.fetch_add(step, Ordering::Relaxed))
    }
}

struct Yard {
    db: Db,
    clock: Hand,
    chance: Arc<Counting>,
    courier: Player,
    means: Means,
    books: Arc<Books>,
}

impl Yard {
    fn new() -> Self {
        let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
        let yard = Self {
            db: Native::memory().unwrap(),
            clock: Hand { at: AtomicI64::new(START), goes: AtomicBool::new(false) },
            chance: Arc::default(),
            courier: Player::default(),
            means: Means::new(&keys, false).unwrap(),
            books: Arc::default(),
        };
        block_on(async {
            let mut tx = yard.db.begin().await.unwrap();
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at)
                VALUES ('acme-corp', 'x', 'active', 0, 0), ('globex', 'x', 'active', 0, 0)";
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
        yard
    }

    fn call_of(&self, tenant: &str) -> Call {
        Call {
            principal: Principal::system(tenant.parse::<TenantId>().unwrap()),
            now: self.clock.now(),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn call(&self) -> Call {
        self.call_of("acme-corp")
    }

    fn hook_means(&self) -> ::webhooks::Means<'_> {
        ::webhooks::Means { vault: &self.means.vault, allow_private: false }
    }

    fn endpoint(&self, patch: EndpointPatch) -> Endpoint {
        let url = "https://customer.example/in".to_owned();
        let new = NewEndpoint { url, patch, ..NewEndpoint::default() };
        block_on(use_cases::create(&self.db, &self.call(), self.hook_means(), new)).unwrap().0
    }

    fn change(&self, endpoint: &Endpoint, patch: EndpointPatch) {
        let call = self.call();
        block_on(use_cases::change(&self.db, &call, self.hook_means(), &endpoint.id, patch, None)).unwrap();
    }

    fn happen(&self, trigger: &str, data: &Value) {
        let event = NewEvent {
            trigger: trigger.to_owned(),
            data: data.to_string(),
            source: "api".to_owned(),
            external_id: None,
            subject: None,
            occurred: None,
            dedupe: None,
        };
        let door = Door::new(self.db.clone(), Arc::clone(&self.books), Arc::new(Ropes));
        block_on(door.publish(&self.call(), event, Origin::default())).unwrap();
        self.later(Span::millis(1));
    }

    /// An opportunity of this value.
    fn deal(&self, value: i64) {
        let data = json!({"opportunity_id": "o-1", "opportunity_name": "Deal", "value": value});
        self.happen("opportunity_created", &data);
    }

    fn drain_for(&self, span: Span) {
        let works = Works {
            db: &self.db,
            books: &self.books,
            means: &self.means,
            mail: None,
            courier: &self.courier,
            renderer: &pipeline::ByRules,
            tokens: &crate::stage::TOKENS,
            is_guarded: true,
            clock: &self.clock,
            chance: self.chance.clone(),
        };
        block_on(drain(&works, self.clock.now() + span)).unwrap();
    }

    fn drain(&self) {
        self.drain_for(Span::seconds(10));
    }

    fn later(&self, span: Span) {
        self.clock.at.fetch_add(span.as_millis(), Ordering::Relaxed);
    }

    fn refuse(&self, refuses: bool) {
        self.courier.refuses.store(refuses, Ordering::Relaxed);
    }

    fn wish(&self, which: Which) -> ReplayWish {
        let now = self.clock.now();
        ReplayWish { which, since: now - Span::hours(1), until: now, per_minute: 60_000 }
    }

    fn count(&self, endpoint: &Endpoint, wish: ReplayWish) -> Counted {
        block_on(replay::count(&self.db, &self.call(), &endpoint.id, wish)).unwrap()
    }

    fn begin(&self, endpoint: &Endpoint, wish: ReplayWish) -> Result<ReplaySeen, WebhookError> {
        block_on(replay::begin(&self.db, &self.call(), &endpoint.id, wish))
    }

    fn see(&self, id: &ReplayId) -> ReplaySeen {
        block_on(replay::see(&self.db, &self.call(), id)).unwrap()
    }

    /// A replay, carried through.
    fn through(&self, endpoint: &Endpoint, wish: ReplayWish) -> ReplaySeen {
        let id = self.begin(endpoint, wish).unwrap().replay.id;
        for _ in 0..200 {
            self.drain();
            if self.see(&id).replay.ended_at.is_some() {
                return self.see(&id);
            }
            self.later(Span::seconds(2));
        }
        panic!("it never ends: {:?}", self.see(&id));
    }

    /// The jobs that send webhooks, oldest first.
    fn jobs(&self) -> Vec<Job> {
        let filter = Filter { kind: Some(Kind::SendWebhook), ..Filter::default() };
        let page = PageRequest::new(200, None).unwrap();
        let mut jobs = block_on(jobs::list(&self.db, &self.call(), &filter, &page)).unwrap().items;
        jobs.reverse();
        jobs
    }

    /// What was carried: of each request its id and the value of its deal.
    fn carried(&self) -> Vec<(String, i64)> {
        let carried = std::mem::take(&mut *self.courier.carried.lock().unwrap());
        let told = |parcel: &Parcel| {
            let id = &parcel.headers.iter().find(|(name, _)| name == "webhook-id").unwrap().1;
            let body: Value = serde_json::from_slice(&parcel.body).unwrap();
            (id.clone(), body["data"]["value"].as_i64().unwrap_or_default())
        };
        carried.iter().map(told).collect()
    }

    fn values(&self) -> Vec<i64> {
        let mut values: Vec<i64> = self.carried().into_iter().map(|(_, value)| value).collect();
        values.sort_unstable();
        values
    }
}

fn wanting(types: &[&str]) -> EndpointPatch {
    let types = types.iter().map(|text| (*text).to_owned()).collect();
    EndpointPatch { event_types: Some(types), ..EndpointPatch::default() }
}

/// One that tries once, and wants all.
fn impatient() -> EndpointPatch {
    let policy = PolicyPatch { schedule: Some(Some(Vec::new())), ..PolicyPatch::default() };
    EndpointPatch { policy, ..wanting(&["sales.*"]) }
}

fn off(is_active: bool) -> EndpointPatch {
    EndpointPatch { is_active: Some(is_active), ..EndpointPatch::default() }
}

#[test]
fn what_failed_goes_out_under_the_same_id() {
    let yard = Yard::new();
    let endpoint = yard.endpoint(impatient());
    yard.refuse(true);
    for value in 1..=3 {
        yard.deal(value);
    }
    yard.drain();
    let mut before = yard.carried();
    before.sort();
    assert!(yard.jobs().iter().all(|job| job.state == State::Dead));
    yard.refuse(false);
    // One arrived, and a test failed: neither is meant.
    yard.deal(4);
    yard.drain();
    yard.carried();
    yard.refuse(true);
    block_on(use_cases::test(&yard.db, &yard.call(), &endpoint.id, use_cases::Example::default())).unwrap();
    yard.drain();
    yard.carried();
    yard.refuse(false);

    let wish = yard.wish(Which::Failed);
    assert_eq!(yard.count(&endpoint, wish), Counted { count: 3, is_more: false });
    assert_eq!(yard.carried().len(), 0, "counting changes nothing");
    let seen = yard.through(&endpoint, wish);
    let mut again = yard.carried();
    again.sort();
    assert_eq!(again, before);
    assert_eq!((seen.replay.state, seen.replay.total, seen.replay.queued), (ReplayState::Done, 3, 3));
    assert_eq!(seen.deliveries, BatchCounts { done: 3, ..BatchCounts::default() });
    assert_eq!(yard.count(&endpoint, wish), Counted { count: 0, is_more: false });
}

#[test]
fn only_those_of_the_time_are_meant() {
    let yard = Yard::new();
    let endpoint = yard.endpoint(impatient());
    yard.refuse(true);
    yard.deal(1);
    yard.later(Span::minutes(1));
    let since = yard.clock.now();
    yard.deal(2);
    let until = yard.clock.now();
    yard.deal(3);
    yard.drain();
    yard.carried();
    yard.refuse(false);
    yard.through(&endpoint, ReplayWish { since, until, ..yard.wish(Which::Failed) });
    assert_eq!(yard.values(), [2]);
}

#[test]
fn what_was_never_sent_is_found_by_type_and_filter_and_not_twice() {
    let yard = Yard::new();
    for value in [5, 50, 500] {
        yard.deal(value);
    }
    yard.happen("contact_created", &json!({"contact_id": "c-1", "value": 999}));
    let filter = json!([{"type": "greater_than", "field": "value", "value": 10}]);
    let endpoint =
        yard.endpoint(EndpointPatch { filter: Some(Some(filter)), ..wanting(&["sales.*", "webhook.*"]) });
    yard.deal(70);
    yard.drain();
    assert_eq!(yard.values(), [70], "it gets what comes from then on");
    let wish = yard.wish(Which::NeverSent);
    assert_eq!(yard.count(&endpoint, wish), Counted { count: 2, is_more: false });
    let seen = yard.through(&endpoint, wish);
    assert_eq!(yard.values(), [50, 500]);
    assert_eq!((seen.replay.total, seen.replay.queued, seen.deliveries.done), (2, 2, 2));
    let lane = format!("endpoint:{}", endpoint.id);
    for job in yard.jobs() {
        assert_eq!(job.lane.as_ref().map(jobs::Lane::name), Some(&*lane));
        assert!(job.event.is_some() && job.rule.is_none());
    }
    let again = yard.through(&endpoint, yard.wish(Which::NeverSent));
    assert_eq!((again.replay.total, again.replay.queued, yard.carried().len()), (0, 0, 0));
}

#[test]
fn no_more_leave_than_asked() {
    let yard = Yard::new();
    for value in 0..100 {
        yard.deal(value);
    }
    let endpoint = yard.endpoint(wanting(&["sales.*"]));
    let wish = ReplayWish { per_minute: 20, ..yard.wish(Which::NeverSent) };
    assert_eq!(wish.takes(100), Span::minutes(5));
    let id = yard.begin(&endpoint, wish).unwrap().replay.id;
    let mut sent: Vec<usize> = Vec::new();
    let mut most_waiting = 0;
    while yard.see(&id).replay.ended_at.is_none() {
        assert!(sent.len() < 500, "{sent:?}");
        yard.drain();
        sent.push(yard.carried().len());
        most_waiting = most_waiting.max(yard.see(&id).deliveries.waiting);
        yard.later(Span::seconds(1));
    }
    assert_eq!(sent.iter().sum::<usize>(), 100);
    assert!(sent.windows(60).all(|minute| minute.iter().sum::<usize>() <= 20), "{sent:?}");
    assert!(sent.len() < 330, "nor slower: {}", sent.len());
    assert!(most_waiting <= 30, "{most_waiting}");
}

#[test]
fn an_endpoint_that_rested_does_not_get_all_at_once() {
    let yard = Yard::new();
    for value in 0..200 {
        yard.deal(value);
    }
    let endpoint = yard.endpoint(wanting(&["sales.*"]));
    let lanes = |gate: jobs::Gate| {
        block_on(async {
            let mut tx = yard.db.begin().await.unwrap();
            let lane = format!("endpoint:{}", endpoint.id);
            let gated = jobs::Gated { tenant: "acme-corp".parse().unwrap(), lane, gate };
            jobs::gate(&mut tx.all_tenants(), &[gated]).await.unwrap();
            tx.commit().await.unwrap();
        });
    };
    lanes(jobs::Gate::Shut { until: yard.clock.now() + Span::days(1), then: None });
    let wish = ReplayWish { per_minute: 20, ..yard.wish(Which::NeverSent) };
    let id = yard.begin(&endpoint, wish).unwrap().replay.id;
    for _ in 0..60 {
        yard.drain();
        yard.later(Span::seconds(20));
    }
    let seen = yard.see(&id);
    assert_eq!((seen.replay.state, seen.replay.total), (ReplayState::Running, 200));
    assert!((10..=30).contains(&seen.deliveries.waiting), "{seen:?}");
    lanes(jobs::Gate::Open);
    yard.drain();
    assert!(yard.carried().len() <= 30);
}

#[test]
fn who_calls_it_off_gets_back_what_waits() {
    let yard = Yard::new();
    let endpoint = yard.endpoint(impatient());
    yard.refuse(true);
    for value in 0..30 {
        yard.deal(value);
    }
    yard.drain();
    yard.carried();
    yard.refuse(false);
    let wish = ReplayWish { per_minute: 20, ..yard.wish(Which::Failed) };
    let id = yard.begin(&endpoint, wish).unwrap().replay.id;
    yard.drain();
    let sent = yard.carried().len();
    let before = yard.see(&id);
    assert!((1..30).contains(&sent) && before.deliveries.waiting > 0, "{sent} {before:?}");
    let after = block_on(replay::cancel(&yard.db, &yard.call(), &id)).unwrap();
    assert_eq!((after.replay.state, after.deliveries.waiting), (ReplayState::Cancelled, 0));
    let again = block_on(replay::cancel(&yard.db, &yard.call(), &id));
    assert!(matches!(again, Err(WebhookError::ReplayEnded(ReplayState::Cancelled))));
    for _ in 0..20 {
        yard.later(Span::seconds(30));
        yard.drain();
    }
    assert_eq!(yard.carried().len(), 0);
    let dead = yard.jobs().iter().filter(|job| job.state == State::Dead).count();
    assert_eq!(dead, 30 - sent, "they are dead letters again");
    assert_eq!(usize::try_from(yard.count(&endpoint, yard.wish(Which::Failed)).count).unwrap(), dead);
    yard.through(&endpoint, yard.wish(Which::Failed));
    assert_eq!(yard.carried().len(), dead);
}

#[test]
fn what_was_never_sent_and_called_off_is_found_again() {
    let yard = Yard::new();
    for value in 0..30 {
        yard.deal(value);
    }
    let endpoint = yard.endpoint(wanting(&["*"]));
    let wish = ReplayWish { per_minute: 20, ..yard.wish(Which::NeverSent) };
    let id = yard.begin(&endpoint, wish).unwrap().replay.id;
    yard.drain();
    let mut sent = yard.values();
    let after = block_on(replay::cancel(&yard.db, &yard.call(), &id)).unwrap();
    assert!(after.deliveries.cancelled > 0, "{after:?}");
    let cancelled = yard.jobs().into_iter().find(|job| job.state == State::Cancelled).unwrap();
    assert_eq!(cancelled.reason.as_deref(), Some("the replay that it belongs to was cancelled"));
    yard.through(&endpoint, yard.wish(Which::NeverSent));
    sent.append(&mut yard.values());
    sent.sort_unstable();
    assert_eq!(sent, (0..30).collect::<Vec<_>>());
}

#[test]
fn an_endpoint_that_is_off_gets_none_and_one_that_is_switched_off_ends_it() {
    let yard = Yard::new();
    for value in 0..30 {
        yard.deal(value);
    }
    let endpoint = yard.endpoint(wanting(&["*"]));
    yard.change(&endpoint, off(false));
    let wish = ReplayWish { per_minute: 20, ..yard.wish(Which::NeverSent) };
    let refused = yard.begin(&endpoint, wish);
    assert!(matches!(refused, Err(WebhookError::Disabled(Reason::Asked))));
    yard.change(&endpoint, off(true));
    let id = yard.begin(&endpoint, wish).unwrap().replay.id;
    yard.drain();
    yard.change(&endpoint, off(false));
    for _ in 0..4 {
        yard.later(Span::seconds(60));
        yard.drain();
    }
    let Replay { state, reason, .. } = yard.see(&id).replay;
    assert_eq!(state, ReplayState::Failed);
    assert!(reason.as_deref().unwrap().starts_with("The webhook endpoint is switched off"), "{reason:?}");

    yard.change(&endpoint, off(true));
    let id = yard.begin(&endpoint, wish).unwrap().replay.id;
    block_on(use_cases::delete(&yard.db, &yard.call(), &endpoint.id, None)).unwrap();
    yard.drain();
    let gone = block_on(replay::see(&yard.db, &yard.call(), &id));
    assert!(matches!(gone, Err(WebhookError::ReplayUnknown)), "it goes with its endpoint");
    let filter = Filter { kind: Some(Kind::ReplayWebhooks), ..Filter::default() };
    let chores = block_on(jobs::list(&yard.db, &yard.call(), &filter, &PageRequest::default())).unwrap();
    assert!(chores.items.iter().all(|job| job.state == State::Done), "{chores:?}");
}

#[test]
fn another_tenant_knows_nothing_of_it() {
    let yard = Yard::new();
    let endpoint = yard.endpoint(wanting(&["*"]));
    let id = yard.begin(&endpoint, yard.wish(Which::Failed)).unwrap().replay.id;
    let other = yard.call_of("globex");
    let wish = yard.wish(Which::NeverSent);
    block_on(async {
        let db = &yard.db;
        assert!(matches!(replay::begin(db, &other, &endpoint.id, wish).await, Err(WebhookError::Unknown)));
        assert!(matches!(replay::count(db, &other, &endpoint.id, wish).await, Err(WebhookError::Unknown)));
        assert!(matches!(replay::see(db, &other, &id).await, Err(WebhookError::ReplayUnknown)));
        assert!(matches!(replay::cancel(db, &other, &id).await, Err(WebhookError::ReplayUnknown)));
        let page = PageRequest::default();
        let of = replays::list(db, &other, Some(&endpoint.id), &page).await;
        assert!(matches!(of, Err(WebhookError::Unknown)));
        assert_eq!(replays::list(db, &other, None, &page).await.unwrap().items.len(), 0);
        assert_eq!(replays::list(db, &yard.call(), None, &page).await.unwrap().items.len(), 1);
    });
}

#[test]
fn three_are_under_way_at_a_time_and_one_whose_job_is_gone_is_not() {
    let yard = Yard::new();
    let endpoint = yard.endpoint(wanting(&["*"]));
    let wish = yard.wish(Which::Failed);
    let ids: Vec<Replay> = (0..3).map(|_| yard.begin(&endpoint, wish).unwrap().replay).collect();
    assert!(matches!(yard.begin(&endpoint, wish), Err(WebhookError::ReplaysUnderWay(3))));
    block_on(pipeline::cancel(&yard.db, &yard.call(), &ids[0].job)).unwrap();
    let seen = yard.see(&ids[0].id).replay;
    assert_eq!((seen.state, seen.reason.as_deref()), (ReplayState::Failed, Some("Its job was cancelled.")));
    yard.begin(&endpoint, wish).unwrap();
}

#[test]
fn what_the_queue_forgot_is_not_sent_again() {
    let yard = Yard::new();
    let endpoint = yard.endpoint(wanting(&["*"]));
    yard.deal(1);
    yard.drain();
    yard.later(Span::days(40));
    let now = yard.clock.now();
    let wish = ReplayWish { since: now - Span::days(60), ..yard.wish(Which::NeverSent) };
    let Err(WebhookError::Invalid(faults)) = yard.begin(&endpoint, wish) else {
        panic!("it is too long ago")
    };
    assert_eq!(&*faults[0].field, "since");
    // One that began in time and is too slow ends before it would double anything.
    yard.change(&endpoint, off(false));
    for value in 2..6 {
        yard.deal(value);
    }
    yard.change(&endpoint, off(true));
    yard.carried();
    yard.later(Span::days(28));
    let wish =
        ReplayWish { since: yard.clock.now() - Span::days(29), per_minute: 1, ..yard.wish(Which::NeverSent) };
    let id = yard.begin(&endpoint, wish).unwrap().replay.id;
    yard.drain();
    assert_eq!(yard.carried().len(), 1);
    yard.later(Span::days(3));
    yard.drain();
    yard.drain();
    let Replay { state, reason, queued, .. } = yard.see(&id).replay;
    // The second waited for its minute when the first had left.
    assert_eq!((state, queued), (ReplayState::Failed, 2));
    assert!(reason.unwrap().starts_with("Deliveries are kept for 30 days"));
}

#[test]
fn things_of_one_key_are_replayed_in_order() {
    let yard = Yard::new();
    for value in 0..20 {
        yard.deal(value);
    }
    let policy =
        PolicyPatch { ordering_key: Some(Some("opportunity_id".to_owned())), ..PolicyPatch::default() };
    let endpoint = yard.endpoint(EndpointPatch { policy, ..wanting(&["*"]) });
    yard.through(&endpoint, yard.wish(Which::NeverSent));
    let values: Vec<i64> = yard.carried().into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, (0..20).collect::<Vec<_>>());
}

/// Something that happens before, while and after a replay goes on.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// A deal of this value.
    Deal(i64),
    /// The endpoint is switched off or on.
    Switch(bool),
    /// The receiver refuses or takes.
    Refuse(bool),
    /// So many seconds pass.
    Pass(i64),
    /// The queue is worked off for so many milliseconds: a chore may stop after any of its steps.
    Drain(i64),
    /// Whoever works dies with what it holds: its leases run out.
    Die,
    /// Somebody begins one more replay.
    Begin,
    /// Somebody calls the last one off.
    Cancel,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (0_i64..40).prop_map(Deed::Deal),
        1 => any::<bool>().prop_map(Deed::Switch),
        1 => any::<bool>().prop_map(Deed::Refuse),
        2 => (0_i64..90).prop_map(Deed::Pass),
        3 => (0_i64..12).prop_map(Deed::Drain),
        1 => Just(Deed::Die),
        2 => Just(Deed::Begin),
        1 => Just(Deed::Cancel),
    ]
}

impl Yard {
    fn die(&self) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let lease = jobs::Lease::new(&*self.chance);
            jobs::claim(&mut tx.all_tenants(), self.clock.now(), &lease, 5).await.unwrap();
            tx.commit().await.unwrap();
        });
        self.later(jobs::LEASE);
        self.later(Span::seconds(1));
    }

    /// How many deliveries each deal has that were not called off before they were tried.
    fn deliveries(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for job in self.jobs() {
            if job.state != State::Cancelled || job.attempts > 0 {
                *counts.entry(job.event.unwrap().to_string()).or_default() += 1;
            }
        }
        counts
    }

    fn dear_deals(&self) -> Vec<String> {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let sql = "SELECT event_id AS id FROM events WHERE data ->> 'value' > 10 ORDER BY event_id";
            lease.all_tenants().unwrap().all(sql, []).await.unwrap()
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn after_a_replay_each_wanted_event_has_one_delivery(deeds in prop::collection::vec(deed(), 1..40)) {
        let yard = Yard::new();
        let filter = json!([{"type": "greater_than", "field": "value", "value": 10}]);
        let endpoint = yard.endpoint(EndpointPatch { filter: Some(Some(filter)), ..wanting(&["sales.*"]) });
        let mut last = None;
        for deed in deeds {
            match deed {
                Deed::Deal(value) => yard.deal(value),
                Deed::Switch(is_active) => yard.change(&endpoint, off(is_active)),
                Deed::Refuse(refuses) => yard.refuse(refuses),
                Deed::Pass(seconds) => yard.later(Span::seconds(seconds)),
                Deed::Drain(millis) => {
                    yard.clock.goes.store(true, Ordering::Relaxed);
                    yard.drain_for(Span::millis(millis));
                    yard.clock.goes.store(false, Ordering::Relaxed);
                }
                Deed::Die => yard.die(),
                Deed::Begin => {
                    let wish = ReplayWish { per_minute: 60, ..yard.wish(Which::NeverSent) };
                    last = yard.begin(&endpoint, wish).ok().map(|seen| seen.replay.id).or(last);
                }
                Deed::Cancel => {
                    if let Some(id) = &last {
                        let _ = block_on(replay::cancel(&yard.db, &yard.call(), id));
                    }
                }
            }
            prop_assert!(yard.deliveries().values().all(|count| *count == 1), "never twice");
        }
        yard.refuse(false);
        yard.change(&endpoint, off(true));
        // Those that are under way end first, so that there is room for one more.
        for _ in 0..40 {
            yard.later(Span::minutes(1));
            yard.drain();
        }
        let wish = ReplayWish { since: Instant::from_millis(START), ..yard.wish(Which::NeverSent) };
        let seen = yard.through(&endpoint, wish);
        prop_assert_eq!(seen.replay.state, ReplayState::Done);
        let deliveries = yard.deliveries();
        prop_assert_eq!(deliveries.keys().cloned().collect::<Vec<_>>(), yard.dear_deals());
        prop_assert!(deliveries.values().all(|count| *count == 1), "{:?}", deliveries);
    }
}
