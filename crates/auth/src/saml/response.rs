//! Does an answer hold, and whom does it speak of? The checks of saml-profiles-2.0-os section 4.1.4.3, on what is signed.

use super::{ASSERTION, Certificate, Ourselves, PROTOCOL, signature::signed, xml::Tree};
use crate::{
    Email, SignOnError,
    claim::{Asserted, presentable},
};
use kernel::{Instant, Span};
use std::collections::BTreeMap;
use uppsala::NodeId;

/// How far a provider's clock may be from ours.
const LEEWAY: Span = Span::seconds(60);
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const SUBJECT_MAX: usize = 512;
/// The most values that are kept of what a provider says.
const TEXTS_MAX: usize = 4096;

/// Under which names providers tell an address, in the order of preference.
const EMAILS: [&str; 5] = [
    "email",
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:1.2.840.113549.1.9.1",
];
/// And a name.
const NAMES: [&str; 5] = [
    "displayName",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "cn",
    "name",
];

/// What an answer must be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// The provider's entity id.
    pub(crate) issuer: &'a str,
    /// The provider's certificates; any of them will do.
    pub(crate) certificates: &'a [Certificate],
    /// We.
    pub(crate) us: &'a Ourselves,
    /// The request that is answered.
    pub(crate) request: &'a str,
    /// Now.
    pub(crate) now: Instant,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) asserted: Asserted,
    /// The assertion's id, which is taken once.
    pub(crate) assertion: String,
    /// Until when it could be shown again.
    pub(crate) expires_at: Instant,
}

fn doubt(why: &str) -> SignOnError {
    SignOnError::Doubt(why.to_owned())
}

/// Whom an answer speaks of, if it holds.
///
/// # Errors
/// [`SignOnError::Denied`] if the provider says no, [`SignOnError::Doubt`] if the answer does not hold.
pub(crate) fn hear(text: &str, expected: Expected<'_>) -> Result<Heard, SignOnError> {
    let tree = Tree::read(text).map_err(doubt)?;
    let response = tree.root().filter(|root| tree.is(*root, PROTOCOL, "Response"));
    let response = response.ok_or_else(|| doubt("it is no SAML response"))?;
    answers(&tree, response, expected)?;
    if !tree.everywhere(ASSERTION, "EncryptedAssertion").is_empty() {
        return Err(doubt("its assertion is encrypted, which is not supported; let it be signed only"));
    }
    // One response and one assertion, wherever one might hide: what is verified is what is read.
    if tree.everywhere(PROTOCOL, "Response").len() != 1 || tree.everywhere(ASSERTION, "Assertion").len() != 1
    {
        return Err(doubt("it does not hold exactly one assertion"));
    }
    if tree.only_child(response, ASSERTION, "Assertion").is_none() {
        return Err(doubt("its assertion is not where it belongs"));
    }
    let text = signed(&tree, expected.certificates).map_err(doubt)?;
    let signed = Tree::read(&text).map_err(doubt)?;
    let root = signed.root().ok_or_else(|| doubt("its signed part is empty"))?;
    let assertion = if signed.is(root, PROTOCOL, "Response") {
        // Bindings, section 3.5.5.2: a signed message says where it goes.
        if signed.attribute(root, "Destination").is_none() {
            return Err(doubt("the response is signed and names no Destination"));
        }
        signed.only_child(root, ASSERTION, "Assertion")
    } else {
        Some(root).filter(|root| signed.is(*root, ASSERTION, "Assertion"))
    };
    read(&signed, assertion.ok_or_else(|| doubt("its assertion is not where it belongs"))?, expected)
}

