//! What is sent to an endpoint? The payload that Standard Webhooks recommends, in a request whose id is the same at every attempt.

use crate::SigningKey;
use kernel::{EndpointId, Instant, JobId, Secret, Target};
use serde_json::json;

/// Something that is to be sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// Where to.
    pub endpoint: EndpointId,
    /// The job that sends it: its id is the request's.
    pub job: JobId,
    /// What kind of event it is, such as `sales.opportunity_created`.
    pub kind: String,
    /// When that happened.
    pub happened: Instant,
    /// What there is to say of it: JSON, sent to the letter.
    pub data: String,
    /// The trace that it belongs to.
    pub trace: String,
}

/// A request that is ready to leave, by POST. Redirects are not to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// The whole address.
    pub url: Secret<String>,
    /// All headers but the connection's own and the length.
    pub headers: Vec<(String, String)>,
    /// The body: JSON.
    pub body: String,
}

impl Dispatch {
    /// The body: the same at every attempt.
    fn body(&self) -> String {
        let (kind, happened) = (json!(self.kind), json!(self.happened.to_string()));
        format!(r#"{{"type":{kind},"timestamp":{happened},"data":{}}}"#, self.data)
    }

    /// The request, signed as of `now`.
    pub(crate) fn request(&self, target: &Target, key: &SigningKey, now: Instant) -> Outbound {
        let body = self.body();
        let header = |name: &str, value: String| (name.to_owned(), value);
        let headers = vec![
            header("content-type", "application/json".to_owned()),
            header("user-agent", concat!("Signalbox/", env!("CARGO_PKG_VERSION")).to_owned()),
            header("webhook-id", self.job.to_string()),
            header("webhook-timestamp", now.seconds().to_string()),
            header("webhook-signature", key.sign(self.job.as_str(), now, &body)),
            header("traceparent", self.trace.clone()),
        ];
        Outbound { url: Secret::new(target.expose().to_owned()), headers, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_says_type_time_and_data_to_the_letter() {
        let dispatch = Dispatch {
            endpoint: "end_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            job: "job_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            kind: "sales.\"odd\"".to_owned(),
            happened: Instant::from_millis(1_700_000_000_123),
            data: r#"{"value": 12500.50}"#.to_owned(),
            trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        };
        assert_eq!(
            dispatch.body(),
            r#"{"type":"sales.\"odd\"","timestamp":"2023-11-14T22:13:20.123Z","data":{"value": 12500.50}}"#
        );
        let target = Target::parse("https://example.com/in?token=1", false).unwrap();
        let key: SigningKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let early = dispatch.request(&target, &key, Instant::from_millis(1_700_000_001_000));
        let late = dispatch.request(&target, &key, Instant::from_millis(1_700_000_901_000));
        assert_eq!(early.url.expose(), "https://example.com/in?token=1");
        let header = |sent: &Outbound, name: &str| {
            sent.headers.iter().find(|(known, _)| known == name).unwrap().1.clone()
        };
        assert_eq!(header(&early, "webhook-id"), header(&late, "webhook-id"));
        assert_eq!(header(&early, "webhook-timestamp"), "1700000001");
        assert_ne!(header(&early, "webhook-signature"), header(&late, "webhook-signature"));
        assert_eq!(early.body, late.body);
    }
}
