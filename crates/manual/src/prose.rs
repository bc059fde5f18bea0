//! How do descriptions read? As the part of Markdown that they use: paragraphs, `## ` headings, `- ` lists, `code` and
//! **strong**. Everything else is text.

use crate::html::escape;

/// A description as HTML blocks.
pub(crate) fn blocks(text: &str) -> String {
    let mut out = String::new();
    for block in text.replace("\r\n", "\n").split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
        let mut rest = block;
        if let Some(heading) =
            block.lines().next().and_then(|line| line.trim_start_matches('#').strip_prefix(' '))
            && block.starts_with('#')
        {
            out.push_str(&format!("<h3>{}</h3>", line(heading.trim())));
            rest = block.split_once('\n').map_or("", |(_, rest)| rest);
        }
        let (before, items) = split_list(rest);
        if !before.is_empty() {
            out.push_str(&format!("<p>{}</p>", line(&before)));
        }
        if !items.is_empty() {
            let items: String = items.iter().map(|item| format!("<li>{}</li>", line(item))).collect();
            out.push_str(&format!("<ul>{items}</ul>"));
        }
    }
    out
}

/// A text before a list, and the list's items; lines that go on belong to what stands before them.
fn split_list(block: &str) -> (String, Vec<String>) {
    let mut before = String::new();
    let mut items: Vec<String> = Vec::new();
    for line in block.lines().map(str::trim) {
        let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
        match (item, items.last_mut()) {
            (Some(item), _) => items.push(item.to_owned()),
            (None, Some(last)) => {
                last.push(' ');
                last.push_str(line);
            }
            (None, None) => {
                if !before.is_empty() {
                    before.push(' ');
                }
                before.push_str(line);
            }
        }
    }
    (before, items)
}

/// One line: `code` and **strong**.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, mark, inner, after)) = next_mark(rest) {
        out.push_str(&escape(before));
        let tag = if mark == "`" { "code" } else { "strong" };
        out.push_str(&format!("<{tag}>{}</{tag}>", escape(inner)));
        rest = after;
    }
    out.push_str(&escape(rest));
    out
}

fn next_mark(text: &str) -> Option<(&str, &'static str, &str, &str)> {
    let closed = |mark: &'static str| {
        let (before, opened) = text.split_once(mark)?;
        let (inner, after) = opened.split_once(mark)?;
        (!inner.is_empty()).then_some((before, mark, inner, after))
    };
    match (closed("`"), closed("**")) {
        (Some(code), Some(strong)) => Some(if code.0.len() <= strong.0.len() { code } else { strong }),
        (code, strong) => code.or(strong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_descriptions_use() {
        let text = "Newest first.\nNeeds `jobs:read`.\n\n## Limits\n- **one** of\n  many\n- <two>";
        assert_eq!(
            blocks(text),
            "<p>Newest first. Needs <code>jobs:read</code>.</p><h3>Limits</h3>\
             <ul><li><strong>one</strong> of many</li><li>&lt;two&gt;</li></ul>"
        );
    }

    #[test]
    fn marks_that_do_not_close_are_text() {
        assert_eq!(line("a ` b ** c"), "a ` b ** c");
        assert_eq!(line("`**a**` **b**"), "<code>**a**</code> <strong>b</strong>");
        assert_eq!(line("`<script>`"), "<code>&lt;script&gt;</code>");
    }
}
