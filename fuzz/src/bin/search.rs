//! `cargo run --release --no-default-features --bin search -- expressions 60`: the same targets on any Rust, by a search at random
//! that knows the words of the language and nothing of the code. What it finds it writes to `found-<target>`, and says so.

use signalbox_fuzz::{conditions, expressions, templates};
use std::{
    panic,
    time::{Duration, Instant},
};

const CONDITIONS: &[&str] = &[
    r#"[{"type": "equals", "field": "status", "value": "open"}]"#,
    r#"[{"type": "any", "conditions": [{"type": "between", "field": "value", "value": [1, 2]}, {"type": "changed", "field": "status"}]}]"#,
    r#"[{"type": "any_item", "field": "items", "conditions": [{"type": "greater_than", "field": "item.price", "value": 1}]}]"#,
    r#"[{"type": "before", "field": "closes", "value": "today+P7D"}, {"type": "matches", "field": "name", "value": "^a+b?"}]"#,
    r#"[{"type": "not", "condition": {"type": "in", "field": "tags[0]", "value": ["a", 1e400, null]}}]"#,
    r#"[{"type": "within_last", "field": "at", "value": "P1M"}, {"type": "in_network", "field": "ip", "value": "10.0.0.0/8"}]"#,
    r#"[{"type": "count", "field": "tags", "value": {"at_least": 1}}, {"type": "expression", "value": "value > 1"}]"#,
];

const EXPRESSIONS: &[&str] = &[
    "value > 10000 && record.status == 'open'",
    "items.exists(i, i.price * i.count > 2.50) || tags.all(t, t in ['a', 'b'])",
    "has(contact.email) ? contact.email.lowerAscii().endsWith('.c') : false",
    "timestamp(closes) - now < duration('72h') && now.getHours(zone) >= 9",
    "'a,b'.split(',').map(x, x + '!').join('-').size() == {'a': 5, 'b': 2}['a']",
    "math.round(decimal(money) / 3) % 2 == 0 && !(name.matches('^[A-Z]+$'))",
    "items.filter(i, i.price > 1).map(i, i.price).sum() >= long - -0x1F",
    "data == record && dyn(null) != [1, {'k': [2.5e3]}] && item.price > 1",
];

const TEMPLATES: &[&str] = &[
    "Deal {{ name|title }}: {{ value|money('EUR', 'de') }} {% if tags %}{{ tags|join(', ') }}{% endif %}",
    "{% for i in items %}{{ loop.index }} {{ i.price|number(2) }}{% else %}-{% endfor %}",
    "{{ closes|add('P3D')|date('%A %d. %B', 'cs') }} {{ at|datetime('long', zone='UTC') }}",
    "{{ {'a': [1, value]}|json }}{{ contact.email|default('x')|truncate(5)|replace('a', 'bb')|slug }}",
    "{#- no -#}{{- name|urlencode|upper -}}{% raw %}{{{% endraw %}",
    "{{ tags|sort(true)|unique|first if long is defined and not nothing else money|percent(1, 'fr') }}",
];

const WORDS: &[&str] = &[
    "(", ")", "[", "]", "{", "}", "\"", "'", ",", ".", ":", "|", " ", "\n", "\0", "\\", "%", "#", "-", "+", "*", "/", "~", "!", "?", "<", "==", "&&", "||",
    " in ", "0", "1", "-1", "1e400", "0.1", "99999999999999999999999999999", "null", "true", "value", "status", "items", "tags", "record.", "event.",
    "item", "now", "zone", "closes", "contact.email", "ä", "😀", "\u{202e}", "{{", "}}", "{% if ", "%}", "{% for x in ", ".all(x, ", ".map(y, ", "size(",
    "timestamp('", "duration('", ".matches('", ".replace(", ".substring(", "|money('JPY')", "|date('%", "|add('P", "|truncate(", "|json", "\"type\": ",
    "\"conditions\": [", "{\"type\": \"not\", \"condition\": ", "\"any_item\"", "\"value_field\": ", "\"ignore_case\": true", "P9999Y", "2026-03-29T02:30",
];

/// Numbers that look like chance (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).unwrap_or_default() % below.max(1)
    }
}

fn bent(chance: &mut Chance, seeds: &[&str]) -> Vec<u8> {
    let mut bytes = seeds.get(chance.next(seeds.len())).copied().unwrap_or_default().as_bytes().to_vec();
    for _ in 0..=chance.next(6) {
        let at = chance.next(bytes.len().saturating_add(1));
        let to = at.saturating_add(chance.next(20)).min(bytes.len());
        match chance.next(6) {
            0 => drop(bytes.drain(at..to)),
            1 => {
                let piece = bytes.get(at..to).unwrap_or_default().repeat(chance.next(30));
                bytes.splice(at..at, piece);
            }
            2 => {
                let other = seeds.get(chance.next(seeds.len())).copied().unwrap_or_default().as_bytes();
                let from = chance.next(other.len());
                bytes.splice(at..to, other.iter().skip(from).take(30).copied());
            }
            3 => {
                let byte = u8::try_from(chance.next(256)).unwrap_or_default();
                bytes.splice(at..at, [byte]);
            }
            _ => {
                let word = WORDS.get(chance.next(WORDS.len())).copied().unwrap_or_default();
                bytes.splice(at..if chance.next(2) == 0 { at } else { to }, word.bytes());
            }
        }
    }
    bytes.truncate(20_000);
    bytes
}

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let name = given.first().map_or("expressions", String::as_str);
    let seconds = given.get(1).and_then(|text| text.parse().ok()).unwrap_or(60);
    let seed = given.get(2).and_then(|text| text.parse().ok()).unwrap_or(1_u64);
    let (target, seeds): (fn(&[u8]), &[&str]) = match name {
        "conditions" => (conditions, CONDITIONS),
        "templates" => (templates, TEMPLATES),
        _ => (expressions, EXPRESSIONS),
    };
    let mut chance = Chance(seed.max(1));
    let (begun, mut count, mut slowest) = (Instant::now(), 0_u64, (Duration::ZERO, Vec::new()));
    while begun.elapsed() < Duration::from_secs(seconds) {
        let bytes = bent(&mut chance, seeds);
        let start = Instant::now();
        if panic::catch_unwind(|| target(&bytes)).is_err() {
            let _ = std::fs::write(format!("found-{name}"), &bytes);
            println!("after {count} inputs this does not hold: {:?}", String::from_utf8_lossy(&bytes));
            std::process::exit(1);
        }
        if start.elapsed() > slowest.0 {
            slowest = (start.elapsed(), bytes);
        }
        count = count.saturating_add(1);
    }
    println!(
        "{name}: {count} inputs, nothing found; the slowest took {:?}: {:?}",
        slowest.0,
        String::from_utf8_lossy(&slowest.1).chars().take(300).collect::<String>()
    );
}
