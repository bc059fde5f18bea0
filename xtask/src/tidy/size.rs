//! Can a file be read in one sitting? At most 500 lines, tests aside.

use super::{Breach, rust::Views, tree::Tree};

const LINES: usize = 500;

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.rust()
        .filter(|file| {
            !file.path.starts_with("tests/")
                && !file.path.contains("/tests/")
                && !file.path.ends_with("/tests.rs")
        })
        .filter_map(|file| {
            let lines = shipped_lines(&file.text);
            (lines > LINES).then(|| {
                let what = format!("has {lines} lines without its tests; {LINES} is the most");
                Breach::new(
                    &file.path,
                    what,
                    "find the second question that it answers, and give that a file",
                )
            })
        })
        .collect()
}

/// Lines up to the last one that is shipped: tests stand at the end.
fn shipped_lines(text: &str) -> usize {
    // Few files come near the limit; only those are looked at closely.
    let all = text.lines().count();
    if all <= LINES {
        return all;
    }
    let shipped = Views::of(text).shipped();
    shipped
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .last()
        .map_or(0, |(number, _)| number + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_do_not_count() {
        let code = "fn a() {}\n".repeat(LINES);
        let tests = format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n");
        assert_eq!(shipped_lines(&tests), LINES);
        assert_eq!(shipped_lines(&format!("{code}fn b() {{}}\n")), LINES + 1);
    }
}
