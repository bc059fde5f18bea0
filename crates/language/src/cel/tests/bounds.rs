//! What may an expression cost? Never more than was said when it was read, never more than its budget, and never a panic.

use super::*;
use crate::value::size;
use proptest::prelude::*;

/// Expressions of a kind, put together from templates in which `#n`, `#t`, `#b`, `#l`, `#s`, `#d` and `#a` stand for numbers, texts,
/// truths, lists of numbers, lists of texts, times and anything.
const NUMBERS: &[&str] = &[
    "1",
    "2.5",
    "n",
    "any",
    "#n + #n",
    "#n - #n",
    "#n * #n",
    "#n / #n",
    "#n % #n",
    "-#n",
    "#t.size()",
    "size(#s)",
    "#t.indexOf(#t)",
    "#l[0]",
    "#l.sum()",
    "#l.min()",
    "math.round(#n)",
    "math.greatest(#n, #n)",
    "decimal(#t)",
    "int(#n)",
    "(#b ? #n : #n)",
    "#d.getHours(zone)",
    "#d.getDayOfWeek()",
    "o.n",
    "o.deep.m",
    "{'a': #n, 'b': 2}[#t]",
    "m",
    "open",
];
const TEXTS: &[&str] = &[
    "'a'",
    "'ab,c'",
    "t",
    "any",
    "#t + #t",
    "#t.trim()",
    "#t.lowerAscii()",
    "#t.replace(#t, #t)",
    "#s.join(#t)",
    "string(#n)",
    "#t.substring(1)",
    "#t.charAt(0)",
    "#s[1]",
    "type(#a)",
    "(#b ? #t : #t)",
    "o.t",
    "string(#d)",
    "zone",
    "#s.max()",
    "event.id",
];
const TRUTHS: &[&str] = &[
    "true",
    "q",
    "#n < #n",
    "#n == #n",
    "#t == #t",
    "#t < #t",
    "#a == #a",
    "#b && #b",
    "#b || #b",
    "!#b",
    "#n in #l",
    "#t in #s",
    "#t.contains(#t)",
    "#t.startsWith(#t)",
    "#t.endsWith(#t)",
    "#t.matches('a+b')",
    "#l.exists(x, x > #n)",
    "#s.all(y, y == #t)",
    "#l.exists_one(z, z == #n)",
    "#d < #d",
    "has(o.t)",
    "has(any.x.y)",
    "#l == #l",
    "#a in #a",
    "#t in o",
    "o.exists(k, k == #t)",
    "(#b ? #b : #b)",
    "bool(#t)",
    "items.exists(i, i.p > #n && i.s == #t)",
    "any.all(e, e == #a)",
    "#a != null",
    "'vip' in tags",
];
const LISTS: &[&str] = &[
    "l",
    "[#n, #n]",
    "#l + #l",
    "#l.filter(f, f > #n)",
    "#l.map(g, g * #n)",
    "items.map(h, h.p)",
    "[]",
    "#s.map(u, u.size())",
];
const WORDS: &[&str] = &[
    "s",
    "[#t, #t]",
    "#s + #s",
    "#t.split(#t)",
    "#t.split(',', 3)",
    "#s.filter(v, v.size() > 1)",
    "#l.map(w, string(w))",
    "tags",
];
const TIMES: &[&str] = &[
    "now",
    "d",
    "timestamp('today')",
    "timestamp(#t)",
    "#d + duration('1h')",
    "#d - duration('P1D')",
    "event.occurred_at",
];
const ANY: &[&str] = &[
    "any",
    "o",
    "#n",
    "#t",
    "#l",
    "#s",
    "#b",
    "#d",
    "null",
    "any.x",
    "any[0]",
    "dyn(#t)",
    "{'k': #n}",
    "data",
];

/// An expression that `choices` pick from the templates; where they end, the first template is taken.
fn grow(kind: char, choices: &mut impl Iterator<Item = u16>, room: usize) -> String {
    let templates = match kind {
        'n' => NUMBERS,
        't' => TEXTS,
        'b' => TRUTHS,
        'l' => LISTS,
        's' => WORDS,
        'd' => TIMES,
        _ => ANY,
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
    if grown.contains(' ') { format!("({grown})") } else { grown }
}

fn expression() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<u16>(), 1..40).prop_map(|choices| grow('b', &mut choices.into_iter(), 5))
}

fn schema() -> Value {
    json!({"type": "object", "additionalProperties": true, "properties": {
        "n": {"type": ["number", "string"]}, "m": {"type": "number"}, "q": {"type": "boolean"},
        "t": {"type": "string", "maxLength": 12}, "d": {"type": "string", "format": "date-time"},
        "l": {"type": "array", "maxItems": 4, "items": {"type": ["number", "string"]}},
        "s": {"type": "array", "maxItems": 4, "items": {"type": "string", "maxLength": 6}},
        "o": {"type": "object", "additionalProperties": false, "properties": {
            "n": {"type": "number"}, "t": {"type": "string", "maxLength": 5},
            "deep": {"type": "object", "properties": {"m": {"type": "number"}}, "additionalProperties": false}}},
        "items": {"type": "array", "maxItems": 3, "items": {"type": "object", "additionalProperties": false, "properties": {
            "p": {"type": "number"}, "s": {"type": "string", "maxLength": 8}}}},
    }})
}

