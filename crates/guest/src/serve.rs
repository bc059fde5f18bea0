//! How does a request of Spin's become one of ours, and the answer one of Spin's?
//!
//! Spin sets no TCP_NODELAY, so an answer that leaves in two segments waits 40 ms for the client's delayed
//! acknowledgement. Hence two habits: `Content-Length` on every answer whose length is known, and one yield between
//! making the response and returning it, so that the body is being written when the head leaves.

use crate::Standing;
use axum::{Router, body::Body};
use bytes::{Bytes, BytesMut};
use edge::World;
use http::{HeaderValue, Response, header};
use send_wrapper::SendWrapper;
use spin_sdk::wasip3::{
    http::types::{ErrorCode, Request as WasiRequest, Response as WasiResponse},
    http_compat::{http_from_wasi_request, http_into_wasi_response},
    wit_bindgen,
};
use std::sync::Arc;

/// Answers one request with the component's routes.
///
/// # Errors
/// Only what Spin must know: a request that cannot be read at all.
pub async fn serve(
    request: WasiRequest,
    routes: fn(&Arc<World>) -> Router,
) -> Result<WasiResponse, ErrorCode> {
    let (parts, body) = http_from_wasi_request(request)?.into_parts();
    let response = match Standing::get(routes).await {
        Ok(standing) => {
            let body = read(body, edge::body_limit(&parts)).await?;
            SendWrapper::new(edge::answer(&standing.world, &standing.router, parts, body)).await
        }
        Err(error) => {
            edge::log::warning(&format!("this component cannot serve: {error}"));
            edge::not_configured()
        }
    };
    let response = http_into_wasi_response(with_length(response))?;
    wit_bindgen::yield_async().await;
    Ok(response)
}

/// The whole body, or `None` if it is larger than the limit; the rest is not read.
async fn read<B>(body: B, limit: usize) -> Result<Option<Bytes>, ErrorCode>
where
    B: http_body_util::BodyExt<Data = Bytes, Error = ErrorCode> + Unpin,
{
    let mut body = body;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if whole.len().saturating_add(data.len()) > limit {
                return Ok(None);
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(Some(whole.freeze()))
}

fn with_length(mut response: Response<Body>) -> Response<Body> {
    use axum::body::HttpBody as _;
    if let Some(length) = response.body().size_hint().exact()
        && (length > 0 || !matches!(response.status().as_u16(), 204 | 304))
    {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}
