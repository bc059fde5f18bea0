//! How does a job's effect reach the outside? Through a port: one HTTP request out, one bounded answer back.

use futures::future::BoxFuture;
use kernel::Span;

/// The largest part of an answer that is kept, in bytes.
pub const ANSWER_LIMIT: usize = 8 * 1024;

/// A request to somebody outside.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    /// `GET`, `POST` …
    pub method: String,
    /// An absolute URL. It may carry a token: never log it.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the whole exchange may take.
    pub timeout: Span,
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Parcel").field("method", &self.method).finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The HTTP status.
    pub status: u16,
    /// Header names (lower case) and values that are text.
    pub headers: Vec<(String, String)>,
    /// The first [`ANSWER_LIMIT`] bytes of the body.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The runtime does not let us go there.
    #[error("the address is not allowed: it is private, or the operator's runtime blocks it")]
    Refused,
    /// The URL does not read.
    #[error("the URL does not read")]
    Unreadable,
    /// No answer in time.
    #[error("no complete answer came within {} s", .0.as_seconds_up())]
    TimedOut(Span),
    /// Name resolution, connection or TLS failed, or the connection broke.
    #[error("the connection failed: {0}")]
    Broken(String),
}

/// Carries parcels. Redirects are not followed.
pub trait Courier: Send + Sync {
    /// Sends one and waits for the answer.
    fn send(&self, parcel: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>>;
}
