//! What does an expression in CEL say of an event? The Common Expression Language (cel-spec, doc/langdef.md), read, checked and
//! asked by ourselves: with exact decimals, a known cost, and names that the schema knows
//! (docs/decisions, "CEL on our own legs").

mod calendar;
mod call;
mod check;
mod function;
mod operation;
mod program;
mod run;
mod shape;
mod sum;
mod syntax;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod value;

pub(crate) use program::Program;
