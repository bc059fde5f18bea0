//! What of records names people?

use crate::Record;
use db::{DbError, Redaction, Scope};

/// Where records may name somebody. Their words are said anew afterwards (`words` is empty then).
pub const REDACTIONS: [Redaction; 1] = [Redaction {
    name: "records",
    window: "SELECT record_id AS id FROM records WHERE tenant_id = ?1 AND record_id > ?2 ORDER BY record_id LIMIT 1 OFFSET ?3",
    naming: "SELECT json_array(record_id, fields, email, owner, name_key, external_id) AS id FROM records
        WHERE tenant_id = ?1 AND record_id > ?2 AND record_id <= coalesce(?3, 'rec_~')
        AND (instr(lower(fields), ?4) OR instr(lower(external_id), ?4))",
    write: "UPDATE records SET fields = new.value ->> 1, email = new.value ->> 2, owner = new.value ->> 3,
        name_key = new.value ->> 4, external_id = new.value ->> 5, words = ''
        FROM json_each(?2) AS new WHERE records.tenant_id = ?1 AND records.record_id = new.value ->> 0",
}];

const PERSONAL: &str =
    "SELECT r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by,
    r.created_at, r.updated_at FROM record_counts AS c CROSS JOIN records AS r
        ON r.tenant_id = ?1 AND r.type = c.type AND r.email = ?2 AND r.record_id > ?3
    WHERE c.tenant_id = ?1 ORDER BY r.record_id LIMIT ?4";

/// The records that hold an address as their own, after the id `after`.
pub(crate) async fn personal(
    scope: &mut Scope<'_>,
    email: &str,
    after: &str,
    most: i64,
) -> Result<Vec<Record>, DbError> {
    scope.all(PERSONAL, [email.into(), after.into(), most.into()]).await
}
