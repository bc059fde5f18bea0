//! What does a text say once the data is known? `{{opportunity_name}}` and its kin, through MiniJinja.
//!
//! A template places values, chooses (`if`) and repeats (`for`); it does not compute, include or define: what could make
//! a short text grow without bound, or round an amount, is refused when the rule is saved. Rendering has fuel, and its
//! output a limit. Numbers keep the text that they were sent in.

use crate::{
    Facts, Known, Vocabulary,
    number::Decimal,
    path::{FieldPath, View},
};
use minijinja::{
    AutoEscape, Environment, Error, State, UndefinedBehavior, Value as Slot,
    value::{Object, ObjectRepr},
};
use serde_json::{Number, Value};
use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    io,
    sync::{Arc, OnceLock},
};

/// The longest template, in characters.
const LONGEST: usize = 20_000;
/// How many instructions a rendering may take.
const FUEL: u64 = 5_000;
/// The longest outcome, in bytes.
const LONGEST_OUTCOME: usize = 64 * 1024;
/// Significant digits up to which a double tells every decimal from its neighbours.
const EXACT_DIGITS: usize = 15;
/// Where the formatter finds the texts of the numbers: a name that no template can write.
const TEXTS: &str = "\u{0}texts";
/// Where the formatter notes that it printed nothing for something undefined.
const UNDEFINED: &str = "undefined";
/// How the names of templates begin that make addresses: what they place is percent-encoded.
const ADDRESS: &str = "address";
/// The statements that a template may use.
const STATEMENTS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor"];

/// A rule's templates, compiled.
#[derive(Clone)]
pub struct Templates {
    environment: Environment<'static>,
    /// For each template, what it names.
    names: Vec<Vec<String>>,
}

/// One of the templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateId {
    number: usize,
    address: bool,
}

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Which it is.
    pub id: TemplateId,
    /// Names in it that the schema does not know and lets be there, as ends of sentences that begin with the parameter.
    pub warnings: Vec<String>,
    /// Whether it names the results of earlier actions.
    pub wants_results: bool,
    /// Whether it names the record that the event is about.
    pub wants_record: bool,
}

impl TemplateId {
    fn name(self) -> String {
        let kind = if self.address { ADDRESS } else { "text" };
        format!("{kind} {}", self.number)
    }
}

/// What a template came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// What it names and is not there; it stands empty in the text.
    pub missing: Vec<String>,
}

/// The facts, as templates see them: the data's fields by their names, and `data`, `record`, `event`, `now` and `results`.
pub struct Context<'a> {
    facts: &'a Facts<'a>,
    results: Option<&'a Value>,
    root: Slot,
}

fn environment() -> Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT
        .get_or_init(|| {
            use minijinja::{filters, tests};
            let mut environment = Environment::empty();
            environment.set_undefined_behavior(UndefinedBehavior::Chainable);
            environment.set_fuel(Some(FUEL));
            environment.set_recursion_limit(32);
            environment.set_formatter(print);
            environment.set_auto_escape_callback(|name| {
                if name.starts_with(ADDRESS) { AutoEscape::Custom(ADDRESS.into()) } else { AutoEscape::None }
            });
            environment.add_filter("upper", filters::upper);
            environment.add_filter("lower", filters::lower);
            environment.add_filter("capitalize", filters::capitalize);
            environment.add_filter("title", filters::title);
            environment.add_filter("trim", filters::trim);
            environment.add_filter("default", filters::default);
            environment.add_filter("length", filters::length);
            environment.add_filter("first", filters::first);
            environment.add_filter("last", filters::last);
            environment.add_test("defined", tests::is_defined);
            environment.add_test("undefined", tests::is_undefined);
            environment.add_test("none", tests::is_none);
            environment
        })
        .clone()
}

/// Prints a value: nothing for what is null or not there, a number as it was sent, all else as MiniJinja does. Into an
/// address it is percent-encoded, so that it stays within its segment or its query's field.
fn print(out: &mut minijinja::Output, state: &mut State, value: &Slot) -> Result<(), Error> {
    if value.is_undefined() {
        state.set_temp(UNDEFINED, Slot::from(true));
        return Ok(());
    }
    if value.is_none() {
        return Ok(());
    }
    let exact = exact_text(state, value);
    if *state.auto_escape() == AutoEscape::Custom(ADDRESS.into()) {
        let text = exact.unwrap_or_else(|| value.to_string());
        return encode(&text, out).map_err(Error::from);
    }
    match exact {
        Some(text) => out.write_str(&text).map_err(Error::from),
        None => write!(out, "{value}").map_err(Error::from),
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3.
fn encode(text: &str, out: &mut minijinja::Output) -> fmt::Result {
    text.bytes().try_for_each(|byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.write_char(char::from(byte))
        } else {
            write!(out, "%{byte:02X}")
        }
    })
}

