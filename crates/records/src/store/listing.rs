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

/// So many records are sorted, if so many have the words; of more, each is asked in the list's order whether it has them.
const FEW: i64 = 5_000;

const COUNT: &str =
    "SELECT COUNT(*) AS n FROM (SELECT 1 FROM records_search WHERE records_search MATCH ?2 AND ?1 IS NOT NULL
    LIMIT ?3)";

/// What finds its way to the records that words are asked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// No words are asked for: the records' own indexes.
    Rows,
    /// The index of words, which keeps its own order: that of making.
    Words,
    /// The same, sorted afterwards: few have the words.
    Sorted,
    /// The records' own indexes, and each is asked whether it has the words: many have.
    Asked,
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
    let question = token.question(filter.text.as_deref(), &filter.exactly);
    let way = match (&question, filter.sort.key) {
        (None, _) => Way::Rows,
        (Some(_), SortKey::Created) => Way::Words,
        (Some(question), SortKey::Updated | SortKey::Name | SortKey::Value) => {
            let found: Option<i64> = scope.one(COUNT, [question.into(), (FEW + 1).into()]).await?;
            if found.unwrap_or_default() > FEW { Way::Asked } else { Way::Sorted }
        }
    };
    let mut asking = begun(kind, way, question.as_deref());
    narrow(&mut asking, filter, only);
    match (way, after) {
        (Way::Words, after) => order_of_words(&mut asking, kind, filter.sort.descending, after),
        (Way::Rows | Way::Sorted | Way::Asked, after) => order(&mut asking, filter.sort, after),
    }
    let most = asking.put(most);
    asking.sql.push_str(&format!(" LIMIT {most}"));
    scope.all(&asking.sql, asking.parameters).await
}

fn begun(kind: &RecordType, way: Way, question: Option<&str>) -> Asking {
    let mut asking = Asking { sql: format!("SELECT {COLUMNS} FROM "), parameters: Vec::new() };
    let question = asking.put(question);
    asking.sql.push_str(match way {
        Way::Rows | Way::Asked => "records AS r WHERE r.tenant_id = ?1",
        Way::Words | Way::Sorted => {
            "records_search CROSS JOIN records AS r ON r.place = records_search.rowid WHERE r.tenant_id = ?1"
        }
    });
    asking.sql.push_str(&match way {
        Way::Rows => format!(" AND {question} IS NULL"),
        Way::Words | Way::Sorted => format!(" AND records_search MATCH {question}"),
        // The sign keeps these from being looked up one by one.
        Way::Asked => {
            format!(
                " AND +r.place IN (SELECT rowid FROM records_search WHERE records_search MATCH {question})"
            )
        }
    });
    asking.and("r.type", "=", kind.name.as_str());
    asking
}

/// The order in which records were made, as the index of words has it: the places of records grow as their ids do.
fn order_of_words(asking: &mut Asking, kind: &RecordType, descending: bool, after: Option<&Place>) {
    let (direction, beyond, step) = if descending { ("DESC", "<", "+ 1") } else { ("ASC", ">", "- 1") };
    if let Some(after) = after {
        let (id, kind) = (asking.put(&after.id), asking.put(kind.name.as_str()));
        // The last record of the page before may be gone: then the next of the type that is left says where to go on.
        asking.sql.push_str(&format!(
            " AND records_search.rowid {beyond} COALESCE(
                (SELECT place FROM records WHERE tenant_id = ?1 AND record_id = {id}),
                (SELECT place {step} FROM records WHERE tenant_id = ?1 AND type = {kind} AND record_id {beyond} {id}
                    ORDER BY record_id {direction} LIMIT 1),
                CASE '{direction}' WHEN 'DESC' THEN 0 ELSE 9e15 END)"
        ));
    }
    asking.sql.push_str(&format!(" ORDER BY records_search.rowid {direction}"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::stage::shape;
    use db::{Db, Decode, Row, native::Native};
    use futures::executor::block_on;

    struct Step(String);

    impl Decode for Step {
        fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
            Ok(Self(row.get("detail")?))
        }
    }

    fn plan(db: &Db, way: Way, query: &[(&str, &str)], after: bool) -> String {
        let kind = shape("contact").kind;
        let query: Vec<_> =
            query.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let filter = Filter::read(&kind, &query).unwrap();
        let after = after.then(|| Place { key: "1".to_owned(), id: "rec_1".to_owned() });
        let mut asking = begun(&kind, way, (way != Way::Rows).then_some("\"a\"*"));
        narrow(&mut asking, &filter, None);
        if way == Way::Words {
            order_of_words(&mut asking, &kind, filter.sort.descending, after.as_ref());
        } else {
            order(&mut asking, filter.sort, after.as_ref());
        }
        let steps: Vec<Step> = block_on(async {
            let tenant = "acme-corp".parse().unwrap();
            let mut lease = db.read().await.unwrap();
            let sql = format!("EXPLAIN QUERY PLAN {} LIMIT 51", asking.sql);
            lease.scope(&tenant).unwrap().all(&sql, asking.parameters).await.unwrap()
        });
        steps.into_iter().map(|step| step.0).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn every_list_finds_its_index() {
        let db = Native::memory().unwrap();
        for (way, query, index) in [
            (Way::Rows, vec![], "records_by_type"),
            (Way::Rows, vec![("sort", "name")], "records_by_name"),
            (Way::Rows, vec![("sort", "-value"), ("value_min", "10")], "records_by_value"),
            (Way::Rows, vec![("sort", "-updated_at")], "records_by_update"),
            (Way::Rows, vec![("status", "lead")], "records_by_status"),
            (Way::Rows, vec![("owner", "a@example.com")], "records_by_owner"),
            (Way::Rows, vec![("email", "a@example.com")], "records_by_email"),
            (Way::Words, vec![("q", "a")], "records_search VIRTUAL TABLE"),
            (
                Way::Words,
                vec![("q", "a"), ("sort", "created_at"), ("status", "lead")],
                "records_search VIRTUAL TABLE",
            ),
            (Way::Asked, vec![("q", "a"), ("sort", "name")], "records_by_name"),
            (Way::Asked, vec![("q", "a"), ("sort", "-value")], "records_by_value"),
        ] {
            for after in [false, true] {
                let plan = plan(&db, way, &query, after);
                assert!(plan.contains(index), "{way:?} {query:?} {after}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "sorts: {way:?} {query:?} {after}: {plan}");
            }
        }
        let few = plan(&db, Way::Sorted, &[("q", "a"), ("sort", "name")], true);
        assert!(
            few.contains("SCAN records_search VIRTUAL TABLE") && few.contains("INTEGER PRIMARY KEY"),
            "{few}"
        );
    }
}
