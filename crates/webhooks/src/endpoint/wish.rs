//! What may somebody want of an endpoint?

use super::{Disabled, Endpoint, Reason};
use crate::{
    Auth, AuthWish, EventType, Keyring, Policy, Signature, SigningKey, Subscription,
    event_type::EVENT_TYPES_MAX, header, policy::PolicyPatch,
};
use kernel::{Call, EndpointId, FieldFault, Fields, Instant, Secret, Target, TargetError};
use language::{Vocabulary, template::Tree};
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest texts, in characters.
const DESCRIPTION_MAX: usize = 500;
const CUSTOMER_MAX: usize = 200;
const TAG_MAX: usize = 50;
/// How many tags and how much metadata an endpoint can have; the latter in bytes.
const TAGS_MAX: usize = 20;
const METADATA_MAX: usize = 4_096;

/// An endpoint to be set up.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    /// Its address.
    pub url: String,
    /// The key that signs, in writing; one is made unless it is given.
    pub secret: Option<Secret<String>>,
    /// How requests are signed; as the secret says, or `v1`.
    pub signature: Option<String>,
    /// All else.
    pub patch: EndpointPatch,
}

/// What is to be changed of an endpoint; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch {
    /// Another address.
    pub url: Option<String>,
    /// Another description, or none.
    pub description: Option<Option<String>>,
    /// Another customer, or none.
    pub customer: Option<Option<String>>,
    /// Other types of events.
    pub event_types: Option<Vec<String>>,
    /// Other conditions, or none.
    pub filter: Option<Option<Value>>,
    /// Another body, or the usual one.
    pub body: Option<Option<Value>>,
    /// Other headers.
    pub headers: Option<BTreeMap<String, String>>,
    /// Other ways to let us in.
    pub auth: Option<AuthWish>,
    /// Other tags.
    pub tags: Option<Vec<String>>,
    /// Other metadata.
    pub metadata: Option<BTreeMap<String, String>>,
    /// How things are brought there.
    pub policy: PolicyPatch,
    /// Whether anything is sent to it.
    pub is_active: Option<bool>,
}

impl NewEndpoint {
    /// The endpoint, and the keys that sign what is sent to it.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn set_up(
        self,
        call: &Call,
        allow_private: bool,
    ) -> Result<(Endpoint, Keyring), Vec<FieldFault>> {
        let mut fields = Fields::new();
        let wanted = self.signature.map(|text| fields.take("signature", text.parse::<Signature>()));
        let key = match self.secret {
            Some(text) => fields.take("secret", text.expose().parse::<SigningKey>()),
            None => Some(SigningKey::new(wanted.flatten().unwrap_or_default(), &*call.chance)),
        };
        let key = key.unwrap_or_else(|| SigningKey::new(Signature::V1, &*call.chance));
        if let Some(Some(wanted)) = wanted
            && wanted != key.signature()
        {
            fields.fault("signature", format!("is not what the secret is for: it makes {}", key.signature()));
        }
        let blank = Endpoint {
            id: EndpointId::new(call.now, &*call.chance),
            url: String::new(),
            description: None,
            customer: None,
            event_types: Vec::new(),
            filter: None,
            body: None,
            headers: BTreeMap::new(),
            auth: Auth::None,
            signature: key.signature(),
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            policy: Policy::default(),
            disabled: None,
            version: 0,
            created_at: call.now,
            updated_at: call.now,
        };
        let patch = EndpointPatch { url: Some(self.url), ..self.patch };
        let made = blank.change(patch, Keyring::new(key), call.now, allow_private);
        let faults = fields.done().err().into_iter().flatten();
        match made {
            Ok(made) => {
                let faults: Vec<FieldFault> = faults.collect();
                if faults.is_empty() { Ok(made) } else { Err(faults) }
            }
            Err(more) => Err(more.into_iter().chain(faults).collect()),
        }
    }
}

