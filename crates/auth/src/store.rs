//! Where do tenants, users, roles, sessions, keys, factors and tries stand? One file for each, its statements at the top.

pub(crate) mod api_key;
pub(crate) mod attempt;
pub(crate) mod binding;
pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod factor;
pub(crate) mod history;
pub(crate) mod invitation;
pub(crate) mod letter;
pub(crate) mod organization;
pub(crate) mod passkey;
pub(crate) mod principal;
pub(crate) mod privacy;
pub(crate) mod recovery;
pub(crate) mod revoked_token;
pub(crate) mod role;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod sign_on;
pub(crate) mod switching;
pub(crate) mod tenant;
pub(crate) mod ticket;
pub(crate) mod totp;
pub(crate) mod user;
pub(crate) mod waiting;

use crate::{Networks, digest::Digest};
use db::{DbError, Row, Value};
use kernel::{Permissions, Secret};

/// A hash as a parameter.
fn blob(hash: &Digest) -> Value {
    Value::Blob(hash.expose().to_vec())
}

/// A column that holds a hash.
fn digest(row: &mut Row<'_>, column: &str) -> Result<Digest, DbError> {
    let bytes: Vec<u8> = row.get(column)?;
    let bytes: Result<[u8; 32], _> = bytes.try_into();
    bytes.map(Secret::new).map_err(|_| row.surprise(column, "32 bytes"))
}

/// A set of permissions as JSON: an array of their names.
fn encode_permissions(permissions: Permissions) -> String {
    let names: Vec<&str> = permissions.iter().map(kernel::Permission::as_str).collect();
    serde_json::Value::from(names).to_string()
}

/// The set that a JSON array names.
fn decode_permissions(text: &str) -> Option<Permissions> {
    let names: Vec<String> = serde_json::from_str(text).ok()?;
    let known = Permissions::all().or(Permissions::platform());
    names.iter().map(|name| kernel::Permission::read(name, known).ok()).collect()
}

/// Networks as JSON: an array of their texts; nothing for anywhere.
fn encode_networks(networks: &Networks) -> Option<String> {
    let texts: Vec<String> = networks.texts().collect();
    (!texts.is_empty()).then(|| serde_json::Value::from(texts).to_string())
}

/// A column of networks.
fn networks(row: &mut Row<'_>, column: &str) -> Result<Networks, DbError> {
    let Some(text) = row.get::<Option<String>>(column)? else {
        return Ok(Networks::default());
    };
    let texts: Option<Vec<String>> = serde_json::from_str(&text).ok();
    texts.and_then(|texts| Networks::stored(&texts)).ok_or_else(|| row.surprise(column, "networks"))
}
