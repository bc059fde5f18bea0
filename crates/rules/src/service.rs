//! What do people do with rules? Make, change, switch, delete, bring back and try them. Every change is one transaction:
//! the rule, its version, the tenant's revision and the audit. The caller's permission may reach one module or one rule only:
//! the call is had by naming the rule's.

pub mod analysis;
pub mod backtest;
pub mod files;
mod history;
pub mod recall;
pub mod recipes;
pub mod shadow;
mod trial;
pub mod triggers;

pub use history::{diff, editor, rollback, version, versions};
pub use trial::{Circumstances, Trial};

use crate::{
    Catalogue, Change, Decision, Definition, Draft, Limit, Origin, Rule, RuleBook, RuleError, RuleFilter,
    RulePatch, decision::try_out, limit, record::seen, store,
};
use audit::Entry;
use chrono_tz::Tz;
use db::{Db, DbError, Found, Redaction, Scope, Tx};
use kernel::{Bounded, Call, FieldFault, Page, PageRequest, RuleId};
use language::{Facts, Moment};

/// How often a free key is looked for beside one that is taken.
const MOST_SUFFIXES: usize = 1_000;

/// A rule with what is found when it is read: it is saved all the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The rule.
    pub rule: Rule,
    /// What may be a mistake: names that the schema of the trigger does not know, a rule that can set itself off.
    pub warnings: Vec<FieldFault>,
    /// What its conditions cost at most, in units of [`language::MOST_COST`]; `None` if it cannot be read any more.
    pub cost: Option<u64>,
}

/// What rules stand on in a tenant.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// The revision of its rules, triggers and zone: what was loaded at another one is out of date.
    pub revision: i64,
    /// Its time zone.
    pub zone: Tz,
}

/// Makes a rule.
///
/// # Errors
/// [`RuleError::Invalid`], [`RuleError::Full`], [`RuleError::OutOfReach`], or the database's.
pub async fn create(db: &Db, who: &Bounded, draft: Draft, note: Option<&str>) -> Result<Checked, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let catalogue = triggers::catalogue(&mut scope).await?;
        let definition = Definition::check(draft, &catalogue)?;
        let call = who.put_in(&definition.module_type, None)?;
        let rule = create_in(&mut scope, call, definition, Change::Created, note).await?;
        made(&mut scope, rule, &catalogue).await
    };
    let outcome = work.await;
    let saved = finish(tx, outcome).await?;
    Ok(analysis::with_findings(db, who.tenant(), saved).await)
}

/// Makes a rule within the caller's transaction.
///
/// # Errors
/// As [`create`].
pub async fn create_in(
    scope: &mut Scope<'_>,
    call: &Call,
    definition: Definition,
    change: Change,
    note: Option<&str>,
) -> Result<Rule, RuleError> {
    let id = RuleId::new(call.now, &*call.chance);
    let definition = with_free_key(scope, definition, &id).await?;
    let rule = Rule::new(id, definition, call.now);
    if !store::insert(scope, &rule).await? {
        return Err(RuleError::Full);
    }
    record(scope, call, None, &rule, change, note).await?;
    Ok(rule)
}

/// The rule with that id.
///
/// # Errors
/// [`RuleError::Unknown`], or the database's.
pub async fn get(db: &Db, who: &Bounded, id: &RuleId) -> Result<Checked, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let rule = seen_by(&mut scope, who, id).await?;
    Ok(checked(rule, &triggers::catalogue(&mut scope).await?))
}

async fn seen_by(scope: &mut Scope<'_>, who: &Bounded, id: &RuleId) -> Result<Rule, RuleError> {
    let rule = store::get(scope, id).await?.ok_or(RuleError::Unknown)?;
    within(who, &rule)?;
    Ok(rule)
}

/// The call, for a rule that is there.
fn within<'a>(who: &'a Bounded, rule: &Rule) -> Result<&'a Call, RuleError> {
    Ok(who.at(&rule.definition.module_type, rule.id.as_str())?)
}

/// A rule that was made just now: there may be many of them.
async fn made(scope: &mut Scope<'_>, rule: Rule, catalogue: &Catalogue) -> Result<Checked, RuleError> {
    let mut checked = checked(rule, catalogue);
    checked.warnings.extend(limit::near_full(store::count(scope).await?));
    Ok(checked)
}

