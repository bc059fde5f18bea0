//! What expressions say, one line a case. CEL's own conformance tests (cel-spec, tests/simple) taught what to ask.

mod bounds;
mod oracle;
mod wording;

use super::*;
use crate::{
    Facts, Moment, Occasion, Vocabulary,
    cost::{BUDGET, Meter},
    path::View,
};
use proptest::test_runner::Config as ProptestConfig;
use serde_json::{Value, json};

/// How many cases a property is tried with, unless `PROPTEST_CASES` says.
fn cases(few: u32) -> ProptestConfig {
    match std::env::var("PROPTEST_CASES") {
        Ok(_) => ProptestConfig::default(),
        Err(_) => ProptestConfig::with_cases(few),
    }
}

fn moment() -> Moment {
    Moment { now: "2026-03-27T23:30:00Z".parse().unwrap(), zone: "Europe/Berlin".parse().unwrap() }
}

fn occasion() -> Occasion<'static> {
    Occasion {
        id: "evt_1",
        trigger: "deal_closed_won",
        source: "api",
        occurred: "2026-03-27T23:00:00Z".parse().unwrap(),
        depth: 2,
        ..Occasion::default()
    }
}

/// What an expression comes to for this data and record: `true`, `false`, or the fault in words.
fn ask(text: &str, vocabulary: &Vocabulary, data: &Value, record: Option<&Value>) -> String {
    let program = match Program::read(text, vocabulary, None) {
        Ok(program) => program,
        Err(refused) => return refused,
    };
    let facts = Facts::new(data, record, occasion(), moment());
    match program.evaluate(View::of(&facts), &mut Meter::new(BUDGET)) {
        Ok(Ok(truth)) => truth.to_string(),
        Ok(Err(fault)) => fault,
        Err(_) => "spent".to_owned(),
    }
}

fn deal() -> Value {
    crate::payload::read(
        r#"{
            "value": "12500.50", "stage": "won", "old_stage": "open", "closes": "2026-03-31", "tags": ["vip", "eu"],
            "contact": {"email": "Ada@Example.com", "phone": null, "age": 36},
            "items": [{"sku": "A-1", "price": 19.99, "count": 3}, {"sku": "B-2", "price": 0.10, "count": 100}],
            "long": 1234567890123456789012345678901234567890, "huge": 1e400, "money": "99.90", "type": "invoice"
        }"#,
    )
    .unwrap()
}

/// The schema of a trigger whose data is such a deal.
fn vocabulary() -> Vocabulary {
    let schema = json!({
        "type": "object",
        "properties": {
            "value": {"type": ["number", "string"]},
            "stage": {"type": "string", "maxLength": 20},
            "old_stage": {"type": "string", "maxLength": 20},
            "closes": {"type": "string", "format": "date"},
            "tags": {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 30}},
            "contact": {"type": "object", "additionalProperties": false, "properties": {
                "email": {"type": "string", "maxLength": 100}, "phone": {"type": ["string", "null"]}, "age": {"type": "integer"}}},
            "items": {"type": "array", "maxItems": 50, "items": {"type": "object", "properties": {
                "sku": {"type": "string", "maxLength": 20}, "price": {"type": "number"}, "count": {"type": "integer"}}}},
            "amounts": {"type": "array", "maxItems": 5, "items": {"type": ["number", "string"]}},
        },
    });
    let record = json!({"type": "object", "additionalProperties": false, "properties": {
        "status": {"enum": ["open", "won", "lost"]}, "limit": {"type": "number"}}});
    Vocabulary::new(&schema, Some(&record))
}

/// Each expression comes to what stands behind it, whether the schema is known or not.
fn check(cases: &[(&str, &str)]) {
    let record = json!({"status": "open", "limit": 10000});
    for (text, wanted) in cases {
        let said = ask(text, &vocabulary(), &deal(), Some(&record));
        assert_eq!(said, *wanted, "{text}");
    }
}

/// Each expression is true, without any schema.
fn holds(texts: &[&str]) {
    for text in texts {
        assert_eq!(ask(text, &Vocabulary::open(), &deal(), None), "true", "{text}");
    }
}

