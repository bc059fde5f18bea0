//! Does the whole line run? From an event to its effect, on a real database, with a courier that the test plays.

use crate::stage::{Counting, Hand, Ropes};
use db::{Db, native::Native};
use events::{Dedupe, EventError, NewEvent, Origin};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Filter, Lost, Parcel, Receipt, State};
use kernel::{Call, Clock, PageRequest, Principal, RequestId, Secret, Span, TenantId, Trace};
use notifications::{DeliveryState, Means, NewChannel};
use pipeline::{Books, Door, Drained, PublishError, Works, drain};
use rules::{Draft, service};
use serde_json::json;
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

/// Answers as the test laid out, then 200; keeps what it carried.
#[derive(Default)]
struct Played {
    answers: Mutex<VecDeque<Result<u16, Lost>>>,
    carried: Mutex<Vec<Parcel>>,
}

impl Courier for Played {
    fn send(&self, parcel: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        self.carried.lock().unwrap().push(parcel);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(200));
        ready(answer.map(|status| Receipt { status, headers: Vec::new(), body: Vec::new() })).boxed()
    }
}

struct Yard {
    db: Db,
    clock: Hand,
    chance: Arc<Counting>,
    courier: Played,
    means: Means,
    books: Arc<Books>,
    mail: Option<auth::Mail>,
}

const START: i64 = 1_800_000_000_000;

impl Yard {
    fn on(db: Db) -> Self {
        block_on(async {
            let mut tx = db.begin().await.unwrap();
            for name in ["acme-corp", "other"] {
                let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, 'active', 0, 0)";
                tx.all_tenants().run_for_effect(sql, [name.into()]).await.unwrap();
            }
            tx.commit().await.unwrap();
        });
        let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
        Self {
            db,
            clock: Hand(AtomicI64::new(START)),
            chance: Arc::default(),
            courier: Played::default(),
            means: Means::new(&keys, false).unwrap(),
            books: Arc::default(),
            mail: None,
        }
    }

    fn new() -> Self {
        Self::on(Native::memory().unwrap())
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

    fn rule(&self, trigger: &str, conditions: serde_json::Value, action: serde_json::Value) {
        let draft = Draft {
            name: Some(format!("on {trigger}")),
            module_type: Some("sales".to_owned()),
            trigger_id: Some(trigger.to_owned()),
            conditions: Some(conditions),
            actions: Some(json!([action])),
            ..Draft::default()
        };
        let who = kernel::Bounded::new(self.call(), kernel::Permission::RulesWrite);
        block_on(service::create(&self.db, &who, draft, None)).unwrap();
    }

    /// A rule with a pace, that tells somebody about each contact that is updated.
    fn paced(&self, pace: rules::PaceSaid) -> kernel::RuleId {
        let draft = Draft {
            name: Some("paced".to_owned()),
            module_type: Some("crm".to_owned()),
            trigger_id: Some("contact_updated".to_owned()),
            actions: Some(
                json!([{"type": "send_notification", "parameters": {"recipient": "a", "message": "{{contact_id}}"}}]),
            ),
            pace,
            ..Draft::default()
        };
        let who = kernel::Bounded::new(self.call(), kernel::Permission::RulesWrite);
        block_on(service::create(&self.db, &who, draft, None)).unwrap().rule.id
    }

    fn alert(&self) {
        self.rule(
            "high_value_opportunity",
            json!([{"type": "value_threshold", "value": 10000}]),
            json!({"type": "send_notification", "parameters": {"recipient": "sales-manager@example.com",
                "message": "New high-value opportunity: {{opportunity_name}} - ${{value}}"}}),
        );
    }

    fn channel(&self) {
        let new = NewChannel {
            name: "customer".to_owned(),
            kind: "webhook".to_owned(),
            url: "https://customer.example/hook?token=hush".to_owned(),
            method: None,
            headers: None,
            is_active: true,
            is_default: true,
        };
        block_on(notifications::channels::create(&self.db, &self.call(), &self.means, new)).unwrap();
    }

    fn drain(&self) -> Drained {
        let works = self.works();
        block_on(pipeline::post_letters(&works)).unwrap();
        block_on(drain(&works, self.clock.now() + Span::seconds(10))).unwrap()
    }

    fn works(&self) -> Works<'_> {
        Works {
            db: &self.db,
            books: &self.books,
            means: &self.means,
            mail: self.mail.as_ref(),
            courier: &self.courier,
            renderer: &pipeline::ByRules,
            tokens: &crate::stage::TOKENS,
            is_guarded: true,
            clock: &self.clock,
            chance: self.chance.clone(),
        }
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn door(&self) -> Door {
        Door::new(self.db.clone(), Arc::clone(&self.books), Arc::new(Ropes))
    }

    fn jobs(&self) -> Vec<jobs::Job> {
        block_on(jobs::list(&self.db, &self.call(), &Filter::default(), &PageRequest::default()))
            .unwrap()
            .items
    }

    fn trail(&self, id: &kernel::EventId) -> pipeline::Trail {
        block_on(pipeline::trace(&self.db, &self.call(), id)).unwrap()
    }
}