fn checked(rule: Rule, catalogue: &Catalogue) -> Checked {
    let warnings = rule.definition.warnings(catalogue);
    let cost = rule.definition.cost(catalogue);
    Checked { rule, warnings, cost }
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

/// How much of each limit the tenant uses.
///
/// # Errors
/// The database's.
pub async fn limits(db: &Db, call: &Call) -> Result<Vec<Limit>, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let rules = store::count(&mut scope).await?;
    let triggers = triggers::load(&mut scope).await?.count(Origin::Own);
    let modules = store::trigger::modules(&mut scope).await?.len();
    Ok(vec![Limit::rules(rules), Limit::triggers(triggers), Limit::modules(modules)])
}

/// The rule with that id, if the caller may see it: for those who tell what came of it.
///
/// # Errors
/// [`RuleError::Unknown`], or the database's.
pub async fn seen_in(scope: &mut Scope<'_>, who: &Bounded, id: &RuleId) -> Result<Rule, RuleError> {
    seen_by(scope, who, id).await
}

/// Gives a rule another definition; its key stays unless the draft names one. `expected` is the version that the caller saw, if it
/// says so.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::Stale`], [`RuleError::Invalid`], or the database's.
pub async fn replace(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    expected: Option<u32>,
    draft: Draft,
    note: Option<&str>,
) -> Result<Checked, RuleError> {
    let redefine = |was: &Definition, catalogue: &Catalogue| {
        let key = draft.key.clone().or_else(|| Some(was.key.clone()));
        Definition::check(Draft { key, ..draft }, catalogue)
    };
    change(db, who, id, expected, Change::Changed, note, redefine).await
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
    note: Option<&str>,
) -> Result<Checked, RuleError> {
    let redefine = |was: &Definition, catalogue: &Catalogue| patch.over(was, catalogue);
    change(db, who, id, expected, Change::Changed, note, redefine).await
}

/// Gives a rule the definition that `redefine` makes of the one that it has.
async fn change(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    expected: Option<u32>,
    change: Change,
    note: Option<&str>,
    redefine: impl FnOnce(&Definition, &Catalogue) -> Result<Definition, Vec<FieldFault>> + Send,
) -> Result<Checked, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (was, _) = present(&mut scope, who, id, expected).await?;
        let catalogue = triggers::catalogue(&mut scope).await?;
        let definition = redefine(&was.definition, &catalogue)?;
        let rule = save(&mut scope, who, was, definition, change, note).await?;
        Ok(checked(rule, &catalogue))
    };
    let outcome = work.await;
    let saved = finish(tx, outcome).await?;
    Ok(analysis::with_findings(db, who.tenant(), saved).await)
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
    note: Option<&str>,
) -> Result<Checked, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (was, call) = present(&mut scope, who, id, expected).await?;
        let catalogue = triggers::catalogue(&mut scope).await?;
        let Some(rule) = was.clone().switched(active, call.now) else {
            return Ok(checked(was, &catalogue));
        };
        if active {
            // Triggers may have changed while it rested.
            rule.definition.compile(&catalogue)?;
        }
        store::update(&mut scope, &rule).await?;
        let change = if active { Change::Enabled } else { Change::Disabled };
        record(&mut scope, call, Some(&was), &rule, change, note).await?;
        Ok(checked(rule, &catalogue))
    };
    let outcome = work.await;
    let saved = finish(tx, outcome).await?;
    Ok(analysis::with_findings(db, who.tenant(), saved).await)
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
        record(&mut scope, call, Some(&was), &last, Change::Deleted, None).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// What a rule, active or not, would say to data of its trigger. Nothing is run or kept.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::Invalid`] if the data lacks what the trigger needs, or the database's.
pub async fn test(db: &Db, who: &Bounded, id: &RuleId, trial: &Trial) -> Result<Decision, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let rule = seen_by(&mut scope, who, id).await?;
    let call = within(who, &rule)?;
    tried(&mut scope, call, &rule, trial).await
}

/// What a rule that is not saved would say to data of its trigger.
///
/// # Errors
/// [`RuleError::Invalid`] if the rule or the data is faulty, [`RuleError::OutOfReach`], or the database's.
pub async fn test_draft(db: &Db, who: &Bounded, draft: Draft, trial: &Trial) -> Result<Decision, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let catalogue = triggers::catalogue(&mut scope).await?;
    let in_rule = |fault: FieldFault| FieldFault::new(format!("rule.{}", fault.field), fault.message);
    let definition = Definition::check(draft, &catalogue)
        .map_err(|faults| faults.into_iter().map(in_rule).collect::<Vec<_>>())?;
    let call = who.put_in(&definition.module_type, None)?;
    let rule = Rule::new(RuleId::new(call.now, &*call.chance), definition, call.now);
    tried(&mut scope, call, &rule, trial).await
}

