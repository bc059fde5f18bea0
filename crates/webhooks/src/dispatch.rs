//! What is sent to an endpoint? The payload that Standard Webhooks recommends, or the endpoint's own, in a request whose id is the same
//! at every attempt.

use crate::{Auth, Endpoint, Keyring};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{EndpointId, Instant, JobId, Secret, Span, Target};
use serde_json::{Value, json};

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
    /// How long the exchange may take.
    pub timeout: Span,
    /// What no record may show of the answer.
    pub secrets: Vec<Secret<String>>,
    /// The token that is to be had first, and goes into `Authorization`.
    pub token: Option<TokenWish>,
}

/// A token that a provider is to be asked for: RFC 6749, section 4.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenWish {
    /// Where.
    pub url: Secret<String>,
    /// Headers of the request.
    pub headers: Vec<(String, String)>,
    /// Its body, a form.
    pub body: String,
    /// One for all requests that can use the same token.
    pub key: String,
}

impl Dispatch {
    /// The body that Standard Webhooks recommends: the same at every attempt.
    #[must_use]
    pub fn body(&self) -> String {
        let (kind, happened) = (json!(self.kind), json!(self.happened.to_string()));
        format!(r#"{{"type":{kind},"timestamp":{happened},"data":{}}}"#, self.data)
    }

    /// The request, signed as of `now`. `body` is the endpoint's own, if it wants one.
    pub(crate) fn request(
        &self,
        endpoint: &Endpoint,
        target: &Target,
        keyring: &Keyring,
        body: Option<&Value>,
        now: Instant,
    ) -> Outbound {
        let body = body.map_or_else(|| self.body(), Value::to_string);
        let header = |name: &str, value: String| (name.to_owned(), value);
        let mut headers = vec![
            header("content-type", "application/json".to_owned()),
            header("user-agent", concat!("Signalbox/", env!("CARGO_PKG_VERSION")).to_owned()),
            header("webhook-id", self.job.to_string()),
            header("webhook-timestamp", now.seconds().to_string()),
            header("webhook-signature", keyring.sign(self.job.as_str(), now, &body)),
            header("traceparent", self.trace.clone()),
        ];
        headers.extend(endpoint.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let credential = keyring.credential.as_ref();
        let mut secrets: Vec<Secret<String>> = credential.cloned().into_iter().collect();
        if let Some((name, value)) = credential.and_then(|secret| let_in(&endpoint.auth, secret.expose())) {
            secrets.push(Secret::new(value.clone()));
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
        Outbound {
            url: Secret::new(target.expose().to_owned()),
            headers,
            body,
            timeout: endpoint.policy.timeout,
            secrets,
            token: credential.and_then(|secret| token(endpoint, secret.expose())),
        }
    }
}

/// The header that lets us in.
fn let_in(auth: &Auth, credential: &str) -> Option<(String, String)> {
    let authorization = |value: String| Some(("authorization".to_owned(), value));
    match auth {
        Auth::None | Auth::OAuth2 { .. } => None,
        Auth::Bearer => authorization(format!("Bearer {credential}")),
        Auth::Basic { user } => {
            authorization(format!("Basic {}", STANDARD.encode(format!("{user}:{credential}"))))
        }
        Auth::Header { name } => Some((name.clone(), credential.to_owned())),
    }
}

/// What is asked of the provider of tokens: the client by HTTP Basic, as RFC 6749, section 2.3.1 has every provider understand.
fn token(endpoint: &Endpoint, credential: &str) -> Option<TokenWish> {
    let Auth::OAuth2 { token_url, client_id, scopes } = &endpoint.auth else { return None };
    let form = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let client = STANDARD.encode(format!("{}:{}", form(client_id), form(credential)));
    let mut body = "grant_type=client_credentials".to_owned();
    if !scopes.is_empty() {
        body = format!("{body}&scope={}", form(&scopes.join(" ")));
    }
    Some(TokenWish {
        url: Secret::new(token_url.clone()),
        headers: vec![
            ("authorization".to_owned(), format!("Basic {client}")),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
        ],
        body,
        key: format!("{}:{}", endpoint.id, endpoint.version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventType, Policy, Signature, SigningKey};

    fn endpoint(auth: Auth) -> Endpoint {
        Endpoint {
            id: "end_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            url: String::new(),
            description: None,
            customer: None,
            event_types: vec!["*".parse::<EventType>().unwrap()],
            filter: None,
            body: None,
            headers: [("x-env".to_owned(), "live".to_owned())].into(),
            auth,
            signature: Signature::V1,
            tags: Vec::new(),
            metadata: std::collections::BTreeMap::new(),
            policy: Policy::default(),
            disabled: None,
            version: 3,
            created_at: Instant::from_millis(0),
            updated_at: Instant::from_millis(0),
        }
    }

    fn dispatch() -> Dispatch {
        Dispatch {
            endpoint: "end_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            job: "job_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            kind: "sales.\"odd\"".to_owned(),
            happened: Instant::from_millis(1_700_000_000_123),
            data: r#"{"value": 12500.50}"#.to_owned(),
            trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        }
    }

    fn sent(auth: Auth, at: i64, body: Option<&Value>) -> Outbound {
        let target = Target::parse("https://example.com/in?token=1", false).unwrap();
        let key: SigningKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let ring = Keyring { credential: Some(Secret::new("hu:sh".to_owned())), ..Keyring::new(key) };
        dispatch().request(&endpoint(auth), &target, &ring, body, Instant::from_millis(at))
    }

    fn header(sent: &Outbound, name: &str) -> Option<String> {
        sent.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn the_body_says_type_time_and_data_to_the_letter() {
        assert_eq!(
            dispatch().body(),
            r#"{"type":"sales.\"odd\"","timestamp":"2023-11-14T22:13:20.123Z","data":{"value": 12500.50}}"#
        );
        let early = sent(Auth::None, 1_700_000_001_000, None);
        let late = sent(Auth::None, 1_700_000_901_000, None);
        assert_eq!(early.url.expose(), "https://example.com/in?token=1");
        assert_eq!(header(&early, "webhook-id"), header(&late, "webhook-id"));
        assert_eq!(header(&early, "webhook-timestamp").unwrap(), "1700000001");
        assert_ne!(header(&early, "webhook-signature"), header(&late, "webhook-signature"));
        assert_eq!((header(&early, "x-env").unwrap(), early.body), ("live".to_owned(), late.body));
    }

    #[test]
    fn an_own_body_is_what_is_signed() {
        let own = json!({"text": "hi"});
        let usual = sent(Auth::None, 1_700_000_001_000, None);
        let sent = sent(Auth::None, 1_700_000_001_000, Some(&own));
        assert_eq!(sent.body, r#"{"text":"hi"}"#);
        assert_ne!(header(&sent, "webhook-signature"), header(&usual, "webhook-signature"));
    }

    #[test]
    fn what_lets_us_in() {
        let authorization = |auth| header(&sent(auth, 0, None), "authorization");
        assert_eq!(authorization(Auth::None), None);
        assert_eq!(authorization(Auth::Bearer).unwrap(), "Bearer hu:sh");
        assert_eq!(authorization(Auth::Basic { user: "ada".to_owned() }).unwrap(), "Basic YWRhOmh1OnNo");
        let own = sent(Auth::Header { name: "x-env".to_owned() }, 0, None);
        assert_eq!(header(&own, "x-env").unwrap(), "hu:sh");
        assert_eq!(own.headers.iter().filter(|(name, _)| name == "x-env").count(), 1);
    }

    #[test]
    fn a_provider_of_tokens_is_asked_as_rfc_6749_has_it() {
        let auth = Auth::OAuth2 {
            token_url: "https://id.example.com/token".to_owned(),
            client_id: "cli".to_owned(),
            scopes: vec!["a".to_owned(), "b:c".to_owned()],
        };
        let sent = sent(auth, 0, None);
        let wish = sent.token.clone().unwrap();
        assert_eq!(wish.body, "grant_type=client_credentials&scope=a+b%3Ac");
        assert_eq!(wish.headers[0].1, format!("Basic {}", STANDARD.encode("cli:hu%3Ash")));
        assert_eq!(
            (header(&sent, "authorization"), wish.key.as_str()),
            (None, "end_01hf7yat00zzzzzzzzzzzzzzzz:3")
        );
    }
}
