//! Do the use cases hold on a database?

use super::*;
use crate::{Draft, Outcome, Patch, UnknownOutcome};
use db::native::Native;
use futures::executor::block_on;
use kernel::{Actor, Chance, Fault as _, Grant, Permission, Principal, RequestId, RunId, Span, Trace, Zone};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const NOW: &str = "2026-01-01T00:00:00Z";

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
    for (tenant, state) in [("acme-corp", "active"), ("globex", "active"), ("initech", "suspended")] {
        world.meddle(&format!(
            "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES ('{tenant}', 'x', '{state}', 0, 0)"
        ));
    }
    world
}

fn now() -> Instant {
    NOW.parse().unwrap()
}

impl World {
    fn meddle(&self, sql: &str) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    fn call(&self, tenant: &str, later: Span) -> Call {
        Call {
            principal: Principal::system(tenant.parse().unwrap()),
            now: now() + later,
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn who(&self, later: Span) -> Bounded {
        Bounded::new(self.call("acme-corp", later), Permission::EventsWrite)
    }

    /// Somebody whose permissions hold for one part.
    fn bounded(&self, reach: &str) -> Bounded {
        let call = self.call("acme-corp", Span::default());
        let permissions = [Permission::EventsRead, Permission::EventsWrite].into_iter().collect();
        let grants = [Grant { reach: reach.parse().unwrap(), permissions }].into();
        let principal = Principal {
            permissions: kernel::Permissions::NONE,
            actor: Actor::System,
            grants,
            ..call.principal.clone()
        };
        Bounded::new(Call { principal, ..call }, Permission::EventsWrite)
    }

    fn make(&self, tenant: &str, cron: &str) -> Schedule {
        let who = Bounded::new(self.call(tenant, Span::default()), Permission::EventsWrite);
        block_on(create(&self.db, &who, definition(cron))).unwrap()
    }

    fn due(&self, later: Span, most: u16) -> Vec<Due> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let found = due(&mut tx.all_tenants(), now() + later, most).await.unwrap();
            tx.rollback().await.unwrap();
            found
        })
    }
}

fn definition(cron: &str) -> Definition {
    let draft =
        Draft { name: Some("A schedule".to_owned()), cron: Some(cron.to_owned()), ..Draft::default() };
    draft.check(&Zone::UTC, None, now(), |_, _| Ok("sales".to_owned())).unwrap()
}

#[test]
fn a_schedule_reads_back_and_every_change_is_on_record() {
    let world = world();
    let made = world.make("acme-corp", "0 9 * * *");
    let at = |text: &str| Some(text.parse::<Instant>().unwrap());
    assert_eq!(made.next_at, at("2026-01-01T09:00:00Z"));
    let read = || block_on(get(&world.db, &world.who(Span::default()), &made.id));
    assert_eq!(read().unwrap(), made);

    let patched = |expected, patch: Patch| {
        let decide = |was: &Schedule, now| {
            let draft = patch.over(&was.definition);
            let timing = Some(&was.definition.timing);
            Ok(draft.check(&Zone::UTC, timing, now, |_, _| Ok("sales".to_owned()))?)
        };
        block_on(change(&world.db, &world.who(Span::hours(10)), &made.id, expected, decide))
    };
    assert_eq!(patched(Some(2), Patch::default()).unwrap_err().code(), "PRECONDITION_FAILED");
    assert_eq!(patched(Some(1), Patch::default()).unwrap().version, 1, "nothing is another");
    let named = patched(Some(1), Patch { name: Some("Other".to_owned()), ..Patch::default() }).unwrap();
    assert_eq!((named.version, named.next_at), (2, made.next_at), "what is due stays due");
    let timed = patched(None, Patch { cron: Some("0 8 * * *".to_owned()), ..Patch::default() }).unwrap();
    assert_eq!(timed.next_at, at("2026-01-02T08:00:00Z"), "and from another time on nothing was missed");

    let switched =
        |active, later| block_on(switch(&world.db, &world.who(later), &made.id, None, active)).unwrap();
    assert_eq!(switched(false, Span::hours(11)).next_at, None);
    assert_eq!(switched(false, Span::hours(12)).version, 4, "twice is once");
    assert_eq!(switched(true, Span::days(9)).next_at, at("2026-01-10T08:00:00Z"));
    block_on(delete(&world.db, &world.who(Span::default()), &made.id, None)).unwrap();
    assert_eq!(read().unwrap_err().code(), "NOT_FOUND");
    let audited: Vec<String> = block_on(async {
        let mut lease = world.db.read().await.unwrap();
        let tenant = "acme-corp".parse().unwrap();
        let sql = "SELECT action AS id FROM audit_entries WHERE tenant_id = ?1 ORDER BY sequence";
        lease.scope(&tenant).unwrap().all(sql, []).await.unwrap()
    });
    let verbs: Vec<&str> = audited.iter().filter_map(|action| action.strip_prefix("schedule.")).collect();
    assert_eq!(verbs, ["created", "changed", "changed", "paused", "resumed", "deleted"]);
}

#[test]
fn what_is_over_is_not_resumed() {
    let world = world();
    let draft = Draft {
        name: Some("Once".to_owned()),
        at: Some("2026-01-01T09:00:00Z".to_owned()),
        is_active: Some(false),
        ..Draft::default()
    };
    let once = draft.check(&Zone::UTC, None, now(), |_, _| Ok("sales".to_owned())).unwrap();
    let made = block_on(create(&world.db, &world.who(Span::default()), once)).unwrap();
    assert_eq!(made.next_at, None);
    let late = block_on(switch(&world.db, &world.who(Span::days(1)), &made.id, None, true));
    assert_eq!(late.unwrap_err().code(), "SCHEDULE_OVER");
    let early = block_on(switch(&world.db, &world.who(Span::hours(1)), &made.id, None, true)).unwrap();
    assert!(early.next_at.is_some());
}

