//! What does JSON come to in whose texts templates stand?

use super::{Context, TemplateId, Templates};
use crate::Vocabulary;
use kernel::{FieldFault, Fields};
use serde_json::{Map, Value};

/// How deep it may be.
const DEEPEST: usize = 32;

/// JSON with templates in its texts, compiled.
#[derive(Debug, Clone)]
pub struct Tree {
    templates: Templates,
    root: Node,
}

#[derive(Debug, Clone)]
enum Node {
    Fixed(Value),
    Text(TemplateId),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Tree {
    /// Compiles the templates of `value`, which stands at `path`.
    ///
    /// # Errors
    /// Every faulty template with its path: `body.items[0].name`.
    pub fn read(value: &Value, path: &str, vocabulary: &Vocabulary) -> Result<Self, Vec<FieldFault>> {
        let mut templates = Templates::new();
        let mut fields = Fields::new();
        let root = node(value, path, DEEPEST, &mut templates, vocabulary, &mut fields);
        fields.done().map(|()| Self { templates, root })
    }

    /// What it comes to with the data.
    ///
    /// # Errors
    /// The first template that could not be rendered.
    pub fn render(&self, path: &str, context: &Context<'_>) -> Result<Value, FieldFault> {
        self.fill(&self.root, path, context)
    }

    fn fill(&self, node: &Node, path: &str, context: &Context<'_>) -> Result<Value, FieldFault> {
        Ok(match node {
            Node::Fixed(value) => value.clone(),
            Node::Text(id) => {
                let rendered = self.templates.render(*id, context);
                rendered.map_err(|message| FieldFault::new(path, message))?.text.into()
            }
            Node::List(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(place, item)| self.fill(item, &format!("{path}[{place}]"), context))
                    .collect::<Result<Vec<_>, _>>()?
                    .into()
            }
            Node::Object(fields) => {
                let fields = fields.iter();
                fields
                    .map(|(name, item)| {
                        Ok((name.clone(), self.fill(item, &format!("{path}.{name}"), context)?))
                    })
                    .collect::<Result<Map<_, _>, FieldFault>>()?
                    .into()
            }
        })
    }
}

fn node(
    value: &Value,
    path: &str,
    deeper: usize,
    templates: &mut Templates,
    vocabulary: &Vocabulary,
    fields: &mut Fields,
) -> Node {
    let Some(deeper) = deeper.checked_sub(1) else {
        fields.fault(path, format!("must be nested at most {DEEPEST} deep"));
        return Node::Fixed(Value::Null);
    };
    let mut child = |item: &Value, path: String| node(item, &path, deeper, templates, vocabulary, fields);
    match value {
        Value::Array(items) => Node::List(
            items.iter().enumerate().map(|(place, item)| child(item, format!("{path}[{place}]"))).collect(),
        ),
        Value::Object(object) => Node::Object(
            object.iter().map(|(name, item)| (name.clone(), child(item, format!("{path}.{name}")))).collect(),
        ),
        Value::String(text) => match templates.add(text, false, vocabulary) {
            Ok(Some(added)) => Node::Text(added.id),
            Ok(None) => Node::Fixed(value.clone()),
            Err(message) => {
                fields.fault(path, message);
                Node::Fixed(Value::Null)
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => Node::Fixed(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Facts;
    use serde_json::json;

    fn filled(tree: &Value, data: &Value) -> Result<Value, FieldFault> {
        let facts = Facts::of(data);
        Tree::read(tree, "body", &Vocabulary::open()).unwrap().render("body", &Context::new(&facts))
    }

    #[test]
    fn texts_are_filled_and_all_else_stays() {
        let tree = json!({"text": "{{ name }} won", "list": ["{{ value }}", 1, null], "plain": "x"});
        let data = json!({"name": "Ada", "value": 12.50});
        assert_eq!(
            filled(&tree, &data).unwrap(),
            json!({"text": "Ada won", "list": [data["value"].to_string(), 1, null], "plain": "x"})
        );
    }

    #[test]
    fn every_faulty_template_is_named() {
        let tree = json!({"a": "{{ x", "b": [{"c": "{% nothing %}"}], "d": "{{ x }}"});
        let faults = Tree::read(&tree, "body", &Vocabulary::open()).unwrap_err();
        let named: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(named, ["body.a", "body.b[0].c"]);
    }

    #[test]
    fn it_has_a_depth() {
        let deep = (0..40).fold(json!("x"), |inner, _| json!([inner]));
        assert!(Tree::read(&deep, "body", &Vocabulary::open()).is_err());
    }
}
