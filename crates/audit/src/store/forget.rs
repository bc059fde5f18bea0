//! How is something taken out of the audit? Content of some rows, or the oldest rows as a whole.

use crate::{Content, Hash, Part, Recorded};
use db::{DbError, Scope, Value};
use kernel::Person;
use serde_json::json;

const FORGET: &str = "UPDATE audit_entries SET erased_by = coalesce(new.value ->> 1, erased_by),
    address_erased = coalesce(unhex(new.value ->> 2), address_erased),
    address = CASE WHEN new.value ->> 2 IS NULL THEN address END,
    address_salt = CASE WHEN new.value ->> 2 IS NULL THEN coalesce(unhex(new.value ->> 3), address_salt) END,
    before_erased = coalesce(unhex(new.value ->> 4), before_erased),
    before = CASE WHEN new.value ->> 4 IS NULL THEN before END,
    before_salt = CASE WHEN new.value ->> 4 IS NULL THEN coalesce(unhex(new.value ->> 5), before_salt) END,
    after_erased = coalesce(unhex(new.value ->> 6), after_erased),
    after = CASE WHEN new.value ->> 6 IS NULL THEN after END,
    after_salt = CASE WHEN new.value ->> 6 IS NULL THEN coalesce(unhex(new.value ->> 7), after_salt) END
    FROM json_each(?2) AS new WHERE audit_entries.tenant_id = ?1 AND audit_entries.sequence = new.value ->> 0";
const CUT: &str = "UPDATE audit_chains SET first = ?2 + 1, cut_hash = ?3, cut_by = ?4
    WHERE tenant_id = ?1 AND first <= ?2 AND length > ?2";
const SWEEP: &str =
    "DELETE FROM audit_entries WHERE tenant_id = ?1 AND sequence IN (SELECT sequence FROM audit_entries
        WHERE tenant_id = ?1 AND sequence < (SELECT first FROM audit_chains WHERE tenant_id = ?1)
        ORDER BY sequence LIMIT ?2)
    RETURNING audit_id AS id";
// Rows that may have to do with a person: by them, about them, or naming them. ?4 is the person's id, ?5 the address in
// lower case and ?6 the name as JSON says it.
const TRACES: &str = "SELECT tenant_id, format, sequence, audit_id, at, actor, action, subject, request_id, hash, erased_by,
    address, address_salt, address_erased, before, before_salt, before_erased, after, after_salt, after_erased
    FROM audit_entries WHERE tenant_id = ?1 AND sequence > ?2 AND sequence <= ?3 AND (actor = ?4 OR subject = ?4
        OR instr(before, ?4) OR instr(after, ?4) OR instr(lower(before), ?5) OR instr(lower(after), ?5)
        OR instr(before, ?6) OR instr(after, ?6))
    ORDER BY sequence";

/// The rows after `after` up to `to` that may have to do with a person.
pub(crate) async fn traces(
    scope: &mut Scope<'_>,
    (after, to): (i64, i64),
    person: &Person,
) -> Result<Vec<Recorded>, DbError> {
    let parameters = [
        after.into(),
        to.into(),
        (&person.id).into(),
        person.email.to_ascii_lowercase().into(),
        json!(person.name).to_string().into(),
    ];
    scope.all(TRACES, parameters).await
}

/// Writes down what rows look like after their erasure, which the row at `by` says.
pub(crate) async fn forget(scope: &mut Scope<'_>, rows: &[Recorded], by: i64) -> Result<(), DbError> {
    let lines: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            let [address, before, after] = Part::ALL.map(|part| match row.part(part) {
                Content::Nothing => (None, None),
                Content::Kept { salt, .. } => (None, salt.map(|salt| salt.to_string())),
                Content::Erased(hash) => (Some(hash.to_string()), None),
            });
            json!([row.sequence, by, address.0, address.1, before.0, before.1, after.0, after.1])
        })
        .collect();
    let text = serde_json::Value::Array(lines).to_string();
    scope.run_for_effect(FORGET, [Value::Text(text)]).await.map(drop)
}

/// Lets the chain begin after `to`, which has this hash; the row at `by` says so.
pub(crate) async fn cut(scope: &mut Scope<'_>, to: i64, hash: Hash, by: i64) -> Result<(), DbError> {
    scope.run_for_effect(CUT, [to.into(), hash.0.as_slice().into(), by.into()]).await.map(drop)
}

/// Removes rows from before the chain's beginning, so many at most; tells how many.
pub(crate) async fn sweep(scope: &mut Scope<'_>, limit: i64) -> Result<usize, DbError> {
    scope.run_for_effect(SWEEP, [limit.into()]).await
}
