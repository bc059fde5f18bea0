//! How are imports and exports asked for, and what is said of an import?

use edge::Problem;
use kernel::Fields;
use pipeline::records::Imported;
use records::service::Meant;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How an import is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// What is done with a row whose record is there: `error` (it is faulty; unless named), `skip` or `update`.
    on_match: Option<String>,
    /// By what a row finds its record: `external_id` (unless named), `email` or `id`.
    r#match: Option<String>,
    /// `true`: say what would become of the rows, and keep nothing.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
}

impl ImportQuery {
    pub(crate) fn meant(&self) -> Result<Meant, Problem> {
        Meant::read(self.on_match.as_deref(), self.r#match.as_deref(), self.dry_run.as_deref())
            .map_err(Problem::fields)
    }
}

/// What is done if a record is there already.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutQuery {
    /// What is done if a record with the same external id or address is there: `error` (unless named), `update` (what is left
    /// out stays; 200) or `skip` (it stays as it is; 200).
    on_match: Option<String>,
    /// By what a record is found: `external_id` (unless named) or `email`.
    r#match: Option<String>,
}

impl PutQuery {
    /// How the request is meant; `None` for a plain new record.
    pub(crate) fn meant(&self) -> Result<Option<Meant>, Problem> {
        if self.on_match.is_none() && self.r#match.is_none() {
            return Ok(None);
        }
        if self.r#match.as_deref() == Some("id") {
            return Err(Problem::field(
                "match",
                "must be external_id or email; a record with a known id is patched",
            ));
        }
        Meant::read(self.on_match.as_deref(), self.r#match.as_deref(), None)
            .map(Some)
            .map_err(Problem::fields)
    }
}

/// A faulty part of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowFaultOut {
    /// The line where the row begins; 1 is that of the headings.
    line: u64,
    /// The field; `row` for the whole.
    field: String,
    /// What is wrong with it.
    message: String,
}

/// What became of a file's rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedOut {
    /// Whether nothing was kept.
    dry_run: bool,
    /// Rows that were looked at.
    rows: usize,
    /// Records that were made.
    created: usize,
    /// Records that were changed.
    updated: usize,
    /// Rows whose record was as the row says already.
    unchanged: usize,
    /// Rows that were passed over, because their record is there.
    skipped: usize,
    /// Rows that are faulty; the others are kept.
    failed: usize,
    /// What is wrong with them, in the order of the file.
    errors: Vec<RowFaultOut>,
}

impl ImportedOut {
    pub(crate) fn new(imported: Imported, dry_run: bool) -> Self {
        let tally = imported.tally;
        let faults = tally.faults.into_iter();
        Self {
            dry_run,
            rows: tally.rows,
            created: tally.created,
            updated: tally.updated,
            unchanged: tally.unchanged,
            skipped: tally.skipped,
            failed: tally.failed,
            errors: faults
                .map(|(line, fault)| RowFaultOut { line, field: fault.field, message: fault.message })
                .collect(),
        }
    }
}

/// In which form records are exported.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the shape for the OpenAPI document; it is read beside the filters")]
pub(crate) struct ExportQuery {
    /// `csv` (unless named) or `jsonl`.
    format: Option<String>,
}

/// A form in which records are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Jsonl,
}

impl Format {
    /// The form that a query names, which is taken out of it.
    pub(crate) fn take(query: &mut Vec<(String, String)>) -> Result<Self, Problem> {
        let mut fields = Fields::new();
        let mut format = Self::Csv;
        query.retain(|(name, text)| {
            if name != "format" {
                return true;
            }
            match text.as_str() {
                "csv" => format = Self::Csv,
                "jsonl" => format = Self::Jsonl,
                _ => fields.fault("format", "must be csv or jsonl"),
            }
            false
        });
        fields.done().map(|()| format).map_err(Problem::fields)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl",
        }
    }
}
