//! Who signed what? Every signature of a document must stand where one belongs, cover exactly the element that it stands
//! in, and be by a key that the tenant named. What is given out is the very text that was signed.
//!
//! XML signatures can do much besides: other documents, XPath, XSLT, keys from the document. One narrow shape is taken,
//! so that nothing of it is ever reached; docs/decisions/0013-saml.md says why the verification is ours.

use super::{ASSERTION, PROTOCOL, SIGNATURE, certificate::Certificate, xml::Tree};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::nodeset::NodeSet;
use rsa::sha2::{Digest as _, Sha256, Sha384, Sha512};
use uppsala::NodeId;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// The hashes that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By the name of a digest (RFC 9231, section 2.1).
    fn of_digest(name: &str) -> Option<Self> {
        match name {
            "http://www.w3.org/2001/04/xmlenc#sha256" => Some(Self::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(Self::Sha384),
            "http://www.w3.org/2001/04/xmlenc#sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn digest(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(text).to_vec(),
            Self::Sha384 => Sha384::digest(text).to_vec(),
            Self::Sha512 => Sha512::digest(text).to_vec(),
        }
    }
}

/// The kinds of key that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Rsa,
    Ecdsa,
}

/// How a signature was made (RFC 9231, sections 2.3.2 and 2.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) family: Family,
    pub(super) hash: Hash,
}

impl Method {
    fn named(name: &str) -> Option<Self> {
        let (family, hash) = match name.strip_prefix("http://www.w3.org/2001/04/xmldsig-more#")? {
            "rsa-sha256" => (Family::Rsa, Hash::Sha256),
            "rsa-sha384" => (Family::Rsa, Hash::Sha384),
            "rsa-sha512" => (Family::Rsa, Hash::Sha512),
            "ecdsa-sha256" => (Family::Ecdsa, Hash::Sha256),
            "ecdsa-sha384" => (Family::Ecdsa, Hash::Sha384),
            "ecdsa-sha512" => (Family::Ecdsa, Hash::Sha512),
            _ => return None,
        };
        Some(Self { family, hash })
    }
}

/// A signature of the one shape that is taken.
struct Shape {
    signature: NodeId,
    /// The element that it stands in, and covers.
    element: NodeId,
    info: NodeId,
    /// Prefixes that are canonicalized as if they were used: for the element, and for the signed information.
    prefixes: [Vec<String>; 2],
    digest: Hash,
    digest_value: Vec<u8>,
    method: Method,
    value: Vec<u8>,
}

