//! Does every file say what it is about? By its name, and a Rust source by its first line.

use super::{Breach, allowed::NAMELESS, tree::Tree};

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in &tree.files {
        // What `wit/deps` holds is named by others.
        if file.path.contains("/deps/") {
            continue;
        }
        for part in file.path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            if NAMELESS.contains(&stem) {
                let what = format!("is called `{stem}`, which says nothing about what is inside");
                found.push(Breach::new(&file.path, what, "name it after the question that it answers"));
            }
        }
    }
    for file in tree.rust() {
        if !file.text.starts_with("//! ") {
            let remedy = "begin with //! and the question that the file answers";
            found.push(Breach::at(&file.path, 1, "does not say what it is for", remedy));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_first_lines() {
        let tree = Tree::of(&[
            ("crates/rules/src/rule.rs", "//! What is a rule?\n"),
            ("crates/rules/src/utils.rs", "//! What?\n"),
            ("crates/core/src/lib.rs", "use std::fmt;\n"),
            ("host/wit/deps/types.wit", ""),
        ]);
        let places: Vec<String> = check(&tree).into_iter().map(|breach| breach.place).collect();
        assert_eq!(
            places,
            ["crates/rules/src/utils.rs", "crates/core/src/lib.rs", "crates/core/src/lib.rs:1"]
        );
    }
}
