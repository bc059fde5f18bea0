//! Does a change of a record become events, and a rule's action a change? On a database in memory.

use crate::stage::{Counting, Hand, Ropes};
use db::{Db, native::Native};
use events::{Event, Filter, MAX_DEPTH};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Lost, Parcel, Receipt, State};
use kernel::{
    Bounded, Call, Clock, EventId, Instant, JobId, PageRequest, Permission, Principal, RecordId, RequestId,
    Secret, Span, TenantId, Trace,
};
use notifications::Means;
use pipeline::{
    Books, PublishError, Works, drain,
    records::{self as desk, Desk, Kept, RecordFault},
};
use records::{Draft as Fields, RecordError, TypeName, service::Meant};
use rules::{Draft, service};
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

impl Yard {
    fn new() -> Self {
        let db = Native::memory().unwrap();
        block_on(async {
            let mut tx = db.begin().await.unwrap();
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, 'active', 0, 0)";
            tx.all_tenants().run_for_effect(sql, ["acme-corp".into()]).await.unwrap();
            tx.commit().await.unwrap();
        });
        let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
        Self {
            db,
            clock: Hand(AtomicI64::new(1_800_000_000_000)),
            chance: Arc::default(),
            means: Means::new(&keys, false).unwrap(),
            books: Arc::default(),
        }
    }

    fn call(&self) -> Call {
        Call {
            principal: Principal::system("acme-corp".parse::<TenantId>().unwrap()),
            now: Instant::from_millis(self.clock.0.fetch_add(10, Ordering::Relaxed)),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn who(&self) -> Bounded {
        Bounded::new(self.call(), Permission::RecordsWrite)
    }

    fn desk(&self) -> Desk<'_> {
        Desk { db: &self.db, books: &self.books }
    }

    fn make(&self, kind: &str, fields: Value) -> Kept {
        block_on(desk::create(self.desk(), &self.who(), &name(kind), draft(fields))).unwrap()
    }

    fn patch(&self, kind: &str, id: &RecordId, fields: Value) -> Result<Kept, RecordFault> {
        block_on(desk::change(self.desk(), &self.who(), &name(kind), id, None, draft(fields)))
    }

    fn rule(&self, module: &str, trigger: &str, conditions: Value, actions: Value) {
        let draft = Draft {
            // As long as a name may be: whatever tells of it must have room for that.
            name: Some(format!("on {trigger:-<190}")),
            module_type: Some(module.to_owned()),
            trigger_id: Some(trigger.to_owned()),
            conditions: Some(conditions),
            actions: Some(actions),
            ..Draft::default()
        };
        let who = Bounded::new(self.call(), Permission::RulesWrite);
        block_on(service::create(&self.db, &who, draft, None)).unwrap();
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
        block_on(drain(&works, self.clock.now() + Span::seconds(60))).unwrap();
    }

    fn status(&self, kind: &str, id: &RecordId) -> String {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let tenant = "acme-corp".parse().unwrap();
            let (kind, record) =
                records::service::get(&mut lease.scope(&tenant).unwrap(), &self.who(), &name(kind), id)
                    .await
                    .unwrap();
            record.status(&kind).unwrap().to_owned()
        })
    }

    fn events(&self, trigger: &str) -> Vec<Event> {
        let filter = Filter { trigger: Some(trigger.to_owned()), ..Filter::default() };
        let who = Bounded::new(self.call(), Permission::EventsRead);
        let page = PageRequest::new(200, None).unwrap();
        block_on(events::list(&self.db, &who, &filter, &page)).unwrap().items
    }

    fn job(&self, id: &JobId) -> jobs::Job {
        block_on(jobs::get(&self.db, &self.call(), id)).unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            lease.all_tenants().unwrap().one(sql, []).await.unwrap().unwrap_or(0)
        })
    }
}

fn name(kind: &str) -> TypeName {
    kind.parse().unwrap()
}

fn draft(fields: Value) -> Fields {
    Fields::read(fields.as_object().unwrap().clone()).unwrap()
}

