//! What can be done with notifications?

pub mod channels;
pub(crate) mod deliver;
pub(crate) mod expand;
pub mod inbox;
pub mod messages;
pub mod privacy;

#[cfg(test)]
mod tests;

use crate::NotificationError;
use db::Tx;

/// Makes what went well stay, takes back what did not, and keeps the connection in both cases.
async fn end<T>(tx: Tx, outcome: Result<T, NotificationError>) -> Result<T, NotificationError> {
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(fault) => {
            tx.rollback().await?;
            Err(fault)
        }
    }
}
