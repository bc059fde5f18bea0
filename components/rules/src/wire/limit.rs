//! Which JSON stands for limits, and how much of them is used?

use rules::{Limit, WARNS_AT};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

/// The limits of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitsOut {
    /// One for each kind of thing.
    pub(crate) limits: Vec<LimitOut>,
}

/// Something of which a tenant may have so many.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitOut {
    /// `rules`, `triggers` or `modules`: the latter two are those of its own.
    name: &'static str,
    /// How many there are.
    used: u64,
    /// How many there may be.
    most: u64,
    /// The share that is used: 0 to 1.
    #[schema(value_type = f64, example = 0.25)]
    share: Number,
    /// From which share on there is a warning.
    #[schema(value_type = f64, example = 0.8)]
    warns_at: Number,
    /// Whether there is one.
    is_near: bool,
    /// What to do about it.
    advice: &'static str,
}

/// So many thousandths as a number between 0 and 1, to the digit.
fn share(thousandths: u64) -> Number {
    let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
    Number::from_string_unchecked(format!("{whole}.{rest:03}"))
}

impl From<Limit> for LimitOut {
    fn from(limit: Limit) -> Self {
        Self {
            name: limit.name,
            used: limit.used,
            most: limit.most,
            share: share(limit.thousandths()),
            warns_at: share(WARNS_AT.saturating_mul(10)),
            is_near: limit.is_near(),
            advice: limit.advice,
        }
    }
}
