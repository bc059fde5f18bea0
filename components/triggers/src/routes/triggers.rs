//! Which routes lead to triggers and modules, and what does each ask of its caller?

use crate::wire::{ModuleIn, ModuleOut, TriggerFilter, TriggerIn, TriggerOut, TriggerVersionOut};
use axum::response::NoContent;
use edge::{
    Authorized, Faults, IfMatch, Json, List, Name, Paging, Problem, Query, Reaching, Shown, Unspecific, needs,
};
use kernel::Page;
use rules::{Module, Trigger, service::triggers};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new()
        .routes(routes!(list_triggers, create_trigger))
        .routes(routes!(get_trigger, replace_trigger, delete_trigger))
        .routes(routes!(trigger_versions))
        .routes(routes!(list_modules, create_module))
        .routes(routes!(delete_module))
}

fn shown(trigger: &Trigger) -> Shown<TriggerOut> {
    Shown::as_is("trigger", TriggerOut::from(trigger)).version(trigger.version.into())
}

/// The version named in `If-Match`; one that no trigger can have is stale.
fn expected(IfMatch(version): IfMatch) -> Result<Option<u32>, Problem> {
    version.map(|version| version.try_into().map_err(|_| Unspecific::Stale.into())).transpose()
}

/// List triggers
///
/// What can set off a rule, with the data that each requires: built-in ones, those of the tenant's own, and those of its types of
/// records. Needs `triggers:read`.
#[utoipa::path(get, path = "/api/v1/automation/triggers", tag = "triggers", params(TriggerFilter),
    responses((status = 200, body = List<TriggerOut>), Faults), security(("bearer" = [])))]
async fn list_triggers(
    Reaching { who, world, .. }: Reaching<needs::TriggersRead>,
    Query(filter): Query<TriggerFilter>,
    paging: Paging,
) -> Result<List<TriggerOut>, Problem> {
    let (catalogue, all) = triggers::all(&world.db, &who).await?;
    let modules = catalogue.modules();
    if let Some(module) = filter.module_type.as_deref().filter(|module| !modules.contains(module)) {
        return Err(Problem::field(
            "module_type",
            format!("{module:?} is not a module; there are {}", modules.join(", ")),
        ));
    }
    let wanted =
        |one: &&Arc<Trigger>| filter.module_type.as_deref().is_none_or(|wanted| wanted == &*one.module_type);
    let after = paging.request.after_or("").to_owned();
    let key = |one: &Arc<Trigger>| format!("{}.{}", one.module_type, one.trigger_id);
    let probe = usize::from(paging.request.limit()) + 1;
    let mut rows: Vec<Arc<Trigger>> = all.iter().filter(wanted).cloned().collect();
    rows.sort_by_key(key);
    let rows = rows.into_iter().filter(|one| key(one) > after).take(probe).collect();
    let page = Page::cut(rows, &paging.request, key);
    Ok(paging.list(page, |trigger| TriggerOut::from(&*trigger)))
}

/// Make a trigger
///
/// One of the tenant's own. Events of it must fit its schema. Needs `triggers:write`.
#[utoipa::path(post, path = "/api/v1/automation/triggers", tag = "triggers", request_body = TriggerIn,
    responses((status = 201, body = TriggerOut), Faults), security(("bearer" = [])))]
async fn create_trigger(
    Reaching { who, world, .. }: Reaching<needs::TriggersWrite>,
    Json(sent): Json<TriggerIn>,
) -> Result<Shown<TriggerOut>, Problem> {
    let (draft, note) = sent.parts()?;
    let trigger = triggers::create(&world.db, &who, draft, note.as_deref()).await?;
    let location = format!("/api/v1/automation/triggers/{}", trigger.trigger_id);
    Ok(Shown::created("trigger", TriggerOut::from(&trigger), location).version(trigger.version.into()))
}

/// Get a trigger
///
/// Needs `triggers:read`.
#[utoipa::path(get, path = "/api/v1/automation/triggers/{trigger_id}", tag = "triggers",
    params(("trigger_id" = String, Path, description = "Its name.")),
    responses((status = 200, body = TriggerOut), Faults), security(("bearer" = [])))]
async fn get_trigger(
    Reaching { who, world, .. }: Reaching<needs::TriggersRead>,
    Name(trigger_id): Name,
) -> Result<Shown<TriggerOut>, Problem> {
    Ok(shown(&*triggers::get(&world.db, &who, &trigger_id).await?))
}

/// Make a trigger anew
///
/// One of the tenant's own. A schema by which an active rule would no longer hold is refused (409 `IN_USE`), with each such rule
/// and what is wrong with it. Needs `triggers:write`.
#[utoipa::path(put, path = "/api/v1/automation/triggers/{trigger_id}", tag = "triggers",
    params(("trigger_id" = String, Path, description = "Its name."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")),
    request_body = TriggerIn,
    responses((status = 200, body = TriggerOut), Faults), security(("bearer" = [])))]