async fn tried(
    scope: &mut Scope<'_>,
    call: &Call,
    rule: &Rule,
    trial: &Trial,
) -> Result<Decision, RuleError> {
    let catalogue = triggers::catalogue(scope).await?;
    let zone = grounds(scope).await?.zone;
    if let Ok(trigger) = catalogue.find(&rule.definition.trigger_id) {
        trigger.check(&trial.data)?;
    }
    let moment = Moment { now: trial.at.unwrap_or(call.now), zone };
    let occasion = trial.occasion(&rule.definition.trigger_id, call.principal.actor.name(), moment.now);
    let facts = Facts::new(&trial.data, trial.record.as_ref(), occasion, moment);
    Ok(try_out(rule, &catalogue, &facts))
}

/// What rules stand on in the tenant: one statement.
///
/// # Errors
/// The database's.
pub async fn grounds(scope: &mut Scope<'_>) -> Result<Grounds, DbError> {
    store::grounds(scope).await
}

/// Notes, within the caller's transaction, that events of the tenant meet something else from now on: whoever decides by what was
/// loaded before decides anew.
///
/// # Errors
/// The database's.
pub async fn moved(scope: &mut Scope<'_>) -> Result<(), DbError> {
    store::bump(scope).await
}

/// The tenant's active rules, compiled, its triggers, and what they stand on.
///
/// # Errors
/// The database's.
pub async fn load_book(scope: &mut Scope<'_>) -> Result<(Grounds, RuleBook, Catalogue), DbError> {
    // The revision comes first: if a rule changes between the two, the book is newer than it says and is loaded once more.
    let grounds = store::grounds(scope).await?;
    let catalogue = triggers::load(scope).await?;
    let (rules, shadows) = (store::active(scope).await?, store::shadow::all(scope).await?);
    Ok((grounds, RuleBook::with_shadows(&rules, &shadows, &catalogue), catalogue))
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
    note: Option<&str>,
) -> Result<Rule, RuleError> {
    let call = who.put_in(&definition.module_type, Some(was.id.as_str()))?;
    if definition.key != was.definition.key && is_taken(scope, &definition.key, &was.id).await? {
        return Err(key_taken());
    }
    let rule = was.clone().redefined(definition, call.now);
    store::update(scope, &rule).await?;
    record(scope, call, Some(&was), &rule, change, note).await?;
    Ok(rule)
}

fn key_taken() -> RuleError {
    RuleError::Invalid(vec![FieldFault::new("key", "is that of another rule; each has its own")])
}

async fn is_taken(scope: &mut Scope<'_>, key: &str, id: &RuleId) -> Result<bool, DbError> {
    Ok(store::keys_like(scope, key, id).await?.iter().any(|taken| taken == key))
}

/// The definition with a key that no other rule has. One that was made of the name gets a number behind it.
async fn with_free_key(
    scope: &mut Scope<'_>,
    definition: Definition,
    id: &RuleId,
) -> Result<Definition, RuleError> {
    let taken = store::keys_like(scope, &definition.key, id).await?;
    if !taken.contains(&definition.key) {
        return Ok(definition);
    }
    if !definition.has_plain_key() {
        return Err(key_taken());
    }
    let free = (2..MOST_SUFFIXES)
        .map(|number| format!("{}-{number}", definition.key))
        .find(|key| !taken.contains(key));
    Ok(Definition { key: free.ok_or_else(key_taken)?, ..definition })
}

/// Keeps the version, makes instances load the rules anew, and tells the audit.
async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    was: Option<&Rule>,
    rule: &Rule,
    change: Change,
    note: Option<&str>,
) -> Result<(), DbError> {
    store::note_version(scope, rule, change, note, call.principal.actor.name()).await?;
    store::bump(scope).await?;
    let entry = Entry {
        action: match change {
            Change::Created => "rule.created",
            Change::Changed => "rule.changed",
            Change::Enabled => "rule.enabled",
            Change::Disabled => "rule.disabled",
            Change::RolledBack => "rule.rolled_back",
            Change::Promoted => "rule.promoted",
            Change::Imported => "rule.imported",
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
