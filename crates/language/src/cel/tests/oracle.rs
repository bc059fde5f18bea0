//! Does another implementation of CEL come to the same? The interpreter of the crate `cel`, where it and we mean the same: whole
//! numbers, texts, truths, lists and maps, without division, which is exact here.

use super::*;
use ::cel::{Context, Value as Other};
use proptest::prelude::*;

/// Expressions of a kind from templates, as in [`super::bounds`], of what both know.
const NUMBERS: &[&str] = &[
    "1",
    "n",
    "0",
    "7",
    "#n + #n",
    "#n - #n",
    "#n * #n",
    "#n % #n",
    "-(#n)",
    "size(#t)",
    "size(#l)",
    "#l[0]",
    "#l[#n]",
    "(#b ? #n : #n)",
    "{'a': #n, 'ab': 2}[#t]",
    "o.n",
    "o.m",
];
const TEXTS: &[&str] = &["'a'", "'ab'", "t", "''", "#t + #t", "string(#n)", "(#b ? #t : #t)", "o.t", "#s[1]"];
const TRUTHS: &[&str] = &[
    "true",
    "false",
    "q",
    "#n < #n",
    "#n <= #n",
    "#n > #n",
    "#n >= #n",
    "#n == #n",
    "#n != #n",
    "#t == #t",
    "#t < #t",
    "#t >= #t",
    "(#b && #b)",
    "(#b || #b)",
    "!(#b)",
    "#n in #l",
    "#t in #s",
    "#t.contains(#t)",
    "#t.startsWith(#t)",
    "#t.endsWith(#t)",
    "#l.exists(x, x > #n)",
    "#l.all(x, #n % x == 1)",
    "#s.all(y, y == #t)",
    "#l.exists_one(z, z == #n)",
    "#l == #l",
    "has(o.t)",
    "has(o.x)",
    "#t in o",
    "(#b ? #b : #b)",
    "#b == #b",
    "#l.exists(x, #l.all(y, x <= y))",
];
const LISTS: &[&str] = &[
    "l",
    "[#n, #n]",
    "#l + #l",
    "#l.filter(f, f > #n)",
    "#l.map(g, g * #n)",
    "#l.map(g, g > 1, g + 1)",
    "[]",
    "[#n]",
];
const WORDS: &[&str] = &["s", "[#t, #t]", "#s + #s", "#s.filter(v, v != #t)", "#l.map(w, string(w))"];

fn grow(kind: char, choices: &mut impl Iterator<Item = u16>, room: usize) -> String {
    let templates = match kind {
        'n' => NUMBERS,
        't' => TEXTS,
        'b' => TRUTHS,
        'l' => LISTS,
        _ => WORDS,
    };
    let choice = usize::from(choices.next().unwrap_or_default()) % templates.len();
    let template = if room == 0 { templates[0] } else { templates[choice] };
    let mut grown = String::new();
    let mut rest = template.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '#' => grown.push_str(&grow(rest.next().unwrap(), choices, room - 1)),
            letter => grown.push(letter),
        }
    }
    // Operators bind what stands beside them here, whatever they are.
    if grown.contains(' ') { format!("({grown})") } else { grown }
}

fn data() -> impl Strategy<Value = Value> {
    let numbers = || prop::collection::vec(-3_i64..4, 0..4);
    let texts = prop::collection::vec("[ab]{0,2}", 0..4);
    (-3_i64..4, "[ab]{0,3}", any::<bool>(), numbers(), texts)
        .prop_map(|(n, t, q, l, s)| json!({"n": n, "t": t, "q": q, "l": l, "s": s, "o": {"n": n, "t": t}}))
}

/// What the other one says: `None` for a fault.
fn other(text: &str, data: &Value) -> Option<bool> {
    let program = ::cel::Program::compile(text).unwrap();
    let mut context = Context::default();
    for (name, value) in data.as_object().unwrap() {
        context.add_variable(name, of_json(value)).unwrap();
    }
    match program.execute(&context) {
        Ok(Other::Bool(truth)) => Some(truth),
        Ok(_) | Err(_) => None,
    }
}

fn of_json(value: &Value) -> Other {
    match value {
        Value::Number(number) => Other::Int(number.as_i64().unwrap()),
        Value::Bool(truth) => Other::Bool(*truth),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(of_json).collect::<Vec<_>>().into(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), of_json(value)))
            .collect::<std::collections::HashMap<_, _>>()
            .into(),
        Value::Null => Other::Null,
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn both_come_to_the_same(choices in prop::collection::vec(any::<u16>(), 1..30), data in data()) {
        let text = grow('b', &mut choices.into_iter(), 5);
        let ours = match ask(&text, &Vocabulary::open(), &data, None).as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        prop_assert_eq!(ours, other(&text, &data), "{}", text);
    }
}