#[test]
fn due_ones_come_round_the_tenants_and_a_suspended_ones_wait() {
    let world = world();
    for _ in 0..3 {
        world.make("acme-corp", "0 9 * * *");
    }
    world.make("globex", "30 9 * * *");
    world.make("initech", "0 9 * * *");
    let tenants = |later, most| -> Vec<String> {
        world.due(later, most).iter().map(|due| due.tenant.to_string()).collect()
    };
    assert_eq!(tenants(Span::hours(8), 9), [""; 0]);
    assert_eq!(tenants(Span::hours(10), 2), ["acme-corp", "globex"]);
    assert_eq!(tenants(Span::hours(10), 9), ["acme-corp", "globex", "acme-corp", "acme-corp"]);
    let any = |later| {
        block_on(async {
            let mut lease = world.db.read().await.unwrap();
            let mut all = lease.all_tenants().unwrap();
            (due_tenants(&mut all, now() + later, 9).await.unwrap().len(), soonest(&mut all).await.unwrap())
        })
    };
    let first = "2026-01-01T09:00:00Z".parse().ok();
    assert_eq!((any(Span::hours(8)), any(Span::hours(10))), ((0, first), (2, first)));
}

#[test]
fn one_that_cannot_be_read_keeps_no_other_from_coming() {
    let world = world();
    let made = world.make("acme-corp", "0 9 * * *");
    world.make("globex", "0 9 * * *");
    world.meddle(&format!("UPDATE schedules SET cron = 'often' WHERE schedule_id = '{}'", made.id));
    let found = world.due(Span::hours(10), 9);
    assert_eq!(found.iter().filter(|due| due.schedule.is_err()).count(), 1);
    assert_eq!(found.iter().filter(|due| due.schedule.is_ok()).count(), 1);
}

#[test]
fn what_came_of_it_is_noted_and_goes_when_it_is_old() {
    let world = world();
    let made = world.make("acme-corp", "0 9 * * *");
    let run = |hour: i64, outcome| {
        let at = now() + Span::hours(hour);
        Run {
            id: RunId::new(at, &*world.chance),
            schedule: made.id.clone(),
            outcome,
            scheduled_at: at,
            until: (outcome == Outcome::Skipped).then_some(at),
            count: 1,
            more: false,
            manual: false,
            fired_at: at,
            event: None,
            detail: "x".to_owned(),
        }
    };
    let all = [run(9, Outcome::Failed), run(33, Outcome::Skipped)];
    let next = now() + Span::hours(57);
    block_on(async {
        let mut tx = world.db.begin().await.unwrap();
        let tenant = "acme-corp".parse().unwrap();
        let pairs: Vec<(&TenantId, &Run)> = all.iter().map(|run| (&tenant, run)).collect();
        note(&mut tx.all_tenants(), &pairs, &[(&tenant, &made.id, Some(next))]).await.unwrap();
        tx.commit().await.unwrap();
    });
    let who = world.who(Span::default());
    assert_eq!(block_on(get(&world.db, &who, &made.id)).unwrap().next_at, Some(next));
    let page = PageRequest::new(1, None).unwrap();
    let first = block_on(runs(&world.db, &who, &made.id, &page)).unwrap();
    assert_eq!((first.items, first.next.is_some()), (vec![all[1].clone()], true), "the latest first");
    let gone = block_on(async {
        let mut tx = world.db.begin().await.unwrap();
        let tenant = "acme-corp".parse().unwrap();
        let gone = forget(&mut tx.scope(&tenant), now() + Span::hours(10), 9).await.unwrap();
        tx.commit().await.unwrap();
        gone
    });
    assert_eq!(gone, 1);
    assert_eq!("often".parse::<Outcome>(), Err(UnknownOutcome));
}

#[test]
fn a_permission_reaches_the_module_of_the_trigger_or_the_schedule() {
    let world = world();
    let made = world.make("acme-corp", "0 9 * * *");
    let code = |who: &Bounded| block_on(get(&world.db, who, &made.id)).map_err(|error| error.code());
    let (sales, crm, one) = (
        world.bounded("module:sales"),
        world.bounded("module:crm"),
        world.bounded(&format!("resource:{}", made.id)),
    );
    assert!(code(&sales).is_ok() && code(&one).is_ok());
    assert_eq!(code(&crm).unwrap_err(), "NOT_FOUND");
    let refused = block_on(create(&world.db, &one, definition("0 9 * * *")));
    assert_eq!(refused.unwrap_err().code(), "OUT_OF_REACH");
    let page = PageRequest::default();
    let listed =
        |who: &Bounded| block_on(list(&world.db, who, &Filter::default(), &page)).unwrap().items.len();
    assert_eq!((listed(&sales), listed(&crm), listed(&one)), (1, 0, 1));
    // What moves to another module must be the caller's there too.
    let other = |_: &Schedule, _| {
        let mut definition = definition("0 9 * * *");
        definition.raises.module_type = "crm".to_owned();
        Ok(definition)
    };
    let refused = block_on(change(&world.db, &sales, &made.id, None, other));
    assert_eq!(refused.unwrap_err().code(), "OUT_OF_REACH");
}
