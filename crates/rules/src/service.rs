//! What do people do with rules? Make, change, switch, delete, bring back and try them. Every change is one transaction:
//! the rule, its version, the tenant's revision and the audit. The caller's permission may reach one module or one rule only:
//! the call is had by naming the rule's.

use crate::{
    Change, Decision, Definition, Rule, RuleBook, RuleError, RuleFilter, RulePatch, Version, book::try_out,
    record::seen, store, trigger,
};
use audit::Entry;
use db::{Db, DbError, Found, Redaction, Scope, Tx};
use kernel::{Bounded, Call, Cursor, FieldFault, Page, PageError, PageRequest, RuleId};
use serde_json::Value;

/// Makes a rule.
///
/// # Errors
/// [`RuleError::Full`], [`RuleError::OutOfReach`], or the database's.
pub async fn create(db: &Db, who: &Bounded, definition: Definition) -> Result<Rule, RuleError> {
    let call = who.put_in(&definition.module_type, None)?;
    let mut tx = db.begin().await?;
    let outcome = create_in(&mut tx.scope(call.tenant()), call, definition).await;
    finish(tx, outcome).await
}

/// Makes a rule within the caller's transaction.
///
/// # Errors
/// As [`create`].
pub async fn create_in(
    scope: &mut Scope<'_>,
    call: &Call,
    definition: Definition,
) -> Result<Rule, RuleError> {
    let rule = Rule::new(RuleId::new(call.now, &*call.chance), definition, call.now);
    if !store::insert(scope, &rule).await? {
        return Err(RuleError::Full);
    }
    record(scope, call, None, &rule, Change::Created).await?;
    Ok(rule)
}

/// The rule with that id.
///
/// # Errors
/// [`RuleError::Unknown`], or the database's.
pub async fn get(db: &Db, who: &Bounded, id: &RuleId) -> Result<Rule, RuleError> {
    let mut lease = db.read().await?;
    let rule = store::get(&mut lease.scope(who.tenant())?, id).await?.ok_or(RuleError::Unknown)?;
    within(who, &rule)?;
    Ok(rule)
}

/// The call, for a rule that is there.
fn within<'a>(who: &'a Bounded, rule: &Rule) -> Result<&'a Call, RuleError> {
    Ok(who.at(&rule.definition.module_type, rule.id.as_str())?)
}

/// Rules in the order in which they were made.
///
/// # Errors
/// The database's.
pub async fn list(
    db: &Db,
    who: &Bounded,
    filter: &RuleFilter,
    page: &PageRequest,
) -> Result<Page<Rule>, RuleError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(who.tenant())?, who.bounds(), filter, page).await?;
    Ok(Page::cut(rows, page, |rule| rule.id.to_string()))
}

/// Gives a rule another definition. `expected` is the version that the caller saw, if it says so.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::Stale`], or the database's.
pub async fn replace(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    expected: Option<u32>,
    definition: Definition,
) -> Result<Rule, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (was, _) = present(&mut scope, who, id, expected).await?;
        save(&mut scope, who, was, definition, Change::Changed).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Changes some fields of a rule.
///
/// # Errors
/// [`RuleError::Invalid`] if the rule would be faulty; as [`replace`].
pub async fn patch(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    expected: Option<u32>,
    patch: RulePatch,
) -> Result<Rule, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (was, _) = present(&mut scope, who, id, expected).await?;
        let definition = patch.over(&was.definition)?;
        save(&mut scope, who, was, definition, Change::Changed).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Switches a rule on or off. One that is so already stays as it is, without a new version.
///
/// # Errors
/// As [`replace`].
pub async fn toggle(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    expected: Option<u32>,
    active: bool,
) -> Result<Rule, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (was, call) = present(&mut scope, who, id, expected).await?;
        let Some(rule) = was.clone().switched(active, call.now) else {
            return Ok(was);
        };
        store::update(&mut scope, &rule).await?;
        let change = if active { Change::Enabled } else { Change::Disabled };
        record(&mut scope, call, Some(&was), &rule, change).await?;
        Ok(rule)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Deletes a rule. Its versions stay, because events and jobs point at them.
///
/// # Errors
/// As [`replace`].
pub async fn delete(db: &Db, who: &Bounded, id: &RuleId, expected: Option<u32>) -> Result<(), RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (was, call) = present(&mut scope, who, id, expected).await?;
        store::delete(&mut scope, id).await?;
        let last = was.clone().redefined(was.definition.clone(), call.now);
        record(&mut scope, call, Some(&was), &last, Change::Deleted).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// A rule's versions, the newest first.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::Invalid`] for a cursor of another list, or the database's.
