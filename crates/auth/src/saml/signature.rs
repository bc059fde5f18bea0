//! Who signed what? Every signature of a document must stand where one belongs, cover exactly the element that it stands
//! in, and be by a key that the tenant named.
//!
//! The crate `bergshamra` verifies; before it sees a document its signatures are held against one narrow shape, so that
//! nothing of what XML signatures can do besides (other documents, XPath, XSLT, keys from the document) is ever reached.

use super::{ASSERTION, PROTOCOL, SIGNATURE, xml::Tree};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bergshamra_dsig::{DsigContext, VerifyResult, verify::verify_all_document_with_source};
use bergshamra_keys::{Key, KeysManager, loader::load_x509_cert_der};
use uppsala::NodeId;
use x509_cert::der::Decode as _;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const METHODS: [&str; 6] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
];
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
/// The shortest RSA key, in bytes of its encoding: one of 2048 bits has 294.
const RSA_MIN: usize = 290;

/// A certificate of a provider as base64 of its DER: what stands in metadata.
pub(crate) type Certificate = String;

/// A certificate from PEM or bare base64, as base64 of its DER.
///
/// # Errors
/// The end of a sentence that begins with the field.
pub(crate) fn sound_certificate(text: &str) -> Result<Certificate, &'static str> {
    let bare: String = text
        .lines()
        .filter(|line| !line.contains("-----"))
        .flat_map(str::chars)
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let der = STANDARD.decode(bare).map_err(|_| "is neither PEM nor base64 of a certificate")?;
    sound_key(&der)?;
    Ok(STANDARD.encode(der))
}

fn sound_key(der: &[u8]) -> Result<Key, &'static str> {
    let key = load_x509_cert_der(der).map_err(|_| "is no X.509 certificate with a key that is known here")?;
    match key.data.algorithm_name() {
        "RSA" if key.to_spki_der().is_some_and(|bytes| bytes.len() >= RSA_MIN) => Ok(key),
        "RSA" => Err("has an RSA key of less than 2048 bits"),
        "EC-P256" | "EC-P384" | "EC-P521" => Ok(key),
        _ => Err("has a key that is neither RSA nor of the curves P-256, P-384 and P-521"),
    }
}

/// What is wrong with certificates at `now`, each the end of a sentence about the provider. Metadata is what makes a key
/// trusted, so an expired certificate still verifies; but its end is a sign that the provider has turned its keys.
pub(crate) fn faults(certificates: &[Certificate], now: kernel::Instant) -> Vec<String> {
    let mut faults = Vec::new();
    for (place, certificate) in certificates.iter().enumerate() {
        let number = place.saturating_add(1);
        let der = STANDARD.decode(certificate).unwrap_or_default();
        match x509_cert::Certificate::from_der(&der) {
            Err(_) => faults.push(format!("its certificate {number} does not read")),
            Ok(read) => {
                let ends = read.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
                if i64::try_from(ends).is_ok_and(|ends| ends < now.seconds()) {
                    faults.push(format!("its certificate {number} has expired; fetch its metadata again"));
                }
            }
        }
    }
    faults
}

