//! How do those who run the platform keep its tenants? Each change stands in the platform's audit, and in the tenant's own, so
//! that its people see what was done to it.

use super::{finish, setup};
use crate::{
    AuthError, NewOrganization, OrganizationError, OrganizationFilter, OrganizationPatch, Standing, Tenant,
    Turn, store,
};
use audit::Entry;
use db::{Db, Tx};
use kernel::{Call, Page, PageRequest, Permission, TenantId};
use serde_json::{Value, json};

fn seen(tenant: &Tenant) -> Value {
    json!({
        "name": tenant.name,
        "state": tenant.standing().as_str(),
        "reason": tenant.suspended_reason,
        "settings": store::settings::whole(&tenant.settings),
    })
}

/// Holds the caller to be of the platform, beside what the route asks: a tenant's own people never get here.
fn steward(call: &Call, permission: Permission) -> Result<(), AuthError> {
    if call.tenant().is_platform() && call.principal.may(permission) {
        Ok(())
    } else {
        Err(AuthError::NotFound("organization"))
    }
}

async fn load(tx: &mut Tx, id: &TenantId) -> Result<Tenant, AuthError> {
    store::tenant::get(&mut tx.scope(id)).await?.ok_or(AuthError::NotFound("organization"))
}

/// The tenant, if it is still at the version that the caller saw.
async fn present(tx: &mut Tx, id: &TenantId, version: Option<i64>) -> Result<Tenant, AuthError> {
    let tenant = load(tx, id).await?;
    match version {
        Some(version) if version != tenant.updated_at.millis() => Err(AuthError::Stale),
        Some(_) | None => Ok(tenant),
    }
}

/// Writes what was done into the platform's audit and the tenant's own.
async fn note(
    tx: &mut Tx,
    call: &Call,
    action: &str,
    before: Option<&Tenant>,
    after: &Tenant,
) -> Result<(), AuthError> {
    let entry =
        || Entry { action, subject: after.id.as_str(), before: before.map(seen), after: Some(seen(after)) };
    audit::append(&mut tx.scope(call.tenant()), call, &entry()).await?;
    if after.id != *call.tenant() {
        audit::append(&mut tx.scope(&after.id), call, &entry()).await?;
    }
    Ok(())
}

/// All tenants, by slug.
///
/// # Errors
/// [`AuthError::NotFound`] for somebody of an ordinary tenant; the database's.
pub async fn organizations(
    db: &Db,
    call: &Call,
    filter: &OrganizationFilter,
    page: &PageRequest,
) -> Result<Page<Tenant>, AuthError> {
    steward(call, Permission::TenantsRead)?;
    let mut lease = db.read().await?;
    let rows = store::organization::list(&mut lease.all_tenants()?, filter, page).await?;
    Ok(Page::cut(rows, page, |tenant| tenant.id.to_string()))
}

/// One tenant.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn organization(db: &Db, call: &Call, id: &TenantId) -> Result<Tenant, AuthError> {
    steward(call, Permission::TenantsRead)?;
    let mut lease = db.read().await?;
    let found = store::tenant::get(&mut lease.scope(id)?).await?;
    found.ok_or(AuthError::NotFound("organization"))
}

