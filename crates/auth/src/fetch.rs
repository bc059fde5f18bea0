//! How do we ask an identity provider? Through a port: one HTTP request out, one bounded answer back, and only to
//! addresses that a tenant may send us to.

use crate::connection::sound_address;
use futures::future::{BoxFuture, FutureExt as _, ready};
use http::{Request, Response};

/// The largest answer that is read, in bytes.
pub const FETCH_LIMIT: usize = 256 * 1024;
/// How long a whole exchange may take.
pub const FETCH_TIMEOUT: kernel::Span = kernel::Span::seconds(10);

/// Why nothing was fetched, in words for whoever set the connection up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfetched(pub String);

/// Fetches from outside. Redirects are not followed; an answer larger than [`FETCH_LIMIT`] or later than
/// [`FETCH_TIMEOUT`] is none.
pub trait Fetch: Send + Sync {
    /// Sends the request and waits for the whole answer.
    fn fetch(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, Unfetched>>;
}

/// A fetcher that goes nowhere but to public addresses over HTTPS, unless the operator allows others.
#[derive(Clone, Copy)]
pub(crate) struct Guarded<'a> {
    pub(crate) fetch: &'a dyn Fetch,
    pub(crate) allow_private: bool,
}

impl<'a> Guarded<'a> {
    pub(crate) fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'a, Result<Response<Vec<u8>>, Unfetched>> {
        match sound_address(&request.uri().to_string(), self.allow_private) {
            Ok(()) => self.fetch.fetch(request),
            Err(why) => ready(Err(Unfetched(format!("an address that it names {why}")))).boxed(),
        }
    }
}

impl<'c> openidconnect::AsyncHttpClient<'c> for Guarded<'_> {
    type Error = Unfetched;
    type Future = BoxFuture<'c, Result<Response<Vec<u8>>, Unfetched>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        self.send(request)
    }
}
