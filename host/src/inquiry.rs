//! How does a command ask the running program for something? By its own HTTP, with the internal token.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::failure::{Failure, Outcome};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A way to ask.
pub(crate) struct Inquiry {
    runtime: Runtime,
    authority: String,
    token: String,
}

impl Inquiry {
    /// Asks the program at `base_url`, showing this token.
    ///
    /// # Errors
    /// If the URL does not read or the threads cannot be started.
    pub(crate) fn new(base_url: &str, token: &str) -> Outcome<Self> {
        let uri: Uri = base_url.trim().parse().map_err(|_| unheard("its address does not read"))?;
        let authority = uri.authority().ok_or_else(|| unheard("its address has no host"))?.to_string();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| unheard(&e.to_string()))?;
        Ok(Self { runtime, authority, token: token.to_owned() })
    }

    /// Gets `path`.
    ///
    /// # Errors
    /// If it does not answer, or refuses.
    pub(crate) fn get(&self, path: &str) -> Outcome<Value> {
        self.ask(Method::GET, path, None)
    }

    /// Posts JSON to `path`.
    ///
    /// # Errors
    /// If it does not answer, or refuses.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        self.ask(Method::POST, path, Some(body))
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Outcome<Value> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Full::new(Bytes::from(body.map(Value::to_string).unwrap_or_default())))
            .map_err(|e| unheard(&e.to_string()))?;
        let asked = async {
            tokio::time::timeout(PATIENCE, send(&self.authority, request))
                .await
                .map_err(|_| "it took longer than a minute".to_owned())?
        };
        let (status, body) = self.runtime.block_on(asked).map_err(|why| unheard(&why))?;
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        if (200..300).contains(&status) {
            return Ok(said);
        }
        let message = said.pointer("/error/message").and_then(Value::as_str).unwrap_or("see its log");
        Err(unheard(&format!("it answered {status}, {}", message.trim_end_matches('.'))))
    }
}

async fn send(authority: &str, request: Request<Full<Bytes>>) -> Result<(u16, Bytes), String> {
    let stream = TcpStream::connect(authority).await.map_err(|e| e.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    let served = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
    drop(sender);
    served.abort();
    Ok((status, body))
}

fn unheard(why: &str) -> Failure {
    Failure::new(
        format!("The running program did not do its part: {why}."),
        "What was done stays done, and no key was dropped.",
        "See that it runs and is ready (signalbox doctor, /health/ready); then give the same command again.",
    )
}
