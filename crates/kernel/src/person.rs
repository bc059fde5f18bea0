//! Whose data are asked for, or are to go? A user of a tenant, by everything that names them.

use crate::UserId;

/// A user of a tenant, by everything that names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id, which stays as a pseudonym when the rest is gone.
    pub id: UserId,
    /// The e-mail address, in lower case.
    pub email: String,
    /// What people call them.
    pub name: String,
}

impl Person {
    /// The address that stands for the person's where a text has to go on without it. Nobody can be reached there: the
    /// domain is one of RFC 2606.
    #[must_use]
    pub fn pseudonym(&self) -> String {
        format!("{}@erased.invalid", self.id)
    }

    /// Whether a text names the person: by the address, in any case and not as a part of a longer one; or by the name, as
    /// a whole string of JSON.
    #[must_use]
    pub fn is_named_in(&self, text: &str) -> bool {
        let name = self.name.replace('\\', "\\\\").replace('"', "\\\"");
        self.places(text).next().is_some() || text.contains(&format!("\"{name}\""))
    }

    /// The text with the pseudonym in each place where the person's address stood; `None` if it stands nowhere.
    #[must_use]
    pub fn taken_out_of(&self, text: &str) -> Option<String> {
        let pseudonym = self.pseudonym();
        let mut whole = String::with_capacity(text.len());
        let mut done = 0;
        for place in self.places(text) {
            whole.push_str(text.get(done..place)?);
            whole.push_str(&pseudonym);
            done = place.saturating_add(self.email.len());
        }
        if done == 0 {
            return None;
        }
        whole.push_str(text.get(done..)?);
        Some(whole)
    }

    /// Where the address stands in a text.
    fn places(&self, text: &str) -> impl Iterator<Item = usize> {
        let wanted = self.email.to_ascii_lowercase();
        let folded = text.to_ascii_lowercase();
        let found: Vec<usize> = folded
            .match_indices(&wanted)
            .filter(|(place, _)| {
                let before = folded.get(..*place).and_then(|text| text.chars().next_back());
                let mut after = folded.get(place.saturating_add(wanted.len())..).unwrap_or_default().chars();
                let longer = match after.next() {
                    Some('.') => after.next().is_some_and(char::is_alphanumeric),
                    Some(letter) => letter.is_alphanumeric() || letter == '-',
                    None => false,
                };
                // A line's end in JSON is written `\n`: its letter belongs to no address.
                let escaped = before.is_some_and(|letter| matches!(letter, 'n' | 'r' | 't' | 'b' | 'f'))
                    && folded.get(..place.saturating_sub(1)).is_some_and(|text| text.ends_with('\\'));
                let joined = before.is_some_and(|letter| {
                    letter.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(letter)
                });
                !longer && (!joined || escaped)
            })
            .map(|(place, _)| place)
            .collect();
        found.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> Person {
        Person {
            id: "usr_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            email: "ana@example.com".to_owned(),
            name: "Ana \"A\" Li".to_owned(),
        }
    }

    #[test]
    fn an_address_is_found_in_any_case_but_not_within_another() {
        for (text, named) in [
            ("ana@example.com", true),
            (r#"{"to":"Ana@Example.COM"}"#, true),
            ("<ana@example.com>, others", true),
            ("Write to ana@example.com.", true),
            (r#""a line\nana@example.com""#, true),
            ("diana@example.com", false),
            ("x.ana@example.com", false),
            ("ana@example.com.au", false),
            ("ana@example.community", false),
            ("ana@example.org", false),
            (r#"{"name":"Ana \"A\" Li"}"#, true),
            (r#"{"name":"Analysis"}"#, false),
        ] {
            assert_eq!(ana().is_named_in(text), named, "{text}");
        }
    }

    #[test]
    fn the_pseudonym_takes_the_place_of_the_address() {
        let text = r#"{"to":["Ana@example.com","diana@example.com","ana@example.com"],"é":1}"#;
        let p = ana().pseudonym();
        let wanted = format!(r#"{{"to":["{p}","diana@example.com","{p}"],"é":1}}"#);
        assert_eq!(ana().taken_out_of(text), Some(wanted));
        assert_eq!(ana().taken_out_of("diana@example.com"), None);
    }
}
