//! What do templates come to, and which are refused?

mod bounds;

use super::*;
use crate::{Facts, Moment, Occasion};
use serde_json::{Value, json};

fn moment() -> Moment {
    Moment { now: "2026-03-27T23:30:00Z".parse().unwrap(), zone: "Europe/Berlin".parse().unwrap() }
}

/// What a text comes to with this data, or why it is refused or not rendered.
fn render_as(text: &str, address: bool, data: &Value) -> Result<Rendered, String> {
    let mut templates = Templates::new();
    match templates.add(text, address, &Vocabulary::open())? {
        None => Ok(Rendered { text: text.to_owned(), missing: Vec::new() }),
        Some(added) => {
            let facts = Facts::new(data, None, Occasion::default(), moment());
            templates.render(added.id, &Context::new(&facts))
        }
    }
}

fn render(text: &str, data: &Value) -> Result<String, String> {
    render_as(text, false, data).map(|rendered| rendered.text)
}

fn data() -> Value {
    crate::payload::read(
        r#"{
            "value": 12500.50, "text": "12500.5", "long": 12345678901234567890.123456, "huge": 1e400, "small": -0.004, "share": 0.125,
            "name": "größe & söhne o'neil", "closes": "2026-01-31", "at": "2026-01-31T22:05:00Z", "seconds": 1769897100,
            "tags": ["vip", "eu", "VIP"], "amounts": [2.50, 10, 1.5], "nothing": null, "empty": "", "currency": "usd", "lang": "de-AT",
            "items": [{"sku": "A-1", "price": 19.90}, {"sku": "B-2", "price": 0.10}], "a": {"b": ["x", "y"]}, "n": -5, "t": "~+*"
        }"#,
    )
    .unwrap()
}

fn check(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        assert_eq!(render(text, &data()).as_deref(), Ok(*wanted), "{text}");
    }
}

#[test]
fn all_of_the_data_is_seen_where_conditions_look_at_some() {
    let text = r#"{"value": 12500.50, "name": "Big deal"}"#;
    let some = json!({"value": 1});
    let facts = Facts::new(&some, None, Occasion::default(), moment()).with_text(text);
    let mut templates = Templates::new();
    let mut rendered = |template: &str| {
        let added = templates.add(template, false, &Vocabulary::open()).unwrap().unwrap();
        templates.render(added.id, &Context::new(&facts)).unwrap()
    };
    assert_eq!(rendered("{{name}}: {{value}} {{data.name}}").text, "Big deal: 12500.50 Big deal");
    let missing = rendered("{{name}} {{other}}").missing;
    assert_eq!(missing, ["other"]);
}

#[test]
fn what_places_and_chooses_is_taken() {
    check(&[
        ("no template {at} all", "no template {at} all"),
        ("${{ a.b[1] }}", "$y"),
        ("{#- a + b -#}{{- t -}}", "~+*"),
        ("{{ t|default('a - b ~ c') }}", "~+*"),
        ("{% if n < -4 and n != -6 %}low{% endif %}", "low"),
        ("{%- for x in a.b if x != 'x' -%}{{ loop.index }}{{ x }}{%- endfor -%}", "1y"),
        ("{% for x in a.b %}{{ loop.cycle('-', '+') }}{{ x }}{% else %}none{% endfor %}", "-x+y"),
        ("{{ nothing.at.all }}", ""),
        ("{{ 'yes' if value is defined and other is not defined else 'no' }}", "yes"),
        ("{{ {'a': {'b': 1}}.a.b }}", "1"),
        ("{{ value }} {{ long }} {{ huge }}", "12500.50 12345678901234567890.123456 1e400"),
        ("{% raw %}{{ not }}{% endraw %}", "{{ not }}"),
    ]);
}

