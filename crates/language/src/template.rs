//! What does a text say once the data is known? `{{opportunity_name}}` and its kin, through MiniJinja.
//!
//! A template places values, chooses (`if`), repeats (`for`) and filters; it does not compute, include or define: what could make
//! a short text grow without bound, or round an amount, is refused when the rule is saved. Rendering has fuel, filters have
//! bounds, and the outcome a limit. Numbers keep the text that they were sent in.

mod amount;
mod context;
mod currency;
mod date;
mod filter;
mod grammar;
mod list;
mod locale;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub use context::Context;
pub use tree::Tree;

use crate::{Known, Vocabulary};
use minijinja::{AutoEscape, Environment, Error, State, UndefinedBehavior, Value as Slot, machinery};
use std::{fmt, fmt::Write as _, io, sync::OnceLock};

/// The longest template, in characters.
const LONGEST: usize = 20_000;
/// How many instructions a rendering may take.
const FUEL: u64 = 5_000;
/// The longest outcome, in bytes.
const LONGEST_OUTCOME: usize = 64 * 1024;
/// Where the formatter notes that it printed nothing for something undefined.
const UNDEFINED: &str = "undefined";
/// How the names of templates begin that make addresses: what they place is percent-encoded.
const ADDRESS: &str = "address";

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
    /// All that it names: `opportunity_name`, `record.owner`.
    pub names: Vec<String>,
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

fn environment() -> Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT
        .get_or_init(|| {
            use minijinja::tests;
            let mut environment = Environment::empty();
            environment.set_undefined_behavior(UndefinedBehavior::Chainable);
            environment.set_fuel(Some(FUEL));
            environment.set_recursion_limit(32);
            environment.set_formatter(print);
            environment.set_auto_escape_callback(|name| {
                if name.starts_with(ADDRESS) { AutoEscape::Custom(ADDRESS.into()) } else { AutoEscape::None }
            });
            filter::add_all(&mut environment);
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
    let exact = context::exact_text(state, value);
    if *state.auto_escape() == AutoEscape::Custom(ADDRESS.into()) {
        if let Some(encoded) = value.as_str().filter(|_| value.is_safe()) {
            return out.write_str(encoded).map_err(Error::from);
        }
        // An address is short, so what it is made of is, too.
        let mut whole = exact.unwrap_or_default();
        if whole.is_empty() {
            write!(Short(&mut whole), "{value}").map_err(Error::from)?;
        }
        return out.write_str(&text::encoded(&whole)).map_err(Error::from);
    }
    match exact {
        Some(text) => out.write_str(&text).map_err(Error::from),
        None => write!(out, "{value}").map_err(Error::from),
    }
}

/// A text that does not grow beyond [`LONGEST_OUTCOME`].
struct Short<'a>(&'a mut String);

impl fmt::Write for Short<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len().saturating_add(text.len()) > LONGEST_OUTCOME {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
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
        let tree = machinery::parse(text, "template", minijinja::syntax::SyntaxConfig::default())
            .map_err(|error| refused(&error))?;
        grammar::check(&tree)?;
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
        self.names.push(names.clone());
        Ok(Some(Added { id, warnings, names, wants_results, wants_record }))
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
