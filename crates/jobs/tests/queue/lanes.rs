//! Do no more of a lane or of a tenant run than may, and does what waits there hold up nobody else?

use crate::yard::{Yard, after, at, tenant};
use futures::executor::block_on;
use jobs::{Gate, Lane, NewJob, Next, OnError, State, Terms, Waits, Why};

#[test]
fn so_many_of_a_lane_run_at_a_time() {
    let yard = Yard::new(&["acme"]);
    let all: Vec<NewJob> = (0..5).map(|_| yard.in_lane("endpoint:a", 2)).collect();
    yard.put(&all);
    let running = yard.claim(at(0), 10);
    let ids: Vec<_> = running.iter().map(|leased| leased.job.id.clone()).collect();
    assert_eq!(ids, [all[0].id.clone(), all[1].id.clone()], "the oldest first");
    assert!(yard.claim(at(0), 10).is_empty());
    let place = yard.place(&all[4].id, at(0));
    let why = Why::Lane { lane: "endpoint:a".to_owned(), running: 2, limit: 2 };
    assert_eq!((place.why, place.ahead), (why, 4));
    assert_eq!(yard.settle(&running[0], Next::Done, at(1)), (1, 1));
    assert_eq!(yard.take(at(1)).job.id, all[2].id);
    // One that is tried again later leaves its place in the lane to the next.
    assert_eq!(yard.settle(&running[1], Next::Again(at(90)), at(2)), (1, 1));
    assert_eq!(yard.take(at(2)).job.id, all[3].id);
    assert_eq!(yard.get("acme", &all[1].id).waits, Some(Waits::Lane));
    assert_eq!(yard.place(&all[1].id, at(3)).why, Why::Time);
    // A lease that ran out does, too.
    assert_eq!(yard.expire(at(50)), 2);
    assert_eq!(yard.claim(at(50), 10).len(), 2);
}

#[test]
fn a_full_lane_holds_up_nobody_else() {
    let yard = Yard::new(&["acme"]);
    let full: Vec<NewJob> = (0..300).map(|_| yard.in_lane("endpoint:slow", 2)).collect();
    yard.put(&full);
    let others = [yard.in_lane("endpoint:quick", 2), yard.job("acme", at(1))];
    yard.put(&others);
    let claimed = yard.claim(at(1), 10);
    let names: Vec<_> =
        claimed.iter().map(|leased| leased.job.lane.as_ref().map_or("", Lane::name).to_owned()).collect();
    assert_eq!(names, ["endpoint:slow", "endpoint:slow", "endpoint:quick", ""]);
    assert!(!block_on(async {
        jobs::anything(&mut yard.db.read().await.unwrap().all_tenants().unwrap(), at(9)).await.unwrap()
    }));
    let backlog = block_on(async {
        jobs::backlog(&mut yard.db.read().await.unwrap().all_tenants().unwrap()).await.unwrap()
    });
    assert_eq!((backlog.in_line, backlog.held, backlog.oldest_due), (298, 0, None));
}

#[test]
fn lanes_of_different_tenants_are_different() {
    let yard = Yard::new(&["acme", "other"]);
    let here = yard.in_lane("endpoint:a", 1);
    let there = NewJob { tenant: tenant("other"), ..yard.in_lane("endpoint:a", 1) };
    yard.put(&[here, there]);
    assert_eq!(yard.claim(at(0), 10).len(), 2);
}

#[test]
fn whoever_is_due_earlier_goes_first() {
    let yard = Yard::new(&["acme"]);
    let late = NewJob { start: at(100).into(), ..yard.in_lane("a", 1) };
    yard.put(std::slice::from_ref(&late));
    assert_eq!(yard.get("acme", &late.id).waits, None);
    let early = yard.in_lane("a", 1);
    yard.put(std::slice::from_ref(&early));
    assert_eq!(yard.get("acme", &late.id).waits, Some(Waits::Lane));
    let running = yard.take(at(100));
    assert_eq!(running.job.id, early.id);
    yard.settle(&running, Next::Done, at(101));
    assert_eq!(yard.take(at(101)).job.id, late.id);
}

