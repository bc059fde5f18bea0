//! How does a type of records change? In one transaction with whatever hangs on it.

use super::{Desk, RecordFault, finish};
use ::records::{RecordType, TypeDraft, TypeName, TypePatch, service::types};
use kernel::Bounded;

/// Makes a type of the tenant's own.
///
/// # Errors
/// [`RecordFault`]; then nothing was changed.
pub async fn create_type(desk: Desk<'_>, who: &Bounded, draft: TypeDraft) -> Result<RecordType, RecordFault> {
    let mut tx = desk.db.begin().await?;
    let work = async {
        let (_, kind) = types::create(&mut tx.scope(who.tenant()), who, draft).await?;
        Ok(kind)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Changes a type: a built-in one's own fields and statuses, or one of the tenant's own.
///
/// # Errors
/// As [`create_type`].
pub async fn change_type(
    desk: Desk<'_>,
    who: &Bounded,
    name: &TypeName,
    expected: Option<u32>,
    patch: TypePatch,
) -> Result<RecordType, RecordFault> {
    let mut tx = desk.db.begin().await?;
    let work = async {
        let (_, (_, kind)) = types::change(&mut tx.scope(who.tenant()), who, name, expected, patch).await?;
        Ok(kind)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Deletes a type of the tenant's own of which there are no records.
///
/// # Errors
/// As [`create_type`].
pub async fn delete_type(
    desk: Desk<'_>,
    who: &Bounded,
    name: &TypeName,
    expected: Option<u32>,
) -> Result<(), RecordFault> {
    let mut tx = desk.db.begin().await?;
    let work = async {
        types::delete(&mut tx.scope(who.tenant()), who, name, expected).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}
