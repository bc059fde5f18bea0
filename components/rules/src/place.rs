//! Which rule does a path name? An id that does not read names nothing: the answer is the one for a missing rule.

use axum::extract::{FromRequestParts, Path};
use edge::Problem;
use http::request::Parts;
use kernel::RuleId;
use rules::RuleError;

/// The rule's id in the path.
pub(crate) struct Place(pub(crate) RuleId);

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = path.map_err(|_| RuleError::Unknown)?;
        text.parse().map(Self).map_err(|_| RuleError::Unknown.into())
    }
}
