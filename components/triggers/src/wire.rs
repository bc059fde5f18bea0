//! How are triggers, events and trails said in JSON?

mod event;
pub(crate) mod schedules;
mod trigger;

pub(crate) use event::{BatchOut, EventFilter, EventIn, EventOut, ReceiptOut, TraceOut};
pub(crate) use trigger::{ModuleIn, ModuleOut, TriggerFilter, TriggerIn, TriggerOut, TriggerVersionOut};
