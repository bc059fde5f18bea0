//! Does what a provider sends become an event, once, and by the mapping of the time when it is made? On a real database.

use crate::stage::{Hand, InOrder};
use ::webhooks::{
    Mapping, Outcome, Source, SourceDraft, SourcePatch, WebhookError,
    inbound::{Proof, Received},
    service::{requests, sources as area},
};
use db::{Db, native::Native};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Filter, Job, Kind, Lost, Parcel, Receipt, State};
use kernel::{
    Bounded, Call, Clock, EventId, Fault as _, FieldFault, Instant, PageRequest, Permission, Principal,
    ReceiptId, RequestId, Secret, Span, TenantId, Trace,
};
use notifications::Means;
use pipeline::{Books, Works, drain, sources};
use rules::{Draft, service};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

const START: i64 = 1_800_000_000_000;

struct Nobody;
impl Courier for Nobody {
    fn send(&self, _: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        ready(Err(Lost::Refused)).boxed()
    }
}

struct Yard {
    db: Db,
    clock: Hand,
    chance: Arc<InOrder>,
    means: Means,
    books: Arc<Books>,
}

fn draft(trigger: &str, data: Option<Value>) -> SourceDraft {
    SourceDraft {
        name: Some("Billing".to_owned()),
        preset: Some("unverified".to_owned()),
        trigger: Some(trigger.to_owned()),
        data,
        ..SourceDraft::default()
    }
}

fn fields(faults: &[FieldFault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.field.as_str()).collect()
}

impl Yard {
    fn new() -> Self {
        let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
        let yard = Self {
            db: Native::memory().unwrap(),
            clock: Hand(AtomicI64::new(START)),
            chance: Arc::default(),
            means: Means::new(&keys, false).unwrap(),
            books: Arc::default(),
        };
        block_on(async {
            let mut tx = yard.db.begin().await.unwrap();
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at)
                VALUES ('acme-corp', 'x', 'active', 0, 0)";
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

    fn create(&self, draft: SourceDraft) -> Result<Source, WebhookError> {
        block_on(sources::create(&self.db, &self.call(), &self.means.vault, draft)).map(|made| made.0)
    }

    fn change(&self, source: &Source, patch: SourcePatch) -> Result<Source, WebhookError> {
        let which = (&source.id, None);
        block_on(sources::change(&self.db, &self.call(), &self.means.vault, which, patch))
    }

    fn send(&self, source: &Source, body: &str, proof: &Proof) -> (ReceiptId, bool) {
        let source = block_on(area::get(&self.db, &self.call(), &source.id)).unwrap();
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let received = Received { headers: &headers, body: body.as_bytes(), at: self.clock.now() };
        block_on(sources::receive(&self.db, &self.call(), &source, &received, proof)).unwrap()
    }

    fn sent(&self, source: &Source, body: &str) -> ReceiptId {
        self.send(source, body, &Proof::default()).0
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
            chance: self.chance.clone(),
        };
        block_on(drain(&works, self.clock.now() + Span::seconds(10))).unwrap();
    }

    fn rule(&self, trigger: &str, message: &str) {
        let draft = Draft {
            name: Some(format!("Tell about {trigger}")),
            module_type: Some("crm".to_owned()),
            trigger_id: Some(trigger.to_owned()),
            actions: Some(
                json!([{"type": "send_notification", "parameters": {"recipient": "a@example.com", "message": message}}]),
            ),
            ..Draft::default()
        };
        let who = Bounded::new(self.call(), Permission::RulesWrite);
        block_on(service::create(&self.db, &who, draft, None)).unwrap();
    }

    fn jobs(&self, kind: Kind) -> Vec<Job> {
        let filter = Filter { kind: Some(kind), ..Filter::default() };
        block_on(jobs::list(&self.db, &self.call(), &filter, &PageRequest::default())).unwrap().items
    }

    fn event(&self, source: &Source, request: &ReceiptId) -> Option<EventId> {
        block_on(requests::get(&self.db, &self.call(), &source.id, request)).unwrap().capture.event
    }

    fn read(&self, id: &EventId) -> events::Event {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let tenant = "acme-corp".parse().unwrap();
            events::get(&mut lease.scope(&tenant).unwrap(), id).await.unwrap()
        })
    }

    fn preview(&self, source: &Source, mapping: Option<Mapping>) -> Vec<sources::Preview> {
        block_on(sources::preview(&self.db, &self.call(), &source.id, mapping, (None, 10))).unwrap()
    }
}

