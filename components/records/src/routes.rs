//! Which routes lead to records?

mod built_in;
mod kinds;
mod own;
mod sheets;

use crate::wire::{FieldsIn, sheets::PutQuery, shown};
use axum::{Router, response::NoContent};
use edge::{IfMatch, List, Paging, Problem, Shown, Unspecific, Visitor, World};
use kernel::{Bounded, RecordId};
use pipeline::{
    Books,
    records::{self as desk, Desk, Kept},
};
use records::{Filter, RecordType, TypeName, service};
use serde_json::Value;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

/// What the instance keeps: the tenants' compiled rules.
#[derive(Default)]
struct App {
    books: Books,
}

/// All of them, with idempotency keys on every POST.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let routes = OpenApiRouter::new().merge(built_in::routes()).merge(kinds::routes()).merge(own::routes());
    edge::idempotent(edge::fragment(routes.with_state(Arc::new(App::default()))))
}

/// Who asks, and what it takes to answer.
struct Asked<'a> {
    who: &'a Bounded,
    world: &'a World,
    app: &'a App,
}

/// The version named in `If-Match`; one that no record can have is stale.
fn expected(IfMatch(version): IfMatch) -> Result<Option<u32>, Problem> {
    version.map(|version| version.try_into().map_err(|_| Unspecific::Stale.into())).transpose()
}

/// The query as pairs; how it reads depends on the type.
type Wanted = edge::Query<Vec<(String, String)>>;

impl Asked<'_> {
    fn desk(&self) -> Desk<'_> {
        Desk { db: &self.world.db, books: &self.app.books }
    }

    /// Wakes the queue if there is work.
    fn wake(&self, made_jobs: bool) {
        if made_jobs {
            guest::nudge(&self.world.settings.internal_token);
        }
    }

    /// The record as it is answered.
    fn answer(&self, kept: &Kept) -> Shown<Value> {
        self.wake(kept.made_jobs());
        let version = i64::from(kept.record.version);
        Shown::as_is("record", shown(self.who.tenant(), &kept.kind, &kept.record)).version(version)
    }

    async fn list(
        &self,
        visitor: &Visitor,
        kind: &TypeName,
        wanted: &[(String, String)],
        paging: Paging,
    ) -> Result<List<Value>, Problem> {
        let (kind, filter) = self.filter(visitor, kind, wanted).await?;
        let mut lease = self.world.db.read().await?;
        let mut scope = lease.scope(self.who.tenant())?;
        let page = service::list(&mut scope, self.who, &kind, &filter, &paging.request).await?;
        Ok(paging.list(page, |record| shown(self.who.tenant(), &kind, &record)))
    }

    /// The type, and what of it is wanted. A search for words is taken from the tenant's searches.
    async fn filter(
        &self,
        visitor: &Visitor,
        kind: &TypeName,
        wanted: &[(String, String)],
    ) -> Result<(RecordType, Filter), Problem> {
        let kind = {
            let mut lease = self.world.db.read().await?;
            service::kinds::get(&mut lease.scope(self.who.tenant())?, kind).await?
        };
        let filter = Filter::read(&kind, wanted).map_err(Problem::fields)?;
        if filter.is_search() {
            visitor.search(self.world).await?;
        }
        Ok((kind, filter))
    }

    async fn get(&self, kind: &TypeName, id: &RecordId) -> Result<Shown<Value>, Problem> {
        let mut lease = self.world.db.read().await?;
        let mut scope = lease.scope(self.who.tenant())?;
        let (kind, record) = service::get(&mut scope, self.who, kind, id).await?;
        let version = i64::from(record.version);
        Ok(Shown::as_is("record", shown(self.who.tenant(), &kind, &record)).version(version))
    }

    /// `path` is that of the list.
    async fn create(
        &self,
        kind: &TypeName,
        query: &PutQuery,
        sent: FieldsIn,
        path: &str,
    ) -> Result<Shown<Value>, Problem> {
        let kept = match query.meant()? {
            None => desk::create(self.desk(), self.who, kind, sent.draft()?).await?,
            Some(meant) => desk::put(self.desk(), self.who, kind, sent.draft()?, meant).await?,
        };
        if !kept.is_new {
            return Ok(self.answer(&kept));
        }
        self.wake(kept.made_jobs());
        let (location, version) = (format!("{path}/{}", kept.record.id), i64::from(kept.record.version));
        let body = shown(self.who.tenant(), &kept.kind, &kept.record);
        Ok(Shown::created("record", body, location).version(version))
    }

    async fn replace(
        &self,
        kind: &TypeName,
        id: &RecordId,
        seen: IfMatch,
        sent: FieldsIn,
    ) -> Result<Shown<Value>, Problem> {
        let kept = desk::replace(self.desk(), self.who, kind, id, expected(seen)?, sent.draft()?).await?;
        Ok(self.answer(&kept))
    }

    async fn change(
        &self,
        kind: &TypeName,
        id: &RecordId,
        seen: IfMatch,
        sent: FieldsIn,
    ) -> Result<Shown<Value>, Problem> {
        let kept = desk::change(self.desk(), self.who, kind, id, expected(seen)?, sent.draft()?).await?;
        Ok(self.answer(&kept))
    }

    async fn delete(&self, kind: &TypeName, id: &RecordId, seen: IfMatch) -> Result<NoContent, Problem> {
        let kept = desk::delete(self.desk(), self.who, kind, id, expected(seen)?).await?;
        self.wake(kept.made_jobs());
        Ok(NoContent)
    }
}