impl Endpoint {
    /// The endpoint and its keys as `patch` wants them, one version on.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn change(
        self,
        patch: EndpointPatch,
        keyring: Keyring,
        now: Instant,
        allow_private: bool,
    ) -> Result<(Self, Keyring), Vec<FieldFault>> {
        let mut fields = Fields::new();
        let url = match patch.url {
            Some(url) => fields.take("url", checked_url(&url, allow_private)).unwrap_or_default(),
            None => self.url,
        };
        let mut text =
            |field: &str, given: Option<Option<String>>, before: Option<String>, most: usize| match given {
                Some(given) => short(field, given, most, &mut fields),
                None => before,
            };
        let description = text("description", patch.description, self.description, DESCRIPTION_MAX);
        let customer = text("customer", patch.customer, self.customer, CUSTOMER_MAX);
        let event_types = match patch.event_types {
            Some(types) => checked_event_types(&types, &mut fields),
            None => self.event_types,
        };
        let filter = patch.filter.unwrap_or(self.filter);
        if let Some(filter) = &filter
            && let Err(faults) = Subscription::filter(filter)
        {
            faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message));
        }
        let body = match patch.body {
            Some(body) => body.filter(|body| is_body(body, &mut fields)),
            None => self.body,
        };
        let headers = match patch.headers {
            Some(headers) => header::checked(headers, &mut fields),
            None => self.headers,
        };
        let (auth, credential) = match patch.auth {
            Some(wish) => Auth::wanted(wish, &self.auth, keyring.credential, allow_private, &mut fields)
                .unwrap_or_default(),
            None => (self.auth, keyring.credential),
        };
        let tags = patch.tags.map_or(self.tags, |tags| checked_tags(tags, &mut fields));
        let metadata =
            patch.metadata.map_or(self.metadata, |metadata| checked_metadata(metadata, &mut fields));
        let policy = self.policy.change(patch.policy, &mut fields);
        let disabled = match patch.is_active {
            Some(true) => None,
            // One that is off already keeps since when and why.
            Some(false) => self.disabled.or(Some(Disabled { at: now, reason: Reason::Asked })),
            None => self.disabled,
        };
        fields.done()?;
        let endpoint = Self {
            url,
            description,
            customer,
            event_types,
            filter,
            body,
            headers,
            auth,
            tags,
            metadata,
            policy,
            disabled,
            version: self.version.saturating_add(1),
            updated_at: now,
            ..self
        };
        Ok((endpoint, Keyring { credential, ..keyring }))
    }
}

fn checked_url(text: &str, allow_private: bool) -> Result<String, TargetError> {
    Target::parse(text, allow_private).map(|target| target.expose().to_owned())
}

fn is_sound(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

fn short(field: &str, given: Option<String>, most: usize, fields: &mut Fields) -> Option<String> {
    let text = given.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())?;
    if is_sound(&text, most) {
        return Some(text);
    }
    fields.fault(field, format!("must be at most {most} characters, without control characters"));
    None
}

/// The name of a customer, if it is one.
pub(crate) fn checked_customer(given: String, fields: &mut Fields) -> Option<String> {
    short("customer", Some(given), CUSTOMER_MAX, fields)
}

pub(crate) fn checked_event_types(sent: &[String], fields: &mut Fields) -> Vec<EventType> {
    if sent.len() > EVENT_TYPES_MAX {
        fields.fault("event_types", "must be at most 100");
        return Vec::new();
    }
    let mut types = Vec::with_capacity(sent.len());
    for (place, text) in sent.iter().enumerate() {
        types.extend(fields.take(&format!("event_types[{place}]"), text.parse::<EventType>()));
    }
    types.sort_unstable();
    types.dedup();
    types
}

fn is_body(body: &Value, fields: &mut Fields) -> bool {
    match Tree::read(body, "body", &Vocabulary::open()) {
        Ok(_) => true,
        Err(faults) => {
            faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message));
            false
        }
    }
}

fn checked_tags(mut tags: Vec<String>, fields: &mut Fields) -> Vec<String> {
    let sound = |tag: &String| !tag.is_empty() && tag.trim() == tag && is_sound(tag, TAG_MAX);
    if tags.len() > TAGS_MAX || !tags.iter().all(sound) {
        fields.fault("tags", "must be at most 20 words of 1 to 50 characters");
    }
    tags.sort_unstable();
    tags.dedup();
    tags
}

