//! Does a task meet the rest? What it raises, who is told, what a rule makes of it, on a real database.

use crate::stage::{Hand, InOrder, Ropes};
use auth::{NewUser, service as identity};
use db::{Db, native::Native};
use events::{Event, NewEvent, Origin};
use futures::{
    executor::block_on,
    future::{BoxFuture, FutureExt as _, ready},
};
use jobs::{Courier, Job, Lost, Parcel, Receipt, State};
use kernel::{
    Actor, Bounded, Call, Clock, Fault as _, PageRequest, Permission, Principal, RequestId, RuleId, Secret,
    SessionId, Span, TenantId, Trace, UserId,
};
use notifications::Means;
use pipeline::{
    Books, Door, Works, drain,
    tasks::{self as desk, Done, Step, TaskFault},
};
use rules::service;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use tasks::{Draft, Filter, Patch, Sort, TaskState, service::Own};

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

    fn call(&self) -> Call {
        Call {
            principal: Principal::system("acme-corp".parse::<TenantId>().unwrap()),
            now: self.clock.now(),
            request: RequestId::new(&*self.chance),
            trace: Trace::new(&*self.chance),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn owner(&self) -> Bounded {
        Bounded::new(self.call(), Permission::RecordsWrite)
    }

    fn user(&self, email: &str) -> UserId {
        let new = NewUser::new(email, "Somebody", None).unwrap();
        block_on(identity::create_user(&self.db, &self.call(), new)).unwrap().user.id
    }

    fn as_user(&self, id: &UserId) -> Bounded {
        let mut call = self.call();
        let session = SessionId::new(call.now, &*self.chance);
        call.principal.actor = Actor::User(id.clone(), session);
        Bounded::new(call, Permission::RecordsWrite)
    }

    fn rule(&self, module: &str, trigger: &str, conditions: Value, actions: Value) -> RuleId {
        let draft = rules::Draft {
            name: Some(format!("on {trigger}")),
            module_type: Some(module.to_owned()),
            trigger_id: Some(trigger.to_owned()),
            conditions: Some(conditions),
            actions: Some(actions),
            ..rules::Draft::default()
        };
        let who = Bounded::new(self.call(), Permission::RulesWrite);
        block_on(service::create(&self.db, &who, draft, None)).unwrap().rule.id
    }

    fn create(&self, who: &Bounded, draft: Draft) -> Result<Done, TaskFault> {
        block_on(desk::create(&self.db, &self.books, who, draft))
    }

    fn works(&self) -> Works<'_> {
        Works {
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
        }
    }

    fn drain(&self) {
        block_on(drain(&self.works(), self.clock.now() + Span::seconds(10))).unwrap();
    }

    fn publish(&self, trigger: &str, data: Value) -> kernel::EventId {
        let door = Door::new(self.db.clone(), Arc::clone(&self.books), Arc::new(Ropes));
        let event = NewEvent {
            trigger: trigger.to_owned(),
            data: data.to_string(),
            source: "api".to_owned(),
            external_id: None,
            subject: None,
            occurred: None,
            dedupe: None,
        };
        block_on(door.publish(&self.call(), event, Origin::default())).unwrap().id
    }

    /// All events, oldest first.
    fn events(&self) -> Vec<Event> {
        let who = Bounded::new(self.call(), Permission::EventsRead);
        let page = PageRequest::new(200, None).unwrap();
        let mut all =
            block_on(events::list(&self.db, &who, &events::Filter::default(), &page)).unwrap().items;
        all.reverse();
        all
    }

    fn triggers(&self) -> Vec<String> {
        self.events().into_iter().map(|event| event.trigger).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        let page = PageRequest::new(200, None).unwrap();
        let mut all =
            block_on(jobs::list(&self.db, &self.call(), &jobs::Filter::default(), &page)).unwrap().items;
        all.reverse();
        all
    }

    fn inbox(&self, recipient: &str) -> Vec<String> {
        let (recipient, page, call) = (recipient.parse().unwrap(), PageRequest::default(), self.call());
        let inbox = notifications::inbox::list(&self.db, &call, &recipient, false, &page);
        block_on(inbox).unwrap().items.into_iter().map(|entry| entry.body).collect()
    }

    fn tasks(&self) -> Vec<desk::Seen> {
        let page = PageRequest::new(200, None).unwrap();
        let (who, own) = (self.owner(), Own::default());
        let list = desk::list(&self.db, &who, &own, Filter::default(), None, Sort::Created, &page);
        block_on(list).unwrap().items
    }
}

fn titled(title: &str) -> Draft {
    Draft { title: Some(title.to_owned()), ..Draft::default() }
}

fn given(title: &str, assignee: &str) -> Draft {
    Draft { assignee: Some(assignee.to_owned()), ..titled(title) }
}

