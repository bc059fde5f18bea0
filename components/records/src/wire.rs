//! Which JSON stands for records? Flat fields beside what a record says of itself; which fields there are, the type says.

pub(crate) mod built_in;
pub(crate) mod conversion;
pub(crate) mod kinds;
pub(crate) mod sheets;

use edge::Problem;
use kernel::TenantId;
use records::{Draft, Record, RecordType};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Fields by name, all or some of a record's.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct FieldsIn(Map<String, Value>);

impl FieldsIn {
    pub(crate) const fn of(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    pub(crate) fn draft(self) -> Result<Draft, Problem> {
        Draft::read(self.0).map_err(Problem::fields)
    }
}

/// A record: every field of its type, null where it is empty.
pub(crate) fn shown(tenant: &TenantId, kind: &RecordType, record: &Record) -> Value {
    let mut all: Map<String, Value> = kind.field_names().map(|name| (name.to_owned(), Value::Null)).collect();
    all.extend(record.fields.clone());
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    put("id", record.id.as_str().into());
    put("tenant_id", tenant.as_str().into());
    put("type", record.kind.as_str().into());
    put("external_id", record.external_id.clone().into());
    put("version", record.version.into());
    put("created_by", record.created_by.clone().into());
    put("created_at", record.created_at.to_string().into());
    put("updated_at", record.updated_at.to_string().into());
    Value::Object(all)
}
