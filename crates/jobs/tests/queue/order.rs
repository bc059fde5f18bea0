//! Does one job wait for another, and what becomes of it when that one fails, is taken back or is forgotten?

use crate::yard::{Yard, after, at};
use futures::executor::block_on;
use jobs::{Filter, JobError, NewJob, Next, OnError, State, Waits, Why};
use kernel::PageRequest;

const GO_ON: OnError = OnError::Continue;
const STOP: OnError = OnError::Stop;

#[test]
fn the_next_starts_when_the_one_before_it_has_ended() {
    let yard = Yard::new(&["acme"]);
    let [first, second, third] = yard.chain(&[GO_ON; 3]).try_into().unwrap();
    let third = NewJob { start: after(&second, 60), ..third };
    let all = [first, second, third];
    yard.put(&all);
    assert_eq!(yard.claim(at(0), 10).len(), 1, "the first alone");
    assert_eq!(yard.expire(at(45)), 1);
    let first = yard.take(at(45));
    assert_eq!(first.job.id, all[0].id);
    assert_eq!(yard.get("acme", &all[1].id).due, None);
    assert_eq!(yard.settle(&first, Next::Done, at(46)), (1, 1));
    let second = yard.get("acme", &all[1].id);
    assert_eq!((second.due, second.waits), (Some(at(46)), None));
    let second = yard.take(at(46));
    assert_eq!(second.job.id, all[1].id);
    yard.settle(&second, Next::Again(at(40)), at(32));
    assert!(yard.claim(at(39), 10).is_empty(), "one that is tried again holds the next");
    yard.settle(&yard.take(at(40)), Next::Done, at(41));
    assert!(yard.claim(at(100), 10).is_empty());
    assert_eq!(yard.take(at(101)).job.id, all[2].id, "its own delay begins with the end before it");
}

#[test]
fn a_given_up_job_lets_go_or_stops_as_it_says() {
    let yard = Yard::new(&["acme"]);
    let all = yard.chain(&[GO_ON, STOP, GO_ON]);
    yard.put(&all);
    yard.settle(&yard.take(at(0)), Next::Dead, at(1));
    let second = yard.take(at(1));
    assert_eq!(second.job.id, all[1].id, "the first says that they go on");
    assert_eq!(yard.settle(&second, Next::Dead, at(2)), (1, 0));
    assert!(yard.claim(at(99), 9).is_empty());
    let held = yard.get("acme", &all[2].id);
    assert_eq!(held.waits, Some(Waits::Job { id: all[1].id.clone(), state: State::Dead }));
    assert_eq!(yard.place(&all[2].id, at(3)).why, Why::DeadJob(all[1].id.clone()));
    let wanted = Filter { held: Some(true), ..Filter::default() };
    let page = block_on(jobs::list(&yard.db, &yard.call("acme", at(3)), &wanted, &PageRequest::default()));
    assert_eq!(page.unwrap().items, [held]);
    // Nothing is lost: once the second has done what it should, the third follows.
    yard.retry(&all[1].id, at(10)).unwrap();
    assert_eq!(yard.place(&all[2].id, at(3)).why, Why::Job(all[1].id.clone()));
    yard.settle(&yard.take(at(10)), Next::Done, at(11));
    assert_eq!(yard.take(at(11)).job.id, all[2].id);
}

#[test]
fn a_person_may_go_on_without_a_dead_job_but_not_before_a_living_one() {
    let yard = Yard::new(&["acme"]);
    let all = yard.chain(&[STOP, GO_ON]);
    yard.put(&all);
    assert!(matches!(yard.retry(&all[1].id, at(0)), Err(JobError::Held(id)) if id == all[0].id));
    yard.settle(&yard.take(at(0)), Next::Dead, at(1));
    let job = yard.retry(&all[1].id, at(5)).unwrap();
    assert_eq!((job.state, job.due, job.waits), (State::Queued, Some(at(5)), None));
    yard.retry(&all[0].id, at(6)).unwrap();
    assert_eq!(yard.claim(at(6), 9).len(), 2);
}

#[test]
fn a_lost_lease_that_was_the_last_lets_go() {
    let yard = Yard::new(&["acme"]);
    let all = yard.chain(&[GO_ON, GO_ON]);
    yard.put(&all);
    yard.take(at(0));
    assert_eq!(yard.expire(at(45)), 1);
    yard.take(at(45));
    assert_eq!(yard.expire(at(90)), 1);
    assert_eq!(yard.get("acme", &all[0].id).state, State::Dead);
    assert_eq!(yard.take(at(90)).job.id, all[1].id);
}

