//! What do people do with triggers and modules of their own? Make, change and delete them, each change a version; one that would
//! break rules is refused with the list of them.

use super::{finish, history::before};
use crate::{
    Catalogue, MOST_MODULES, MOST_TRIGGERS, Module, Origin, Parts, Rule, RuleError, Trigger, TriggerChange,
    TriggerDraft, TriggerVersion, built_in_modules, store,
};
use audit::Entry;
use db::{Db, DbError, Scope};
use kernel::{Bounded, Call, FieldFault, Page, PageRequest};
use std::sync::Arc;

/// The tenant's triggers.
///
/// # Errors
/// The database's.
pub async fn load(scope: &mut Scope<'_>) -> Result<Catalogue, DbError> {
    let own = store::trigger::all(scope).await?;
    let modules = store::trigger::modules(scope).await?;
    Ok(Catalogue::new(own, modules.into_iter().map(|module| module.module_type.into()).collect()))
}

/// The tenant's triggers, for use cases of this area.
pub(crate) async fn catalogue(scope: &mut Scope<'_>) -> Result<Catalogue, RuleError> {
    Ok(load(scope).await?)
}

/// All triggers that the caller may see.
///
/// # Errors
/// The database's.
pub async fn all(db: &Db, who: &Bounded) -> Result<(Catalogue, Vec<Arc<Trigger>>), RuleError> {
    let mut lease = db.read().await?;
    let catalogue = load(&mut lease.scope(who.tenant())?).await?;
    let seen = |trigger: &&Arc<Trigger>| who.at(&trigger.module_type, &trigger.trigger_id).is_ok();
    let triggers = catalogue.all().filter(seen).cloned().collect();
    Ok((catalogue, triggers))
}

/// The trigger of that name.
///
/// # Errors
/// [`RuleError::TriggerUnknown`], or the database's.
pub async fn get(db: &Db, who: &Bounded, trigger_id: &str) -> Result<Arc<Trigger>, RuleError> {
    let mut lease = db.read().await?;
    let catalogue = load(&mut lease.scope(who.tenant())?).await?;
    let trigger = catalogue.find(trigger_id).map_err(|_| RuleError::TriggerUnknown)?;
    within(who, trigger)?;
    Ok(Arc::clone(trigger))
}

fn within<'a>(who: &'a Bounded, trigger: &Trigger) -> Result<&'a Call, RuleError> {
    who.at(&trigger.module_type, &trigger.trigger_id).map_err(|fault| match RuleError::from(fault) {
        RuleError::Unknown => RuleError::TriggerUnknown,
        other => other,
    })
}

/// Makes a trigger.
///
/// # Errors
/// [`RuleError::Invalid`], [`RuleError::NameTaken`], [`RuleError::TooMany`], [`RuleError::OutOfReach`], or the database's.
pub async fn create(
    db: &Db,
    who: &Bounded,
    draft: TriggerDraft,
    note: Option<&str>,
) -> Result<Trigger, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let catalogue = catalogue(&mut scope).await?;
        let parts = draft.check(&catalogue)?;
        let call = who.put_in(&parts.module_type, None)?;
        if catalogue.find(&parts.trigger_id).is_ok() {
            return Err(RuleError::NameTaken("trigger", parts.trigger_id.into()));
        }
        if catalogue.count(Origin::Own) >= MOST_TRIGGERS {
            return Err(RuleError::TooMany(MOST_TRIGGERS, "triggers of its own"));
        }
        put(&mut scope, call, parts, Origin::Own, None, note).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Gives a trigger other parts. Its name stays.
///
/// # Errors
/// [`RuleError::TriggerUnknown`], [`RuleError::TriggerFixed`], [`RuleError::Stale`], [`RuleError::InUse`] if rules would no longer
/// hold; as [`create`].
pub async fn replace(
    db: &Db,
    who: &Bounded,
    trigger_id: &str,
    expected: Option<u32>,
    draft: TriggerDraft,
    note: Option<&str>,
) -> Result<Trigger, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let catalogue = catalogue(&mut scope).await?;
        let was = present(&catalogue, who, trigger_id, expected)?;
        let parts = TriggerDraft { trigger_id: Some(trigger_id.to_owned()), ..draft }.check(&catalogue)?;
        let call = who.put_in(&parts.module_type, Some(trigger_id))?;
        put(&mut scope, call, parts, Origin::Own, Some(&was), note).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Deletes a trigger that no rule uses. Its versions stay, because events point at them.
///
/// # Errors
/// As [`replace`].
pub async fn delete(
    db: &Db,
    who: &Bounded,
    trigger_id: &str,
    expected: Option<u32>,
) -> Result<(), RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let catalogue = catalogue(&mut scope).await?;
        let was = present(&catalogue, who, trigger_id, expected)?;
        let call = within(who, &was)?;
        take(&mut scope, call, &was).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// A trigger's versions, the newest first.
