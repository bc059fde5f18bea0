//! Does an answer by SAML hold, and what becomes of one that was wrapped, replayed or turned?

use super::*;
use crate::service::{stage::START, test_connection};
use base64::engine::general_purpose::STANDARD;
use rsa::{
    pkcs8::LineEnding,
    signature::{SignatureEncoding as _, Signer as _},
};
use std::sync::OnceLock;
use x509_cert::{
    builder::{Builder as _, CertificateBuilder, Profile},
    der::{EncodePem as _, asn1::UtcTime},
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfoOwned,
    time::{Time, Validity},
};

const IDP: &str = "https://idp.acme.example/metadata";
const DOUBT: Option<&str> = Some("SIGN_ON_NOT_PROVEN");

/// A provider's key and certificate.
struct Pair {
    signer: rsa::pkcs1v15::SigningKey<rsa::sha2::Sha256>,
    certificate: String,
}

impl Pair {
    fn make() -> Self {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        let signer = rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(key.clone());
        let at = |seconds: u64| {
            Time::UtcTime(UtcTime::from_unix_duration(std::time::Duration::from_secs(seconds)).unwrap())
        };
        let validity = Validity { not_before: at(1_000_000_000), not_after: at(2_400_000_000) };
        let builder = CertificateBuilder::new(
            Profile::Root,
            SerialNumber::from(1_u32),
            validity,
            "CN=idp".parse().unwrap(),
            SubjectPublicKeyInfoOwned::from_key(key.to_public_key()).unwrap(),
            &signer,
        );
        let certificate = builder.unwrap().build::<rsa::pkcs1v15::Signature>().unwrap();
        Self { certificate: certificate.to_pem(LineEnding::LF).unwrap(), signer }
    }

    /// The provider's own; making one takes a while.
    fn own() -> &'static Self {
        static OWN: OnceLock<Pair> = OnceLock::new();
        OWN.get_or_init(Self::make)
    }

    /// Somebody else's.
    fn alien() -> &'static Self {
        static ALIEN: OnceLock<Pair> = OnceLock::new();
        ALIEN.get_or_init(Self::make)
    }

    fn sign(&self, template: &str) -> String {
        crate::saml::signing::fill(template, |text| self.signer.sign(text).to_vec())
    }
}

/// What an answer says; each part can be made to lie.
#[derive(Clone)]
struct Said {
    request: String,
    consumer: String,
    audience: String,
    issuer: String,
    name_id: String,
    format: &'static str,
    assertion: String,
    confirmation: String,
    not_before: i64,
    not_on_or_after: i64,
    status: &'static str,
    extra: String,
}

fn time(seconds: i64) -> String {
    (START + Span::seconds(seconds)).to_string()
}

/// An empty signature over the element of an id.
fn unsigned(id: &str) -> String {
    format!(
        r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue></ds:Signature>"##
    )
}

impl Said {
    fn truth(away: &Away) -> Self {
        let consumer = format!("https://signalbox.example/api/v1/sso/saml/acme-corp/{}/acs", away.connection);
        Self {
            request: away.request.clone(),
            audience: consumer.replace("/acs", "/metadata"),
            issuer: IDP.to_owned(),
            name_id: "ana@acme.example".to_owned(),
            format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            assertion: "_a1".to_owned(),
            confirmation: format!("Recipient=\"{consumer}\" InResponseTo=\"{}\"", away.request),
            consumer,
            not_before: -5,
            not_on_or_after: 300,
            status: "urn:oasis:names:tc:SAML:2.0:status:Success",
            extra: String::new(),
        }
    }

