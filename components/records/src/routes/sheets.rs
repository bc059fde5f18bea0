//! How are files of records taken in and given out?

use super::Asked;
use crate::wire::sheets::{Format, ImportQuery, ImportedOut};
use axum::{body::Body, response::Response};
use edge::{Paging, Problem, Shown, Unspecific, Visitor};
use http::{HeaderValue, header};
use kernel::Cursor;
use pipeline::records as desk;
use records::{TypeName, service, sheet};

/// The most records of a page of an export.
const EXPORT_ROWS: usize = 1000;

impl Asked<'_> {
    pub(super) async fn import(
        &self,
        visitor: &Visitor,
        kind: &TypeName,
        meant: &ImportQuery,
        file: &[u8],
    ) -> Result<Shown<ImportedOut>, Problem> {
        let meant = meant.meant()?;
        // Trying out costs as much as doing it.
        visitor.bulk(self.world).await?;
        let imported = desk::import(self.desk(), self.who, kind, file, meant).await?;
        self.wake(imported.made_jobs);
        Ok(Shown::as_is("import", ImportedOut::new(imported, meant.dry_run)))
    }

    pub(super) async fn export(
        &self,
        visitor: &Visitor,
        kind: &TypeName,
        mut wanted: Vec<(String, String)>,
        paging: Paging,
    ) -> Result<Response, Problem> {
        let format = Format::take(&mut wanted)?;
        let (kind, filter) = self.filter(visitor, kind, &wanted).await?;
        let after = paging.request.after.clone();
        if after.is_none() {
            visitor.bulk(self.world).await?;
        }
        desk::note_export(self.desk(), self.who, &kind, format.as_str()).await?;
        let (rows, next) = {
            let mut lease = self.world.db.read().await?;
            let mut scope = lease.scope(self.who.tenant())?;
            service::page(&mut scope, self.who, &kind, &filter, after.as_ref(), EXPORT_ROWS).await?
        };
        let text = match format {
            Format::Csv => sheet::table(&kind, &rows, after.is_none())?,
            Format::Jsonl => sheet::lines(&rows),
        };
        let value = |text: String| HeaderValue::from_str(&text).map_err(|_| Unspecific::Internal);
        let mut response = Response::new(Body::from(text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
        let name = format!("attachment; filename=\"{}.{}\"", kind.name, format.as_str());
        headers.insert(header::CONTENT_DISPOSITION, value(name)?);
        if let Some(next) = next {
            let link = paging.link(&Cursor::after(&next));
            headers.insert(header::LINK, value(format!("<{link}>; rel=\"next\""))?);
        }
        Ok(response)
    }
}