#[test]
fn names_lead_into_the_event() {
    check(&[
        ("value > 10000 && record.status == 'open'", "true"),
        ("data.value > 10000", "true"),
        ("data['value'] > record.limit", "true"),
        ("contact.email.endsWith('@Example.com')", "true"),
        ("items[1].sku == 'B-2'", "true"),
        ("event.trigger_id == 'deal_closed_won' && event.depth == 2", "true"),
        ("event.occurred_at < now", "true"),
        ("now.getHours() == 23 && now.getHours(zone) == 0", "true"),
        ("zone == 'Europe/Berlin'", "true"),
        ("stage != old_stage", "true"),
        ("'vip' in tags && !('x' in tags)", "true"),
        ("'email' in contact", "true"),
        ("type == 'invoice'", "true"),
    ]);
}

#[test]
fn numbers_are_exact() {
    holds(&[
        "0.1 + 0.2 == 0.3",
        "1 == 1.0 && 1u == 1",
        "7 / 2 == 3.5 && -7 % 3 == -1 && 7.5 % 2 == 1.5",
        "9007199254740993 > 9007199254740992.9",
        "huge > long && long > 5 && huge == huge",
        "items.map(i, i.price * i.count).sum() == 69.97",
        "1.50 == 1.5 && string(1.50) == '1.5' && string(-0.0) == '0'",
        "0xFF == 255 && 1e3 == 1000 && .5 == 0.5",
        "math.round(2.5) == 3 && math.round(-2.5) == -3 && math.ceil(1.2) == 2 && math.floor(-1.2) == -2",
        "math.abs(-1.5) == 1.5 && math.trunc(-1.9) == -1 && math.sign(-3) == -1 && math.sign(0) == 0",
        "math.greatest(1, 3.5, 2) == 3.5 && math.least([4, 2, 8]) == 2",
        "[3, 1, 2].min() == 1 && ['b', 'a'].max() == 'b' && [1, 2.5].sum() == 3.5 && [].sum() == 0",
        "int(3.99) == 3 && int(-3.99) == -3 && int('42') == 42 && decimal('99.90') == 99.9 && double('1e2') == 100",
        "-(-3) == 3 && - 3 == -3 && 5 - -2 == 7",
    ]);
}

#[test]
fn money_in_a_text_is_a_number_where_the_schema_says_number() {
    // `value` may be a number or a text by the schema; of `money` nothing is known.
    check(&[
        ("value == 12500.5", "true"),
        ("value + 1 == 12501.5", "true"),
        ("value in [12500.50]", "true"),
        ("decimal(money) > 99", "true"),
        ("money == 99.9", "false"),
        (
            "money > 99",
            "money > 99 compares \"99.90\" (a text) with 99 (a number): decimal() makes a number of a text",
        ),
        ("closes < timestamp('today+P7D')", "true"),
        ("closes > now && closes.getDate(zone) == 31", "true"),
    ]);
    let data = json!({"amounts": ["1.5", 2, "x"]});
    for (text, wanted) in [
        ("amounts[0] + amounts[1] == 3.5", "true"),
        ("2 in amounts && 1.5 in amounts", "true"),
        ("amounts.exists(a, a > 1.9)", "true"),
        ("amounts.sum() > 0", "sum() adds numbers, and \"x\" is none"),
    ] {
        assert_eq!(ask(text, &vocabulary(), &data, None), wanted, "{text}");
    }
}