/// Makes a tenant with its roles and its owner.
///
/// # Errors
/// [`AuthError::TenantExists`], and then nothing was changed; [`AuthError::NotFound`]; the database's.
pub async fn create_organization(db: &Db, call: &Call, new: NewOrganization) -> Result<Tenant, AuthError> {
    steward(call, Permission::TenantsWrite)?;
    let hash = setup::hash(&new.owner, &*call.chance)?;
    let mut tx = db.begin().await?;
    let work = async {
        setup::found(&mut tx.scope(&new.tenant), call, &new.name, &new.owner, hash).await?;
        let tenant = load(&mut tx, &new.tenant).await?;
        let entry = Entry {
            action: "tenant.created",
            subject: tenant.id.as_str(),
            before: None,
            after: Some(seen(&tenant)),
        };
        // The new tenant's own audit begins with it already.
        audit::append(&mut tx.scope(call.tenant()), call, &entry).await?;
        Ok(tenant)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Changes a tenant: what it could change itself, and its state. A suspended tenant's people and programs are refused from
/// their next request on, and its jobs wait until it is resumed.
///
/// # Errors
/// [`OrganizationError`]; [`AuthError::Fields`], [`AuthError::Stale`] if `version` is given and not the present one,
/// [`AuthError::NotFound`]; the database's.
pub async fn change_organization(
    db: &Db,
    call: &Call,
    id: &TenantId,
    version: Option<i64>,
    patch: OrganizationPatch,
) -> Result<Tenant, AuthError> {
    steward(call, Permission::TenantsWrite)?;
    let mut tx = db.begin().await?;
    let work = async {
        let before = present(&mut tx, id, version).await?;
        if before.standing() == Standing::Deleting {
            return Err(OrganizationError::Deleting.into());
        }
        let action = match &patch.turn {
            Some(Turn::Suspend(_)) => "tenant.suspended",
            Some(Turn::Resume) => "tenant.resumed",
            None => "tenant.changed",
        };
        let mut after = before.clone().change(patch.tenant, call.now)?;
        store::tenant::update(&mut tx.scope(id), &after).await?;
        if let Some(turn) = patch.turn {
            after = after.turned(turn, call.now)?;
            store::organization::turn(&mut tx.scope(id), &after).await?;
        }
        note(&mut tx, call, action, Some(&before), &after).await?;
        Ok(after)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Gives a suspended tenant up, within the caller's transaction, which also plans the work of removing it.
///
/// # Errors
/// [`OrganizationError`]; [`AuthError::Stale`], [`AuthError::NotFound`]; the database's.
pub async fn give_up_organization(
    tx: &mut Tx,
    call: &Call,
    id: &TenantId,
    version: Option<i64>,
) -> Result<Tenant, AuthError> {
    steward(call, Permission::TenantsWrite)?;
    let before = present(tx, id, version).await?;
    let after = before.clone().given_up(call.now)?;
    store::organization::turn(&mut tx.scope(id), &after).await?;
    note(tx, call, "tenant.given_up", Some(&before), &after).await?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Credential,
        service::stage::{PASSWORD, Stage},
    };
    use futures::executor::block_on;
    use kernel::{Fault, Permissions, Principal};

    const ADMIN: &str = "admin@platform.test";

    /// An installation with two tenants, and a call of one of its administrators.
    fn staged() -> (Stage, Call) {
        let stage = Stage::new();
        stage.set_up("acme-corp");
        stage.set_up("globex");
        block_on(setup::setup_platform(&stage.db, &stage.visit(), ADMIN, PASSWORD)).unwrap();
        let token = stage.login(None, ADMIN, PASSWORD).unwrap().access_token;
        let admin = stage.as_bearer(&token);
        (stage, admin)
    }

    fn code<T>(outcome: Result<T, AuthError>) -> &'static str {
        outcome.map_or_else(|error| error.code(), |_| "")
    }

    fn suspend(reason: &str) -> OrganizationPatch {
        OrganizationPatch { turn: Some(Turn::Suspend(reason.to_owned())), ..OrganizationPatch::default() }
    }

    fn changed(
        stage: &Stage,
        call: &Call,
        slug: &str,
        patch: OrganizationPatch,
    ) -> Result<Tenant, AuthError> {
        block_on(change_organization(&stage.db, call, &slug.parse().unwrap(), None, patch))
    }

    fn given_up(stage: &Stage, call: &Call, slug: &str) -> Result<Tenant, AuthError> {
        block_on(async {
            let mut tx = stage.db.begin().await.unwrap();
            let outcome = give_up_organization(&mut tx, call, &slug.parse().unwrap(), None).await;
            finish(tx, outcome).await
        })
    }

    #[test]
    fn an_administrator_sees_all_tenants_and_nobody_else_does() {
        let (stage, admin) = staged();
        assert_eq!(admin.principal.permissions, Permissions::of(&TenantId::platform()));
        let list = |filter: OrganizationFilter| -> Vec<String> {
            let page = PageRequest::default();
            let found = block_on(organizations(&stage.db, &admin, &filter, &page)).unwrap();
            found.items.into_iter().map(|tenant| tenant.id.to_string()).collect()
        };
        assert_eq!(list(OrganizationFilter::default()), ["acme-corp", "globex", "platform"]);
        changed(&stage, &admin, "globex", suspend("Unpaid")).unwrap();
        let standing = Some(Standing::Suspended);
        assert_eq!(list(OrganizationFilter { standing, text: None }), ["globex"]);
        assert_eq!(list(OrganizationFilter { standing: None, text: Some("ACME".to_owned()) }), ["acme-corp"]);

        let owner = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap().access_token;
        let mut owner = stage.as_bearer(&owner);
        assert_eq!(owner.principal.permissions, Permissions::all());
        // Neither as they are, nor if something let them have the permissions.
        for permissions in [Permissions::all(), Permissions::all().or(Permissions::platform())] {
            owner.principal = Principal { permissions, ..owner.principal };
            let page = PageRequest::default();
            let found = block_on(organizations(&stage.db, &owner, &OrganizationFilter::default(), &page));
            assert_eq!(code(found), "NOT_FOUND");
            let globex = "globex".parse().unwrap();
            assert_eq!(code(block_on(organization(&stage.db, &owner, &globex))), "NOT_FOUND");
            assert_eq!(code(changed(&stage, &owner, "globex", suspend("x"))), "NOT_FOUND");
            assert_eq!(code(given_up(&stage, &owner, "globex")), "NOT_FOUND");
            let new = NewOrganization::new("initech", "Initech", "ana@initech.test", "Ana", None).unwrap();
            assert_eq!(code(block_on(create_organization(&stage.db, &owner, new))), "NOT_FOUND");
        }
    }

    #[test]
    fn a_suspended_tenant_is_out_at_once_and_told_why() {
        let (stage, admin) = staged();
        let owner = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap();
        let bearer = Credential::Bearer(owner.access_token);
        assert!(stage.check(&bearer).is_ok());
        changed(&stage, &admin, "acme-corp", suspend("the invoice of May is open")).unwrap();
        let refused = stage.check(&bearer).unwrap_err();
        assert_eq!(refused.code(), "TENANT_SUSPENDED");
        assert!(refused.to_string().contains("the invoice of May is open"), "{refused}");
        let login = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap_err();
        assert_eq!(login.to_string(), refused.to_string());
        assert_eq!(stage.audited("acme-corp").last().unwrap(), "login.refused");
        let visit = stage.visit();
        let turned = crate::service::refresh(
            &stage.db,
            stage.gate.tokens(),
            &stage.vault,
            &visit,
            &owner.refresh_token,
        );
        assert_eq!(block_on(turned).unwrap_err().to_string(), refused.to_string());
        let resume = OrganizationPatch { turn: Some(Turn::Resume), ..OrganizationPatch::default() };
        changed(&stage, &admin, "acme-corp", resume).unwrap();
        assert!(stage.check(&bearer).is_ok(), "its sessions were only waiting");
        for tenant in ["acme-corp", "platform"] {
            let audited = stage.audited(tenant);
            let of_state: Vec<_> = audited.iter().filter(|action| action.starts_with("tenant.")).collect();
            assert_eq!(
                &of_state[of_state.len() - 2..],
                ["tenant.suspended", "tenant.resumed"],
                "{tenant}: {audited:?}"
            );
        }
    }

    #[test]
    fn a_tenant_is_made_with_its_owner() {
        let (stage, admin) = staged();
        let new =
            || NewOrganization::new("initech", "Initech", "ana@initech.test", "Ana", Some(PASSWORD)).unwrap();
        let tenant = block_on(create_organization(&stage.db, &admin, new())).unwrap();
        assert_eq!((tenant.name.as_str(), tenant.standing()), ("Initech", Standing::Active));
        let ana = stage.login(None, "ana@initech.test", PASSWORD).unwrap();
        assert!(ana.member.is_owner && ana.member.user.name == "Ana");
        assert_eq!(code(block_on(create_organization(&stage.db, &admin, new()))), "TENANT_EXISTS");
    }

    #[test]
    fn only_a_suspended_tenant_is_given_up_and_it_does_not_come_back() {
        let (stage, admin) = staged();
        assert_eq!(code(given_up(&stage, &admin, "acme-corp")), "ORGANIZATION_NOT_SUSPENDED");
        assert_eq!(code(given_up(&stage, &admin, "platform")), "ORGANIZATION_PLATFORM");
        assert_eq!(code(changed(&stage, &admin, "platform", suspend("x"))), "ORGANIZATION_PLATFORM");
        changed(&stage, &admin, "acme-corp", suspend("x")).unwrap();
        assert_eq!(given_up(&stage, &admin, "acme-corp").unwrap().standing(), Standing::Deleting);
        let resume = OrganizationPatch { turn: Some(Turn::Resume), ..OrganizationPatch::default() };
        assert_eq!(code(changed(&stage, &admin, "acme-corp", resume)), "ORGANIZATION_DELETING");
        let login = stage.login(None, "owner@acme-corp.test", PASSWORD);
        assert_eq!(code(login), "TENANT_SUSPENDED");
    }

    #[test]
    fn nobody_but_the_operator_makes_the_platforms_tenant_and_only_once() {
        let (stage, _) = staged();
        let again = block_on(setup::setup_platform(&stage.db, &stage.visit(), ADMIN, PASSWORD));
        assert_eq!(code(again), "TENANT_EXISTS");
        assert!(setup::SetUp::new("platform", "Mine", "eve@example.com", PASSWORD).is_err());
    }
}
