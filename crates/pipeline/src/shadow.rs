//! How did the versions that run beside rules stand to them? Counted in the transaction that writes the events: one statement,
//! and none where nothing runs beside a rule.

use db::{DbError, Tx};
use kernel::TenantId;
use rules::Shadowed;

/// Counts what shadows said to the events of this transaction.
pub(crate) async fn count(
    tx: &mut Tx,
    said: impl Iterator<Item = (&TenantId, &[Shadowed])>,
) -> Result<(), DbError> {
    let all: Vec<(&TenantId, &Shadowed)> =
        said.flat_map(|(tenant, shadows)| shadows.iter().map(move |shadow| (tenant, shadow))).collect();
    if all.is_empty() { Ok(()) } else { rules::service::shadow::count(&mut tx.all_tenants(), &all).await }
}