#[test]
fn what_computes_includes_defines_or_calls_is_refused() {
    for (text, wanted) in [
        ("{{ a ~ b }}", "uses ~; a template places values and does not compute"),
        ("{{ value * 2 }}", "uses *; a template places values and does not compute"),
        ("{{ value + 1 }}", "uses +; a template places values and does not compute"),
        ("{{ value - 1 }}", "uses -; a template places values and does not compute"),
        ("{{ -value }}", "uses -; a template places values and does not compute"),
        ("{{ value / 2 }}", "uses /; a template places values and does not compute"),
        ("{{ value % 2 }}", "uses %; a template places values and does not compute"),
        ("{{ value ** 2 }}", "uses **; a template places values and does not compute"),
        (
            "{{ {'a': {'b': 1}} and 'x' * 1000000000 }}",
            "uses *; a template places values and does not compute",
        ),
        ("{% if (a|upper) ~ b %}{% endif %}", "uses ~; a template places values and does not compute"),
        ("{{ a|default(b * 2) }}", "uses *; a template places values and does not compute"),
        ("{{ a[value * 2] }}", "uses *; a template places values and does not compute"),
        ("{% set x = 1 %}", "uses {% set %}; a template knows if, elif, else, endif, for, endfor"),
        (
            "{% with a = b %}{% endwith %}",
            "uses {% with %}; a template knows if, elif, else, endif, for, endfor",
        ),
        (
            "{% filter upper %}{% endfilter %}",
            "uses {% filter %}; a template knows if, elif, else, endif, for, endfor",
        ),
        (
            "{% autoescape true %}{% endautoescape %}",
            "uses {% autoescape %}; a template knows if, elif, else, endif, for, endfor",
        ),
        (
            "{% for x in a recursive %}{% endfor %}",
            "uses a recursive loop; a template repeats only what stands in a list",
        ),
        ("{{ range(9) }}", "calls a function; a template has filters, such as {{ name|upper }}"),
        ("{{ name.upper() }}", "calls a function; a template has filters, such as {{ name|upper }}"),
        (
            "{{ value is divisibleby(3) }}",
            "asks for \"is divisibleby\"; a template knows is defined, is undefined, is none",
        ),
        ("{{ name|join(*tags) }}", "gives join a list of values by *; name them one by one"),
    ] {
        assert_eq!(render(text, &data()), Err(wanted.to_owned()), "{text}");
    }
    for text in [
        "{% include 'x' %}",
        "{% macro x() %}{% endmacro %}",
        "{{",
        "{% if a %}",
        "{{ a b }}",
        "{% nothing %}",
    ] {
        let said = render(text, &data()).unwrap_err();
        assert!(said.starts_with("is not a template: "), "{text}: {said}");
    }
}

