//! How fast is a component that is a command? Runs one in the engine of the host, compiled as all components are; its input and
//! output are those of this program. For `cargo xtask bench rules`.

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Error, Store};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

struct Guest {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

fn main() -> wasmtime::Result<()> {
    let file = std::env::args().nth(1).ok_or_else(|| Error::msg("name the component"))?;
    let engine = host::engine::engine().map_err(Error::msg)?;
    let component = Component::from_file(&engine, file)?;
    let mut linker = Linker::<Guest>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    let guest = Guest { wasi: WasiCtx::builder().inherit_stdio().build(), table: ResourceTable::new() };
    let mut store = Store::new(&engine, guest);
    // As the host does it: a guest that computes gives its thread away now and then.
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let command = Command::instantiate_async(&mut store, &component, &linker).await?;
        let ended = command.wasi_cli_run().call_run(&mut store).await?;
        ended.map_err(|()| Error::msg("the component ended with a fault"))
    })
}
