//! Which resource does a path name? An id that does not read names nothing: the answer is the one for a missing thing.

use axum::extract::{FromRequestParts, Path};
use edge::Problem;
use http::request::Parts;
use kernel::{ChannelId, MessageId};
use notifications::NotificationError;
use std::str::FromStr;

/// Something that a path names by its id.
pub(crate) trait Named: FromStr {
    /// That there is no such thing.
    fn missing() -> NotificationError;
}

impl Named for ChannelId {
    fn missing() -> NotificationError {
        NotificationError::ChannelUnknown
    }
}

impl Named for MessageId {
    fn missing() -> NotificationError {
        NotificationError::MessageUnknown
    }
}

/// The id in the path.
pub(crate) struct Place<T>(pub(crate) T);

impl<T: Named + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| T::missing())?;
        text.parse().map(Self).map_err(|_| T::missing().into())
    }
}
