//! What does a path name? `/api/v1/…`, the same without `v1`, and either below a tenant's slug, are one route.

/// A path, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The slug that stood before `/api`, if one did.
    pub(crate) tenant: Option<String>,
    /// The canonical path.
    pub(crate) path: String,
}

/// Finds the slug and the canonical path.
pub(crate) fn named(path: &str) -> Named {
    let (tenant, rest) = match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((slug, rest)) if (rest == "api" || rest.starts_with("api/")) && slug != "api" => {
            (Some(slug.to_owned()), format!("/{rest}"))
        }
        _ => (None, path.to_owned()),
    };
    let path = match rest.strip_prefix("/api/") {
        Some(inner) if inner != "v1" && !inner.starts_with("v1/") => format!("/api/v1/{inner}"),
        _ => rest,
    };
    // A trailing slash names the same resource.
    let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
    Named { tenant, path }
}

/// Whether pages for people stand there, which are nobody's to read from another site.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/portal" || path.starts_with("/portal/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases() {
        for (path, tenant, canonical) in [
            ("/api/v1/automation/rules", None, "/api/v1/automation/rules"),
            ("/acme-corp/api/v1/automation/rules/", Some("acme-corp"), "/api/v1/automation/rules"),
            ("/api/auth/login", None, "/api/v1/auth/login"),
            ("/acme-corp/api/admin/users", Some("acme-corp"), "/api/v1/admin/users"),
            ("/api/v1", None, "/api/v1"),
            ("/api/v10/x", None, "/api/v1/v10/x"),
            ("/health/live", None, "/health/live"),
            ("/", None, "/"),
            ("/internal/jobs/tick", None, "/internal/jobs/tick"),
        ] {
            let wanted = Named { tenant: tenant.map(str::to_owned), path: canonical.to_owned() };
            assert_eq!(named(path), wanted, "{path}");
        }
    }
}
