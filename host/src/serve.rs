//! How do requests come in, and how does the host stop?
//!
//! Connections speak HTTP/1.1, or HTTP/2 if the client knows that beforehand. When the host is told to stop it takes no
//! new connection, lets requests that are under way end, for half a minute at most, and then returns.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::app::App;
use crate::cron;

/// How long requests that are under way may take to end.
const DRAIN: Duration = Duration::from_secs(30);
/// How long a client may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(75);

/// Serves the application until `shutdown` completes and everything under way has ended.
pub async fn run(app: Arc<App>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let stop = CancellationToken::new();
    let clock = tokio::spawn(keep_time(Arc::clone(&app), stop.clone()));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new());
    let builder = Arc::new(builder);
    let open = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, client) = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "A connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        connection(&app, stream, client, Arc::clone(&builder), &open);
    }
    drop(listener);
    stop.cancel();
    tracing::info!("Stopping: no new connections; waiting for requests that are under way");
    let ended = async {
        open.shutdown().await;
        let _ended = clock.await;
    };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        tracing::warn!(seconds = DRAIN.as_secs(), "Requests that were still under way have been given up");
    }
}

fn connection(
    app: &Arc<App>,
    stream: TcpStream,
    client: SocketAddr,
    builder: Arc<Builder<TokioExecutor>>,
    open: &GracefulShutdown,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let app = Arc::clone(app);
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(answer(&app, request, client).await) }
    });
    let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let served = open.watch(served);
    tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::debug!(%error, "A connection ended with an error");
        }
    });
}

async fn answer(app: &App, request: Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
    let (response, component) = app.answer(request, client).await;
    let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    tracing::info!(
        method = method.as_str(),
        path,
        status = response.status().as_u16(),
        ms = (begun.elapsed().as_secs_f64() * 1e5).round() / 1e2,
        component = component.as_deref(),
        request_id = id,
        "request"
    );
    response
}

/// Runs all schedules.
async fn keep_time(app: Arc<App>, stop: CancellationToken) {
    let all = app.schedules().iter().map(|scheduled| cron::run(scheduled, stop.clone()));
    futures::future::join_all(all).await;
}
