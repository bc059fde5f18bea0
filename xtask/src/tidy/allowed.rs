//! What may stand where? The reviewed lists. A new line here is a decision: say in its commit why the wall has a door.

/// The areas: crates that hold a part of the domain. They do not use each other.
pub(super) const AREAS: &[&str] =
    &["auth", "events", "rules", "jobs", "records", "webhooks", "notifications", "tasks", "schedules"];

/// What stands below the areas and never uses them.
const GROUND: &[&str] = &["kernel", "language", "db", "vault", "audit", "schema"];

/// Who may use whom besides what [`may_use`] says in general: (user, used).
const DOORS: &[(&str, &str)] = &[
    // Shows triggers (of rules) and events, with the trail of jobs, messages and tasks that an event left.
    ("triggers-component", "events"),
    ("triggers-component", "rules"),
    ("triggers-component", "jobs"),
    ("triggers-component", "notifications"),
    ("triggers-component", "tasks"),
    // Serves schedules beside the events that they raise.
    ("triggers-component", "schedules"),
    // Runs the jobs that deliver messages.
    ("jobs-component", "notifications"),
    // Tests a draft over stored events.
    ("rules-component", "events"),
    // Shows figures of the queue and of the ledger, and the whole interface as a page.
    ("platform-component", "jobs"),
    ("platform-component", "events"),
    ("platform-component", "schedules"),
    ("platform-component", "manual"),
];

/// Whether the package `user` may depend on the package `used`, both of this workspace.
pub(super) fn may_use(user: &str, used: &str) -> bool {
    let general: &[&[&str]] = match user {
        "kernel" | "tests" => &[],
        "language" => &[&["kernel"]],
        "db" | "schema" => &[&["kernel"]],
        "vault" | "audit" => &[&["kernel", "db"]],
        area if AREAS.contains(&area) => &[GROUND],
        "pipeline" => &[GROUND, AREAS],
        // Of the audit only its tests know, to read what a refusal left there.
        "edge" => &[&["kernel", "db", "vault", "audit", "auth"]],
        // It implements the ports of the areas.
        "guest" => &[&["kernel", "db", "edge", "pipeline"], AREAS],
        // Its doctor reads keys and schema as the components do; it proves an exported audit.
        "host" => &[&["kernel", "db", "vault", "audit", "auth"]],
        "manual" => &[&["kernel"]],
        "xtask" => &[&["tests"]],
        // Measures what rules answer, without a host.
        "speed" => &[&["kernel", "language", "rules"]],
        component if component.ends_with("-component") => {
            let own = component.trim_end_matches("-component");
            if own == used {
                return true;
            }
            &[&["kernel", "db", "vault", "audit", "edge", "guest", "pipeline"]]
        }
        _ => &[],
    };
    general.iter().any(|names| names.contains(&used)) || DOORS.contains(&(user, used))
}

/// Whether `may_use` knows the package at all.
pub(super) fn is_known(package: &str) -> bool {
    let rooms = ["pipeline", "edge", "guest", "manual", "host", "xtask", "tests", "speed"];
    GROUND.contains(&package)
        || AREAS.contains(&package)
        || rooms.contains(&package)
        || package.ends_with("-component")
}

/// A word that belongs to somebody: nobody else may say it in code.
pub(super) struct Owned {
    pub(super) word: &'static str,
    /// Paths begin with one of these; `*` stands for one folder.
    pub(super) owners: &'static [&'static str],
    pub(super) remedy: &'static str,
}

pub(super) const OWNED: &[Owned] = &[
    Owned {
        word: "spin_sdk",
        owners: &["crates/guest/", "components/*/src/lib.rs", "host/tests/guest/"],
        remedy: "only guest and a component's lib.rs talk to Spin; take what is needed as an argument or through a port",
    },
    Owned { word: "wasmtime", owners: &["host/"], remedy: "only the host runs wasm" },
    Owned {
        word: "rusqlite",
        owners: &["crates/db/", "host/", "tests/"],
        remedy: "go through the port of crates/db; tests use db::native",
    },
    Owned {
        word: "StatusCode",
        owners: &["crates/edge/", "host/"],
        remedy: "give the fault a kernel::Kind; crates/edge turns kinds into statuses",
    },
];

/// Where SQL may stand besides files named store.rs and folders named store.
pub(super) const SQL: &[&str] = &[
    "crates/db/",
    "host/src/compact.rs",
    "host/src/doctor",
    "host/src/key_value.rs",
    "host/src/sqlite/",
    "tests/",
    "xtask/src/tidy/",
];

/// Names that say nothing about what is inside.
pub(super) const NAMELESS: &[&str] =
    &["common", "util", "utils", "helper", "helpers", "shared", "misc", "core", "base", "types", "models"];

/// Whether `path` begins with `pattern`, in which `*` stands for one folder.
pub(super) fn is_below(path: &str, pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return path.starts_with(pattern);
    };
    path.strip_prefix(before)
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(_, rest)| after.strip_prefix('/').is_some_and(|after| rest.starts_with(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floors() {
        assert!(
            may_use("rules", "kernel") && may_use("pipeline", "rules") && may_use("rules-component", "rules")
        );
        assert!(!may_use("rules", "jobs"), "areas do not use each other");
        assert!(!may_use("kernel", "db") && !may_use("rules", "edge") && !may_use("jobs-component", "rules"));
    }

    #[test]
    fn a_star_is_one_folder() {
        assert!(is_below("components/rules/src/lib.rs", "components/*/src/lib.rs"));
        assert!(!is_below("components/rules/src/routes.rs", "components/*/src/lib.rs"));
        assert!(is_below("crates/guest/src/x.rs", "crates/guest/"));
    }
}