#[test]
fn a_request_becomes_an_event_and_a_rule_fires() {
    let yard = Yard::new();
    yard.rule("contact_created", "New: {{contact_id}}, worth {{worth}}");
    let data = json!({"contact_id": "{{ body.customer.id }}", "worth": "{{ body.worth }}"});
    let source = yard.create(draft("crm.contact_created", Some(data))).unwrap();
    let proof = Proof { id: Some("evt_1".to_owned()), ..Proof::default() };
    let (request, duplicate) = yard.send(&source, r#"{"customer": {"id": "c-1"}, "worth": 12.50}"#, &proof);
    assert!(!duplicate && yard.event(&source, &request).is_none(), "nothing is done at the door");
    yard.clock.0.fetch_add(5_000, Ordering::Relaxed);
    yard.drain();
    let event = yard.read(&yard.event(&source, &request).expect("an event"));
    assert_eq!(event.data, r#"{"contact_id":"c-1","worth":12.50}"#);
    assert_eq!((event.trigger.as_str(), event.external_id.as_deref()), ("contact_created", Some("evt_1")));
    assert_eq!(event.source, format!("webhook:{}", source.id));
    assert_eq!(event.occurred, Instant::from_millis(START), "when it came, not when the queue got to it");
    let told = yard.jobs(Kind::SendNotification);
    assert_eq!(told.len(), 1);
    assert!(told[0].payload.contains("New: c-1, worth 12.50"), "{}", told[0].payload);
}

#[test]
fn what_came_before_makes_no_second_event() {
    let yard = Yard::new();
    let id = Some("{{ body.id }}".to_owned());
    let source = yard.create(SourceDraft { id, ..draft("contact_created", None) }).unwrap();
    let first = yard.sent(&source, r#"{"contact_id": "c-1", "id": 7}"#);
    let again = yard.send(&source, r#"{"contact_id": "c-1", "id": 7}"#, &Proof::default());
    assert_eq!(again, (first, true));
    let (_, duplicate) = yard.send(&source, r#"{"contact_id": "c-1", "id": 8}"#, &Proof::default());
    assert!(!duplicate);
    // Without an id each counts for itself.
    yard.sent(&source, r#"{"contact_id": "c-1"}"#);
    yard.sent(&source, r#"{"contact_id": "c-1"}"#);
    yard.drain();
    assert_eq!(yard.jobs(Kind::ReceiveWebhook).len(), 4);
    let page = PageRequest::default();
    let doubles = block_on(requests::list(&yard.db, &yard.call(), &source.id, Some(Outcome::Double), &page));
    assert_eq!(doubles.unwrap().items[0].provider_id.as_deref(), Some("7"));
}

#[test]
fn what_makes_no_event_is_a_dead_letter_that_a_mended_mapping_saves() {
    let yard = Yard::new();
    let data = json!({"contact_id": "{{ body.contact }}"});
    let source = yard.create(draft("contact_updated", Some(data))).unwrap();
    let request = yard.sent(&source, r#"{"customer": "c-1"}"#);
    yard.drain();
    let all = yard.jobs(Kind::ReceiveWebhook);
    let [dead] = &all[..] else { panic!("one job") };
    assert_eq!(dead.state, State::Dead);
    let words = dead.last_error.as_deref().unwrap();
    assert!(words.contains("data.contact_id: is missing; contact_updated needs it"), "{words}");
    let data = Some(Some(json!({"contact_id": "{{ body.customer }}"})));
    yard.change(&source, SourcePatch { data, ..SourcePatch::default() }).unwrap();
    block_on(jobs::retry(&yard.db, &yard.call(), &dead.id)).unwrap();
    yard.drain();
    assert_eq!(yard.jobs(Kind::ReceiveWebhook)[0].state, State::Done);
    let event = yard.read(&yard.event(&source, &request).expect("an event"));
    assert_eq!(event.data, r#"{"contact_id":"c-1"}"#);
}

#[test]
fn a_trigger_by_template_must_be_one() {
    let yard = Yard::new();
    let source = yard.create(draft("{{ body.event }}", None)).unwrap();
    yard.sent(&source, r#"{"event": "no_such", "contact_id": "c-1"}"#);
    yard.sent(&source, r#"{"contact_id": "c-1"}"#);
    yard.sent(&source, r#"{"event": "crm.contact_created", "contact_id": "c-1"}"#);
    let told: Vec<Vec<String>> = yard
        .preview(&source, None)
        .iter()
        .map(|preview| preview.faults.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(told[0], [""; 0], "the newest first");
    assert!(told[1][0].starts_with("mapping.trigger_id: comes to no name"), "{told:?}");
    assert!(told[2][0].starts_with("trigger_id: comes to a name that no trigger has"), "{told:?}");
    yard.drain();
    let mut states: Vec<(State, String)> = yard
        .jobs(Kind::ReceiveWebhook)
        .into_iter()
        .map(|job| (job.state, job.last_error.unwrap_or_default()))
        .collect();
    states.reverse();
    assert_eq!(
        states.iter().map(|(state, _)| *state).collect::<Vec<_>>(),
        [State::Dead, State::Dead, State::Done]
    );
    assert!(states[0].1.contains("no_such") && states[1].1.contains("mapping.trigger_id"), "{states:?}");
}

#[test]
fn what_is_no_object_becomes_one() {
    let yard = Yard::new();
    let source =
        yard.create(draft("{{ 'contact_created' }}", Some(json!({"contact_id": "{{ body }}"})))).unwrap();
    let request = yard.sent(&source, "just text");
    yard.drain();
    let event = yard.read(&yard.event(&source, &request).expect("an event"));
    assert_eq!(event.data, r#"{"contact_id":"just text"}"#);
}

#[test]
fn a_mapping_is_looked_at_when_it_is_saved() {
    let yard = Yard::new();
    let wrong = SourceDraft { name: None, ..draft("no_such", Some(json!({"a": "{{ payload.a }}"}))) };
    let Err(WebhookError::Invalid(faults)) = yard.create(wrong) else { panic!("is faulty") };
    assert_eq!(fields(&faults), ["name", "mapping.data.a", "mapping.trigger_id"]);
    assert!(faults[1].message.contains("body, headers, kind, id, source, now"), "{faults:?}");
    let source = yard.create(draft("contact_created", None)).unwrap();
    let patch = SourcePatch { trigger: Some("no_such".to_owned()), ..SourcePatch::default() };
    assert_eq!(yard.change(&source, patch).unwrap_err().code(), "VALIDATION_ERROR");
    let same = block_on(area::get(&yard.db, &yard.call(), &source.id)).unwrap();
    assert_eq!(same, source, "a change that is refused changes nothing");
}

#[test]
fn a_preview_does_nothing() {
    let yard = Yard::new();
    let source = yard.create(draft("contact_updated", None)).unwrap();
    let request = yard.sent(&source, r#"{"customer": "c-1"}"#);
    yard.drain();
    let before = yard.jobs(Kind::ReceiveWebhook);
    let present = yard.preview(&source, None).remove(0);
    assert_eq!(fields(&present.faults), ["data.contact_id"]);
    let data = Some(json!({"contact_id": "{{ body.customer }}"}));
    let wanted =
        Mapping { trigger: "contact_updated".to_owned(), data, id: Some("{{ body.gone }}".to_owned()) };
    let drafted = yard.preview(&source, Some(wanted.clone())).remove(0);
    let mapped = drafted.mapped.as_ref().unwrap();
    assert_eq!((&drafted.request, &mapped.data), (&request, &json!({"contact_id": "c-1"})));
    assert_eq!((fields(&mapped.warnings), drafted.faults.len()), (vec!["mapping.id"], 0));
    let wrong = Mapping { trigger: "{{ body".to_owned(), ..wanted };
    let refused = block_on(sources::preview(&yard.db, &yard.call(), &source.id, Some(wrong), (None, 1)));
    assert_eq!(refused.unwrap_err().code(), "VALIDATION_ERROR");
    let nobodys = ReceiptId::new(yard.clock.now(), &*yard.chance);
    let missing = block_on(sources::preview(&yard.db, &yard.call(), &source.id, None, (Some(&nobodys), 1)));
    assert_eq!(missing.unwrap_err().code(), "NOT_FOUND");
    assert_eq!(yard.jobs(Kind::ReceiveWebhook), before);
    assert_eq!(yard.event(&source, &request), None);
}

#[test]
fn what_came_to_a_source_that_is_gone_is_a_dead_letter() {
    let yard = Yard::new();
    let source = yard.create(draft("contact_created", None)).unwrap();
    yard.sent(&source, r#"{"contact_id": "c-1"}"#);
    block_on(sources::delete(&yard.db, &yard.call(), &source.id, None)).unwrap();
    yard.drain();
    let job = &yard.jobs(Kind::ReceiveWebhook)[0];
    assert_eq!((job.state, job.last_error.as_deref()), (State::Dead, Some("its webhook source was deleted")));
}
