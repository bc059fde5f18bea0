//! Where does a clause look? At a path such as `contact.emails[0].address`.
//!
//! A path leads into the event's data, unless it begins with `record.`, `event.` or, within a group over the items of a
//! list, `item.`. `data.` says that the data is meant: `data.record.id` is the data's own field `record`.

use crate::{Facts, payload::Needed};
use serde_json::Value;

/// The longest path, in characters.
const LONGEST: usize = 200;
/// The deepest path: payloads nest no deeper.
const DEEPEST: usize = 64;

/// The text is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Too long or too deep.
    #[error("must be a path of at most 200 characters and 64 steps")]
    Size,
    /// A name is missing, or a bracket is out of place.
    #[error("must be a path such as value, contact.name or items[0].price")]
    Shape,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into an object, by name.
    Name(Box<str>),
    /// Into a list, by place, from 0; of one width wherever it is compiled.
    Place(u64),
}

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// The event's data.
    Data,
    /// The record that it is about.
    Record,
    /// Its circumstances.
    Event,
    /// The item of a list that is looked at.
    Item,
}

/// Names that begin a path elsewhere than at a field of the data.
const ROOTS: &[(&str, Root)] =
    &[("data", Root::Data), ("record", Root::Record), ("event", Root::Event), ("item", Root::Item)];

/// Where the steps of a path are taken: the facts, and the item of the innermost list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) item: Option<&'a Value>,
}

impl<'a> View<'a> {
    pub(crate) const fn of(facts: &'a Facts<'a>) -> Self {
        Self { facts, item: None }
    }

    /// What stands at a root, if anything does.
    pub(crate) fn root(self, root: Root) -> Option<&'a Value> {
        match root {
            Root::Data => Some(self.facts.data()),
            Root::Record => self.facts.record(),
            Root::Event => Some(self.facts.event()),
            Root::Item => self.item,
        }
    }
}

/// A path into the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    text: Box<str>,
    root: Root,
    steps: Box<[Step]>,
}

/// One part between points: a name and the places behind it.
fn steps_of(part: &str, steps: &mut Vec<Step>) -> Result<(), PathError> {
    let (name, mut rest) = part.split_at_checked(part.find('[').unwrap_or(part.len())).unwrap_or((part, ""));
    if name.is_empty() || name.contains(']') {
        return Err(PathError::Shape);
    }
    steps.push(Step::Name(name.into()));
    while !rest.is_empty() {
        let (place, behind) =
            rest.strip_prefix('[').and_then(|inner| inner.split_once(']')).ok_or(PathError::Shape)?;
        if place.is_empty() || !place.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PathError::Shape);
        }
        steps.push(Step::Place(place.parse().map_err(|_| PathError::Shape)?));
        rest = behind;
    }
    Ok(())
}

impl std::str::FromStr for FieldPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.chars().count() > LONGEST {
            return Err(PathError::Size);
        }
        let mut steps = Vec::new();
        for part in text.split('.') {
            steps_of(part, &mut steps)?;
        }
        if steps.len() > DEEPEST {
            return Err(PathError::Size);
        }
        let root = match steps.first() {
            Some(Step::Name(name)) => {
                ROOTS.iter().find(|(known, _)| *known == &**name).map(|(_, root)| *root)
            }
            Some(Step::Place(_)) | None => None,
        };
        if root.is_some() {
            steps.remove(0);
        }
        Ok(Self { text: text.into(), root: root.unwrap_or(Root::Data), steps: steps.into() })
    }
}

impl FieldPath {
    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it begins.
    #[must_use]
    pub(crate) const fn root(&self) -> Root {
        self.root
    }

    /// Whether it leads into the circumstances of the event.
    #[must_use]
    pub fn is_of_event(&self) -> bool {
        self.root == Root::Event
    }

    /// Whether it leads into the record that the event is about.
    #[must_use]
    pub fn is_of_record(&self) -> bool {
        self.root == Root::Record
    }

    /// Adds the field of the data that it leads through, if it does.
    pub fn need(&self, needed: &mut Needed) {
        if self.root == Root::Data {
            match self.steps.first() {
                Some(Step::Name(name)) => needed.add(name),
                Some(Step::Place(_)) | None => *needed = Needed::All,
            }
        }
    }

    /// The steps from there.
    #[must_use]
    pub(crate) const fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What stands there among the facts, if anything does.
    #[must_use]
    pub fn of<'a>(&self, facts: &'a Facts<'a>) -> Option<&'a Value> {
        self.find(View::of(facts))
    }

