//! Does every word stand in the room that owns it? Libraries, statuses, SQL, and notes to oneself that should be done.

use super::{
    Breach,
    allowed::{OWNED, SQL, is_below},
    rust::{Views, lines_with},
    tree::{File, Tree},
};

/// How a statement begins. Upper case: that is how SQL is written here.
const STATEMENTS: &[&str] =
    &["SELECT ", "INSERT INTO", "INSERT OR", "UPDATE ", "DELETE FROM", "CREATE TABLE"];

/// Notes that say "not done".
const NOTES: &[&str] = &["TODO", "FIXME", "XXX"];

/// Code that says "not done".
const GAPS: &[&str] = &["todo!", "unimplemented!"];

const DONE: &str = "do it, or open an issue and say in the comment what holds today";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in tree.rust() {
        let views = Views::of(&file.text);
        owned(file, &views, &mut found);
        sql(file, &views, &mut found);
        gaps(file, &views, &mut found);
    }
    let other = [".toml", ".sql", ".wit", ".md", ".html"];
    for file in tree.files.iter().filter(|file| other.iter().any(|ending| file.path.ends_with(ending))) {
        notes(file, &file.text, &mut found);
    }
    found
}

fn owned(file: &File, views: &Views, found: &mut Vec<Breach>) {
    for owned in OWNED {
        if owned.owners.iter().any(|owner| is_below(&file.path, owner)) {
            continue;
        }
        for line in lines_with(&views.code, owned.word) {
            let what = format!("says `{}`, which belongs to {}", owned.word, owned.owners.join(", "));
            found.push(Breach::at(&file.path, line, what, owned.remedy));
        }
    }
}

fn sql(file: &File, views: &Views, found: &mut Vec<Breach>) {
    let is_store = file.path.ends_with("/store.rs") || file.path.contains("/store/");
    let is_test = ["/tests/", "/benches/"].iter().any(|folder| file.path.contains(folder))
        || file.path.ends_with("/tests.rs");
    if is_store || is_test || SQL.iter().any(|place| is_below(&file.path, place)) {
        return;
    }
    let strings = views.shipped_strings();
    for (number, line) in strings.lines().enumerate() {
        if STATEMENTS.iter().any(|statement| line.contains(statement)) {
            let remedy = "move the statement to the area's store.rs, as a constant at its top";
            found.push(Breach::at(&file.path, number + 1, "holds SQL outside a store", remedy));
        }
    }
}

fn gaps(file: &File, views: &Views, found: &mut Vec<Breach>) {
    notes(file, &views.comments, found);
    for gap in GAPS {
        for line in lines_with(&views.code, gap) {
            found.push(Breach::at(&file.path, line, format!("says `{gap}`"), DONE));
        }
    }
    for (number, line) in views.code.lines().enumerate() {
        if line.contains("#[ignore") {
            let remedy = "make the test pass, or take it out: a test that does not run holds nothing";
            found.push(Breach::at(&file.path, number + 1, "is a test that does not run", remedy));
        }
    }
}

fn notes(file: &File, text: &str, found: &mut Vec<Breach>) {
    for note in NOTES {
        for line in lines_with(text, note) {
            found.push(Breach::at(&file.path, line, format!("says `{note}`"), DONE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|breach| breach.place).collect()
    }

    #[test]
    fn sql_stands_in_stores() {
        let text = "const GET: &str = \"SELECT id FROM rules\";";
        assert_eq!(places("crates/rules/src/store.rs", text), [""; 0]);
        assert_eq!(places("crates/rules/src/store/rule.rs", text), [""; 0]);
        assert_eq!(places("crates/rules/src/service.rs", text), ["crates/rules/src/service.rs:1"]);
        assert_eq!(places("crates/rules/src/service.rs", "// SELECT by hand"), [""; 0]);
        assert_eq!(places("crates/rules/tests/all/service.rs", text), [""; 0]);
    }

    #[test]
    fn words_have_owners() {
        assert_eq!(places("components/rules/src/lib.rs", "use spin_sdk::http;"), [""; 0]);
        assert_eq!(places("components/rules/src/routes.rs", "use spin_sdk::http;").len(), 1);
        assert_eq!(places("crates/rules/src/error.rs", "fn a() -> StatusCode {}").len(), 1);
        assert_eq!(places("crates/rules/src/error.rs", "// no StatusCode here").len(), 0);
    }

    #[test]
    fn nothing_is_left_for_later() {
        let note = format!("{}: tidy up", NOTES[0]);
        assert_eq!(places("crates/rules/src/rule.rs", &format!("// {note}")).len(), 1);
        assert_eq!(places("docs/later.md", &note).len(), 1);
        assert_eq!(places("crates/rules/src/rule.rs", &format!("fn a() {{ {}() }}", GAPS[0])).len(), 1);
    }
}