/// The text that a number was sent in, where a double would print another.
fn exact_text(state: &State, value: &Slot) -> Option<String> {
    if !value.is_number() || value.is_integer() {
        return None;
    }
    let texts = state.lookup(TEXTS)?;
    let texts = texts.downcast_object_ref::<Texts>()?;
    let number = f64::try_from(value.clone()).ok()?;
    texts.0.get(&number.to_bits()).map(|text| text.to_string())
}

/// The texts of the numbers in the data that a double tells apart, but would print otherwise: 12500.50.
#[derive(Debug)]
struct Texts(BTreeMap<u64, Box<str>>);

impl Object for Texts {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// A number that fits neither an integer of 128 bits nor a double: printed as it was sent.
#[derive(Debug)]
struct Exact(Box<str>);

impl Object for Exact {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'a> Context<'a> {
    /// Makes facts ready for templates.
    #[must_use]
    pub fn new(facts: &'a Facts<'a>) -> Self {
        Self::with(facts, None)
    }

    /// The same with the results of earlier actions, by their names.
    #[must_use]
    pub fn with_results(facts: &'a Facts<'a>, results: &'a Value) -> Self {
        Self::with(facts, Some(results))
    }

    fn with(facts: &'a Facts<'a>, results: Option<&'a Value>) -> Self {
        let mut texts = Texts(BTreeMap::new());
        let mut root: BTreeMap<String, Slot> = match facts.data() {
            Value::Object(object) => {
                object.iter().map(|(name, value)| (name.clone(), slot(value, &mut texts))).collect()
            }
            _ => BTreeMap::new(),
        };
        let data = Slot::from(root.clone());
        root.insert("data".to_owned(), data);
        root.insert("event".to_owned(), slot(facts.event(), &mut texts));
        root.insert("now".to_owned(), facts.moment().now.to_string().into());
        for (name, value) in [("record", facts.record()), ("results", results)] {
            match value {
                Some(value) => root.insert(name.to_owned(), slot(value, &mut texts)),
                None => root.remove(name),
            };
        }
        root.insert(TEXTS.to_owned(), Slot::from_object(texts));
        Self { facts, results, root: Slot::from(root) }
    }

    /// Whether results of earlier actions are there to be named.
    #[must_use]
    pub const fn has_results(&self) -> bool {
        self.results.is_some()
    }

    /// Whether what a dotted name names is there.
    fn holds(&self, name: &str) -> bool {
        let Ok(path) = name.parse::<FieldPath>() else { return false };
        if let Some(rest) = name.strip_prefix("results.") {
            let mut parts = rest.split('.');
            return parts
                .try_fold(self.results, |place, part| place.map(|place| place.get(part)))
                .flatten()
                .is_some();
        }
        name == "now" || path.find(View::of(self.facts)).is_some()
    }
}

fn slot(value: &Value, texts: &mut Texts) -> Slot {
    match value {
        Value::Null => Slot::from(()),
        Value::Bool(truth) => Slot::from(*truth),
        Value::Number(number) => number_slot(number, texts),
        Value::String(text) => Slot::from(text.as_str()),
        Value::Array(items) => Slot::from(items.iter().map(|item| slot(item, texts)).collect::<Vec<_>>()),
        Value::Object(object) => Slot::from(
            object.iter().map(|(name, value)| (name.clone(), slot(value, texts))).collect::<BTreeMap<_, _>>(),
        ),
    }
}

fn number_slot(number: &Number, texts: &mut Texts) -> Slot {
    let text = number.as_str();
    if let Ok(integer) = text.parse::<i128>()
        && text != "-0"
    {
        return Slot::from(integer);
    }
    let exact = || Slot::from_object(Exact(text.into()));
    let (Some(decimal), Ok(double)) = (Decimal::read(text), text.parse::<f64>()) else {
        return exact();
    };
    if decimal.significant() > EXACT_DIGITS || !(-290..=290).contains(&decimal.magnitude()) {
        return exact();
    }
    // The same number may be sent in two ways; the first is what is printed for both.
    texts.0.entry(double.to_bits()).or_insert_with(|| text.into());
    Slot::from(double)
}

/// Whether a text has a template in it.
#[must_use]
pub fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl Templates {
    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self { environment: environment(), names: Vec::new() }
    }

