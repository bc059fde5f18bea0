//! How is a list asked for? One statement, put together from the parts that the filters need, so that each finds its index.

pub(crate) use super::record::lower;

use crate::{
    Record, RecordType,
    filter::{Filter, Place, Sort, SortKey},
    store::record::{COLUMNS, name_key},
    words::Token,
};
use db::{DbError, Scope, Value};
use kernel::RecordId;
use serde_json::json;

/// A statement that is being put together: `?1` is the tenant, as always.
struct Asking {
    sql: String,
    parameters: Vec<Value>,
}

impl Asking {
    /// The next parameter's place: `?7`.
    fn put(&mut self, value: impl Into<Value>) -> String {
        self.parameters.push(value.into());
        format!("?{}", self.parameters.len().saturating_add(1))
    }

    fn and(&mut self, column: &str, relation: &str, value: impl Into<Value>) {
        let place = self.put(value);
        self.sql.push_str(&format!(" AND {column} {relation} {place}"));
    }
}

/// The column that a list is sorted by; the id decides among equals, and alone where the order is that of making.
const fn column(key: SortKey) -> Option<&'static str> {
    match key {
        SortKey::Created => None,
        SortKey::Updated => Some("r.updated_at"),
        SortKey::Name => Some("r.name_key"),
        SortKey::Value => Some("r.value_key"),
    }
}

/// What stands in that column for a record.
pub(crate) fn key_of(key: SortKey, kind: &RecordType, record: &Record) -> String {
    match key {
        SortKey::Created => String::new(),
        SortKey::Updated => record.updated_at.millis().to_string(),
        SortKey::Name => name_key(record.name(kind)),
        SortKey::Value => record.value().map(crate::Amount::key).unwrap_or_default(),
    }
}

/// Records of a type that a filter lets through, in its order. `only` names the ids that the caller may see, if not all.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    kind: &RecordType,
    filter: &Filter,
    only: Option<&[Box<str>]>,
    after: Option<&Place>,
    most: i64,
) -> Result<Vec<Record>, DbError> {
    let token = Token::new(scope.tenant(), &kind.name);
    let asking = statement(&token, kind, filter, only, after, most);
    scope.all(&asking.sql, asking.parameters).await
}

fn statement(
    token: &Token,
    kind: &RecordType,
    filter: &Filter,
    only: Option<&[Box<str>]>,
    after: Option<&Place>,
    most: i64,
) -> Asking {
    let mut asking = Asking { sql: format!("SELECT {COLUMNS} FROM "), parameters: Vec::new() };
    match token.question(filter.text.as_deref(), &filter.exactly) {
        // Whatever the words find is looked up; the other way round every record would be asked whether it has them.
        Some(question) => {
            let place = asking.put(question);
            asking.sql.push_str(&format!(
                "records_search CROSS JOIN records AS r ON r.place = records_search.rowid
                WHERE records_search MATCH {place} AND r.tenant_id = ?1"
            ));
        }
        None => asking.sql.push_str("records AS r WHERE r.tenant_id = ?1"),
    }
    asking.and("r.type", "=", kind.name.as_str());
    narrow(&mut asking, filter, only);
    order(&mut asking, filter.sort, after);
    let most = asking.put(most);
    asking.sql.push_str(&format!(" LIMIT {most}"));
    asking
}

fn narrow(asking: &mut Asking, filter: &Filter, only: Option<&[Box<str>]>) {
    match filter.statuses.as_slice() {
        [] => {}
        [one] => asking.and("r.status", "=", one),
        some => {
            let list = asking.put(json!(some).to_string());
            asking.sql.push_str(&format!(" AND r.status IN (SELECT value FROM json_each({list}))"));
        }
    }
    if let Some(owner) = &filter.owner {
        asking.and("r.owner", "=", owner);
    }
    if let Some(email) = &filter.email {
        asking.and("r.email", "=", email);
    }
    if let Some(external_id) = &filter.external_id {
        asking.and("r.external_id", "=", external_id);
    }
    if let Some(since) = filter.updated_since {
        asking.and("r.updated_at", ">=", since);
    }
    if let Some(since) = filter.created_since {
        // Ids sort by time: no index of its own is needed.
        asking.and("r.record_id", ">=", &RecordId::first(since));
    }
    if let Some(least) = filter.value_min {
        asking.and("r.value_key", ">=", least.key());
    }
    if let Some(most) = filter.value_max {
        asking.and("r.value_key", "<=", most.key());
        // What has no value is not below one.
        asking.sql.push_str(" AND r.value_key <> ''");
    }
    if let Some(only) = only {
        let list = asking.put(json!(only).to_string());
        asking.sql.push_str(&format!(" AND r.record_id IN (SELECT value FROM json_each({list}))"));
    }
}

fn order(asking: &mut Asking, sort: Sort, after: Option<&Place>) {
    let (direction, beyond) = if sort.descending { ("DESC", "<") } else { ("ASC", ">") };
    let Some(column) = column(sort.key) else {
        if let Some(after) = after {
            asking.and("r.record_id", beyond, &after.id);
        }
        asking.sql.push_str(&format!(" ORDER BY r.record_id {direction}"));
        return;
    };
    if let Some(after) = after {
        let key: Value = match sort.key {
            SortKey::Updated => after.key.parse::<i64>().unwrap_or_default().into(),
            SortKey::Created | SortKey::Name | SortKey::Value => (&after.key).into(),
        };
        let (key, id) = (asking.put(key), asking.put(&after.id));
        asking.sql.push_str(&format!(" AND ({column}, r.record_id) {beyond} ({key}, {id})"));
    }
    asking.sql.push_str(&format!(" ORDER BY {column} {direction}, r.record_id {direction}"));
}
