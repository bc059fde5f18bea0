//! Which headers may an endpoint ask for?

use kernel::Fields;
use std::collections::BTreeMap;

/// How many headers an endpoint can ask for, and how long all of them may be together, in bytes.
const HEADERS_MAX: usize = 20;
const BYTES_MAX: usize = 4_096;

/// Headers that are ours to set, or the connection's.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];
/// Headers that hold what lets somebody in: their place is `auth`, where they are sealed.
const CREDENTIALS: &[&str] =
    &["authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-auth-token"];

/// Whether an endpoint may set it: RFC 9110 calls it a name, and it is not ours.
pub(crate) fn may_be_set(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let low = name.to_ascii_lowercase();
    (1..=100).contains(&name.len())
        && name.bytes().all(is_token)
        && !OURS.contains(&low.as_str())
        && !["webhook-", "svix-", "proxy-", "sec-"].iter().any(|prefix| low.starts_with(prefix))
}

/// The headers, their names in small letters; what is faulty is noted.
pub(crate) fn checked(sent: BTreeMap<String, String>, fields: &mut Fields) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    let size: usize = sent.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
    if sent.len() > HEADERS_MAX || size > BYTES_MAX {
        fields.fault("headers", "must be at most 20, with 4096 bytes in all");
    }
    for (name, value) in sent {
        let low = name.to_ascii_lowercase();
        let place = format!("headers.{name}");
        if CREDENTIALS.contains(&low.as_str()) {
            fields.fault(place, "holds what lets us in: set it in auth, where it is sealed");
        } else if !may_be_set(&name) {
            fields.fault(place, "is no name of a header, or one that we set ourselves");
        } else if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            fields.fault(place, "must be visible characters of ASCII");
        } else if headers.insert(low, value.trim().to_owned()).is_some() {
            fields.fault(place, "is there twice");
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_ours_are_refused_and_credentials_shown_their_place() {
        let sent = ["X-Env", "Host", "webhook-id", "Authorization", "a b", "Content-Type"]
            .map(|name| (name.to_owned(), "v".to_owned()));
        let mut fields = Fields::new();
        let headers = checked(sent.into(), &mut fields);
        assert_eq!(headers.into_keys().collect::<Vec<_>>(), ["x-env"]);
        let faults = fields.done().unwrap_err();
        assert_eq!(faults.len(), 5);
        assert!(
            faults
                .iter()
                .any(|fault| fault.field == "headers.Authorization" && fault.message.contains("auth"))
        );
    }

    #[test]
    fn no_value_ends_its_line() {
        let mut fields = Fields::new();
        checked([("x-a".to_owned(), "1\r\nhost: evil".to_owned())].into(), &mut fields);
        assert!(!fields.is_sound());
    }
}
