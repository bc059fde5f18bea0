//! Where does a component's output go?
//!
//! Into the host's log, line by line, with the component's name. A line that is a JSON object keeps its fields.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A line that grows beyond this is logged in pieces.
const LONGEST_LINE: usize = 64 << 10;

/// One of a component's two outputs.
#[derive(Debug, Clone)]
pub struct Lines {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    component: String,
    stream: &'static str,
    begun: Mutex<Vec<u8>>,
}

impl Lines {
    /// The output of a new instance.
    pub fn new(component: &str, stream: &'static str) -> Self {
        Self { shared: Arc::new(Shared { component: component.into(), stream, begun: Mutex::default() }) }
    }

    fn write(&self, bytes: &[u8]) {
        let mut begun = self.shared.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (line, ended) = match piece.split_last() {
                Some((b'\n', line)) => (line, true),
                Some(_) | None => (piece, false),
            };
            begun.extend_from_slice(line);
            if ended || begun.len() >= LONGEST_LINE {
                self.shared.log(&begun);
                begun.clear();
            }
        }
    }
}

impl Shared {
    fn log(&self, line: &[u8]) {
        if !line.is_empty() {
            crate::log::component_line(&self.component, self.stream, &String::from_utf8_lossy(line));
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let begun = std::mem::take(self.begun.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.log(&begun);
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Lines {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        Self::write(self, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}
