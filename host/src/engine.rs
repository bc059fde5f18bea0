//! How is wasm run?
//!
//! One engine for all components: instances come from a pool with copy-on-write memory, and a guest that computes for
//! long gives its thread away now and then.

use std::time::Duration;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::failure::{Failure, Outcome};

/// How many instances of all components together may exist at one time.
const MOST_INSTANCES: u32 = 512;
/// How many calls may be under way inside them; each has a stack.
const MOST_STACKS: u32 = 4096;
/// The largest memory of one instance.
const LARGEST_MEMORY: usize = 1 << 30;
/// How much of an instance's memory stays with the pool for the next one.
const KEPT_MEMORY: usize = 512 << 10;
/// How often a computing guest gives its thread away.
const TURN: Duration = Duration::from_millis(10);

/// Makes the engine, and the thread that counts its turns.
///
/// # Errors
/// If this machine cannot reserve the address space, or is not supported by wasmtime.
pub fn engine() -> Outcome<Engine> {
    let failed = |e: wasmtime::Error| {
        Failure::new(
            format!("The wasm engine does not start: {e}."),
            "No component can run on this machine as it is set up.",
            "Check that the address space is not limited (ulimit -v) and that the processor is x86-64 or 64-bit ARM.",
        )
    };
    let engine = Engine::new(&config()).map_err(failed)?;
    let weak = engine.weak();
    let turns = move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TURN);
        }
    };
    std::thread::Builder::new().name("turns".into()).spawn(turns).map_err(|e| failed(e.into()))?;
    Ok(engine)
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(MOST_INSTANCES)
        .total_core_instances(MOST_INSTANCES.saturating_mul(8))
        .total_memories(MOST_INSTANCES)
        .total_tables(MOST_INSTANCES.saturating_mul(4))
        .total_stacks(MOST_STACKS)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_core_instances_per_component(32)
        .max_memories_per_component(2)
        .max_tables_per_component(16)
        .table_elements(100_000)
        .max_memory_size(LARGEST_MEMORY)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(64 << 10);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