#[test]
fn a_change_raises_what_it_means_within_its_own_transaction() {
    let yard = Yard::new();
    let ana = yard.user("ana@example.com");
    let rule = yard.rule(
        "tasks",
        "task_completed",
        json!([{"type": "equals", "field": "assignee", "value": "ana@example.com"}]),
        json!([{"type": "send_notification", "parameters":
            {"recipient": "boss@example.com", "message": "{{assignee}} has done {{title}}"}}]),
    );
    let done = yard.create(&yard.owner(), given("Call back", "Ana@example.com")).unwrap();
    assert_eq!(done.seen.assignee.as_ref().unwrap().id, ana, "an address of a user means the user");
    assert!(!done.made_jobs);
    assert_eq!(yard.triggers(), ["task_created", "task_assigned"]);
    let hers = yard.as_user(&ana);
    let own = Own::of(&hers, Some("ana@example.com"));
    let id = &done.seen.task.id;
    let done = block_on(desk::step(&yard.db, &yard.books, &hers, &own, id, None, Step::Complete)).unwrap();
    assert!(done.made_jobs);
    let again = block_on(desk::step(&yard.db, &yard.books, &hers, &own, id, None, Step::Complete)).unwrap();
    assert_eq!((again.made_jobs, again.seen), (false, done.seen), "done is done");
    assert_eq!(yard.triggers(), ["task_created", "task_assigned", "task_updated", "task_completed"]);
    let event = yard.events().pop().unwrap();
    assert_eq!((event.subject.as_deref(), event.source.as_str()), (Some(id.as_str()), "tasks"));
    assert_eq!((event.actor.as_str(), event.matched.contains(rule.as_str())), (ana.as_str(), true));
    yard.drain();
    assert_eq!(yard.inbox("boss@example.com"), ["ana@example.com has done Call back"]);
}

#[test]
fn whoever_gets_a_task_is_told_unless_they_gave_it_to_themselves() {
    let yard = Yard::new();
    let (ana, ben) = (yard.user("ana@example.com"), yard.user("ben@example.com"));
    let hers = yard.as_user(&ana);
    let done = yard.create(&hers, given("Mine", "me")).unwrap();
    assert_eq!(done.seen.assignee.as_ref().unwrap().id, ana);
    assert_eq!(yard.inbox("ana@example.com"), [""; 0]);
    let id = &done.seen.task.id;
    let to = Some(ben.to_string());
    block_on(desk::assign(&yard.db, &yard.books, &hers, id, None, to)).unwrap();
    assert_eq!(yard.inbox("ben@example.com"), [format!("Mine ({id}).")]);
    let edit = Patch { due_date: Some(Some("2030-01-31".to_owned())), ..Patch::default() };
    block_on(desk::patch(&yard.db, &yard.books, &hers, id, None, edit)).unwrap();
    assert_eq!(yard.inbox("ben@example.com").len(), 1, "nothing else is sent");
    let to = Some("outside@example.org".to_owned());
    block_on(desk::assign(&yard.db, &yard.books, &hers, id, None, to)).unwrap();
    let told = yard.inbox("outside@example.org");
    assert_eq!(told, [format!("Mine ({id}). It is to be done by the end of 2030-01-31.")]);
    // The message stands with the event that it tells of.
    let assigned = yard.events().into_iter().rfind(|event| event.trigger == "task_assigned").unwrap();
    let trail = block_on(pipeline::trace(&yard.db, &yard.call(), &assigned.id)).unwrap();
    assert_eq!(trail.messages.len(), 1);
}

#[test]
fn nobody_is_assigned_whom_the_tenant_does_not_know() {
    let yard = Yard::new();
    let field = |outcome: Result<Done, TaskFault>| {
        let fault = outcome.unwrap_err();
        (fault.code(), fault.fields()[0].to_string())
    };
    let (code, said) = field(yard.create(&yard.owner(), given("x", "usr_01hf7yat00zzzzzzzzzzzzzzzz")));
    assert_eq!(code, "VALIDATION_ERROR");
    assert!(said.starts_with("assignee: is no user of this tenant"), "{said}");
    let (_, said) = field(yard.create(&yard.owner(), given("x", "me")));
    assert!(said.contains("a program has no tasks"), "{said}");
    assert_eq!((yard.tasks().len(), yard.events().len()), (0, 0));
}

