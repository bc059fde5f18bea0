//! How does a version run beside a rule, and how does it take its place? Each change is one transaction, and makes instances load
//! the rules anew.

use super::{
    Checked, analysis, backtest::sees_events, checked, finish, present, save, seen_by, triggers, within,
};
use crate::{
    Change, Definition, Draft, MOST_SHADOWS, Rule, RuleError, RulePatch, Shadow, ShadowCounts, Shadowed,
    record::seen,
    store::{self, shadow as rows},
};
use audit::Entry;
use db::{AllTenants, Db, DbError, Scope};
use kernel::{Bounded, Call, FieldFault, RuleId, TenantId};
use serde_json::{Value, json};

/// What is to run beside a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Other {
    /// All of a rule.
    Draft(Box<Draft>),
    /// The rule with some fields changed.
    Changes(Box<RulePatch>),
}

/// When a shadow may take its rule's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// At how many of a million events it may have differed.
    pub allowed: u32,
    /// How many events it must have been asked about.
    pub least: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { allowed: 1_000, least: 100 }
    }
}

/// Sets up what runs beside a rule, in place of what did so before; what was counted begins anew.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::Invalid`], [`RuleError::TooMany`], [`RuleError::OutOfReach`], or the database's.
pub async fn put(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    other: Other,
    note: Option<String>,
) -> Result<(Shadow, ShadowCounts), RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (live, call) = present(&mut scope, who, id, None).await?;
        let definition = defined(&mut scope, &live, other).await?;
        if definition.trigger_id != live.definition.trigger_id {
            let message = "must be that of the rule: both are asked about the same events";
            return Err(RuleError::Invalid(vec![FieldFault::new("trigger_id", message)]));
        }
        let shadow = Shadow {
            rule: Rule { definition, ..live },
            shadow_id: RuleId::new(call.now, &*call.chance),
            note,
            requested_by: call.principal.actor.name().to_owned(),
            since: call.now,
        };
        rows::delete(&mut scope, id).await?;
        if !rows::insert(&mut scope, &shadow).await? {
            return Err(RuleError::TooMany(usize::try_from(MOST_SHADOWS).unwrap_or_default(), "shadows"));
        }
        moved(&mut scope, call, "rule.shadowed", id, None, Some(seen(&shadow.rule))).await?;
        Ok((shadow, ShadowCounts { latest: json!([]), ..ShadowCounts::default() }))
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

async fn defined(scope: &mut Scope<'_>, live: &Rule, other: Other) -> Result<Definition, RuleError> {
    let catalogue = triggers::catalogue(scope).await?;
    let read = match other {
        Other::Draft(draft) => {
            let draft = Draft { key: Some(live.definition.key.clone()), ..*draft };
            Definition::check(draft, &catalogue)
        }
        Other::Changes(patch) => {
            let patch = RulePatch { key: None, ..*patch };
            patch.over(&live.definition, &catalogue)
        }
    };
    Ok(read?)
}

/// What runs beside a rule, and how it stood to it so far.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::ShadowUnknown`], [`RuleError::OutOfReach`], or the database's.
pub async fn get(db: &Db, who: &Bounded, id: &RuleId) -> Result<(Shadow, ShadowCounts), RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let rule = seen_by(&mut scope, who, id).await?;
    sees_events(within(who, &rule)?, &rule.definition.module_type)?;
    let shadow = rows::get(&mut scope, id).await?.ok_or(RuleError::ShadowUnknown)?;
    Ok((shadow, rows::counts(&mut scope, id).await?))
}

/// Takes away what runs beside a rule.
///
/// # Errors
/// As [`get`].
pub async fn delete(db: &Db, who: &Bounded, id: &RuleId) -> Result<(), RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (_, call) = present(&mut scope, who, id, None).await?;
        let shadow = rows::get(&mut scope, id).await?.ok_or(RuleError::ShadowUnknown)?;
        rows::delete(&mut scope, id).await?;
        moved(&mut scope, call, "rule.unshadowed", id, Some(seen(&shadow.rule)), None).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Makes what runs beside a rule its next version, if it stood to it as the terms say; nothing runs beside it then.
///
/// # Errors
/// [`RuleError::ShadowDiverges`]; [`RuleError::Stale`] if the rule was changed since the shadow was set up and `expected` does not
/// name its version; as [`get`], and as [`super::replace`].
pub async fn promote(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    expected: Option<u32>,
    terms: Terms,
    note: Option<&str>,
) -> Result<Checked, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let (was, _) = present(&mut scope, who, id, expected).await?;
        let shadow = rows::get(&mut scope, id).await?.ok_or(RuleError::ShadowUnknown)?;
        let counts = rows::counts(&mut scope, id).await?;
        meets(&counts, terms)?;
        // The shadow was made of the rule as it was then: what was changed since would be lost, unless that is meant.
        if expected.is_none() && shadow.rule.version != was.version {
            return Err(RuleError::Stale(was.version));
        }
        let catalogue = triggers::catalogue(&mut scope).await?;
        // It is checked anew: triggers may have changed since.
        let key = Some(was.definition.key.clone());
        let definition = Definition::check(Draft { key, ..shadow.rule.definition.draft() }, &catalogue)?;
        rows::delete(&mut scope, id).await?;
        let rule = save(&mut scope, who, was, definition, Change::Promoted, note).await?;
        Ok(checked(rule, &catalogue))
    };
    let outcome = work.await;
    let saved = finish(tx, outcome).await?;
    Ok(analysis::with_findings(db, who.tenant(), saved).await)
}

fn meets(counts: &ShadowCounts, terms: Terms) -> Result<(), RuleError> {
    let (diverged, events) = (counts.diverged(), counts.events);
    let is_within = diverged.saturating_mul(1_000_000) <= events.saturating_mul(terms.allowed.into());
    if events >= terms.least && is_within {
        return Ok(());
    }
    Err(RuleError::ShadowDiverges { diverged, events, least: terms.least, allowed: terms.allowed })
}

/// Makes instances load the rules anew, and tells the audit.
async fn moved(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &'static str,
    id: &RuleId,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), DbError> {
    store::bump(scope).await?;
    audit::append(scope, call, &Entry { action, subject: id.as_str(), before, after }).await
}

/// Counts what shadows said to events that are being written, the oldest first: one statement.
///
/// # Errors
/// [`DbError`].
pub async fn count(all: &mut AllTenants<'_>, said: &[(&TenantId, &Shadowed)]) -> Result<(), DbError> {
    rows::count(all, said).await
}
