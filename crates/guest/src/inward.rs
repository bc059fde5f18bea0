//! How does one component call another? By service chaining, `http://<component>.spin.internal/…`, never over the net.

use bytes::Bytes;
use http::{HeaderName, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use kernel::Secret;
use spin_sdk::wasip3::{
    http::client,
    http_compat::{http_from_wasi_response, http_into_wasi_request},
};

/// What a component answered.
#[derive(Debug, Clone)]
pub struct Inward {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Calls `path` of `component`, showing the internal token if one is given.
///
/// # Errors
/// The runtime's words for what failed.
pub async fn call(
    component: &str,
    method: Method,
    path: &str,
    token: Option<&Secret<String>>,
    headers: &[(HeaderName, String)],
) -> Result<Inward, String> {
    let mut request =
        Request::builder().method(method).uri(format!("http://{component}.spin.internal{path}"));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::new())).map_err(|error| error.to_string())?;
    let request = http_into_wasi_request(request).map_err(|error| error.to_string())?;
    let response = client::send(request).await.map_err(|error| error.to_string())?;
    let response = http_from_wasi_response(response).map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Inward { status, body })
}
