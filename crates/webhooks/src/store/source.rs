//! How do sources stand in the table `webhook_sources`?

use crate::{
    Mapping, SOURCES_MAX, Source,
    inbound::{Preset, Scheme, SchemeDraft},
};
use db::{DbError, Decode, Row, Scope, Value};
use ipnet::IpNet;
use kernel::{PageRequest, SourceId};
use serde_json::{Value as Json, json};
use vault::Column;

const GET: &str =
    "SELECT source_id, name, description, preset, scheme, secrets, secret_count, has_verify_token, networks,
    mapping, rate_per_minute, keep_days, is_active, version, created_at, updated_at
    FROM webhook_sources WHERE tenant_id = ?1 AND source_id = ?2";
const OPEN: &str = "SELECT source_id, s.name, description, preset, scheme, secrets, secret_count, has_verify_token, networks,
    mapping, rate_per_minute, keep_days, is_active, s.version, s.created_at, s.updated_at
    FROM webhook_sources AS s JOIN tenants AS t USING (tenant_id)
    WHERE tenant_id = ?1 AND source_id = ?2 AND is_active AND t.state = 'active'";
const LIST: &str =
    "SELECT source_id, name, description, preset, scheme, secrets, secret_count, has_verify_token, networks,
    mapping, rate_per_minute, keep_days, is_active, version, created_at, updated_at
    FROM webhook_sources WHERE tenant_id = ?1 AND source_id > ?2 ORDER BY source_id LIMIT ?3";
const INSERT: &str = "INSERT INTO webhook_sources (tenant_id, source_id, name, description, preset, scheme, secrets,
    secret_count, has_verify_token, networks, mapping, rate_per_minute, keep_days, is_active, version, created_at, updated_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17
    WHERE (SELECT COUNT(*) FROM webhook_sources WHERE tenant_id = ?1) < ?18 RETURNING source_id AS id";
const UPDATE: &str = "UPDATE webhook_sources SET name = ?3, description = ?4, preset = ?5, scheme = ?6, secrets = ?7,
    secret_count = ?8, has_verify_token = ?9, networks = ?10, mapping = ?11, rate_per_minute = ?12, keep_days = ?13,
    is_active = ?14, version = ?15, created_at = ?16, updated_at = ?17
    WHERE tenant_id = ?1 AND source_id = ?2 RETURNING source_id AS id";
const DELETE: &str =
    "DELETE FROM webhook_sources WHERE tenant_id = ?1 AND source_id = ?2 RETURNING source_id AS id";

/// A source with its sealed secrets.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) source: Source,
    pub(crate) sealed: Vec<u8>,
}