/// The text of the innermost signed element that holds the assertion: the assertion itself, or the response. Every
/// signature of the document must hold, by one of the certificates.
///
/// # Errors
/// The end of a sentence about the answer.
pub(crate) fn signed(tree: &Tree<'_>, certificates: &[Certificate]) -> Result<String, &'static str> {
    let signatures = tree.everywhere(SIGNATURE, "Signature");
    let keys: Vec<_> = certificates.iter().filter_map(|one| super::certificate::key(one).ok()).collect();
    let mut innermost: Option<(bool, String)> = None;
    for signature in signatures {
        let shape = Shape::read(tree, signature)?;
        let text = shape.element_text(tree)?;
        if shape.digest.digest(&text) != shape.digest_value {
            return Err("something was changed after it was signed");
        }
        let info = shape.info_text(tree)?;
        let hash = shape.method.hash.digest(&info);
        if !keys.iter().any(|key| key.holds(shape.method, &hash, &shape.value)) {
            return Err("a signature is not by a certificate of the connection");
        }
        let text = String::from_utf8(text).map_err(|_| "its signed part is not UTF-8")?;
        let is_assertion = tree.is(shape.element, ASSERTION, "Assertion");
        if is_assertion || innermost.is_none() {
            innermost = Some((is_assertion, text));
        }
    }
    innermost.map(|(_, text)| text).ok_or("neither the assertion nor the response is signed")
}

impl Shape {
    /// Directly in a response or an assertion, one reference to that element by its ID, enveloped and exclusive
    /// canonicalization, SHA-2.
    fn read(tree: &Tree<'_>, signature: NodeId) -> Result<Self, &'static str> {
        const ODD: &str = "a signature has a shape that is not taken here";
        let element = tree.document.parent(signature).ok_or(ODD)?;
        let belongs = tree.is(element, PROTOCOL, "Response") || tree.is(element, ASSERTION, "Assertion");
        if !belongs || tree.only_child(element, SIGNATURE, "Signature") != Some(signature) {
            return Err("a signature stands where none belongs");
        }
        let id =
            tree.attribute(element, "ID").filter(|id| !id.is_empty()).ok_or("a signed element has no ID")?;
        let allowed = ["SignedInfo", "SignatureValue", "KeyInfo"];
        let parts = tree.children(signature);
        if !parts.iter().all(|part| allowed.iter().any(|name| tree.is(*part, SIGNATURE, name))) {
            return Err(ODD);
        }
        let value = tree.only_child(signature, SIGNATURE, "SignatureValue").ok_or(ODD)?;
        let info = tree.only_child(signature, SIGNATURE, "SignedInfo").ok_or(ODD)?;
        let [canonical, method, reference] = tree.children(info).try_into().map_err(|_| ODD)?;
        let algorithm = |node: NodeId, name: &str| {
            tree.attribute(node, "Algorithm").filter(|_| tree.is(node, SIGNATURE, name))
        };
        if algorithm(canonical, "CanonicalizationMethod") != Some(EXCLUSIVE) {
            return Err("a signature is not made with exclusive canonicalization");
        }
        let uri = tree.attribute(reference, "URI").filter(|_| tree.is(reference, SIGNATURE, "Reference"));
        if uri.and_then(|uri| uri.strip_prefix('#')) != Some(id) {
            return Err("a signature covers something else than its element");
        }
        let [transforms, digest, digest_value] = tree.children(reference).try_into().map_err(|_| ODD)?;
        let steps = tree.children(transforms);
        let names: Vec<_> = steps.iter().map(|step| algorithm(*step, "Transform")).collect();
        let last = steps.last().copied().ok_or(ODD)?;
        if !tree.is(transforms, SIGNATURE, "Transforms")
            || names != [Some(ENVELOPED), Some(EXCLUSIVE)]
            || !tree.is(digest_value, SIGNATURE, "DigestValue")
        {
            return Err(ODD);
        }
        let bytes = |node: NodeId| {
            let text: String =
                tree.text(node)?.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
            STANDARD.decode(text).ok()
        };
        Ok(Self {
            signature,
            element,
            info,
            prefixes: [prefixes(tree, last).ok_or(ODD)?, prefixes(tree, canonical).ok_or(ODD)?],
            digest: algorithm(digest, "DigestMethod")
                .and_then(Hash::of_digest)
                .ok_or("a signature is not made with SHA-256 or longer")?,
            digest_value: bytes(digest_value).ok_or(ODD)?,
            method: algorithm(method, "SignatureMethod")
                .and_then(Method::named)
                .filter(|_| tree.children(method).is_empty())
                .ok_or("a signature is not made by RSA or ECDSA with SHA-256 or longer")?,
            value: bytes(value).ok_or(ODD)?,
        })
    }

    /// The element without its signature and without comments, canonical.
    fn element_text(&self, tree: &Tree<'_>) -> Result<Vec<u8>, &'static str> {
        let mut nodes = NodeSet::tree_without_comments(self.element, &tree.document);
        nodes.remove_id(self.signature);
        for inner in tree.document.descendants(self.signature) {
            nodes.remove_id(inner);
        }
        let [prefixes, _] = &self.prefixes;
        canonical(tree, &nodes, prefixes)
    }

    /// What the signature's value is of.
    fn info_text(&self, tree: &Tree<'_>) -> Result<Vec<u8>, &'static str> {
        let [_, prefixes] = &self.prefixes;
        canonical(tree, &NodeSet::tree_without_comments(self.info, &tree.document), prefixes)
    }
}

/// Exclusive XML Canonicalization 1.0, without comments.
fn canonical(tree: &Tree<'_>, nodes: &NodeSet, prefixes: &[String]) -> Result<Vec<u8>, &'static str> {
    canonicalize_doc(&tree.document, C14nMode::Exclusive, Some(nodes), prefixes)
        .map_err(|_| "its signed part cannot be brought into canonical form")
}

/// What an exclusive canonicalization names as `InclusiveNamespaces`; `None` if it says anything else.
fn prefixes(tree: &Tree<'_>, step: NodeId) -> Option<Vec<String>> {
    match tree.children(step).as_slice() {
        [] => Some(Vec::new()),
        [one] if tree.is(*one, EXCLUSIVE, "InclusiveNamespaces") => {
            let list = tree.attribute(*one, "PrefixList")?;
            Some(list.split_ascii_whitespace().map(str::to_owned).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod signing {
    //! How do tests sign as a provider does? They fill the first signature of a template that is still empty.

    use super::*;

    /// The template with its first empty signature filled; `sign` makes a value of SHA-256 of what is signed.
    pub(crate) fn fill(template: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let shape_of = |text: &str, is_empty: fn(&Tree<'_>, NodeId) -> bool| {
            let tree = Tree::read(text).unwrap();
            let signature =
                tree.everywhere(SIGNATURE, "Signature").into_iter().find(|one| is_empty(&tree, *one));
            let shape = Shape::read(&tree, signature.unwrap()).unwrap();
            (shape.element_text(&tree).unwrap(), shape.info_text(&tree).unwrap())
        };
        let empty: fn(&Tree<'_>, NodeId) -> bool = |tree, signature| {
            let value = tree.only_child(signature, SIGNATURE, "SignatureValue").unwrap();
            tree.text(value).unwrap().is_empty()
        };
        let (element, _) = shape_of(template, empty);
        let digest = STANDARD.encode(Hash::Sha256.digest(&element));
        let filled = template.replacen(
            "<ds:DigestValue></ds:DigestValue>",
            &format!("<ds:DigestValue>{digest}</ds:DigestValue>"),
            1,
        );
        let (_, info) = shape_of(&filled, empty);
        let value = STANDARD.encode(sign(&info));
        filled.replacen(
            "<ds:SignatureValue></ds:SignatureValue>",
            &format!("<ds:SignatureValue>{value}</ds:SignatureValue>"),
            1,
        )
    }
}
