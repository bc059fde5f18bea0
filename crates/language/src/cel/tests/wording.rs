//! What is said of an expression that cannot be asked, or that came to nothing?

use super::*;

#[test]
fn what_cannot_be_asked_is_refused_with_its_place() {
    for (text, wanted) in [
        ("value >", "a value is missing before the end (column 8)"),
        (
            "value > 1 &&\n  (stage",
            ") is missing behind what stands in brackets before the end (line 2, column 9)",
        ),
        (
            "contact.emial == 'a'",
            "contact.emial cannot be there by the schema of the trigger: is email meant? (column 1)",
        ),
        (
            "record.state == 'open'",
            "record.state cannot be there by the schema of the trigger: is status meant? (column 1)",
        ),
        ("event.nmae == 'a'", "event.nmae cannot be there by the schema of the trigger (column 1)"),
        ("item.price > 1", "names an item, but stands in no group over the items of a list (column 1)"),
        (
            "value",
            "it comes to a number, and must come to true or false: compare it with something (column 1)",
        ),
        (
            "stage > 3",
            "stage > 3 compares a text with a number, which have no order: decimal() makes a number of a text (column 1)",
        ),
        (
            "value == '12500'",
            "value == '12500' compares a number with a text, which are never the same: decimal() makes a number of a text (column 1)",
        ),
        (
            "closes == '2026-03-31'",
            "closes == '2026-03-31' compares a timestamp with a text, which are never the same: timestamp() makes a timestamp of a text (column 1)",
        ),
        (
            "stage + 1 == 'a'",
            "stage + 1 takes a text + a number, which do not go together: decimal() makes a number of a text (column 1)",
        ),
        ("stage && value > 1", "stage is a text, and must be true or false (column 1)"),
        ("1 in stage", "1 in stage looks for a number in a text, which cannot hold it (column 1)"),
        (
            "tags.all(t, t > 1)",
            "t > 1 compares a text with a number, which have no order: decimal() makes a number of a text (column 13)",
        ),
        ("tags.all(t)", "all() takes a name and what is asked of each: items.all(i, …) (column 1)"),
        ("tags.all(t.x, true)", "a name for the item is missing, and t.x is none (column 10)"),
        ("stage.all(s, true)", "stage is a text, and neither a list nor a map (column 1)"),
        ("stage.foo", "stage has no field foo: it is a text (column 1)"),
        ("stage[0] == 'w'", "stage is a text, and has no items (column 1)"),
        ("tags['a'] == 'w'", "'a' is a text, which is no place in a list (column 6)"),
        (
            "stage.matches(old_stage)",
            "a pattern is written out, so that it can be checked: text.matches(\"^A\") (column 15)",
        ),
        (
            "stage.matches('(a')",
            "'(a' is not a regular expression (look-around and back-references are not known): unclosed group (column 15)",
        ),
        (
            "timestamp('soon') < now",
            "what timestamp() takes must be a time such as \"2026-01-31T09:30:00Z\", a day such as \"2026-01-31\", or one relative to now: now, today, tomorrow, yesterday, start_of_week, start_of_month, start_of_quarter, start_of_year or the next monday to sunday, with an ISO 8601 span if need be, such as \"today+P7D\" or \"now-PT2H\" (column 1)",
        ),
        (
            "duration('1 day') > duration('1h')",
            "what duration() takes must be a span such as \"1h30m\" or \"P7D\": h, m, s and ms, or ISO 8601 without months and years (column 1)",
        ),
        (
            "now.getHours('Berlin') > 8",
            "\"Berlin\" is no time zone: name one as Europe/Berlin, or an offset as +02:00 (column 1)",
        ),
        ("size(value) > 1", "size() takes a text, a list or a map, and value is a number (column 6)"),
        ("contains(stage, 'a')", "contains() is called on a value: value.contains(…) (column 1)"),
        ("value.decimal() > 1", "decimal() is not called on a value: decimal(value) (column 1)"),
        ("stage.substring() == ''", "substring() takes 1 to 2 in its brackets, and here are 0 (column 1)"),
        ("has(value > 1)", "has() takes a path such as contact.email, and value > 1 is none (column 5)"),
        ("{'a': 1, 'a': 2}.a == 1", "the key 'a' stands in a map twice (column 10)"),
        ("{stage: 1}.won == 1", "a key of a map is written out: a text, a number, true or false (column 2)"),
        ("b'abc' == 'abc'", "bytes are not known here, only texts: leave out the b (column 1)"),
        (
            "12345678901234567890123456789012 > 1",
            "a number is too long to compute with: 28 digits at most (column 1)",
        ),
    ] {
        let said = Program::read(text, &vocabulary(), None).unwrap_err();
        assert_eq!(said, format!("is not an expression: {wanted}"), "{text}");
    }
    let said = Program::read("stage.contians('a')", &vocabulary(), None).unwrap_err();
    assert!(
        said.starts_with(
            "is not an expression: contians() is not known: contains() may be meant; known are size, contains"
        ),
        "{said}"
    );
    let said = Program::read(&"a".repeat(2_001), &vocabulary(), None).unwrap_err();
    assert_eq!(said, "must be an expression of at most 2000 characters");
    let without = Vocabulary::new(&json!({"type": "object"}), None);
    let said = Program::read("record.status == 'open'", &without, None).unwrap_err();
    assert_eq!(
        said,
        "is not an expression: names a record, but the events of this trigger are about none (column 1)"
    );
}

