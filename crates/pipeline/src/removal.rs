//! How is a tenant removed? It is given up together with a job in the platform's queue, which takes its rows out a few hundred
//! at a time, so that nobody waits for the lock, and its own row last. Whatever was done stays; a stop at any moment is taken up.

use crate::{Works, chore::Progress, store::removal};
use audit::Entry;
use auth::{AuthError, Tenant, service};
use db::{Db, DbError};
use jobs::{Job, Kind, NewJob, Patience, Terms};
use kernel::{Call, JobId, Span, TenantId};
use serde_json::json;

/// The most rows that one step takes out.
const STEP: i64 = 500;
/// Twenty attempts: what stops the work is mended by people, who have some hours for it.
const PATIENCE: Patience = Patience { attempts: 20, first: Span::seconds(5), most: Span::hours(1) };

/// Gives a suspended tenant up, and plans the work of removing all that it had.
///
/// # Errors
/// As [`service::give_up_organization`].
pub async fn remove_organization(
    db: &Db,
    call: &Call,
    id: &TenantId,
    version: Option<i64>,
) -> Result<Tenant, AuthError> {
    let mut tx = db.begin().await?;
    let given_up = service::give_up_organization(&mut tx, call, id, version).await;
    let tenant = match given_up {
        Ok(tenant) => tenant,
        Err(error) => {
            tx.rollback().await?;
            return Err(error);
        }
    };
    let job = NewJob {
        id: JobId::new(call.now, &*call.chance),
        tenant: call.tenant().clone(),
        kind: Kind::EraseTenant,
        payload: json!({"tenant": id.as_str()}).to_string(),
        event: None,
        rule: None,
        parent: None,
        start: call.now.into(),
        patience: PATIENCE,
        trace: call.trace.as_str().to_owned(),
        stillborn: None,
        terms: Terms::default(),
    };
    jobs::enqueue(&mut tx.all_tenants(), &[job], call.now).await?;
    tx.commit().await?;
    Ok(tenant)
}