fn deal(value: &str) -> NewEvent {
    NewEvent {
        trigger: "high_value_opportunity".to_owned(),
        data: format!(r#"{{"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": {value}}}"#),
        source: "api".to_owned(),
        external_id: None,
        subject: None,
        occurred: None,
        dedupe: None,
    }
}

fn keyed(value: &str, key: &str) -> NewEvent {
    let event = deal(value);
    let fingerprint = events::fingerprint(&event.trigger, &event.data);
    NewEvent { dedupe: Some(Dedupe { key: key.to_owned(), fingerprint }), ..event }
}

#[test]
fn an_event_becomes_a_delivered_notification_and_the_trace_says_so() {
    let yard = Yard::new();
    yard.alert();
    yard.channel();
    let receipt = block_on(yard.door().publish(&yard.call(), deal("12500"), Origin::default())).unwrap();
    assert_eq!((receipt.matched.len(), receipt.jobs.len(), receipt.duplicate), (1, 1, false));
    let drained = yard.drain();
    assert_eq!((drained.claimed, drained.done, drained.dead), (2, 2, 0));

    let trail = yard.trail(&receipt.id);
    assert_eq!(trail.messages[0].body, "New high-value opportunity: Big deal - $12500");
    assert!(trail.messages[0].deliveries.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
    assert_eq!(trail.messages[0].deliveries.len(), 2, "the inbox and the channel");
    assert_eq!(trail.attempts.len(), 2);
    assert_eq!(trail.verdicts["rules"][0]["because"], "matched: value is 12500; wanted at least 10000");

    let carried = yard.courier.carried.lock().unwrap();
    let header = |name: &str| {
        carried[0].headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap().1.clone()
    };
    assert_eq!(header("traceparent"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert!(header("idempotency-key").starts_with("dlv_"));
}

#[test]
fn a_receiver_that_fails_is_tried_again_and_reached_once() {
    let yard = Yard::new();
    yard.alert();
    yard.channel();
    yard.courier.answers.lock().unwrap().extend([Err(Lost::Broken("refused".to_owned())), Ok(503), Ok(204)]);
    let receipt = block_on(yard.door().publish(&yard.call(), deal("12500"), Origin::default())).unwrap();
    assert_eq!(yard.drain().retried, 1);
    assert_eq!(yard.drain().claimed, 0, "not before it is due");
    yard.later(2);
    assert_eq!(yard.drain().retried, 1);
    yard.later(3);
    assert_eq!(yard.drain().done, 1);
    let trail = yard.trail(&receipt.id);
    // The two jobs were made in one millisecond: which comes first is chance.
    let mut endings: Vec<_> = trail.attempts.iter().map(|attempt| attempt.ending.as_str()).collect();
    endings.sort_unstable();
    assert_eq!(endings, ["done", "done", "retry", "retry"]);
    yard.later(3600);
    assert_eq!(yard.drain().claimed, 0);
    assert_eq!(yard.courier.carried.lock().unwrap().len(), 3);
}

#[test]
fn a_wrong_address_ends_as_a_dead_letter_and_is_redriven_by_hand() {
    let yard = Yard::new();
    yard.alert();
    yard.channel();
    yard.courier.answers.lock().unwrap().push_back(Ok(404));
    block_on(yard.door().publish(&yard.call(), deal("12500"), Origin::default())).unwrap();
    assert_eq!(yard.drain().dead, 1);
    let dead = yard.jobs().into_iter().find(|job| job.state == State::Dead).unwrap();
    block_on(jobs::retry(&yard.db, &yard.call(), &dead.id)).unwrap();
    assert_eq!(yard.drain().done, 1);
    let trail = yard.trail(dead.event.as_ref().unwrap());
    assert!(trail.messages[0].deliveries.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
}

#[test]
fn a_key_counts_once_and_only_for_the_same_event() {
    let yard = Yard::new();
    yard.alert();
    let (door, call) = (yard.door(), yard.call());
    let first = block_on(door.publish(&call, keyed("12500", "k"), Origin::default())).unwrap();
    let second = block_on(door.publish(&call, keyed("12500", "k"), Origin::default())).unwrap();
    assert_eq!((second.id, second.duplicate, second.jobs), (first.id, true, first.jobs));
    let other = block_on(door.publish(&call, keyed("99999", "k"), Origin::default()));
    assert!(matches!(other, Err(PublishError::Event(EventError::KeyMismatch))));
    assert_eq!(yard.jobs().len(), 1);
}

#[test]
fn a_batch_is_answered_one_by_one() {
    let yard = Yard::new();
    yard.alert();
    let unknown = NewEvent { trigger: "nothing".to_owned(), ..deal("1") };
    let empty = NewEvent { data: "{}".to_owned(), ..deal("1") };
    let batch = vec![Ok(deal("12500")), Ok(unknown), Ok(empty), Err(EventError::KeyMismatch), Ok(deal("1"))];
    let outcomes = block_on(yard.door().publish_many(&yard.call(), batch, Origin::default()));
    let sound: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(sound, [true, false, false, false, true]);
    assert_eq!(
        (outcomes[0].as_ref().unwrap().matched.len(), outcomes[4].as_ref().unwrap().matched.len()),
        (1, 0)
    );
}

#[test]
fn rules_that_change_while_an_event_comes_in_are_the_ones_that_decide() {
    let yard = Yard::new();
    let (door, call) = (yard.door(), yard.call());
    let before = block_on(door.publish(&call, deal("12500"), Origin::default())).unwrap();
    assert!(before.matched.is_empty());
    yard.alert();
    let after = block_on(door.publish(&call, deal("12500"), Origin::default())).unwrap();
    assert_eq!(after.matched.len(), 1, "the kept book was old");
}

#[test]
fn a_sender_whose_rights_moved_is_asked_again() {
    let yard = Yard::new();
    let mut call = yard.call();
    call.principal.access_revision = 0;
    let outcome = block_on(yard.door().publish(&call, deal("12500"), Origin::default()));
    assert!(matches!(outcome, Err(PublishError::AccessMoved)));
}

#[test]
fn rules_that_raise_each_others_events_end_with_a_reason() {
    let yard = Yard::new();
    let raise = json!({"type": "publish_event", "parameters": {"trigger_id": "high_value_opportunity",
        "data": {"opportunity_id": "{{opportunity_id}}", "value": 1}}});
    yard.rule("high_value_opportunity", json!([]), raise);
    block_on(yard.door().publish(&yard.call(), deal("12500"), Origin::default())).unwrap();
    yard.drain();
    let dead: Vec<_> = yard.jobs().into_iter().filter(|job| job.state == State::Dead).collect();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].last_error.as_ref().unwrap().contains("chains end after 8"), "{:?}", dead[0].last_error);
    assert_eq!(yard.jobs().len(), 9);
}

/// A file that is gone with the test.
struct File(PathBuf);
impl File {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("signalbox-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}
impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn many_at_once_share_commits_and_all_are_stored() {
    let file = File::new("door");
    let yard = Yard::on(Native::file(&file.0.join("db")).unwrap());
    yard.alert();
    let door = yard.door();
    let calls: Vec<Call> = (0..200).map(|_| yard.call()).collect();
    let all = calls.iter().map(|call| door.publish(call, deal("12500"), Origin::default()));
    let outcomes = block_on(futures::future::join_all(all));
    assert!(outcomes.iter().all(Result::is_ok));
    let stats = block_on(jobs::stats(&yard.db, &yard.call())).unwrap();
    assert_eq!(stats.iter().map(|stat| stat.count).sum::<i64>(), 200);
}

#[test]
fn a_leader_that_is_cancelled_leaves_nobody_waiting() {
    let file = File::new("leader");
    let yard = Yard::on(Native::file(&file.0.join("db")).unwrap());
    let (door, call) = (yard.door(), yard.call());
    block_on(async {
        door.publish(&call, deal("0"), Origin::default()).await.unwrap();
        // Another writer holds the lock, so the leader naps, and its follower waits for it.
        let other = yard.db.begin().await.unwrap();
        let mut leader = Box::pin(door.publish(&call, keyed("1", "a"), Origin::default()));
        let mut follower = Box::pin(door.publish(&call, keyed("2", "b"), Origin::default()));
        assert!((&mut leader).now_or_never().is_none());
        assert!((&mut follower).now_or_never().is_none());
        drop(leader);
        other.rollback().await.unwrap();
        assert!(follower.await.is_ok());
        assert!(!door.publish(&call, keyed("1", "a"), Origin::default()).await.unwrap().duplicate);
    });
}

#[test]
fn a_job_that_ends_takes_its_delivery_along() {
    let yard = Yard::new();
    yard.alert();
    yard.channel();
    yard.courier.answers.lock().unwrap().push_back(Ok(503));
    let receipt = block_on(yard.door().publish(&yard.call(), deal("12500"), Origin::default())).unwrap();
    yard.drain();
    let carrier = yard.jobs().into_iter().find(|job| job.state == State::Queued).unwrap();
    block_on(pipeline::cancel(&yard.db, &yard.call(), &carrier.id)).unwrap();
    let trail = yard.trail(&receipt.id);
    let states: Vec<_> = trail.messages[0].deliveries.iter().map(|delivery| delivery.state).collect();
    assert!(states.contains(&DeliveryState::Failed), "{states:?}");
}

#[test]
fn the_trace_names_the_events_that_rules_raised() {
    let yard = Yard::new();
    let raise = json!({"type": "publish_event", "parameters": {"trigger_id": "deal_closed_lost",
        "data": {"opportunity_id": "{{opportunity_id}}", "reason": "test"}}});
    yard.rule("high_value_opportunity", json!([]), raise);
    let receipt = block_on(yard.door().publish(&yard.call(), deal("12500"), Origin::default())).unwrap();
    yard.drain();
    let trail = yard.trail(&receipt.id);
    assert_eq!(trail.children.len(), 1);
    assert_eq!(yard.trail(&trail.children[0]).event.origin.parent, Some(receipt.id));
}

fn write_letter(yard: &Yard) -> kernel::LetterId {
    let letter = auth::Letter {
        to: "ana@example.com".parse().unwrap(),
        user: None,
        content: auth::Content::PasswordReset {
            link: Secret::new("https://signalbox.test/auth/reset#token=opens".to_owned()),
            until: yard.clock.now() + Span::minutes(30),
        },
    };
    block_on(async {
        let mut tx = yard.db.begin().await.unwrap();
        let call = yard.call();
        let vault = &yard.means.vault;
        let id =
            auth::service::letters::write(&mut tx.scope(call.tenant()), &call, vault, letter).await.unwrap();
        tx.commit().await.unwrap();
        id
    })
}

fn letter_state(yard: &Yard, id: &kernel::LetterId) -> auth::LetterState {
    let wanted = auth::service::letters::Wanted { id: Some(id.clone()), ..Default::default() };
    block_on(auth::service::letters::list(&yard.db, &wanted)).unwrap()[0].state
}

#[test]
fn a_letter_waits_for_a_mail_service_and_then_goes_out_once() {
    let mut yard = Yard::new();
    let id = write_letter(&yard);
    assert_eq!(yard.drain().claimed, 0, "there is no mail service");
    assert_eq!(letter_state(&yard, &id), auth::LetterState::Waiting);
    yard.mail = auth::Mail::read("sendgrid", "", "SG.key", "no-reply@example.com").unwrap();
    // The first answer says that the key is wrong: the operator may mend it.
    yard.courier.answers.lock().unwrap().push_back(Ok(401));
    assert_eq!(yard.drain().retried, 1);
    assert_eq!(letter_state(&yard, &id), auth::LetterState::Queued);
    assert!(yard.jobs()[0].last_error.as_deref().unwrap().contains("mail_key"));
    assert!(!yard.jobs()[0].payload.contains("opens"));
    yard.later(5);
    assert_eq!((yard.drain().done, yard.drain().claimed), (1, 0));
    assert_eq!(letter_state(&yard, &id), auth::LetterState::Sent);
    let carried = yard.courier.carried.lock().unwrap();
    assert_eq!(carried.len(), 2);
    assert_eq!(carried[1].url, "https://api.sendgrid.com/v3/mail/send");
    assert!(String::from_utf8_lossy(&carried[1].body).contains("#token=opens"));
    let key = |parcel: &Parcel| {
        parcel.headers.iter().find(|(name, _)| name == "idempotency-key").unwrap().1.clone()
    };
    assert_eq!((key(&carried[0]), key(&carried[1])), (id.to_string(), id.to_string()));
}

#[test]
fn a_letter_that_expired_in_the_queue_is_not_sent() {
    let mut yard = Yard::new();
    yard.mail = auth::Mail::read("sendgrid", "", "SG.key", "no-reply@example.com").unwrap();
    let id = write_letter(&yard);
    for _ in 0..11 {
        yard.courier.answers.lock().unwrap().push_back(Ok(503));
    }
    yard.drain();
    yard.later(1900);
    assert_eq!(yard.drain().done, 1);
    assert_eq!(letter_state(&yard, &id), auth::LetterState::Expired);
    assert_eq!(yard.courier.carried.lock().unwrap().len(), 1);
}

#[test]
fn a_letter_that_is_refused_is_given_up_and_can_be_tried_again() {
    let mut yard = Yard::new();
    yard.mail = auth::Mail::read("sendgrid", "", "SG.key", "no-reply@example.com").unwrap();
    let id = write_letter(&yard);
    yard.courier.answers.lock().unwrap().push_back(Ok(400));
    assert_eq!(yard.drain().dead, 1);
    assert_eq!(letter_state(&yard, &id), auth::LetterState::Failed);
    block_on(jobs::retry(&yard.db, &yard.call(), &yard.jobs()[0].id)).unwrap();
    assert_eq!(yard.drain().done, 1);
    assert_eq!(letter_state(&yard, &id), auth::LetterState::Sent);
}

fn updated(contact: &str, key: Option<&str>) -> NewEvent {
    let event = NewEvent {
        trigger: "contact_updated".to_owned(),
        data: json!({"contact_id": contact}).to_string(),
        ..deal("1")
    };
    let fingerprint = events::fingerprint(&event.trigger, &event.data);
    NewEvent { dedupe: key.map(|key| Dedupe { key: key.to_owned(), fingerprint }), ..event }
}

#[test]
fn what_rules_remember_counts_over_commits_and_within_one() {
    let yard = Yard::new();
    let window = json!({"count": 3, "within": "PT10M", "key": "contact_id"});
    yard.paced(rules::PaceSaid { window: Some(window), ..rules::PaceSaid::default() });
    let door = yard.door();
    let publish = |events: Vec<NewEvent>| -> Vec<usize> {
        let events = events.into_iter().map(Ok).collect();
        let receipts = block_on(door.publish_many(&yard.call(), events, Origin::default()));
        receipts.into_iter().map(|receipt| receipt.unwrap().matched.len()).collect()
    };
    assert_eq!(publish(vec![updated("ada", Some("1")), updated("bob", None)]), [0, 0]);
    // What stands there already counts for nothing, be it from before or from this very batch.
    yard.later(60);
    let batch = vec![
        updated("ada", Some("1")),
        updated("ada", Some("2")),
        updated("ada", Some("2")),
        updated("ada", None),
    ];
    assert_eq!(publish(batch), [0, 0, 0, 1]);
    yard.later(60);
    assert_eq!(publish(vec![updated("ada", None), updated("ada", None)]), [0, 0], "it began again");
    yard.later(601);
    assert_eq!(publish(vec![updated("ada", None)]), [0], "those before are out of the window");
}

#[test]
fn a_debounced_run_is_taken_back_by_the_next_event() {
    let yard = Yard::new();
    let debounce = json!({"wait": "PT5M", "key": "contact_id"});
    yard.paced(rules::PaceSaid { debounce: Some(debounce), ..rules::PaceSaid::default() });
    let door = yard.door();
    let publish = |contact: &str| {
        block_on(door.publish(&yard.call(), updated(contact, None), Origin::default())).unwrap()
    };
    let first = publish("ada");
    yard.later(60);
    let other = publish("bob");
    let second = publish("ada");
    let trail = yard.trail(&first.id);
    assert_eq!(trail.jobs[0].state, State::Cancelled);
    let why = trail.jobs[0].reason.clone().unwrap();
    assert!(why.starts_with(second.id.as_str()), "{why}");
    assert_eq!(yard.drain().claimed, 0);
    yard.later(300);
    assert_eq!(yard.drain().done, 2);
    assert_eq!(yard.trail(&second.id).messages.len() + yard.trail(&other.id).messages.len(), 2);
    assert!(yard.trail(&first.id).messages.is_empty());
}

#[test]
fn what_did_not_come_fires_and_what_came_does_not() {
    let yard = Yard::new();
    let absence = json!({"trigger_id": "contact_status_changed", "within": "P2D", "key": "contact_id"});
    yard.paced(rules::PaceSaid { absence: Some(absence), ..rules::PaceSaid::default() });
    let door = yard.door();
    let publish = |event: NewEvent| block_on(door.publish(&yard.call(), event, Origin::default())).unwrap();
    let (ada, bob) = (publish(updated("ada", None)), publish(updated("bob", None)));
    yard.later(3600);
    publish(NewEvent {
        trigger: "contact_status_changed".to_owned(),
        data: r#"{"contact_id": "ada", "old_status": "lead", "new_status": "customer"}"#.to_owned(),
        ..deal("1")
    });
    assert_eq!(yard.trail(&ada.id).jobs[0].state, State::Cancelled);
    yard.later(2 * 24 * 3600);
    assert_eq!(yard.drain().done, 1);
    assert_eq!(yard.trail(&bob.id).messages[0].body, "bob");
}
