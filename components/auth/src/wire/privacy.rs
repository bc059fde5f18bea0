//! How is what is held of a person said in JSON, and how far its erasure is?

use auth::Erasure;
use pipeline::privacy::Holdings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Where an export goes on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldingsQuery {
    /// The `next` of the page before.
    pub(crate) cursor: Option<String>,
}

/// Whose data these are.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonOut {
    id: String,
    email: String,
    name: String,
}

/// What is held of a person: a page of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoldingsOut {
    id: String,
    person: PersonOut,
    /// What there is, by what it is: `user`, `roles`, `sessions`, `api_keys`, `messages`, `audit` and whatever else is held.
    /// Without secrets.
    #[schema(value_type = Object)]
    sections: BTreeMap<&'static str, Vec<Box<RawValue>>>,
    /// For `cursor`, to get the next page; null at the end.
    next: Option<String>,
}

impl From<Holdings> for HoldingsOut {
    fn from(held: Holdings) -> Self {
        let raw = |items: Vec<String>| {
            items.into_iter().filter_map(|item| RawValue::from_string(item).ok()).collect()
        };
        Self {
            id: held.person.id.to_string(),
            person: PersonOut {
                id: held.person.id.to_string(),
                email: held.person.email,
                name: held.person.name,
            },
            sections: held.sections.into_iter().map(|(name, items)| (name, raw(items))).collect(),
            next: held.next,
        }
    }
}

/// That a person is to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EraseIn {
    /// The user's e-mail address, so that nobody is erased by a slip.
    #[schema(example = "ana@example.com")]
    pub(crate) confirm: String,
}

/// How far the erasure of a person is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureOut {
    /// The id that stays as a pseudonym.
    id: String,
    /// `running`, or `done` when all is gone.
    state: &'static str,
    /// What it is at; null when it has not begun, or is done.
    stage: Option<String>,
    /// How many of what were erased so far.
    #[schema(value_type = Object)]
    counts: Map<String, Value>,
    /// The job that does it.
    job_id: String,
    requested_by: String,
    requested_at: String,
    ended_at: Option<String>,
}

impl From<Erasure> for ErasureOut {
    fn from(erasure: Erasure) -> Self {
        Self {
            id: erasure.user.to_string(),
            state: erasure.state.as_str(),
            stage: Some(erasure.stage).filter(|stage| !stage.is_empty()),
            counts: erasure.counts,
            job_id: erasure.job,
            requested_by: erasure.requested_by,
            requested_at: erasure.requested_at.to_string(),
            ended_at: erasure.ended_at.map(|at| at.to_string()),
        }
    }
}