#[test]
fn filters_are_checked_when_the_rule_is_saved() {
    let said = render("{{ value|monye('EUR') }}", &data()).unwrap_err();
    assert!(
        said.starts_with(
            "uses the filter monye, which is not known; known are money, number, percent, date,"
        ),
        "{said}"
    );
    for (text, wanted) in [
        (
            "{{ value|money }}",
            "money what it cannot take: it is given no currency; it takes currency, locale",
        ),
        (
            "{{ value|money('EURO') }}",
            "money what it cannot take: it does not know the currency \"EURO\": write its code in ISO 4217, such as \"EUR\"",
        ),
        (
            "{{ value|money('EUR', 'tlh') }}",
            "money what it cannot take: it does not know the locale \"tlh\"; it knows en, en-GB, de, de-CH, fr, es, it, nl, pt, pt-PT, pl, sv, da, fi, cs, ja",
        ),
        (
            "{{ value|money('EUR', langage='de') }}",
            "money what it cannot take: it does not take langage; it takes currency, locale",
        ),
        (
            "{{ value|money('EUR', 'de', 'x') }}",
            "money what it cannot take: it is given too much; it takes currency, locale",
        ),
        ("{{ value|money('EUR', currency='USD') }}", "money what it cannot take: it is given the same twice"),
        (
            "{{ value|number(29) }}",
            "number what it cannot take: it takes a whole number from 0 to 28 as digits",
        ),
        (
            "{{ value|number('2') }}",
            "number what it cannot take: it takes a whole number from 0 to 28 as digits",
        ),
        (
            "{{ at|date('%Q') }}",
            "date what it cannot take: it takes a pattern of strftime, and \"%Q\" is none: write %% for a % alone",
        ),
        (
            "{{ at|date('%#z') }}",
            "date what it cannot take: it takes a pattern of strftime, and \"%#z\" is none: write %% for a % alone",
        ),
        (
            "{{ at|date('dd.mm.yyyy') }}",
            "date what it cannot take: it takes a style (short, medium, long, full, iso) or a pattern such as \"%d.%m.%Y\" of at most 100 characters",
        ),
        (
            "{{ at|date(zone='Berlin') }}",
            "date what it cannot take: it takes the name of a time zone, such as \"Europe/Berlin\", and \"Berlin\" is none",
        ),
        (
            "{{ at|add('3 days') }}",
            "add what it cannot take: it takes a span of ISO 8601, such as \"P3D\" or \"-PT2H\"",
        ),
        ("{{ name|upper(1) }}", "upper what it cannot take: it is given too much; it takes nothing"),
        (
            "{{ name|truncate(100001) }}",
            "truncate what it cannot take: it takes a whole number from 0 to 100000 as length",
        ),
        (
            "{% for x in tags|sort(revers=true) %}{% endfor %}",
            "sort what it cannot take: it does not take revers; it takes reverse",
        ),
    ] {
        let said = render(text, &data()).map_err(|said| said.replace("gives the filter ", ""));
        assert_eq!(said, Err(wanted.to_owned()), "{text}");
    }
}

#[test]
fn money_is_exact_and_written_as_the_locale_has_it() {
    // As ICU 78 with CLDR 48 writes them.
    check(&[
        ("{{ value|money('EUR', 'de') }}", "12.500,50\u{a0}€"),
        ("{{ text|money('eur', 'de') }}", "12.500,50\u{a0}€"),
        ("{{ value|money('EUR') }}", "€12,500.50"),
        ("{{ value|money('CHF', 'en') }}", "CHF\u{a0}12,500.50"),
        ("{{ value|money('CHF', 'de-CH') }}", "CHF\u{a0}12'500.50"),
        ("{{ -12500|money('CHF', 'de-CH') }}", "CHF-12'500.00"),
        ("{{ -5|money('EUR', 'nl') }}", "€\u{a0}-5,00"),
        ("{{ -5|money('EUR', 'sv') }}", "−5,00\u{a0}€"),
        ("{{ 1234|money('EUR', 'es') }}", "1234,00\u{a0}€"),
        ("{{ 12345|money('EUR', 'fr') }}", "12\u{202f}345,00\u{a0}€"),
        ("{{ value|money('USD', 'en-GB') }}", "US$12,500.50"),
        ("{{ value|money('BRL', 'pt-BR') }}", "R$\u{a0}12.500,50"),
        ("{{ value|money(currency, lang) }}", "12.500,50\u{a0}$"),
    ]);
    check(&[
        // A half goes away from zero, in the digits of the currency.
        ("{{ 2.5|money('JPY', 'ja') }}", "￥3"),
        ("{{ -2.5|money('JPY', 'en') }}", "-¥3"),
        ("{{ 1.0005|money('KWD', 'en') }}", "KWD\u{a0}1.001"),
        ("{{ 0.125|money('EUR', 'en') }}", "€0.13"),
        ("{{ small|money('EUR', 'en') }}", "€0.00"),
        ("{{ long|money('EUR', 'de') }}", "12.345.678.901.234.567.890,12\u{a0}€"),
        ("{{ value|number }}", "12,500.5"),
        ("{{ value|number(2, 'de') }}", "12.500,50"),
        ("{{ value|number(locale='pl') }}", "12\u{a0}500,5"),
        ("{{ value|number(0) }}", "12,501"),
        ("{{ share|percent }}", "12.5%"),
        ("{{ share|percent(0, 'de') }}", "13\u{a0}%"),
        ("{{ nothing|money('EUR') }}{{ missing|money('EUR') }}", ""),
        ("{{ missing|default(0)|money('EUR') }}", "€0.00"),
        ("{% for item in items %}{{ item.price|money('EUR') }} {% endfor %}", "€19.90 €0.10 "),
    ]);
    for (text, wanted) in [
        ("{{ name|money('EUR') }}", "money takes a number, and \"größe & söhne o'neil\" is none"),
        ("{{ huge|money('EUR') }}", "money takes a number of at most 28 digits"),
        ("{{ tags|number }}", "number takes a number, and this is sequence"),
        ("{{ value|money(name) }}", "money takes a currency, and \"größe & söhne o'neil\" is none"),
    ] {
        let said = render(text, &data()).unwrap_err();
        assert_eq!(said, format!("could not be rendered: invalid operation: {wanted}"), "{text}");
    }
    // A currency and a locale that only the data names need not be known.
    check(&[
        ("{{ value|money('' or 'xts', lang) }}", "12.500,50\u{a0}XTS"),
        ("{{ value|number(2, t) }}", "12,500.50"),
    ]);
}

