//! What does a claim cost? `cargo bench -p jobs` prints it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement tells, and ends by panicking")]

use db::{Db, native::Native};
use futures::executor::block_on;
use jobs::{Kind, Lane, Lease, Leased, NewJob, Next, Patience, Settlement, Terms};
use kernel::{Chance, EventId, Instant, JobId};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

#[derive(Default)]
struct Counting(AtomicU64);
impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().zip(next.iter().cycle()).for_each(|(byte, one)| *byte = *one);
    }
}

/// A file that is gone with the measurement.
struct Yard {
    folder: std::path::PathBuf,
    db: Db,
    chance: Counting,
}

impl Drop for Yard {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Yard {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("signalbox-speed-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Native::file(&folder.join("db")).unwrap();
        Self { folder, db, chance: Counting::default() }
    }

    fn run(&self, sql: &str) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    /// `each` due jobs for each of `tenants` tenants.
    fn fill(&self, tenants: u32, each: u32) {
        self.run(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tenants})
            INSERT INTO tenants (tenant_id, name, state, created_at, updated_at)
            SELECT printf('tenant-%06d', i), 'x', 'active', 0, 0 FROM n"
        ));
        if each == 0 {
            return;
        }
        self.run(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})
            INSERT INTO jobs (tenant_id, job_id, kind, state, payload, event_id, due_at, max_attempts, first_wait,
                most_wait, trace, created_at)
            SELECT printf('tenant-%06d', i % {tenants} + 1), printf('job_%026d', i), 'http_request', 'queued',
                '{{\"url\": \"https://example.com/somewhere\", \"body\": {{\"a\": 1, \"b\": \"some text of the usual length\"}}}}',
                printf('evt_%026d', i), i, 10, 1000, 900000, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 0 FROM n",
            tenants * each - 1
        ));
    }

    /// `count` jobs of a tenant, the n-th in lane n modulo `lanes`; gives what a job took.
    fn fill_lanes(&self, count: u32, lanes: u32, limit: u32) -> Duration {
        let ids: Vec<u32> = (0..count).collect();
        let before = processor();
        for piece in ids.chunks(1000) {
            let jobs: Vec<NewJob> = piece
                .iter()
                .map(|id| self.job(Some(Lane::new(format!("lane:{}", id % lanes), limit))))
                .collect();
            block_on(async {
                let mut tx = self.db.begin().await.unwrap();
                jobs::enqueue(&mut tx.all_tenants(), &jobs, Instant::from_millis(0)).await.unwrap();
                tx.commit().await.unwrap();
            });
        }
        (processor() - before) / count
    }

    fn job(&self, lane: Option<Lane>) -> NewJob {
        NewJob {
            id: JobId::new(Instant::from_millis(0), &self.chance),
            tenant: "tenant-000001".parse().unwrap(),
            kind: Kind::HttpRequest,
            payload: r#"{"url": "https://example.com/somewhere"}"#.to_owned(),
            event: Some(EventId::new(Instant::from_millis(0), &self.chance)),
            rule: None,
            parent: None,
            start: Instant::from_millis(0).into(),
            patience: Patience::default(),
            trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            stillborn: None,
            terms: Terms { lane, ..Terms::default() },
        }
    }

    /// Claims as many as may be, for good.
    fn take(&self) -> Vec<Leased> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let now = Instant::from_millis(10_000_000);
            let leased =
                jobs::claim(&mut tx.all_tenants(), now, &Lease::new(&self.chance), 64).await.unwrap();
            tx.commit().await.unwrap();
            leased
        })
    }

    /// What it takes on average to settle one, nothing committed; and how many that frees.
    fn settle(&self, leased: &Leased) -> (Duration, usize) {
        let mut freed = 0;
        let took = average(200, || {
            let ended = Instant::from_millis(10_000_000);
            let detail = "the receiver took it".to_owned();
            let settlement = Settlement {
                leased: leased.clone(),
                next: Next::Done,
                ended,
                status: Some(200),
                detail,
                result: None,
            };
            block_on(async {
                let mut tx = self.db.begin().await.unwrap();
                freed = jobs::settle(&mut tx.all_tenants(), &[settlement]).await.unwrap().freed;
                tx.rollback().await.unwrap();
            });
        });
        (took, freed)
    }

    /// What a claim of 64 takes on average, nothing committed; and how many it took.
    fn claim(&self) -> (Duration, usize) {
        let mut count = 0;
        let took = average(200, || {
            block_on(async {
                let mut tx = self.db.begin().await.unwrap();
                let now = Instant::from_millis(10_000_000);
                count = jobs::claim(&mut tx.all_tenants(), now, &Lease::new(&self.chance), 64)
                    .await
                    .unwrap()
                    .len();
                tx.rollback().await.unwrap();
            });
        });
        (took, count)
    }

    /// What a look at the queue takes on average.
    fn look(&self) -> Duration {
        average(200, || {
            block_on(async {
                let mut lease = self.db.read().await.unwrap();
                let now = Instant::from_millis(10_000_000);
                jobs::anything(&mut lease.all_tenants().unwrap(), now).await.unwrap();
            });
        })
    }
}

/// What something takes of the processor, which is less than it takes by the clock where others work beside.
fn average(times: u32, mut what: impl FnMut()) -> Duration {
    what();
    let before = processor();
    for _ in 0..times {
        what();
    }
    (processor() - before) / times
}

/// The time that this thread had a processor.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn tell(what: &str, yard: &Yard) {
    let (took, count) = yard.claim();
    println!("{what}: {count} claimed in {took:?}, a look in {:?}", yard.look());
}

fn plain_claims() {
    for (tenants, each) in [(1, 100), (1, 100_000), (10, 10_000), (100, 1_000), (1_000, 100)] {
        let yard = Yard::new(&format!("plain-{tenants}-{each}"));
        yard.fill(tenants, each);
        tell(&format!("{tenants} tenants with {each} jobs each"), &yard);
    }
}

fn claims_beside_full_lanes() {
    for (count, lanes, limit) in [(100, 1, 10), (100_000, 1, 10), (100_000, 10_000, 1), (100_000, 100_000, 1)]
    {
        let yard = Yard::new(&format!("lanes-{count}-{lanes}"));
        yard.fill(1, 0);
        let put = yard.fill_lanes(count, lanes, limit);
        let running = yard.take();
        let (settled, freed) = yard.settle(running.first().unwrap());
        println!(
            "{count} jobs in {lanes} lanes of {limit}: {put:?} to put one in; {} run; one settled in {settled:?} frees {freed}",
            running.len()
        );
        yard.run(r#"UPDATE tenants SET settings = '{"limits": {"jobs_at_once": 1000}}'"#);
        let others: Vec<NewJob> = (0..64).map(|_| yard.job(None)).collect();
        block_on(async {
            let mut tx = yard.db.begin().await.unwrap();
            jobs::enqueue(&mut tx.all_tenants(), &others, Instant::from_millis(0)).await.unwrap();
            tx.commit().await.unwrap();
        });
        tell("    and 64 others", &yard);
    }
}

fn main() {
    plain_claims();
    claims_beside_full_lanes();
}
