//! How long does an instance live, and which requests does it get?
//!
//! wasmtime's `ProxyHandler` hands requests to instances; this says how instances are made and when they have served
//! enough: after so many requests, so many at once, or so long without one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::guest::{Capabilities, Guest};

/// How instances are used again; the defaults are Spin's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse {
    /// How many requests one instance serves in its life.
    pub requests: usize,
    /// How many of them at one time.
    pub at_once: usize,
    /// How long it waits for the next one.
    pub idle: Duration,
    /// How long a request may take; `None` for as long as it likes.
    pub request_timeout: Option<Duration>,
}

impl Default for Reuse {
    fn default() -> Self {
        Self { requests: 128, at_once: 16, idle: Duration::from_secs(1), request_timeout: None }
    }
}

/// Set once the last request was answered before a stop: idle instances are then ended by force, which is no fault.
pub static OVER: AtomicBool = AtomicBool::new(false);

/// Makes instances of one component.
pub struct Instances {
    /// The component, linked.
    pub pre: ServicePre<Guest>,
    /// The engine.
    pub engine: Engine,
    /// What its instances may do.
    pub capabilities: Arc<Capabilities>,
    /// How long they live.
    pub reuse: Reuse,
}

/// A store for a new instance of a component.
pub fn store(engine: &Engine, capabilities: &Arc<Capabilities>) -> Store<Guest> {
    let mut store = Store::new(engine, Guest::new(capabilities));
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    store
}

impl HandlerState for Instances {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let mut store = store(&self.engine, &self.capabilities);
        let service = self.pre.instantiate_async(&mut store).await?;
        let sleep = Box::pin(tokio::time::sleep(self.reuse.idle));
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: Guest::http,
            expiration: Expiration { reuse: self.reuse, sleep },
            state: Worker { reuse: self.reuse },
        })
    }
}

/// Ends an instance that waits or works for too long.
pub struct Expiration {
    reuse: Reuse,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        since: Instant,
    ) -> Poll<()> {
        let patience = match status {
            WorkerStatus::Idle => Some(self.reuse.idle),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.reuse.request_timeout,
        };
        let Some(end) = patience.and_then(|patience| since.checked_add(patience)) else {
            return Poll::Pending;
        };
        if self.sleep.deadline() != end.into() {
            self.sleep.as_mut().reset(end.into());
        }
        self.sleep.as_mut().poll(context)
    }
}

/// Decides for one instance whether it takes another request.
pub struct Worker {
    reuse: Reuse,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = ();

    fn should_accept_request(&self, at_once: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse.requests {
            ShouldAccept::Never
        } else if at_once >= self.reuse.at_once {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        match self.reuse.request_timeout {
            Some(patience) => Box::pin(tokio::time::sleep(patience)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn drop(&self, store: Store<Guest>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            let component = store.data().component();
            if OVER.load(Ordering::Relaxed) {
                return;
            }
            tracing::debug!(component, trace = format!("{error:#}"), "Where an instance ended");
            tracing::error!(component, error = %error.root_cause(), "An instance ended with an error; requests it had open are lost");
        }
    }
}
