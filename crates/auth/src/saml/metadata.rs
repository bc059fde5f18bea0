//! What do a provider and we tell each other about ourselves (saml-metadata-2.0-os)?

use super::{
    BY_POST, BY_REDIRECT, METADATA, Ourselves, PROTOCOL, SIGNATURE,
    certificate::{Certificate, sound_certificate},
    xml::{Tree, escape},
};
use uppsala::NodeId;

/// What we need of a provider's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdentityProvider {
    pub(crate) entity_id: String,
    pub(crate) sso_url: String,
    pub(crate) certificates: Vec<Certificate>,
}

impl IdentityProvider {
    /// Reads metadata that an owner gave us. Nobody's signature on it is asked for: the owner's word is what counts.
    ///
    /// # Errors
    /// The end of a sentence that begins with the field.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let tree = Tree::read(text.trim()).map_err(|why| format!("cannot be read: {why}"))?;
        let root = tree.root().filter(|root| tree.is(*root, METADATA, "EntityDescriptor"));
        let root = root.ok_or("must be one EntityDescriptor of SAML 2.0 metadata")?;
        let role = tree.only_child(root, METADATA, "IDPSSODescriptor");
        let role = role.ok_or("describes no identity provider (IDPSSODescriptor)")?;
        let entity_id = tree.attribute(root, "entityID").ok_or("names no entityID")?.to_owned();
        let services = tree.children_of(role, METADATA, "SingleSignOnService");
        let by_redirect =
            services.into_iter().find(|node| tree.attribute(*node, "Binding") == Some(BY_REDIRECT));
        let sso_url = by_redirect.and_then(|node| tree.attribute(node, "Location"));
        let sso_url = sso_url.ok_or("names no SingleSignOnService by HTTP-Redirect")?.to_owned();
        let keys = tree.children_of(role, METADATA, "KeyDescriptor");
        let signing =
            keys.into_iter().filter(|key| matches!(tree.attribute(*key, "use"), None | Some("signing")));
        let certificates: Result<Vec<Certificate>, &'static str> =
            signing.flat_map(|key| texts(&tree, key)).map(|text| sound_certificate(&text)).collect();
        let certificates = certificates.map_err(|why| format!("holds a certificate that {why}"))?;
        if certificates.is_empty() {
            return Err("holds no certificate for signing".to_owned());
        }
        Ok(Self { entity_id, sso_url, certificates })
    }
}

/// The certificates of a key.
fn texts(tree: &Tree<'_>, key: NodeId) -> Vec<String> {
    let below = |nodes: Vec<NodeId>, name: &str| -> Vec<NodeId> {
        nodes.into_iter().flat_map(|node| tree.children_of(node, SIGNATURE, name)).collect()
    };
    let data = below(below(vec![key], "KeyInfo"), "X509Data");
    below(data, "X509Certificate").into_iter().filter_map(|node| tree.text(node)).collect()
}

/// Our own metadata, for a provider.
pub(crate) fn own_metadata(us: &Ourselves) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{}\">\n  \
         <md:SPSSODescriptor AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"{PROTOCOL}\">\n    \
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\n    \
         <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>\n    \
         <md:AssertionConsumerService Binding=\"{BY_POST}\" Location=\"{}\" index=\"0\" isDefault=\"true\"/>\n  \
         </md:SPSSODescriptor>\n</md:EntityDescriptor>\n",
        escape(&us.entity_id),
        escape(&us.consumer),
    )
}
