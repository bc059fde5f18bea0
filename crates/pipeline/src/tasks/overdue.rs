//! Which tasks should have been done by now? Each is told of once, by an event that rules can wait for.

use super::{People, event};
use crate::{Works, announce::announce, effect};
use db::DbError;
use events::Origin;
use kernel::{Span, TenantId};
use std::collections::BTreeMap;
use tasks::{Task, service};

/// The most tasks that are told of in one transaction, of all tenants.
const AT_ONCE: u16 = 100;
/// A tick goes on with further batches for so long; the next tick is soon.
const TURN: Span = Span::seconds(2);

/// Raises `task_overdue` for tasks whose time has passed; one cheap look when there are none. Tells how many.
///
/// # Errors
/// [`DbError`]; what was not told of is told of at the next look.
pub async fn tell_overdue(works: &Works<'_>) -> Result<usize, DbError> {
    let until = works.clock.now() + TURN;
    let mut told = 0_usize;
    loop {
        let now = works.clock.now();
        let whose = {
            let mut lease = works.db.read().await?;
            service::overdue_tenants(&mut lease.all_tenants()?, now, AT_ONCE).await?
        };
        if now > until || whose.is_empty() {
            return Ok(told);
        }
        for tenant in &whose {
            works.books.warm(works.db, tenant).await?;
        }
        told = told.saturating_add(batch(works).await?);
    }
}

async fn batch(works: &Works<'_>) -> Result<usize, DbError> {
    let mut tx = works.db.begin().await?;
    let now = works.clock.now();
    let passed = service::note_overdue(&mut tx.all_tenants(), now, AT_ONCE).await?;
    let count = passed.len();
    let mut by_tenant: BTreeMap<TenantId, Vec<Task>> = BTreeMap::new();
    for (tenant, task) in passed {
        by_tenant.entry(tenant).or_default().push(task);
    }
    for (tenant, late) in by_tenant {
        let call = effect::own_call(works, &tenant, now);
        let assignees = late.iter().filter_map(|task| task.assignee.as_ref());
        let people = People::of(&mut tx.scope(&tenant), assignees).await?;
        let happened = late
            .iter()
            .map(|task| event(&call, &task.id, tasks::overdue(task, |assignee| people.address(assignee))))
            .collect();
        let raised = announce(&mut tx, works.books, &call, &Origin::default(), happened).await;
        raised.map_err(|fault| DbError::Engine(fault.to_string()))?;
    }
    tx.commit().await?;
    Ok(count)
}