#[test]
fn times_are_written_in_the_tenants_zone() {
    check(&[
        ("{{ at|date }} {{ at|time }} {{ at|datetime }}", "2026-01-31 23:05 2026-01-31 23:05"),
        ("{{ at|datetime('iso') }}", "2026-01-31T23:05:00+01:00"),
        ("{{ at|date('long', 'de') }}", "31. Januar 2026"),
        ("{{ at|date(locale='de') }}", "31.01.2026"),
        ("{{ at|date('full', 'ja') }}", "2026年1月31日土曜日"),
        ("{{ at|datetime('long', 'en') }}", "January 31, 2026 at 11:05 PM"),
        ("{{ at|datetime('medium', 'fi') }}", "31.1.2026 klo 23.05"),
        ("{{ at|time('short', 'da') }}", "23.05"),
        ("{{ at|date('%A, %-d. %B', 'cs') }}", "sobota, 31. ledna"),
        ("{{ at|date('%B %Y', 'cs') }}", "leden 2026"),
        ("{{ at|date('%d.%m.%y %H:%M %Z %z') }}", "31.01.26 23:05 CET +0100"),
        ("{{ at|datetime('%c') }}", "Sat Jan 31 23:05:00 2026"),
        ("{{ at|time(zone='America/New_York') }}", "17:05"),
        ("{{ seconds|datetime('iso', zone='UTC') }}", "2026-01-31T22:05:00+00:00"),
        // A day is that day in every zone.
        ("{{ closes|date('long', 'fr') }}", "31 janvier 2026"),
        ("{{ closes|date(zone='America/New_York') }}", "2026-01-31"),
        (
            "{{ closes|add('P1M') }} {{ closes|add('-P1D') }} {{ closes|add('PT1H') }}",
            "2026-02-28 2026-01-30 2026-01-31T01:00:00+01:00",
        ),
        ("{{ now|add('P2D')|datetime }}", "2026-03-30 00:30"),
        ("{{ nothing|date }}{{ missing|add('P1D')|date }}", ""),
    ]);
    let said = render("{{ name|date }}", &data()).unwrap_err();
    assert_eq!(
        said,
        "could not be rendered: invalid operation: date takes a time such as \"2026-01-31T09:30:00Z\" or a day such as \
         \"2026-01-31\", and \"größe & söhne o'neil\" is neither"
    );
    assert!(render("{{ '%!'|date(t) }}", &data()).is_err());
}

