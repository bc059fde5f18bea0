//! How is somebody told something outside any rule? A message and its carriers, in one transaction.

use crate::effect::{self, Maker};
use db::Db;
use kernel::Call;
use notifications::{Expanded, NewMessage, NotificationError};
use serde_json::json;

/// Writes a message with its inbox entry and queues its deliveries.
///
/// # Errors
/// [`NotificationError`]; then nothing is written.
pub async fn tell(db: &Db, call: &Call, message: NewMessage) -> Result<Expanded, NotificationError> {
    let mut tx = db.begin().await?;
    let (recipient, channel) = (message.recipient.clone(), message.channel.clone());
    let outcome = notifications::expand(&mut tx.scope(call.tenant()), call, message).await;
    let expanded = match outcome {
        Ok(expanded) => expanded,
        Err(fault) => {
            tx.rollback().await?;
            return Err(fault);
        }
    };
    let carriers = effect::carriers(call, &Maker::call(call), &expanded);
    jobs::enqueue(&mut tx.all_tenants(), &carriers, call.now).await?;
    let entry = audit::Entry {
        action: "message.sent",
        subject: expanded.message_id.as_str(),
        before: None,
        after: Some(json!({"recipient": recipient.trim(), "channel": channel})),
    };
    audit::append(&mut tx.scope(call.tenant()), call, &entry).await?;
    tx.commit().await?;
    Ok(expanded)
}
