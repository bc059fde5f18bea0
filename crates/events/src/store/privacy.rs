//! What of the ledger names people, and what of it is old?

use db::{DbError, Redaction, Scope};
use kernel::{EventId, Instant};

/// Where events may name somebody.
pub const REDACTIONS: [Redaction; 1] = [Redaction {
    name: "events",
    window: "SELECT event_id AS id FROM events WHERE tenant_id = ?1 AND event_id > ?2 ORDER BY event_id LIMIT 1 OFFSET ?3",
    naming: "SELECT json_array(event_id, source, external_id, subject, data, verdicts, record) AS id FROM events
        WHERE tenant_id = ?1 AND event_id > ?2 AND event_id <= coalesce(?3, 'evt_~') AND (instr(lower(data), ?4)
            OR instr(lower(verdicts), ?4) OR instr(lower(subject), ?4) OR instr(lower(external_id), ?4)
            OR instr(lower(source), ?4) OR instr(lower(record), ?4))",
    write: "UPDATE events SET source = new.value ->> 1, external_id = new.value ->> 2, subject = new.value ->> 3,
        data = new.value ->> 4, verdicts = new.value ->> 5, record = new.value ->> 6
        FROM json_each(?2) AS new WHERE events.tenant_id = ?1 AND events.event_id = new.value ->> 0",
}];

const FORGET: &str = "DELETE FROM events WHERE tenant_id = ?1 AND event_id IN (SELECT event_id FROM events
    WHERE tenant_id = ?1 AND event_id < ?2 ORDER BY event_id LIMIT ?3) RETURNING event_id AS id";

/// Removes the oldest events that came before `limit`, so many at most; tells how many.
pub(crate) async fn forget(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET, [(&EventId::first(limit)).into(), most.into()]).await
}