#[test]
fn texts_and_lists_are_shaped() {
    check(&[
        ("{{ name|upper }} {{ name|capitalize }}", "GRÖSSE & SÖHNE O'NEIL Größe & söhne o'neil"),
        ("{{ name|title }}", "Größe & Söhne O'neil"),
        ("{{ name|slug }}", "grosse-sohne-oneil"),
        (
            "{{ name|truncate(10) }}|{{ name|truncate(10, true) }}|{{ 'abc'|truncate(3) }}|{{ 'abcd'|truncate(3) }}",
            "größe &…|größe & s…|abc|ab…",
        ),
        (
            "{{ 'abcd'|truncate(3, end='...') }}{{ 'abcd'|truncate(2, end='...') }}{{ 'abcd'|truncate(0) }}",
            ".....",
        ),
        ("{{ name|replace('&', 'und') }}", "größe und söhne o'neil"),
        ("{{ '  x '|trim }}{{ 'a,b'|split(',')|last }}{{ ' a  b '|split|length }}", "xb2"),
        ("{{ tags|join(', ') }} {{ items|join('+', attribute='sku') }}", "vip, eu, VIP A-1+B-2"),
        (
            "{{ tags|unique|join(' ') }} {{ tags|sort|join(' ') }} {{ tags|sort(true)|first }}",
            "vip eu eu vip VIP VIP",
        ),
        ("{{ amounts|sort|join(' ') }}", "1.5 2.50 10"),
        (
            "{{ amounts|first }} {{ amounts|last }} {{ 'äb'|first }} {{ tags|length }} {{ 'äb'|length }}",
            "2.50 1.5 ä 3 2",
        ),
        (
            "{{ missing|default('-') }}{{ nothing|default('-') }}{{ empty|default('-') }}{{ empty|default('-', true) }}",
            "---",
        ),
        ("{{ items|json }}", "[{\"price\":19.90,\"sku\":\"A-1\"},{\"price\":0.10,\"sku\":\"B-2\"}]"),
        (
            "{{ nothing|json }}{{ missing|tojson }}{{ huge|json }}{{ {'a\"': [true, 'ö']}|json }}",
            "nullnull1e400{\"a\\\"\":[true,\"ö\"]}",
        ),
        ("{{ name|urlencode }}", "gr%C3%B6%C3%9Fe%20%26%20s%C3%B6hne%20o%27neil"),
        ("{{ value|truncate(5) }} {{ value|replace('.', ',') }}", "1250… 12500,50"),
        ("{{ []|first }}{{ []|join }}{{ []|length }}", "0"),
    ]);
    let said = render("{{ tags|replace('', 'x') }}", &data()).unwrap_err();
    assert!(said.ends_with("replace takes a text of at least one character to replace"), "{said}");
}

#[test]
fn what_is_not_there_is_noted_also_behind_a_filter() {
    for (text, missing) in [
        ("{{ opportunity_name|upper }}", &["opportunity_name"][..]),
        ("{{ a.c.d|money('EUR') }} {{ value }}", &["a.c.d"]),
        ("{{ opportunity_name|default('x') }}", &[]),
        ("{{ nothing|date }}", &[]),
    ] {
        assert_eq!(render_as(text, false, &data()).unwrap().missing, missing, "{text}");
    }
}

#[test]
fn addresses_are_encoded_once() {
    for (text, wanted) in [
        (
            "https://example.com/{{ name|upper }}",
            "https://example.com/GR%C3%96SSE%20%26%20S%C3%96HNE%20O%27NEIL",
        ),
        (
            "https://example.com/{{ tags[0]|urlencode }}/{{ 'a b'|urlencode }}",
            "https://example.com/vip/a%20b",
        ),
        ("https://example.com/{{ 'a b'|urlencode|upper }}", "https://example.com/A%2520B"),
        ("https://example.com/{{ value }}", "https://example.com/12500.50"),
    ] {
        assert_eq!(render_as(text, true, &data()).unwrap().text, wanted, "{text}");
    }
}
