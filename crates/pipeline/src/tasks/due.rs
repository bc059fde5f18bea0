//! Until when is a task to be done that a rule makes? What `due_date` of `create_task` may say.

use kernel::Zone;
use tasks::{Due, DueError};

/// Reads it in the tenant's zone: a day or an instant of RFC 3339. Days that are said from now on (`friday`, `today+P3D`) were
/// put so when the event was decided.
///
/// # Errors
/// [`DueError`].
pub(crate) fn read(text: &str, zone: &Zone) -> Result<Due, DueError> {
    let text = text.trim();
    Due::day(text, zone).or_else(|_| Due::at(text)).map_err(|error| match error {
        DueError::Instant => DueError::Day,
        DueError::Day | DueError::Range => error,
    })
}
