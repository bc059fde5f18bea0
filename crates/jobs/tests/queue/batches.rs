//! Are jobs that belong together counted and taken back together?

use crate::yard::{Yard, at, tenant};
use futures::executor::block_on;
use jobs::{Again, Batch, BatchCounts, Kind, NewJob, Next, sent_to};
use kernel::{EndpointId, EventId, JobId};
use serde_json::json;

const BATCH: Batch<'_> = Batch("rpl_1");

fn endpoint(number: i64) -> EndpointId {
    EndpointId::first(at(number))
}

impl Yard {
    /// A delivery of an event to an endpoint.
    fn delivery(&self, to: &EndpointId) -> NewJob {
        NewJob {
            kind: Kind::SendWebhook,
            payload: json!({"endpoint": to.as_str()}).to_string(),
            event: Some(EventId::new(at(0), &*self.chance)),
            ..self.in_lane(&format!("endpoint:{to}"), 10)
        }
    }

    fn counts(&self) -> BatchCounts {
        let acme = tenant("acme");
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            BATCH.counts(&mut lease.scope(&acme).unwrap()).await.unwrap()
        })
    }

    fn dead(&self, to: &EndpointId) -> Vec<JobId> {
        let acme = tenant("acme");
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let mut scope = lease.scope(&acme).unwrap();
            let again = Again { endpoint: to, after: "", until: at(1) };
            let dead = again.first(&mut scope, 10).await.unwrap();
            assert_eq!(again.count(&mut scope, 10).await.unwrap(), i64::try_from(dead.len()).unwrap());
            dead
        })
    }

    fn sent(&self, to: &EndpointId, job: &NewJob) -> bool {
        let acme = tenant("acme");
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let mut scope = lease.scope(&acme).unwrap();
            let event = job.event.as_ref().unwrap().as_str();
            sent_to(&mut scope, to, &[event]).await.unwrap().contains(event)
        })
    }

    fn lay(&self, jobs: &[NewJob]) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            BATCH.lay(&mut tx, jobs, at(0)).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    fn redrive(&self, jobs: &[JobId]) -> usize {
        let due: Vec<_> = jobs.iter().zip(1..).map(|(id, second)| (id.clone(), at(second))).collect();
        let acme = tenant("acme");
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let count = BATCH.redrive(&mut tx.scope(&acme), &due).await.unwrap();
            tx.commit().await.unwrap();
            count
        })
    }

    fn take_back(&self, most: i64) -> usize {
        let acme = tenant("acme");
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let mut scope = tx.scope(&acme);
            let count = BATCH.take_back(&mut scope, "called off", at(9), most).await.unwrap();
            tx.commit().await.unwrap();
            count
        })
    }
}

#[test]
fn dead_deliveries_are_tried_again_each_at_its_time_and_are_dead_again_when_taken_back() {
    let yard = Yard::new(&["acme"]);
    let (to, other) = (endpoint(1), endpoint(2));
    let test = NewJob { event: None, ..yard.delivery(&to) };
    let jobs = [yard.delivery(&to), yard.delivery(&to), yard.delivery(&to), yard.delivery(&other), test];
    yard.put(&jobs);
    for leased in yard.claim(at(0), 10) {
        yard.settle(&leased, Next::Dead, at(0));
    }
    let dead = yard.dead(&to);
    assert_eq!(dead, jobs[..3].iter().map(|job| job.id.clone()).collect::<Vec<_>>());
    assert_eq!((yard.redrive(&dead), yard.redrive(&dead)), (3, 0), "once");
    assert_eq!((yard.counts().waiting, yard.dead(&to).len()), (3, 0));
    let first = yard.claim(at(1), 10);
    assert_eq!(first.iter().map(|one| one.job.id.clone()).collect::<Vec<_>>(), dead[..1]);
    assert_eq!((yard.take_back(1), yard.take_back(9), yard.take_back(9)), (1, 1, 0));
    assert_eq!(yard.counts(), BatchCounts { leased: 1, dead: 2, ..BatchCounts::default() });
    assert_eq!(yard.dead(&to), dead[1..]);
    for leased in first {
        yard.settle(&leased, Next::Again(at(2)), at(1));
    }
    assert_eq!(yard.take_back(9), 0, "it has begun");
    assert_eq!(yard.counts().again, 1);
}

#[test]
fn what_was_laid_together_is_cancelled_together_and_counts_as_never_sent() {
    let yard = Yard::new(&["acme"]);
    let to = endpoint(1);
    let jobs = [yard.delivery(&to), yard.delivery(&to)];
    yard.put(&[yard.delivery(&to)]);
    yard.lay(&jobs);
    assert!(yard.sent(&to, &jobs[0]) && !yard.sent(&endpoint(2), &jobs[0]));
    assert_eq!((yard.counts().waiting, yard.take_back(9)), (2, 2));
    assert_eq!(yard.counts().cancelled, 2);
    assert!(!yard.sent(&to, &jobs[0]), "it was taken back before anything left");
    assert_eq!(yard.claim(at(0), 10).len(), 1, "the other one stays");
}
