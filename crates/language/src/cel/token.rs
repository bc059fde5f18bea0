//! Which words does an expression consist of? CEL's lexical elements (cel-spec, doc/langdef.md, "Syntax"), without bytes.

use crate::number::Decimal;
use rust_decimal::Decimal as Amount;
use std::fmt;

/// A place in an expression, in bytes: from and to.
pub(crate) type Place = (usize, usize);

/// Something is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slip {
    pub(crate) at: usize,
    /// What, as a sentence without its end.
    pub(crate) what: String,
}

impl Slip {
    pub(crate) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

/// A word of the language.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Name(String),
    Number(Amount),
    Text(String),
    Null,
    Truth(bool),
    In,
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

/// A word, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) token: Token,
    pub(crate) at: Place,
}

/// Longer ones first.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "?", ":", "[", "]", "{", "}", "(", ")", ".", ",", "-", "+", "*", "/",
    "%", "!", "<", ">",
];

/// Names that CEL keeps for later.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Whether a name may not stand for itself: only behind a point.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(out, "the name {name}"),
            Self::Number(number) => write!(out, "the number {number}"),
            Self::Text(_) => out.write_str("a text"),
            Self::Null => out.write_str("null"),
            Self::Truth(truth) => write!(out, "{truth}"),
            Self::In => out.write_str("in"),
            Self::Sign(sign) => out.write_str(sign),
            Self::End => out.write_str("the end"),
        }
    }
}

