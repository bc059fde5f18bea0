//! Which letters wait, and what stands in them? For the operator, who hands them over where no mail service is set.

use super::sign_in::visit;
use crate::wire::{LetterFilter, LetterOut, LettersOut};
use auth::{LetterState, service::letters};
use axum::Extension;
use edge::{Faults, Internal, Problem, Query, Shown, Visitor, World};
use http::HeaderMap;
use kernel::{Fields, LetterId, Principal, TenantId};
use std::sync::Arc;

/// List letters
///
/// For the operator: the newest 500 of all tenants. One that is named by `tenant` and `id` is opened, if it was not sent and
/// has not expired; its tenant's audit tells of that. The bearer is the variable `internal_token`.
#[utoipa::path(get, path = "/internal/letters", tag = "internal", params(LetterFilter),
    responses((status = 200, body = LettersOut), Faults), security(("bearer" = [])))]
pub(super) async fn list_letters(
    _: Internal,
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Query(filter): Query<LetterFilter>,
) -> Result<Shown<LettersOut>, Problem> {
    let mut fields = Fields::new();
    let state: Option<LetterState> = filter.state.and_then(|text| fields.take("state", text.parse()));
    let tenant: Option<TenantId> = filter.tenant.and_then(|text| fields.take("tenant", text.parse()));
    let id: Option<LetterId> = filter.id.and_then(|text| fields.take("id", text.parse()));
    fields.done().map_err(Problem::fields)?;
    let wanted = letters::Wanted { state, tenant: tenant.clone(), id: id.clone() };
    let found = letters::list(&world.db, &wanted).await?;
    let mut data: Vec<LetterOut> = found.into_iter().map(LetterOut::from).collect();
    if let (Some(tenant), Some(id)) = (tenant, id) {
        let call = visit(&world, &visitor, &headers).call(Principal::system(tenant));
        let writing = letters::read(&world.db, &call, &world.vault()?, &id).await?;
        data = data.into_iter().map(|letter| letter.opened(writing.clone())).collect();
    }
    Ok(Shown::as_is("letters", LettersOut { data }))
}