#[test]
fn tasks_of_somebody_are_found_by_id_address_and_as_ones_own() {
    let yard = Yard::new();
    yard.create(&yard.owner(), given("before", "ana@example.com")).unwrap();
    let ana = yard.user("ana@example.com");
    yard.create(&yard.owner(), given("since", "ana@example.com")).unwrap();
    yard.create(&yard.owner(), titled("nobody's")).unwrap();
    let (hers, page) = (yard.as_user(&ana), PageRequest::default());
    let own = Own::of(&hers, Some("ana@example.com"));
    let found = |who: &Bounded, text: &str| {
        let list = desk::list(&yard.db, who, &own, Filter::default(), Some(text), Sort::Created, &page);
        block_on(list).map(|page| {
            let titles = page.items.into_iter().map(|seen| seen.task.definition.title);
            titles.collect::<Vec<_>>().join(" ")
        })
    };
    for text in ["me", ana.as_str(), "ANA@example.com"] {
        assert_eq!(found(&hers, text).unwrap(), "before since", "{text}");
    }
    assert_eq!(found(&hers, "none").unwrap(), "nobody's");
    assert_eq!(found(&hers, "ana").unwrap_err().fields()[0].field, "assignee");
}

#[test]
fn a_rule_makes_a_task_once_and_the_trace_leads_to_it() {
    let yard = Yard::new();
    let ana = yard.user("ana@example.com");
    let rule = yard.rule(
        "sales",
        "opportunity_created",
        json!([]),
        json!([{"type": "create_task", "parameters": {"title": "Call about {{opportunity_name}}",
            "description": "It is worth {{value}}.", "due_date": "{{day}}", "assignee": "ana@example.com",
            "priority": "high", "labels": ["{{region}}", "new"],
            "about": {"type": "opportunity", "id": "{{opportunity_id}}"}}}]),
    );
    let data = json!({"opportunity_id": "o-1", "opportunity_name": "Big\ndeal", "value": 12500, "day": "2030-01-31",
        "region": "north"});
    let event = yard.publish("opportunity_created", data);
    yard.drain();
    let task = yard.tasks().pop().unwrap().task;
    let definition = &task.definition;
    assert_eq!(
        (definition.title.as_str(), definition.description.as_deref(), definition.labels.join(",").as_str()),
        ("Call about Big deal", Some("It is worth 12500."), "north,new")
    );
    assert_eq!(
        (definition.due.unwrap().said().as_str(), definition.priority.as_str()),
        ("2030-01-31", "high")
    );
    assert_eq!((task.state, task.assignee.as_ref().unwrap().key()), (TaskState::Assigned, ana.as_str()));
    let job = yard.jobs().into_iter().find(|job| job.kind == jobs::Kind::CreateTask).unwrap();
    assert_eq!(
        (task.maker.by.as_str(), &task.maker.event, &task.maker.rule, &task.maker.job),
        (rule.as_str(), &Some(event.clone()), &Some(rule.clone()), &Some(job.id.clone()))
    );
    let trail = block_on(pipeline::trace(&yard.db, &yard.call(), &event)).unwrap();
    assert_eq!(trail.attempts[0].detail, format!("made {}", task.id));
    assert_eq!(trail.children.len(), 2, "task_created and task_assigned");
    assert_eq!(trail.tasks, std::slice::from_ref(&task));
    assert!(yard.inbox("ana@example.com")[0].starts_with("Call about Big deal"));
    let child = yard.events().into_iter().find(|event| event.trigger == "task_created").unwrap();
    assert_eq!((child.origin.depth, child.origin.parent), (1, Some(event)));

    // The queue may run it again: the lease is lost after the commit is not, or somebody retries it by hand.
    yard.meddle(
        "UPDATE jobs SET state = 'queued', ended_at = NULL, result = NULL WHERE kind = 'create_task'",
    );
    yard.drain();
    assert_eq!((yard.tasks().len(), yard.events().len()), (1, 3));
    let again = yard.jobs().into_iter().find(|job| job.kind == jobs::Kind::CreateTask).unwrap();
    assert_eq!((again.state, again.attempts), (State::Done, 2));
}

#[test]
fn a_day_that_is_said_from_now_on_is_seen_from_the_event() {
    for (said, wanted) in [
        ("today+P3D", "2027-01-18"),
        ("now+PT36H", "2027-01-16T20:00:00.000Z"),
        ("{{day}}", "2027-01-20"),
        ("2027-02-01T09:30", "2027-02-01T09:30:00.000Z"),
    ] {
        let yard = Yard::new();
        yard.rule(
            "crm",
            "lead_created",
            json!([{"type": "equals", "field": "source", "value": said}]),
            json!([{"type": "create_task", "parameters": {"title": "due", "due_date": said}, "delay": "P2D"}]),
        );
        yard.publish("lead_created", json!({"lead_id": "l-1", "source": said, "day": "wednesday"}));
        yard.clock.0.fetch_add(2 * 86_400_000, std::sync::atomic::Ordering::Relaxed);
        yard.drain();
        let tasks = yard.tasks();
        let task = tasks.iter().find(|seen| seen.task.definition.title == "due").unwrap();
        assert_eq!(task.task.definition.due.unwrap().said(), wanted, "{said}");
    }
}