#[test]
fn what_is_taken_back_takes_back_what_it_holds() {
    let yard = Yard::new(&["acme"]);
    let all = yard.chain(&[GO_ON; 4]);
    yard.put(&all);
    let first = yard.take(at(0));
    let call = yard.call("acme", at(1));
    assert_eq!(yard.cancel(&call, &all[1].id).unwrap().state, State::Cancelled);
    let last = yard.get("acme", &all[3].id);
    let reason = format!("the job before it, {}, was taken back: it was cancelled by hand", all[2].id);
    assert_eq!((last.state, last.reason, last.due), (State::Cancelled, Some(reason), None));
    assert_eq!(yard.settle(&first, Next::Done, at(2)), (1, 0));
    assert!(yard.claim(at(99), 9).is_empty());
    // One that runs can be taken back, too: its outcome does not count any more.
    let more = yard.chain(&[GO_ON, GO_ON]);
    yard.put(&more);
    let running = yard.take(at(3));
    yard.cancel(&call, &more[0].id).unwrap();
    assert_eq!(yard.settle(&running, Next::Done, at(4)), (0, 0));
    assert!(yard.claim(at(99), 9).is_empty());
    assert!(matches!(yard.cancel(&call, &more[1].id), Err(JobError::Ended(State::Cancelled))));
    // What was taken back can be tried by itself.
    yard.retry(&more[1].id, at(5)).unwrap();
    assert_eq!(yard.take(at(5)).job.id, more[1].id);
}

#[test]
fn a_dead_job_cannot_be_cancelled_and_what_it_holds_stays() {
    let yard = Yard::new(&["acme"]);
    let all = yard.chain(&[STOP, GO_ON]);
    yard.put(&all);
    yard.settle(&yard.take(at(0)), Next::Dead, at(1));
    let call = yard.call("acme", at(2));
    assert!(matches!(yard.cancel(&call, &all[0].id), Err(JobError::Ended(State::Dead))));
    assert_eq!(yard.get("acme", &all[1].id).state, State::Queued);
}

#[test]
fn a_forgotten_dead_letter_takes_along_what_it_holds() {
    let yard = Yard::new(&["acme"]);
    let stopped = yard.chain(&[STOP, GO_ON, GO_ON]);
    let gone_on = yard.chain(&[GO_ON, GO_ON]);
    yard.put(&stopped);
    yard.put(&gone_on);
    for leased in yard.claim(at(0), 2) {
        yard.settle(&leased, Next::Dead, at(1));
    }
    assert_eq!(yard.forget(at(1000)), 2);
    let left = yard.number("SELECT COUNT(*) AS n FROM jobs");
    assert_eq!(left, 1, "the one that goes on by itself");
    assert_eq!(yard.take(at(1)).job.id, gone_on[1].id);
}

#[test]
fn born_dead_and_stop_holds_from_the_beginning() {
    let yard = Yard::new(&["acme"]);
    let [first, second] = yard.chain(&[STOP, GO_ON]).try_into().unwrap();
    let all = [NewJob { stillborn: Some("the template failed".to_owned()), ..first }, second];
    yard.put(&all);
    yard.put(&all);
    assert!(yard.claim(at(9), 9).is_empty());
    assert_eq!(yard.place(&all[1].id, at(0)).why, Why::DeadJob(all[0].id.clone()));
}

#[test]
fn those_behind_it_read_what_a_job_left() {
    let yard = Yard::new(&["acme"]);
    let all = yard.chain(&[GO_ON, GO_ON, GO_ON]);
    let run = jobs::Run { event: all[0].event.clone().unwrap(), rule: all[0].rule.clone().unwrap().0 };
    yard.put(&all);
    // The carrier of a message is no step of the run.
    let carrier = NewJob { parent: Some(all[0].id.clone()), ..yard.chain(&[GO_ON]).remove(0) };
    yard.put(&[NewJob { event: all[0].event.clone(), rule: all[0].rule.clone(), ..carrier.clone() }]);
    yard.put(&yard.chain(&[GO_ON]));
    assert_eq!(yard.results(&run), []);
    yard.settle(&yard.take(at(0)), Next::Done, at(1));
    let left = block_on(async {
        let mut lease = yard.db.read().await.unwrap();
        jobs::result(&mut lease.scope(&all[0].tenant).unwrap(), &all[0].id).await.unwrap()
    });
    assert_eq!(left.unwrap().expose(), &format!("{{\"of\": \"{}\"}}", all[0].id));
    for leased in yard.claim(at(0), 2).into_iter().chain([yard.take(at(1))]) {
        yard.settle(&leased, Next::Dead, at(2));
    }
    let seen: Vec<_> = yard
        .results(&run)
        .into_iter()
        .map(|step| (step.action, step.name.unwrap(), step.state, step.error))
        .collect();
    assert_eq!(
        seen,
        [
            (0, "step0".to_owned(), State::Done, None),
            (1, "step1".to_owned(), State::Dead, Some("d".to_owned())),
        ]
    );
    // What is tried again has left nothing.
    yard.retry(&all[1].id, at(3)).unwrap();
    assert_eq!(yard.results(&run).len(), 1);
}

