//! What do people do with files of rules? Take rules out, and bring them in: all of a file or nothing, in one transaction, each
//! change a version and a row of the audit.

mod plan;

use super::{finish, triggers};
use crate::{
    Catalogue, Definition, Format, LARGEST_FILE, Line, MOST_IN_FILE, MOST_RULES, Module, Origin, Rule,
    RuleError, RuleFile, RuleFilter, Trigger, file, limit, store,
};
use db::{Db, Scope};
use kernel::{Bounded, FieldFault, RuleId};
use plan::{Beside, Planned};

/// What an import does with rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Makes those that are not there and changes those that are.
    #[default]
    Upsert,
    /// Makes rules; one that is there already is a fault.
    CreateOnly,
    /// As upsert, and deletes those that are not in the file: of the label and module that the import names, if it does.
    ReplaceAll,
}

impl Mode {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Upsert, Self::CreateOnly, Self::ReplaceAll];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::CreateOnly => "create_only",
            Self::ReplaceAll => "replace_all",
        }
    }
}

/// The text names no mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be upsert, create_only or replace_all")]
pub struct UnknownMode;

impl std::str::FromStr for Mode {
    type Err = UnknownMode;
    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == text).ok_or(UnknownMode)
    }
}

/// How a file is brought in.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// What is done with rules.
    pub mode: Mode,
    /// Whether it is only told what would be done.
    pub dry_run: bool,
    /// Of which module and label rules are deleted that the file does not have, with [`Mode::ReplaceAll`].
    pub within: RuleFilter,
    /// Why; stands in the versions.
    pub note: Option<String>,
}

/// What became, or would become, of something in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It was made.
    Created,
    /// It was changed.
    Changed,
    /// It is as the file says.
    Unchanged,
    /// It is not in the file, and is gone.
    Deleted,
}

impl Became {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
        }
    }
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its key.
    pub key: String,
    /// Its id; `None` for one that would be made.
    pub id: Option<RuleId>,
    /// Its version now, or the one that it would have.
    pub version: u32,
    /// What became of it.
    pub became: Became,
    /// What changed, line by line.
    pub lines: Vec<Line>,
    /// What may be a mistake and is no fault.
    pub warnings: Vec<FieldFault>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Modules by name.
    pub modules: Vec<(String, Became)>,
    /// Triggers by name.
    pub triggers: Vec<(String, Became)>,
    /// Rules in the order of the file; behind them those that are gone.
    pub rules: Vec<Told>,
    /// What else to look at.
    pub warnings: Vec<FieldFault>,
}

/// The rules of a filter as a file, by their keys, with what of the tenant's own they stand on.
///
/// # Errors
/// [`RuleError::ExportTooLarge`], or the database's.
pub async fn export(
    db: &Db,
    who: &Bounded,
    filter: &RuleFilter,
    ids: Option<&[RuleId]>,
    format: Format,
) -> Result<String, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let most = i64::try_from(MOST_IN_FILE).unwrap_or(i64::MAX);
    let rules = store::many::by_key(&mut scope, who.bounds(), filter, ids, most.saturating_add(1)).await?;
    if rules.len() > MOST_IN_FILE {
        return Err(RuleError::ExportTooLarge);
    }
    let catalogue = triggers::catalogue(&mut scope).await?;
    let modules = store::trigger::modules(&mut scope).await?;
    let text = written(&rules, &catalogue, modules, format);
    if text.len() > LARGEST_FILE { Err(RuleError::ExportTooLarge) } else { Ok(text) }
}

fn written(rules: &[Rule], catalogue: &Catalogue, modules: Vec<Module>, format: Format) -> String {
    let uses = |trigger: &Trigger| rules.iter().any(|rule| rule.definition.uses_trigger(&trigger.trigger_id));
    let mut triggers: Vec<&Trigger> = catalogue
        .all()
        .map(|trigger| &**trigger)
        .filter(|one| one.origin == Origin::Own && uses(one))
        .collect();
    triggers.sort_by_key(|trigger| &trigger.trigger_id);
    let named = |module: &Module| triggers.iter().any(|trigger| *trigger.module_type == *module.module_type);
    let modules: Vec<Module> = modules.into_iter().filter(named).collect();
    let rules: Vec<&Definition> = rules.iter().map(|rule| &rule.definition).collect();
    format.write(&file::said(&modules, &triggers, &rules))
}

/// Brings a file in. `over_triggers` is the same caller as far as they may change triggers.
///
/// # Errors
/// [`RuleError::Invalid`] with every faulty field of every rule, [`RuleError::InUse`] if a trigger would break rules,
/// [`RuleError::Full`], [`RuleError::OutOfReach`], or the database's; then nothing was changed.
pub async fn import(
    db: &Db,
    who: &Bounded,
    over_triggers: &Bounded,
    file: RuleFile,
    how: &Import,
) -> Result<Imported, RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = import_in(&mut scope, who, over_triggers, file, how);
    let outcome = work.await;
    if how.dry_run {
        tx.rollback().await?;
        return outcome;
    }
    finish(tx, outcome).await
}

async fn import_in(
    scope: &mut Scope<'_>,
    who: &Bounded,
    over_triggers: &Bounded,
    file: RuleFile,
    how: &Import,
) -> Result<Imported, RuleError> {
    let before = triggers::catalogue(scope).await?;
    let beside = Beside::plan(&file, before, over_triggers)?;
    let planned = Planned::plan(scope, who, &file, &beside, how).await?;
    let count = store::count(scope).await?;
    let more = i64::try_from(planned.created.len()).unwrap_or(i64::MAX);
    let less = i64::try_from(planned.deleted.len()).unwrap_or(i64::MAX);
    let after = count.saturating_add(more).saturating_sub(less);
    if more > 0 && after > i64::from(MOST_RULES) {
        return Err(RuleError::Full);
    }
    beside.keep(scope, over_triggers, how.note.as_deref()).await?;
    planned.keep(scope, how.note.as_deref()).await?;
    beside.must_not_break(scope).await?;
    let warnings = limit::near_full(after).filter(|_| more > 0);
    Ok(Imported {
        modules: beside.modules_told(),
        triggers: beside.triggers_told(),
        rules: planned.told(&beside.catalogue, how.dry_run),
        warnings: warnings.into_iter().collect(),
    })
}
