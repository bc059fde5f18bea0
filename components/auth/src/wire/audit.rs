//! How is the audit said in JSON?

use ::audit::{Anchor, Content, Part, Recorded, Verified};
use kernel::Fields;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// Which rows of the audit are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilter {
    /// Only those by this user or API key (its id), or by `system`.
    pub(crate) actor: Option<String>,
    /// Only those of this action: `rule.created`; with a `*` at its end, of all that begin so: `rule.*`.
    pub(crate) action: Option<String>,
    /// Only those about this id.
    pub(crate) subject: Option<String>,
    /// Only those from this address.
    pub(crate) address: Option<String>,
    /// Only those of this request.
    pub(crate) request_id: Option<String>,
    /// Only those whose state before or afterwards holds this text.
    pub(crate) text: Option<String>,
    /// Only those at or after this instant (RFC 3339).
    pub(crate) since: Option<String>,
    /// Only those before this instant (RFC 3339).
    pub(crate) until: Option<String>,
}

impl TryFrom<AuditFilter> for ::audit::Filter {
    type Error = Vec<kernel::FieldFault>;

    fn try_from(wanted: AuditFilter) -> Result<Self, Self::Error> {
        let mut fields = Fields::new();
        let mut instant =
            |name: &str, text: Option<String>| text.and_then(|text| fields.take(name, text.parse()));
        let (since, until) = (instant("since", wanted.since), instant("until", wanted.until));
        fields.done()?;
        Ok(Self {
            actor: wanted.actor,
            action: wanted.action,
            subject: wanted.subject,
            address: wanted.address,
            request: wanted.request_id,
            text: wanted.text,
            since,
            until,
        })
    }
}

/// A row of the audit.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditOut {
    id: String,
    /// Its place in the tenant's chain.
    sequence: i64,
    at: String,
    /// The id of a user or an API key, or `system`.
    actor: String,
    /// What was done: `rule.created`.
    action: String,
    /// The id of what it was done to.
    subject: String,
    request_id: String,
    address: Option<String>,
    /// The state before, exactly as it was hashed.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// The state afterwards, exactly as it was hashed.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
    /// Which of `address`, `before` and `after` were erased since.
    erased: Vec<&'static str>,
    /// The place of the row that says what was erased.
    erased_by: Option<i64>,
    /// SHA-256 over this row and the hash before it, in hexadecimal.
    hash: String,
}

impl From<Recorded> for AuditOut {
    fn from(row: Recorded) -> Self {
        // A row that is no JSON any more was meddled with: the verification says so.
        let raw =
            |content: &Content| content.text().and_then(|text| RawValue::from_string(text.to_owned()).ok());
        Self {
            erased: row.erased().map(Part::as_str).collect(),
            address: row.address.text().map(str::to_owned),
            before: raw(&row.before),
            after: raw(&row.after),
            id: row.id.to_string(),
            sequence: row.sequence,
            at: row.at.to_string(),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            request_id: row.request,
            erased_by: row.erased_by,
            hash: row.hash.to_string(),
        }
    }
}

/// Where a chain does not hold.
#[derive(Serialize, ToSchema)]
pub(crate) struct BrokenOut {
    /// The place in the chain.
    sequence: i64,
    /// The row that stands there, if one does.
    id: Option<String>,
    /// `missing`, `changed`, `surplus`, or `erased` if no row says that something was erased here.
    reason: &'static str,
}

/// A place in the chain, and the hash of the row there.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnchorOut {
    /// The place; 0 if there is no row yet.
    sequence: i64,
    /// 64 hexadecimal digits.
    hash: String,
}

impl From<Anchor> for AnchorOut {
    fn from(anchor: Anchor) -> Self {
        Self { sequence: anchor.sequence, hash: anchor.hash.to_string() }
    }
}

/// From where the audit is to be verified: from a row whose place and hash were kept elsewhere. Both or neither.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyQuery {
    /// The place of a row; the walk begins after it.
    pub(crate) sequence: Option<i64>,
    /// Its hash.
    pub(crate) hash: Option<String>,
}

impl VerifyQuery {
    /// The anchor, if one is named.
    pub(crate) fn anchor(self) -> Result<Option<Anchor>, Vec<kernel::FieldFault>> {
        let mut fields = Fields::new();
        let hash = self.hash.and_then(|text| fields.take("hash", text.parse()));
        match (self.sequence, hash) {
            (Some(sequence), Some(hash)) => {
                if sequence < 0 {
                    fields.fault("sequence", "must be 0 or more");
                }
                fields.give(Some(Some(Anchor { sequence, hash })))
            }
            (None, None) => fields.give(Some(None)),
            (Some(_), None) => {
                fields.fault("hash", "must be given beside sequence");
                fields.give(None)
            }
            (None, Some(_)) => {
                fields.fault("sequence", "must be given beside hash");
                fields.give(None)
            }
        }
    }
}

/// What a walk along the audit found.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerifiedOut {
    /// Whether all that was looked at holds.
    holds: bool,
    /// How many rows hold, of those that were looked at.
    rows: i64,
    /// The place of the last row that holds.
    last: i64,
    /// The hash of the last row that holds: keep it elsewhere, and compare it another time.
    head: String,
    /// The first place where the chain does not hold.
    broken: Option<BrokenOut>,
    /// Where to go on; null once the end was reached, or a place where it does not hold.
    next: Option<String>,
}

impl VerifiedOut {
    pub(crate) fn new(verified: Verified, next: Option<Anchor>) -> Self {
        let broken = verified.broken.map(|broken| BrokenOut {
            sequence: broken.sequence,
            id: broken.id.map(|id| id.to_string()),
            reason: broken.reason.as_str(),
        });
        let link = |anchor: Anchor| {
            format!("/api/v1/admin/audit/verify?sequence={}&hash={}", anchor.sequence, anchor.hash)
        };
        Self {
            holds: broken.is_none(),
            rows: verified.rows,
            last: verified.last,
            head: verified.head.to_string(),
            broken,
            next: next.map(link),
        }
    }
}

/// In which form rows leave the house.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExportFormat {
    /// A JSON object on each line, with all that `signalbox audit verify` needs.
    #[default]
    Jsonl,
    /// Comma-separated values, for reading.
    Csv,
}

impl ExportFormat {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// Which rows are to be exported.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// `jsonl` (unless given) or `csv`.
    #[serde(default)]
    #[param(inline)]
    pub(crate) format: ExportFormat,
    /// Only those at or after this instant (RFC 3339).
    pub(crate) since: Option<String>,
    /// Only those before this instant (RFC 3339).
    pub(crate) until: Option<String>,
    /// The place of the row to go on with, as the header `Link` of the page before says.
    pub(crate) cursor: Option<i64>,
}
