//! How does a request reach another machine, and how does its answer come back?
//!
//! Connections are kept for the next request to the same destination. Redirects are not followed. Timeouts come from the
//! component, or are Spin's 600 seconds.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Sleep, timeout};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::Blocked;
use super::connect::{Sender, Target, connect, tls};

/// Spin's default for each of the three timeouts.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long an unused connection is kept, and how many to one destination.
const KEPT: (Duration, usize) = (Duration::from_secs(30), 32);

/// The way to the network, shared by all components.
pub struct Client {
    blocked: Blocked,
    tls: Option<TlsConnector>,
    kept: Mutex<HashMap<Target, Vec<(Instant, Sender)>>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("blocked", &self.blocked).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that never connects to these networks.
    pub fn new(blocked: Blocked) -> Arc<Self> {
        Arc::new(Self { blocked, tls: tls(), kept: Mutex::default() })
    }

    /// Sends a request and waits for the head of its answer; the body streams.
    pub(super) async fn send(
        self: Arc<Self>,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let target = target(request.uri())?;
        let answer = self.answer(target, request, options.connect_timeout.unwrap_or(PATIENCE));
        let patience = options.first_byte_timeout.unwrap_or(PATIENCE);
        let answer = timeout(patience, answer).await.map_err(|_| Error::ConnectionReadTimeout)??;
        let patience = options.between_bytes_timeout.unwrap_or(PATIENCE);
        Ok(answer.map(|body| Patient { body: Some(body), patience, alarm: None }.boxed_unsync()))
    }

    /// Fetches for the program itself; the body streams.
    ///
    /// # Errors
    /// Whatever keeps the answer from coming.
    pub(crate) async fn fetch(
        self: Arc<Self>,
        request: Request<WasiBody>,
    ) -> Result<Response<Incoming>, Error> {
        let target = target(request.uri())?;
        self.answer(target, request, PATIENCE).await
    }

    async fn answer(
        self: Arc<Self>,
        target: Target,
        mut request: Request<WasiBody>,
        patience: Duration,
    ) -> Result<Response<Incoming>, Error> {
        loop {
            let kept = self.take(&target);
            let fresh = kept.is_none();
            let sender = match kept {
                Some(sender) => sender,
                None => connect(&target, &self.blocked, self.tls.as_ref(), patience).await?,
            };
            match sender {
                Sender::Http1(mut sender) => {
                    let sent = sender.try_send_request(in_origin_form(request, &target)?).await;
                    match sent {
                        Ok(answer) => {
                            let this = Arc::clone(&self);
                            // The connection is free again when the answer's body has been read.
                            tokio::spawn(async move {
                                if sender.ready().await.is_ok() {
                                    this.keep(target, Sender::Http1(sender));
                                }
                            });
                            return Ok(answer);
                        }
                        // A kept connection that had been closed: nothing was sent, so try a new one.
                        Err(mut error) => match error.take_message() {
                            Some(unsent) if !fresh => request = unsent,
                            Some(_) | None => return Err(Error::Hyper(error.into_error())),
                        },
                    }
                }
                Sender::Http2(mut sender) => match sender.try_send_request(request).await {
                    Ok(answer) => {
                        self.keep(target, Sender::Http2(sender));
                        return Ok(answer);
                    }
                    Err(mut error) => match error.take_message() {
                        Some(unsent) if !fresh => request = unsent,
                        Some(_) | None => return Err(Error::Hyper(error.into_error())),
                    },
                },
            }
        }
    }

    fn take(&self, target: &Target) -> Option<Sender> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_mut(target)?;
        while let Some((since, sender)) = kept.pop() {
            let usable = match &sender {
                Sender::Http1(sender) => sender.is_ready(),
                Sender::Http2(sender) => sender.is_ready(),
            };
            if !usable || since.elapsed() > KEPT.0 {
                continue;
            }
            if let Sender::Http2(sender) = &sender {
                kept.push((since, Sender::Http2(sender.clone())));
            }
            return Some(sender);
        }
        None
    }

    fn keep(&self, target: Target, sender: Sender) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for kept in all.values_mut() {
            kept.retain(|(since, _)| since.elapsed() <= KEPT.0);
        }
        all.retain(|_, kept| !kept.is_empty());
        let kept = all.entry(target).or_default();
        if matches!(sender, Sender::Http2(_)) {
            kept.retain(|(_, other)| !matches!(other, Sender::Http2(_)));
        }
        if kept.len() < KEPT.1 {
            kept.push((Instant::now(), sender));
        }
    }
}

fn target(uri: &Uri) -> Result<Target, Error> {
    let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
    let tls = uri.scheme() == Some(&Scheme::HTTPS);
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Target { tls, host, port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }) })
}

/// HTTP/1.1 wants the path in the first line and the host in a header.
fn in_origin_form(mut request: Request<WasiBody>, target: &Target) -> Result<Request<WasiBody>, Error> {
    let own_port = if target.tls { 443 } else { 80 };
    if !request.headers().contains_key(HOST) {
        let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
        let host = if target.port == own_port { host } else { format!("{host}:{}", target.port) };
        let host = HeaderValue::try_from(host).map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers_mut().insert(HOST, host);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(request)
}

/// A body that may not pause for longer than it is given.
struct Patient {
    /// Gone once it has paused for too long, which closes the connection.
    body: Option<Incoming>,
    patience: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Body for Patient {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(body) = this.body.as_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = pin!(body).poll_frame(context) {
            this.alarm = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::Hyper)));
        }
        let patience = this.patience;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(alarm.as_mut().poll(context));
        this.body = None;
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}