/// One step of the work, in a transaction of its own. `call` is the platform's, in whose queue the job stands.
///
/// # Errors
/// [`DbError`]; then nothing was done by this step.
pub(crate) async fn step(works: &Works<'_>, call: &Call, job: &Job) -> Result<Progress, DbError> {
    let Some(tenant) = removal::tenant_of(&job.payload).filter(|_| call.tenant().is_platform()) else {
        return Ok(Progress::Hopeless("the job names no tenant".to_owned()));
    };
    let mut tx = works.db.begin().await?;
    if !removal::is_leaving(&mut tx.scope(&tenant)).await? {
        tx.rollback().await?;
        return Ok(Progress::Hopeless("the organization was not given up, or is gone already".to_owned()));
    }
    let mut left = STEP;
    for holding in removal::holdings(&mut tx.all_tenants()).await? {
        left -= removal::take_out(&mut tx.scope(&tenant), &holding, left).await?;
        if left <= 0 {
            tx.commit().await?;
            return Ok(Progress::More);
        }
    }
    // Nothing of it is left anywhere, seen in this very transaction: so its own row can go.
    removal::remove(&mut tx.scope(&tenant)).await?;
    let entry = Entry { action: "tenant.removed", subject: tenant.as_str(), ..Entry::default() };
    audit::append(&mut tx.scope(call.tenant()), call, &entry).await?;
    tx.commit().await?;
    Ok(Progress::Done(format!("{tenant} is gone")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Books;
    use db::{Decode, Row, native::Native};
    use futures::{
        executor::block_on,
        future::{BoxFuture, FutureExt as _, ready},
    };
    use jobs::{Courier, Lost, Parcel, Receipt};
    use kernel::{Chance, Clock, Instant, Principal, RequestId, Secret, Trace};
    use std::{
        collections::BTreeMap,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
    };

    const PASSWORD: &str = "correct horse battery";

    #[derive(Default)]
    struct Counting(AtomicU64);
    impl Chance for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for piece in bytes.chunks_mut(8) {
                let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                piece.copy_from_slice(&next.to_be_bytes()[..piece.len()]);
            }
        }
    }

    struct Still;
    impl Clock for Still {
        fn now(&self) -> Instant {
            Instant::from_millis(1_800_000_000_000)
        }
    }

    struct Nobody;
    impl Courier for Nobody {
        fn send(&self, _: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
            ready(Err(Lost::Refused)).boxed()
        }
    }

    struct Yard {
        db: Db,
        chance: Arc<Counting>,
        books: Books,
        means: notifications::Means,
        tokens: crate::webhooks::Tokens,
    }

    impl Yard {
        fn new() -> Self {
            let keys = Secret::new("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
            let yard = Self {
                db: Native::memory().unwrap(),
                chance: Arc::default(),
                books: Books::default(),
                means: notifications::Means::new(&keys, false).unwrap(),
                tokens: crate::webhooks::Tokens::default(),
            };
            for tenant in ["acme-corp", "globex"] {
                let email = format!("owner@{tenant}.test");
                let asked = service::SetUp::new(tenant, tenant, &email, PASSWORD).unwrap();
                block_on(service::setup(&yard.db, &yard.visit(), asked)).unwrap();
            }
            let visit = yard.visit();
            block_on(service::setup_platform(&yard.db, &visit, "admin@platform.test", PASSWORD)).unwrap();
            yard
        }

        fn visit(&self) -> auth::Visit {
            auth::Visit {
                now: Still.now(),
                request: RequestId::new(&*self.chance),
                trace: Trace::new(&*self.chance),
                address: None,
                agent: None,
                chance: self.chance.clone(),
            }
        }

        /// A call of somebody who runs the platform.
        fn admin(&self) -> Call {
            let platform = TenantId::platform();
            let permissions = kernel::Permissions::of(&platform);
            self.visit().call(Principal { permissions, ..Principal::system(platform) })
        }

        fn works(&self) -> Works<'_> {
            Works {
                db: &self.db,
                books: &self.books,
                means: &self.means,
                mail: None,
                courier: &Nobody,
                renderer: &crate::ByRules,
                tokens: &self.tokens,
                is_guarded: true,
                clock: &Still,
                chance: self.chance.clone(),
            }
        }

        fn meddle(&self, sql: &str) {
            block_on(async {
                let mut tx = self.db.begin().await.unwrap();
                tx.all_tenants().run_for_effect(sql, []).await.unwrap();
                tx.commit().await.unwrap();
            });
        }

        /// How many rows of a tenant each table holds.
        fn rows(&self, tenant: &str) -> BTreeMap<String, i64> {
            block_on(async {
                let mut lease = self.db.read().await.unwrap();
                let mut all = lease.all_tenants().unwrap();
                let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%tenant_id%'";
                let tables: Vec<Name> = all.all(sql, []).await.unwrap();
                let mut rows = BTreeMap::new();
                for Name(table) in tables {
                    let sql = format!("SELECT COUNT(*) AS n FROM {table} WHERE tenant_id = ?1");
                    let count: Option<i64> = all.one(&sql, [tenant.into()]).await.unwrap();
                    rows.insert(table, count.unwrap());
                }
                rows
            })
        }

        /// A row in each table that knows of deliveries.
        fn deliver(&self, tenant: &str) {
            let (endpoint, job) = ("end_00000000000000000000000001", "job_00000000000000000000000001");
            for sql in [
                format!(
                    "INSERT INTO webhook_endpoints (tenant_id, endpoint_id, url, event_types, headers, auth, signature, tags, metadata,
                    schedule, timeout, concurrency, secret, version, created_at, updated_at) VALUES ('{tenant}', '{endpoint}',
                    'https://example.com/', '[]', '{{}}', '{{}}', 'v1', '[]', '{{}}', '[]', 15000, 10, x'00', 1, 0, 0)"
                ),
                format!(
                    "INSERT INTO webhook_health (tenant_id, endpoint_id, circuit, failures, opened, warned)
                    VALUES ('{tenant}', '{endpoint}', 'closed', 0, 0, 0)"
                ),
                format!(
                    "INSERT INTO webhook_replays (tenant_id, replay_id, endpoint_id, which, since, until, per_minute, state, total,
                    queued, after, next_at, job_id, created_at) VALUES ('{tenant}', 'rpl_00000000000000000000000001', '{endpoint}',
                    'failed', 0, 1, 600, 'counting', 0, 0, '', 0, '{job}', 0)"
                ),
                format!(
                    "INSERT INTO jobs (tenant_id, job_id, kind, state, payload, max_attempts, first_wait, most_wait, trace,
                    created_at, due_at, batch_id) VALUES ('{tenant}', '{job}', 'send_webhook', 'queued',
                    '{{\"endpoint\": \"{endpoint}\"}}', 10, 1, 0, 't', 0, 9000000000000000, 'rpl_00000000000000000000000001')"
                ),
                format!(
                    "INSERT INTO webhook_attempts (tenant_id, job_id, number, endpoint_id, started_at, duration, is_cut)
                    VALUES ('{tenant}', '{job}', 1, '{endpoint}', 0, 0, 0)"
                ),
                format!("INSERT INTO job_lanes (tenant_id, lane, most) VALUES ('{tenant}', 'endpoint:{endpoint}', 1)"),
            ] {
                self.meddle(&sql);
            }
        }

        fn suspend(&self, tenant: &str) {
            self.meddle(&format!("UPDATE tenants SET state = 'suspended' WHERE tenant_id = '{tenant}'"));
        }

        /// The job that removes `tenant`.
        fn given_up(&self, tenant: &str) -> Job {
            let admin = self.admin();
            block_on(remove_organization(&self.db, &admin, &tenant.parse().unwrap(), None)).unwrap();
            let page = kernel::PageRequest::default();
            let found = block_on(jobs::list(&self.db, &admin, &jobs::Filter::default(), &page)).unwrap();
            assert_eq!(found.items[0].kind, Kind::EraseTenant);
            found.items[0].clone()
        }

        fn step(&self, job: &Job) -> Progress {
            block_on(step(&self.works(), &self.admin(), job)).unwrap()
        }
    }

    struct Name(String);
    impl Decode for Name {
        fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
            row.get("name").map(Self)
        }
    }

    #[test]
    fn all_of_a_tenant_goes_in_small_steps_and_nothing_of_another() {
        let yard = Yard::new();
        yard.meddle(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)
            INSERT INTO idempotency_keys (tenant_id, key, fingerprint, state, created_at)
            SELECT 'acme-corp', 'key-' || i, x'00', 'running', 0 FROM n",
        );
        for tenant in ["acme-corp", "globex"] {
            yard.deliver(tenant);
        }
        let others = yard.rows("globex");
        assert!(yard.rows("acme-corp").values().filter(|count| **count > 0).count() >= 8);
        yard.suspend("acme-corp");
        let job = yard.given_up("acme-corp");
        let mut steps = 1;
        let mut before: i64 = yard.rows("acme-corp").values().sum();
        while matches!(yard.step(&job), Progress::More) {
            let now: i64 = yard.rows("acme-corp").values().sum();
            assert!(before - now <= STEP && now < before, "{before} {now}");
            before = now;
            steps += 1;
        }
        assert_eq!(steps, 3);
        assert_eq!(yard.rows("acme-corp").values().sum::<i64>(), 0);
        assert_eq!(yard.rows("globex"), others);
        // The queue may run it once more; the slug may be taken again by then.
        assert!(matches!(yard.step(&job), Progress::Hopeless(_)));
        let asked = service::SetUp::new("acme-corp", "Again", "eve@example.com", PASSWORD).unwrap();
        block_on(service::setup(&yard.db, &yard.visit(), asked)).unwrap();
        let fresh = yard.rows("acme-corp");
        assert!(matches!(yard.step(&job), Progress::Hopeless(_)));
        assert_eq!(yard.rows("acme-corp"), fresh);
    }

    #[test]
    fn nobody_is_removed_who_was_not_given_up() {
        let yard = Yard::new();
        let admin = yard.admin();
        let acme: TenantId = "acme-corp".parse().unwrap();
        let refused = block_on(remove_organization(&yard.db, &admin, &acme, None)).unwrap_err();
        assert_eq!(kernel::Fault::code(&refused), "ORGANIZATION_NOT_SUSPENDED");
        yard.suspend("globex");
        let mut job = yard.given_up("globex");
        for payload in [r#"{"tenant": "acme-corp"}"#, r#"{"tenant": "platform"}"#, "{}", r#"{"tenant": 1}"#] {
            job.payload = payload.to_owned();
            assert!(matches!(yard.step(&job), Progress::Hopeless(_)), "{payload}");
        }
        // Nor by a job that some other tenant's queue holds.
        let forged = Call { principal: Principal::system(acme.clone()), ..admin };
        job.payload = r#"{"tenant": "globex"}"#.to_owned();
        let outcome = block_on(step(&yard.works(), &forged, &job)).unwrap();
        assert!(matches!(outcome, Progress::Hopeless(_)));
        assert!(yard.rows("globex")["users"] > 0 && yard.rows("acme-corp")["users"] > 0);
    }

    #[test]
    fn whoever_refers_goes_before_whom_it_refers_to() {
        let yard = Yard::new();
        block_on(async {
            let mut lease = yard.db.read().await.unwrap();
            let all = removal::holdings(&mut lease.all_tenants().unwrap()).await.unwrap();
            let place = |name: &str| all.iter().position(|one| one.table == name).unwrap();
            for (first, then) in [
                ("refresh_tokens", "sessions"),
                ("sessions", "users"),
                ("role_bindings", "users"),
                ("role_bindings", "roles"),
                ("job_attempts", "jobs"),
                ("event_matches", "events"),
                ("webhook_attempts", "jobs"),
                ("webhook_health", "webhook_endpoints"),
                ("webhook_replays", "webhook_endpoints"),
            ] {
                assert!(place(first) < place(then), "{first} {then}");
            }
            assert!(all.iter().all(|one| one.table != "tenants"));
        });
    }
}
