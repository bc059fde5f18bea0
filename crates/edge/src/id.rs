//! Which resource does a path name? An id that does not read names nothing: the answer is the one for a missing thing.

use crate::{Problem, Unspecific};
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use kernel::Identifier;

/// The id in the path.
#[derive(Debug, Clone)]
pub struct Id<T>(pub T);

impl<T: Identifier + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let missing = || Problem::from(Unspecific::NotFound(T::NOUN));
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}
