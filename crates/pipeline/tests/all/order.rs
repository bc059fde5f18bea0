//! Do a rule's actions run one after the other, and does one know what those before it left? On a real database, with a courier
//! and a renderer that the test plays.

use crate::stage::{Hand, InOrder, Ropes};
use db::{Db, DbError, Tx, native::Native};
use events::{NewEvent, Origin};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Filter, Job, Kind, Lost, NewJob, OnError, Parcel, Patience, Receipt, Run, State, Terms};
use kernel::{
    Call, Clock, EventId, JobId, PageRequest, Principal, RequestId, RuleId, Secret, Span, TenantId, Trace,
};
use notifications::Means;
use pipeline::{Books, ByRules, Door, Drained, Late, Renderer, Works, drain};
use rules::{Draft, service};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

/// Answers as the test laid out, then 200 with an empty body; keeps what it carried.
#[derive(Default)]
struct Played {
    answers: Mutex<VecDeque<Result<Receipt, Lost>>>,
    carried: Mutex<Vec<Parcel>>,
}

impl Played {
    fn will(&self, status: u16, body: &str) {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let receipt = Receipt { status, headers, body: body.as_bytes().to_vec() };
        self.answers.lock().unwrap().push_back(Ok(receipt));
    }

    fn urls(&self) -> Vec<String> {
        self.carried.lock().unwrap().iter().map(|parcel| parcel.url.clone()).collect()
    }

    fn bodies(&self) -> Vec<String> {
        let carried = self.carried.lock().unwrap();
        carried.iter().map(|parcel| String::from_utf8(parcel.body.clone()).unwrap()).collect()
    }
}

impl Courier for Played {
    fn send(&self, parcel: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        self.carried.lock().unwrap().push(parcel);
        let plain = || Ok(Receipt { status: 200, headers: Vec::new(), body: Vec::new() });
        ready(self.answers.lock().unwrap().pop_front().unwrap_or_else(plain)).boxed()
    }
}

/// Puts what the first step left into the body; refuses if that is not there.
struct Fake;
impl Renderer for Fake {
    fn render<'a>(
        &'a self,
        _: &'a mut Tx,
        call: &'a Call,
        late: &'a [Late],
    ) -> BoxFuture<'a, Result<Vec<Result<String, String>>, DbError>> {
        let render = |late: &Late| {
            assert_eq!(late.job.tenant, *call.tenant());
            let mut payload: Value = serde_json::from_str(&late.job.payload).unwrap();
            if payload["broken"] == true {
                return Ok("{no JSON".to_owned());
            }
            let first = late.steps.iter().find(|step| step.name.as_deref() == Some("first"));
            let left = first.and_then(|step| step.result.as_ref()).ok_or("first left nothing")?;
            payload["body"] = serde_json::from_str(left.expose()).unwrap();
            Ok(payload.to_string())
        };
        ready(Ok(late.iter().map(render).collect())).boxed()
    }
}

struct Yard {
    db: Db,
    clock: Hand,
    chance: Arc<InOrder>,
    courier: Played,
    means: Means,
    books: Arc<Books>,
}