fn number() -> impl Strategy<Value = Value> {
    "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,12})?".prop_map(|text| crate::payload::read(&text).unwrap())
}

fn money() -> impl Strategy<Value = Value> {
    prop_oneof![number(), "-?[1-9][0-9]{0,12}\\.[0-9]{2}".prop_map(Value::from)]
}

fn text(most: usize) -> impl Strategy<Value = Value> {
    prop::string::string_regex(&format!("[ab,Ä ]{{0,{most}}}")).unwrap().prop_map(Value::from)
}

fn many(of: impl Strategy<Value = Value>, most: usize) -> impl Strategy<Value = Value> {
    prop::collection::vec(of, 0..=most).prop_map(Value::from)
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text(60)];
    leaf.prop_recursive(3, 40, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map("[xykt]|", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .prop_filter("it is within the bounds of what is unknown", |value| size(value) <= 4_096)
}

/// A payload within the bounds of the schema.
fn payload() -> impl Strategy<Value = Value> {
    let item = (number(), text(8)).prop_map(|(price, sku)| json!({"p": price, "s": sku}));
    let first = (money(), number(), any::<bool>(), text(12), many(money(), 4), many(text(6), 4));
    let rest = (number(), text(5), many(item, 3), anything(), anything(), many(text(30), 100));
    (first, rest).prop_map(|((n, m, q, t, l, s), (on, ot, items, any, open, tags))| {
        json!({"n": n, "m": m, "q": q, "t": t, "d": "2026-03-29T02:30:00", "l": l, "s": s,
            "o": {"n": on, "t": ot, "deep": {"m": 1}}, "items": items, "any": any, "open": open, "tags": tags})
    })
}

/// Any words of the language in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(
        &[
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ".",
            ",",
            ":",
            "?",
            "!",
            "-",
            "+",
            "*",
            "/",
            "%",
            "<",
            ">=",
            "==",
            "!=",
            "&&",
            "||",
            " in ",
            "a",
            "b",
            "data",
            "record",
            "now",
            "zone",
            "item",
            "1",
            "0",
            "2.5",
            "1e9",
            "0x1F",
            "'x'",
            "\"\\n\"",
            "r'\\'",
            "true",
            "null",
            ".all(",
            ".map(",
            ".size()",
            "has(",
            "timestamp('today')",
            "duration('1h')",
            "math.abs(",
            "ä",
            "'",
            "`q q`",
            "//",
            "\n",
        ][..],
    );
    prop::collection::vec(words, 0..30).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn costs_are_never_more_than_was_said(text in expression(), data in payload()) {
        let known = Vocabulary::new(&schema(), None);
        if let Ok(program) = Program::read(&text, &known, None) {
            let facts = Facts::new(&data, None, occasion(), moment());
            let mut meter = Meter::new(BUDGET);
            if program.evaluate(View::of(&facts), &mut meter).is_ok() {
                let spent = meter.spent_of(BUDGET);
                prop_assert!(spent <= program.cost(), "{text} on {data} cost {spent}, and {} was said", program.cost());
            } else {
                prop_assert!(program.cost() > BUDGET, "{text} cost {}", program.cost());
            }
        }
    }

    #[test]
    fn no_words_make_it_panic(text in soup(), data in payload()) {
        let _ = ask(&text, &Vocabulary::open(), &data, None);
        let _ = ask(&text, &Vocabulary::new(&schema(), None), &data, Some(&data));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = ask(&text, &Vocabulary::open(), &Value::Null, None);
    }
}

#[test]
fn expressions_are_asked_on_a_small_stack() {
    let nested = |open: &str, inner: &str, close: &str| {
        let count = (1..80).rev().find(|count| {
            let text = format!("{}{inner}{}", open.repeat(*count), close.repeat(*count));
            Program::read(&text, &Vocabulary::open(), None).is_ok()
        });
        let count = count.unwrap();
        assert!(count > 8, "{open}: {count}");
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    let texts = [
        nested("(true||false&&1<2+3*size([", "true", "]))"),
        nested("!(", "true", ")"),
        nested("[1].all(x,", "true", ")"),
        nested("[1].map(x,[2].exists(y,", "true", ")).exists(z,z)"),
        nested("(q?q:", "q", ")"),
    ];
    let run = move || {
        for text in &texts {
            let _ = ask(text, &Vocabulary::open(), &json!({"q": false}), None);
        }
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}
