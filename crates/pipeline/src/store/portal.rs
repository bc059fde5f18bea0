//! Whose pages does a customer come to? The tenant's name, and whether it is suspended.

use db::{DbError, Decode, Row, Scope};

const HOUSE: &str = "SELECT name, state = 'active' AS active FROM tenants WHERE tenant_id = ?1";

/// A tenant, as its customers know it.
pub(crate) struct House {
    pub(crate) name: String,
    pub(crate) active: bool,
}

impl Decode for House {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { name: row.get("name")?, active: row.get("active")? })
    }
}

pub(crate) async fn house(scope: &mut Scope<'_>) -> Result<Option<House>, DbError> {
    scope.one(HOUSE, []).await
}