#[test]
fn a_run_that_has_not_begun_is_taken_back_or_moved() {
    let yard = Yard::new(&["acme"]);
    let run = |jobs: &[NewJob]| jobs::Run {
        event: jobs[0].event.clone().unwrap(),
        rule: jobs[0].rule.clone().unwrap().0,
    };
    let (one, other) = (yard.chain(&[GO_ON, GO_ON]), yard.chain(&[GO_ON, GO_ON]));
    yard.put(&one);
    yard.put(&other);
    assert!(yard.reschedule(&run(&one), at(50)));
    assert_eq!(yard.get("acme", &one[0].id).due, Some(at(50)));
    let begun = yard.take(at(0));
    assert_eq!(begun.job.id, other[0].id);
    assert!(!yard.reschedule(&run(&other), at(50)), "it has begun");
    assert_eq!(yard.cancel_runs(&[run(&one)], at(1)).len(), 2);
    assert!(!yard.reschedule(&run(&one), at(60)), "it has ended");
    assert_eq!(yard.get("acme", &one[0].id).reason.as_deref(), Some("a newer one came"));
    // Of one that has begun the rest is taken back.
    assert_eq!(yard.cancel_runs(&[run(&one), run(&other)], at(1)), [other[1].id.clone()]);
    assert_eq!(yard.settle(&begun, Next::Done, at(2)), (1, 0));
    assert!(yard.claim(at(99), 9).is_empty());
}

#[test]
fn the_held_are_neither_due_nor_overdue() {
    let yard = Yard::new(&["acme"]);
    let all = yard.chain(&[STOP, GO_ON, GO_ON]);
    yard.put(&all);
    let backlog = || {
        block_on(async {
            jobs::backlog(&mut yard.db.read().await.unwrap().all_tenants().unwrap()).await.unwrap()
        })
    };
    let anything = |now| {
        block_on(async {
            jobs::anything(&mut yard.db.read().await.unwrap().all_tenants().unwrap(), now).await.unwrap()
        })
    };
    assert!(anything(at(0)));
    yard.settle(&yard.take(at(0)), Next::Dead, at(1));
    assert!(!anything(at(99)));
    let seen = backlog();
    assert_eq!((seen.oldest_due, seen.held, seen.in_line), (None, 2, 0));
    assert!(seen.open.iter().all(|open| open.state == State::Dead), "{:?}", seen.open);
    let stats = block_on(jobs::stats(&yard.db, &yard.call("acme", at(2)))).unwrap();
    let queued = stats.iter().find(|stat| stat.state == State::Queued).unwrap();
    assert_eq!((queued.count, queued.oldest_due), (2, None));
}

#[test]
fn the_schema_knows_what_held_means() {
    let yard = Yard::new(&["acme"]);
    let all = yard.chain(&[GO_ON, GO_ON]);
    yard.put(&all);
    for sql in [
        "UPDATE jobs SET state = 'leased', lease = 'x', leased_until = 1, leased_at = 1 WHERE held_by IS NOT NULL",
        "UPDATE jobs SET held_by = NULL WHERE held_by IS NOT NULL",
        "UPDATE jobs SET waits_for = 'time' WHERE held_by IS NOT NULL",
        "UPDATE jobs SET waits_for = 'lane' WHERE held_by IS NULL",
        "UPDATE jobs SET due_at = NULL WHERE held_by IS NULL",
        "UPDATE jobs SET held_by = 'job_nobody' WHERE held_by IS NOT NULL",
        "UPDATE jobs SET result = '{}'",
        "UPDATE jobs SET reason = 'x'",
        "UPDATE jobs SET lane = 'x'",
        "UPDATE jobs SET lane = 'x', lane_limit = 101",
    ] {
        let outcome = block_on(async {
            let mut tx = yard.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await
        });
        assert!(outcome.is_err(), "{sql}");
    }
}
