//! Where in the data does a clause look? At a path such as `contact.emails[0].address`.

use serde_json::Value;

/// The longest path, in characters.
const LONGEST: usize = 200;
/// The deepest path: payloads nest no deeper.
const DEEPEST: usize = 64;

/// The text is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// Too long or too deep.
    #[error("must be a path of at most 200 characters and 64 steps")]
    Size,
    /// A name is missing, or a bracket is out of place.
    #[error("must be a path such as value, contact.name or items[0].price")]
    Shape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(Box<str>),
    Place(usize),
}

/// A path into the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldPath {
    text: Box<str>,
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
        Ok(Self { text: text.into(), steps: steps.into() })
    }
}

impl FieldPath {
    /// The path as it was written.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands there, if anything does.
    #[must_use]
    pub(crate) fn find<'a>(&self, data: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(data, |place, step| match step {
            Step::Name(name) => place.as_object()?.get(&**name),
            Step::Place(index) => place.as_array()?.get(*index),
        })
    }

    /// The same path with `prefix` before its last name (`contact.status` → `contact.old_status`); `None` if it ends
    /// in a place.
    #[must_use]
    pub(crate) fn prefixed(&self, prefix: &str) -> Option<Self> {
        if self.text.ends_with(']') {
            return None;
        }
        let (before, last) = match self.text.rsplit_once('.') {
            Some((before, last)) => (format!("{before}."), last),
            None => (String::new(), &*self.text),
        };
        let mut steps = self.steps.to_vec();
        steps.pop();
        steps.push(Step::Name(format!("{prefix}{last}").into()));
        Some(Self { text: format!("{before}{prefix}{last}").into(), steps: steps.into() })
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
        let find = |path: &str| path.parse::<FieldPath>().unwrap().find(&data).cloned();
        assert_eq!(find("a.b[0].c"), Some(json!(1)));
        assert_eq!(find("a.b[1][1]"), Some(json!(3)));
        assert_eq!(find("d"), Some(json!(null)));
        for missing in ["x", "a.x", "a.b[2]", "a.b.c", "d.e", "a[0]"] {
            assert_eq!(find(missing), None, "{missing}");
        }
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
        assert_eq!(old.find(&json!({"contact": {"old_status": 1}})), Some(&json!(1)));
        assert_eq!("a[0]".parse::<FieldPath>().unwrap().prefixed("old_"), None);
    }
}