///
/// # Errors
/// [`RuleError::TriggerUnknown`], [`RuleError::Invalid`] for a cursor of another list, or the database's.
pub async fn versions(
    db: &Db,
    who: &Bounded,
    trigger_id: &str,
    page: &PageRequest,
) -> Result<Page<TriggerVersion>, RuleError> {
    let before = before(page)?;
    get(db, who, trigger_id).await?;
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let rows = store::trigger::versions(&mut scope, trigger_id, before, page.probe()).await?;
    Ok(Page::cut(rows, page, |version| version.version.to_string()))
}

/// Puts in the triggers of a type of records, or what such a type says of built-in ones, within the caller's transaction.
///
/// # Errors
/// [`RuleError::NameTaken`] if one of another origin has a name, [`RuleError::InUse`] if rules would no longer hold, or the
/// database's.
pub async fn declare_in(scope: &mut Scope<'_>, call: &Call, triggers: Vec<Parts>) -> Result<(), RuleError> {
    let catalogue = catalogue(scope).await?;
    for parts in triggers {
        let was = catalogue.find(&parts.trigger_id).ok().cloned();
        if was.as_ref().is_some_and(|was| was.origin == Origin::Own) {
            return Err(RuleError::NameTaken("trigger", parts.trigger_id.into()));
        }
        if was.as_ref().is_none_or(|was| !was.is_of(&parts)) {
            put(scope, call, parts, Origin::Record, was.as_deref(), None).await?;
        }
    }
    Ok(())
}

/// Takes out the triggers of a type of records, within the caller's transaction.
///
/// # Errors
/// [`RuleError::InUse`] if rules use one, or the database's.
pub async fn withdraw_in(scope: &mut Scope<'_>, call: &Call, triggers: &[&str]) -> Result<(), RuleError> {
    let catalogue = catalogue(scope).await?;
    for name in triggers {
        if let Ok(was) = catalogue.find(name)
            && was.origin == Origin::Record
        {
            take(scope, call, was).await?;
        }
    }
    Ok(())
}

/// A trigger of the tenant's own that the caller may change, at the version that they saw.
fn present(
    catalogue: &Catalogue,
    who: &Bounded,
    trigger_id: &str,
    expected: Option<u32>,
) -> Result<Arc<Trigger>, RuleError> {
    let was = catalogue.find(trigger_id).map_err(|_| RuleError::TriggerUnknown)?;
    within(who, was)?;
    let fixed = match was.origin {
        Origin::Own => None,
        Origin::BuiltIn => Some("every tenant has it"),
        Origin::Record => Some("it belongs to a type of records, and changes with it"),
    };
    if let Some(why) = fixed {
        return Err(RuleError::TriggerFixed(trigger_id.to_owned(), why));
    }
    match expected {
        Some(version) if version != was.version => Err(RuleError::Stale(was.version)),
        Some(_) | None => Ok(Arc::clone(was)),
    }
}

/// Keeps a trigger, if all rules that use it still hold.
async fn put(
    scope: &mut Scope<'_>,
    call: &Call,
    parts: Parts,
    origin: Origin,
    was: Option<&Trigger>,
    note: Option<&str>,
) -> Result<Trigger, RuleError> {
    if was.is_some() {
        must_not_break(scope, &Trigger::new(parts.clone(), origin, 0)).await?;
    }
    keep(scope, call, parts, origin, was, note).await
}

/// Refuses a trigger by which rules that are switched on would no longer hold.
pub(super) async fn must_not_break(scope: &mut Scope<'_>, trigger: &Trigger) -> Result<(), RuleError> {
    let broken = broken_by(scope, trigger).await?;
    if broken.is_empty() {
        Ok(())
    } else {
        Err(RuleError::InUse(format!("This schema of {}", trigger.trigger_id), broken))
    }
}

/// Keeps a trigger, whatever rules use it: for those who look after these themselves.
pub(super) async fn keep(
    scope: &mut Scope<'_>,
    call: &Call,
    parts: Parts,
    origin: Origin,
    was: Option<&Trigger>,
    note: Option<&str>,
) -> Result<Trigger, RuleError> {
    let last = store::trigger::last_version(scope, &parts.trigger_id).await?;
    let trigger = Trigger::new(parts, origin, last.saturating_add(1));
    store::trigger::put(scope, &trigger, call.now).await?;
    let change = if was.is_some() { TriggerChange::Changed } else { TriggerChange::Created };
    record(scope, call, was, Some(&trigger), change, note).await?;
    Ok(trigger)
}

/// Takes a trigger out that no rule uses.
async fn take(scope: &mut Scope<'_>, call: &Call, was: &Trigger) -> Result<(), RuleError> {
    let rules = store::naming(scope, &was.trigger_id).await?;
    let uses: Vec<FieldFault> = rules
        .iter()
        .filter(|rule| rule.definition.uses_trigger(&was.trigger_id))
        .map(|rule| FieldFault::new(place(rule), "uses the trigger"))
        .collect();
    if !uses.is_empty() {
        return Err(RuleError::InUse(format!("Deleting {}", was.trigger_id), uses));
    }
    store::trigger::delete(scope, &was.trigger_id).await?;
    record(scope, call, Some(was), None, TriggerChange::Deleted, None).await
}

