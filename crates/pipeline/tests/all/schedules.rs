//! Does a schedule raise its events, once and by its policy, on a real database?

use crate::stage::{Counting, Hand};
use db::{Db, native::Native};
use events::Event;
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Lost, Parcel, Receipt};
use kernel::{
    Bounded, Call, Clock, Fault as _, Instant, PageRequest, Permission, Principal, RequestId, Secret,
    TenantId, Trace,
};
use notifications::Means;
use pipeline::{Books, Works, schedules as desk};
use schedules::{Draft, Outcome, Patch, Run, Schedule, service};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

struct Nobody;
impl Courier for Nobody {
    fn send(&self, _: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        ready(Err(Lost::Refused)).boxed()
    }
}

struct Yard {
    db: Db,
    clock: Hand,
    chance: Arc<Counting>,
    means: Means,
    books: Arc<Books>,
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

impl Yard {
    fn new() -> Self {
        let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
        let yard = Self {
            db: Native::memory().unwrap(),
            clock: Hand(AtomicI64::new(at("2026-01-01T00:00:00Z").millis())),
            chance: Arc::default(),
            means: Means::new(&keys, false).unwrap(),
            books: Arc::default(),
        };
        yard.meddle(
            "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at)
             VALUES ('acme-corp', 'x', 'active', 0, 0), ('globex', 'x', 'active', 0, 0)",
        );
        yard
    }

