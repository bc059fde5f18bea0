//! Which JSON stands for types of records, and for what is left of their limits?

use records::{RecordType, TypeDraft, TypePatch, service::Limits, triggers};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A field of a patch that is there: null is no value of it, unless it may be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// A type of the tenant's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeIn {
    /// Its name in paths and triggers: 2 to 40 lower-case letters, digits and underscores.
    #[serde(rename = "type")]
    #[schema(required, example = "project")]
    name: Option<String>,
    /// The module that its triggers belong to.
    #[schema(required, example = "delivery")]
    module_type: Option<String>,
    /// What people call it; its name where it is left out.
    #[schema(example = "Project")]
    title: Option<String>,
    /// The JSON Schema (2020-12) of its fields: an object with `properties`, at most 100. No references; patterns are linear.
    #[schema(value_type = Object, required, example = json!({"properties": {"name": {"type": "string"},
        "phase": {"type": "string"}, "budget": {"type": "number", "minimum": 0}}, "required": ["name"]}))]
    schema: Option<Value>,
    /// The field that names a record; `name` unless another is named.
    name_field: Option<String>,
    /// The field that says where a record stands.
    #[schema(example = "phase")]
    status_field: Option<String>,
    /// What may stand there; the first is what a new record has.
    #[schema(example = json!(["open", "running", "done"]))]
    statuses: Option<Vec<String>>,
}

impl From<TypeIn> for TypeDraft {
    fn from(sent: TypeIn) -> Self {
        Self {
            name: sent.name,
            module: sent.module_type,
            title: sent.title,
            schema: sent.schema,
            name_field: sent.name_field,
            status_field: sent.status_field,
            statuses: sent.statuses,
        }
    }
}

/// What is to be changed of a type; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypePatchIn {
    /// What people call it.
    #[serde(default, deserialize_with = "given")]
    title: Option<String>,
    /// The whole schema of the tenant's own fields, instead of the one before.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    schema: Option<Value>,
    /// All statuses (of opportunities: stages), instead of those before.
    #[serde(default, deserialize_with = "given")]
    statuses: Option<Vec<String>>,
    /// From which value on an opportunity is one of high value; null for 10,000.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>)]
    high_value: Option<Option<Value>>,
}

impl From<TypePatchIn> for TypePatch {
    fn from(sent: TypePatchIn) -> Self {
        Self { title: sent.title, schema: sent.schema, statuses: sent.statuses, high_value: sent.high_value }
    }
}

/// A type of records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TypeOut {
    /// Its name in paths and triggers.
    #[serde(rename = "type")]
    name: String,
    /// The module that its triggers belong to.
    module_type: String,
    /// What people call it.
    title: String,
    /// Whether the tenant made it.
    custom: bool,
    /// The JSON Schema of the tenant's own fields.
    #[schema(value_type = Object)]
    schema: Value,
    /// The JSON Schema of a whole record, built-in fields and statuses included: what a form can be made of.
    #[schema(value_type = Object)]
    record_schema: Value,
    /// The field that names a record.
    name_field: String,
    /// The field that says where a record stands.
    status_field: Option<String>,
    /// What may stand there; the first is what a new record has.
    statuses: Vec<String>,
    /// From which value on an opportunity is one of high value.
    #[schema(value_type = Option<f64>)]
    high_value: Option<Value>,
    /// The triggers that changes of its records raise; deals and leads have some more.
    triggers: Vec<String>,
    /// Grows with each change; also the `ETag`. 0 for a built-in type of which the tenant said nothing.
    version: u32,
    /// When the tenant first said something of it.
    created_at: Option<String>,
    /// When it was last changed.
    updated_at: Option<String>,
}

impl From<RecordType> for TypeOut {
    fn from(kind: RecordType) -> Self {
        let said = (kind.version > 0).then_some(());
        Self {
            name: kind.name.to_string(),
            custom: kind.is_own(),
            record_schema: kind.whole_schema(),
            triggers: triggers(&kind).into_iter().map(|one| one.trigger_id).collect(),
            high_value: kind.high_value.map(records::Amount::to_json),
            created_at: said.map(|()| kind.created_at.to_string()),
            updated_at: said.map(|()| kind.updated_at.to_string()),
            module_type: kind.module,
            title: kind.title,
            schema: kind.schema,
            name_field: kind.name_field,
            status_field: kind.status_field,
            statuses: kind.statuses,
            version: kind.version,
        }
    }
}

/// Which types are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct TypesQuery {
    /// Only those of this module.
    pub(crate) module_type: Option<String>,
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

/// A limit, and how much of it is used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitOut {
    /// The most there may be.
    limit: i64,
    /// How many there are.
    used: i64,
}

/// A type, and how much of its limits is used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TypeUseOut {
    /// The type.
    #[serde(rename = "type")]
    name: String,
    /// How many records of it there are.
    records: i64,
    /// Its fields of the tenant's own.
    custom_fields: LimitOut,
}

/// How much there may be, and how much there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitsOut {
    /// Records of all types.
    records: LimitOut,
    /// Types of the tenant's own.
    own_types: LimitOut,
    /// Type by type.
    types: Vec<TypeUseOut>,
    /// The most labels of a record.
    labels_of_a_record: i64,
    /// The most statuses of a type.
    statuses_of_a_type: i64,
    /// The most rows of an import.
    rows_of_an_import: usize,
}

impl From<Limits> for LimitsOut {
    fn from(limits: Limits) -> Self {
        let used = |limit, used| LimitOut { limit, used };
        Self {
            records: used(limits.records.0, limits.records.1),
            own_types: used(limits.own_types.0, limits.own_types.1),
            types: limits
                .types
                .into_iter()
                .map(|(name, records, fields)| TypeUseOut {
                    name: name.to_string(),
                    records,
                    custom_fields: used(limits.most_fields, fields),
                })
                .collect(),
            labels_of_a_record: limits.most_labels,
            statuses_of_a_type: limits.most_statuses,
            rows_of_an_import: records::sheet::MOST_ROWS,
        }
    }
}
