//! Do the walls of the house hold? Each check looks at all files and tells every breach, with what to do about it.

mod allowed;
mod edges;
mod manifest;
mod names;
mod pages;
mod rust;
mod size;
mod tree;
mod words;

use crate::workspace::{Workspace, say};
use anyhow::{Result, bail};
use std::fmt;
use tree::Tree;

/// Something that stands where it may not.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    place: String,
    what: String,
    remedy: String,
}

impl Breach {
    fn new(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), remedy: remedy.into() }
    }

    /// In a line of a file.
    fn at(path: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), what, remedy)
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}\n    {}", self.place, self.what, self.remedy)
    }
}

pub(crate) fn tidy(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(&workspace.root)?;
    let mut breaches = edges::check(workspace)?;
    breaches.extend(words::check(&tree));
    breaches.extend(names::check(&tree));
    breaches.extend(size::check(&tree));
    breaches.extend(manifest::check(workspace, &tree)?);
    breaches.extend(pages::check(&tree));
    breaches.sort();
    for breach in &breaches {
        println!("{breach}");
    }
    if breaches.is_empty() {
        say(&format!("tidy: {} files, every wall holds", tree.files.len()));
        return Ok(());
    }
    bail!("tidy: {} places to mend", breaches.len())
}