fn move_to(entity: &str, status: &str) -> Value {
    json!([{"type": "update_status", "parameters": {"entity_id": entity, "new_status": status}}])
}

#[test]
fn a_change_its_events_and_their_jobs_are_one_commit() {
    let yard = Yard::new();
    let tell = json!([{"type": "send_notification", "parameters":
        {"recipient": "sales@example.com", "message": "{{contact_name}}: {{old_status}} → {{new_status}}"}}]);
    yard.rule(
        "crm",
        "contact_status_changed",
        json!([{"type": "changed_to", "field": "status", "value": "customer"}]),
        tell,
    );
    let made = yard.make("contact", json!({"name": "Ada", "email": "ada@example.com"}));
    assert_eq!((made.receipts.len(), made.made_jobs()), (1, false));
    let moved = yard.patch("contact", &made.record.id, json!({"status": "customer"})).unwrap();
    assert_eq!(moved.receipts.len(), 2);
    assert_eq!(moved.receipts[1].matched.len(), 1);
    yard.drain();
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages WHERE body = 'Ada: lead → customer'"), 1);
    // Nothing changed, nothing happened.
    let same = yard.patch("contact", &made.record.id, json!({"status": "customer", "name": "Ada"})).unwrap();
    assert_eq!((same.receipts.len(), same.record.version), (0, 2));
    let event = &yard.events("contact_status_changed")[0];
    assert_eq!((event.subject.as_deref(), event.source.as_str()), (Some(made.record.id.as_str()), "records"));
    let actions =
        "SELECT COUNT(*) AS n FROM audit_entries WHERE action IN ('record.created', 'record.changed')";
    assert_eq!(yard.count(actions), 2);
}

#[test]
fn an_action_moves_a_record_and_the_chain_is_on_record() {
    let yard = Yard::new();
    let high = json!([{"type": "value_threshold", "value": 10000}]);
    yard.rule("sales", "high_value_opportunity", high, move_to("{{opportunity_id}}", "negotiation"));
    yard.rule(
        "sales",
        "opportunity_stage_changed",
        json!([{"type": "changed_to", "field": "stage", "value": "negotiation"}]),
        json!([{"type": "send_notification", "parameters": {"recipient": "a@example.com", "message": "{{old_stage}} → {{new_stage}}"}}]),
    );
    let deal = yard.make("opportunity", json!({"name": "Big deal", "value": "12500.00"}));
    assert_eq!(deal.receipts.len(), 2);
    let job = deal.receipts[1].jobs[0].clone();
    yard.drain();
    assert_eq!(yard.status("opportunity", &deal.record.id), "negotiation");
    let job = yard.job(&job);
    assert_eq!((job.state, job.last_error), (State::Done, None));
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages WHERE body = 'prospecting → negotiation'"), 1);
    let moved = &yard.events("opportunity_stage_changed")[0];
    assert_eq!((moved.origin.depth, moved.origin.parent.clone()), (1, Some(deal.receipts[1].id.clone())));
    assert!(moved.source.starts_with("rule:rul_"), "{}", moved.source);
    let trail = block_on(pipeline::trace(&yard.db, &yard.call(), &deal.receipts[1].id)).unwrap();
    assert_eq!(trail.children.len(), 2, "updated and moved");
    assert!(
        trail.attempts[0].detail.contains("went to negotiation and raised evt_"),
        "{}",
        trail.attempts[0].detail
    );
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let yard = Yard::new();
    yard.make("contact", json!({"name": "Ada", "external_id": "x-1"}));
    yard.make("opportunity", json!({"name": "Deal", "external_id": "x-1"}));
    let lost = |fault: &str, action: Value| {
        yard.rule(
            "sales",
            "opportunity_created",
            json!([{"type": "equals", "field": "opportunity_name", "value": fault}]),
            action,
        );
        let made = yard.make("opportunity", json!({"name": fault}));
        yard.drain();
        let job = yard.job(&made.receipts[0].jobs[0]);
        assert_eq!(job.state, State::Dead, "{fault}");
        (job.last_error.unwrap(), made.record.id)
    };
    let (said, id) = lost("no such stage", move_to("{{opportunity_id}}", "sold"));
    assert!(said.contains("stage: must be one of prospecting"), "{said}");
    assert_eq!(yard.status("opportunity", &id), "prospecting");
    let (said, _) = lost("lost without a reason", move_to("{{opportunity_id}}", "closed_lost"));
    assert!(said.contains("lost_reason: is missing"), "{said}");
    let (said, _) = lost("nobody", move_to("x-9", "proposal"));
    assert!(said.contains("there is no record \"x-9\""), "{said}");
    let (said, _) = lost("two of them", move_to("x-1", "proposal"));
    assert!(said.contains("name one in entity_type"), "{said}");
    let of_a_type = json!([{"type": "update_status", "parameters":
        {"entity_id": "x-1", "new_status": "customer", "entity_type": "contact"}}]);
    yard.rule("crm", "lead_created", json!([]), of_a_type);
    let made = yard.make("lead", json!({"name": "Bob"}));
    yard.drain();
    assert_eq!(yard.job(&made.receipts[0].jobs[0]).state, State::Done);
    assert_eq!(
        yard.count("SELECT COUNT(*) AS n FROM records WHERE type = 'contact' AND status = 'customer'"),
        1
    );
}