pub async fn versions(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    page: &PageRequest,
) -> Result<Page<Version>, RuleError> {
    let before = match page.after.as_ref().map(Cursor::key) {
        None => i64::MAX,
        Some(key) => key.parse().map_err(|_| vec![FieldFault::new("cursor", PageError::Cursor)])?,
    };
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let rule = store::get(&mut scope, id).await?.ok_or(RuleError::Unknown)?;
    within(who, &rule)?;
    let rows = store::versions(&mut scope, id, before, page.probe()).await?;
    Ok(Page::cut(rows, page, |version| version.version.to_string()))
}

/// Brings back what a rule said at an earlier version, as its next version.
///
/// # Errors
/// [`RuleError::VersionUnknown`]; as [`patch`].
pub async fn rollback(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    expected: Option<u32>,
    to: u32,
) -> Result<Rule, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (was, _) = present(&mut scope, who, id, expected).await?;
        let earlier = store::version(&mut scope, id, to).await?;
        let earlier = earlier.ok_or(RuleError::VersionUnknown(to))?;
        // An empty patch checks what an earlier program accepted against what this one does.
        let definition = RulePatch::default().over(&earlier.definition)?;
        save(&mut scope, who, was, definition, Change::RolledBack).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// What a rule, active or not, would say to data of its trigger. Nothing is run or kept.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::Invalid`] if the data lacks what the trigger needs, or the database's.
pub async fn test(db: &Db, who: &Bounded, id: &RuleId, data: &Value) -> Result<Decision, RuleError> {
    let rule = get(db, who, id).await?;
    if let Ok(trigger) = trigger::find(&rule.definition.trigger_id) {
        trigger::check_payload(trigger, data)?;
    }
    Ok(try_out(&rule, data))
}

/// The tenant's revision of its rules: a book that was loaded at another one is out of date.
///
/// # Errors
/// The database's.
pub async fn revision(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    store::revision(scope).await
}

/// The tenant's active rules, compiled, and the revision that they are of.
///
/// # Errors
/// The database's.
pub async fn load_book(scope: &mut Scope<'_>) -> Result<(i64, RuleBook), DbError> {
    // The revision comes first: if a rule changes between the two, the book is newer than it says and is loaded once more.
    let revision = store::revision(scope).await?;
    let rules = store::active(scope).await?;
    Ok((revision, RuleBook::new(&rules)))
}

/// Makes what was done stay, or takes it back; either way the connection is kept for the next.
async fn finish<T>(tx: Tx, outcome: Result<T, RuleError>) -> Result<T, RuleError> {
    match outcome {
        Ok(value) => tx.commit().await.map(|()| value).map_err(RuleError::from),
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}

/// The rule and the call for it, if it is still at the version that the caller saw.
async fn present<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    id: &RuleId,
    expected: Option<u32>,
) -> Result<(Rule, &'a Call), RuleError> {
    let rule = store::get(scope, id).await?.ok_or(RuleError::Unknown)?;
    let call = within(who, &rule)?;
    match expected {
        Some(version) if version != rule.version => Err(RuleError::Stale(rule.version)),
        Some(_) | None => Ok((rule, call)),
    }
}

/// Keeps a rule's new definition. A rule that moves to another module must be the caller's to change there too.
async fn save(
    scope: &mut Scope<'_>,
    who: &Bounded,
    was: Rule,
    definition: Definition,
    change: Change,
) -> Result<Rule, RuleError> {
    let call = who.put_in(&definition.module_type, Some(was.id.as_str()))?;
    let rule = was.clone().redefined(definition, call.now);
    store::update(scope, &rule).await?;
    record(scope, call, Some(&was), &rule, change).await?;
    Ok(rule)
}

/// Keeps the version, makes instances load the rules anew, and tells the audit.
async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    was: Option<&Rule>,
    rule: &Rule,
    change: Change,
) -> Result<(), DbError> {
    store::note_version(scope, rule, change, call.principal.actor.name()).await?;
    store::bump(scope).await?;
    let entry = Entry {
        action: match change {
            Change::Created => "rule.created",
            Change::Changed => "rule.changed",
            Change::Enabled => "rule.enabled",
            Change::Disabled => "rule.disabled",
            Change::RolledBack => "rule.rolled_back",
            Change::Deleted => "rule.deleted",
        },
        subject: rule.id.as_str(),
        before: was.map(seen),
        after: (change != Change::Deleted).then(|| seen(rule)),
    };
    audit::append(scope, call, &entry).await
}

/// Takes a person's address out of the rules within the caller's transaction, in the window of [`crate::REDACTIONS`] that
/// `redaction` found; instances load the rules anew.
///
/// # Errors
/// The database's; give the transaction up then.
pub async fn take_out(scope: &mut Scope<'_>, redaction: &Redaction, found: Found) -> Result<(), DbError> {
    if found.rows > 0 {
        redaction.take_out(scope, found).await?;
        store::bump(scope).await?;
    }
    Ok(())
}
