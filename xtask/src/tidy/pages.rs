//! Does every link in the documentation lead somewhere? Links to files of this repository; others are not visited.

use super::{Breach, tree::Tree};

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in file.text.lines().enumerate() {
            for link in links(line) {
                let path = link.split('#').next().unwrap_or(link);
                let elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
                if !elsewhere && !resolve(folder, path).is_some_and(|path| tree.has(&path)) {
                    let what = format!("links to {path}, which is not there");
                    found.push(Breach::at(&file.path, number + 1, what, "mend the link, or write the page"));
                }
            }
        }
    }
    found
}

/// The targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// `path` as seen from `folder`; none if it leaves the repository.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let from = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        let tree = Tree::of(&[
            ("README.md", "[a](docs/a.md) [b](docs) [c](https://example.com/x) [d](#top)"),
            ("docs/a.md", "[up](../README.md#x)\n[gone](gone.md)"),
        ]);
        let places: Vec<String> = check(&tree).into_iter().map(|breach| breach.place).collect();
        assert_eq!(places, ["docs/a.md:2"]);
    }
}
