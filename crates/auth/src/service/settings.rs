//! What does a tenant decide for itself, and how does it change its mind?

use super::finish;
use crate::{AuthError, SettingsPatch, TenantSettings, store};
use audit::Entry;
use db::Db;
use kernel::Call;

/// The caller's tenant's settings, and their version.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn settings(db: &Db, call: &Call) -> Result<(TenantSettings, i64), AuthError> {
    let mut lease = db.read().await?;
    let kept = store::settings::get(&mut lease.scope(call.tenant())?).await?;
    kept.map(|kept| (kept.settings, kept.version)).ok_or(AuthError::NotFound("organization"))
}

/// Changes the settings of the caller's tenant; they hold from the next request on, for sessions that are there too.
///
/// # Errors
/// [`AuthError::Fields`]; [`AuthError::Stale`] if `version` is given and not the present one; [`AuthError::NotFound`]; the
/// database's.
pub async fn change_settings(
    db: &Db,
    call: &Call,
    version: Option<i64>,
    patch: SettingsPatch,
) -> Result<(TenantSettings, i64), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = store::settings::get(&mut scope).await?.ok_or(AuthError::NotFound("organization"))?;
        if version.is_some_and(|version| version != before.version) {
            return Err(AuthError::Stale);
        }
        let after = before.settings.change(patch)?;
        let version = store::settings::update(&mut scope, &after, call.now).await?;
        let entry = Entry {
            action: "settings.changed",
            subject: call.tenant().as_str(),
            before: Some(store::settings::whole(&before.settings)),
            after: Some(store::settings::whole(&after)),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok((after, version.unwrap_or(before.version)))
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Credential, TenantPatch,
        service::{
            change_tenant,
            stage::{PASSWORD, Stage},
        },
    };
    use futures::executor::block_on;
    use kernel::Fault;

    fn rate(number: u32) -> SettingsPatch {
        SettingsPatch { user_rate_per_minute: Some(number), ..SettingsPatch::default() }
    }

    #[test]
    fn a_change_is_kept_audited_and_holds_at_once() {
        let stage = Stage::new();
        let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
        let token = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap().access_token;
        let bearer = Credential::Bearer(token);
        assert_eq!(stage.check(&bearer).unwrap().rate_per_minute, 100);
        let (first, version) = block_on(settings(&stage.db, &owner)).unwrap();
        assert_eq!(first, TenantSettings::default());
        let changed = block_on(change_settings(&stage.db, &owner, Some(version), rate(250))).unwrap();
        assert_eq!(stage.check(&bearer).unwrap().rate_per_minute, 250);
        assert_eq!(block_on(settings(&stage.db, &owner)).unwrap(), changed);
        assert_eq!(stage.audited("acme-corp").last().unwrap(), "settings.changed");
        let stale = block_on(change_settings(&stage.db, &owner, Some(version), rate(1)));
        assert_eq!(stale.unwrap_err().code(), "PRECONDITION_FAILED");
        // Back to what holds unless it is set: nothing is kept any more.
        block_on(change_settings(&stage.db, &owner, None, rate(100))).unwrap();
        assert_eq!(block_on(settings(&stage.db, &owner)).unwrap().0, first);
    }

    #[test]
    fn the_organization_changes_the_same_settings() {
        let stage = Stage::new();
        let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
        let patch = TenantPatch { name: None, settings: rate(77) };
        block_on(change_tenant(&stage.db, &owner, None, patch)).unwrap();
        let (kept, version) = block_on(settings(&stage.db, &owner)).unwrap();
        assert_eq!(kept.user_rate_per_minute, 77);
        let minutes = SettingsPatch { session_idle_minutes: Some(60), ..SettingsPatch::default() };
        block_on(change_settings(&stage.db, &owner, Some(version), minutes)).unwrap();
        let patch = TenantPatch { name: Some("Acme Inc".to_owned()), settings: SettingsPatch::default() };
        let tenant = block_on(change_tenant(&stage.db, &owner, None, patch)).unwrap();
        assert_eq!((tenant.settings.session.idle_minutes, tenant.settings.user_rate_per_minute), (60, 77));
    }
}
