//! What does an expression say? CEL's grammar (cel-spec, doc/langdef.md), read into a tree that nests no deeper than it may, so
//! that whoever walks it may call themselves.

use super::token::{Place, Slip, Token, Word, is_reserved, words};
use rust_decimal::Decimal as Amount;

/// How deep the parts of an expression nest.
pub(crate) const DEEPEST: usize = 64;

/// One part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) form: Form,
    pub(crate) at: Place,
    /// How many levels of parts it has, itself among them.
    levels: usize,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    Null,
    Truth(bool),
    Number(Amount),
    Text(String),
    Name(String),
    /// `of.name`
    Field(Box<Part>, String),
    /// `of[at]`
    Index(Box<Part>, Box<Part>),
    /// `on.name(…)`, or `name(…)`.
    Call {
        on: Option<Box<Part>>,
        name: String,
        with: Vec<Part>,
    },
    List(Vec<Part>),
    Map(Vec<(Part, Part)>),
    Not(Box<Part>),
    Minus(Box<Part>),
    /// Parts with `&&` between them.
    All(Vec<Part>),
    /// Parts with `||` between them.
    Any(Vec<Part>),
    /// `if ? then : else`
    Choice(Box<[Part; 3]>),
    Pair(Operator, Box<[Part; 2]>),
}

/// What stands between two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Below,
    AtMost,
    Above,
    AtLeast,
    In,
}

impl Operator {
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
        }
    }
}

/// How close two parts are held by what stands between them: more is closer.
const OR: u8 = 1;
const AND: u8 = 2;
const RELATION: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;

/// What stands between two parts, and how close it holds them.
enum Between {
    And,
    Or,
    Pair(Operator, u8),
}

fn between(token: &Token) -> Option<Between> {
    let pair = |operator, closeness| Some(Between::Pair(operator, closeness));
    match token {
        Token::In => pair(Operator::In, RELATION),
        Token::Sign("&&") => Some(Between::And),
        Token::Sign("||") => Some(Between::Or),
        Token::Sign("==") => pair(Operator::Equal, RELATION),
        Token::Sign("!=") => pair(Operator::Unequal, RELATION),
        Token::Sign("<") => pair(Operator::Below, RELATION),
        Token::Sign("<=") => pair(Operator::AtMost, RELATION),
        Token::Sign(">") => pair(Operator::Above, RELATION),
        Token::Sign(">=") => pair(Operator::AtLeast, RELATION),
        Token::Sign("+") => pair(Operator::Add, SUM),
        Token::Sign("-") => pair(Operator::Subtract, SUM),
        Token::Sign("*") => pair(Operator::Multiply, PRODUCT),
        Token::Sign("/") => pair(Operator::Divide, PRODUCT),
        Token::Sign("%") => pair(Operator::Remainder, PRODUCT),
        _ => None,
    }
}

impl Between {
    const fn closeness(&self) -> u8 {
        match self {
            Self::Or => OR,
            Self::And => AND,
            Self::Pair(_, closeness) => *closeness,
        }
    }
}

/// Reads an expression.
pub(crate) fn read(text: &str) -> Result<Part, Slip> {
    let mut reader = Reader { words: words(text)?, next: 0, level: 0 };
    let part = reader.expression()?;
    reader.expect_end()?;
    Ok(part)
}

struct Reader {
    words: Vec<Word>,
    next: usize,
    /// How deep the part that is read stands in others.
    level: usize,
}

const TOO_DEEP: &str = "nests deeper than 64 levels: split the expression";

impl Part {
    fn new(form: Form, at: Place) -> Result<Self, Slip> {
        let deepest = |parts: &[Self]| parts.iter().map(|part| part.levels).max().unwrap_or_default();
        let inner = match &form {
            Form::Null | Form::Truth(_) | Form::Number(_) | Form::Text(_) | Form::Name(_) => 0,
            Form::Field(part, _) | Form::Not(part) | Form::Minus(part) => part.levels,
            Form::Index(of, at) => of.levels.max(at.levels),
            Form::Call { on, with, .. } => {
                deepest(with).max(on.as_ref().map(|part| part.levels).unwrap_or_default())
            }
            Form::List(parts) | Form::All(parts) | Form::Any(parts) => deepest(parts),
            Form::Map(pairs) => {
                pairs.iter().map(|(key, value)| key.levels.max(value.levels)).max().unwrap_or_default()
            }
            Form::Choice(parts) => deepest(&**parts),
            Form::Pair(_, parts) => deepest(&**parts),
        };
        let levels = inner.saturating_add(1);
        if levels > DEEPEST { Err(Slip::new(at.0, TOO_DEEP)) } else { Ok(Self { form, at, levels }) }
    }
}