    fn assertion(&self, signature: &str) -> String {
        format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer>{signature}<saml:Subject><saml:NameID Format="{format}">{name_id}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData {confirmation} NotOnOrAfter="{ends}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}"/><saml:AttributeStatement><saml:Attribute Name="displayName"><saml:AttributeValue>Ana Li</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>dev</saml:AttributeValue><saml:AttributeValue>other</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#,
            id = self.assertion,
            now = time(0),
            begins = time(self.not_before),
            ends = time(self.not_on_or_after),
            issuer = self.issuer,
            format = self.format,
            name_id = self.name_id,
            confirmation = self.confirmation,
            audience = self.audience,
        )
    }

    fn response(&self, signature: &str, inside: &str) -> String {
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r1" Version="2.0" IssueInstant="{now}" Destination="{consumer}" InResponseTo="{request}"><saml:Issuer>{issuer}</saml:Issuer>{signature}<samlp:Status><samlp:StatusCode Value="{status}"/></samlp:Status>{inside}{extra}</samlp:Response>"#,
            now = time(0),
            consumer = self.consumer,
            request = self.request,
            issuer = self.issuer,
            status = self.status,
            extra = self.extra,
        )
    }

    /// An answer whose assertion is signed.
    fn signed(&self) -> String {
        Pair::own().sign(&self.response("", &self.assertion(&unsigned(&self.assertion))))
    }
}

fn connect(scene: &Scene) -> ConnectionId {
    connect_with(scene, &[Pair::own()])
}

fn connect_with(scene: &Scene, pairs: &[&Pair]) -> ConnectionId {
    let patch = ConnectionPatch {
        name: Some(format!("SAML {}", scene.stage.audited("acme-corp").len())),
        entity_id: Some(IDP.to_owned()),
        sso_url: Some("https://idp.acme.example/sso".to_owned()),
        certificates: Some(pairs.iter().map(|pair| pair.certificate.clone()).collect()),
        domains: Some(vec!["acme.example".to_owned()]),
        create_users: Some(true),
        trust_email: Some(true),
        mapping: Some(vec![("groups".to_owned(), "dev".to_owned(), scene.role("editor").to_string())]),
        ..ConnectionPatch::default()
    };
    let made = create_connection(&scene.stage.db, &scene.owner, scene.keeper(), ConnectionKind::Saml, patch);
    block_on(made).unwrap().id
}

/// A browser that was sent to a SAML provider.
struct Away {
    begun: Begun,
    relay: String,
    request: String,
    connection: ConnectionId,
}