#[test]
fn a_held_job_joins_the_line_when_it_is_let_go() {
    let yard = Yard::new(&["acme"]);
    let first = yard.job("acme", at(0));
    let second = NewJob { start: after(&first, 0), ..yard.in_lane("a", 1) };
    let busy = yard.in_lane("a", 1);
    yard.put(&[first, second.clone(), busy.clone()]);
    let running = yard.claim(at(0), 10);
    assert_eq!(running.len(), 2, "the held one does not stand in the line");
    let (plain, laned): (Vec<_>, Vec<_>) = running.iter().partition(|leased| leased.job.lane.is_none());
    assert_eq!(yard.settle(plain[0], Next::Done, at(1)), (1, 0));
    assert_eq!(yard.get("acme", &second.id).waits, Some(Waits::Lane));
    assert_eq!(yard.settle(laned[0], Next::Done, at(2)), (1, 1));
    assert_eq!(yard.take(at(2)).job.id, second.id);
}

#[test]
fn taking_back_and_trying_again_keep_the_limit() {
    let yard = Yard::new(&["acme"]);
    let all: Vec<NewJob> = (0..3).map(|_| yard.in_lane("a", 1)).collect();
    yard.put(&all);
    let call = yard.call("acme", at(1));
    yard.cancel(&call, &all[0].id).unwrap();
    let second = yard.take(at(1));
    assert_eq!(second.job.id, all[1].id);
    yard.settle(&second, Next::Dead, at(2));
    let third = yard.take(at(2));
    yard.retry(&all[0].id, at(3)).unwrap();
    assert_eq!(block_on(jobs::redrive(&yard.db, &yard.call("acme", at(3)), None)).unwrap(), 1);
    assert!(yard.claim(at(3), 10).is_empty());
    yard.cancel(&call, &third.job.id).unwrap();
    assert_eq!(yard.claim(at(4), 10).len(), 1);
}

#[test]
fn each_job_keeps_its_own_limit_and_a_lane_can_be_given_another() {
    let yard = Yard::new(&["acme"]);
    let wide: Vec<NewJob> = (0..3).map(|_| yard.in_lane("a", 3)).collect();
    let narrow: Vec<NewJob> = (0..2).map(|_| yard.in_lane("a", 1)).collect();
    yard.put(&wide);
    yard.put(&narrow);
    let running = yard.claim(at(0), 10);
    assert_eq!(running.len(), 3);
    yard.settle(&running[0], Next::Done, at(1));
    yard.settle(&running[1], Next::Done, at(1));
    assert!(yard.claim(at(1), 10).is_empty(), "the next wants to run alone");
    let limited = block_on(async {
        let mut tx = yard.db.begin().await.unwrap();
        let acme = tenant("acme");
        let count = jobs::limit_lane(&mut tx.scope(&acme), &Lane::new("a", 5)).await.unwrap();
        tx.commit().await.unwrap();
        count
    });
    assert_eq!((limited, yard.claim(at(1), 10).len()), (2, 2));
}

#[test]
fn a_tenant_has_no_more_leased_than_it_may() {
    let yard = Yard::new(&["acme", "other"]);
    let many: Vec<NewJob> = (0..100).map(|_| yard.job("acme", at(0))).collect();
    yard.put(&many);
    assert_eq!(yard.claim(at(1), 128).len(), 64);
    assert!(yard.claim(at(1), 128).is_empty());
    let limit = Why::Tenant { limit: 64 };
    assert_eq!(yard.place(&many[99].id, at(1)).why, limit);
    let anything = |now| {
        block_on(async {
            jobs::anything(&mut yard.db.read().await.unwrap().all_tenants().unwrap(), now).await.unwrap()
        })
    };
    assert!(!anything(at(1)));
    yard.put(&[yard.job("other", at(0))]);
    assert!(anything(at(1)));
    assert_eq!(yard.claim(at(1), 128).len(), 1);
    yard.meddle(
        r#"UPDATE tenants SET settings = '{"limits": {"jobs_at_once": 70}}' WHERE tenant_id = 'acme'"#,
    );
    yard.put(&[yard.job("other", at(0))]);
    assert_eq!(yard.claim(at(1), 128).len(), 7, "six of acme and one of the other");
}

