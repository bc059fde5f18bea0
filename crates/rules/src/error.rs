//! What can go wrong when somebody works with rules?

use crate::{file::MOST_IN_FILE, rule::MOST_RULES};
use db::DbError;
use kernel::{Fault, FieldFault, Kind, OutOfReach, Permission, Span};

/// A fault of the rules area.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// There is no such rule in this tenant.
    #[error(
        "There is no rule with that id here. It may have been deleted; the list of rules shows those that exist."
    )]
    Unknown,
    /// The rule never had that version.
    #[error("The rule has no version {0}. Its list of versions shows those that exist.")]
    VersionUnknown(u32),
    /// Fields of the rule, or of the data to test it with, are faulty.
    #[error("The request has faulty fields: correct them and send it again.")]
    Invalid(Vec<FieldFault>),
    /// The rule was changed since the caller read it.
    #[error(
        "The rule was changed since you read it; it is at version {0} now. Read it again, then repeat your change."
    )]
    Stale(u32),
    /// There is no such trigger of the tenant's own.
    #[error(
        "The tenant has no trigger of its own of that name. The list of triggers shows those that it has."
    )]
    TriggerUnknown,
    /// The trigger is not the caller's to change: every tenant has it, or it belongs to a type of records.
    #[error("The trigger {0:?} cannot be changed here: {1}.")]
    TriggerFixed(String, &'static str),
    /// There is a trigger or module of that name.
    #[error("There is a {0} called {1:?} already. Choose another name, or change that one.")]
    NameTaken(&'static str, String),
    /// Rules would no longer hold.
    #[error(
        "{0} would break rules that use it; `details` names each. Change these rules first, or leave what they use as it is."
    )]
    InUse(String, Vec<FieldFault>),
    /// There is no such module of the tenant's own.
    #[error("The tenant has no module of its own called {0:?}.")]
    ModuleUnknown(String),
    /// The tenant has as many as it may have.
    #[error("The tenant has {0} {1}, the most that it may have. Delete those that are no longer needed.")]
    TooMany(usize, &'static str),
    /// The tenant has as many rules as it may have.
    #[error(
        "The tenant has {MOST_RULES} rules, the most that it may have. Delete rules that are no longer needed."
    )]
    Full,
    /// More rules than one file may hold.
    #[error(
        "These rules do not fit into one file: at most {MOST_IN_FILE} rules and 1 MiB. Take them out in parts, by module_type, label or ids."
    )]
    ExportTooLarge,
    /// There is no such recipe.
    #[error("There is no recipe called {0:?}. GET /api/v1/automation/recipes lists those that there are.")]
    RecipeUnknown(String),
    /// The caller may see the rule, or its module, but not do this there.
    #[error("Your permission {0} does not reach this rule or its module. Ask somebody who manages access.")]
    OutOfReach(Permission),
    /// There is no such backtest.
    #[error(
        "There is no backtest with that id here. Reports are kept for 30 days; run it again to have another."
    )]
    BacktestUnknown,
    /// As many backtests are under way as may be.
    #[error(
        "{0} backtests of the tenant are under way, the most at a time. Wait for one to end, or take one away."
    )]
    BacktestsUnderWay(u32),
    /// Nothing runs beside the rule.
    #[error("The rule has no shadow. PUT one to try a version beside it on live events.")]
    ShadowUnknown,
    /// A shadow is not ready to be promoted.
    #[error(
        "The shadow differed from its rule at {diverged} of {events} events; to promote it, at least {least} events are wanted and \
         a difference at no more than {allowed} in a million. Look at `latest`, then wait, change the shadow, or allow more."
    )]
    ShadowDiverges {
        /// At how many events they differed.
        diverged: u64,
        /// Of how many.
        events: u64,
        /// How many events are wanted.
        least: u64,
        /// How many in a million may differ.
        allowed: u32,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<OutOfReach> for RuleError {
    fn from(fault: OutOfReach) -> Self {
        match fault {
            OutOfReach::Unseen => Self::Unknown,
            OutOfReach::Lacks(permission) => Self::OutOfReach(permission),
        }
    }
}

impl From<Vec<FieldFault>> for RuleError {
    fn from(faults: Vec<FieldFault>) -> Self {
        Self::Invalid(faults)
    }
}

impl RuleError {
    /// There is no recipe of that id, which anybody may have written.
    #[must_use]
    pub fn recipe_unknown(id: &str) -> Self {
        Self::RecipeUnknown(id.chars().take(100).collect())
    }
}

impl Fault for RuleError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown
            | Self::VersionUnknown(_)
            | Self::TriggerUnknown
            | Self::ModuleUnknown(_)
            | Self::RecipeUnknown(_)
            | Self::ShadowUnknown
            | Self::BacktestUnknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::Stale(_) => Kind::Stale,
            Self::NameTaken(..)
            | Self::InUse(..)
            | Self::BacktestsUnderWay(_)
            | Self::ShadowDiverges { .. } => Kind::Conflict,
            Self::Full | Self::TooMany(..) | Self::TriggerFixed(..) | Self::ExportTooLarge => {
                Kind::Unprocessable
            }
            Self::OutOfReach(_) => Kind::Forbidden,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown
            | Self::VersionUnknown(_)
            | Self::TriggerUnknown
            | Self::ModuleUnknown(_)
            | Self::RecipeUnknown(_)
            | Self::ShadowUnknown
            | Self::BacktestUnknown => "NOT_FOUND",
            Self::ShadowDiverges { .. } => "SHADOW_DIVERGES",
            Self::BacktestsUnderWay(_) => "BACKTESTS_UNDER_WAY",
            Self::ExportTooLarge => "EXPORT_TOO_LARGE",
            Self::TriggerFixed(..) => "TRIGGER_FIXED",
            Self::NameTaken(..) => "NAME_TAKEN",
            Self::InUse(..) => "IN_USE",
            Self::TooMany(..) => "LIMIT_REACHED",
            Self::Invalid(_) => "VALIDATION_ERROR",
            Self::Stale(_) => "PRECONDITION_FAILED",
            Self::Full => "RULE_LIMIT",
            Self::OutOfReach(_) => "OUT_OF_REACH",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Invalid(faults) | Self::InUse(_, faults) => faults,
            Self::Unknown
            | Self::VersionUnknown(_)
            | Self::TriggerUnknown
            | Self::TriggerFixed(..)
            | Self::NameTaken(..)
            | Self::ModuleUnknown(_)
            | Self::RecipeUnknown(_)
            | Self::ExportTooLarge
            | Self::TooMany(..)
            | Self::Stale(_)
            | Self::Full
            | Self::OutOfReach(_)
            | Self::BacktestUnknown
            | Self::BacktestsUnderWay(_)
            | Self::ShadowUnknown
            | Self::ShadowDiverges { .. }
            | Self::Db(_) => &[],
        }
    }

    fn lacks(&self) -> Option<Permission> {
        if let Self::OutOfReach(permission) = self { Some(*permission) } else { None }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Db(error) => error.retry_after(),
            Self::BacktestsUnderWay(_) => Some(Span::seconds(5)),
            Self::Unknown
            | Self::VersionUnknown(_)
            | Self::TriggerUnknown
            | Self::TriggerFixed(..)
            | Self::NameTaken(..)
            | Self::InUse(..)
            | Self::ModuleUnknown(_)
            | Self::RecipeUnknown(_)
            | Self::ExportTooLarge
            | Self::TooMany(..)
            | Self::Invalid(_)
            | Self::Stale(_)
            | Self::Full
            | Self::BacktestUnknown
            | Self::ShadowUnknown
            | Self::ShadowDiverges { .. }
            | Self::OutOfReach(_) => None,
        }
    }
}