    /// Compiles a text, be it an `address`; `None` if it has no template in it.
    ///
    /// # Errors
    /// Why it is refused, as the end of a sentence that begins with the parameter: among the reasons is a name that the
    /// vocabulary does not let be there.
    pub fn add(
        &mut self,
        text: &str,
        address: bool,
        vocabulary: &Vocabulary,
    ) -> Result<Option<Added>, String> {
        if !is_template(text) {
            return Ok(None);
        }
        if text.chars().count() > LONGEST {
            return Err(format!("must be a template of at most {LONGEST} characters"));
        }
        only_places_and_chooses(text)?;
        let number = self.names.len();
        let id = TemplateId { number, address };
        let name = id.name();
        self.environment
            .add_template_owned(name.clone(), text.to_owned())
            .map_err(|error| refused(&error))?;
        let template = self.environment.get_template(&name).map_err(|error| refused(&error))?;
        let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        names.sort_unstable();
        let warnings = unknown(&names, vocabulary)?;
        let wants = |root: &str| names.iter().any(|name| name.split('.').next() == Some(root));
        let (wants_results, wants_record) = (wants("results"), wants("record"));
        self.names.push(names);
        Ok(Some(Added { id, warnings, wants_results, wants_record }))
    }

    /// Renders a template with the data.
    ///
    /// # Errors
    /// Why it could not be rendered, as the end of a sentence that begins with the parameter.
    pub fn render(&self, id: TemplateId, context: &Context<'_>) -> Result<Rendered, String> {
        let failed = |error: Error| format!("could not be rendered: {}", reason(&error));
        let template = self.environment.get_template(&id.name()).map_err(failed)?;
        let mut out = Limited(Vec::new());
        let outcome = template.render_captured_to(context.root.clone(), &mut out);
        let undefined = match outcome {
            Ok(captured) => captured.state().get_temp(UNDEFINED).is_some(),
            Err(_) if out.0.len() >= LONGEST_OUTCOME => {
                return Err(format!("comes to more than {LONGEST_OUTCOME} bytes: place less data in it"));
            }
            Err(error) => return Err(failed(error)),
        };
        let text = String::from_utf8(out.0).map_err(|_| "came to bytes that are no text".to_owned())?;
        Ok(Rendered { text, missing: if undefined { self.missing(id, context) } else { Vec::new() } })
    }

