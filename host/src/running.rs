//! How does a command talk to the Signalbox that runs? Over HTTP, at the address that it wrote into its state directory,
//! with the internal token.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use kernel::Secret;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::failure::{Failure, Outcome};
use crate::state::{address, secrets};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Signalbox that runs.
#[derive(Debug)]
pub struct Running {
    authority: String,
    token: Secret<String>,
}

impl Running {
    /// The one that uses this state directory. A token in `SPIN_VARIABLE_INTERNAL_TOKEN` goes before the directory's.
    ///
    /// # Errors
    /// If the directory does not say where it is, or has no token.
    pub fn of(state: &Path) -> Outcome<Self> {
        let url = address::of(state)?;
        let authority = url.trim().strip_prefix("http://").unwrap_or(url.trim());
        let token = match std::env::var("SPIN_VARIABLE_INTERNAL_TOKEN") {
            Ok(token) => token,
            Err(_) => secrets::of(state)?.remove("internal_token").unwrap_or_default(),
        };
        Ok(Self { authority: authority.trim_end_matches('/').to_owned(), token: Secret::new(token) })
    }

    /// Gets an internal route.
    ///
    /// # Errors
    /// If it does not answer, or refuses; what it said is told.
    pub fn get(&self, path: &str) -> Outcome<Value> {
        self.said(Method::GET, path, None)
    }

    /// Posts JSON to an internal route.
    ///
    /// # Errors
    /// If it does not answer, or refuses; what it said is told.
    pub fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        self.said(Method::POST, path, Some(body))
    }

    fn said(&self, method: Method, path: &str, body: Option<&Value>) -> Outcome<Value> {
        let silent = |why: String| {
            Failure::new(
                format!("Signalbox at {} cannot be asked: {why}.", self.authority),
                "Nothing was changed.",
                "Look whether it runs: `signalbox up` prints where it listens.",
            )
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| silent(e.to_string()))?;
        let asked = runtime.block_on(async { timeout(PATIENCE, self.ask(method, path, body)).await });
        let (status, said) = match asked {
            Err(_) => return Err(silent(format!("no answer came within {} s", PATIENCE.as_secs()))),
            Ok(Err(why)) => return Err(silent(why)),
            Ok(Ok(answer)) => answer,
        };
        if status == 200 {
            return Ok(said);
        }
        let message = said.pointer("/error/message").and_then(Value::as_str).unwrap_or("it said nothing");
        Err(Failure::new(
            format!("Signalbox at {} refused ({status}): {}", self.authority, message.trim_end_matches('.')),
            "Nothing was changed.",
            "If the token is another one, set SPIN_VARIABLE_INTERNAL_TOKEN to it.",
        ))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Value), String> {
        let stream = TcpStream::connect(&self.authority).await.map_err(|e| e.to_string())?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.map(Value::to_string).unwrap_or_default())))
            .map_err(|e| e.to_string())?;
        let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}
