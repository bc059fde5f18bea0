//! What does an identity provider say of a person, and which roles follow from it?

use crate::Email;
use kernel::{RoleId, Secret};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most texts that are kept of what a provider says, and how deep they may lie.
const TEXTS_MAX: usize = 4096;
const DEPTH_MAX: usize = 6;

/// A role that follows from a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The claim's name; inner ones with dots: `realm_access.roles`.
    pub claim: String,
    /// The value that it must have, or hold if it is a list.
    pub value: String,
    /// The role.
    pub role: RoleId,
}

/// What a provider says of a person, whatever language it speaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Asserted {
    /// Who it is, for ever and at this provider only.
    pub(crate) subject: String,
    /// The address, if it is one.
    pub(crate) email: Option<Email>,
    /// Whether the provider says that it checked the address.
    pub(crate) is_verified: bool,
    /// What people call them.
    pub(crate) name: Option<String>,
    /// All texts that it said, by the names of their claims.
    pub(crate) texts: BTreeMap<String, Vec<String>>,
}

impl Asserted {
    /// What an OpenID Connect provider's claims say (Core 1.0, section 5.1).
    pub(crate) fn of_claims(claims: &Map<String, Value>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let mut texts = BTreeMap::new();
        let mut left = TEXTS_MAX;
        for (name, value) in claims {
            gather(&mut texts, &mut left, name, value, 0);
        }
        let whole = |parts: [Option<&str>; 2]| {
            let words: Vec<&str> = parts.into_iter().flatten().collect();
            (!words.is_empty()).then(|| words.join(" "))
        };
        Self {
            subject: text("sub").unwrap_or_default().to_owned(),
            email: text("email").and_then(|email| email.parse().ok()),
            // Some write the truth as a text.
            is_verified: match claims.get("email_verified") {
                Some(Value::Bool(truth)) => *truth,
                Some(Value::String(text)) => text == "true",
                Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
            },
            name: text("name")
                .map(str::to_owned)
                .or_else(|| whole([text("given_name"), text("family_name")]))
                .or_else(|| text("preferred_username").map(str::to_owned)),
            texts,
        }
    }

    /// The name for a user, cut to what a name may be.
    pub(crate) fn display_name(&self) -> String {
        let told = self.name.as_deref().unwrap_or_default();
        let clean: String = told.chars().filter(|letter| !letter.is_control()).take(200).collect();
        let local =
            || self.email.as_ref().map_or("", |email| email.as_str().split('@').next().unwrap_or_default());
        let clean = clean.trim();
        if clean.is_empty() { local().to_owned() } else { clean.to_owned() }
    }
}

fn gather(
    texts: &mut BTreeMap<String, Vec<String>>,
    left: &mut usize,
    name: &str,
    value: &Value,
    depth: usize,
) {
    if depth > DEPTH_MAX || *left == 0 {
        return;
    }
    let mut note = |text: String| {
        *left = left.saturating_sub(1);
        texts.entry(name.to_owned()).or_default().push(text);
    };
    match value {
        Value::Null => {}
        Value::Bool(truth) => note(truth.to_string()),
        Value::Number(number) => note(number.to_string()),
        Value::String(text) => note(text.clone()),
        Value::Array(members) => {
            for member in members {
                gather(texts, left, name, member, depth.saturating_add(1));
            }
        }
        Value::Object(members) => {
            for (inner, member) in members {
                gather(texts, left, &format!("{name}.{inner}"), member, depth.saturating_add(1));
            }
        }
    }
}

/// The roles that follow from what a provider said; each once.
pub(crate) fn wanted(mapping: &[Mapping], asserted: &Asserted) -> Vec<RoleId> {
    let mut all = Vec::new();
    for one in mapping {
        let holds = asserted.texts.get(&one.claim).is_some_and(|texts| texts.contains(&one.value));
        if holds && !all.contains(&one.role) {
            all.push(one.role.clone());
        }
    }
    all
}

/// What a role mapping changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Turn {
    pub(crate) give: Vec<RoleId>,
    pub(crate) take: Vec<RoleId>,
}

/// What must change so that somebody who has the roles `present` has those that follow from the claims. Roles that the
/// mapping does not name are none of its business.
pub(crate) fn turn(mapping: &[Mapping], asserted: &Asserted, present: &[RoleId]) -> Turn {
    let wanted = wanted(mapping, asserted);
    let mut take: Vec<RoleId> = Vec::new();
    for one in mapping {
        if present.contains(&one.role) && !wanted.contains(&one.role) && !take.contains(&one.role) {
            take.push(one.role.clone());
        }
    }
    Turn { give: wanted.into_iter().filter(|role| !present.contains(role)).collect(), take }
}

/// Text of a provider that may be shown to people: printable and short.
pub(crate) fn presentable(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// The claims in a token's middle part, once its signature was verified.
pub(crate) fn payload(token: &Secret<String>) -> Option<Map<String, Value>> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let middle = token.expose().split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asserted(claims: Value) -> Asserted {
        Asserted::of_claims(claims.as_object().unwrap())
    }

    fn role(letter: char) -> RoleId {
        format!("rol_01hf7yat00zzzzzzzzzzzzzzz{letter}").parse().unwrap()
    }

    #[test]
    fn claims_are_found_however_deep_they_lie() {
        let said = asserted(json!({
            "sub": "1", "groups": ["a", "b"], "realm_access": {"roles": ["c"]}, "https://x.example/role": "d", "level": 7
        }));
        for (claim, value) in
            [("groups", "b"), ("realm_access.roles", "c"), ("https://x.example/role", "d"), ("level", "7")]
        {
            assert!(said.texts[claim].contains(&value.to_owned()), "{claim}");
        }
    }

    #[test]
    fn only_what_says_true_is_verified() {
        for (claim, verified) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!(1), false),
            (json!("yes"), false),
        ] {
            assert_eq!(asserted(json!({"email_verified": claim})).is_verified, verified, "{claim}");
        }
        assert!(!asserted(json!({})).is_verified);
    }

    #[test]
    fn a_mapping_gives_and_takes_its_own_roles_only() {
        let mapping = [('a', "dev"), ('a', "lead"), ('b', "ops")].map(|(letter, value)| Mapping {
            claim: "groups".to_owned(),
            value: value.to_owned(),
            role: role(letter),
        });
        let dev = asserted(json!({"groups": ["dev", "lead"]}));
        let nobody = asserted(json!({}));
        let check = |said: &Asserted, present: &[RoleId], give: &[RoleId], take: &[RoleId]| {
            assert_eq!(turn(&mapping, said, present), Turn { give: give.to_vec(), take: take.to_vec() });
        };
        check(&dev, &[], &[role('a')], &[]);
        check(&dev, &[role('a'), role('b'), role('z')], &[], &[role('b')]);
        check(&nobody, &[role('a'), role('z')], &[], &[role('a')]);
    }
}
