//! Which JSON stands for the versions of a rule?

use super::rule::DefinitionOut;
use rules::Version;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which version is to be brought back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackIn {
    /// Its number.
    #[schema(example = 1)]
    pub(crate) version: u32,
    /// Why; stands in the version. At most 500 characters.
    pub(crate) note: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct PageQuery {
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

/// A version of a rule: what it said after a change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionOut {
    /// Its number.
    version: u32,
    /// What made it: `created`, `changed`, `enabled`, `disabled`, `rolled_back`, `promoted`, `imported` or `deleted`.
    change: &'static str,
    /// Who made the change: the id of a user or an API key, or `system`.
    changed_by: String,
    /// When.
    changed_at: String,
    /// Why, if they said so.
    note: Option<String>,
    #[serde(flatten)]
    says: DefinitionOut,
}

impl From<Version> for VersionOut {
    fn from(version: Version) -> Self {
        Self {
            version: version.version,
            change: version.change.as_str(),
            changed_by: version.changed_by,
            changed_at: version.changed_at.to_string(),
            note: version.note,
            says: version.definition.into(),
        }
    }
}