    /// What stands there, if anything does.
    #[must_use]
    pub(crate) fn find<'a>(&self, view: View<'a>) -> Option<&'a Value> {
        self.follow(view.root(self.root)?)
    }

    /// What stands below this root, if anything does.
    pub(crate) fn follow<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(root, |place, step| match step {
            Step::Name(name) => place.as_object()?.get(&**name),
            Step::Place(index) => place.as_array()?.get(usize::try_from(*index).ok()?),
        })
    }

    /// The same path with `prefix` before its last name (`contact.status` → `contact.old_status`); `None` if it ends
    /// in a place.
    #[must_use]
    pub(crate) fn prefixed(&self, prefix: &str) -> Option<Self> {
        if self.text.ends_with(']') || self.steps.is_empty() {
            return None;
        }
        let (before, last) = match self.text.rsplit_once('.') {
            Some((before, last)) => (format!("{before}."), last),
            None => (String::new(), &*self.text),
        };
        let mut steps = self.steps.to_vec();
        steps.pop();
        steps.push(Step::Name(format!("{prefix}{last}").into()));
        Some(Self { text: format!("{before}{prefix}{last}").into(), root: self.root, steps: steps.into() })
    }

    /// The same steps below `name` and before `last`: `status` → `changes.status.old`.
    #[must_use]
    pub(crate) fn within(&self, name: &str, last: &str) -> Option<Self> {
        if self.steps.is_empty() {
            return None;
        }
        let bare = self.text.strip_prefix("data.").unwrap_or(&self.text);
        let names = [Step::Name(name.into())].into_iter();
        let steps = names.chain(self.steps.iter().cloned()).chain([Step::Name(last.into())]).collect();
        Some(Self { text: format!("{name}.{bare}.{last}").into(), root: self.root, steps })
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_into_the_data() {
        let data = json!({"a": {"b": [{"c": 1}, [2, 3]]}, "d": null});
        let facts = Facts::of(&data);
        let find = |path: &str| path.parse::<FieldPath>().unwrap().find(View::of(&facts)).cloned();
        assert_eq!(find("a.b[0].c"), Some(json!(1)));
        assert_eq!(find("a.b[1][1]"), Some(json!(3)));
        assert_eq!(find("d"), Some(json!(null)));
        for missing in ["x", "a.x", "a.b[2]", "a.b.c", "d.e", "a[0]"] {
            assert_eq!(find(missing), None, "{missing}");
        }
    }

    #[test]
    fn a_path_may_begin_elsewhere() {
        let (data, record) = (json!({"status": "a", "record": {"status": "b"}}), json!({"status": "c"}));
        let facts = Facts::new(&data, Some(&record), crate::Occasion::default(), crate::Moment::default());
        let find = |path: &str| path.parse::<FieldPath>().unwrap().find(View::of(&facts)).cloned();
        assert_eq!(find("status"), Some(json!("a")));
        assert_eq!(find("data.status"), Some(json!("a")));
        assert_eq!(find("record.status"), Some(json!("c")));
        assert_eq!(find("data.record.status"), Some(json!("b")));
        assert_eq!(find("event.depth"), Some(json!(0)));
        assert_eq!(find("item.status"), None);
        assert_eq!(find("records.status"), None);
    }

    #[test]
    fn crooked_paths_are_refused() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "[0]",
            "a[",
            "a]",
            "a[x]",
            "a[-1]",
            "a[0]b",
            "a[99999999999999999999]",
        ] {
            assert_eq!(text.parse::<FieldPath>(), Err(PathError::Shape), "{text}");
        }
        assert_eq!("a".repeat(201).parse::<FieldPath>(), Err(PathError::Size));
    }

    #[test]
    fn a_prefix_goes_before_the_last_name() {
        let path: FieldPath = "contact.status".parse().unwrap();
        let old = path.prefixed("old_").unwrap();
        assert_eq!(old.as_str(), "contact.old_status");
        let data = json!({"contact": {"old_status": 1}});
        assert_eq!(old.find(View::of(&Facts::of(&data))), Some(&json!(1)));
        assert_eq!(path.within("changes", "old").unwrap().as_str(), "changes.contact.status.old");
        assert_eq!("a[0]".parse::<FieldPath>().unwrap().prefixed("old_"), None);
    }
}
