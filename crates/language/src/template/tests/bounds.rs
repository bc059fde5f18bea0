//! Can a template take more than it may? Not of time, not of room, and it never panics.

use super::*;
use proptest::prelude::*;

#[test]
fn rendering_is_bounded() {
    let many = json!({"l": vec![0; 3000], "t": "x".repeat(70_000), "big": "ab ".repeat(300_000)});
    let loops = render("{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}", &many);
    assert!(loops.unwrap_err().contains("fuel"));
    assert!(render("{{ t }}", &many).unwrap_err().contains("more than 65536 bytes"));
    assert!(render_as("https://example.com/{{ t }}", true, &many).is_err());
    for text in [
        "{% for a in l %}{% if big|upper == 'x' %}{% endif %}{% endfor %}",
        "{% for a in l %}{% if big|replace('a', 'bbbb') %}{% endif %}{% endfor %}",
        "{% if big|replace('a', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxx') %}{% endif %}",
        "{% if big|split(' ')|join('xxxxxxxxxxxxxxxxxxxxx') %}{% endif %}",
        "{% for a in l %}{% if big|length %}{% endif %}{% endfor %}",
        "{% for a in l %}{% if l|sort %}{% endif %}{% endfor %}",
        "{% for a in l %}{% if [big, big]|json %}{% endif %}{% endfor %}",
        "{% if [big, big, big, big, big, big]|upper %}{% endif %}",
    ] {
        let said = render(text, &many).unwrap_err();
        assert!(said.contains("has too much to do"), "{text}: {said}");
    }
}

/// Words of templates in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(
        &[
            "{{ ",
            " }}",
            "{% if ",
            "{% for x in ",
            "{% endif %}",
            "{% endfor %}",
            "{% else %}",
            " %}",
            "{#",
            "#}",
            "|money('EUR')",
            "|money(currency, 'de')",
            "|number(2)",
            "|percent(1, 'fr')",
            "|date('long', 'pl')",
            "|date('%d %B %c %+')",
            "|datetime(zone='UTC')",
            "|time",
            "|add('P1M')",
            "|add('-PT900H')",
            "|upper",
            "|title",
            "|truncate(3)",
            "|replace('a', 'bb')",
            "|slug",
            "|urlencode",
            "|json",
            "|default('-')",
            "|length",
            "|first",
            "|last",
            "|split(',')",
            "|join('-')",
            "|sort",
            "|unique",
            "|nothing",
            "value",
            "long",
            "huge",
            "tags",
            "items",
            "closes",
            "at",
            "name",
            "nothing",
            "x",
            "a.b",
            " and ",
            " == ",
            " ~ ",
            " * 9 ",
            "'~'",
            "\"}}\"",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "1",
            "-2.5",
            " is defined",
            "loop.index",
            "é",
            "%",
            "\\",
        ][..],
    );
    prop::collection::vec(words, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_words_make_it_panic(text in soup()) {
        if let Ok(rendered) = render(&text, &data()) {
            prop_assert!(rendered.len() <= LONGEST_OUTCOME.max(text.len()));
        }
        let _ = render(&format!("{{{{ {text} }}}}"), &data());
        let _ = render_as(&text, true, &data());
    }

    #[test]
    fn no_text_makes_it_panic(text in "[{}% a-z.|()\"'0-9~*#-]{0,40}") {
        let _ = render(&text, &data());
        let _ = render(&format!("{{{{ {text} }}}}"), &data());
    }

    #[test]
    fn no_value_makes_a_filter_panic(text in "\\PC{0,40}", number in "-?[0-9]{1,40}(\\.[0-9]{1,40})?(e-?[0-9]{1,5})?", filter in 0..FILTERS.len()) {
        let Ok(number) = crate::payload::read(&number) else { return Ok(()) };
        let data = json!({"text": text, "number": number, "list": [text, number], "map": {"a": number}});
        for name in ["text", "number", "list", "map", "now"] {
            let _ = render(&format!("{{{{ {name}|{} }}}}", FILTERS[filter]), &data);
        }
    }

    #[test]
    fn money_loses_nothing(whole in any::<i64>(), cents in 0..100_u32) {
        let value = crate::payload::read(&format!("{whole}.{cents:02}")).unwrap();
        let said = render("{{ v|money('USD') }}", &json!({"v": value})).unwrap();
        let digits: String = said.chars().filter(|letter| letter.is_ascii_digit() || *letter == '.').collect();
        prop_assert_eq!(digits, format!("{}.{cents:02}", whole.unsigned_abs()));
    }

    #[test]
    fn any_pattern_is_refused_or_printed(pattern in "[%a-zA-Z0-9.:#^_ -]{0,12}") {
        let text = format!("{{{{ now|date('{pattern}') }}}}");
        if let Err(said) = render(&text, &data()) {
            prop_assert!(said.starts_with("gives the filter date"), "{}", said);
        }
    }
}

const FILTERS: &[&str] = &[
    "money('EUR')",
    "money('JPY', 'ja')",
    "number(3, 'de')",
    "percent",
    "date('full', 'fi')",
    "datetime('%c %Z')",
    "time",
    "add('P1Y')",
    "upper",
    "lower",
    "capitalize",
    "title",
    "trim",
    "truncate(5)",
    "replace('a', 'b')",
    "slug",
    "urlencode",
    "json",
    "default('x')",
    "length",
    "first",
    "last",
    "split('a')",
    "split",
    "join('x')",
    "sort",
    "unique",
];
