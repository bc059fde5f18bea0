//! Spin's rules about routes. The cases marked S stand in Spin's own tests of its router.

use host::route::{Match, Router};

/// Builds a router whose components are called like their routes.
fn router(routes: &[&str]) -> Router {
    Router::new(routes.iter().map(|route| (*route, *route))).unwrap()
}

fn check(routes: &[&str], cases: &[(&str, Option<&str>)]) {
    let mut reversed = routes.to_vec();
    reversed.reverse();
    for routes in [routes, &reversed] {
        let router = router(routes);
        for (path, expected) in cases {
            let found = router.find(path).map(|found| found.route);
            assert_eq!(found.as_deref(), *expected, "{path} among {routes:?}");
        }
    }
}

#[test]
fn exact() {
    // S: test_router_exact
    check(
        &["/foo", "/foo/bar"],
        &[
            ("/foo", Some("/foo")),
            ("/foo/bar", Some("/foo/bar")),
            ("/foo/baz", None),
            ("/foobar", None),
            ("/", None),
        ],
    );
    check(&["/foo"], &[("/foo/", Some("/foo")), ("//foo", Some("/foo")), ("/FOO", None), ("/fo", None)]);
    check(&["/"], &[("/", Some("/")), ("", Some("/")), ("/a", None)]);
}

#[test]
fn wildcard() {
    // S: test_router_wildcard
    check(&["/..."], &[("/foo/bar", Some("/...")), ("/abc/", Some("/...")), ("/", Some("/..."))]);
    check(
        &["/a/..."],
        &[("/a", Some("/a/...")), ("/a/", Some("/a/...")), ("/a/b/c", Some("/a/...")), ("/ab", None)],
    );
}

#[test]
fn precedence() {
    // S: test_router_respects_longest_match, test_router_exact_beats_wildcard
    check(
        &["/one/...", "/one/two/...", "/one/two/three/..."],
        &[
            ("/one/two/three/four", Some("/one/two/three/...")),
            ("/one/two/x", Some("/one/two/...")),
            ("/one", Some("/one/...")),
        ],
    );
    check(&["/one", "/..."], &[("/one", Some("/one")), ("/two", Some("/..."))]);
    check(
        &["/...", "/:a", "/x", "/:a/y", "/x/:b", "/x/..."],
        &[
            ("/x", Some("/x")),
            ("/y", Some("/:a")),
            ("/x/y", Some("/x/:b")),
            ("/z/y", Some("/:a/y")),
            ("/x/y/z", Some("/x/...")),
            ("/z/z", Some("/...")),
        ],
    );
}

#[test]
fn ours() {
    check(
        &[
            "/api/v1/events/...",
            "/api/v1/...",
            "/:tenant/api/v1/events/...",
            "/:tenant/api/v1/...",
            "/hooks/:tenant/:source",
            "/docs",
        ],
        &[
            ("/api/v1/events", Some("/api/v1/events/...")),
            ("/api/v1/events/ev_1/trace", Some("/api/v1/events/...")),
            ("/api/v1/other", Some("/api/v1/...")),
            ("/acme/api/v1/events", Some("/:tenant/api/v1/events/...")),
            ("/acme/api/v1/rules/1", Some("/:tenant/api/v1/...")),
            ("/hooks/acme/github", Some("/hooks/:tenant/:source")),
            ("/hooks/acme", None),
            ("/docs/x", None),
            ("/acme/api/v2", None),
        ],
    );
}

#[test]
fn identical_routes_the_later_wins() {
    // S: duplicate_routes_last_one_wins
    let router = Router::new([("/foo", "first"), ("/foo", "second"), ("/...", "rest")]).unwrap();
    assert_eq!(router.find("/foo").unwrap().component, "second");
    assert_eq!(router.iter().count(), 2);
    // Routes of one shape are not identical: the earlier wins.
    let router = Router::new([("/:a", "first"), ("/:b", "second")]).unwrap();
    assert_eq!(router.find("/x").unwrap().component, "first");
}

#[test]
fn what_a_wildcard_captures() {
    // S: trailing_wildcard_is_captured, trailing_wildcard_respects_trailing_slash
    for (route, path, rest) in [
        ("/...", "/1/2/3", "/1/2/3"),
        ("/1/...", "/1/2/3", "/2/3"),
        ("/test/...", "/test", ""),
        ("/test/...", "/test/", "/"),
        ("/test/...", "/test/hello", "/hello"),
        ("/test/...", "/test/hello/", "/hello/"),
        ("/...", "/", "/"),
        ("/a/...", "/a//b", "//b"),
        ("/a", "/a", ""),
    ] {
        assert_eq!(router(&[route]).find(path).unwrap().rest, rest, "{route} {path}");
    }
}

#[test]
fn what_names_capture() {
    // S: named_wildcard_is_captured
    let named = |route: &str, path: &str| router(&[route]).find(path).map(|found: Match| found.named);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(named("/1/:two/3", "/1/2/3"), Some(vec![pair("two", "2")]));
    assert_eq!(named("/1/:two/...", "/1/2/3"), Some(vec![pair("two", "2")]));
    assert_eq!(named("/:a/:b", "/x/y%2F"), Some(vec![pair("a", "x"), pair("b", "y%2F")]));
    assert_eq!(named("/:a/...", "/"), None);
    assert_eq!(named("/x/:a/y", "/x//y"), Some(vec![pair("a", "")]));
}

#[test]
fn what_is_no_route() {
    for route in ["foo", "", "/a/*", "/*", "/a/.../b", "/:", "/:a.json", "/a//b", "/a*b"] {
        let error = Router::new([(route, "c")]).unwrap_err();
        assert!(error.what().contains(&format!("'{route}'")), "{error}");
    }
    assert!(Router::new([("/openapi.json", "c"), ("/.well-known/jwks.json", "c")]).is_ok());
}

/// The router of Spin itself, which is another than ours: a route that it loses is served here and nowhere else.
#[test]
fn every_route_of_our_application_is_reached_on_spin_too() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../spin.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let routes: Vec<&str> = manifest["trigger"]["http"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trigger| trigger["route"].as_str().unwrap())
        .collect();
    let mut spins = routefinder::Router::new();
    for route in &routes {
        let pattern =
            route.strip_suffix("/...").map_or_else(|| (*route).to_owned(), |head| format!("{head}/*"));
        spins.add(pattern.as_str(), *route).unwrap();
    }
    assert!(routes.len() > 30, "{routes:?}");
    for route in routes {
        let path = route.replace("/...", "/deeper").replace(':', "");
        let found = spins.best_match(&path).map(|found| *found.handler());
        assert_eq!(found, Some(route), "{path}");
    }
}