impl Reader {
    fn peek(&self) -> &Token {
        self.words.get(self.next).map_or(&Token::End, |word| &word.token)
    }

    fn place(&self) -> Place {
        self.words.get(self.next).or(self.words.last()).map_or((0, 0), |word| word.at)
    }

    fn step(&mut self) -> Place {
        let at = self.place();
        self.next = self.next.saturating_add(1);
        at
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.step();
        }
        found
    }

    fn expect(&mut self, sign: &str, why: &str) -> Result<Place, Slip> {
        if self.is(sign) { Ok(self.step()) } else { Err(self.slip(&format!("{sign} is missing {why}"))) }
    }

    fn expect_end(&self) -> Result<(), Slip> {
        match self.peek() {
            Token::End => Ok(()),
            Token::Sign("{") => Err(Slip::new(
                self.place().0,
                "a name before { makes an object of a type, and types have no names here",
            )),
            _ => Err(self.slip("an operator is missing")),
        }
    }

    fn slip(&self, what: &str) -> Slip {
        Slip::new(self.place().0, format!("{what} before {}", self.peek()))
    }

    /// Reads something one level deeper.
    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Result<Part, Slip>) -> Result<Part, Slip> {
        self.level = self.level.saturating_add(1);
        if self.level > DEEPEST {
            return Err(Slip::new(self.place().0, TOO_DEEP));
        }
        let part = read(self);
        self.level = self.level.saturating_sub(1);
        part
    }

    fn expression(&mut self) -> Result<Part, Slip> {
        self.deeper(|reader| {
            let condition = reader.joined()?;
            if !reader.take("?") {
                return Ok(condition);
            }
            let then = reader.joined()?;
            reader.expect(":", "in a choice (condition ? this : that)")?;
            let otherwise = reader.expression()?;
            let at = (condition.at.0, otherwise.at.1);
            Part::new(Form::Choice(Box::new([condition, then, otherwise])), at)
        })
    }

    /// Parts with operators between them. Those that wait for one that holds closer stand in a list and not on the stack.
    fn joined(&mut self) -> Result<Part, Slip> {
        let mut parts = vec![self.unary()?];
        let mut waiting: Vec<Between> = Vec::new();
        while let Some(next) = between(self.peek()) {
            while let Some(last) = waiting.pop_if(|last| last.closeness() >= next.closeness()) {
                join(&mut parts, last)?;
            }
            self.step();
            waiting.push(next);
            parts.push(self.unary()?);
        }
        while let Some(last) = waiting.pop() {
            join(&mut parts, last)?;
        }
        parts.pop().ok_or_else(|| self.slip("a value is missing"))
    }

    fn unary(&mut self) -> Result<Part, Slip> {
        let start = self.place().0;
        if self.take("!") {
            let inner = self.deeper(Self::unary)?;
            let at = (start, inner.at.1);
            return Part::new(Form::Not(Box::new(inner)), at);
        }
        if !self.take("-") {
            return self.member();
        }
        // A minus before a number belongs to the number.
        if let Token::Number(number) = *self.peek() {
            let at = (start, self.step().1);
            let number = Part::new(Form::Number(-number), at)?;
            return self.members_of(number);
        }
        let inner = self.deeper(Self::unary)?;
        let at = (start, inner.at.1);
        Part::new(Form::Minus(Box::new(inner)), at)
    }

    fn member(&mut self) -> Result<Part, Slip> {
        let part = self.primary()?;
        self.members_of(part)
    }

    fn members_of(&mut self, mut part: Part) -> Result<Part, Slip> {
        loop {
            let start = part.at.0;
            if self.take(".") {
                if self.is("?") {
                    return Err(Slip::new(
                        self.place().0,
                        "optional fields (.?) are not known here: ask has() first",
                    ));
                }
                let at = self.place();
                let Token::Name(name) = self.peek().clone() else {
                    return Err(self.slip("a name is missing"));
                };
                self.step();
                part = if self.take("(") {
                    let (with, end) = self.list(")", false)?;
                    Part::new(Form::Call { on: Some(Box::new(part)), name, with }, (start, end))?
                } else {
                    Part::new(Form::Field(Box::new(part), name), (start, at.1))?
                };
            } else if self.take("[") {
                if self.is("?") {
                    return Err(Slip::new(
                        self.place().0,
                        "optional places ([?]) are not known here: ask size() first",
                    ));
                }
                let index = self.expression()?;
                let end = self.expect("]", "behind a place")?.1;
                part = Part::new(Form::Index(Box::new(part), Box::new(index)), (start, end))?;
            } else {
                return Ok(part);
            }
        }
    }

    fn primary(&mut self) -> Result<Part, Slip> {
        let token = self.peek().clone();
        let at = self.place();
        let form = match token {
            Token::Null => Form::Null,
            Token::Truth(truth) => Form::Truth(truth),
            Token::Number(number) => Form::Number(number),
            Token::Text(text) => Form::Text(text),
            Token::Name(name) => return self.named(name),
            Token::Sign("(") => {
                self.step();
                let inner = self.expression()?;
                self.expect(")", "behind what stands in brackets")?;
                return Ok(inner);
            }
            Token::Sign("[") => {
                self.step();
                let (parts, end) = self.list("]", true)?;
                return Part::new(Form::List(parts), (at.0, end));
            }
            Token::Sign("{") => return self.map(),
            Token::Sign(_) | Token::In | Token::End => {
                return Err(self.slip("a value is missing"));
            }
        };
        self.step();
        Part::new(form, at)
    }

    fn named(&mut self, name: String) -> Result<Part, Slip> {
        let at = self.step();
        if is_reserved(&name) {
            let what =
                format!("{name} is a word that CEL keeps for itself: a field of that name is data.{name}");
            return Err(Slip::new(at.0, what));
        }
        if self.take("(") {
            let (with, end) = self.list(")", false)?;
            return Part::new(Form::Call { on: None, name, with }, (at.0, end));
        }
        Part::new(Form::Name(name), at)
    }

    /// Parts with commas between them, up to the sign that ends them, and where that ends.
    fn list(&mut self, end: &str, comma_may_end: bool) -> Result<(Vec<Part>, usize), Slip> {
        let mut parts = Vec::new();
        loop {
            if (parts.is_empty() || comma_may_end) && self.is(end) {
                break;
            }
            parts.push(self.expression()?);
            if !self.take(",") {
                break;
            }
        }
        let at = self.expect(end, "behind a list")?;
        Ok((parts, at.1))
    }

    fn map(&mut self) -> Result<Part, Slip> {
        let start = self.step().0;
        let mut pairs = Vec::new();
        while !self.is("}") {
            let key = self.expression()?;
            self.expect(":", "behind a key ({key: value})")?;
            pairs.push((key, self.expression()?));
            if !self.take(",") {
                break;
            }
        }
        let end = self.expect("}", "behind keys and values")?.1;
        Part::new(Form::Map(pairs), (start, end))
    }
}