/// The elements of a response that are signed, each wholly, by one of the certificates; at least one.
///
/// # Errors
/// The end of a sentence about the answer.
pub(crate) fn signed(tree: &Tree<'_>, certificates: &[Certificate]) -> Result<Vec<NodeId>, &'static str> {
    let signatures = tree.everywhere(SIGNATURE, "Signature");
    if signatures.is_empty() {
        return Err("neither the assertion nor the response is signed");
    }
    let covered: Vec<NodeId> =
        signatures.iter().map(|signature| shape(tree, *signature)).collect::<Result<_, _>>()?;
    let mut keys = KeysManager::new();
    for certificate in certificates {
        let der =
            STANDARD.decode(certificate).map_err(|_| "a certificate of the connection does not read")?;
        keys.add_key(sound_key(&der).map_err(|_| "a certificate of the connection does not read")?);
    }
    // Keys of the document are never looked at, and strict positions are asked for beside our own check.
    let context = DsigContext::new(keys);
    let results = verify_all_document_with_source(&context, &tree.document, Some(tree.source))
        .map_err(|_| "its signatures cannot be read, or two elements have one ID")?;
    if results.len() != covered.len() {
        return Err("its signatures cannot be read");
    }
    for result in &results {
        let VerifyResult::Valid { signature_node, references, .. } = result else {
            return Err("a signature is not by the provider's key, or something was changed after it");
        };
        let place = signatures.iter().position(|one| one == signature_node);
        let parent = place.and_then(|place| covered.get(place)).ok_or("its signatures cannot be read")?;
        let whole = references.as_slice();
        let [only] = whole else {
            return Err("a signature covers something else than its element");
        };
        if only.resolved_node != Some(*parent) || !only.digest_verified {
            return Err("a signature covers something else than its element");
        }
    }
    Ok(covered)
}

/// The element that a signature must cover, if the signature has the one shape that is taken: directly in a response or
/// an assertion, one reference to that element by its ID, enveloped and exclusive canonicalization, SHA-2.
fn shape(tree: &Tree<'_>, signature: NodeId) -> Result<NodeId, &'static str> {
    const ODD: &str = "a signature has a shape that is not taken here";
    let parent = tree.document.parent(signature).ok_or(ODD)?;
    let belongs = tree.is(parent, PROTOCOL, "Response") || tree.is(parent, ASSERTION, "Assertion");
    if !belongs || tree.only_child(parent, SIGNATURE, "Signature") != Some(signature) {
        return Err("a signature stands where none belongs");
    }
    let id = tree.attribute(parent, "ID").filter(|id| !id.is_empty()).ok_or("a signed element has no ID")?;
    let allowed = ["SignedInfo", "SignatureValue", "KeyInfo"];
    let parts = tree.children(signature);
    if !parts.iter().all(|part| allowed.iter().any(|name| tree.is(*part, SIGNATURE, name))) {
        return Err(ODD);
    }
    tree.only_child(signature, SIGNATURE, "SignatureValue").ok_or(ODD)?;
    let info = tree.only_child(signature, SIGNATURE, "SignedInfo").ok_or(ODD)?;
    let [canonical, method, reference] = tree.children(info).try_into().map_err(|_| ODD)?;
    let algorithm = |node: NodeId, name: &str| {
        tree.attribute(node, "Algorithm").filter(|_| tree.is(node, SIGNATURE, name))
    };
    if algorithm(canonical, "CanonicalizationMethod") != Some(EXCLUSIVE) {
        return Err("a signature is not made with exclusive canonicalization");
    }
    if !algorithm(method, "SignatureMethod").is_some_and(|name| METHODS.contains(&name))
        || !tree.children(method).is_empty()
    {
        return Err("a signature is not made by RSA or ECDSA with SHA-256 or longer");
    }
    let uri = tree.attribute(reference, "URI").filter(|_| tree.is(reference, SIGNATURE, "Reference"));
    if uri.and_then(|uri| uri.strip_prefix('#')) != Some(id) {
        return Err("a signature covers something else than its element");
    }
    let [transforms, digest, _value] = tree.children(reference).try_into().map_err(|_| ODD)?;
    if !algorithm(digest, "DigestMethod").is_some_and(|name| DIGESTS.contains(&name)) {
        return Err("a signature is not made with SHA-256 or longer");
    }
    let steps: Vec<Option<&str>> =
        tree.children(transforms).into_iter().map(|step| algorithm(step, "Transform")).collect();
    if !tree.is(transforms, SIGNATURE, "Transforms") || steps != [Some(ENVELOPED), Some(EXCLUSIVE)] {
        return Err(ODD);
    }
    Ok(parent)
}