/// What would no longer hold of the rules that use a trigger, if it were so: of those that are switched on.
async fn broken_by(scope: &mut Scope<'_>, trigger: &Trigger) -> Result<Vec<FieldFault>, RuleError> {
    let rules = store::naming(scope, &trigger.trigger_id).await?;
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let catalogue = catalogue(scope).await?.with(trigger.clone());
    let active = rules.iter().filter(|rule| rule.definition.is_active);
    Ok(active
        .flat_map(|rule| {
            let faults = rule.definition.compile(&catalogue).err().unwrap_or_default();
            faults
                .into_iter()
                .map(|fault| FieldFault::new(format!("{}.{}", place(rule), fault.field), fault.message))
        })
        .collect())
}

/// How a list of rules names one.
fn place(rule: &Rule) -> String {
    format!("rules[{}]", rule.id)
}

async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    was: Option<&Trigger>,
    trigger: Option<&Trigger>,
    change: TriggerChange,
    note: Option<&str>,
) -> Result<(), RuleError> {
    let Some(subject) = trigger.or(was) else { return Ok(()) };
    let last = match trigger {
        Some(trigger) => trigger.clone(),
        None => subject.next_version(),
    };
    store::trigger::note_version(scope, &last, change, note, call.principal.actor.name(), call.now).await?;
    store::bump(scope).await?;
    let entry = Entry {
        action: match change {
            TriggerChange::Created => "trigger.created",
            TriggerChange::Changed => "trigger.changed",
            TriggerChange::Deleted => "trigger.deleted",
        },
        subject: &subject.trigger_id,
        before: was.filter(|was| was.origin != Origin::BuiltIn).map(store::trigger::document),
        after: trigger.map(store::trigger::document),
    };
    Ok(audit::append(scope, call, &entry).await?)
}

/// The tenant's own modules, and the names of those that only its triggers name, as the triggers of its types of records do.
///
/// # Errors
/// The database's.
pub async fn modules(db: &Db, call: &Call) -> Result<(Vec<Module>, Vec<String>), RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let made = store::trigger::modules(&mut scope).await?;
    let mut named = Vec::new();
    for trigger in store::trigger::all(&mut scope).await? {
        let name = &*trigger.module_type;
        let is_made = made.iter().any(|module| module.module_type == name);
        if !is_made && !built_in_modules().contains(&name) && !named.iter().any(|known| known == name) {
            named.push(name.to_owned());
        }
    }
    Ok((made, named))
}

/// Makes a module.
///
/// # Errors
/// [`RuleError::NameTaken`], [`RuleError::TooMany`], or the database's.
pub async fn create_module(db: &Db, call: &Call, module: Module) -> Result<Module, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let outcome = create_module_in(&mut scope, call, module).await;
    finish(tx, outcome).await
}

/// Makes a module within the caller's transaction.
pub(super) async fn create_module_in(
    scope: &mut Scope<'_>,
    call: &Call,
    module: Module,
) -> Result<Module, RuleError> {
    if store::trigger::modules(scope).await?.len() >= MOST_MODULES {
        return Err(RuleError::TooMany(MOST_MODULES, "modules of its own"));
    }
    if !store::trigger::add_module(scope, &module).await? {
        return Err(RuleError::NameTaken("module", module.module_type.clone()));
    }
    store::bump(scope).await?;
    let entry = Entry {
        action: "module.created",
        subject: &module.module_type,
        after: Some(serde_json::json!({"name": module.name})),
        ..Entry::default()
    };
    audit::append(scope, call, &entry).await?;
    Ok(module)
}

/// Deletes a module that has no triggers.
///
/// # Errors
/// [`RuleError::ModuleUnknown`], [`RuleError::InUse`] if it has triggers, or the database's.
pub async fn delete_module(db: &Db, call: &Call, module_type: &str) -> Result<(), RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let work = async {
        let own = store::trigger::all(&mut scope).await?;
        let used: Vec<FieldFault> = own
            .iter()
            .filter(|trigger| *trigger.module_type == *module_type)
            .map(|trigger| {
                FieldFault::new(format!("triggers[{}]", trigger.trigger_id), "belongs to the module")
            })
            .collect();
        if !used.is_empty() {
            return Err(RuleError::InUse(format!("Deleting module {module_type}"), used));
        }
        if !store::trigger::delete_module(&mut scope, module_type).await? {
            return Err(RuleError::ModuleUnknown(module_type.chars().take(100).collect()));
        }
        store::bump(&mut scope).await?;
        let entry = Entry { action: "module.deleted", subject: module_type, ..Entry::default() };
        audit::append(&mut scope, call, &entry).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}
