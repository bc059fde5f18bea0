//! Which record is an event about? Where a rule looks at it, it is looked up by the id that the data name, ours or the sender's,
//! and stands with the event from then on as it stood when the event came in.

use crate::books::Book;
use db::{DbError, Scope};
use events::NewEvent;
use serde_json::Value;

/// What rules of the book need of the record that an event is about: its type, and the id in the event's data.
pub(crate) fn wanted(book: &Book, event: &NewEvent) -> Option<(Box<str>, String)> {
    let name = event.trigger.rsplit_once('.').map_or(event.trigger.as_str(), |(_, name)| name);
    let trigger = book.catalogue.find(&event.trigger).or_else(|_| book.catalogue.find(name)).ok()?;
    let about = trigger.about.as_ref().filter(|_| book.rules.wants_record(&trigger.trigger_id))?;
    let data = rules::payload::read(&event.data).ok()?;
    let id = match data.get(&*about.field)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some((about.record_type.clone(), id))
}

/// The records that events are about, as rules see them; nothing for an event of which no rule looks at one. One statement, and
/// none where nobody looks.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn records(
    scope: &mut Scope<'_>,
    wanted: &[Option<(Box<str>, String)>],
) -> Result<Vec<Option<Value>>, DbError> {
    let named: Vec<(Option<&str>, &str)> =
        wanted.iter().flatten().map(|(kind, id)| (Some(&**kind), id.as_str())).collect();
    if named.is_empty() {
        return Ok(vec![None; wanted.len()]);
    }
    let mut found = records::service::facts(scope, &named).await?.into_iter();
    Ok(wanted.iter().map(|one| one.as_ref().and_then(|_| found.next().flatten())).collect())
}
