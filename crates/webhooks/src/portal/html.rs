//! How does text get into a page without being taken for markup? Through one function; markup itself stands in this program.

/// A piece of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self(String::new())
    }

    /// Adds markup. Being `'static`, it stands in this program: nobody sent it.
    #[must_use]
    pub(crate) fn raw(mut self, markup: &'static str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Adds what somebody wrote, to be read as such: in content and in quoted attributes. Signs that no page may hold become the one that
    /// stands for them (U+FFFD).
    #[must_use]
    pub(crate) fn text(mut self, text: &str) -> Self {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(letter),
                letter if letter.is_control() => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
        self
    }

    /// Adds another piece.
    #[must_use]
    pub(crate) fn with(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// Adds a piece for each of some things.
    #[must_use]
    pub(crate) fn each<T>(self, all: impl IntoIterator<Item = T>, make: impl Fn(T) -> Self) -> Self {
        all.into_iter().fold(self, |html, one| html.with(&make(one)))
    }

    /// Adds a piece, if it is wanted.
    #[must_use]
    pub(crate) fn when(self, is_wanted: bool, make: impl FnOnce(Self) -> Self) -> Self {
        if is_wanted { make(self) } else { self }
    }

    /// The whole text.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_is_text() {
        let html = Html::new().raw("<p title=\"").text("a\"b'c").raw("\">").text("<b>&\u{0}\r\n").raw("</p>");
        assert_eq!(html.finish(), "<p title=\"a&quot;b&#39;c\">&lt;b&gt;&amp;\u{fffd}\u{fffd}\n</p>");
    }

    proptest! {
        #[test]
        fn whatever_is_written_it_is_no_markup(text in ".*") {
            let out = Html::new().text(&text).finish();
            prop_assert!(!out.contains(['<', '>', '"', '\'']));
            // What is left of `&` begins one of ours.
            for part in out.split('&').skip(1) {
                prop_assert!(["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|one| part.starts_with(one)));
            }
        }
    }
}