async fn replace_trigger(
    Reaching { who, world, .. }: Reaching<needs::TriggersWrite>,
    Name(trigger_id): Name,
    seen: IfMatch,
    Json(sent): Json<TriggerIn>,
) -> Result<Shown<TriggerOut>, Problem> {
    let (draft, note) = sent.parts()?;
    let trigger =
        triggers::replace(&world.db, &who, &trigger_id, expected(seen)?, draft, note.as_deref()).await?;
    Ok(shown(&trigger))
}

/// Delete a trigger
///
/// One of the tenant's own that no rule uses; else 409 `IN_USE` names the rules. Needs `triggers:write`.
#[utoipa::path(delete, path = "/api/v1/automation/triggers/{trigger_id}", tag = "triggers",
    params(("trigger_id" = String, Path, description = "Its name."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")),
    responses((status = 204, description = "It is gone."), Faults), security(("bearer" = [])))]
async fn delete_trigger(
    Reaching { who, world, .. }: Reaching<needs::TriggersWrite>,
    Name(trigger_id): Name,
    seen: IfMatch,
) -> Result<NoContent, Problem> {
    triggers::delete(&world.db, &who, &trigger_id, expected(seen)?).await?;
    Ok(NoContent)
}

/// List a trigger's versions
///
/// Newest first; every change makes one. Needs `triggers:read`.
#[utoipa::path(get, path = "/api/v1/automation/triggers/{trigger_id}/versions", tag = "triggers",
    params(("trigger_id" = String, Path, description = "Its name.")),
    responses((status = 200, body = List<TriggerVersionOut>), Faults), security(("bearer" = [])))]
async fn trigger_versions(
    Reaching { who, world, .. }: Reaching<needs::TriggersRead>,
    Name(trigger_id): Name,
    paging: Paging,
) -> Result<List<TriggerVersionOut>, Problem> {
    let page = triggers::versions(&world.db, &who, &trigger_id, &paging.request).await?;
    Ok(paging.list(page, TriggerVersionOut::from))
}

/// List modules
///
/// Those of every tenant, those of this tenant's own, and those that only its triggers name, as the triggers of its types of records do. Needs `triggers:read`.
#[utoipa::path(get, path = "/api/v1/automation/modules", tag = "triggers",
    responses((status = 200, body = List<ModuleOut>), Faults), security(("bearer" = [])))]
async fn list_modules(
    caller: Authorized<needs::TriggersRead>,
    paging: Paging,
) -> Result<List<ModuleOut>, Problem> {
    let (made, named) = triggers::modules(&caller.world.db, &caller.call).await?;
    let built_in = rules::built_in_modules().into_iter().map(|name| ModuleOut::named(name, false));
    let own =
        made.into_iter().map(ModuleOut::from).chain(named.iter().map(|name| ModuleOut::named(name, true)));
    let after = paging.request.after_or("").to_owned();
    let mut all: Vec<ModuleOut> = built_in.chain(own).collect();
    all.sort_by(|one, other| one.module_type().cmp(other.module_type()));
    let probe = usize::from(paging.request.limit()) + 1;
    let rows = all.into_iter().filter(|one| one.module_type() > after.as_str()).take(probe).collect();
    let page = Page::cut(rows, &paging.request, |one: &ModuleOut| one.module_type().to_owned());
    Ok(paging.list(page, |module| module))
}

/// Make a module
///
/// Triggers of the tenant's own stand in modules. Needs `triggers:write`.
#[utoipa::path(post, path = "/api/v1/automation/modules", tag = "triggers", request_body = ModuleIn,
    responses((status = 201, body = ModuleOut), Faults), security(("bearer" = [])))]
async fn create_module(
    caller: Authorized<needs::TriggersWrite>,
    Json(sent): Json<ModuleIn>,
) -> Result<Shown<ModuleOut>, Problem> {
    let module = Module::check(sent.module_type, sent.name, caller.call.now).map_err(Problem::fields)?;
    let module = triggers::create_module(&caller.world.db, &caller.call, module).await?;
    let location = format!("/api/v1/automation/modules/{}", module.module_type);
    Ok(Shown::created("module", module.into(), location))
}

/// Delete a module
///
/// One that has no triggers; else 409 `IN_USE` names them. Needs `triggers:write`.
#[utoipa::path(delete, path = "/api/v1/automation/modules/{module_type}", tag = "triggers",
    params(("module_type" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is gone."), Faults), security(("bearer" = [])))]
async fn delete_module(
    caller: Authorized<needs::TriggersWrite>,
    Name(module_type): Name,
) -> Result<NoContent, Problem> {
    triggers::delete_module(&caller.world.db, &caller.call, &module_type).await?;
    Ok(NoContent)
}
