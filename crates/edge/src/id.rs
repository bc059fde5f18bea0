//! Which resource does a path name? An id that does not read names nothing: the answer is the one for a missing thing.

use crate::{Problem, Unspecific};
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use kernel::Identifier;

/// The id in the path.
#[derive(Debug, Clone)]
pub struct Id<T>(pub T);

/// The two ids in the path of a thing that belongs to another: of the other, and its own.
#[derive(Debug, Clone)]
pub struct Within<O, T>(pub O, pub T);

impl<T: Identifier + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let missing = || Problem::from(Unspecific::NotFound(T::NOUN));
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}

impl<O: Identifier + Send, T: Identifier + Send, S: Send + Sync> FromRequestParts<S> for Within<O, T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let missing = |noun| Problem::from(Unspecific::NotFound(noun));
        let Path((owner, own)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| missing(T::NOUN))?;
        let owner = owner.parse().map_err(|_| missing(O::NOUN))?;
        own.parse().map(|own| Self(owner, own)).map_err(|_| missing(T::NOUN))
    }
}

/// The id in the path, and the number of one of its versions. A number that does not read names nothing.
#[derive(Debug, Clone)]
pub struct Numbered<T>(pub T, pub u32);

impl<T: Identifier + Send, S: Send + Sync> FromRequestParts<S> for Numbered<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let missing = || Problem::from(Unspecific::NotFound(T::NOUN));
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((id, number)) = path.map_err(|_| missing())?;
        Ok(Self(id.parse().map_err(|_| missing())?, number.parse().map_err(|_| missing())?))
    }
}

/// A name in the path: of something that has no id.
#[derive(Debug, Clone)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|_| Unspecific::NotFound("resource").into())
    }
}
