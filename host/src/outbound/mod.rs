//! What happens to a request that a component sends?
//!
//! It is checked against the component's allow list. A call to another component or to the application itself stays
//! inside the process; everything else goes to the network, where blocked addresses are refused after the name has been
//! resolved. Refusals are the same error codes that Spin gives.

mod allow;
mod client;
mod connect;
mod network;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};

use http::{Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

pub use allow::AllowList;
pub use client::Client;
pub use network::{BESIDE_PRIVATE, Blocked, Network};

/// The host name of the application itself, as Spin has it.
const ITSELF: &str = "self.alt";

/// The future of a response.
pub type Pending = Pin<Box<dyn Future<Output = Result<Response<WasiBody>, Error>> + Send>>;

/// Whoever can answer requests inside the process.
pub trait Inside: Send + Sync {
    /// Calls a component; `None` if there is none of this id.
    fn component(self: Arc<Self>, id: &str, request: Request<WasiBody>) -> Option<Pending>;
    /// Calls whatever component has the route.
    fn itself(self: Arc<Self>, request: Request<WasiBody>) -> Pending;
}

/// The application, once it is there.
pub type Application = Arc<OnceLock<Weak<dyn Inside>>>;

/// A component's way out.
#[derive(Clone)]
pub struct Outbound {
    /// Where the component may go.
    pub allowed: Arc<AllowList>,
    /// The way to the network.
    pub client: Arc<Client>,
    /// The way to other components.
    pub application: Application,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Outbound {
    async fn send(
        self,
        mut request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let uri = request.uri().clone();
        let itself = uri.authority().is_none_or(|authority| matches!(authority.host(), "" | ITSELF));
        let allowed = if itself { self.allowed.allows_itself() } else { self.allowed.allows(&uri) };
        if !allowed {
            tracing::warn!(
                host = uri.host().unwrap_or("self"),
                "A component's request was refused: allowed_outbound_hosts does not list its destination"
            );
            return Err(Error::HttpRequestDenied);
        }
        request.headers_mut().remove(http::header::HOST);
        let chained = allow::chained_component(&uri);
        if !itself && chained.is_none() {
            return self.client.send(request, options).await;
        }
        let Some(application) = self.application.get().and_then(Weak::upgrade) else {
            return Err(Error::DestinationUnavailable);
        };
        match chained {
            Some(id) => application.component(id, request).ok_or(Error::DestinationNotFound)?.await,
            None => application.itself(request).await,
        }
    }
}

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _trouble_of_the_reader: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let sent = self.clone().send(request, options.unwrap_or_default());
        Box::new(async move {
            let response = sent.await?;
            let body_ended: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(std::future::ready(Ok(())));
            Ok((response, body_ended))
        })
    }
}
