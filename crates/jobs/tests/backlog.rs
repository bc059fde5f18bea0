//! Do the gauges say what stands in the queue?

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

use db::{Db, native::Native};
use futures::executor::block_on;
use jobs::{Backlog, Kind, NewJob, Open, Patience, State, Terms};
use kernel::{Chance, Instant, JobId};
use std::sync::atomic::{AtomicU8, Ordering};

struct Counting(AtomicU8);
impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn at(seconds: i64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

fn job(chance: &Counting, tenant: &str, kind: Kind, due: i64, dead: bool) -> NewJob {
    NewJob {
        id: JobId::new(at(0), chance),
        tenant: tenant.parse().unwrap(),
        kind,
        payload: "{}".to_owned(),
        event: None,
        rule: None,
        parent: None,
        start: at(due).into(),
        patience: Patience::default(),
        trace: "t".to_owned(),
        stillborn: dead.then(|| "the rule is gone".to_owned()),
        terms: Terms::default(),
    }
}

fn backlog(db: &Db) -> Backlog {
    block_on(async { jobs::backlog(&mut db.read().await.unwrap().all_tenants().unwrap()).await.unwrap() })
}

#[test]
fn an_empty_queue_has_no_backlog() {
    let empty =
        Backlog { open: Vec::new(), oldest_due: None, oldest_dead: None, held: 0, in_line: 0, made: 0 };
    assert_eq!(backlog(&Native::memory().unwrap()), empty);
}

#[test]
fn open_jobs_are_counted_and_the_suspended_do_not_lag() {
    let db = Native::memory().unwrap();
    let chance = Counting(AtomicU8::new(0));
    block_on(async {
        let mut tx = db.begin().await.unwrap();
        for (name, state) in [("acme", "active"), ("beta", "active"), ("late", "suspended")] {
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, ?2, 0, 0)";
            tx.all_tenants().run_for_effect(sql, [name.into(), state.into()]).await.unwrap();
        }
        let new = [
            job(&chance, "acme", Kind::HttpRequest, 50, false),
            job(&chance, "beta", Kind::HttpRequest, 40, false),
            job(&chance, "late", Kind::DeliverMessage, 10, false),
            job(&chance, "beta", Kind::PublishEvent, 20, true),
        ];
        jobs::enqueue(&mut tx.all_tenants(), &new, at(30)).await.unwrap();
        tx.commit().await.unwrap();
    });
    let open = |kind, state, count| Open { kind, state, count, again: 0 };
    assert_eq!(
        backlog(&db),
        Backlog {
            open: vec![
                open(Kind::DeliverMessage, State::Queued, 1),
                open(Kind::HttpRequest, State::Queued, 2),
                open(Kind::PublishEvent, State::Dead, 1),
            ],
            oldest_due: Some(at(40)),
            oldest_dead: Some(at(30)),
            held: 0,
            in_line: 0,
            made: 4,
        }
    );
}
