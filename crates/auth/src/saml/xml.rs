//! How is XML of strangers read? Without a DTD, not deep, not large; and a text is all of its text, whatever comments
//! stand in it: that is what a signature covers.

use super::DOCUMENT_MAX;
use uppsala::{Document, NodeId, NodeKind, Parser};

const DEPTH_MAX: u32 = 48;

/// A document that was read.
pub(crate) struct Tree<'a> {
    pub(crate) document: Document<'a>,
}

impl<'a> Tree<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// The end of a sentence about it.
    pub(crate) fn read(source: &'a str) -> Result<Self, &'static str> {
        if source.len() > DOCUMENT_MAX {
            return Err("it is larger than 256 KiB");
        }
        let parser = Parser::new()
            .with_forbid_dtd(true)
            .with_forbid_entities(true)
            .with_max_entity_expansion(0)
            .with_max_depth(DEPTH_MAX);
        let document = parser.parse(source).map_err(|_| "it is not XML, holds a DTD, or nests too deeply")?;
        Ok(Self { document })
    }

    pub(crate) fn root(&self) -> Option<NodeId> {
        self.document.document_element()
    }

    pub(crate) fn is(&self, node: NodeId, namespace: &str, name: &str) -> bool {
        self.document.element(node).is_some_and(|element| element.matches_name_ns(namespace, name))
    }

    /// The elements directly below.
    pub(crate) fn children(&self, node: NodeId) -> Vec<NodeId> {
        self.document.children_iter(node).filter(|child| self.document.element(*child).is_some()).collect()
    }

    /// Those of a name.
    pub(crate) fn children_of(&self, node: NodeId, namespace: &str, name: &str) -> Vec<NodeId> {
        self.children(node).into_iter().filter(|child| self.is(*child, namespace, name)).collect()
    }

    /// The one child of a name; `None` if there is none, or more than one.
    pub(crate) fn only_child(&self, node: NodeId, namespace: &str, name: &str) -> Option<NodeId> {
        match self.children_of(node, namespace, name).as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// All elements of a name, wherever they stand.
    pub(crate) fn everywhere(&self, namespace: &str, name: &str) -> Vec<NodeId> {
        let all = self.document.descendants(self.document.root());
        all.into_iter().filter(|node| self.is(*node, namespace, name)).collect()
    }

    /// An attribute without a namespace.
    pub(crate) fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        let element = self.document.element(node)?;
        let found = element.attributes.iter().find(|attribute| attribute.name.matches(None, name));
        found.map(|attribute| &*attribute.value)
    }

    /// The whole text of an element, without the space around it; `None` if it holds other elements.
    pub(crate) fn text(&self, node: NodeId) -> Option<String> {
        let mut whole = String::new();
        for child in self.document.children_iter(node) {
            match self.document.node_kind(child)? {
                NodeKind::Text(text) | NodeKind::CData(text) => whole.push_str(text),
                NodeKind::Comment(_) | NodeKind::ProcessingInstruction(_) => {}
                NodeKind::Element(_) | NodeKind::Document | NodeKind::Attribute(..) => return None,
            }
        }
        Some(whole.trim().to_owned())
    }

    /// The text of the one child of a name.
    pub(crate) fn child_text(&self, node: NodeId, namespace: &str, name: &str) -> Option<String> {
        self.text(self.only_child(node, namespace, name)?)
    }
}

/// A text as it stands in an attribute or between tags.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dtd_an_entity_and_depth_are_refused() {
        for text in [
            "<!DOCTYPE x><x/>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>",
            "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x/>",
            "<x>&a;</x>",
            "<x>",
            "",
            &format!("{}{}", "<x>".repeat(60), "</x>".repeat(60)),
            &format!("<x>{}</x>", "y".repeat(DOCUMENT_MAX)),
        ] {
            assert!(Tree::read(text).is_err(), "{}", &text[..text.len().min(60)]);
        }
        assert!(Tree::read("<x>&amp;&#65;</x>").is_ok());
    }

    #[test]
    fn a_comment_ends_no_text() {
        let tree = Tree::read("<x> ana@acme.example<!-- x -->.evil.example<![CDATA[!]]> </x>").unwrap();
        assert_eq!(tree.text(tree.root().unwrap()).as_deref(), Some("ana@acme.example.evil.example!"));
        let tree = Tree::read("<x>a<y/>b</x>").unwrap();
        assert_eq!(tree.text(tree.root().unwrap()), None);
    }
}