fn member(object: &Json, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn scheme(text: &str) -> Option<Scheme> {
    let whole: Json = serde_json::from_str(text).ok()?;
    let draft = SchemeDraft {
        header: member(&whole, "header"),
        prefix: member(&whole, "prefix"),
        encoding: member(&whole, "encoding"),
        algorithm: member(&whole, "algorithm"),
        signed: member(&whole, "signed"),
        timestamp_header: member(&whole, "timestamp_header"),
        id_header: member(&whole, "id_header"),
    };
    Scheme::check(draft, "scheme").ok()
}

fn scheme_text(scheme: &Scheme) -> String {
    json!({
        "header": scheme.header,
        "prefix": scheme.prefix,
        "encoding": scheme.encoding.as_str(),
        "algorithm": scheme.algorithm.as_str(),
        "signed": scheme.signed,
        "timestamp_header": scheme.timestamp_header,
        "id_header": scheme.id_header,
    })
    .to_string()
}

fn mapping(text: &str) -> Option<Mapping> {
    let whole: Json = serde_json::from_str(text).ok()?;
    let data = whole.get("data").cloned();
    Some(Mapping { trigger: member(&whole, "trigger_id")?, data, id: member(&whole, "id") })
}

fn mapping_text(mapping: &Mapping) -> String {
    let mut whole = json!({"trigger_id": mapping.trigger, "id": mapping.id});
    // Left out, and not null: null would be data, too.
    if let (Some(data), Some(object)) = (&mapping.data, whole.as_object_mut()) {
        object.insert("data".to_owned(), data.clone());
    }
    whole.to_string()
}

fn networks(text: &str) -> Option<Vec<IpNet>> {
    let texts: Vec<String> = serde_json::from_str(text).ok()?;
    texts.iter().map(|text| text.parse().ok()).collect()
}

impl Decode for Stored {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let id = row.parse("source_id")?;
        let (name, description) = (row.get("name")?, row.get("description")?);
        let preset: Preset = row.parse("preset")?;
        let said: Option<String> = row.get("scheme")?;
        let preset = match said {
            None => preset,
            Some(text) => Preset::Hmac(
                scheme(&text).ok_or_else(|| row.surprise("scheme", "a scheme that was checked"))?,
            ),
        };
        let sealed = row.get("secrets")?;
        let (secret_count, has_verify_token) = (row.get("secret_count")?, row.get("has_verify_token")?);
        let nets: String = row.get("networks")?;
        let mapped: String = row.get("mapping")?;
        let source = Source {
            id,
            name,
            description,
            preset,
            secret_count,
            has_verify_token,
            networks: networks(&nets).ok_or_else(|| row.surprise("networks", "a list of networks"))?,
            mapping: mapping(&mapped).ok_or_else(|| row.surprise("mapping", "a mapping"))?,
            rate_per_minute: row.get("rate_per_minute")?,
            keep_days: row.get("keep_days")?,
            is_active: row.get("is_active")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        };
        Ok(Self { source, sealed })
    }
}

fn row(stored: &Stored) -> [Value; 16] {
    let source = &stored.source;
    let networks: Vec<String> = source.networks.iter().map(ToString::to_string).collect();
    [
        Value::from(&source.id),
        Value::from(&source.name),
        source.description.as_deref().into(),
        source.preset.as_str().into(),
        source.preset.scheme().map(scheme_text).into(),
        stored.sealed.as_slice().into(),
        source.secret_count.into(),
        source.has_verify_token.into(),
        json!(networks).to_string().into(),
        mapping_text(&source.mapping).into(),
        source.rate_per_minute.into(),
        source.keep_days.into(),
        source.is_active.into(),
        source.version.into(),
        source.created_at.into(),
        source.updated_at.into(),
    ]
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &SourceId) -> Result<Option<Stored>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// The source, if it takes requests, and its tenant is active.
pub(crate) async fn open(scope: &mut Scope<'_>, id: &SourceId) -> Result<Option<Stored>, DbError> {
    scope.one(OPEN, [id.into()]).await
}

pub(crate) async fn list(scope: &mut Scope<'_>, page: &PageRequest) -> Result<Vec<Stored>, DbError> {
    scope.all(LIST, [page.after_or("").into(), page.probe().into()]).await
}

/// Whether the source was put in; not if there are as many as there may be.
pub(crate) async fn insert(scope: &mut Scope<'_>, stored: &Stored) -> Result<bool, DbError> {
    let parameters: Vec<Value> = row(stored).into_iter().chain([SOURCES_MAX.into()]).collect();
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

pub(crate) async fn update(scope: &mut Scope<'_>, stored: &Stored) -> Result<(), DbError> {
    scope.run_for_effect(UPDATE, row(stored)).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &SourceId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

/// Secrets, for when the key that seals them is turned.
pub(crate) const SEALED: Column = Column {
    table: "webhook_sources",
    pick: "SELECT tenant_id, source_id AS id, tenant_id || '/webhook_sources/' || source_id AS place, secrets AS sealed
        FROM webhook_sources WHERE (tenant_id, source_id) > (?1, ?2) AND substr(secrets, 1, length(?3)) <> ?3
        ORDER BY tenant_id, source_id LIMIT ?4",
    put: "UPDATE webhook_sources SET secrets = ?3 WHERE tenant_id = ?1 AND source_id = ?2 AND secrets = ?4
        RETURNING source_id AS id",
    count: "SELECT COUNT(*) AS n FROM webhook_sources WHERE substr(secrets, 1, length(?1)) <> ?1",
};
