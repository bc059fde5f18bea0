//! Does what a rule sends reach its endpoint, signed, and what follows from the answer? On a real database, with a courier that the
//! test plays.

mod portal;

use crate::stage::{Counting, Hand, Ropes};
use ::webhooks::{
    Endpoint, EndpointPatch, NewEndpoint, PolicyPatch, Reason, SigningKey, WebhookError,
    service::{self as hooks, Seen},
};
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
use pipeline::{
    Books, Door, Works, drain,
    webhooks::{self as use_cases, Example, Tokens},
};
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
    /// Whatever goes to an address with this in it is refused.
    refuses: Mutex<Option<&'static str>>,
}

impl Courier for Player {
    fn send(&self, parcel: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        let is_refused = self.refuses.lock().unwrap().is_some_and(|part| parcel.url.contains(part));
        self.carried.lock().unwrap().push(parcel);
        if is_refused {
            return ready(Ok(Receipt { status: 400, headers: Vec::new(), body: Vec::new() })).boxed();
        }
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
    tokens: Tokens,
    is_guarded: bool,
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
            tokens: Tokens::default(),
            is_guarded: true,
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
        self.endpoint_with(EndpointPatch::default())
    }

    fn endpoint_with(&self, patch: EndpointPatch) -> (Endpoint, SigningKey) {
        let url = "https://customer.example/in".to_owned();
        let new = NewEndpoint { url, patch, ..NewEndpoint::default() };
        block_on(use_cases::create(&self.db, &self.call(), self.hook_means(), new)).unwrap()
    }

    fn change(&self, endpoint: &Endpoint, patch: EndpointPatch) -> Endpoint {
        let call = self.call();
        block_on(use_cases::change(&self.db, &call, self.hook_means(), &endpoint.id, patch, None)).unwrap()
    }

    fn see(&self, endpoint: &Endpoint) -> Seen {
        block_on(hooks::get(&self.db, &self.call(), self.hook_means(), &endpoint.id)).unwrap()
    }

    fn look(&self, endpoint: &Endpoint) -> Endpoint {
        self.see(endpoint).endpoint
    }