/// Whether the response is for us, to this request, and says yes. What it says is believed for the assertion's sake.
fn answers(tree: &Tree<'_>, response: NodeId, expected: Expected<'_>) -> Result<(), SignOnError> {
    if tree.attribute(response, "Version") != Some("2.0") {
        return Err(doubt("it is not of SAML 2.0"));
    }
    if tree.attribute(response, "InResponseTo") != Some(expected.request) {
        return Err(doubt("it answers another request (InResponseTo)"));
    }
    if tree.attribute(response, "Destination").is_some_and(|place| place != expected.us.consumer) {
        return Err(doubt("it is for another place (Destination)"));
    }
    let issuers = tree.children_of(response, ASSERTION, "Issuer");
    if issuers.iter().any(|node| tree.text(*node).as_deref() != Some(expected.issuer)) {
        return Err(doubt("it is of another issuer"));
    }
    let status = tree.only_child(response, PROTOCOL, "Status").ok_or_else(|| doubt("it has no status"))?;
    let code = tree.only_child(status, PROTOCOL, "StatusCode").ok_or_else(|| doubt("it has no status"))?;
    if tree.attribute(code, "Value") == Some(SUCCESS) {
        return Ok(());
    }
    let inner = tree.only_child(code, PROTOCOL, "StatusCode").unwrap_or(code);
    let told = tree.attribute(inner, "Value").unwrap_or_default();
    let told = told.rsplit(':').next().unwrap_or_default().to_owned();
    let words = match tree.child_text(status, PROTOCOL, "StatusMessage") {
        Some(words) if !words.is_empty() => format!("{told}, {words}"),
        Some(_) | None => told,
    };
    Err(SignOnError::Denied(presentable(words.trim_end_matches('.'))))
}

/// What a signed assertion says, if it is the provider's, for us, now, and the answer to our request.
fn read(tree: &Tree<'_>, assertion: NodeId, expected: Expected<'_>) -> Result<Heard, SignOnError> {
    let time = |node: NodeId, name: &str| match tree.attribute(node, name) {
        None => Ok(None),
        Some(text) if text.ends_with('Z') => {
            text.parse::<Instant>().map(Some).map_err(|_| doubt("a time in it does not read"))
        }
        Some(_) => Err(doubt("a time in it is not in UTC")),
    };
    if tree.attribute(assertion, "Version") != Some("2.0") {
        return Err(doubt("its assertion is not of SAML 2.0"));
    }
    if tree.child_text(assertion, ASSERTION, "Issuer").as_deref() != Some(expected.issuer) {
        return Err(doubt("its assertion is of another issuer"));
    }
    if time(assertion, "IssueInstant")?.is_none_or(|at| at > expected.now + LEEWAY) {
        return Err(doubt("its assertion is issued in the future"));
    }
    let conditions = tree.only_child(assertion, ASSERTION, "Conditions");
    let conditions = conditions.ok_or_else(|| doubt("its assertion has no conditions"))?;
    for_us_now(tree, conditions, expected, &time)?;
    let subject = tree.only_child(assertion, ASSERTION, "Subject");
    let subject = subject.ok_or_else(|| doubt("its assertion has no subject"))?;
    let expires_at = confirmed(tree, subject, expected, &time)?;
    let statements = tree.children_of(assertion, ASSERTION, "AuthnStatement");
    if statements.is_empty() {
        return Err(doubt("it does not say that the person logged in (AuthnStatement)"));
    }
    for statement in statements {
        if time(statement, "SessionNotOnOrAfter")?.is_some_and(|end| end <= expected.now - LEEWAY) {
            return Err(doubt("the person's session there has ended"));
        }
    }
    let id = tree.attribute(assertion, "ID").unwrap_or_default().to_owned();
    Ok(Heard { asserted: person(tree, assertion, subject)?, assertion: id, expires_at: expires_at + LEEWAY })
}

/// Reads an attribute that holds a time.
type Time<'a> = dyn Fn(NodeId, &str) -> Result<Option<Instant>, SignOnError> + 'a;