    fn meddle(&self, sql: &str) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    fn call(&self, tenant: &str) -> Call {
        Call {
            principal: Principal::system(tenant.parse::<TenantId>().unwrap()),
            now: self.clock.now(),
            request: RequestId::new(&*self.chance),
            trace: Trace::new(&*self.chance),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn who(&self) -> Bounded {
        Bounded::new(self.call("acme-corp"), Permission::EventsWrite)
    }

    fn make(&self, draft: Draft) -> Schedule {
        let named = Draft { name: Some("A schedule".to_owned()), ..draft };
        block_on(desk::create(&self.db, &self.who(), self.clock.now(), named)).unwrap()
    }

    fn to(&self, text: &str) {
        self.clock.0.store(at(text).millis(), Ordering::Relaxed);
    }

    fn fire(&self) -> usize {
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
        block_on(desk::fire(&works)).unwrap()
    }

    fn events(&self, tenant: &str) -> Vec<Event> {
        let who = Bounded::new(self.call(tenant), Permission::EventsRead);
        let page = PageRequest::new(200, None).unwrap();
        let mut all =
            block_on(events::list(&self.db, &who, &events::Filter::default(), &page)).unwrap().items;
        all.sort_by_key(|event| event.occurred);
        all
    }

    fn runs(&self, schedule: &Schedule) -> Vec<Run> {
        let page = PageRequest::new(200, None).unwrap();
        block_on(service::runs(&self.db, &self.who(), &schedule.id, &page)).unwrap().items
    }

    fn get(&self, schedule: &Schedule) -> Schedule {
        block_on(service::get(&self.db, &self.who(), &schedule.id)).unwrap()
    }
}

fn cron(text: &str) -> Draft {
    Draft { cron: Some(text.to_owned()), ..Draft::default() }
}

fn deals(data: Value) -> Draft {
    Draft { trigger_id: Some("deal_closed_won".to_owned()), data: Some(data), ..cron("0 9 * * *") }
}

#[test]
fn an_event_is_raised_at_its_time_and_once() {
    let yard = Yard::new();
    let made = yard.make(Draft { time_zone: Some("Europe/Berlin".to_owned()), ..cron("0 9 * * *") });
    assert_eq!(made.next_at, Some(at("2026-01-01T08:00:00Z")));
    assert_eq!(yard.fire(), 0);
    yard.to("2026-01-01T08:00:00.400Z");
    assert_eq!((yard.fire(), yard.fire()), (1, 0));
    let event = yard.events("acme-corp").pop().unwrap();
    assert_eq!((event.trigger.as_str(), event.occurred), ("schedule_due", at("2026-01-01T08:00:00Z")));
    assert_eq!(
        (event.source, event.subject.as_deref(), event.actor.as_str()),
        (format!("schedule:{}", made.id), Some(made.id.as_str()), "system")
    );
    let data: Value = serde_json::from_str(&event.data).unwrap();
    let wanted = json!({"schedule_id": made.id.as_str(), "schedule_name": "A schedule",
        "scheduled_at": "2026-01-01T08:00:00.000Z"});
    assert_eq!(data, wanted);
    let runs = yard.runs(&made);
    assert_eq!((runs.len(), runs[0].outcome, &runs[0].event), (1, Outcome::Raised, &Some(event.id.clone())));
    assert_eq!(yard.get(&made).next_at, Some(at("2026-01-02T08:00:00Z")));
    // Should the mark be lost, the event is still one: it counts by its key.
    yard.meddle(&format!("UPDATE schedules SET next_at = {}", at("2026-01-01T08:00:00Z").millis()));
    yard.fire();
    let again = yard.runs(&made);
    assert_eq!((yard.events("acme-corp").len(), &again[0].event), (1, &Some(event.id)));
}

#[test]
fn what_was_missed_is_made_up_for_by_the_policy() {
    let yard = Yard::new();
    let with = |missed: &str| yard.make(Draft { missed: Some(missed.to_owned()), ..cron("0 9 * * *") });
    let (skip, once, all) = (with("skip"), with("once"), with("all"));
    yard.to("2026-01-04T12:00:00Z");
    assert_eq!(yard.fire(), 5);
    let said = |schedule: &Schedule| -> Vec<String> {
        let told = |run: &Run| format!("{} {} {}", run.scheduled_at, run.outcome.as_str(), run.count);
        yard.runs(schedule).iter().map(told).collect()
    };
    assert_eq!(said(&skip), ["2026-01-01T09:00:00.000Z skipped 4"]);
    assert_eq!(said(&once), ["2026-01-04T09:00:00.000Z raised 1", "2026-01-01T09:00:00.000Z skipped 3"]);
    assert_eq!(
        said(&all),
        [
            "2026-01-04T09:00:00.000Z raised 1",
            "2026-01-03T09:00:00.000Z raised 1",
            "2026-01-02T09:00:00.000Z raised 1",
            "2026-01-01T09:00:00.000Z raised 1",
        ]
    );
    assert_eq!(yard.runs(&once)[1].detail, "missed 3 times: the last one is made up for (once)");
    assert_eq!(yard.runs(&all)[3].detail, "made up for, 270000 s late");
    let next = Some(at("2026-01-05T09:00:00Z"));
    assert!([skip, once, all].iter().all(|schedule| yard.get(schedule).next_at == next));
}

#[test]
fn a_thousand_are_made_up_for_without_keeping_others_waiting() {
    let yard = Yard::new();
    let all = yard.make(Draft { missed: Some("all".to_owned()), ..cron("* * * * *") });
    let other = yard.make(cron("0 9 * * *"));
    yard.to("2026-01-02T00:00:30Z");
    assert_eq!(yard.fire(), 1_001);
    assert_eq!(yard.runs(&other)[0].outcome, Outcome::Raised);
    assert_eq!(yard.get(&all).next_at, Some(at("2026-01-02T00:01:00Z")));
    let count = |sql: &str| {
        block_on(async {
            let mut lease = yard.db.read().await.unwrap();
            lease.all_tenants().unwrap().one::<i64>(sql, []).await.unwrap().unwrap()
        })
    };
    assert_eq!(count("SELECT COUNT(*) AS n FROM events"), 1_001);
    assert_eq!(
        count("SELECT SUM(times) AS n FROM schedule_runs WHERE outcome = 'skipped' AND times > 300"),
        440
    );
}

#[test]
fn a_suspended_tenants_schedules_wait_and_then_obey_their_policy() {
    let yard = Yard::new();
    let made = yard.make(Draft { missed: Some("skip".to_owned()), ..cron("0 9 * * *") });
    yard.meddle("UPDATE tenants SET state = 'suspended' WHERE tenant_id = 'acme-corp'");
    yard.to("2026-01-03T12:00:00Z");
    assert_eq!((yard.fire(), yard.runs(&made).len()), (0, 0));
    yard.meddle("UPDATE tenants SET state = 'active' WHERE tenant_id = 'acme-corp'");
    assert_eq!(yard.fire(), 0);
    assert_eq!((yard.runs(&made)[0].outcome, yard.runs(&made)[0].count), (Outcome::Skipped, 3));
    yard.to("2026-01-04T09:00:01Z");
    assert_eq!(yard.fire(), 1);
}

#[test]
fn a_trigger_is_looked_at_when_it_is_saved_and_again_when_it_is_raised() {
    let yard = Yard::new();
    let refused = |draft: Draft| {
        let named = Draft { name: Some("x".to_owned()), ..draft };
        let fault = block_on(desk::create(&yard.db, &yard.who(), yard.clock.now(), named)).unwrap_err();
        fault.fields().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let unknown = refused(Draft { trigger_id: Some("nothing".to_owned()), ..cron("0 9 * * *") });
    assert!(unknown[0].starts_with("trigger_id: no trigger is called \"nothing\""), "{unknown:?}");
    assert_eq!(
        refused(deals(json!({"value": 1}))),
        ["data.opportunity_id: is missing; deal_closed_won needs it"]
    );
    let made = yard.make(deals(json!({"opportunity_id": "o-1", "value": 1.10, "scheduled_at": "mine"})));
    assert_eq!(made.definition.raises.module_type, "sales");
    // It becomes wrong later: the run says so, and the schedule goes on.
    yard.meddle("UPDATE schedules SET data = '{\"value\": 1}'");
    yard.to("2026-01-01T09:00:00Z");
    assert_eq!(yard.fire(), 0);
    let run = yard.runs(&made).pop().unwrap();
    assert_eq!((run.outcome, run.event), (Outcome::Failed, None));
    assert!(
        run.detail.ends_with("data.opportunity_id: is missing; deal_closed_won needs it"),
        "{}",
        run.detail
    );
    yard.meddle("UPDATE schedules SET data = '{\"opportunity_id\": \"o-1\", \"value\": 1.10, \"scheduled_at\": \"mine\"}'");
    yard.to("2026-01-02T09:00:00Z");
    assert_eq!(yard.fire(), 1);
    let event = yard.events("acme-corp").pop().unwrap();
    assert!(event.data.contains("1.10") && event.data.contains("\"mine\""), "{}", event.data);
}

#[test]
fn a_schedule_that_cannot_be_read_rests_and_says_so() {
    let yard = Yard::new();
    let (broken, sound) = (yard.make(cron("0 9 * * *")), yard.make(cron("0 9 * * *")));
    yard.meddle(&format!(
        "UPDATE schedules SET time_zone = 'Nowhere/Else' WHERE schedule_id = '{}'",
        broken.id
    ));
    yard.to("2026-01-01T09:00:00Z");
    assert_eq!((yard.fire(), yard.fire()), (1, 0));
    assert_eq!(yard.runs(&sound)[0].outcome, Outcome::Raised);
    yard.meddle("UPDATE schedules SET time_zone = 'UTC'");
    assert!(yard.runs(&broken)[0].detail.starts_with("the schedule cannot be read any more"));
    assert_eq!(yard.get(&broken).next_at, None);
}

#[test]
fn somebody_runs_it_now_and_changes_it() {
    let yard = Yard::new();
    let made =
        yard.make(Draft { is_active: Some(false), ..deals(json!({"opportunity_id": "o-1", "value": 1})) });
    let run_now = || block_on(desk::run_now(&yard.db, &yard.books, &yard.who(), &made.id)).unwrap().0;
    let run = run_now();
    assert_eq!((run.outcome, run.manual, run.event.is_some()), (Outcome::Raised, true, true));
    assert_eq!(yard.get(&made).next_at, None, "its own times are not touched");
    yard.meddle("UPDATE schedules SET data = '{}'");
    let run = run_now();
    assert_eq!((run.outcome, run.event), (Outcome::Failed, None));
    assert!(run.detail.contains("data.opportunity_id"), "{}", run.detail);
    assert_eq!((yard.runs(&made).len(), yard.events("acme-corp").len()), (2, 1));

    let patch = Patch { trigger_id: Some("contact_created".to_owned()), ..Patch::default() };
    let patched = block_on(desk::patch(&yard.db, &yard.who(), &made.id, None, patch)).unwrap();
    assert_eq!((patched.definition.raises.module_type.as_str(), patched.version), ("crm", 2));
}

#[test]
fn tenants_come_round() {
    let yard = Yard::new();
    for _ in 0..120 {
        yard.make(cron("0 9 * * *"));
    }
    let other = Bounded::new(yard.call("globex"), Permission::EventsWrite);
    let named = Draft { name: Some("x".to_owned()), ..cron("30 9 * * *") };
    block_on(desk::create(&yard.db, &other, yard.clock.now(), named)).unwrap();
    yard.to("2026-01-01T10:00:00Z");
    assert_eq!(yard.fire(), 121);
    assert_eq!(yard.events("globex").len(), 1);
}
