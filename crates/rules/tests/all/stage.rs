//! Which database, which caller and which chance do tests play?

use db::{Db, native::Native};
use futures::executor::block_on;
use kernel::{Bounded, Call, Chance, Instant, Permission, Principal, RequestId, Trace};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Chance that is the same each time: ids differ by their times alone.
pub(crate) struct Fixed(pub(crate) u8);

impl Chance for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// Chance that counts up through all tests, so that ids of one instant are in the order in which they were made.
struct Counted;

impl Chance for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let next = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        for (byte, one) in bytes.iter_mut().rev().zip(next.iter().rev()) {
            *byte = *one;
        }
    }
}

/// A database with two tenants.
pub(crate) fn database() -> Db {
    let db = Native::memory().unwrap();
    block_on(async {
        let mut tx = db.begin().await.unwrap();
        for name in ["acme-corp", "other"] {
            let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, 'active', 0, 0)";
            tx.all_tenants().run_for_effect(sql, [name.into()]).await.unwrap();
        }
        tx.commit().await.unwrap();
    });
    db
}

/// So many seconds after the beginning of these tests' time.
pub(crate) fn at(second: i64) -> Instant {
    Instant::from_millis(1_700_000_000_000 + second * 1000)
}

/// A call of somebody who may change rules as far as their roles reach.
pub(crate) fn by(principal: Principal, now: Instant) -> Bounded {
    let call = Call {
        principal,
        now,
        request: RequestId::given("req_1").unwrap(),
        trace: Trace::new(&Counted),
        address: None,
        chance: Arc::new(Counted),
    };
    Bounded::new(call, Permission::RulesWrite)
}

/// A call of the program itself for a tenant.
pub(crate) fn call(tenant: &str, second: i64) -> Bounded {
    by(Principal::system(tenant.parse().unwrap()), at(second))
}