/// The words of a text, the end last.
pub(crate) fn words(text: &str) -> Result<Vec<Word>, Slip> {
    let mut reader = Reader { text, at: 0 };
    let mut words = Vec::new();
    loop {
        let word = reader.word()?;
        let is_end = word.token == Token::End;
        words.push(word);
        if is_end {
            return Ok(words);
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn take(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.skip(letter.len_utf8());
        Some(letter)
    }

    /// The letters from here on that are such.
    fn run(&mut self, is: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|letter| !is(letter)).unwrap_or(rest.len());
        self.skip(end);
        rest.get(..end).unwrap_or_default()
    }

    fn space(&mut self) {
        loop {
            self.run(|letter| matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{b}'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.run(|letter| letter != '\n');
        }
    }

    fn word(&mut self) -> Result<Word, Slip> {
        self.space();
        let start = self.at;
        let token = self.token()?;
        Ok(Word { token, at: (start, self.at) })
    }

    fn token(&mut self) -> Result<Token, Slip> {
        let start = self.at;
        let Some(first) = self.peek() else { return Ok(Token::End) };
        let second = self.rest().chars().nth(1);
        if first.is_ascii_digit() || (first == '.' && second.is_some_and(|letter| letter.is_ascii_digit())) {
            return self.number();
        }
        if let Some(text) = self.text()? {
            return Ok(Token::Text(text));
        }
        if first == '_' || first.is_ascii_alphabetic() {
            let name = self.run(|letter| letter == '_' || letter.is_ascii_alphanumeric());
            return Ok(match name {
                "true" => Token::Truth(true),
                "false" => Token::Truth(false),
                "null" => Token::Null,
                "in" => Token::In,
                name => Token::Name(name.to_owned()),
            });
        }
        if first == '`' {
            return self.quoted_name();
        }
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            self.skip(sign.len());
            return Ok(Token::Sign(sign));
        }
        Err(Slip::new(
            start,
            match first {
                '=' => "= compares with nothing: write == to compare".to_owned(),
                '&' | '|' => format!("{first} is no operator: write {first}{first}"),
                letter if letter.is_alphanumeric() => format!(
                    "a name holds letters from a to z only: a field with {letter} in its name is reached by data[\"…\"]"
                ),
                letter => format!("{letter:?} stands for nothing here"),
            },
        ))
    }

    fn quoted_name(&mut self) -> Result<Token, Slip> {
        let start = self.at;
        self.take();
        let name = self.run(|letter| letter != '`' && letter != '\n');
        match self.take() {
            Some('`') if !name.is_empty() => Ok(Token::Name(name.to_owned())),
            Some('`') => Err(Slip::new(start, "a name in backticks is empty")),
            Some(_) | None => Err(Slip::new(start, "a name in backticks does not end")),
        }
    }

    fn number(&mut self) -> Result<Token, Slip> {
        let start = self.at;
        let digit = |letter: char| letter.is_ascii_digit();
        let rest = self.rest();
        let mut value = None;
        if rest.starts_with("0x") || rest.starts_with("0X") {
            self.skip(2);
            let digits = self.run(|letter| letter.is_ascii_hexdigit());
            let whole = u64::from_str_radix(digits, 16).ok();
            value = Some(whole.map(Amount::from).ok_or_else(|| too_long(start, "0xffffffffffffffff"))?);
            self.unsigned();
        } else {
            self.run(digit);
            let mut rest = self.rest().chars();
            let point = rest.next() == Some('.') && rest.next().is_some_and(digit);
            if point {
                self.skip(1);
                self.run(digit);
            }
            let exponent = self.exponent();
            if !point && !exponent {
                self.unsigned();
            }
        }
        if self.peek().is_some_and(|letter| letter == '_' || letter.is_alphanumeric()) {
            return Err(Slip::new(start, "a number goes on with letters"));
        }
        let value = match value {
            Some(value) => value,
            None => {
                let said = self.text.get(start..self.at).unwrap_or_default().trim_end_matches(['u', 'U']);
                decimal(said).ok_or_else(|| too_long(start, "28 digits"))?
            }
        };
        Ok(Token::Number(value))
    }

    /// The `u` behind a whole number that is not negative; all numbers are of one kind here.
    fn unsigned(&mut self) {
        if self.peek().is_some_and(|letter| letter.eq_ignore_ascii_case(&'u')) {
            self.skip(1);
        }
    }

    fn exponent(&mut self) -> bool {
        let mut rest = self.rest().chars().peekable();
        if !rest.next().is_some_and(|letter| letter.eq_ignore_ascii_case(&'e')) {
            return false;
        }
        let sign = usize::from(rest.next_if(|letter| matches!(letter, '+' | '-')).is_some());
        if !rest.next().is_some_and(|letter| letter.is_ascii_digit()) {
            return false;
        }
        self.skip(sign.saturating_add(1));
        self.run(|letter| letter.is_ascii_digit());
        true
    }

    /// A text in quotes, if one begins here, with `r` before it if backslashes are to stay.
    fn text(&mut self) -> Result<Option<String>, Slip> {
        let start = self.at;
        let rest = self.rest();
        let Some(quote_at) = rest.find(['"', '\'']).filter(|at| *at <= 2) else { return Ok(None) };
        let prefix = rest.get(..quote_at).unwrap_or_default().to_ascii_lowercase();
        let raw = match prefix.as_str() {
            "" => false,
            "r" => true,
            "b" | "br" | "rb" => {
                return Err(Slip::new(start, "bytes are not known here, only texts: leave out the b"));
            }
            _ => return Ok(None),
        };
        let Some(mark) = rest.get(quote_at..).and_then(|text| text.chars().next()) else { return Ok(None) };
        self.skip(quote_at);
        let triple = mark.to_string().repeat(3);
        let end = if self.rest().starts_with(&triple) { triple } else { mark.to_string() };
        self.skip(end.len());
        let mut said = String::new();
        loop {
            if self.rest().starts_with(&end) {
                self.skip(end.len());
                return Ok(Some(said));
            }
            let here = self.at;
            match self.take() {
                None => return Err(Slip::new(start, "a text does not end: its closing quote is missing")),
                Some('\n' | '\r') if end.len() == 1 => {
                    return Err(Slip::new(start, "a text goes on in the next line: quote it three times"));
                }
                // CEL takes all ends of lines for one.
                Some('\r') => {
                    if self.peek() == Some('\n') {
                        self.skip(1);
                    }
                    said.push('\n');
                }
                Some('\\') if !raw => said.push(self.escaped(here)?),
                Some(letter) => said.push(letter),
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self, start: usize) -> Result<char, Slip> {
        let letter = self.take().ok_or_else(|| Slip::new(start, "a text does not end"))?;
        let plain = match letter {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' | '\'' | '"' | '`' | '?' => letter,
            'x' | 'X' => return self.code(start, 16, 2),
            'u' => return self.code(start, 16, 4),
            'U' => return self.code(start, 16, 8),
            '0'..='3' => {
                self.at = self.at.saturating_sub(1);
                return self.code(start, 8, 3);
            }
            _ => {
                return Err(Slip::new(
                    start,
                    format!("\\{letter} stands for nothing in a text: write \\\\ for a backslash"),
                ));
            }
        };
        Ok(plain)
    }

    fn code(&mut self, start: usize, radix: u32, count: usize) -> Result<char, Slip> {
        let digits =
            self.rest().get(..count).filter(|text| text.chars().all(|letter| letter.is_digit(radix)));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok());
        self.skip(count);
        code.and_then(char::from_u32)
            .ok_or_else(|| Slip::new(start, "a backslash names no letter of Unicode"))
    }
}

fn too_long(at: usize, most: &str) -> Slip {
    Slip::new(at, format!("a number is too long to compute with: {most} at most"))
}

/// A number as it stands in an expression: as in JSON, and with zeros before it or nothing before its point.
fn decimal(said: &str) -> Option<Amount> {
    let bare = said.trim_start_matches('0');
    let zero = if bare.starts_with(|letter: char| letter.is_ascii_digit()) { "" } else { "0" };
    Decimal::read(&format!("{zero}{bare}"))?.amount()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: &str) {
        let said = match words(text) {
            Ok(words) => words
                .iter()
                .map(|word| match &word.token {
                    Token::Text(text) => format!("{text:?}"),
                    token => token.to_string(),
                })
                .collect::<Vec<_>>()
                .join(" | "),
            Err(slip) => format!("{}: {}", slip.at, slip.what),
        };
        assert_eq!(said, wanted, "{text}");
    }

    #[test]
    fn words_are_told_apart() {
        check("a<=b", "the name a | <= | the name b | the end");
        check("x.in // why\n && true", "the name x | . | in | && | true | the end");
        check(
            "-1 1.50 .5 1e3 0xFFu 12u 007",
            "- | the number 1 | the number 1.5 | the number 0.5 | the number 1000 | the number 255 | the number 12 | the number 7 | the end",
        );
        check("1.e", "the number 1 | . | the name e | the end");
        check("a.`b c`", "the name a | . | the name b c | the end");
        check("12345678901234567.89", "the number 12345678901234567.89 | the end");
        check("1e29", "0: a number is too long to compute with: 28 digits at most");
        check("1ä", "0: a number goes on with letters");
        check("a = b", "2: = compares with nothing: write == to compare");
        check(
            "größe",
            "2: a name holds letters from a to z only: a field with ö in its name is reached by data[\"…\"]",
        );
        check("a # b", "2: '#' stands for nothing here");
    }

    #[test]
    fn texts_are_read_with_their_escapes() {
        for (text, wanted) in [
            (r#""a\n\x41\u00e4\U0001F600\101""#, "a\nAä😀A"),
            (r#"'it''s'"#, "it"),
            (r"r'\d+'", r"\d+"),
            ("'''a\r\n'b' '''", "a\n'b' "),
            (r#"R"""\""""#, "\\"),
            (r"'\?\`\'\\'", "?`'\\"),
        ] {
            let words = words(text).unwrap();
            assert_eq!(words[0].token, Token::Text(wanted.to_owned()), "{text}");
        }
        check("b'a'", "0: bytes are not known here, only texts: leave out the b");
        check("'a", "0: a text does not end: its closing quote is missing");
        check(r"'\q'", r"1: \q stands for nothing in a text: write \\ for a backslash");
        check(r"'\ud800'", "1: a backslash names no letter of Unicode");
        check(r"'\x4ä'", "1: a backslash names no letter of Unicode");
        check("'a\nb'", "0: a text goes on in the next line: quote it three times");
    }
}
