//! How does a parcel leave? By `wasi:http`'s client, with a limit on time and on what is read back.

use bytes::Bytes;
use futures::{
    future::{BoxFuture, Either, FutureExt as _, select},
    pin_mut,
};
use http_body_util::{BodyExt as _, Full};
use jobs::{ANSWER_LIMIT, Courier, Lost, Parcel, Receipt};
use send_wrapper::SendWrapper;
use spin_sdk::wasip3::{
    http::{client, types::ErrorCode},
    http_compat::{http_from_wasi_response, http_into_wasi_request},
};
use std::time::Duration;

/// Sends parcels by Spin's outbound HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinCourier;

impl Courier for SpinCourier {
    fn send(&self, parcel: Parcel) -> BoxFuture<'_, Result<Receipt, Lost>> {
        let timeout = parcel.timeout;
        let work = async move {
            let exchange = exchange(parcel);
            let alarm = crate::nap(Duration::from_millis(timeout.as_millis().max(0).unsigned_abs()));
            pin_mut!(exchange, alarm);
            match select(exchange, alarm).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(((), _)) => Err(Lost::TimedOut(timeout)),
            }
        };
        SendWrapper::new(work).boxed()
    }
}

async fn exchange(parcel: Parcel) -> Result<Receipt, Lost> {
    let mut request = http::Request::builder().method(parcel.method.as_str()).uri(&parcel.url);
    for (name, value) in &parcel.headers {
        request = request.header(name, value);
    }
    // Said beforehand: else the runtime sends it in chunks, which not every receiver reads.
    if !parcel.body.is_empty() || ["POST", "PUT", "PATCH"].contains(&parcel.method.as_str()) {
        request = request.header(http::header::CONTENT_LENGTH, parcel.body.len());
    }
    let request = request.body(Full::new(Bytes::from(parcel.body))).map_err(|_| Lost::Unreadable)?;
    let request = http_into_wasi_request(request).map_err(|error| lost(&error))?;
    let response = client::send(request).await.map_err(|error| lost(&error))?;
    let response = http_from_wasi_response(response).map_err(|error| lost(&error))?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut body = response.into_body();
    let mut kept = Vec::new();
    while kept.len() < ANSWER_LIMIT {
        match body.frame().await {
            // What follows a status is for people to read: a broken end does not change the outcome.
            None | Some(Err(_)) => break,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    kept.extend_from_slice(data);
                }
            }
        }
    }
    kept.truncate(ANSWER_LIMIT);
    Ok(Receipt { status, headers, body: kept })
}

pub(crate) fn lost(error: &ErrorCode) -> Lost {
    match error {
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => Lost::Refused,
        ErrorCode::HttpRequestUriInvalid => Lost::Unreadable,
        ErrorCode::DnsTimeout => Lost::Broken("the name was not resolved in time".to_owned()),
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            Lost::Broken("the name does not resolve".to_owned())
        }
        ErrorCode::ConnectionRefused => Lost::Broken("the receiver refused the connection".to_owned()),
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout => Lost::Broken("the receiver did not answer in time".to_owned()),
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => {
            Lost::Broken("TLS could not be agreed on: look at the receiver's certificate".to_owned())
        }
        ErrorCode::DestinationUnavailable
        | ErrorCode::ConnectionTerminated
        | ErrorCode::HttpProtocolError => Lost::Broken("the connection broke".to_owned()),
        // The runtime's words may name addresses or the URL, which may carry a token.
        _ => Lost::Broken("the runtime could not carry the request".to_owned()),
    }
}