fn checked_metadata(metadata: BTreeMap<String, String>, fields: &mut Fields) -> BTreeMap<String, String> {
    let size: usize = metadata.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
    if size > METADATA_MAX || metadata.keys().any(|name| name.is_empty() || !is_sound(name, 100)) {
        fields.fault("metadata", "must be names and texts, with 4096 bytes in all");
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WebhookError;
    use kernel::{Chance, Principal, RequestId, Span, Trace};
    use serde_json::json;
    use std::sync::Arc;

    const NOW: Instant = Instant::from_millis(1_700_000_000_000);

    struct Fixed;
    impl Chance for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn call() -> Call {
        Call {
            principal: Principal::system("acme-corp".parse().unwrap()),
            now: NOW,
            request: RequestId::given("req_test").unwrap(),
            trace: Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
            address: None,
            chance: Arc::new(Fixed),
        }
    }

    fn made() -> (Endpoint, Keyring) {
        let patch =
            EndpointPatch { description: Some(Some("Orders".to_owned())), ..EndpointPatch::default() };
        let new = NewEndpoint { url: "https://example.com/in".to_owned(), patch, ..NewEndpoint::default() };
        new.set_up(&call(), false).unwrap()
    }

    fn changed(patch: EndpointPatch) -> Result<Endpoint, Vec<FieldFault>> {
        let (endpoint, ring) = made();
        endpoint.change(patch, ring, NOW + Span::millis(5), false).map(|(endpoint, _)| endpoint)
    }

    fn named_of(faults: Vec<FieldFault>) -> Vec<String> {
        faults.into_iter().map(|fault| fault.field).collect()
    }

    fn named(faults: &[FieldFault]) -> Vec<&str> {
        faults.iter().map(|fault| fault.field.as_str()).collect()
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        let same = changed(EndpointPatch::default()).unwrap();
        assert_eq!(same, Endpoint { version: 2, updated_at: NOW + Span::millis(5), ..made().0 });
        let bare = EndpointPatch { description: Some(None), ..EndpointPatch::default() };
        assert_eq!(changed(bare).unwrap().description, None);
    }

    #[test]
    fn all_faulty_fields_are_told() {
        let patch = EndpointPatch {
            url: Some("http://127.0.0.1/".to_owned()),
            description: Some(Some("x".repeat(501))),
            event_types: Some(vec!["sales.*".to_owned(), "s p".to_owned()]),
            filter: Some(Some(json!([{"type": "equals"}]))),
            body: Some(Some(json!({"text": "{{ name"}))),
            tags: Some(vec![String::new()]),
            ..EndpointPatch::default()
        };
        let faults = changed(patch).unwrap_err();
        let fields = named(&faults);
        for field in ["url", "description", "event_types[1]", "body.text", "tags"] {
            assert!(fields.contains(&field), "{field} in {fields:?}");
        }
        assert!(fields.iter().any(|field| field.starts_with("filter[0]")), "{fields:?}");
    }

    #[test]
    fn a_new_one_says_all_that_is_wrong_with_it() {
        let new = NewEndpoint {
            url: "http://self/".to_owned(),
            secret: Some(Secret::new("hush".to_owned())),
            signature: Some("v2".to_owned()),
            ..NewEndpoint::default()
        };
        let faults = new.set_up(&call(), false).unwrap_err();
        assert_eq!(named(&faults), ["url", "signature", "secret"]);
    }

    #[test]
    fn a_secret_says_how_it_signs() {
        let private = SigningKey::new(Signature::V1a, &Fixed).text();
        let new = |signature: Option<&str>| NewEndpoint {
            url: "https://example.com/in".to_owned(),
            secret: Some(private.clone()),
            signature: signature.map(str::to_owned),
            ..NewEndpoint::default()
        };
        assert_eq!(new(None).set_up(&call(), false).unwrap().0.signature, Signature::V1a);
        assert_eq!(named(&new(Some("v1")).set_up(&call(), false).unwrap_err()), ["signature"]);
    }

    #[test]
    fn a_credential_stays_as_long_as_its_kind() {
        let wish = |kind: &str, credential: Option<&str>| EndpointPatch {
            auth: Some(AuthWish {
                kind: kind.to_owned(),
                user: (kind == "basic").then(|| "ada".to_owned()),
                credentials: credential
                    .map(|text| {
                        (if kind == "basic" { "password" } else { "token" }, Secret::new(text.to_owned()))
                    })
                    .into_iter()
                    .collect(),
                ..AuthWish::default()
            }),
            ..EndpointPatch::default()
        };
        let (endpoint, ring) = made();
        assert_eq!(
            named(&endpoint.clone().change(wish("basic", None), ring.clone(), NOW, false).unwrap_err()),
            ["auth.password"]
        );
        let (endpoint, ring) = endpoint.change(wish("basic", Some("hush")), ring, NOW, false).unwrap();
        let (endpoint, ring) = endpoint.change(wish("basic", None), ring, NOW, false).unwrap();
        assert_eq!(ring.credential.as_ref().unwrap().expose(), "hush");
        assert_eq!(endpoint.auth, Auth::Basic { user: "ada".to_owned() });
        let refused = |kind: &str, credential: Option<&str>| {
            named_of(endpoint.clone().change(wish(kind, credential), ring.clone(), NOW, false).unwrap_err())
        };
        assert_eq!(refused("bearer", None), ["auth.token"]);
        // What belongs to another kind is not passed over.
        assert_eq!(refused("none", Some("x")), ["auth.token"]);
    }

    #[test]
    fn one_that_is_off_keeps_since_when_and_why() {
        let (endpoint, ring) = made();
        let gone = endpoint.switched_off(Reason::Gone, NOW + Span::millis(1), NOW + Span::millis(2)).unwrap();
        assert_eq!(gone.disabled, Some(Disabled { at: NOW + Span::millis(2), reason: Reason::Gone }));
        assert!(matches!(gone.must_be_active(), Err(WebhookError::Disabled(Reason::Gone))));
        let switch = |on| EndpointPatch { is_active: Some(on), ..EndpointPatch::default() };
        let off = gone.clone().change(switch(false), ring.clone(), NOW, false).unwrap().0;
        assert_eq!(off.disabled, gone.disabled);
        assert!(gone.change(switch(true), ring, NOW, false).unwrap().0.must_be_active().is_ok());
    }

    #[test]
    fn an_answer_to_an_older_request_says_nothing_of_a_changed_endpoint() {
        let moved = changed(EndpointPatch {
            url: Some("https://example.org/".to_owned()),
            ..EndpointPatch::default()
        });
        let moved = moved.unwrap();
        let off = |sent| {
            moved.clone().switched_off(Reason::Failing, NOW + Span::millis(sent), NOW + Span::millis(10))
        };
        assert_eq!(off(4), None);
        assert!(off(5).is_some());
    }
}