fn leave(scene: &Scene, connection: &ConnectionId) -> Away {
    let begun = scene.begin(Scene::wish("acme-corp", Some(connection), None)).unwrap();
    let url = url::Url::parse(&begun.location).unwrap();
    let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    assert!(begun.by_form && asked["RelayState"].len() <= 80);
    let deflated = STANDARD.decode(&asked["SAMLRequest"]).unwrap();
    let xml = String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap();
    let request = xml.split("ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    Away { relay: asked["RelayState"].clone(), request, begun, connection: connection.clone() }
}

fn returned(away: &Away, xml: &str) -> Returned {
    let browser = Some(away.begun.browser.clone());
    let tenant = "acme-corp".parse().unwrap();
    Returned::by_form(&tenant, away.connection.clone(), browser, STANDARD.encode(xml), &away.relay)
}

/// What becomes of an answer that `make` makes of the truth.
#[track_caller]
fn check(make: impl Fn(Said) -> String, wanted: Option<&str>) {
    let scene = Scene::new();
    let connection = connect(&scene);
    let away = leave(&scene, &connection);
    let xml = make(Said::truth(&away));
    assert_eq!(logged_in(scene.come_back(returned(&away, &xml))).err(), wanted, "{xml}");
}

fn lie(change: impl Fn(&mut Said)) -> impl Fn(Said) -> String {
    move |mut said| {
        change(&mut said);
        said.signed()
    }
}

#[test]
fn a_signed_answer_lets_the_person_in_with_their_roles() {
    let scene = Scene::new();
    let connection = connect(&scene);
    let away = leave(&scene, &connection);
    let xml = Said::truth(&away).signed();
    let member = logged_in(scene.come_back(returned(&away, &xml))).unwrap().member;
    assert_eq!((member.user.email.as_str(), member.user.name.as_str()), ("ana@acme.example", "Ana Li"));
    assert_eq!(role_names(&member), ["editor"]);
    // The same answer again: its state is spent; in a new sign-on it answers another request.
    assert_eq!(logged_in(scene.come_back(returned(&away, &xml))).err(), Some("SIGN_ON_STATE_INVALID"));
    let fresh = leave(&scene, &connection);
    assert_eq!(logged_in(scene.come_back(returned(&fresh, &xml))).err(), DOUBT);
    // An assertion of the same id in a new answer: shown before.
    let fresh = leave(&scene, &connection);
    let xml = Said::truth(&fresh).signed();
    assert_eq!(logged_in(scene.come_back(returned(&fresh, &xml))).err(), DOUBT);
    let fresh = leave(&scene, &connection);
    let xml = Said { assertion: "_a2".to_owned(), ..Said::truth(&fresh) }.signed();
    let again = logged_in(scene.come_back(returned(&fresh, &xml))).unwrap().member;
    assert_eq!(again.user.id, member.user.id);
}

#[test]
fn a_signed_response_will_do_and_so_do_both() {
    check(|said| Pair::own().sign(&said.response(&unsigned("_r1"), &said.assertion(""))), None);
    let both = |said: Said| {
        let inner = Pair::own().sign(&said.response("", &said.assertion(&unsigned("_a1"))));
        let marker = "</saml:Issuer><samlp:Status>";
        assert!(inner.contains(marker));
        let outer = inner.replacen(marker, &format!("</saml:Issuer>{}<samlp:Status>", unsigned("_r1")), 1);
        Pair::own().sign(&outer)
    };
    check(both, None);
    check(|said| both(said).replacen("Ana Li", "Eve", 1), DOUBT);
    check(
        |said| {
            Pair::own().sign(&said.response(&unsigned("_r1"), &said.assertion("")).replacen(
                "Destination",
                "x",
                1,
            ))
        },
        DOUBT,
    );
}

#[test]
fn what_is_not_signed_by_the_provider_is_nothing() {
    check(|said| said.response("", &said.assertion("")), DOUBT);
    check(|said| Pair::alien().sign(&said.response("", &said.assertion(&unsigned("_a1")))), DOUBT);
    check(|said| said.signed().replacen("ana@acme.example", "bob@acme.example", 1), DOUBT);
    check(|said| said.signed().replacen("rsa-sha256", "hmac-sha256", 1), DOUBT);
    let shame =
        |said: Said| said.signed().replacen("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1", 1);
    check(shame, DOUBT);
    // A key in the document is nobody's word.
    let inline = |said: Said| {
        let signed = Pair::alien().sign(&said.response("", &said.assertion(&unsigned("_a1"))));
        let bare: String = Pair::alien().certificate.lines().filter(|line| !line.contains("---")).collect();
        let info = format!(
            "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{bare}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        );
        signed.replacen("</ds:SignatureValue>", &info, 1)
    };
    check(inline, DOUBT);
}

#[test]
fn several_certificates_hold_while_keys_are_turned() {
    let scene = Scene::new();
    let connection = connect_with(&scene, &[Pair::alien(), Pair::own()]);
    let away = leave(&scene, &connection);
    let xml = Said::truth(&away).signed();
    assert_eq!(logged_in(scene.come_back(returned(&away, &xml))).err(), None);
    let tested = test_connection(&scene.stage.db, &scene.owner, scene.outside(), &connection);
    assert_eq!(block_on(tested).unwrap().faults, Vec::<String>::new());
}

#[test]
fn an_answer_for_others_of_others_or_of_another_time() {
    check(lie(|said| said.audience = "https://evil.example".to_owned()), DOUBT);
    check(lie(|said| said.issuer = "https://evil.example".to_owned()), DOUBT);
    check(lie(|said| said.consumer = "https://evil.example/acs".to_owned()), DOUBT);
    check(lie(|said| said.request = "_another".to_owned()), DOUBT);
    check(lie(|said| said.confirmation = said.confirmation.replace("Recipient=\"", "Recipient=\"x")), DOUBT);
    check(
        lie(|said| said.confirmation = said.confirmation.replace("InResponseTo=\"", "InResponseTo=\"x")),
        DOUBT,
    );
    check(
        lie(|said| said.confirmation = said.confirmation.split(" InResponseTo").next().unwrap().to_owned()),
        DOUBT,
    );
    check(lie(|said| said.confirmation.push_str(" NotBefore=\"2020-01-01T00:00:00Z\"")), DOUBT);
    check(lie(|said| said.not_on_or_after = -59), None);
    check(lie(|said| said.not_on_or_after = -60), DOUBT);
    check(lie(|said| said.not_before = 60), None);
    check(lie(|said| said.not_before = 61), DOUBT);
    check(lie(|said| said.format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"), DOUBT);
    check(lie(|said| said.status = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"), Some("SIGN_ON_DENIED"));
    check(
        |said| {
            said.signed().replacen("<samlp:Response", "<!DOCTYPE x [<!ENTITY a \"b\">]><samlp:Response", 1)
        },
        DOUBT,
    );
    check(|said| said.signed().replace("saml:Assertion", "saml:EncryptedAssertion"), DOUBT);
    check(|_| "not xml".to_owned(), DOUBT);
}

#[test]
fn a_comment_cuts_no_address() {
    // The signature does not cover comments; whoever reads only up to one would read ana@acme.example.
    let scene = Scene::new();
    let connection = connect(&scene);
    let away = leave(&scene, &connection);
    let said = Said { name_id: "ana@acme.example.evil.example".to_owned(), ..Said::truth(&away) };
    let xml = said.signed().replacen("ana@acme.example.evil", "ana@acme.example<!-- -->.evil", 1);
    assert_eq!(logged_in(scene.come_back(returned(&away, &xml))).err(), Some("SIGN_ON_NO_ACCOUNT"));
}

#[test]
fn the_state_is_the_browsers_and_the_connections() {
    let scene = Scene::new();
    let (one, two) = (connect(&scene), connect(&scene));
    let state = Some("SIGN_ON_STATE_INVALID");
    let away = leave(&scene, &one);
    let xml = Said::truth(&away).signed();
    let other = Returned { connection: Some(two.clone()), ..returned(&away, &xml) };
    assert_eq!(logged_in(scene.come_back(other)).err(), state, "another connection's address");
    let away = leave(&scene, &one);
    let browser = Some(leave(&scene, &two).begun.browser);
    let xml = Said::truth(&away).signed();
    assert_eq!(logged_in(scene.come_back(Returned { browser, ..returned(&away, &xml) })).err(), state);
    let away = leave(&scene, &one);
    let xml = Said::truth(&away).signed();
    assert_eq!(logged_in(scene.come_back(Returned { browser: None, ..returned(&away, &xml) })).err(), state);
    // Nobody began this one: what providers send of themselves is not taken.
    let away = Away { relay: "0".repeat(64), ..leave(&scene, &one) };
    let xml = Said::truth(&away).signed();
    assert_eq!(logged_in(scene.come_back(returned(&away, &xml))).err(), state);
}

/// Somayya Juraj and others, "On Breaking SAML" (USENIX Security 2012): eight ways to wrap a signed element so that the
/// signature holds and something else is read. `evil` is an assertion that an attacker made up.
#[test]
fn no_wrapping_is_read() {
    let evil = |said: &Said| Said {
        name_id: "boss@acme.example".to_owned(),
        assertion: "_evil".to_owned(),
        ..said.clone()
    };
    // The parts of a sound answer whose response is signed.
    let by_response = |said: &Said| Pair::own().sign(&said.response(&unsigned("_r1"), &said.assertion("")));
    let between = |xml: &str, from: &str, to: &str| {
        let start = xml.find(from).unwrap();
        let end = xml[start..].find(to).unwrap() + start + to.len();
        xml[start..end].to_owned()
    };
    let signature = |xml: &str| between(xml, "<ds:Signature ", "</ds:Signature>");
    let assertion = |xml: &str| between(xml, "<saml:Assertion", "</saml:Assertion>");
    let object = |signature: &str, inside: &str| {
        signature.replace("</ds:Signature>", &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"))
    };
    type Wrap<'a> = Box<dyn Fn(Said) -> String + 'a>;
    let ways: Vec<(&str, Wrap<'_>)> = vec![
        (
            "1: the signed response within the signature of a forged one",
            Box::new(|said| {
                let sound = by_response(&said);
                let (signature, bare) = (signature(&sound), sound.replace(&signature(&sound), ""));
                let forged = evil(&said);
                forged
                    .response(&object(&signature, &bare), &forged.assertion(""))
                    .replace("_r1\" Version", "_evil_r\" Version")
            }),
        ),
        (
            "2: the signed response beside its signature in a forged one",
            Box::new(|said| {
                let sound = by_response(&said);
                let (signature, bare) = (signature(&sound), sound.replace(&signature(&sound), ""));
                let forged = evil(&said);
                forged.response(&format!("{bare}{signature}"), &forged.assertion("")).replacen(
                    "ID=\"_r1\"",
                    "ID=\"_evil_r\"",
                    1,
                )
            }),
        ),
        (
            "3: a forged assertion before the signed one",
            Box::new(|said| {
                let sound = said.signed();
                let signed = assertion(&sound);
                sound.replace(&signed, &format!("{}{signed}", evil(&said).assertion("")))
            }),
        ),
        (
            "4: the signed assertion within a forged one",
            Box::new(|said| {
                let sound = said.signed();
                let signed = assertion(&sound);
                let forged = evil(&said)
                    .assertion("")
                    .replace("</saml:Assertion>", &format!("{signed}</saml:Assertion>"));
                sound.replace(&signed, &forged)
            }),
        ),
        (
            "5: the signature in a forged assertion, the signed one beside it",
            Box::new(|said| {
                let sound = said.signed();
                let (signed, signature) = (assertion(&sound), signature(&sound));
                let forged = evil(&said).assertion(&signature);
                sound.replace(&signed, &format!("{forged}{}", signed.replace(&signature, "")))
            }),
        ),
        (
            "6: the signed assertion in the signature of a forged one",
            Box::new(|said| {
                let sound = said.signed();
                let (signed, signature) = (assertion(&sound), signature(&sound));
                let forged = evil(&said).assertion(&object(&signature, &signed.replace(&signature, "")));
                sound.replace(&signed, &forged)
            }),
        ),
        (
            "7: the signed assertion in extensions",
            Box::new(|said| {
                let sound = said.signed();
                let signed = assertion(&sound);
                let hidden = format!("<samlp:Extensions>{signed}</samlp:Extensions>");
                sound.replace(&signed, &format!("{hidden}{}", evil(&said).assertion("")))
            }),
        ),
        (
            "8: the signed assertion in an object of the forged one's signature",
            Box::new(|said| {
                let sound = said.signed();
                let (signed, signature) = (assertion(&sound), signature(&sound));
                let inner = object(&signature, &signed.replace(&signature, ""));
                let forged = evil(&said).assertion(&inner);
                sound.replace(&signed, &forged)
            }),
        ),
        (
            "9: the same id twice",
            Box::new(|said| {
                let sound = said.signed();
                let signed = assertion(&sound);
                let forged = Said { assertion: "_a1".to_owned(), ..evil(&said) }.assertion("");
                sound.replace(&signed, &format!("{forged}{signed}"))
            }),
        ),
        (
            "10: a signed assertion under an unknown wrapper",
            Box::new(|said| {
                let sound = said.signed();
                let signed = assertion(&sound);
                sound.replace(&signed, &format!("<x:y xmlns:x=\"urn:x\">{signed}</x:y>"))
            }),
        ),
        (
            "11: a signature of something else by the provider",
            Box::new(|said| {
                let other = Pair::own().sign(&said.response("", &said.assertion(&unsigned("_a1"))));
                let moved = signature(&other);
                let forged = evil(&said);
                forged.response(&moved, &forged.assertion(""))
            }),
        ),
    ];
    for (what, make) in ways {
        let scene = Scene::new();
        let connection = connect(&scene);
        let away = leave(&scene, &connection);
        let xml = make(Said::truth(&away));
        assert!(xml.contains("boss@acme.example") || what.starts_with("10"), "{what}");
        assert_eq!(logged_in(scene.come_back(returned(&away, &xml))).err(), DOUBT, "{what}");
        let sql = "SELECT COUNT(*) AS n FROM users WHERE email = 'boss@acme.example'";
        let found = block_on(async {
            let mut lease = scene.stage.db.read().await.unwrap();
            lease.all_tenants().unwrap().one::<i64>(sql, []).await.unwrap()
        });
        assert_eq!(found, Some(0), "{what}");
    }
}

#[test]
fn metadata_tells_what_is_needed_and_ours_can_be_read() {
    let bare: String = Pair::own().certificate.lines().filter(|line| !line.contains("---")).collect();
    let metadata = format!(
        r#"<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}">
        <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">
        <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>
        {bare}
        </ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
        <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.acme.example/post"/>
        <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.example/sso"/>
        </IDPSSODescriptor></EntityDescriptor>"#
    );
    let scene = Scene::new();
    let make = |metadata: &str, issuer: Option<&str>| {
        let patch = ConnectionPatch {
            name: Some("SAML".to_owned()),
            metadata: Some(metadata.to_owned()),
            issuer: issuer.map(str::to_owned),
            ..ConnectionPatch::default()
        };
        let made =
            create_connection(&scene.stage.db, &scene.owner, scene.keeper(), ConnectionKind::Saml, patch);
        block_on(made)
    };
    let made = make(&metadata, None).unwrap();
    let Setup::Saml(setup) = &made.setup else { panic!("{made:?}") };
    assert_eq!((setup.entity_id.as_str(), setup.sso_url.as_str()), (IDP, "https://idp.acme.example/sso"));
    assert_eq!(setup.certificates.len(), 1);
    assert_eq!(make(&metadata, Some("https://x.example")).unwrap_err().fields()[0].field, "issuer");
    for broken in
        ["", "<x/>", &metadata.replace("IDPSSO", "SPSSO"), &metadata.replace("HTTP-Redirect", "SOAP")]
    {
        assert!(make(broken, None).unwrap_err().fields().iter().any(|fault| fault.field == "metadata"));
    }
    let tenant = "acme-corp".parse().unwrap();
    let ours = crate::service::saml_metadata(&scene.stage.db, "https://signalbox.example", &tenant, &made.id);
    let ours = block_on(ours).unwrap();
    assert!(ours.contains(&format!("/api/v1/sso/saml/acme-corp/{}/acs", made.id)), "{ours}");
}

/// A panic would end the instance, and with it other people's requests; and what was bent must not be read.
#[test]
fn an_answer_that_is_bent_anywhere_ends_nothing_and_says_nothing_else() {
    let scene = Scene::new();
    let connection = connect(&scene);
    let away = leave(&scene, &connection);
    let said = Said::truth(&away);
    let xml = said.signed();
    let us = crate::saml::Ourselves { entity_id: said.audience.clone(), consumer: said.consumer.clone() };
    let bare: String = Pair::own().certificate.lines().filter(|line| !line.contains("---")).collect();
    let expected = crate::saml::Expected {
        issuer: IDP,
        certificates: &[bare],
        us: &us,
        request: &said.request,
        now: START,
    };
    let truth = crate::saml::hear(&xml, expected).unwrap();
    assert_eq!(truth.asserted.subject, "emailAddress:ana@acme.example");
    for place in 0..xml.len() {
        for with in ["", "x", "<", "\"", "&", "\u{e9}"] {
            let bent = format!("{}{with}{}", &xml[..place], &xml[place + 1..]);
            if let Ok(heard) = crate::saml::hear(&bent, expected) {
                assert_eq!(heard, truth, "{with:?} at {place}");
            }
        }
    }
    for end in 0..xml.len() {
        assert!(crate::saml::hear(&xml[..end], expected).is_err(), "cut at {end}");
    }
}
