//! Do the use cases hold on a database?

use super::{comments, *};
use crate::{AssigneeFilter, Draft, Due, Patch, Priority, Said, StateFilter, TaskState};
use db::{Db, native::Native};
use futures::executor::block_on;
use kernel::{
    Actor, Chance, Fault as _, Permission, Permissions, Principal, RequestId, SessionId, Span, Trace, UserId,
    Zone,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const NOW: i64 = 1_700_000_000_000;

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
    chance: Arc<Counting>,
}

fn world() -> World {
    let world = World { db: Native::memory().unwrap(), chance: Arc::default() };
    for tenant in ["acme-corp", "globex"] {
        world.meddle(&format!(
            "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES ('{tenant}', 'x', 'active', 0, 0)"
        ));
    }
    world
}

impl World {
    fn meddle(&self, sql: &str) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    fn call(&self, principal: Principal, later: i64) -> Call {
        Call {
            principal,
            now: Instant::from_millis(NOW) + Span::seconds(later),
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn owner(&self, later: i64) -> Bounded {
        let call = self.call(Principal::system("acme-corp".parse().unwrap()), later);
        Bounded::new(call, Permission::RecordsWrite)
    }

    /// A person with these permissions.
    fn person(&self, number: u8, permissions: &[Permission]) -> (Bounded, Own) {
        let id: UserId = format!("usr_01hf7yat00zzzzzzzzzzzzzz{number:02}").parse().unwrap();
        let permissions: Permissions = permissions.iter().copied().collect();
        let session = SessionId::new(Instant::from_millis(NOW), &*self.chance);
        let principal = Principal {
            actor: Actor::User(id, session),
            permissions,
            ..Principal::system("acme-corp".parse().unwrap())
        };
        let who = Bounded::new(self.call(principal, 0), Permission::RecordsWrite);
        let own = Own::of(&who, Some(&format!("Person{number}@example.com")));
        (who, own)
    }

    fn task(&self, title: &str, assignee: Option<&str>, due: Option<&str>, priority: Priority) -> Task {
        let definition = Definition {
            due: due.map(|due| Due::at(due).unwrap()),
            priority,
            ..Draft { title: Some(title.to_owned()), ..Draft::default() }
                .check(&Zone::UTC)
                .unwrap()
                .definition
        };
        let assignee = assignee.map(|text| text.parse().unwrap());
        self.within(async |scope| create(scope, &self.owner(0), definition, assignee).await).unwrap().after
    }

    /// Runs something in a transaction that stays if it went well.
    fn within<T>(
        &self,
        work: impl AsyncFnOnce(&mut Scope<'_>) -> Result<T, TaskError>,
    ) -> Result<T, TaskError> {
        let tenant = "acme-corp".parse().unwrap();
        block_on(async {
            let mut tx = self.db.begin().await?;
            let outcome = work(&mut tx.scope(&tenant)).await;
            match outcome {
                Ok(value) => tx.commit().await.map(|()| value).map_err(TaskError::from),
                Err(error) => tx.rollback().await.map_err(TaskError::from).and(Err(error)),
            }
        })
    }

    fn titles(&self, who: &Bounded, own: &Own, filter: &Filter, sort: &str) -> Vec<String> {
        let sort = sort.parse().unwrap();
        let mut titles = Vec::new();
        let mut page = PageRequest::new(2, None).unwrap();
        loop {
            let rows = self.within(async |scope| list(scope, who, own, filter, sort, &page).await).unwrap();
            titles.extend(rows.items.iter().map(|task| task.definition.title.clone()));
            match rows.next {
                Some(next) => page.after = Some(next),
                None => return titles,
            }
        }
    }

    fn audited(&self) -> Vec<String> {
        let tenant = "acme-corp".parse().unwrap();
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let sql = "SELECT action AS id FROM audit_entries WHERE tenant_id = ?1 ORDER BY sequence";
            lease.scope(&tenant).unwrap().all(sql, []).await.unwrap()
        })
    }
}

#[test]
fn a_task_reads_back_and_every_change_is_on_record() {
    let world = world();
    let made = world.task("Call back", Some("Ana@Example.com"), Some("2026-01-01T00:00:00Z"), Priority::High);
    let read = |who: &Bounded| world.within(async |scope| get(scope, who, &Own::default(), &made.id).await);
    assert_eq!(read(&world.owner(0)).unwrap(), made);
    let change = |to: TaskState, expected| {
        let who = world.owner(60);
        world.within(async |scope| {
            change(scope, &who, &Own::default(), &made.id, expected, |task, by, now| task.moved(to, by, now))
                .await
        })
    };
    assert_eq!(change(TaskState::Completed, Some(7)).unwrap_err().code(), "PRECONDITION_FAILED");
    let done = change(TaskState::Completed, Some(1)).unwrap();
    assert_eq!((done.after.version, done.after.ended.as_ref().unwrap().1.as_str()), (2, "system"));
    assert_eq!(change(TaskState::Completed, None).unwrap().after.version, 2, "done is done");
    assert_eq!(change(TaskState::InProgress, None).unwrap_err().code(), "TASK_ENDED");
    assert_eq!(read(&world.owner(0)).unwrap(), done.after);
    let who = world.owner(61);
    world.within(async |scope| delete(scope, &who, &made.id, None).await).unwrap();
    assert_eq!(read(&world.owner(0)).unwrap_err().code(), "NOT_FOUND");
    assert_eq!(world.audited(), ["task.created", "task.completed", "task.deleted"]);
}

#[test]
fn an_edit_changes_what_it_names_and_a_change_of_nothing_is_none() {
    let world = world();
    let made = world.task("Call back", None, None, Priority::Normal);
    let edit = |patch: Patch| {
        let edit = patch.check(&Zone::UTC).unwrap();
        let who = world.owner(60);
        world.within(async |scope| {
            let decide = |task: Task, _: &str, _| Ok(task.clone().redefined(edit.over(&task.definition)));
            change(scope, &who, &Own::default(), &made.id, None, decide).await
        })
    };
    let same = edit(Patch { title: Some("Call back".to_owned()), ..Patch::default() }).unwrap();
    assert_eq!((same.change(), same.after.version), (None, 1));
    let labels = Some(vec!["vip".to_owned()]);
    let other =
        edit(Patch { labels, due_date: Some(Some("2026-01-31".to_owned())), ..Patch::default() }).unwrap();
    let fields: Vec<_> = other.differences(|one| json!(one.key())).iter().map(|one| one.field).collect();
    assert_eq!((fields, other.after.version), (vec!["due_at", "due_date", "labels"], 2));
    let read =
        world.within(async |scope| get(scope, &world.owner(0), &Own::default(), &made.id).await).unwrap();
    assert_eq!(read, other.after);
}

#[test]
fn lists_are_paged_in_every_order() {
    let world = world();
    world.task("b", None, Some("2026-01-02T00:00:00Z"), Priority::Low);
    world.task("a", None, Some("2026-01-01T00:00:00Z"), Priority::Normal);
    world.task("n", None, None, Priority::Urgent);
    world.task("m", None, None, Priority::Normal);
    world.task("c", None, Some("2026-01-03T00:00:00Z"), Priority::Normal);
    let titles = |sort| world.titles(&world.owner(0), &Own::default(), &Filter::default(), sort).join("");
    for (sort, wanted) in [
        ("due", "abcnm"),
        ("-due", "cbamn"),
        ("priority", "bacmn"),
        ("-priority", "nacmb"),
        ("created_at", "banmc"),
        ("-created_at", "cmnab"),
        ("updated_at", "banmc"),
        ("-updated_at", "cmnab"),
    ] {
        assert_eq!(titles(sort), wanted, "{sort}");
    }
    let odd = PageRequest::new(2, Some(kernel::Cursor::after("tsk_1"))).unwrap();
    let who = world.owner(0);
    let refused = world
        .within(async |scope| list(scope, &who, &Own::default(), &Filter::default(), Sort::Due, &odd).await);
    assert_eq!(refused.unwrap_err().fields()[0].field, "cursor");
}

#[test]
fn a_list_shows_what_its_filter_says() {
    let world = world();
    world.task("Ana's", Some("person1@example.com"), Some("2020-01-01T00:00:00Z"), Priority::Normal);
    world.task("hers, too", Some("usr_01hf7yat00zzzzzzzzzzzzzz01"), None, Priority::High);
    world.task("Bob's", Some("bob@example.com"), Some("2030-01-01T00:00:00Z"), Priority::Normal);
    let nobodys = world.task("Nobody's", None, None, Priority::Normal);
    let who = world.owner(0);
    world
        .within(async |scope| {
            change(scope, &who, &Own::default(), &nobodys.id, None, |task, by, now| task.cancelled(by, now))
                .await
        })
        .unwrap();
    let titles = |filter: Filter| world.titles(&who, &Own::default(), &filter, "created_at").join(" | ");
    let states = |text: &str| Filter { states: Some(text.parse().unwrap()), ..Filter::default() };
    let keys = vec!["usr_01hf7yat00zzzzzzzzzzzzzz01".to_owned(), "person1@example.com".to_owned()];
    let instant = |text: &str| Some(text.parse().unwrap());
    for (filter, wanted) in [
        (Filter { assignee: Some(AssigneeFilter::Somebody(keys)), ..Filter::default() }, "Ana's | hers, too"),
        (Filter { assignee: Some(AssigneeFilter::Nobody), ..Filter::default() }, "Nobody's"),
        (states("open"), "Ana's | hers, too | Bob's"),
        (states("ended"), "Nobody's"),
        (states("assigned,cancelled"), "Ana's | hers, too | Bob's | Nobody's"),
        (Filter { priority: Some(Priority::High), ..Filter::default() }, "hers, too"),
        (Filter { due_before: instant("2030-01-01T00:00:00Z"), ..Filter::default() }, "Ana's"),
        (Filter { overdue_at: instant("2023-01-01T00:00:00Z"), ..Filter::default() }, "Ana's"),
        (Filter { text: Some("'S".to_owned()), ..Filter::default() }, "Ana's | Bob's | Nobody's"),
        (Filter { label: Some("vip".to_owned()), ..Filter::default() }, ""),
        (Filter { about: Some("o-1".to_owned()), ..Filter::default() }, ""),
    ] {
        assert_eq!(titles(filter.clone()), wanted, "{filter:?}");
    }
    assert!("open,done".parse::<StateFilter>().is_err());
}

#[test]
fn whoever_has_a_task_may_work_on_it_and_nobody_else() {
    let world = world();
    let task = world.task("Hers", Some("person1@example.com"), None, Priority::Normal);
    world.task("Somebody's", Some("person2@example.com"), None, Priority::Normal);
    let complete = |(who, own): &(Bounded, Own)| {
        world.within(async |scope| {
            change(scope, who, own, &task.id, None, |task, by, now| task.completed(by, now)).await
        })
    };
    let (herself, stranger, viewer) =
        (world.person(1, &[]), world.person(2, &[]), world.person(3, &[Permission::RecordsRead]));
    assert_eq!(complete(&stranger).unwrap_err().code(), "NOT_FOUND");
    assert_eq!(complete(&viewer).unwrap_err().code(), "OUT_OF_REACH");
    assert_eq!(world.titles(&herself.0, &herself.1, &Filter::default(), "due"), ["Hers"]);
    assert_eq!(complete(&herself).unwrap().after.state, TaskState::Completed);
    // What she is not named for, she may not.
    let (who, id) = (&herself.0, &task.id);
    let refused = world.within(async |scope| delete(scope, who, id, None).await);
    assert_eq!(refused.unwrap_err().code(), "NOT_FOUND");
}

#[test]
fn comments_are_their_authors() {
    let world = world();
    let task = world.task("Hers", Some("person1@example.com"), None, Priority::Normal);
    let (herself, other) =
        (world.person(1, &[]), world.person(2, &[Permission::RecordsRead, Permission::RecordsWrite]));
    let said = |text: &str| Said::new(text).unwrap();
    let comment = {
        let (who, own) = &herself;
        world
            .within(async |scope| comments::add(scope, who, own, &task.id, said("Done soon")).await)
            .unwrap()
            .1
    };
    let edit = |(who, own): &(Bounded, Own), text: &str| {
        let said = said(text);
        world.within(async |scope| comments::edit(scope, who, own, &task.id, &comment.id, said).await)
    };
    assert_eq!(edit(&other, "x").unwrap_err().code(), "TASK_COMMENT_AUTHOR");
    assert!(edit(&herself, "Done").unwrap().edited_at.is_some());
    let (who, own) = &other;
    world.within(async |scope| comments::add(scope, who, own, &task.id, said("Thanks")).await).unwrap();
    let page = PageRequest::default();
    let all = world.within(async |scope| comments::list(scope, who, own, &task.id, &page).await).unwrap();
    assert_eq!(all.items.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["Done", "Thanks"]);
    let read = || world.within(async |scope| get(scope, who, own, &task.id).await).unwrap();
    assert_eq!((read().comments, read().version), (2, 1));
    world.within(async |scope| comments::delete(scope, who, own, &task.id, &comment.id).await).unwrap();
    assert_eq!(read().comments, 1);
    let gone = world.within(async |scope| comments::get(scope, who, own, &task.id, &comment.id).await);
    assert_eq!(gone.unwrap_err().code(), "NOT_FOUND");
    assert!(Said::new(" \u{7} ").is_err());
}

#[test]
fn what_is_overdue_is_noted_once_and_round_the_tenants() {
    let world = world();
    for number in 0..3 {
        world.task(&format!("a{number}"), None, Some("2020-01-01T00:00:00Z"), Priority::Normal);
    }
    world.task("later", None, Some("2040-01-01T00:00:00Z"), Priority::Normal);
    world.meddle(
        "INSERT INTO tasks (tenant_id, task_id, title, priority, due_at, labels, state, created_by, comments, version,
            created_at, updated_at) VALUES ('globex', 'tsk_01hf7yat00zzzzzzzzzzzzzzzz', 'g', 2, 1, '[]', 'draft', 'x', 0, 1, 0, 0)",
    );
    let now = Instant::from_millis(NOW);
    let told = |most| {
        let mut titles: Vec<String> = block_on(async {
            let mut tx = world.db.begin().await.unwrap();
            let all = note_overdue(&mut tx.all_tenants(), now, most).await.unwrap();
            tx.commit().await.unwrap();
            all.into_iter().map(|(_, task)| task.definition.title).collect()
        });
        titles.sort();
        titles.join(" ")
    };
    let any = || {
        block_on(async {
            let mut lease = world.db.read().await.unwrap();
            overdue_tenants(&mut lease.all_tenants().unwrap(), now, 9).await.unwrap().len()
        })
    };
    assert_eq!(any(), 2);
    assert_eq!(told(2), "a0 g", "every tenant's first before any tenant's second");
    assert_eq!(told(9), "a1 a2");
    assert_eq!((told(9).as_str(), any()), ("", 0));
}

#[test]
fn what_ended_long_ago_goes_with_what_was_said() {
    let world = world();
    let (old, open) =
        (world.task("old", None, None, Priority::Low), world.task("open", None, None, Priority::Low));
    let who = world.owner(0);
    for task in [&old, &open] {
        for _ in 0..3 {
            let said = Said::new("x").unwrap();
            world
                .within(async |scope| comments::add(scope, &who, &Own::default(), &task.id, said).await)
                .unwrap();
        }
    }
    world
        .within(async |scope| {
            change(scope, &who, &Own::default(), &old.id, None, |task, by, now| task.completed(by, now)).await
        })
        .unwrap();
    let limit = Instant::from_millis(NOW) + Span::seconds(1);
    let forget = || world.within(async |scope| Ok(privacy::forget(scope, limit, 2).await?)).unwrap();
    assert_eq!([forget(), forget(), forget(), forget()], [2, 1, 1, 0]);
    assert_eq!(world.titles(&who, &Own::default(), &Filter::default(), "due"), ["open"]);
}
