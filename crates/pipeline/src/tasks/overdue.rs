//! Which tasks should have been done by now? Each is told of once, by an event that rules can wait for.

use super::{People, raise};
use crate::{Works, effect};
use db::DbError;
use events::Origin;
use kernel::TenantId;
use std::collections::BTreeMap;
use tasks::{Task, service};

/// The most tasks that are told of in one transaction, of all tenants.
const AT_ONCE: u16 = 100;

/// Raises `task_overdue` for tasks whose time has passed; one cheap look when there are none. Tells how many.
///
/// # Errors
/// [`DbError`]; what was not told of is told of at the next look.
pub async fn tell_overdue(works: &Works<'_>) -> Result<usize, DbError> {
    if !service::any_overdue(&mut works.db.read().await?.all_tenants()?, works.clock.now()).await? {
        return Ok(0);
    }
    let mut tx = works.db.begin().await?;
    let now = works.clock.now();
    let passed = service::note_overdue(&mut tx.all_tenants(), now, AT_ONCE).await?;
    let count = passed.len();
    let mut by_tenant: BTreeMap<TenantId, Vec<Task>> = BTreeMap::new();
    for (tenant, task) in passed {
        by_tenant.entry(tenant).or_default().push(task);
    }
    for (tenant, tasks) in by_tenant {
        let call = effect::own_call(works, &tenant, now);
        let people =
            People::of(&mut tx.scope(&tenant), tasks.iter().filter_map(|task| task.assignee.as_ref()))
                .await?;
        for task in tasks {
            let happening = tasks::overdue(&task, |assignee| people.address(assignee));
            let raised =
                raise(&mut tx, works.books, &call, &Origin::default(), &task.id, vec![happening]).await;
            raised.map_err(|fault| DbError::Engine(fault.to_string()))?;
        }
    }
    tx.commit().await?;
    Ok(count)
}