/// Puts the last two parts together. Parts with one of `&&` and `||` between them are one list, however many.
fn join(parts: &mut Vec<Part>, between: Between) -> Result<(), Slip> {
    let Some((right, left)) = parts.pop().zip(parts.pop()) else { return Ok(()) };
    let at = (left.at.0, right.at.1);
    let form = match (between, left) {
        (Between::And, Part { form: Form::All(mut all), .. }) => {
            all.push(right);
            Form::All(all)
        }
        (Between::Or, Part { form: Form::Any(mut any), .. }) => {
            any.push(right);
            Form::Any(any)
        }
        (Between::And, left) => Form::All(vec![left, right]),
        (Between::Or, left) => Form::Any(vec![left, right]),
        (Between::Pair(operator, _), left) => Form::Pair(operator, Box::new([left, right])),
    };
    parts.push(Part::new(form, at)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree with all its brackets.
    fn told(part: &Part) -> String {
        let all = |parts: &[Part], sign: &str| parts.iter().map(told).collect::<Vec<_>>().join(sign);
        match &part.form {
            Form::Null => "null".to_owned(),
            Form::Truth(truth) => truth.to_string(),
            Form::Number(number) => number.to_string(),
            Form::Text(text) => format!("{text:?}"),
            Form::Name(name) => name.clone(),
            Form::Field(of, name) => format!("{}.{name}", told(of)),
            Form::Index(of, at) => format!("{}[{}]", told(of), told(at)),
            Form::Call { on, name, with } => {
                let on = on.as_ref().map(|on| format!("{}.", told(on))).unwrap_or_default();
                format!("{on}{name}({})", all(with, ","))
            }
            Form::List(parts) => format!("[{}]", all(parts, ",")),
            Form::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| format!("{}:{}", told(key), told(value)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
            }
            Form::Not(inner) => format!("!{}", told(inner)),
            Form::Minus(inner) => format!("-{}", told(inner)),
            Form::All(parts) => format!("({})", all(parts, "&&")),
            Form::Any(parts) => format!("({})", all(parts, "||")),
            Form::Choice(parts) => {
                format!("({}?{}:{})", told(&parts[0]), told(&parts[1]), told(&parts[2]))
            }
            Form::Pair(operator, parts) => {
                format!("({}{}{})", told(&parts[0]), operator.sign(), told(&parts[1]))
            }
        }
    }

    fn check(text: &str, wanted: &str) {
        let said = read(text).map_or_else(|slip| format!("{}: {}", slip.at, slip.what), |part| told(&part));
        assert_eq!(said, wanted, "{text}");
    }

    #[test]
    fn operators_hold_as_close_as_in_cel() {
        check("a || b && c", "(a||(b&&c))");
        check("a && b || c && d || e", "((a&&b)||(c&&d)||e)");
        check("a + b * c - d", "((a+(b*c))-d)");
        check("a - b - c", "((a-b)-c)");
        check("a < b == c", "((a<b)==c)");
        check("!a.b[0].c(1, 2) in d", "(!a.b[0].c(1,2)ind)");
        check("a ? b : c ? d : e", "(a?b:(c?d:e))");
        check("a || b ? c && d : e", "((a||b)?(c&&d):e)");
        check("-a.b", "-a.b");
        check("-1.5 - -2", "(-1.5--2)");
        check("(a || b) && c", "((a||b)&&c)");
        check("{'a': 1, b: [2, 3,],}", "{\"a\":1,b:[2,3]}");
        check("a.in(b)", "2: a name is missing before in");
        check("items.all(i, i.price > 2)", "items.all(i,(i.price>2))");
        check("a.package.`b-c`", "a.package.b-c");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        check("", "0: a value is missing before the end");
        check("a b", "2: an operator is missing before the name b");
        check("a +", "3: a value is missing before the end");
        check("(a", "2: ) is missing behind what stands in brackets before the end");
        check("f(a,)", "4: a value is missing before )");
        check("a ? b", "5: : is missing in a choice (condition ? this : that) before the end");
        check("for", "0: for is a word that CEL keeps for itself: a field of that name is data.for");
        check("a.?b", "2: optional fields (.?) are not known here: ask has() first");
        check("T{a: 1}", "1: a name before { makes an object of a type, and types have no names here");
    }

    #[test]
    fn depth_is_bounded_on_a_small_stack() {
        let deep = |open: &str, inner: &str, close: &str, count: usize| {
            format!("{}{inner}{}", open.repeat(count), close.repeat(count))
        };
        let texts = [
            deep("(", "a", ")", 999),
            deep("[", "a", "]", 999),
            deep("{1:", "a", "}", 400),
            deep("a||b&&c<d+e*(", "a", ")", 140),
            deep("!", "a", "", 1999),
            deep("-", "a", "", 1999),
            deep("a?a:", "a", "", 499),
            deep("a[", "a", "]", 600),
            deep("f(", "a", ")", 600),
            format!("a{}", ".a".repeat(999)),
            format!("a{}", "+a".repeat(999)),
            format!("a{}", ".f()".repeat(400)),
        ];
        let small = std::thread::Builder::new().stack_size(256 * 1024);
        let run = move || texts.iter().all(|text| read(text).is_err_and(|slip| slip.what == TOO_DEEP));
        assert!(small.spawn(run).unwrap().join().unwrap());
        assert!(read(&format!("a{}", "&&a".repeat(660))).is_ok());
        assert!(read(&deep("(", "a", ")", 60)).is_ok());
    }
}
