//! How does the database give back what it does not need? It is written anew without its gaps.
//!
//! What is deleted is overwritten at once (`PRAGMA secure_delete`). But when SQLite moves a row from a page to another it
//! leaves the old bytes where they were, and those are not overwritten when the row is deleted later. Only a file that was
//! written anew is surely without them.

use std::path::Path;

use db::native;
use futures::executor::block_on;

use crate::failure::{Failure, Outcome};

/// Writes the database anew and empties its log; tells how large it was and is. It may be in use: writers wait meanwhile.
///
/// # Errors
/// If it cannot be written, or is in use for too long.
pub fn compact(file: &Path) -> Outcome<String> {
    let trouble = |e: &dyn std::fmt::Display| {
        Failure::new(
            format!("The database {} was not compacted: {e}.", file.display()),
            "It is as it was before.",
            "Stop whatever uses it, make room for a second copy of it, then try again.",
        )
    };
    let size = || std::fs::metadata(file).map(|about| about.len()).map_err(|e| trouble(&e));
    let before = size()?;
    let mut connection = native::connect(file).map_err(|e| trouble(&e))?;
    for sql in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
        block_on(connection.run(sql, Vec::new())).map_err(|e| trouble(&e))?;
    }
    Ok(format!("{}: {before} bytes before, {} now", file.display(), size()?))
}
