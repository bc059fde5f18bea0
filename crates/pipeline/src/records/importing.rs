//! How is a file of records taken in? Some hundred rows at a time, each lot in a transaction of its own with its events and its
//! audit: what is kept stays, whatever comes after.

use super::{Cause, Desk, RecordFault, enact, finish};
use ::records::{
    TypeName,
    service::{self, Import, Meant, Tally},
};
use kernel::{Bounded, Span};

/// What came of an import.
#[derive(Debug, Clone)]
pub struct Imported {
    /// What became of the rows.
    pub tally: Tally,
    /// Whether there is work for the queue.
    pub made_jobs: bool,
}

/// Takes in a file.
///
/// # Errors
/// [`RecordFault`]: a file that cannot be used at all changes nothing; where something else stopped it, the rows before that
/// are kept, and importing the same file again with a key makes none of them twice.
pub async fn import(
    desk: Desk<'_>,
    who: &Bounded,
    kind: &TypeName,
    file: &[u8],
    meant: Meant,
) -> Result<Imported, RecordFault> {
    let kind = {
        let mut lease = desk.db.read().await?;
        service::kinds::get(&mut lease.scope(who.tenant())?, kind).await?
    };
    let mut call = who.put_in(&kind.module, None).map_err(::records::RecordError::from)?.clone();
    let mut import = Import::read(&kind, file, meant)?;
    desk.books.warm(desk.db, who.tenant()).await?;
    let mut made_jobs = false;
    while !import.is_done() {
        let mut tx = desk.db.begin().await?;
        let work = async {
            // Looked up anew: the type may have changed since the lot before.
            let shape = service::kinds::shape(&mut tx.scope(who.tenant()), &kind.name).await?;
            let lists = import.plan(&mut tx.scope(who.tenant()), &call, &shape).await?;
            let mut has_jobs = false;
            for changes in lists {
                let receipts = enact(&mut tx, desk.books, &call, &Cause::door(), &changes).await?;
                has_jobs |= receipts.iter().any(|receipt| !receipt.jobs.is_empty());
                // Ids sort by time, so what stands later in the file is listed later.
                call.now = call.now + Span::millis(1);
            }
            Ok(has_jobs)
        };
        let outcome = work.await;
        made_jobs |= finish(tx, outcome).await?;
    }
    Ok(Imported { tally: import.tally, made_jobs })
}
