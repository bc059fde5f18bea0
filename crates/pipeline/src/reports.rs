//! What is found about a tenant's rules? What can be proved of them, and which of them rest: the ledger knows.

use auth::service::privacy as identity;
use db::{Db, DbError, Scope};
use kernel::{Bounded, Instant, Page, PageRequest, RuleId, Span};
use rules::{
    Finding, RuleError, RuleFilter,
    service::analysis::{self, Analysed},
};

/// A rule that matched nothing for so many days rests.
const DAYS: u32 = 30;

/// What is found about a rule.
///
/// # Errors
/// [`RuleError::Unknown`], or the database's.
pub async fn report(db: &Db, who: &Bounded, id: &RuleId, now: Instant) -> Result<Analysed, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let mut analysed = [analysis::one(&mut scope, who, id).await?];
    idle(&mut scope, &mut analysed, now).await?;
    let [analysed] = analysed;
    Ok(analysed)
}

/// What is found about rules, in the order in which they were made.
///
/// # Errors
/// The database's.
pub async fn reports(
    db: &Db,
    who: &Bounded,
    filter: &RuleFilter,
    page: &PageRequest,
    now: Instant,
) -> Result<Page<Analysed>, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let mut found = analysis::page(&mut scope, who, filter, page).await?;
    idle(&mut scope, &mut found.items, now).await?;
    Ok(found)
}

/// Adds which of them rest: on, unchanged for so long, and without a match. The ledger may not reach back as far.
async fn idle(scope: &mut Scope<'_>, all: &mut [Analysed], now: Instant) -> Result<(), DbError> {
    let days = identity::retention(scope).await?.events_days.min(DAYS);
    let begin = now - Span::days(days.into());
    let is_steady = |one: &&mut Analysed| one.rule.definition.is_active && one.rule.updated_at <= begin;
    let ids: Vec<String> = all.iter_mut().filter(is_steady).map(|one| one.rule.id.to_string()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let matches = events::past::last_matches(scope, &names).await?;
    for one in all.iter_mut().filter(is_steady) {
        let last = matches.iter().find(|(id, _)| *id == one.rule.id.as_str()).map(|(_, at)| *at);
        if last.is_none_or(|last| last < begin) {
            one.findings.push(Finding::Idle { days, last });
        }
    }
    Ok(())
}
