//! What is kept of a request that came to a source? Of one that was taken, all that its signature stands for; of the others, no
//! more than it takes to understand why they were not.

use crate::inbound::{Preset, Proof};
use kernel::{EventId, Instant, JobId, ReceiptId, SourceId};
use std::{fmt, str::FromStr};

/// What became of a request at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was stored, and its event is on the way or there.
    Taken,
    /// It came before.
    Double,
    /// The provider asked whether anybody is there, and was answered.
    Challenge,
    /// It was not let in.
    Refused,
}

/// The text names no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of taken, double, challenge, refused")]
pub struct UnknownOutcome;

impl Outcome {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Double => "double",
            Self::Challenge => "challenge",
            Self::Refused => "refused",
        }
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;
    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        let all = [Self::Taken, Self::Double, Self::Challenge, Self::Refused];
        all.into_iter().find(|outcome| outcome.as_str() == text).ok_or(UnknownOutcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A header that is kept: its name in small letters, and its value, unless that lets somebody in.
pub type KeptHeader = (String, Option<String>);

/// A request that came, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its id.
    pub id: ReceiptId,
    /// Where it came.
    pub source: SourceId,
    /// When it came.
    pub received: Instant,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was refused: a word of [`crate::inbound::Refusal`].
    pub reason: Option<String>,
    /// The same for people.
    pub words: Option<String>,
    /// Where it came from.
    pub address: Option<String>,
    /// Its headers.
    pub headers: Vec<KeptHeader>,
    /// The provider's id of what was sent.
    pub provider_id: Option<String>,
    /// What happened, in the provider's words.
    pub kind: Option<String>,
    /// The one that came first.
    pub first: Option<ReceiptId>,
    /// The job that makes an event of it.
    pub job: Option<JobId>,
    /// The event that it became.
    pub event: Option<EventId>,
    /// Whether a person was taken out of it: what is kept is not what was signed then.
    pub is_altered: bool,
}

/// A request with its body, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What the log has.
    pub capture: Capture,
    /// The body, of one that was taken.
    pub body: Option<Vec<u8>>,
}

impl Kept {
    /// The headers that stand here with their values.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let all = self.capture.headers.iter();
        all.filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect()
    }
}

/// What a request became at the door, to be written into the log.
#[derive(Debug, Clone)]
pub(crate) struct Landed {
    pub(crate) kept: Kept,
    /// A digest of what was signed with its time.
    pub(crate) seen: Option<[u8; 32]>,
}

impl Landed {
    pub(crate) fn proven(self, proof: &Proof) -> Self {
        let capture =
            Capture { provider_id: proof.id.clone(), kind: proof.kind.clone(), ..self.kept.capture };
        Self { kept: Kept { capture, ..self.kept }, seen: proof.seen }
    }
}

/// Words in the names of headers whose values let somebody in. Of these no value is kept, unless the signature stands there.
const TELLING: [&str; 7] = ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey"];

/// The headers of a request that may be kept: all names, and the values of those that are no credentials. What the signature
/// is made of and stands in is kept, so that it can be verified again.
#[must_use]
pub fn kept_headers(preset: &Preset, headers: &[(String, String)]) -> Vec<KeptHeader> {
    let signing = |name: &str| {
        preset.scheme().is_some_and(|scheme| {
            let others = scheme.timestamp_header.iter().chain(&scheme.id_header);
            others.chain([&scheme.header]).any(|known| known == name)
        })
    };
    let kept = |(name, value): &(String, String)| {
        let tells = TELLING.iter().any(|word| name.contains(word)) && !signing(name);
        (name.clone(), (!tells).then(|| value.clone()))
    };
    // What the host adds says nothing of the sender.
    headers.iter().filter(|(name, _)| !name.starts_with("spin-")).map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::{Scheme, SchemeDraft};

    #[test]
    fn credentials_are_not_kept_and_signatures_are() {
        let headers: Vec<(String, String)> =
            ["authorization", "cookie", "x-gitlab-token", "x-api-key", "x-signature", "spin-client-addr"]
                .map(|name| (name.to_owned(), "v".to_owned()))
                .to_vec();
        let kept = |preset: &Preset| {
            let all = kept_headers(preset, &headers).into_iter();
            all.filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(kept(&Preset::Bearer), ["x-signature"]);
        assert_eq!(kept_headers(&Preset::Bearer, &headers).len(), 5);
        let draft = SchemeDraft { header: Some("Authorization".to_owned()), ..SchemeDraft::default() };
        let scheme = Scheme::check(draft, "scheme").unwrap();
        assert_eq!(kept(&Preset::Hmac(scheme)), ["authorization", "x-signature"]);
    }
}
