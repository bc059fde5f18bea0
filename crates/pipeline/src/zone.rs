//! Which clock hangs on a tenant's wall?

use db::{DbError, Scope};
use kernel::Zone;

/// The time zone in which a tenant's days begin and end, and its schedules run unless they name another. Tenants have no such
/// setting yet: it is UTC for all of them. Whoever adds the setting reads it here.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn of(_: &mut Scope<'_>) -> Result<Zone, DbError> {
    Ok(Zone::UTC)
}