#[test]
fn a_loop_of_rules_ends() {
    let yard = Yard::new();
    for (from, to) in [("lead", "prospect"), ("prospect", "lead")] {
        let to_this = json!([{"type": "changed_to", "field": "status", "value": from}]);
        yard.rule("crm", "contact_status_changed", to_this, move_to("{{contact_id}}", to));
    }
    yard.owner("owner@example.com");
    let ada = yard.make("contact", json!({"name": "Ada", "status": "customer"})).record;
    yard.patch("contact", &ada.id, json!({"status": "lead"})).unwrap();
    for _ in 0..20 {
        yard.drain();
    }
    let depths: Vec<u32> =
        yard.events("contact_status_changed").iter().map(|event| event.origin.depth).collect();
    assert_eq!(depths.iter().max(), Some(&MAX_DEPTH));
    let dead = yard.count(
        "SELECT COUNT(*) AS n FROM jobs WHERE state = 'dead' AND last_error LIKE '%chains end after%'",
    );
    assert_eq!(dead, 1);
    // A program made the rules: the owner is told, once a day for each rule.
    let told = || yard.count("SELECT COUNT(*) AS n FROM messages WHERE recipient = 'owner@example.com'");
    assert_eq!(told(), 1);
    yard.patch("contact", &ada.id, json!({"status": "customer"})).unwrap();
    yard.patch("contact", &ada.id, json!({"status": "lead"})).unwrap();
    for _ in 0..20 {
        yard.drain();
    }
    assert_eq!(told(), 1);
    // The last link changed nothing: the record stands where the last event says.
    let last =
        yard.events("contact_status_changed").into_iter().max_by_key(|event| event.origin.depth).unwrap();
    let data: Value = serde_json::from_str(&last.data).unwrap();
    assert_eq!(data["new_status"], yard.status("contact", &ada.id).as_str());
}

#[test]
fn an_import_raises_an_event_for_each_row() {
    let yard = Yard::new();
    let tell = json!([{"type": "send_notification", "parameters": {"recipient": "a@example.com", "message": "{{contact_name}}"}}]);
    yard.rule(
        "crm",
        "contact_created",
        json!([{"type": "equals", "field": "contact_name", "value": "Person 600"}]),
        tell,
    );
    let rows: Vec<String> = (0..700).map(|number| format!("x-{number},Person {number}")).collect();
    let file = format!("external_id,name\n{}\nx-1,Twice\n,\n", rows.join("\n"));
    let meant = || Meant::read(None, None, None).unwrap();
    let imported =
        block_on(desk::import(yard.desk(), &yard.who(), &name("contact"), file.as_bytes(), meant())).unwrap();
    assert_eq!((imported.tally.created, imported.tally.failed, imported.made_jobs), (700, 1, true));
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM events WHERE trigger_id = 'contact_created'"), 700);
    yard.drain();
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages"), 1);
    // Events are listed as the rows stand in the file.
    let newest = &yard.events("contact_created")[0];
    assert!(newest.data.contains("Person 699"), "{}", newest.data);
    let unreadable =
        block_on(desk::import(yard.desk(), &yard.who(), &name("contact"), b"colour\nred\n", meant()));
    assert!(matches!(unreadable, Err(RecordFault::Record(RecordError::File(_)))));
}

