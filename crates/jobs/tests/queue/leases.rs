//! Does the queue keep its promises on a real database? Leases, fences, fairness, retries, dead letters.

use crate::yard::{Yard, at, tenant};
use db::DbError;
use futures::executor::block_on;
use jobs::{Filter, JobError, NewJob, Next, State};
use kernel::PageRequest;

#[test]
fn a_job_is_claimed_once_and_only_when_due() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(10))]);
    assert!(yard.claim(at(9), 10).is_empty());
    assert_eq!(yard.claim(at(10), 10).len(), 1);
    assert!(yard.claim(at(10), 10).is_empty());
}

#[test]
fn an_outcome_counts_only_under_its_own_lease() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let slow = yard.claim(at(0), 1).remove(0);
    assert_eq!(yard.expire(at(44)), 0);
    assert_eq!(yard.expire(at(45)), 1);
    let quick = yard.claim(at(60), 1).remove(0);
    assert_eq!(yard.settle(&slow, Next::Dead, at(61)).0, 0, "the first worker came too late");
    assert_eq!(yard.settle(&quick, Next::Done, at(61)).0, 1);
    assert_eq!(yard.get("acme", &quick.job.id).state, State::Done);
    let attempts = block_on(async {
        let mut lease = yard.db.read().await.unwrap();
        let acme = tenant("acme");
        let attempts =
            jobs::attempts(&mut lease.scope(&acme).unwrap(), std::slice::from_ref(&quick.job.id)).await;
        attempts.unwrap()
    });
    let endings: Vec<_> = attempts.iter().map(|attempt| (attempt.number, attempt.ending.as_str())).collect();
    assert_eq!(endings, [(1, "lost"), (2, "done")]);
}

#[test]
fn lost_leases_end_in_a_dead_letter() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let id = yard.claim(at(0), 1).remove(0).job.id;
    yard.expire(at(60));
    yard.claim(at(60), 1);
    yard.expire(at(120));
    let job = yard.get("acme", &id);
    assert_eq!((job.state, job.failures), (State::Dead, 2));
    assert!(job.last_error.unwrap().contains("lease ran out"));
}

#[test]
fn claims_go_round_the_tenants() {
    let yard = Yard::new(&["flood", "small", "third"]);
    let flood: Vec<_> = (0..50).map(|turn| yard.job("flood", at(turn))).collect();
    yard.put(&flood);
    yard.put(&[yard.job("small", at(60)), yard.job("small", at(61)), yard.job("third", at(62))]);
    let first: Vec<_> = yard.claim(at(100), 6).iter().map(|leased| leased.job.tenant.to_string()).collect();
    let count = |name: &str| first.iter().filter(|one| *one == name).count();
    assert_eq!((count("flood"), count("small"), count("third")), (3, 2, 1));
}

#[test]
fn a_suspended_tenants_jobs_wait() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let set = |state: &str| {
        block_on(async {
            let mut tx = yard.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect("UPDATE tenants SET state = ?1", [state.into()]).await.unwrap();
            tx.commit().await.unwrap();
        });
    };
    set("suspended");
    assert!(yard.claim(at(1), 1).is_empty());
    set("active");
    assert_eq!(yard.claim(at(1), 1).len(), 1);
}

#[test]
fn a_dead_job_is_redriven_with_all_its_attempts_before_it() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let leased = yard.claim(at(0), 1).remove(0);
    yard.settle(&leased, Next::Dead, at(1));
    let (call, id) = (yard.call("acme", at(5)), leased.job.id);
    assert_eq!(block_on(jobs::dead_count(&yard.db, &call, None)).unwrap(), 1);
    let job = block_on(jobs::retry(&yard.db, &call, &id)).unwrap();
    assert_eq!((job.state, job.failures, job.due), (State::Queued, 0, Some(at(5))));
    let again = yard.claim(at(5), 1).remove(0);
    assert_eq!(again.job.attempts, 2, "attempts are numbered on");
    assert!(matches!(
        block_on(jobs::retry(&yard.db, &call, &id)),
        Err(JobError::NotRetryable(State::Leased))
    ));
    yard.settle(&again, Next::Done, at(6));
    assert!(matches!(yard.cancel(&call, &id), Err(JobError::Ended(State::Done))));
}

#[test]
fn another_tenants_job_is_no_job() {
    let yard = Yard::new(&["acme", "other"]);
    let job = yard.job("acme", at(0));
    yard.put(std::slice::from_ref(&job));
    let call = yard.call("other", at(0));
    assert!(matches!(block_on(jobs::get(&yard.db, &call, &job.id)), Err(JobError::Unknown)));
    assert!(matches!(yard.cancel(&call, &job.id), Err(JobError::Unknown)));
    let page = block_on(jobs::list(&yard.db, &call, &Filter::default(), &PageRequest::default())).unwrap();
    assert!(page.items.is_empty());
}

#[test]
fn a_stillborn_job_is_dead_with_its_reason_and_a_second_insert_changes_nothing() {
    let yard = Yard::new(&["acme"]);
    let job = NewJob { stillborn: Some("the template failed".to_owned()), ..yard.job("acme", at(0)) };
    yard.put(&[job.clone(), NewJob { stillborn: None, ..job.clone() }]);
    let stored = yard.get("acme", &job.id);
    assert_eq!((stored.state, stored.last_error.as_deref()), (State::Dead, Some("the template failed")));
    assert!(yard.claim(at(9), 9).is_empty());
}

#[test]
fn the_schema_refuses_a_state_without_its_columns() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let outcome = block_on(async {
        let mut tx = yard.db.begin().await.unwrap();
        tx.all_tenants().run_for_effect("UPDATE jobs SET state = 'done'", []).await
    });
    assert!(matches!(outcome, Err(DbError::Engine(_))));
}
