//! What did a form send? Names and values, some of which come several times.

use kernel::Secret;
use url::form_urlencoded;

/// The most values of a form that are read.
const MOST: usize = 1_000;

/// What a form sent, as browsers write it (`application/x-www-form-urlencoded`).
#[derive(Debug, Clone, Default)]
pub struct Sent(Vec<(String, String)>);

impl Sent {
    /// Reads a body.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(body).take(MOST);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value of that name; the empty text if there is none.
    #[must_use]
    pub fn one(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// All values of that name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What says that one of our pages made the form.
    #[must_use]
    pub fn form_token(&self) -> Secret<String> {
        Secret::new(self.one(super::frame::FORM_TOKEN).to_owned())
    }

    /// The version that the customer saw; none that reads is one that nothing has.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.one("version").parse().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_come_again() {
        let sent =
            Sent::read(b"type=a.b&type=c&url=https%3A%2F%2Fexample.com%2F%3Fa%3Db&description=a+b&version=7");
        assert_eq!(sent.all("type").collect::<Vec<_>>(), ["a.b", "c"]);
        assert_eq!((sent.one("url"), sent.one("description")), ("https://example.com/?a=b", "a b"));
        assert_eq!((sent.version(), sent.one("nothing")), (7, ""));
        assert_eq!(Sent::read(&[0xff, b'=']).version(), 0);
    }
}
