//! Which JSON stands for requests that came to a source?

use super::{given, sources::MappingIn};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use pipeline::sources::Preview;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use webhooks::{Capture, Kept, service::requests::Again};

/// A header of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeaderOut {
    /// Its name, in small letters.
    name: String,
    /// Its value; null where none is kept, because it lets somebody in, or the request was not taken.
    value: Option<String>,
}

/// A request that came to a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestOut {
    /// Its id.
    #[schema(example = "rcv_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Where it came.
    source_id: String,
    /// When it came.
    received_at: String,
    /// `taken`; `double`: it came before; `challenge`: the provider asked whether anybody is there, and was answered; `refused`.
    outcome: &'static str,
    /// Why it was refused, in a word: `signature`, `stale`, `header_missing`, `address`, …
    reason: Option<String>,
    /// The same for people.
    message: Option<String>,
    /// Where it came from.
    address: Option<String>,
    /// The provider's id of what was sent.
    provider_id: Option<String>,
    /// What happened, in the provider's words.
    kind: Option<String>,
    /// Of a double, the request that came first.
    first_id: Option<String>,
    /// The job that makes an event of it: `POST /api/v1/jobs/{id}/retry` tries again with the mapping that the source has then.
    job_id: Option<String>,
    /// The event that it became.
    event_id: Option<String>,
    /// Whether a person was taken out of it: what is kept is not what was signed then.
    altered: bool,
}

impl From<Capture> for RequestOut {
    fn from(capture: Capture) -> Self {
        Self {
            id: capture.id.to_string(),
            source_id: capture.source.to_string(),
            received_at: capture.received.to_string(),
            outcome: capture.outcome.as_str(),
            reason: capture.reason,
            message: capture.words,
            address: capture.address,
            provider_id: capture.provider_id,
            kind: capture.kind,
            first_id: capture.first.map(|id| id.to_string()),
            job_id: capture.job.map(|id| id.to_string()),
            event_id: capture.event.map(|id| id.to_string()),
            altered: capture.is_altered,
        }
    }
}

/// A request with all that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeRequestOut {
    /// What the list says of it, too.
    #[serde(flatten)]
    request: RequestOut,
    /// Its headers.
    headers: Vec<HeaderOut>,
    /// The body, if it is text.
    body: Option<String>,
    /// The body in base64, if it is none.
    body_base64: Option<String>,
    /// How long the body is, in bytes; null if none is kept.
    size: Option<usize>,
}

impl From<Kept> for WholeRequestOut {
    fn from(kept: Kept) -> Self {
        let headers = kept.capture.headers.clone();
        let size = kept.body.as_ref().map(Vec::len);
        let (body, body_base64) = match kept.body.map(String::from_utf8) {
            None => (None, None),
            Some(Ok(text)) => (Some(text), None),
            Some(Err(bytes)) => (None, Some(STANDARD.encode(bytes.as_bytes()))),
        };
        Self {
            request: kept.capture.into(),
            headers: headers.into_iter().map(|(name, value)| HeaderOut { name, value }).collect(),
            body,
            body_base64,
            size,
        }
    }
}

/// What verifying a request again says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerdictOut {
    /// Whether the kept bytes hold by the secrets that the source has now, as of when the request came.
    verified: bool,
    /// Why not, in a word: one of those that refuse requests, or `unverified` (the source verifies nothing), `not_kept` (credentials are
    /// not kept), `altered` (a person was taken out of it), `no_body` (it was not taken).
    reason: Option<&'static str>,
    /// The same for people.
    message: Option<String>,
    /// Which of the secrets holds, from 0.
    secret: Option<usize>,
}

impl From<Again> for VerdictOut {
    fn from(again: Again) -> Self {
        let not = |reason, message: &str| Self {
            verified: false,
            reason: Some(reason),
            message: Some(message.to_owned()),
            secret: None,
        };
        match again {
            Again::Holds(proof) => Self { verified: true, reason: None, message: None, secret: proof.secret },
            Again::Fails(refusal) => not(refusal.as_str(), &refusal.to_string()),
            Again::Unverified => not("unverified", "the source verifies nothing"),
            Again::NotKept => not("not_kept", "a credential verified it, and credentials are not kept"),
            Again::Altered => {
                not("altered", "a person was taken out of it, so these are not the bytes that were signed")
            }
            Again::NoBody => not("no_body", "it was not taken, so no body of it is kept"),
        }
    }
}

/// Which requests to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RequestsQuery {
    /// Only those of this outcome: `taken`, `double`, `challenge`, `refused`.
    pub(crate) outcome: Option<String>,
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}

/// What to try a mapping on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewIn {
    /// The mapping to be tried; the source's own unless it is given.
    #[serde(default, deserialize_with = "given")]
    pub(crate) mapping: Option<MappingIn>,
    /// The request to try it on; the newest unless one is named.
    #[serde(default, deserialize_with = "given")]
    pub(crate) request_id: Option<String>,
    /// On how many of the newest, 1 to 10; 5 unless named.
    #[serde(default, deserialize_with = "given")]
    pub(crate) limit: Option<u16>,
}

/// Something that is wrong, or may be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemarkOut {
    /// Where.
    field: String,
    /// What.
    message: String,
}

/// What a mapping makes of one request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewedOut {
    /// The request.
    request_id: String,
    /// When it came.
    received_at: String,
    /// The trigger that it would set off.
    trigger_id: Option<String>,
    /// The data that the event would have.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// The provider's id by the source's own template.
    provider_id: Option<String>,
    /// Why no event would come of it; empty if one would.
    faults: Vec<RemarkOut>,
    /// What the templates name and is not there.
    warnings: Vec<RemarkOut>,
}

/// What a mapping makes of requests that came. Nothing was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewOut {
    /// Request by request, newest first.
    pub(crate) data: Vec<PreviewedOut>,
}

fn remarks(all: Vec<kernel::FieldFault>) -> Vec<RemarkOut> {
    all.into_iter().map(|fault| RemarkOut { field: fault.field, message: fault.message }).collect()
}

impl From<Preview> for PreviewedOut {
    fn from(preview: Preview) -> Self {
        let (request_id, received_at) = (preview.request.to_string(), preview.received.to_string());
        let faults = remarks(preview.faults);
        match preview.mapped {
            None => Self {
                request_id,
                received_at,
                trigger_id: None,
                data: None,
                provider_id: None,
                faults,
                warnings: Vec::new(),
            },
            Some(mapped) => Self {
                request_id,
                received_at,
                trigger_id: Some(mapped.trigger),
                data: Some(mapped.data),
                provider_id: mapped.id,
                faults,
                warnings: remarks(mapped.warnings),
            },
        }
    }
}

/// That a request was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenOut {
    /// The request's id; of one that came before, the first one's.
    #[schema(example = "rcv_01hf7yat00zzzzzzzzzzzzzzzz")]
    pub(crate) id: String,
    /// Whether it came before.
    pub(crate) duplicate: bool,
}
