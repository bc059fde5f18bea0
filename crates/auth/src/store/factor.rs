//! Which factors has somebody, and what does their tenant want? One statement for both.

use super::settings;
use crate::{Factors, TwoFactorSettings};
use db::{DbError, Decode, Row, Scope};
use kernel::UserId;

const OF: &str = "SELECT t.settings,
    (SELECT confirmed_at FROM totp_factors WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'confirmed') AS totp,
    (SELECT COUNT(*) FROM recovery_codes WHERE tenant_id = ?1 AND user_id = ?2 AND used_at IS NULL) AS recovery_codes,
    (SELECT COUNT(*) FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2) AS passkeys
    FROM tenants AS t WHERE t.tenant_id = ?1";

/// What stands between a password and a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protection {
    pub(crate) policy: TwoFactorSettings,
    pub(crate) factors: Factors,
}

impl Decode for Protection {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            policy: settings::column(row)?.two_factor,
            factors: Factors {
                totp: row.get("totp")?,
                recovery_codes: row.get("recovery_codes")?,
                passkeys: row.get("passkeys")?,
            },
        })
    }
}

/// The factors of a user, and the policy of the tenant; `None` if there is no such tenant.
pub(crate) async fn of(scope: &mut Scope<'_>, user: &UserId) -> Result<Option<Protection>, DbError> {
    scope.one(OF, [user.into()]).await
}