#[test]
fn a_suspended_tenants_records_stay_as_they_are() {
    let yard = Yard::new();
    let ada = yard.make("contact", json!({"name": "Ada"})).record;
    block_on(async {
        let mut tx = yard.db.begin().await.unwrap();
        tx.all_tenants().run_for_effect("UPDATE tenants SET state = 'suspended'", []).await.unwrap();
        tx.commit().await.unwrap();
    });
    let refused = yard.patch("contact", &ada.id, json!({"status": "customer"})).unwrap_err();
    assert!(matches!(refused, RecordFault::Publish(PublishError::Suspended)), "{refused}");
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM records WHERE status = 'lead'"), 1, "nothing was kept");
}

#[test]
fn a_deleted_record_is_in_no_list_and_its_events_stay() {
    let yard = Yard::new();
    let ada = yard.make("contact", json!({"name": "Ada"})).record;
    let gone = block_on(desk::delete(yard.desk(), &yard.who(), &name("contact"), &ada.id, Some(1))).unwrap();
    assert_eq!(gone.receipts.len(), 1);
    let id: &EventId = &gone.receipts[0].id;
    assert_eq!(&yard.events("contact_deleted")[0].id, id);
    let again = block_on(desk::delete(yard.desk(), &yard.who(), &name("contact"), &ada.id, None));
    assert!(matches!(again, Err(RecordFault::Record(RecordError::Unknown))));
}

fn told(about: &str) -> Value {
    json!([{"type": "send_notification", "parameters": {"recipient": "a@example.com", "message": about}}])
}

impl Yard {
    /// A user who owns the tenant.
    fn owner(&self, email: &str) {
        let user = kernel::UserId::new(self.clock.now(), &*self.chance);
        let role = kernel::RoleId::new(self.clock.now(), &*self.chance);
        let rows: [(&str, Vec<db::Value>); 3] = [
            (
                "INSERT INTO users (tenant_id, user_id, email, name, state, created_at, updated_at)
                    VALUES ('acme-corp', ?1, ?2, 'Olga', 'active', 0, 0)",
                vec![user.as_str().into(), email.into()],
            ),
            (
                "INSERT INTO roles (tenant_id, role_id, name, built_in, created_at)
                    VALUES ('acme-corp', ?1, 'owner', 'owner', 0)",
                vec![role.as_str().into()],
            ),
            (
                "INSERT INTO role_bindings (tenant_id, user_id, role_id, scope, created_at)
                    VALUES ('acme-corp', ?1, ?2, '*', 0)",
                vec![user.as_str().into(), role.as_str().into()],
            ),
        ];
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            for (sql, parameters) in rows {
                tx.all_tenants().run_for_effect(sql, parameters).await.unwrap();
            }
            tx.commit().await.unwrap();
        });
    }

    /// Somebody else's program sends an event.
    fn sent(&self, trigger: &str, data: Value) -> EventId {
        let event = events::NewEvent {
            trigger: trigger.to_owned(),
            data: data.to_string(),
            source: "api".to_owned(),
            external_id: None,
            subject: None,
            occurred: None,
            dedupe: None,
        };
        let door = pipeline::Door::new(self.db.clone(), Arc::clone(&self.books), Arc::new(Ropes));
        block_on(door.publish(&self.call(), event, events::Origin::default())).unwrap().id
    }
}

