//! What came of an attempt to reach an endpoint?

use crate::{Judgement, answer};
use kernel::{EndpointId, Instant, JobId, Secret, TenantId};

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// What `Content-Type` says.
    pub content_type: Option<String>,
    /// The beginning of the body as text, secrets masked.
    pub body: String,
    /// Whether there was more.
    pub is_cut: bool,
}

impl Answered {
    /// What is kept of an answer.
    #[must_use]
    pub fn new(status: u16, content_type: Option<&str>, body: &[u8], secrets: &[Secret<String>]) -> Self {
        let secrets: Vec<&str> = secrets.iter().map(|secret| secret.expose().as_str()).collect();
        let (body, is_cut) = answer::kept(body, &secrets);
        let content_type =
            content_type.map(|text| text.chars().filter(|letter| !letter.is_control()).take(200).collect());
        Self { status, content_type, body, is_cut }
    }
}

/// An attempt to reach an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// Whose endpoint.
    pub tenant: TenantId,
    /// Which.
    pub endpoint: EndpointId,
    /// The job that made it.
    pub job: JobId,
    /// 1, 2, 3 … as the job counts.
    pub number: u32,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// What the endpoint answered, if it did.
    pub answer: Option<Answered>,
    /// What came of it.
    pub judgement: Judgement,
}
