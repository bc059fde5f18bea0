//! Which tables hold something of a tenant, and how is it taken out of them? The schema itself says: every table with a
//! column `tenant_id`. So a table that a later migration adds is not forgotten.

use db::{AllTenants, DbError, Decode, Row, Scope};
use kernel::TenantId;
use std::collections::{BTreeMap, BTreeSet};

const COLUMNS: &str = "SELECT t.name AS table_name, c.name AS column_name, c.pk AS place
    FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.pk";
const REFERENCES: &str = "SELECT DISTINCT t.name AS table_name, f.\"table\" AS referenced
    FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table'";
const IS_LEAVING: &str = "SELECT COUNT(*) AS n FROM tenants WHERE tenant_id = ?1 AND state = 'suspended' AND deleting_at IS NOT NULL";
const REMOVE: &str =
    "DELETE FROM tenants WHERE tenant_id = ?1 AND deleting_at IS NOT NULL RETURNING tenant_id AS id";

/// The table of the tenants themselves: its row goes last.
const TENANTS: &str = "tenants";

struct Column {
    table: String,
    name: String,
    place: i64,
}

impl Decode for Column {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { table: row.get("table_name")?, name: row.get("column_name")?, place: row.get("place")? })
    }
}

struct Reference {
    table: String,
    referenced: String,
}

impl Decode for Reference {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { table: row.get("table_name")?, referenced: row.get("referenced")? })
    }
}

/// A table with rows of tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Its name.
    pub(crate) table: String,
    /// The columns of its primary key.
    key: Vec<String>,
}

impl Holding {
    /// Deletes at most `?2` rows of one tenant. Names stand in the schema, not in a request.
    fn statement(&self) -> String {
        let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
        let key: Vec<String> = self.key.iter().map(quoted).collect();
        let (table, key) = (quoted(&self.table), key.join(", "));
        format!(
            "DELETE FROM {table} WHERE tenant_id = ?1 AND ({key}) IN
            (SELECT {key} FROM {table} WHERE tenant_id = ?1 LIMIT ?2) RETURNING tenant_id AS id"
        )
    }
}

/// The tables that hold something of tenants, those that refer to others before these: so no row takes others with it.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn holdings(all: &mut AllTenants<'_>) -> Result<Vec<Holding>, DbError> {
    let columns: Vec<Column> = all.all(COLUMNS, []).await?;
    let references: Vec<Reference> = all.all(REFERENCES, []).await?;
    let mut tables: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    let of_tenants: BTreeSet<&str> = columns
        .iter()
        .filter(|column| column.name == "tenant_id")
        .map(|column| column.table.as_str())
        .collect();
    for column in columns.iter().filter(|column| of_tenants.contains(column.table.as_str())) {
        let key = tables.entry(column.table.clone()).or_default();
        if column.place > 0 {
            key.push((column.place, column.name.clone()));
        }
    }
    tables.remove(TENANTS);
    let mut ordered = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let free = |table: &String| {
            !references
                .iter()
                .any(|one| one.referenced == *table && one.table != *table && tables.contains_key(&one.table))
        };
        // Tables that refer to each other in a ring have no right order: any of them is as good.
        let Some(next) = tables.keys().find(|table| free(table)).or_else(|| tables.keys().next()).cloned()
        else {
            break;
        };
        let mut key = tables.remove(&next).unwrap_or_default();
        key.sort();
        let key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
        let key = if key.is_empty() { vec!["rowid".to_owned()] } else { key };
        ordered.push(Holding { table: next, key });
    }
    Ok(ordered)
}

/// Whether the tenant of the scope was given up.
pub(crate) async fn is_leaving(scope: &mut Scope<'_>) -> Result<bool, DbError> {
    Ok(scope.one::<i64>(IS_LEAVING, []).await? == Some(1))
}

/// Takes at most `most` rows of the scope's tenant out of a table; tells how many.
pub(crate) async fn take_out(scope: &mut Scope<'_>, holding: &Holding, most: i64) -> Result<i64, DbError> {
    let gone = scope.run_for_effect(&holding.statement(), [most.into()]).await?;
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}

/// Takes the tenant itself out; false if it was not given up.
pub(crate) async fn remove(scope: &mut Scope<'_>) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(REMOVE, []).await? == 1)
}

/// The name as the job's payload says it.
pub(crate) fn tenant_of(payload: &str) -> Option<TenantId> {
    let payload: serde_json::Value = serde_json::from_str(payload).ok()?;
    payload.get("tenant")?.as_str()?.parse().ok()
}
