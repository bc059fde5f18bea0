//! How does a backtest come to be carried on? By a job that is laid in the transaction that makes its row.

use crate::privacy::chore;
use db::Db;
use jobs::Kind;
use kernel::{Bounded, JobId};
use rules::{Backtest, RuleError, Wish, service::backtest};
use serde_json::json;

/// Begins a backtest.
///
/// # Errors
/// As [`backtest::begin`].
pub async fn start(db: &Db, who: &Bounded, wish: Wish) -> Result<Backtest, RuleError> {
    let mut tx = db.begin().await?;
    let begun = backtest::begin(&mut tx.scope(who.tenant()), who, wish).await;
    match begun {
        Ok((backtest, call)) => {
            let payload = json!({"backtest_id": backtest.id.as_str()}).to_string();
            let job = chore(call, JobId::new(call.now, &*call.chance), Kind::Backtest, payload);
            jobs::enqueue(&mut tx.all_tenants(), &[job], call.now).await?;
            tx.commit().await?;
            Ok(backtest)
        }
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}
