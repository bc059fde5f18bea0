//! Which clock hangs on a tenant's wall?

use db::{DbError, Scope};
use kernel::Zone;

/// The time zone in which a tenant's days begin and end, and its schedules run unless they name another: its setting
/// `time_zone`.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn of(scope: &mut Scope<'_>) -> Result<Zone, DbError> {
    Ok(rules::service::grounds(scope).await?.zone.into())
}
