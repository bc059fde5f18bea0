//! Until when is a task to be done that a rule makes? What `due_date` of `create_task` may say.

use kernel::{Instant, Zone};
use tasks::{Due, DueError};

/// Reads it at `now` in the tenant's zone: a day or an instant of RFC 3339. Days that are said from now on (`friday`,
/// `today+P3D`) would be read here too; crates/rules/src/parameter.rs checks what stands in a rule, and takes neither yet.
///
/// # Errors
/// [`DueError`].
pub(crate) fn read(text: &str, zone: &Zone, _now: Instant) -> Result<Due, DueError> {
    let text = text.trim();
    Due::day(text, zone).or_else(|_| Due::at(text)).map_err(|error| match error {
        DueError::Instant => DueError::Day,
        DueError::Day | DueError::Range => error,
    })
}