    fn test(&self, endpoint: &Endpoint, kind: Option<&str>) -> Result<kernel::JobId, WebhookError> {
        let example = Example { kind: kind.map(str::to_owned) };
        block_on(use_cases::test(&self.db, &self.call(), &endpoint.id, example))
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
            tokens: &self.tokens,
            is_guarded: self.is_guarded,
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
    for wait in [7, 400, 2_500, 0] {
        yard.drain();
        assert_eq!(yard.look(&endpoint).disabled, None);
        yard.later(wait);
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
    let off = yard.look(&endpoint);
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
    yard.change(&endpoint, EndpointPatch { is_active: Some(true), ..EndpointPatch::default() });
    block_on(jobs::retry(&yard.db, &yard.call(), &second.id)).unwrap();
    yard.drain();
    assert_eq!((yard.carried().len(), yard.jobs()[1].state), (1, State::Done));
}

#[test]
fn one_that_is_not_there_ends_as_a_dead_letter_with_words() {
    let yard = Yard::new();
    let (endpoint, _) = yard.endpoint();
    yard.rule(json!([webhook(&endpoint)]));
    block_on(use_cases::delete(&yard.db, &yard.call(), &endpoint.id, None)).unwrap();
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
    let failed = yard.test(&endpoint, None).unwrap();
    yard.drain();
    assert_eq!((yard.jobs()[0].id.clone(), yard.jobs()[0].state), (failed, State::Dead));
    yard.test(&endpoint, None).unwrap();
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
    yard.test(&endpoint, Some("sales.deal_closed_won")).unwrap();
    yard.drain();
    let example: Value = serde_json::from_slice(&yard.carried()[0].body).unwrap();
    assert_eq!(
        (&example["type"], &example["data"]["value"]),
        (&json!("sales.deal_closed_won"), &json!(12500))
    );
    assert!(matches!(yard.test(&endpoint, Some("sales.nothing")), Err(WebhookError::Invalid(_))));
    yard.change(&endpoint, EndpointPatch { is_active: Some(false), ..EndpointPatch::default() });
    let refused = yard.test(&endpoint, None);
    assert!(matches!(refused, Err(WebhookError::Disabled(Reason::Asked))));
}

fn wanting(types: &[&str]) -> EndpointPatch {
    let types = types.iter().map(|text| (*text).to_owned()).collect();
    EndpointPatch { event_types: Some(types), ..EndpointPatch::default() }
}

fn data(parcel: &Parcel) -> Value {
    serde_json::from_slice::<Value>(&parcel.body).unwrap()["data"].clone()
}

#[test]
fn an_endpoint_gets_the_events_that_it_wants_without_any_rule() {
    let yard = Yard::new();
    let filter = json!([{"type": "greater_than", "field": "value", "value": 10_000}]);
    let patch = EndpointPatch { filter: Some(Some(filter)), ..wanting(&["sales.*"]) };
    let (dear, key) = yard.endpoint_with(patch);
    let (_, other) = yard.endpoint_with(wanting(&["crm.*"]));
    yard.happen(DEAL);
    yard.happen(r#"{"opportunity_id": "o-2", "opportunity_name": "Small", "value": 10}"#);
    yard.drain();
    let [parcel] = &yard.carried()[..] else { panic!("one request") };
    let body = String::from_utf8(parcel.body.clone()).unwrap();
    assert!(body.ends_with(&format!(r#""data":{DEAL}}}"#)), "{body}");
    let signed = |key: &SigningKey| key.sign(header(parcel, "webhook-id"), yard.clock.now(), &body);
    assert_eq!(header(parcel, "webhook-signature"), signed(&key));
    assert_ne!(header(parcel, "webhook-signature"), signed(&other));
    // It wants others from now on, and the next event meets that.
    yard.change(&dear, EndpointPatch { filter: Some(None), ..wanting(&["crm.contact_created"]) });
    yard.happen(DEAL);
    yard.drain();
    assert_eq!(yard.carried().len(), 0);
}

#[test]
fn an_own_body_is_rendered_and_one_that_cannot_be_ends_with_words() {
    let yard = Yard::new();
    let body = json!({"text": "{{ opportunity_name }}: {{ value | money('EUR') }}", "kind": "{{ event.trigger_id }}"});
    let (endpoint, key) = yard.endpoint_with(EndpointPatch { body: Some(Some(body)), ..wanting(&["*"]) });
    yard.happen(DEAL);
    yard.drain();
    let parcel = yard.carried().remove(0);
    let sent: Value = serde_json::from_slice(&parcel.body).unwrap();
    assert_eq!(sent["kind"], "sales.opportunity_created");
    assert!(sent["text"].as_str().unwrap().starts_with("Big \"deal\": "), "{sent}");
    let text = String::from_utf8(parcel.body.clone()).unwrap();
    assert_eq!(
        header(&parcel, "webhook-signature"),
        key.sign(header(&parcel, "webhook-id"), yard.clock.now(), &text)
    );
    let broken = json!({"text": "{{ opportunity_name | date('%Y') }}"});
    yard.change(&endpoint, EndpointPatch { body: Some(Some(broken)), ..EndpointPatch::default() });
    yard.happen(DEAL);
    yard.drain();
    let jobs = yard.jobs();
    let job = jobs.iter().find(|job| job.state == State::Dead).unwrap_or_else(|| panic!("{jobs:?}"));
    assert!(job.last_error.as_deref().unwrap().contains("body.text"), "{job:?}");
    assert_eq!((job.state, yard.carried().len()), (State::Dead, 0));
}

#[test]
fn the_schedule_is_the_endpoints_and_the_last_failure_is_told_as_an_event() {
    let yard = Yard::new();
    let schedule = Some(Some(vec![json!("PT10S"), json!("PT1M")]));
    let policy = PolicyPatch { schedule, ..PolicyPatch::default() };
    let (endpoint, _) = yard.endpoint_with(EndpointPatch { policy, ..wanting(&["sales.*"]) });
    let (_watch, _) = yard.endpoint_with(wanting(&["webhook.*"]));
    yard.happen(DEAL);
    yard.answers([Ok((500, "")), Ok((500, "")), Err(Lost::Broken("reset".to_owned()))]);
    yard.drain();
    assert_eq!(yard.jobs()[0].patience.attempts, 3);
    let due = |jobs: &[Job]| jobs[0].due.unwrap().since(yard.clock.now()).as_millis();
    assert!((8_000..=12_000).contains(&due(&yard.jobs())));
    yard.later(13);
    yard.drain();
    assert!((48_000..=72_000).contains(&due(&yard.jobs())));
    yard.later(73);
    yard.drain();
    let jobs = yard.jobs();
    assert_eq!((jobs[0].state, jobs.len()), (State::Dead, 2));
    let told = yard.carried().pop().unwrap();
    let said: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(said["type"], "webhook.delivery.dead");
    assert_eq!(
        (&said["data"]["endpoint_id"], &said["data"]["delivery_id"], &said["data"]["failure"]),
        (&json!(endpoint.id.as_str()), &json!(jobs[0].id.as_str()), &json!("connection"))
    );
}

#[test]
fn an_endpoint_that_is_not_well_rests_and_one_request_tries() {
    let yard = Yard::new();
    let (endpoint, _) = yard.endpoint_with(wanting(&["*"]));
    for _ in 0..8 {
        yard.happen(DEAL);
    }
    yard.answers((0..8).map(|_| Ok((500, ""))));
    yard.drain();
    assert_eq!(yard.carried().len(), 8, "they were under way when it opened");
    assert_eq!(yard.see(&endpoint).health.circuit.as_str(), "open");
    yard.happen(DEAL);
    yard.later(8);
    yard.drain();
    assert_eq!(yard.carried().len(), 0, "it rests");
    yard.later(25);
    yard.answers([Ok((503, ""))]);
    yard.drain();
    assert_eq!(yard.carried().len(), 1, "one tries");
    yard.later(61);
    yard.drain();
    assert_eq!((yard.carried().len(), yard.see(&endpoint).health.circuit.as_str()), (9, "closed"));
    assert!(yard.jobs().iter().all(|job| job.state == State::Done));
}

#[test]
fn one_that_asks_to_be_spared_is_and_nothing_is_lost() {
    let yard = Yard::new();
    let policy = PolicyPatch { concurrency: Some(Some(1)), ..PolicyPatch::default() };
    yard.endpoint_with(EndpointPatch { policy, ..wanting(&["*"]) });
    yard.happen(DEAL);
    yard.happen(DEAL);
    yard.answers([Ok((429, ""))]);
    yard.drain();
    assert_eq!(yard.carried().len(), 1, "the second waits, too");
    yard.later(11);
    yard.drain();
    assert_eq!(
        (yard.carried().len(), yard.jobs().iter().filter(|job| job.state == State::Done).count()),
        (2, 2)
    );
}

#[test]
fn no_more_leave_than_the_rate_allows() {
    let yard = Yard::new();
    let policy = PolicyPatch { rate: Some(Some((2, json!("PT10S")))), ..PolicyPatch::default() };
    yard.endpoint_with(EndpointPatch { policy, ..wanting(&["*"]) });
    for _ in 0..5 {
        yard.happen(DEAL);
    }
    let mut sent = Vec::new();
    for _ in 0..5 {
        yard.drain();
        sent.push(yard.carried().len());
        yard.later(5);
    }
    assert_eq!(sent, [2, 1, 1, 1, 0]);
    let jobs = yard.jobs();
    assert!(jobs.iter().all(|job| job.state == State::Done && job.attempts == 1), "waiting is no attempt");
}

#[test]
fn things_of_one_key_stay_in_order_whatever_fails() {
    let yard = Yard::new();
    let policy =
        PolicyPatch { ordering_key: Some(Some("opportunity_id".to_owned())), ..PolicyPatch::default() };
    yard.endpoint_with(EndpointPatch { policy, ..wanting(&["*"]) });
    let happen = |id: &str, number: u32| {
        yard.happen(&format!(r#"{{"opportunity_id": "{id}", "opportunity_name": "x", "value": {number}}}"#));
    };
    happen("a", 1);
    happen("a", 2);
    happen("b", 3);
    happen("a", 4);
    yard.answers([Ok((500, ""))]);
    let mut seen = Vec::new();
    for _ in 0..6 {
        yard.drain();
        seen.extend(yard.carried().iter().map(|parcel| {
            let data = data(parcel);
            format!("{}{}", data["opportunity_id"].as_str().unwrap(), data["value"])
        }));
        yard.later(7);
    }
    let of = |id: &str| seen.iter().filter(|one| one.starts_with(id)).cloned().collect::<Vec<_>>();
    assert_eq!(of("a"), ["a1", "a1", "a2", "a4"]);
    assert_eq!(of("b"), ["b3"]);
}

#[test]
fn who_fails_for_five_days_is_switched_off_after_three_warnings() {
    let yard = Yard::new();
    let (endpoint, _) = yard.endpoint_with(wanting(&["sales.*"]));
    let watch = EndpointPatch {
        metadata: Some([("for".to_owned(), "operators".to_owned())].into()),
        ..wanting(&["webhook.endpoint.*"])
    };
    let (watch, _) = yard.endpoint_with(watch);
    let elsewhere =
        EndpointPatch { url: Some("https://watch.example/".to_owned()), ..EndpointPatch::default() };
    yard.change(&watch, elsewhere);
    *yard.courier.refuses.lock().unwrap() = Some("customer.example");
    let mut told = Vec::new();
    for hour in (0..=132).step_by(12) {
        yard.happen(DEAL);
        yard.drain();
        for parcel in yard.carried().iter().filter(|parcel| parcel.url.contains("watch")) {
            let said: Value = serde_json::from_slice(&parcel.body).unwrap();
            told.push((hour, said["type"].as_str().unwrap().to_owned(), said["data"]["percent"].clone()));
        }
        yard.later(12 * 3600);
    }
    let failing = |hour, percent: i32| (hour, "webhook.endpoint.failing".to_owned(), json!(percent));
    let disabled = (120, "webhook.endpoint.disabled".to_owned(), Value::Null);
    assert_eq!(told, [failing(60, 50), failing(84, 70), failing(108, 90), disabled]);
    assert_eq!(yard.look(&endpoint).disabled.unwrap().reason, Reason::Failing);
    yard.later(30 * 3600);
    yard.drain();
    assert!(yard.jobs().iter().all(|job| job.state != State::Queued), "what waited is a dead letter");
}

#[test]
fn where_nothing_guards_the_way_out_nothing_leaves() {
    let mut yard = Yard::new();
    yard.is_guarded = false;
    yard.endpoint_with(wanting(&["*"]));
    yard.happen(DEAL);
    yard.drain();
    let job = yard.jobs().remove(0);
    assert_eq!((yard.carried().len(), job.state, job.attempts), (0, State::Queued, 0));
    yard.is_guarded = true;
    yard.later(61);
    yard.drain();
    assert_eq!(yard.carried().len(), 1);
}

#[test]
fn a_token_is_asked_for_once_and_anew_when_it_is_refused() {
    let yard = Yard::new();
    let auth = ::webhooks::AuthWish {
        kind: "oauth2".to_owned(),
        token_url: Some("https://id.example/token".to_owned()),
        client_id: Some("cli".to_owned()),
        credentials: vec![("client_secret", Secret::new("hush".to_owned()))],
        ..::webhooks::AuthWish::default()
    };
    yard.endpoint_with(EndpointPatch { auth: Some(auth), ..wanting(&["*"]) });
    let token = r#"{"access_token": "token-1", "token_type": "Bearer", "expires_in": 3600}"#;
    yard.answers([Ok((200, token)), Ok((204, "")), Ok((401, "token-1 is no good"))]);
    yard.happen(DEAL);
    yard.drain();
    yard.happen(DEAL);
    yard.drain();
    let carried = yard.carried();
    let urls: Vec<&str> = carried.iter().map(|parcel| parcel.url.as_str()).collect();
    assert_eq!(
        urls,
        ["https://id.example/token", "https://customer.example/in", "https://customer.example/in"]
    );
    assert_eq!(header(&carried[1], "authorization"), "Bearer token-1");
    yard.later(7);
    yard.answers([Ok((400, r#"{"error": "invalid_client"}"#))]);
    yard.drain();
    let jobs = yard.jobs();
    let job = jobs.iter().find(|job| job.attempts == 2).unwrap_or_else(|| panic!("{jobs:?}"));
    assert!(job.last_error.as_deref().unwrap().contains("400, invalid_client"), "{job:?}");
    let kept = block_on(async {
        let mut lease = yard.db.read().await.unwrap();
        hooks::attempts(&mut lease.scope(yard.call().tenant()).unwrap(), &job.id).await.unwrap()
    });
    assert_eq!(kept[0].answer.as_ref().unwrap().body, "[secret] is no good");
    assert_eq!((kept[1].failure.as_deref(), &kept[1].answer), (Some("token"), &None));
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
