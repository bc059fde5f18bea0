//! How does the operator have everything sealed anew when the key that seals is turned? Step by step, over all areas.

use axum::Extension;
use edge::{Faults, Internal, Json, Problem, Shown, World};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vault::{Cursor, Resealed, Stuck};

/// The most secrets of one step: each holds the lock that writers need.
const MOST: u16 = 100;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(reseal, sealed_otherwise))
}

/// A step.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResealIn {
    /// 1 to 100; 100 unless given.
    limit: Option<u16>,
    /// What the last step gave as `next`; from the beginning unless given.
    after: Option<String>,
}

/// A secret that could not be opened, and was left as it is.
#[derive(Serialize, ToSchema)]
struct StuckOut {
    /// Its table, tenant and id.
    place: String,
    /// Why.
    why: String,
}

/// What a step did.
#[derive(Serialize, ToSchema)]
struct ResealOut {
    /// The id of the key that seals.
    key: String,
    /// How many secrets were sealed anew.
    resealed: usize,
    /// Those that could not be opened.
    stuck: Vec<StuckOut>,
    /// Where to go on; null at the end.
    next: Option<String>,
}

impl ResealOut {
    fn new(key: &str, resealed: Resealed) -> Self {
        let stuck = |stuck: Stuck| StuckOut { place: stuck.place.to_string(), why: stuck.why.to_string() };
        Self {
            key: key.to_owned(),
            resealed: resealed.done,
            stuck: resealed.stuck.into_iter().map(stuck).collect(),
            next: resealed.next.map(|next| next.to_string()),
        }
    }
}

/// How much of a table is left.
#[derive(Serialize, ToSchema)]
struct TableOut {
    table: &'static str,
    /// Secrets that are sealed by another key than the one that seals now.
    left: i64,
}

/// How much is left.
#[derive(Serialize, ToSchema)]
struct LeftOut {
    /// The id of the key that seals.
    key: String,
    tables: Vec<TableOut>,
}

/// Seal secrets anew
///
/// For the operator: what an older vault key sealed is opened and sealed by the first one, 100 secrets at most. What cannot
/// be opened is told and left as it is. `signalbox keys rotate --data` calls this.
#[utoipa::path(post, path = "/internal/vault/reseal", tag = "internal", request_body = ResealIn,
    responses((status = 200, body = ResealOut), Faults), security(("bearer" = [])))]
async fn reseal(
    _: Internal,
    Extension(world): Extension<Arc<World>>,
    Json(wanted): Json<ResealIn>,
) -> Result<Shown<ResealOut>, Problem> {
    let limit = wanted.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::field("limit", format!("must be 1 to {MOST}")));
    }
    let after: Option<Cursor> =
        wanted.after.map(|text| text.parse().map_err(|words| Problem::field("after", words))).transpose()?;
    let vault = world.vault()?;
    let resealed = pipeline::reseal(&world.db, &vault, &*world.chance, after.as_ref(), limit).await?;
    Ok(Shown::as_is("reseal", ResealOut::new(vault.key_id(), resealed)))
}

/// How much is sealed by older keys
///
/// For the operator: an old vault key may be dropped when this is 0 for every table.
#[utoipa::path(get, path = "/internal/vault/reseal", tag = "internal",
    responses((status = 200, body = LeftOut), Faults), security(("bearer" = [])))]
async fn sealed_otherwise(
    _: Internal,
    Extension(world): Extension<Arc<World>>,
) -> Result<Shown<LeftOut>, Problem> {
    let vault = world.vault()?;
    let left = pipeline::sealed_otherwise(&world.db, &vault).await?;
    let tables = left.into_iter().map(|(table, left)| TableOut { table, left }).collect();
    Ok(Shown::as_is("left", LeftOut { key: vault.key_id().to_owned(), tables }))
}
