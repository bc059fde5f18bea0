//! What in a Rust source is code, what a comment, what a string? Words are owned in code, SQL stands in strings.

/// A source in three views of the same length and lines: outside its view a text is blank.
pub(super) struct Views {
    pub(super) code: String,
    pub(super) comments: String,
    pub(super) strings: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Room {
    Code,
    Comment,
    Text,
}

impl Views {
    pub(super) fn of(source: &str) -> Self {
        let mut views = Self { code: String::new(), comments: String::new(), strings: String::new() };
        let mut rest = source;
        while !rest.is_empty() {
            let (room, length) = next(rest, views.code.chars().next_back());
            let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            views.push(room, piece);
            rest = after;
        }
        views
    }

    fn push(&mut self, room: Room, piece: &str) {
        for (view, is) in [
            (&mut self.code, Room::Code),
            (&mut self.comments, Room::Comment),
            (&mut self.strings, Room::Text),
        ] {
            if room == is {
                view.push_str(piece);
            } else {
                view.extend(piece.chars().map(|sign| if sign == '\n' { '\n' } else { ' ' }));
            }
        }
    }

    /// The code without its `#[cfg(test)]` modules: they are blank.
    pub(super) fn shipped(&self) -> String {
        blank_tests(&self.code, &self.code)
    }

    /// The strings without those in `#[cfg(test)]` modules.
    pub(super) fn shipped_strings(&self) -> String {
        blank_tests(&self.code, &self.strings)
    }
}

/// What `rest` begins with, and how many bytes of it belong to that.
fn next(rest: &str, before: Option<char>) -> (Room, usize) {
    if rest.starts_with("//") {
        return (Room::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Room::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if rest.starts_with('"') {
        return (Room::Text, quoted(rest));
    }
    let in_word = before.is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
    if !in_word && let Some(length) = raw(rest) {
        return (Room::Text, length);
    }
    if rest.starts_with('\'')
        && let Some(length) = character(rest)
    {
        return (Room::Text, length);
    }
    (Room::Code, rest.chars().next().map_or(1, char::len_utf8))
}

/// The length of `"…"`, with its escapes.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (place, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#`, `br"…"`.
fn raw(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let opened = after.trim_start_matches('#');
    let hashes = after.len() - opened.len();
    let text = opened.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = text.find(&end).map_or(text.len(), |place| place + end.len());
    Some(rest.len() - text.len() + length)
}

/// The length of `'x'` or `'\n'`; none for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        // The sign after the backslash may itself be a quote.
        let first = escape.chars().next()?.len_utf8();
        let end = escape.get(first..)?.find('\'')?;
        return Some(2 + first + end + 1);
    }
    let first = inside.chars().next()?.len_utf8();
    inside.get(first..)?.starts_with('\'').then_some(first + 2)
}

/// `view` with every `#[cfg(test)]` item of `code` blank.
fn blank_tests(code: &str, view: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = view.chars().collect::<Vec<_>>();
    let code = code.chars().collect::<Vec<_>>();
    let mark = MARK.chars().collect::<Vec<_>>();
    let mut place = 0;
    while place < code.len() {
        if !code.get(place..).is_some_and(|rest| rest.starts_with(&mark)) {
            place += 1;
            continue;
        }
        let end = item_end(&code, place + mark.len());
        for sign in kept.iter_mut().take(end).skip(place) {
            if *sign != '\n' {
                *sign = ' ';
            }
        }
        place = end;
    }
    kept.into_iter().collect()
}

/// Where the item that begins at `start` ends: after its closing brace, or its semicolon if that comes first.
fn item_end(code: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    for (place, sign) in code.iter().enumerate().skip(start) {
        match sign {
            '{' => depth += 1,
            '}' if depth <= 1 => return place + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return place + 1,
            _ => {}
        }
    }
    code.len()
}

/// Each line that holds `word` as a word of its own, counted from 1.
pub(super) fn lines_with<'a>(view: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    view.lines().enumerate().filter(move |(_, line)| holds(line, word)).map(|(number, _)| number + 1)
}

fn holds(line: &str, word: &str) -> bool {
    let joins = |sign: Option<char>| sign.is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
    let word_ends_open = !joins(word.chars().next_back());
    line.match_indices(word).any(|(place, _)| {
        let before = line.get(..place).and_then(|text| text.chars().next_back());
        let after = line.get(place + word.len()..).and_then(|text| text.chars().next());
        !joins(before) && (word_ends_open || !joins(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_comments_and_strings_are_told_apart() {
        let source = "let a = \"x // y\"; // wasmtime \"here\"\nlet q: &'static str = r#\"a \"b\" c\"#; let c = '\"'; let d = '\\''; wasmtime();";
        let views = Views::of(source);
        assert_eq!(views.code.len(), source.len());
        assert_eq!(lines_with(&views.code, "wasmtime").collect::<Vec<_>>(), [2]);
        assert_eq!(lines_with(&views.comments, "wasmtime").collect::<Vec<_>>(), [1]);
        assert!(views.strings.contains("x // y") && views.strings.contains("a \"b\" c"));
        assert!(views.code.contains("'static str"));
    }

    #[test]
    fn test_modules_are_not_shipped() {
        let views =
            Views::of("fn a() {}\n#[cfg(test)]\nmod tests { fn b() { \"}\"; } }\nfn c() { \"SELECT \" }\n");
        let shipped = views.shipped();
        assert!(shipped.contains("fn a") && shipped.contains("fn c") && !shipped.contains("fn b"));
        assert_eq!(views.shipped_strings().trim(), "\"SELECT \"");
    }

    #[test]
    fn a_word_is_whole() {
        assert!(holds("use spin_sdk::http;", "spin_sdk"));
        assert!(!holds("use spin_sdk_like;", "spin_sdk"));
        assert!(!holds("my_spin_sdk", "spin_sdk"));
        assert!(holds("todo!()", "todo!"));
    }
}