#[test]
fn names_that_may_be_there_are_warned_of() {
    for (text, wanted) in [
        ("country == 'DE'", "names country, which is not in the schema of the trigger"),
        ("stge == 'won'", "names stge, which is not in the schema of the trigger: is stage meant?"),
        (
            "type(value) == string",
            "names string, which is not in the schema of the trigger: string is a function, string(…)",
        ),
        (
            "type(value) == null_type",
            "names null_type, which is not in the schema of the trigger: type() comes to a text, such as \"string\"",
        ),
    ] {
        let program = Program::read(text, &vocabulary(), None).unwrap();
        assert_eq!(program.warnings(), [wanted], "{text}");
    }
    assert!(Program::read("value > 1", &vocabulary(), None).unwrap().warnings().is_empty());
}

#[test]
fn what_came_to_nothing_says_why() {
    check(&[
        ("missing > 1", "missing is not there"),
        ("items[5].price > 1", "items has no item 5"),
        ("items[0.5].price > 1", "items has no item 0.5"),
        ("data['no such'] == 1", "data['no such'] is not there"),
        ("missing", "missing is not there"),
        ("type", "it comes to \"invoice\" (a text), and not to true or false"),
        ("type.foo == 1", "type is \"invoice\", and has no field foo"),
        ("contact.phone > 'a'", "contact.phone > 'a' compares null (null) with \"a\" (a text)"),
        (
            "long + 1 > 0",
            "1234567890123456789012345678901234567890 has more digits than can be computed with, which are 28",
        ),
        (
            "79228162514264337593543950335 * 2 > 1",
            "79228162514264337593543950335 * 2 has more digits than can be computed with, which are 28",
        ),
        ("decimal(stage) > 1", "\"won\" is no decimal of at most 28 digits"),
        ("timestamp(stage) > now", "\"won\" is no time"),
        ("now + duration('99999999h') < now", "a timestamp is not within the years 1 to 9999"),
        ("stage.substring(9) == ''", "a text of 3 characters has no such place"),
        ("[].min() == 1", "a list without items has no least and no greatest"),
        ("now.getHours(stage) == 1", "\"won\" is no time zone"),
        ("tags.exists_one(t, missing)", "missing is not there"),
    ]);
    let open = Vocabulary::open();
    assert_eq!(ask("record.status == 'a'", &open, &deal(), None), "there is no record");
}
