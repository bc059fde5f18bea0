//! What does one instance of a component have at hand?
//!
//! A [`Guest`] is the data of one store: WASI, the resource table, and the component's capabilities. The linker that
//! connects the imports of a component to it is made here.

pub mod clock;
pub mod key_value;
pub mod sqlite;
pub mod stdio;
pub mod variables;

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings;
use crate::outbound::Outbound;
use crate::variables::Variables;

/// How many connections one instance may hold open, as in Spin.
const MOST_HANDLES: u32 = 256;

/// What a component may do, shared by all its instances.
#[derive(Debug)]
pub struct Capabilities {
    /// The component's id in the manifest.
    pub component: String,
    /// Its environment.
    pub environment: Vec<(String, String)>,
    /// Its databases by label.
    pub databases: crate::sqlite::Databases,
    /// Labels of its key-value stores.
    pub stores: std::collections::BTreeSet<String>,
    /// Where key-value pairs live.
    pub key_value: Arc<crate::key_value::Pairs>,
    /// Everybody's variables; it sees its own.
    pub variables: Arc<Variables>,
    /// Where it may send requests.
    pub outbound: Outbound,
    /// The wall clock.
    pub clock: clock::Clock,
}

/// The data of one instance's store.
pub struct Guest {
    capabilities: Arc<Capabilities>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    table: ResourceTable,
    connections: u32,
    stores: u32,
}

impl Guest {
    /// The data of a new instance.
    pub fn new(capabilities: &Arc<Capabilities>) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.envs(&capabilities.environment)
            .wall_clock(capabilities.clock.clone())
            .stdout(stdio::Lines::new(capabilities.component.as_str(), "stdout"))
            .stderr(stdio::Lines::new(capabilities.component.as_str(), "stderr"))
            .allow_tcp(false)
            .allow_udp(false);
        Self {
            capabilities: Arc::clone(capabilities),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: capabilities.outbound.clone(),
            table: ResourceTable::new(),
            connections: 0,
            stores: 0,
        }
    }

    /// The component's id.
    pub fn component(&self) -> &str {
        &self.capabilities.component
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Everything that a component may import.
///
/// # Errors
/// If two interfaces claim one name, which would be a mistake in the host.
pub fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    bindings::sqlite::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::key_value::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::variables::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::variables_2::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}