fn for_us_now(
    tree: &Tree<'_>,
    conditions: NodeId,
    expected: Expected<'_>,
    time: &Time<'_>,
) -> Result<(), SignOnError> {
    if time(conditions, "NotBefore")?.is_some_and(|at| at > expected.now + LEEWAY) {
        return Err(doubt("its assertion is not valid yet"));
    }
    if time(conditions, "NotOnOrAfter")?.is_some_and(|at| at <= expected.now - LEEWAY) {
        return Err(doubt("its assertion has expired"));
    }
    let restrictions = tree.children_of(conditions, ASSERTION, "AudienceRestriction");
    let names_us = |restriction: &NodeId| {
        let audiences = tree.children_of(*restriction, ASSERTION, "Audience");
        audiences.iter().any(|one| tree.text(*one).as_deref() == Some(expected.us.entity_id.as_str()))
    };
    if restrictions.is_empty() || !restrictions.iter().all(names_us) {
        return Err(doubt("its assertion is for somebody else (Audience)"));
    }
    Ok(())
}

/// Until when the subject is confirmed to be whoever shows the assertion here, to this request.
fn confirmed(
    tree: &Tree<'_>,
    subject: NodeId,
    expected: Expected<'_>,
    time: &Time<'_>,
) -> Result<Instant, SignOnError> {
    for confirmation in tree.children_of(subject, ASSERTION, "SubjectConfirmation") {
        if tree.attribute(confirmation, "Method") != Some(BEARER) {
            continue;
        }
        let Some(data) = tree.only_child(confirmation, ASSERTION, "SubjectConfirmationData") else {
            continue;
        };
        let ends = time(data, "NotOnOrAfter")?.filter(|at| *at > expected.now - LEEWAY);
        let holds = tree.attribute(data, "Recipient") == Some(expected.us.consumer.as_str())
            && tree.attribute(data, "InResponseTo") == Some(expected.request)
            && tree.attribute(data, "NotBefore").is_none();
        if let (Some(ends), true) = (ends, holds) {
            return Ok(ends);
        }
    }
    Err(doubt("its subject is not confirmed for us, now and for this request (SubjectConfirmation)"))
}

/// Whom it speaks of.
fn person(tree: &Tree<'_>, assertion: NodeId, subject: NodeId) -> Result<Asserted, SignOnError> {
    let name_id = tree.only_child(subject, ASSERTION, "NameID");
    let name_id = name_id.ok_or_else(|| doubt("its subject has no NameID"))?;
    let value = tree.text(name_id).filter(|text| (1..=SUBJECT_MAX).contains(&text.len()));
    let value = value.ok_or_else(|| doubt("its NameID is not 1 to 512 bytes of text"))?;
    let format = tree.attribute(name_id, "Format").unwrap_or_default();
    if format == TRANSIENT {
        return Err(doubt("its NameID is transient: let it send a persistent one, or an address"));
    }
    let kind = format.rsplit(':').next().unwrap_or_default();
    let texts = attributes(tree, assertion);
    let first =
        |names: &[&str]| names.iter().find_map(|name| texts.get(*name).and_then(|all| all.first())).cloned();
    let email: Option<Email> = first(&EMAILS).and_then(|text| text.parse().ok());
    let email = email.or_else(|| if kind == "emailAddress" { value.parse().ok() } else { None });
    Ok(Asserted {
        // The same value in another format is another subject.
        subject: format!("{kind}:{value}"),
        email,
        // SAML has no word for it: only the tenant's trust makes an address verified.
        is_verified: false,
        name: first(&NAMES),
        texts,
    })
}

fn attributes(tree: &Tree<'_>, assertion: NodeId) -> BTreeMap<String, Vec<String>> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut left = TEXTS_MAX;
    for statement in tree.children_of(assertion, ASSERTION, "AttributeStatement") {
        for attribute in tree.children_of(statement, ASSERTION, "Attribute") {
            let values = tree.children_of(attribute, ASSERTION, "AttributeValue");
            let Some(name) = tree.attribute(attribute, "Name") else {
                continue;
            };
            for text in values.into_iter().filter_map(|value| tree.text(value)).take(left) {
                left = left.saturating_sub(1);
                texts.entry(name.to_owned()).or_default().push(text);
            }
        }
    }
    texts
}
