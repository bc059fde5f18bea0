//! How is a connection to another machine made?
//!
//! The name is resolved, blocked addresses are taken out of the answer, and only what is left is connected to; so a name
//! cannot point elsewhere between check and use. TLS trusts the roots of webpki-roots and offers HTTP/2 and HTTP/1.1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use wasmtime_wasi_http::{Error, WasiBody};

use super::Blocked;

/// A connection that requests can be sent over.
pub(super) enum Sender {
    /// One request at a time.
    Http1(http1::SendRequest<WasiBody>),
    /// Many at once.
    Http2(http2::SendRequest<WasiBody>),
}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

/// The host's TLS settings, made once.
pub(super) fn tls() -> Option<TlsConnector> {
    let provider = Arc::new(crypto::ring::default_provider());
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Some(TlsConnector::from(Arc::new(config)))
}

/// Connects, within `patience` as far as name and TCP are concerned.
pub(super) async fn connect(
    target: &Target,
    blocked: &Blocked,
    tls: Option<&TlsConnector>,
    patience: Duration,
) -> Result<Sender, Error> {
    let stream = tokio::time::timeout(patience, dial(target, blocked))
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    if !target.tls {
        return http1(stream).await;
    }
    let tls = tls.ok_or(Error::TlsProtocolError)?;
    let name = ServerName::try_from(target.host.clone()).map_err(|_| dns("invalid dns name"))?;
    let stream = tls.connect(name, stream).await.map_err(|error| {
        tracing::warn!(host = target.host, %error, "A TLS handshake failed");
        Error::TlsProtocolError
    })?;
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") { http2(stream).await } else { http1(stream).await }
}

async fn dial(target: &Target, blocked: &Blocked) -> Result<TcpStream, Error> {
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    let found: Vec<SocketAddr> = found.map_err(|_| dns("address not available"))?.collect();
    let open: Vec<SocketAddr> =
        found.iter().copied().filter(|address| !blocked.blocks(address.ip())).collect();
    if open.is_empty() {
        if found.is_empty() {
            return Err(dns("address not available"));
        }
        tracing::warn!(
            host = target.host,
            "A component's request was refused: all addresses of its destination are in blocked networks"
        );
        return Err(Error::DestinationIpProhibited);
    }
    let stream = TcpStream::connect(open.as_slice()).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrNotAvailable => dns("address not available"),
        _ => Error::ConnectionRefused,
    })?;
    let _slower_without = stream.set_nodelay(true);
    Ok(stream)
}

async fn http1(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Sender, Error> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(Sender::Http1(sender))
}

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Sender, Error> {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(Sender::Http2(sender))
}

fn dns(what: &str) -> Error {
    Error::DnsError { rcode: Some(what.into()), info_code: Some(0) }
}
