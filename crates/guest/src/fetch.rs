//! How is an identity provider asked? By `wasi:http`'s client, with a limit on time and on what is read back.

use crate::courier::lost;
use auth::{FETCH_LIMIT, FETCH_TIMEOUT, Fetch, Unfetched};
use bytes::Bytes;
use futures::{
    future::{BoxFuture, Either, FutureExt as _, select},
    pin_mut,
};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use send_wrapper::SendWrapper;
use spin_sdk::wasip3::{
    http::{client, types::ErrorCode},
    http_compat::{http_from_wasi_response, http_into_wasi_request},
};
use std::time::Duration;

/// Fetches by Spin's outbound HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinFetch;

impl Fetch for SpinFetch {
    fn fetch(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, Unfetched>> {
        let work = async move {
            let exchange = exchange(request);
            let alarm = crate::nap(Duration::from_millis(FETCH_TIMEOUT.as_millis().max(0).unsigned_abs()));
            pin_mut!(exchange, alarm);
            match select(exchange, alarm).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(((), _)) => Err(Unfetched(format!(
                    "no complete answer came within {} s",
                    FETCH_TIMEOUT.as_seconds_up()
                ))),
            }
        };
        SendWrapper::new(work).boxed()
    }
}

async fn exchange(request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unfetched> {
    let length = request.body().len();
    let mut request = request.map(|body| Full::new(Bytes::from(body)));
    if length > 0 {
        // Said beforehand: else the runtime sends it in chunks, which not every provider reads.
        request.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    }
    let request = http_into_wasi_request(request).map_err(|error| unfetched(&error))?;
    let response = client::send(request).await.map_err(|error| unfetched(&error))?;
    let (parts, mut body) =
        http_from_wasi_response(response).map_err(|error| unfetched(&error))?.into_parts();
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unfetched(&error))?;
        if let Some(data) = frame.data_ref() {
            if whole.len().saturating_add(data.len()) > FETCH_LIMIT {
                return Err(Unfetched(format!("an answer is larger than {} KiB", FETCH_LIMIT / 1024)));
            }
            whole.extend_from_slice(data);
        }
    }
    Ok(Response::from_parts(parts, whole))
}

fn unfetched(error: &ErrorCode) -> Unfetched {
    Unfetched(lost(error).to_string())
}
