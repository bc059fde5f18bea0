//! Which JSON stands for what changed in a rule?

use edge::Problem;
use kernel::Fields;
use rules::{Difference, Line};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which versions are to be compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// The number of the earlier version.
    #[param(value_type = u32, required = true)]
    from: Option<String>,
    /// The number of the later version; the present one unless named.
    #[param(value_type = Option<u32>)]
    to: Option<String>,
}

impl DiffQuery {
    /// The numbers of both.
    pub(crate) fn wanted(&self) -> Result<(u32, Option<u32>), Problem> {
        let mut fields = Fields::new();
        let mut number = |name: &str, text: &str| {
            fields.take(name, text.parse::<u32>().map_err(|_| "must be the number of a version"))
        };
        let from = number("from", self.from.as_deref().unwrap_or_default());
        let to = self.to.as_deref().and_then(|to| number("to", to));
        fields.give(from.map(|from| (from, to))).map_err(Problem::fields)
    }
}

/// One change, for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineOut {
    /// Where it is in the later version, or was in the earlier.
    #[schema(example = "conditions[1].value")]
    path: String,
    /// What changed.
    #[schema(example = "condition 2: value 10000 → 12000")]
    text: String,
    /// What was there; null if nothing was.
    #[schema(value_type = Object)]
    was: Option<Value>,
    /// What is there; null if nothing is.
    #[schema(value_type = Object)]
    is: Option<Value>,
}

impl From<Line> for LineOut {
    fn from(line: Line) -> Self {
        Self { path: line.path, text: line.text, was: line.was, is: line.is }
    }
}

/// What changed between two versions of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffOut {
    /// The earlier version.
    from: u32,
    /// The later version.
    to: u32,
    /// The operations of a JSON Patch (RFC 6902) that make the later of the earlier. Headers and what else lets somebody in
    /// elsewhere are masked.
    #[schema(value_type = Vec<Object>)]
    patch: Value,
    /// A line for each change.
    changes: Vec<LineOut>,
}

impl DiffOut {
    pub(crate) fn of(from: u32, to: u32, difference: Difference) -> Self {
        let changes = difference.lines.into_iter().map(LineOut::from).collect();
        Self { from, to, patch: difference.patch, changes }
    }
}
