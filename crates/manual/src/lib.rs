//! How does a person, or a program, read what the interface offers? The components' parts become one OpenAPI 3.1 document
//! ([`merge`]), and the document becomes one HTML page that needs no script, no network and no other file ([`page`]).
//!
//! Nothing here knows HTTP or the runtime: documents come in as JSON values, text goes out.

mod curl;
mod example;
mod html;
mod merge;
mod outline;
mod page;
mod prose;
mod schema;

pub use merge::{About, MergeError, Part, merge};
pub use page::{Page, page};
