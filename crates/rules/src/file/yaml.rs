//! What does a text in YAML say? The part of YAML 1.2 that JSON knows, too: one document of texts, numbers to the letter, truths,
//! nothing, lists and objects. What means something else from one reader to the next is refused.

use super::{
    DEEPEST, Unreadable,
    scalar::{Plain, plain},
};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

/// The longest key, in characters, that may stand before its colon without a question mark: YAML's own bound.
const LONGEST_KEY: usize = 1_024;

/// A list or an object that is not closed yet.
enum Open {
    List(Vec<Value>),
    /// With the key whose value is to come.
    Object(Map<String, Value>, Option<String>),
}

/// Reads a document.
///
/// # Errors
/// [`Unreadable`], with line and column.
pub(super) fn read(text: &str) -> Result<Value, Unreadable> {
    let options = granit_parser::options! {
        disallow_directives: true,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
        simple_key_max_lookahead: LONGEST_KEY,
    };
    let mut reading = Reading::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|fault| {
            let mark = fault.marker();
            Unreadable::at(mark.line(), mark.col().saturating_add(1), &fault.kind().to_string())
        })?;
        reading.take(event, &span)?;
    }
    reading.whole.ok_or_else(|| Unreadable::at(1, 1, "there is nothing in it"))
}

#[derive(Default)]
struct Reading {
    open: Vec<Open>,
    whole: Option<Value>,
}

impl Reading {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Unreadable> {
        let fault = |said: &str| {
            let start = &span.start;
            Err(Unreadable::at(start.line(), start.col().saturating_add(1), said))
        };
        let anchored = "has an anchor (&): write the value wherever it is meant";
        let tagged = "has a tag (!): texts, numbers, truths, lists and objects need none";
        match event {
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(_, anchor, _)
            | Event::MappingStart(_, anchor, _)
                if anchor != 0 =>
            {
                fault(anchored)
            }
            Event::Scalar(.., Some(_))
            | Event::SequenceStart(.., Some(_))
            | Event::MappingStart(.., Some(_)) => fault(tagged),
            Event::Scalar(text, style, ..) => self.scalar(&text, style).or_else(|said| fault(&said)),
            Event::SequenceStart(..) => self.begin(Open::List(Vec::new())).or_else(|said| fault(&said)),
            Event::MappingStart(..) => {
                self.begin(Open::Object(Map::new(), None)).or_else(|said| fault(&said))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end().or_else(|said| fault(&said)),
            Event::DocumentStart(..) if self.whole.is_some() => {
                fault("begins a second document: a file holds one")
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => fault("is an alias (*): write the value itself"),
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Anchor(..) => Ok(()),
            // What a later version of the library may tell.
            _ => fault("is something that is not read here"),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), String> {
        if let Some(Open::Object(_, None)) = self.open.last() {
            return Err("is a list or an object where the name of a field must stand".to_owned());
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("nests deeper than {DEEPEST} levels"));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        match self.open.pop() {
            Some(Open::List(items)) => self.put(Value::Array(items)),
            Some(Open::Object(fields, _)) => self.put(Value::Object(fields)),
            None => Ok(()),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) -> Result<(), String> {
        let meaning = if style == ScalarStyle::Plain { plain(text) } else { Plain::Text };
        if let Some(Open::Object(fields, key @ None)) = self.open.last_mut() {
            if meaning != Plain::Text {
                return Err(format!("must be the name of a field; put {text} in quotes if it is one"));
            }
            if text == "<<" && style == ScalarStyle::Plain {
                return Err("merges (<<) are not read here: write the fields themselves".to_owned());
            }
            if fields.contains_key(text) {
                return Err(format!("{} stands here twice", shown(text)));
            }
            *key = Some(text.to_owned());
            return Ok(());
        }
        self.put(match meaning {
            Plain::Nothing => Value::Null,
            Plain::Truth(truth) => truth.into(),
            Plain::Number => Value::Number(Number::from_string_unchecked(text.to_owned())),
            Plain::Text => text.into(),
            Plain::Unclear => {
                return Err(format!(
                    "{text} is a number to some and a text to others: write a number as JSON does (0.5, 7), and put a text in quotes"
                ));
            }
        })
    }

    fn put(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut() {
            None => self.whole = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Object(fields, key)) => {
                if let Some(key) = key.take() {
                    fields.insert(key, value);
                }
            }
        }
        Ok(())
    }
}

fn shown(name: &str) -> String {
    name.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(text: &str) -> String {
        read(text).expect_err(text).to_string()
    }

    #[test]
    fn yaml_says_what_json_would() {
        let text = "a: 1.50\nb: [x, \"y: z\", 'it''s', null, ~, true]\nc:\n  d: |\n    one\n    two\n  e: >-\n    one\n    two\n# aside\nf: 1e400\n";
        let said = read(text).unwrap();
        assert_eq!(said["b"], json!(["x", "y: z", "it's", null, null, true]));
        assert_eq!(said["c"], json!({"d": "one\ntwo\n", "e": "one two"}));
        assert_eq!((said["a"].to_string(), said["f"].to_string()), ("1.50".to_owned(), "1e400".to_owned()));
        assert_eq!(read("{\"a\": \"\\ud83c\\udf89 \\/ \\u00e4\"}").unwrap(), json!({"a": "🎉 / ä"}));
        assert_eq!(read("---\na: no\n...\n").unwrap(), json!({"a": "no"}));
        assert_eq!(read("\u{feff}a: 1").unwrap(), json!({"a": 1}));
        assert_eq!(read("? \"a\"\n: 1").unwrap(), json!({"a": 1}));
    }

    #[test]
    fn what_is_not_read_is_told_with_its_place() {
        for (text, wanted) in [
            ("a: &x 1\nb: *x", "line 1, column 7: has an anchor"),
            ("a: [*x]", "line 1"),
            ("a: !!str 1", "line 1, column"),
            ("a: 1\na: 2", "line 2, column 1: a stands here twice"),
            ("{a: 1, \"a\": 2}", "line 1, column 8: a stands here twice"),
            ("<<: {a: 1}", "line 1, column 1: merges"),
            ("1: a", "line 1, column 1: must be the name of a field"),
            ("[a]: b", "line 1, column 1: is a list or an object"),
            ("a: 007", "line 1, column 4: 007 is a number to some"),
            ("a: .5", "line 1, column 4: .5 is a number to some"),
            ("a: 1\n---\nb: 2", "line 2, column 1: begins a second document"),
            ("%YAML 1.1\n---\na: 1", "line 1"),
            ("a: [1, 2", "line 1"),
            ("a:\n\t- 1", "line 2"),
            ("", "line 1, column 1: there is nothing in it"),
            ("# aside only", "line 1, column 1: there is nothing in it"),
        ] {
            assert!(fault(text).starts_with(wanted), "{text:?}: {}", fault(text));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(DEEPEST)).is_ok());
        assert!(read(&nested(DEEPEST + 1)).is_err() && read(&nested(100_000)).is_err());
        let block: String = (0..200).map(|depth| format!("{}a:\n", "  ".repeat(depth))).collect();
        assert!(read(&block).is_err());
        assert!(read(&"- ".repeat(500)).is_err());
    }
}