    fn missing(&self, id: TemplateId, context: &Context<'_>) -> Vec<String> {
        let named = self.names.get(id.number).into_iter().flatten();
        let missing: Vec<String> = named.filter(|name| !context.holds(name)).cloned().collect();
        if missing.is_empty() { vec!["part of an expression".to_owned()] } else { missing }
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Templates").field(&self.names).finish()
    }
}

/// Names that the schema does not know: what to say of those that may be there.
///
/// # Errors
/// What to say of the first that cannot be there.
fn unknown(names: &[String], vocabulary: &Vocabulary) -> Result<Vec<String>, String> {
    let mut warnings = Vec::new();
    for name in names {
        let (refused, near) = match vocabulary.knows_name(name) {
            Known::Yes(_) => continue,
            Known::Maybe(near) => (false, near),
            Known::No(near) => (true, near),
        };
        let meant = near.map(|near| format!(": is {near} meant?")).unwrap_or_default();
        if refused {
            return Err(format!("names {name}, which cannot be there by the schema of the trigger{meant}"));
        }
        warnings.push(format!("names {name}, which is not in the schema of the trigger{meant}"));
    }
    Ok(warnings)
}

/// A buffer that refuses to grow beyond [`LONGEST_OUTCOME`].
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LONGEST_OUTCOME.saturating_sub(self.0.len());
        if bytes.len() > room {
            self.0.extend_from_slice(bytes.get(..room).unwrap_or_default());
            return Err(io::Error::other("full"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn reason(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()))
}

fn refused(error: &Error) -> String {
    match error.line() {
        Some(line) if line > 1 => format!("is not a template: {} (line {line})", reason(error)),
        Some(_) | None => format!("is not a template: {}", reason(error)),
    }
}

/// Looks into every tag of a template for statements and operators that it may not use.
fn only_places_and_chooses(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((open, close, behind)) = next_tag(rest) {
        if open == "{#" {
            rest = behind.split_once(close).map_or("", |(_, rest)| rest);
            continue;
        }
        let (bare, behind) = without_quotes(behind, close);
        let bare = bare.trim_matches(['-', '+']).trim();
        let first: String = bare.chars().take_while(char::is_ascii_alphabetic).collect();
        if open == "{%" && !STATEMENTS.contains(&first.as_str()) {
            return Err(format!("uses {{% {first} %}}; a template knows {}", STATEMENTS.join(", ")));
        }
        if let Some(sign) = bare.chars().find(|sign| "~+*/%".contains(*sign)).or_else(|| minus(bare)) {
            return Err(format!("uses {sign}; a template places values and does not compute"));
        }
        rest = behind;
    }
    Ok(())
}

fn next_tag(text: &str) -> Option<(&'static str, &'static str, &str)> {
    [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
        .into_iter()
        .filter_map(|(open, close)| text.find(open).map(|place| (place, open, close)))
        .min_by_key(|(place, ..)| *place)
        .and_then(|(place, open, close)| Some((open, close, text.get(place.saturating_add(2)..)?)))
}

/// The inside of a tag without its quoted texts, and what stands behind the tag.
fn without_quotes<'a>(text: &'a str, close: &str) -> (String, &'a str) {
    let mut bare = String::new();
    let mut quote = None;
    let mut escaped = false;
    for (place, letter) in text.char_indices() {
        match quote {
            None if text.get(place..).is_some_and(|rest| rest.starts_with(close)) => {
                return (bare, text.get(place.saturating_add(2)..).unwrap_or_default());
            }
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None => bare.push(letter),
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if open == letter => quote = None,
            Some(_) => {}
        }
    }
    (bare, "")
}

/// A minus that subtracts: one with something before it that has a value. One that begins a number is none.
fn minus(bare: &str) -> Option<char> {
    let mut before = ' ';
    for letter in bare.chars() {
        if letter == '-' && (before.is_alphanumeric() || "_)]".contains(before)) {
            return Some('-');
        }
        if !letter.is_whitespace() {
            before = letter;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(text: &str, data: &Value) -> Result<String, String> {
        let mut templates = Templates::new();
        match templates.add(text, false, &Vocabulary::open())? {
            None => Ok(text.to_owned()),
            Some(added) => {
                templates.render(added.id, &Context::new(&Facts::of(data))).map(|rendered| rendered.text)
            }
        }
    }

    #[test]
    fn what_computes_includes_or_defines_is_refused() {
        for text in [
            "{{ a ~ b }}",
            "{{ value * 2 }}",
            "{{ value + 1 }}",
            "{{ value - 1 }}",
            "{{ value / 2 }}",
            "{{ value % 2 }}",
            "{% set x = 1 %}",
            "{% include 'x' %}",
            "{% macro x() %}{% endmacro %}",
            "{% with a = b %}{% endwith %}",
            "{% raw %}{% endraw %}",
            "{{ \"}}\" ~ a }}",
            "{{ range(9) }}{{ x|nothing }}",
            "{{ x|replace('a', 'b') }}",
            "{{",
            "{% if a %}",
        ] {
            let said = render(text, &json!({"range": 1}));
            assert!(said.is_err(), "{text}: {said:?}");
        }
    }

    #[test]
    fn what_places_and_chooses_is_taken() {
        let data = json!({"a": {"b": ["x", "y"]}, "n": -5, "t": "~+*"});
        for (text, wanted) in [
            ("no template {at} all", "no template {at} all"),
            ("${{ a.b[1] }}", "$y"),
            ("{#- a + b -#}{{- t -}}", "~+*"),
            ("{{ t|default('a - b ~ c') }}", "~+*"),
            ("{% if n < -4 and n != -6 %}low{% endif %}", "low"),
            ("{%- for x in a.b if x != 'x' -%}{{ loop.index }}{{ x }}{%- endfor -%}", "1y"),
            ("{{ a.b|first|upper }}", "X"),
            ("{{ nothing.at.all }}", ""),
        ] {
            assert_eq!(render(text, &data).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn rendering_is_bounded() {
        let many = json!({"l": vec![0; 3000], "t": "x".repeat(70_000)});
        let loops = render("{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}", &many);
        assert!(loops.unwrap_err().contains("fuel"));
        assert!(render("{{ t }}", &many).unwrap_err().contains("more than 65536 bytes"));
    }
}