#[test]
fn what_cannot_be_made_says_why_and_leaves_nothing() {
    let yard = Yard::new();
    yard.rule(
        "sales",
        "opportunity_created",
        json!([]),
        json!([{"type": "create_task", "parameters":
            {"title": "x", "assignee": "{{owner}}", "due_date": "2030-01-31T09:00:00Z"}}]),
    );
    for owner in ["somebody", "usr_01hf7yat00zzzzzzzzzzzzzzzz", "me"] {
        yard.publish(
            "opportunity_created",
            json!({"opportunity_id": "o", "opportunity_name": "n", "owner": owner}),
        );
    }
    yard.drain();
    let mut said: Vec<String> = yard.jobs().into_iter().filter_map(|job| job.last_error).collect();
    said.sort();
    assert_eq!(said.len(), 3);
    assert!(said[0].starts_with("the task cannot be made: assignee: is no user of this tenant"), "{said:?}");
    assert!(said[1].starts_with("the task cannot be made: assignee: must be a user's id"), "{said:?}");
    assert_eq!(yard.tasks().len(), 0);
}

#[test]
fn tasks_that_make_tasks_end_with_a_reason() {
    let yard = Yard::new();
    yard.rule(
        "tasks",
        "task_created",
        json!([]),
        json!([{"type": "create_task", "parameters": {"title": "After {{title}}"}}]),
    );
    yard.create(&yard.owner(), titled("one")).unwrap();
    for _ in 0..12 {
        yard.drain();
    }
    assert_eq!(yard.tasks().len(), 9, "one, and eight that follow");
    let dead: Vec<Job> = yard.jobs().into_iter().filter(|job| job.state == State::Dead).collect();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].last_error.as_ref().unwrap().contains("chain"), "{:?}", dead[0].last_error);
}

#[test]
fn what_is_overdue_is_told_once_for_each_time() {
    let yard = Yard::new();
    let due = |text: &str| Patch { due_at: Some(Some(text.to_owned())), ..Patch::default() };
    let done = yard
        .create(&yard.owner(), Draft { due_at: Some("2027-01-15T08:00:30Z".to_owned()), ..titled("Soon") })
        .unwrap();
    let tell = || block_on(desk::tell_overdue(&yard.works())).unwrap();
    assert_eq!(tell(), 0);
    yard.clock.0.fetch_add(31_000, Ordering::Relaxed);
    assert_eq!((tell(), tell()), (1, 0));
    assert_eq!(yard.triggers(), ["task_created", "task_overdue"]);
    let id = &done.seen.task.id;
    block_on(desk::patch(&yard.db, &yard.books, &yard.owner(), id, None, due("2027-01-15T08:00:20Z")))
        .unwrap();
    assert_eq!(tell(), 1, "it is due at another time, which has passed, too");
    block_on(desk::patch(&yard.db, &yard.books, &yard.owner(), id, None, due("2027-01-15T09:00:00Z")))
        .unwrap();
    let own = Own::default();
    block_on(desk::step(&yard.db, &yard.books, &yard.owner(), &own, id, None, Step::Complete)).unwrap();
    yard.clock.0.fetch_add(7_200_000, Ordering::Relaxed);
    assert_eq!(tell(), 0, "what is done is not overdue");
    let overdue: Vec<Event> = yard.events().into_iter().filter(|one| one.trigger == "task_overdue").collect();
    assert_eq!(overdue.len(), 2);
    assert!(overdue[0].data.contains("2027-01-15T08:00:30.000Z"), "{}", overdue[0].data);
}

#[test]
fn a_comment_is_told() {
    let yard = Yard::new();
    let ana = yard.user("ana@example.com");
    let done = yard.create(&yard.owner(), given("Call back", "ana@example.com")).unwrap();
    let hers = yard.as_user(&ana);
    let own = Own::of(&hers, Some("ana@example.com"));
    let id = &done.seen.task.id;
    let said = desk::add_comment(&yard.db, &yard.books, &hers, &own, id, "Tomorrow");
    let (desk::Remark { comment, author }, _) = block_on(said).unwrap();
    assert_eq!(author.unwrap().id, ana);
    let event = yard.events().pop().unwrap();
    let data: Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!((event.trigger.as_str(), &data["comment"]), ("task_commented", &json!("Tomorrow")));
    assert_eq!(
        (&data["comment_id"], &data["changed_by"]),
        (&json!(comment.id.as_str()), &json!(ana.as_str()))
    );
    assert_eq!(data["assignee"], "ana@example.com");
}