impl Yard {
    fn new() -> Self {
        let db = Native::memory().unwrap();
        block_on(async {
            let mut tx = db.begin().await.unwrap();
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at)
                VALUES ('acme-corp', 'Acme', 'active', 0, 0)";
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
        let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
        Self {
            db,
            clock: Hand(AtomicI64::new(1_800_000_000_000)),
            chance: Arc::default(),
            courier: Played::default(),
            means: Means::new(&keys, false).unwrap(),
            books: Arc::default(),
        }
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

    /// A rule on every deal, with these actions.
    fn rule(&self, actions: Value) {
        let draft = Draft {
            name: Some("In order".to_owned()),
            module_type: Some("sales".to_owned()),
            trigger_id: Some("high_value_opportunity".to_owned()),
            conditions: Some(json!([])),
            actions: Some(actions),
            ..Draft::default()
        };
        let who = kernel::Bounded::new(self.call(), kernel::Permission::RulesWrite);
        block_on(service::create(&self.db, &who, draft, None)).unwrap();
    }

    fn deal(&self) -> Vec<JobId> {
        let event = NewEvent {
            trigger: "high_value_opportunity".to_owned(),
            data: r#"{"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": 12500}"#.to_owned(),
            source: "api".to_owned(),
            external_id: None,
            subject: None,
            occurred: None,
            dedupe: None,
        };
        let door = Door::new(self.db.clone(), Arc::clone(&self.books), Arc::new(Ropes));
        block_on(door.publish(&self.call(), event, Origin::default())).unwrap().jobs
    }

    fn request(&self, run: &Run, place: u32, name: &str) -> NewJob {
        NewJob {
            id: JobId::new(self.clock.now(), &*self.chance),
            tenant: self.call().tenant().clone(),
            kind: Kind::HttpRequest,
            payload: json!({"url": format!("https://receiver.example/{name}")}).to_string(),
            event: Some(run.event.clone()),
            rule: Some((run.rule.clone(), place)),
            parent: None,
            start: self.clock.now().into(),
            patience: Patience { attempts: 2, ..Patience::default() },
            trace: self.call().trace.as_str().to_owned(),
            stillborn: None,
            terms: Terms { action_name: Some(name.to_owned()), ..Terms::default() },
        }
    }

    fn run(&self) -> Run {
        Run {
            event: EventId::new(self.clock.now(), &*self.chance),
            rule: RuleId::new(self.clock.now(), &*self.chance),
        }
    }

    /// Lays these jobs one behind the other; gives their ids.
    fn lay(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        let now = self.clock.now();
        let jobs = jobs::in_order(jobs, now);
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            jobs::enqueue(&mut tx.all_tenants(), &jobs, now).await.unwrap();
            tx.commit().await.unwrap();
        });
        jobs.into_iter().map(|job| job.id).collect()
    }

    fn drain(&self) -> Drained {
        self.drain_with(&Fake)
    }

    fn drain_with(&self, renderer: &dyn Renderer) -> Drained {
        let works = Works {
            db: &self.db,
            books: &self.books,
            means: &self.means,
            mail: None,
            courier: &self.courier,
            renderer,
            tokens: &crate::stage::TOKENS,
            is_guarded: true,
            clock: &self.clock,
            chance: self.chance.clone(),
        };
        block_on(drain(&works, self.clock.now() + Span::seconds(10))).unwrap()
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn job(&self, id: &JobId) -> Job {
        block_on(jobs::get(&self.db, &self.call(), id)).unwrap()
    }

    fn states(&self, ids: &[JobId]) -> Vec<State> {
        ids.iter().map(|id| self.job(id).state).collect()
    }

    fn left(&self, id: &JobId) -> Value {
        let call = self.call();
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let left = jobs::result(&mut lease.scope(call.tenant()).unwrap(), id).await.unwrap();
            left.map_or(Value::Null, |left| serde_json::from_str(left.expose()).unwrap())
        })
    }
}

fn request(name: &str) -> Value {
    json!({"type": "http_request", "parameters": {"url": format!("https://receiver.example/{name}")},
        "retry": {"max_attempts": 2, "first_wait": 5}})
}

#[test]
fn the_actions_of_a_rule_run_one_after_the_other() {
    let yard = Yard::new();
    yard.rule(json!([request("one"), request("two"), request("three")]));
    yard.courier.will(503, "{}");
    let ids = yard.deal();
    assert_eq!(ids.len(), 3);
    assert_eq!(yard.drain().retried, 1);
    assert_eq!(yard.courier.urls(), ["https://receiver.example/one"]);
    assert_eq!(yard.drain().claimed, 0);
    yard.later(7);
    // One drain is enough for all that follows.
    assert_eq!(yard.drain().done, 3);
    let urls = yard.courier.urls();
    let names: Vec<&str> = urls.iter().filter_map(|url| url.rsplit('/').next()).collect();
    assert_eq!(names, ["one", "one", "two", "three"]);
}

