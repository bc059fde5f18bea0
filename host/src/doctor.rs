//! Is the installation sound? Each check is a line: what was looked at, and where it fails, what to do.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use db::native;
use futures::executor::block_on;
use kernel::Secret;

use crate::failure::{Failure, Outcome};
use crate::manifest::Manifest;
use crate::outbound::Blocked;
use crate::runtime_config::RuntimeConfig;
use crate::state::secrets;

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// What was found; or what is wrong and what to do.
    pub said: Result<String, String>,
}

fn finding(what: &'static str, said: Result<String, String>) -> Finding {
    Finding { what, said }
}

/// Looks at everything that `signalbox up` will rely on.
pub fn examine(manifest: &Path, state: &Path, config: &RuntimeConfig) -> Vec<Finding> {
    let database = database(state, config);
    vec![
        finding("manifest", application(manifest)),
        finding("state directory", directory(state)),
        finding("secrets", keys(state)),
        finding("database", sound(&database)),
        finding("schema", schema(&database)),
        finding("outbound block", block(config)),
    ]
}

/// Where the product's database lives.
pub fn database(state: &Path, config: &RuntimeConfig) -> PathBuf {
    let configured = config.databases.get("default").cloned().flatten();
    configured.unwrap_or_else(|| state.join("sqlite").join("default.db"))
}

fn application(manifest: &Path) -> Result<String, String> {
    let read = Manifest::read(manifest).map_err(|failure| failure.to_string())?;
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let unbuilt: Vec<&str> = read
        .component
        .iter()
        .filter(|(_, component)| !folder.join(&component.source).exists())
        .map(|(name, _)| name.as_str())
        .collect();
    if unbuilt.is_empty() {
        Ok(format!("{} components are built", read.component.len()))
    } else {
        Err(format!("{} are not built; run `cargo xtask build`", unbuilt.join(", ")))
    }
}

fn directory(state: &Path) -> Result<String, String> {
    let found = fs::metadata(state)
        .map_err(|e| format!("{} cannot be seen: {e}; `signalbox up --state` makes it", state.display()))?;
    match found.permissions().mode() & 0o077 {
        0 => Ok(format!("{} is for this user only", state.display())),
        _ => Err(format!("{0} can be read by others; run `chmod 700 {0}`", state.display())),
    }
}

fn keys(state: &Path) -> Result<String, String> {
    let file = state.join(secrets::FILE);
    let found = fs::metadata(&file).map_err(|_| {
        format!("there is no {}; `signalbox up` makes it, or set the variables yourself", secrets::FILE)
    })?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(format!("{0} can be read by others; run `chmod 600 {0}`", file.display()));
    }
    let values = secrets::of(state).map_err(|failure| failure.to_string())?;
    let value = |name: &str| Secret::new(values.get(name).cloned().unwrap_or_default());
    auth::TokenKeys::from_variable(&value("signing_keys")).map_err(|e| format!("signing_keys: {e}"))?;
    vault::Vault::from_keys(value("vault_keys").expose()).map_err(|e| format!("vault_keys: {e}"))?;
    if value("internal_token").expose().len() < 32 {
        return Err(
            "internal_token is shorter than 32 characters; make one with `openssl rand -hex 32`".into()
        );
    }
    Ok("signing keys, vault keys and the internal token read".into())
}

fn one_text(file: &Path, sql: &str) -> Result<String, db::DbError> {
    let mut connection = native::connect(file)?;
    let rows = block_on(connection.run(sql, Vec::new()))?;
    Ok(rows.decode::<String>()?.into_iter().next().unwrap_or_default())
}

fn sound(file: &Path) -> Result<String, String> {
    if !file.exists() {
        return Ok("there is none yet; the first start makes it".into());
    }
    match one_text(file, "SELECT quick_check AS id FROM pragma_quick_check LIMIT 1") {
        Ok(said) if said == "ok" => Ok(format!("{} is sound{}", file.display(), size(file))),
        Ok(said) => {
            Err(format!("{} is damaged: {said}; stop, keep a copy, restore a backup", file.display()))
        }
        Err(e) => Err(format!("{} cannot be read: {e}", file.display())),
    }
}

/// How large the database is, and how much of it is gaps.
fn size(file: &Path) -> String {
    const SIZE: &str = "SELECT printf(', %,d KiB, of which %,d KiB are gaps that `signalbox compact` closes',
        page_count * page_size / 1024, freelist_count * page_size / 1024) AS id
        FROM pragma_page_count, pragma_page_size, pragma_freelist_count";
    one_text(file, SIZE).unwrap_or_default()
}

fn schema(file: &Path) -> Result<String, String> {
    if !file.exists() {
        return Ok(format!("the first start makes version {}", db::SCHEMA_VERSION));
    }
    let look = || -> Result<usize, db::DbError> {
        let mut connection = native::connect(file)?;
        let history = block_on(db::applied(&mut *connection))?;
        db::verify(&history).map(<[db::Migration]>::len)
    };
    match look() {
        Ok(0) => Ok(format!("version {}", db::SCHEMA_VERSION)),
        Ok(missing) => {
            Ok(format!("{missing} migrations are to be applied; the next start does, or `signalbox migrate`"))
        }
        Err(e) => Err(e.to_string()),
    }
}

fn block(config: &RuntimeConfig) -> Result<String, String> {
    let blocked = config.blocked.clone().unwrap_or_else(Blocked::standard);
    if blocked.blocks(IpAddr::V4(Ipv4Addr::LOCALHOST))
        && blocked.blocks(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)))
    {
        Ok("loopback and link-local addresses are refused".into())
    } else {
        Err("tenants' URLs may reach this machine and its network; set block_networks in [outbound_networking] of the \
             runtime configuration as in runtime-config/single-machine.toml"
            .into())
    }
}

/// Brings the database to the newest schema; tells what was applied.
///
/// # Errors
/// If it is newer than this program, was damaged, or cannot be written.
pub fn migrate(file: &Path) -> Outcome<String> {
    let trouble = |e: &dyn std::fmt::Display| {
        Failure::new(
            format!("The database {} was not migrated: {e}.", file.display()),
            "It is as it was before.",
            "Stop whatever uses it, then try again; if its history differs, restore a backup.",
        )
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|e| trouble(&e))?;
    }
    let mut connection = native::connect(file).map_err(|e| trouble(&e))?;
    let done = block_on(db::migrate(&mut *connection)).map_err(|e| trouble(&e))?;
    Ok(match (done.first(), done.last()) {
        (Some(first), Some(last)) => format!("applied migrations {first} to {last}"),
        _ => format!("nothing to do: the schema is at version {}", db::SCHEMA_VERSION),
    })
}