#[test]
fn truths_absorb_faults() {
    check(&[
        ("false && contact.age / 0 == 1", "false"),
        ("contact.age / 0 == 1 && false", "false"),
        ("contact.age / 0 == 1 || true", "true"),
        ("true || contact.age / 0 == 1", "true"),
        ("contact.age / 0 == 1 || false", "36 / 0 divides by zero"),
        ("true && missing == 1", "missing is not there"),
        ("has(missing) && missing == 1", "false"),
        (
            "has(contact.email) && !has(contact.fax.number)",
            "is not an expression: contact.fax cannot be there by the schema of the trigger (column 28)",
        ),
        ("stage == 'won' ? value > 1 : missing", "true"),
        ("!(stage == 'won')", "false"),
        ("contact.phone == null", "true"),
        ("contact.phone.size() > 0", "size() takes a text, a list or a map, and null is none"),
    ]);
    holds(&[
        "has(contact.phone) && !has(contact.fax) && !has(a.b.c) && !has(value.x) && has(items[1]) && !has(items[2].sku)",
        "[1, 2, 3].all(i, i > 0) && ![1, 2].all(i, i > 1) && [].all(i, false)",
        "[1, 2].exists(i, i / (i - 1) == 2) && [0, 1].exists(i, 1 / i == 1) && ![].exists(i, true)",
        "[1, 2, 2].exists_one(i, i == 1) && ![1, 2, 2].exists_one(i, i == 2)",
        "[1, 2, 3].filter(i, i % 2 == 1) == [1, 3] && [1, 2].map(i, i * i) == [1, 4]",
        "[1, 2, 3].map(i, i > 1, i * 10) == [20, 30]",
        "items.exists(i, i.sku.startsWith('A') && items.exists(j, j.price < i.price))",
        "{'a': 1, 'b': 2}.all(k, k < 'c') && {'a': 1}['a'] == 1 && {'a': 1}.a == 1 && size({'a': 1}) == 1",
        "{'gold': 10, 'silver': 5}[stage == 'won' ? 'gold' : 'silver'] == 10",
        "contact.exists(k, k == 'email')",
        "[1, 'a', null] == [1, 'a', null] && [[1], {'a': [2]}] == [[1.0], {'a': [2]}]",
        "1 in [1.0] && 'a' in {'a': 1} && !(dyn(1) in {'a': 1}) && !(1 in [])",
        "dyn(1) != 'a' && null == null && !(dyn('1') == 1) && dyn(null) != 0",
        "[1] + [2, 'x'] == [1, 2, 'x'] && 'a' + 'b' == 'ab'",
        "true != false && false < true && 'a' < 'b' && 'Z' < 'a'",
        "type(1) == 'number' && type('a') == 'string' && type(now) == 'timestamp' && type([]) == 'list'",
    ]);
}

#[test]
fn texts_are_looked_into() {
    holds(&[
        "'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')",
        "'Ünï'.size() == 3 && size('') == 0",
        "'a1b2'.matches('[0-9]') && !'ab'.matches('^b') && matches('x', 'x|y')",
        "' x '.trim() == 'x' && 'AbÄ'.lowerAscii() == 'abÄ' && 'äb'.upperAscii() == 'äB'",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'ab'.split('') == ['a', 'b']",
        "['a', 'b'].join('-') == 'a-b' && [].join() == '' && ['x'].join() == 'x'",
        "'aaa'.replace('a', 'b') == 'bbb' && 'aaa'.replace('a', 'b', 2) == 'bba' && 'ab'.replace('', '-') == '-a-b-'",
        "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && 'tacocat'.charAt(3) == 'o'",
        "'tacocat'.indexOf('c') == 2 && 'tacocat'.indexOf('c', 3) == 4 && 'tacocat'.indexOf('x') == -1",
        "'tacocat'.lastIndexOf('c') == 4 && 'tacocat'.lastIndexOf('c', 3) == 2",
        "contact.email.lowerAscii() == 'ada@example.com'",
        "bool('true') && !bool('false') && string(true) == 'true' && string(now) == '2026-03-27T23:30:00Z'",
        "r'\\d' == '\\\\d' && '''it's''' == \"it's\"",
    ]);
}

#[test]
fn times_are_those_of_cel_and_of_the_tenant() {
    holds(&[
        "timestamp('2026-03-27T23:00:00Z') + duration('30m') == now",
        "now - timestamp('2026-03-27T23:00:00Z') == duration('30m') && duration('1h') > duration('PT30M')",
        // A day is the tenant's, and so is what is said as conditions say it.
        "timestamp('2026-03-28') == timestamp('2026-03-27T23:00:00Z') && timestamp('today') == timestamp('2026-03-28')",
        "timestamp(closes) < timestamp('today+P7D')",
        "now.getFullYear() == 2026 && now.getMonth() == 2 && now.getDate() == 27 && now.getDayOfMonth() == 26",
        "now.getDayOfWeek() == 5 && now.getDayOfWeek(zone) == 6 && now.getDayOfYear() == 85",
        "now.getHours('+05:30') == 5 && now.getMinutes('+05:30') == 0 && now.getSeconds() == 0",
        "duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90 && duration('1.5s').getMilliseconds() == 500",
        "int(timestamp('1970-01-02T00:00:00Z')) == 86400 && timestamp(86400) == timestamp('1970-01-02T00:00:00Z')",
        "string(duration('90.5s')) == '90.5s' && duration('-1h') < duration('0')",
    ]);
}
