//! Does what a rule sends reach its endpoint, signed, and what follows from the answer? On a real database, with a courier that the
//! test plays.

use crate::stage::{Counting, Hand, Ropes};
use ::webhooks::{Endpoint, EndpointPatch, NewEndpoint, Reason, SigningKey, WebhookError, service as hooks};
use db::{Db, native::Native};
use events::{NewEvent, Origin};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Filter, Job, Kind, Lost, Parcel, Receipt, State};
use kernel::{
    Bounded, Call, Clock, Instant, PageRequest, Permission, Principal, RequestId, Secret, Span, TenantId,
    Trace,
};
use notifications::Means;
use pipeline::{Books, Door, Works, drain};
use rules::{Draft, service};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

const START: i64 = 1_800_000_000_000;

type Played = Result<(u16, &'static str), Lost>;

/// Answers as the test laid out, then 204; keeps what it carried.
#[derive(Default)]
struct Player {
    answers: Mutex<VecDeque<Played>>,
    carried: Mutex<Vec<Parcel>>,
}

impl Courier for Player {
    fn send(&self, parcel: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        self.carried.lock().unwrap().push(parcel);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok((204, "")));
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        ready(answer.map(|(status, body)| Receipt { status, headers, body: body.as_bytes().to_vec() }))
            .boxed()
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
            clock: Hand(AtomicI64::new(START)),
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

    fn call(&self) -> Call {
        Call {
            principal: Principal::system("acme-corp".parse::<TenantId>().unwrap()),
            now: self.clock.now(),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn hook_means(&self) -> ::webhooks::Means<'_> {
        ::webhooks::Means { vault: &self.means.vault, allow_private: false }
    }

    fn endpoint(&self) -> (Endpoint, SigningKey) {
        let new = NewEndpoint {
            url: "https://customer.example/in".to_owned(),
            description: None,
            secret: None,
            is_active: true,
        };
        block_on(hooks::create(&self.db, &self.call(), self.hook_means(), new)).unwrap()
    }

    fn look(&self, endpoint: &Endpoint) -> Result<Endpoint, WebhookError> {
        block_on(hooks::get(&self.db, &self.call(), &endpoint.id))
    }

    fn rule(&self, actions: Value) {
        let draft = Draft {
            name: Some(format!("rule {}", self.chance.0.load(Ordering::Relaxed))),
            module_type: Some("sales".to_owned()),
            trigger_id: Some("opportunity_created".to_owned()),
            actions: Some(actions),
            ..Draft::default()
        };
        let who = Bounded::new(self.call(), Permission::RulesWrite);
        block_on(service::create(&self.db, &who, draft, None)).unwrap();
    }

    fn happen(&self, data: &str) {
        let event = NewEvent {
            trigger: "opportunity_created".to_owned(),
            data: data.to_owned(),
            source: "api".to_owned(),
            external_id: None,
            subject: None,
            occurred: Some(Instant::from_millis(START - 5_000)),
            dedupe: None,
        };
        let door = Door::new(self.db.clone(), Arc::clone(&self.books), Arc::new(Ropes));
        block_on(door.publish(&self.call(), event, Origin::default())).unwrap();
    }

    fn drain(&self) {
        let works = Works {
            db: &self.db,
            books: &self.books,
            means: &self.means,
            mail: None,
            courier: &self.courier,
            renderer: &pipeline::ByRules,
            clock: &self.clock,
            chance: self.chance.clone(),
        };
        block_on(drain(&works, self.clock.now() + Span::seconds(10))).unwrap();
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// The jobs that send webhooks, oldest first.
    fn jobs(&self) -> Vec<Job> {
        let filter = Filter { kind: Some(Kind::SendWebhook), ..Filter::default() };
        let mut jobs =
            block_on(jobs::list(&self.db, &self.call(), &filter, &PageRequest::default())).unwrap().items;
        jobs.reverse();
        jobs
    }

    fn answers(&self, answers: impl IntoIterator<Item = Played>) {
        self.courier.answers.lock().unwrap().extend(answers);
    }

    fn carried(&self) -> Vec<Parcel> {
        std::mem::take(&mut *self.courier.carried.lock().unwrap())
    }
}

fn header<'a>(parcel: &'a Parcel, name: &str) -> &'a str {
    &parcel.headers.iter().find(|(known, _)| known == name).unwrap().1
}

fn webhook(endpoint: &Endpoint) -> Value {
    json!({"type": "send_webhook", "parameters": {"endpoint": endpoint.id.as_str()}})
}

const DEAL: &str = r#"{"opportunity_id": "o-1", "opportunity_name": "Big \"deal\"", "value": 12500.50}"#;

#[test]
fn an_event_reaches_its_endpoint_signed_and_to_the_letter() {
    let yard = Yard::new();
    let (endpoint, key) = yard.endpoint();
    yard.rule(json!([webhook(&endpoint)]));
    yard.happen(DEAL);
    yard.drain();
    let [parcel] = &yard.carried()[..] else { panic!("one request") };
    let job = &yard.jobs()[0];
    assert_eq!((parcel.method.as_str(), parcel.url.as_str()), ("POST", "https://customer.example/in"));
    let body = String::from_utf8(parcel.body.clone()).unwrap();
    assert_eq!(
        body,
        format!(
            r#"{{"type":"sales.opportunity_created","timestamp":"2027-01-15T07:59:55.000Z","data":{DEAL}}}"#
        )
    );
    assert_eq!(header(parcel, "webhook-id"), job.id.as_str());
    assert_eq!(header(parcel, "webhook-timestamp"), "1800000000");
    assert_eq!(header(parcel, "webhook-signature"), key.sign(job.id.as_str(), yard.clock.now(), &body));
    assert_eq!((job.state, job.lane.as_ref().unwrap().limit()), (State::Done, 10));
    assert_eq!(job.lane.as_ref().unwrap().name(), format!("endpoint:{}", endpoint.id));
}

#[test]
fn a_rule_says_type_and_data_itself_and_goes_on_with_the_answer() {
    let yard = Yard::new();
    let (endpoint, _) = yard.endpoint();
    // A literal of json! would be a float: this stands as somebody writes it.
    let exact: Value = serde_json::from_str("1.50").unwrap();
    let first = json!({"id": "order", "type": "send_webhook", "parameters": {"endpoint": endpoint.id.as_str(),
        "type": "deal.made", "data": {"name": "{{opportunity_name}}", "fixed": exact}}});
    let second = json!({"type": "send_webhook", "parameters": {"endpoint": endpoint.id.as_str(),
        "data": {"order": "{{results.order.body.id}}", "status": "{{results.order.status}}"}}});
    yard.rule(json!([first, second]));
    yard.happen(DEAL);
    yard.answers([Ok((201, r#"{"id": "A-7"}"#))]);
    yard.drain();
    yard.drain();
    let carried = yard.carried();
    let bodies: Vec<Value> =
        carried.iter().map(|parcel| serde_json::from_slice(&parcel.body).unwrap()).collect();
    assert_eq!(
        (&bodies[0]["type"], &bodies[0]["data"]["name"]),
        (&json!("deal.made"), &json!("Big \"deal\""))
    );
    assert!(String::from_utf8_lossy(&carried[0].body).contains("1.50"), "numbers stay as they stand");
    assert_eq!(bodies[1]["data"], json!({"order": "A-7", "status": "201"}));
}

#[test]
fn what_fails_is_tried_again_under_the_same_id() {
    let yard = Yard::new();
    let (endpoint, key) = yard.endpoint();
    yard.rule(json!([webhook(&endpoint)]));
    yard.happen(DEAL);
    yard.answers([Err(Lost::TimedOut(Span::seconds(15))), Ok((400, "")), Ok((302, ""))]);
    for _ in 0..4 {
        yard.drain();
        assert_eq!(yard.look(&endpoint).unwrap().disabled, None);
        yard.later(3600);
    }
    let carried = yard.carried();
    assert_eq!((carried.len(), yard.jobs()[0].state), (4, State::Done));
    assert!(carried.iter().all(|parcel| header(parcel, "webhook-id") == header(&carried[0], "webhook-id")));
    let last = &carried[3];
    let at = Instant::from_millis(header(last, "webhook-timestamp").parse::<i64>().unwrap() * 1000);
    let body = String::from_utf8(last.body.clone()).unwrap();
    assert_eq!(header(last, "webhook-signature"), key.sign(header(last, "webhook-id"), at, &body));
}

#[test]
fn one_that_is_gone_is_switched_off_and_the_next_jobs_say_so() {
    let yard = Yard::new();
    let (endpoint, _) = yard.endpoint();
    yard.rule(json!([webhook(&endpoint)]));
    yard.later(1);
    yard.happen(DEAL);
    yard.answers([Ok((410, ""))]);
    yard.drain();
    let off = yard.look(&endpoint).unwrap();
    assert_eq!(off.disabled.map(|disabled| disabled.reason), Some(Reason::Gone));
    let first = &yard.jobs()[0];
    assert_eq!(first.state, State::Dead);
    assert!(first.last_error.as_deref().unwrap().starts_with("The endpoint answered 410"), "{first:?}");

    yard.later(1);
    yard.happen(DEAL);
    yard.drain();
    assert_eq!(yard.carried().len(), 1, "nothing more is sent");
    let second = yard.jobs()[1].clone();
    assert_eq!(second.state, State::Dead);
    assert_eq!(
        second.last_error.as_deref(),
        Some(
            "The webhook endpoint is switched off: it answered 410, which means that it is gone. Switch it on, then try again."
        )
    );

    // Somebody switches it on and sends again what was given up.
    let on = EndpointPatch { is_active: Some(true), ..EndpointPatch::default() };
    block_on(hooks::change(&yard.db, &yard.call(), yard.hook_means(), &endpoint.id, on, None)).unwrap();
    block_on(jobs::retry(&yard.db, &yard.call(), &second.id)).unwrap();
    yard.drain();
    assert_eq!((yard.carried().len(), yard.jobs()[1].state), (1, State::Done));
}

#[test]
fn one_that_is_not_there_ends_as_a_dead_letter_with_words() {
    let yard = Yard::new();
    let (endpoint, _) = yard.endpoint();
    yard.rule(json!([webhook(&endpoint)]));
    block_on(hooks::delete(&yard.db, &yard.call(), &endpoint.id, None)).unwrap();
    yard.happen(DEAL);
    yard.drain();
    let job = &yard.jobs()[0];
    assert_eq!((yard.carried().len(), job.state), (0, State::Dead));
    assert!(job.last_error.as_deref().unwrap().starts_with("There is no webhook endpoint"), "{job:?}");
}

#[test]
fn a_test_is_sent_once() {
    let yard = Yard::new();
    let (endpoint, key) = yard.endpoint();
    yard.answers([Ok((500, "")), Ok((200, ""))]);
    let failed = block_on(pipeline::webhooks::test(&yard.db, &yard.call(), &endpoint.id)).unwrap();
    yard.drain();
    assert_eq!((yard.jobs()[0].id.clone(), yard.jobs()[0].state), (failed, State::Dead));
    block_on(pipeline::webhooks::test(&yard.db, &yard.call(), &endpoint.id)).unwrap();
    yard.drain();
    let parcel = yard.carried().remove(1);
    let body = String::from_utf8(parcel.body.clone()).unwrap();
    assert!(
        body.starts_with(r#"{"type":"webhook.test","timestamp":"2027-01-15T08:00:00.000Z","data":{"#),
        "{body}"
    );
    assert_eq!(
        header(&parcel, "webhook-signature"),
        key.sign(header(&parcel, "webhook-id"), yard.clock.now(), &body)
    );
    let off = EndpointPatch { is_active: Some(false), ..EndpointPatch::default() };
    block_on(hooks::change(&yard.db, &yard.call(), yard.hook_means(), &endpoint.id, off, None)).unwrap();
    let refused = block_on(pipeline::webhooks::test(&yard.db, &yard.call(), &endpoint.id));
    assert!(matches!(refused, Err(WebhookError::Disabled(Reason::Asked))));
}

#[test]
fn of_one_endpoint_ten_requests_are_under_way_and_others_are_not_held_up() {
    let yard = Yard::new();
    let (slow, _) = yard.endpoint();
    let (other, _) = yard.endpoint();
    yard.rule(json!([webhook(&slow)]));
    yard.rule(json!([webhook(&other)]));
    for _ in 0..20 {
        yard.happen(DEAL);
    }
    let waiting = |endpoint: &Endpoint| {
        let lane = format!("endpoint:{}", endpoint.id);
        let jobs = yard.jobs();
        let of_lane: Vec<&Job> =
            jobs.iter().filter(|job| job.lane.as_ref().is_some_and(|known| known.name() == lane)).collect();
        (of_lane.len(), of_lane.iter().filter(|job| job.waits.is_some()).count())
    };
    assert_eq!((waiting(&slow), waiting(&other)), ((20, 10), (20, 10)));
    yard.drain();
    assert_eq!(yard.carried().len(), 40);
}
