//! Which schema does the database have?

use db::{AllTenants, DbError};

const VERSION: &str = "SELECT COALESCE(MAX(number), 0) AS n FROM schema_migrations";

/// The number of the last migration that was applied.
pub(crate) async fn version(all: &mut AllTenants<'_>) -> Result<i64, DbError> {
    Ok(all.one(VERSION, []).await?.unwrap_or(0))
}