#[test]
fn rules_see_the_record_that_an_event_of_somebody_else_is_about() {
    let yard = Yard::new();
    yard.make(
        "contact",
        json!({"name": "Ada", "external_id": "c-7", "status": "customer", "company": "Engines"}),
    );
    yard.make("contact", json!({"name": "Bob", "external_id": "c-8"}));
    yard.rule(
        "crm",
        "contact_updated",
        json!([{"type": "equals", "field": "record.status", "value": "customer"}]),
        told("{{record.name}} of {{record.company}}"),
    );
    // What a rule counts by may be of the record, too.
    let mut by_company = rules::Draft {
        name: Some("one a day for each company".to_owned()),
        module_type: Some("crm".to_owned()),
        trigger_id: Some("lead_updated".to_owned()),
        actions: Some(told("{{lead_id}}")),
        ..rules::Draft::default()
    };
    by_company.pace.throttle = Some(json!({"limit": 1, "per": "P1D", "key": "record.company"}));
    let who = Bounded::new(yard.call(), Permission::RulesWrite);
    block_on(service::create(&yard.db, &who, by_company, None)).unwrap();
    for (id, company) in [("l-1", "Engines"), ("l-2", "Engines"), ("l-3", "Looms")] {
        yard.make("lead", json!({"name": id, "external_id": id, "company": company}));
        yard.sent("lead_updated", json!({"lead_id": id}));
    }
    yard.drain();
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages WHERE body IN ('l-1', 'l-3')"), 2);
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages"), 2);
    let [ada, bob, nobody] =
        ["c-7", "c-8", "c-9"].map(|id| yard.sent("contact_updated", json!({"contact_id": id})));
    yard.drain();
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages WHERE body = 'Ada of Engines'"), 1);
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages"), 3);
    let seen = |id: &EventId| {
        let events = yard.events("contact_updated");
        let record = events.into_iter().find(|event| event.id == *id).unwrap().record;
        record.map(|text| serde_json::from_str::<Value>(&text).unwrap()["name"].clone())
    };
    assert_eq!((seen(&ada), seen(&bob), seen(&nobody)), (Some("Ada".into()), Some("Bob".into()), None));
}

#[test]
fn a_type_of_ones_own_has_triggers_and_rules_hold_it_to_them() {
    let yard = Yard::new();
    let schema = |fields: Value| json!({"properties": fields});
    let project = records::TypeDraft {
        name: Some("project".to_owned()),
        module: Some("delivery".to_owned()),
        schema: Some(schema(json!({"name": {"type": "string"}, "budget": {"type": "number"}}))),
        ..records::TypeDraft::default()
    };
    block_on(desk::create_type(yard.desk(), &yard.who(), project)).unwrap();
    yard.rule(
        "delivery",
        "project_created",
        json!([{"type": "greater_than", "field": "budget", "value": 1000}]),
        told("{{name}}: {{budget}}"),
    );
    let ids = [("Bridge", 5000), ("Path", 500)]
        .map(|(name, budget)| yard.make("project", json!({"name": name, "budget": budget})).record.id);
    yard.drain();
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages WHERE body = 'Bridge: 5000'"), 1);
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM messages"), 1);

    // A field that is added breaks nothing.
    let patch = |fields: Value| {
        let patch = records::TypePatch { schema: Some(schema(fields)), ..records::TypePatch::default() };
        block_on(desk::change_type(yard.desk(), &yard.who(), &name("project"), None, patch))
    };
    let more = json!({"name": {"type": "string"}, "budget": {"type": "number"}, "city": {"type": "string"}});
    patch(more).unwrap();
    // The type cannot go while a rule is bound to what happens to its records.
    assert_eq!(yard.count("SELECT COUNT(*) AS n FROM triggers WHERE trigger_id LIKE 'project_%'"), 3);
    for id in &ids {
        block_on(desk::delete(yard.desk(), &yard.who(), &name("project"), id, None)).unwrap();
    }
    let refused = block_on(desk::delete_type(yard.desk(), &yard.who(), &name("project"), None)).unwrap_err();
    assert!(matches!(&refused, RecordFault::Rule(rules::RuleError::InUse(..))), "{refused}");
}