#[test]
fn what_is_refused_lets_the_rest_go_on_in_the_same_drain() {
    let yard = Yard::new();
    yard.rule(json!([request("one"), request("two")]));
    yard.courier.will(404, r#"{"why": "no such thing"}"#);
    let ids = yard.deal();
    yard.drain();
    assert_eq!(yard.states(&ids), [State::Dead, State::Done]);
    assert_eq!(yard.left(&ids[0])["body"]["why"], "no such thing");
}

#[test]
fn a_rule_says_what_an_earlier_action_left_and_waits_in_between() {
    let yard = Yard::new();
    yard.rule(json!([
        {"id": "made", "type": "http_request", "parameters": {"url": "https://receiver.example/make"}},
        {"type": "wait", "parameters": {"for": "PT1H"}},
        {"type": "wait", "parameters": {"until": "today+P3D"}},
        {"type": "http_request", "parameters": {"url": "https://receiver.example/next",
            "body": {"made": "{{ results.made.body.id }}", "deal": "{{ opportunity_name }}"}}},
    ]));
    yard.courier.will(200, r#"{"id": 41}"#);
    let ids = yard.deal();
    yard.drain_with(&ByRules);
    assert_eq!(yard.states(&ids[..2]), [State::Done, State::Queued]);
    yard.later(3600 - 1);
    assert_eq!(yard.drain_with(&ByRules).claimed, 0);
    yard.later(1);
    yard.drain_with(&ByRules);
    assert_eq!(yard.states(&ids), [State::Done, State::Done, State::Queued, State::Queued]);
    yard.later(2 * 86_400);
    yard.drain_with(&ByRules);
    assert_eq!(yard.courier.urls().len(), 1);
    yard.later(86_400);
    yard.drain_with(&ByRules);
    assert_eq!(yard.states(&ids), [State::Done; 4]);
    let body: serde_json::Value = serde_json::from_str(&yard.courier.bodies()[1]).unwrap();
    assert_eq!(body, json!({"made": "41", "deal": "Big deal"}));
}

#[test]
fn an_action_whose_result_is_missing_is_a_dead_letter_that_says_so() {
    let yard = Yard::new();
    yard.rule(json!([
        {"id": "made", "type": "http_request", "parameters": {"url": "https://receiver.example/make"}},
        {"type": "send_notification", "parameters": {"recipient": "ana@example.com", "message": "{{ results.made.body.id }}"}},
    ]));
    let ids = yard.deal();
    yard.drain_with(&ByRules);
    assert_eq!(yard.states(&ids), [State::Done, State::Dead]);
    let words = yard.job(&ids[1]).last_error.unwrap();
    assert!(words.contains("message"), "{words}");
}

#[test]
fn an_inside_action_and_the_wait_after_it() {
    let yard = Yard::new();
    let run = yard.run();
    let tell = NewJob {
        kind: Kind::SendNotification,
        payload: json!({"recipient": "ana@example.com", "message": "Hello"}).to_string(),
        ..yard.request(&run, 0, "tell")
    };
    let hour = yard.clock.now() + Span::hours(1);
    let wait = NewJob {
        kind: Kind::Wait,
        payload: "{}".to_owned(),
        start: hour.into(),
        ..yard.request(&run, 1, "wait")
    };
    let until = yard.clock.now() + Span::hours(5);
    let second = NewJob {
        kind: Kind::Wait,
        payload: json!({"until": until.to_string()}).to_string(),
        ..yard.request(&run, 2, "until")
    };
    let last = yard.request(&run, 3, "last");
    let ids = yard.lay(vec![tell, wait, second, last]);
    yard.drain();
    assert_eq!(yard.states(&ids), [State::Done, State::Queued, State::Queued, State::Queued]);
    assert!(yard.left(&ids[0])["message_id"].as_str().unwrap().starts_with("msg_"));
    assert_eq!(yard.left(&ids[0])["deliveries"], json!([]));
    yard.later(3599);
    assert_eq!(yard.drain().claimed, 0);
    yard.later(1);
    yard.drain();
    // The hour is over; the second wait was looked at, and goes on until its time.
    assert_eq!(yard.states(&ids), [State::Done, State::Done, State::Queued, State::Queued]);
    assert_eq!(yard.job(&ids[2]).due, Some(until));
    assert_eq!(yard.job(&ids[2]).failures, 0);
    yard.later(4 * 3600);
    yard.drain();
    assert_eq!(yard.states(&ids), [State::Done; 4]);
    let wrong = NewJob {
        kind: Kind::Wait,
        payload: json!({"until": "soon"}).to_string(),
        ..yard.request(&yard.run(), 0, "until")
    };
    let ids = yard.lay(vec![wrong]);
    yard.drain();
    assert!(yard.job(&ids[0]).last_error.unwrap().contains("no instant"));
}

#[test]
fn a_late_job_is_rendered_once_with_what_those_before_it_left() {
    let yard = Yard::new();
    let run = yard.run();
    let first = yard.request(&run, 0, "first");
    let second = yard.request(&run, 1, "second");
    let second = NewJob { terms: Terms { is_late: true, ..second.terms }, ..second };
    // Another run of the same rule does not get in.
    let other = Run { event: yard.run().event, rule: run.rule.clone() };
    let ids = yard.lay(vec![first, second]);
    yard.courier.will(201, r#"{"id": 7, "total": 12.50}"#);
    yard.courier.will(503, "{}");
    yard.drain();
    let left =
        r#"{"body":{"id":7,"total":12.50},"headers":{"content-type":"application/json"},"status":201}"#;
    assert_eq!(yard.courier.bodies(), ["", left]);
    let second = yard.job(&ids[1]);
    assert!(!second.is_late && second.payload.contains("12.50"), "{}", second.payload);
    // The second says the same at each attempt.
    yard.later(2);
    yard.drain();
    assert_eq!(yard.courier.bodies(), ["", left, left]);
    assert_eq!(yard.states(&ids), [State::Done, State::Done]);
    assert_eq!(yard.left(&ids[0]).to_string(), left);
    let late = yard.request(&other, 1, "second");
    let ids = yard.lay(vec![NewJob { terms: Terms { is_late: true, ..late.terms }, ..late }]);
    yard.drain();
    let dead = yard.job(&ids[0]);
    assert_eq!((dead.state, dead.is_late), (State::Dead, true));
    assert!(dead.last_error.unwrap().contains("first left nothing"));
}

#[test]
fn a_renderer_that_gives_nonsense_spoils_one_job_and_no_other() {
    let yard = Yard::new();
    let run = yard.run();
    let broken = yard.request(&run, 0, "broken");
    let broken = NewJob {
        payload: json!({"broken": true}).to_string(),
        terms: Terms { is_late: true, ..broken.terms },
        ..broken
    };
    let ids = yard.lay(vec![broken, yard.request(&run, 1, "next")]);
    yard.drain();
    assert_eq!(yard.states(&ids), [State::Dead, State::Done]);
    assert!(yard.job(&ids[0]).last_error.unwrap().contains("something else than JSON"));
}

#[test]
fn what_says_stop_keeps_the_rest_until_it_has_done_what_it_should() {
    let yard = Yard::new();
    let run = yard.run();
    let first = yard.request(&run, 0, "first");
    let first = NewJob { terms: Terms { on_error: OnError::Stop, ..first.terms }, ..first };
    let ids = yard.lay(vec![first, yard.request(&run, 1, "second")]);
    yard.courier.will(410, "{}");
    yard.drain();
    yard.later(3600);
    assert_eq!(yard.drain().claimed, 0);
    let filter = Filter { held: Some(true), rule: Some(run.rule), ..Filter::default() };
    let held = block_on(jobs::list(&yard.db, &yard.call(), &filter, &PageRequest::default())).unwrap();
    assert_eq!(held.items.len(), 1);
    block_on(jobs::retry(&yard.db, &yard.call(), &ids[0])).unwrap();
    assert_eq!(yard.drain().done, 2);
}

#[test]
fn a_cancelled_action_takes_the_rest_along() {
    let yard = Yard::new();
    yard.rule(json!([request("one"), request("two")]));
    let ids = yard.deal();
    block_on(pipeline::cancel(&yard.db, &yard.call(), &ids[0])).unwrap();
    assert_eq!(yard.states(&ids), [State::Cancelled, State::Cancelled]);
    assert_eq!(yard.drain().claimed, 0);
}

#[test]
fn an_event_that_an_action_raised_is_known_to_the_next() {
    let yard = Yard::new();
    yard.rule(json!([
        {"type": "publish_event", "parameters": {"trigger_id": "deal_closed_lost",
            "data": {"opportunity_id": "{{opportunity_id}}", "reason": "test"}}},
        request("two"),
    ]));
    let ids = yard.deal();
    yard.drain();
    let left = yard.left(&ids[0]);
    assert!(left["event_id"].as_str().unwrap().starts_with("evt_"), "{left}");
    assert_eq!((&left["duplicate"], yard.courier.urls().len()), (&json!(false), 1));
}
