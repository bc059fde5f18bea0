//! Which component answers a path?
//!
//! Spin's rules: a pattern is exact text, `:name` for one segment, or a trailing `/...`. Patterns are compared segment
//! by segment from the left, exact before named before wildcard; where one pattern is the beginning of the other, the
//! shorter one comes first. Of two identical patterns the later wins. A trailing slash of the path is ignored when
//! matching, and kept in what a wildcard captures.

use crate::failure::{Failure, Outcome};

/// All public routes, in the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub struct Router {
    routes: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    raw: String,
    segments: Vec<Segment>,
    component: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Exact(String),
    Named(String),
    Rest,
}

/// What a path matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The component that answers.
    pub component: String,
    /// The pattern as it stands in the manifest.
    pub route: String,
    /// What a trailing `/...` captured, with its leading slash; empty if there is nothing.
    pub rest: String,
    /// Named segments and their text.
    pub named: Vec<(String, String)>,
}

impl Match {
    /// The match of a call from another component: as if the component had the route `/...`.
    pub fn chained(component: &str, path: &str) -> Self {
        Self { component: component.into(), route: "/...".into(), rest: path.into(), named: Vec::new() }
    }

    /// The pattern without its trailing `/...`.
    pub fn prefix(&self) -> &str {
        self.route.strip_suffix("/...").unwrap_or(&self.route)
    }
}

impl Router {
    /// Builds the table from pairs of pattern and component, in the manifest's order.
    ///
    /// # Errors
    /// If a pattern uses a syntax that the host does not know.
    pub fn new<'a>(routes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Outcome<Self> {
        let mut table: Vec<Pattern> = Vec::new();
        for (raw, component) in routes {
            match table.iter_mut().find(|known| known.raw == raw) {
                Some(known) => {
                    tracing::warn!(
                        route = raw,
                        unused = known.component,
                        used = component,
                        "A route stands twice; the later wins"
                    );
                    known.component = component.into();
                }
                None => table.push(Pattern {
                    raw: raw.into(),
                    segments: parse(raw)?,
                    component: component.into(),
                }),
            }
        }
        table.sort_by_key(|pattern| pattern.segments.iter().map(Segment::rank).collect::<Vec<_>>());
        Ok(Self { routes: table })
    }

    /// The best match for a path, or `None` for a 404.
    pub fn find(&self, path: &str) -> Option<Match> {
        self.routes.iter().find_map(|pattern| pattern.find(path))
    }

    /// Patterns and their components, in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.routes.iter().map(|p| (p.raw.as_str(), p.component.as_str()))
    }
}

impl Segment {
    fn rank(&self) -> u8 {
        match self {
            Self::Exact(_) => 0,
            Self::Named(_) => 1,
            Self::Rest => 2,
        }
    }
}

impl Pattern {
    fn find(&self, path: &str) -> Option<Match> {
        let mut named = Vec::new();
        let mut rest = String::new();
        // `None` once the path has ended; an empty path has no segments at all.
        let trimmed = path.trim_matches('/');
        let mut left = (!trimmed.is_empty()).then_some(trimmed);
        for segment in &self.segments {
            if *segment == Segment::Rest {
                rest = captured(left.unwrap_or(""), path.ends_with('/'));
                left = None;
                break;
            }
            let text = left?;
            let (head, tail) = text.split_once('/').map_or((text, None), |(head, tail)| (head, Some(tail)));
            match segment {
                Segment::Exact(exact) if exact != head => return None,
                Segment::Named(name) => named.push((name.clone(), head.to_owned())),
                Segment::Exact(_) | Segment::Rest => {}
            }
            left = tail;
        }
        if left.is_some() {
            return None;
        }
        Some(Match { component: self.component.clone(), route: self.raw.clone(), rest, named })
    }
}

fn captured(rest: &str, slash: bool) -> String {
    match (rest.is_empty(), slash) {
        (true, false) => String::new(),
        (true, true) => "/".into(),
        (false, false) => format!("/{rest}"),
        (false, true) => format!("/{rest}/"),
    }
}

fn parse(raw: &str) -> Outcome<Vec<Segment>> {
    let refuse = |why: &str| {
        Err(Failure::new(
            format!("The route '{raw}' is refused: {why}."),
            "The host knows exact text, `:name` for one whole segment, and a trailing `/...`.",
            "Write the route with these three, for example /api/:tenant/...",
        ))
    };
    if !raw.starts_with('/') {
        return refuse("it does not begin with a slash");
    }
    let (body, wildcard) = raw.strip_suffix("/...").map_or((raw, false), |body| (body, true));
    let mut segments = Vec::new();
    for text in body.trim_matches('/').split('/').filter(|_| !body.trim_matches('/').is_empty()) {
        segments.push(match text.strip_prefix(':') {
            Some("") => return refuse("a `:` stands without a name"),
            Some(name) if name.contains('.') => return refuse("a named segment must be the whole segment"),
            Some(name) => Segment::Named(name.into()),
            None if text.is_empty() => return refuse("it has an empty segment"),
            None if text.contains('*') || text == "..." => {
                return refuse("a wildcard may stand only at the end, as `/...`");
            }
            None => Segment::Exact(text.into()),
        });
    }
    if wildcard {
        segments.push(Segment::Rest);
    }
    Ok(segments)
}
