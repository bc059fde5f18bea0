//! What do conditions look at?

use super::{Asks, Condition, Conditions};
use crate::{
    expression::Expression,
    path::{FieldPath, Root},
    payload::Needed,
};

/// Something that looks at facts.
enum Look<'a> {
    At(&'a FieldPath),
    By(&'a Expression),
}

impl Conditions {
    /// Whether they look at the record that the event is about.
    #[must_use]
    pub fn look_at_record(&self) -> bool {
        self.look_at(Root::Record)
    }

    /// Whether they look at the circumstances of the event.
    #[must_use]
    pub fn look_at_event(&self) -> bool {
        self.look_at(Root::Event)
    }

    fn look_at(&self, root: Root) -> bool {
        self.looks().iter().any(|look| match look {
            Look::At(path) => path.root() == root,
            Look::By(expression) => expression.looks_at(root),
        })
    }

    /// Adds the fields of the data that they look at.
    pub fn need(&self, needed: &mut Needed) {
        for look in self.looks() {
            match look {
                Look::At(path) => path.need(needed),
                Look::By(_) => *needed = Needed::All,
            }
        }
    }

    fn looks(&self) -> Vec<Look<'_>> {
        let mut found = Vec::new();
        self.all.written.iter().for_each(|condition| gather(condition, &mut found));
        found
    }
}

fn gather<'a>(condition: &'a Condition, found: &mut Vec<Look<'a>>) {
    match &condition.asks {
        Asks::All(group) | Asks::Any(group) => {
            group.written.iter().for_each(|inner| gather(inner, found));
        }
        Asks::Not(inner) => gather(inner, found),
        Asks::Items(items) => {
            found.push(Look::At(&items.field));
            items.of_each.written.iter().for_each(|inner| gather(inner, found));
        }
        Asks::Clause(clause) => found.extend(clause.paths().map(Look::At)),
        Asks::Expression(expression) => found.push(Look::By(expression)),
    }
}
