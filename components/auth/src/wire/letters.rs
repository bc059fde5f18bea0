//! How are letters said in JSON, for the operator?

use auth::{Posted, Writing};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which letters are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetterFilter {
    /// Only those in this state: `waiting`, `queued`, `sent`, `failed`, `expired`.
    pub(crate) state: Option<String>,
    /// Only those of this tenant.
    pub(crate) tenant: Option<String>,
    /// Only this one: `ltr_…`. With `tenant`, it is opened: the answer says what stands in it.
    pub(crate) id: Option<String>,
}

/// Letters, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct LettersOut {
    pub(crate) data: Vec<LetterOut>,
}

/// A letter.
#[derive(Serialize, ToSchema)]
pub(crate) struct LetterOut {
    id: String,
    tenant_id: String,
    /// `invitation`, `password_reset`, `email_verification`, `security_notice`.
    purpose: &'static str,
    /// Of what it tells, if it is a notice.
    notice: Option<&'static str>,
    recipient: String,
    /// `waiting`, `queued`, `sent`, `failed`, `expired`.
    state: &'static str,
    last_error: Option<String>,
    created_at: String,
    /// It is not sent afterwards.
    expires_at: String,
    ended_at: Option<String>,
    /// Only of a letter that was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// Only of a letter that was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl LetterOut {
    /// With what stands in it.
    pub(crate) fn opened(self, writing: Writing) -> Self {
        Self { subject: Some(writing.subject), text: Some(writing.text), ..self }
    }
}

impl From<Posted> for LetterOut {
    fn from(letter: Posted) -> Self {
        Self {
            id: letter.id.to_string(),
            tenant_id: letter.tenant.to_string(),
            purpose: letter.purpose.as_str(),
            notice: letter.notice.map(auth::Notice::as_str),
            recipient: letter.recipient.to_string(),
            state: letter.state.as_str(),
            last_error: letter.last_error,
            created_at: letter.created_at.to_string(),
            expires_at: letter.expires_at.to_string(),
            ended_at: letter.ended_at.map(|at| at.to_string()),
            subject: None,
            text: None,
        }
    }
}