#[test]
fn a_run_keeps_its_order_in_a_lane() {
    let yard = Yard::new(&["acme"]);
    let lane = Some(Lane::new("rule:a", 1));
    let runs: Vec<Vec<NewJob>> = (0..2)
        .map(|_| {
            let chain = yard.chain(&[OnError::Continue, OnError::Continue]);
            let laned = |job: NewJob| NewJob { terms: Terms { lane: lane.clone(), ..job.terms }, ..job };
            chain.into_iter().map(laned).collect()
        })
        .collect();
    runs.iter().for_each(|run| yard.put(run));
    let mut order = Vec::new();
    for turn in 0..4 {
        let taken = yard.take(at(turn));
        assert!(yard.claim(at(turn), 10).is_empty());
        order.push(taken.job.id.clone());
        yard.settle(&taken, Next::Done, at(turn));
    }
    let place = |job: &NewJob| order.iter().position(|id| *id == job.id).unwrap();
    for run in &runs {
        assert!(place(&run[0]) < place(&run[1]));
    }
}

#[test]
fn a_lane_that_is_shut_lets_nobody_in_until_its_time() {
    let yard = Yard::new(&["acme"]);
    let all: Vec<NewJob> = (0..4).map(|_| yard.in_lane("endpoint:a", 2)).collect();
    yard.put(&all);
    let running = yard.claim(at(0), 1);
    yard.gate("endpoint:a", Gate::Shut { until: at(60), then: Some(1) });
    assert!(yard.claim(at(1), 10).is_empty(), "whoever was let in waits again");
    assert_eq!(yard.settle(&running[0], Next::Done, at(2)), (1, 0));
    // Whoever comes waits, too; others are not held up.
    yard.put(&[yard.in_lane("endpoint:a", 2), yard.in_lane("endpoint:b", 2)]);
    let others = yard.claim(at(3), 10);
    assert_eq!(
        others.iter().map(|one| one.job.lane.as_ref().unwrap().name()).collect::<Vec<_>>(),
        ["endpoint:b"]
    );
    assert_eq!(yard.settle(&others[0], Next::Done, at(4)), (1, 0));
    assert_eq!((yard.anything(at(59)), yard.anything(at(60))), (false, true));
    assert_eq!((yard.resume(at(59)), yard.resume(at(60))), (0, 1));
    let trying = yard.claim(at(60), 10);
    assert_eq!((trying.len(), &trying[0].job.id), (1, &all[1].id));
    assert_eq!(yard.gate("endpoint:a", Gate::Open), 1, "beside the one that tries");
    assert_eq!(yard.claim(at(61), 10).len(), 1);
}

#[test]
fn what_is_put_back_was_never_claimed() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.in_lane("endpoint:a", 1), yard.job("acme", at(0))]);
    let claimed = yard.claim(at(0), 10);
    let back: Vec<_> = claimed.into_iter().map(|one| (one, Some(at(30)))).collect();
    yard.put_back(&back);
    for (one, _) in &back {
        let job = yard.get("acme", &one.job.id);
        assert_eq!((job.state, job.attempts, job.due), (State::Queued, 0, Some(at(30))));
        assert_eq!(yard.settle(one, Next::Done, at(1)).0, 0, "its lease is gone");
    }
    assert_eq!(yard.claim(at(30), 10).len(), 2);
}
