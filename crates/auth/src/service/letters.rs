//! How does a letter come to be, and what becomes of it? It is written in the transaction of what it tells of; the queue
//! carries it to the mail service, if the operator set one; else it waits, and the operator can read it.

use super::finish;
use crate::{
    AuthError, Letter, LetterError, LetterState, Mail, Outgoing, Posted, Writing, letter::writing,
    store::letter as store,
};
use audit::Entry;
use db::{AllTenants, Db, DbError, Scope};
use kernel::{Call, Instant, JobId, LetterId, TenantId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vault::Vault;

/// The most letters that are shown at once.
const SHOWN: u16 = 500;

/// What writing letters with links needs beside the database.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// Seals what stands in a letter.
    pub vault: &'a Vault,
    /// Where links lead, without a trailing slash.
    pub links_url: &'a str,
}

/// Writes a letter within the caller's transaction: it goes out if and only if that is committed. Wake the queue after
/// the commit, so that it need not wait for the next tick.
///
/// # Errors
/// [`LetterError`]; give the transaction up then.
pub async fn write(
    scope: &mut Scope<'_>,
    call: &Call,
    vault: &Vault,
    letter: Letter,
) -> Result<LetterId, LetterError> {
    let tenant = scope.tenant().clone();
    let organization = store::organization(scope).await?.unwrap_or_else(|| tenant.to_string());
    let written = writing::write(&letter.content, &organization, call.now, call.address.as_deref());
    let id = LetterId::new(call.now, &*call.chance);
    let sealed = vault.seal(&place(&tenant, &id), pack(&written).as_bytes(), &*call.chance)?;
    let posted = Posted {
        tenant,
        id: id.clone(),
        purpose: letter.content.purpose(),
        notice: letter.content.notice(),
        recipient: letter.to,
        state: LetterState::Waiting,
        last_error: None,
        trace: call.trace.as_str().to_owned(),
        created_at: call.now,
        expires_at: letter.content.until(call.now),
        ended_at: None,
    };
    store::insert(scope, &posted, letter.user.as_ref(), sealed).await?;
    Ok(id)
}

/// What a sealed content is bound to.
fn place(tenant: &TenantId, id: &LetterId) -> String {
    format!("{tenant}/letters/{id}")
}

fn pack(writing: &Writing) -> String {
    json!({"subject": writing.subject, "text": writing.text, "html": writing.html}).to_string()
}

fn unpack(bytes: &[u8]) -> Option<Writing> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    Some(Writing { subject: text("subject")?, text: text("text")?, html: text("html")? })
}

fn open(vault: &Vault, laden: &store::Laden) -> Result<Option<Writing>, LetterError> {
    let Some(sealed) = &laden.content else { return Ok(None) };
    let opened = vault.open(&place(&laden.letter.tenant, &laden.letter.id), sealed)?;
    unpack(opened.expose()).map(Some).ok_or(LetterError::Content)
}

/// Whether a letter waits for a job: one cheap look.
///
/// # Errors
/// [`DbError`].
pub async fn any_waiting(all: &mut AllTenants<'_>) -> Result<bool, DbError> {
    store::any_waiting(all).await
}

/// The letters that wait for a job, oldest first.
///
/// # Errors
/// [`DbError`].
pub async fn waiting(all: &mut AllTenants<'_>, most: u16) -> Result<Vec<Posted>, DbError> {
    store::waiting(all, most).await
}

/// Notes which job carries which letter, within the transaction that makes the jobs.
///
/// # Errors
/// [`DbError`].
pub async fn queued(all: &mut AllTenants<'_>, carried: &[(&Posted, &JobId)]) -> Result<(), DbError> {
    let rows: Vec<_> = carried.iter().map(|(letter, job)| (&letter.tenant, &letter.id, *job)).collect();
    store::queued(all, &rows).await
}

/// What is to be done for a letter.
#[derive(Debug)]
pub enum Ready {
    /// Send this.
    Send(Outgoing),
    /// Nothing: it was sent before, or what it says does not hold any more.
    Done(&'static str),
    /// It cannot be sent now: its content cannot be opened with the present keys.
    Sealed(LetterError),
}

/// The requests of these letters, in their order, by one statement. A letter that has expired is ended here.
///
/// # Errors
/// [`DbError`].
pub async fn prepare(
    scope: &mut Scope<'_>,
    vault: &Vault,
    mail: &Mail,
    ids: &[LetterId],
    now: Instant,
) -> Result<Vec<Ready>, DbError> {
    let rows = store::laden(scope, ids).await?;
    let mut known: BTreeMap<LetterId, store::Laden> =
        rows.into_iter().map(|laden| (laden.letter.id.clone(), laden)).collect();
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        all.push(match known.remove(id) {
            None => Ready::Done("the letter is not there any more"),
            Some(laden) => ready(scope, vault, mail, &laden, now).await?,
        });
    }
    Ok(all)
}

async fn ready(
    scope: &mut Scope<'_>,
    vault: &Vault,
    mail: &Mail,
    laden: &store::Laden,
    now: Instant,
) -> Result<Ready, DbError> {
    let letter = &laden.letter;
    if !letter.goes(now) {
        if letter.state == LetterState::Sent {
            return Ok(Ready::Done("it was sent before"));
        }
        store::settle(scope, &letter.id, LetterState::Expired, None, now).await?;
        return Ok(Ready::Done("it was not sent: what it says had expired"));
    }
    Ok(match open(vault, laden) {
        Ok(Some(writing)) => Ready::Send(mail.request(letter, &writing, now)),
        Ok(None) => Ready::Done("its content was erased"),
        Err(error) => Ready::Sealed(error),
    })
}

/// What became of an attempt at a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The mail service took it.
    Sent,
    /// It is tried again; why, in words.
    Again(String),
    /// It is given up; why, in words.
    GivenUp(String),
}

/// Notes what became of an attempt, within the transaction that settles its job.
///
/// # Errors
/// [`DbError`].
pub async fn settle(
    scope: &mut Scope<'_>,
    id: &LetterId,
    outcome: &Outcome,
    now: Instant,
) -> Result<(), DbError> {
    let (state, error) = match outcome {
        Outcome::Sent => (LetterState::Sent, None),
        Outcome::Again(words) => (LetterState::Queued, Some(words.as_str())),
        Outcome::GivenUp(words) => (LetterState::Failed, Some(words.as_str())),
    };
    store::settle(scope, id, state, error, now).await
}

/// Ends the letters whose time is over, and erases what they say; tells how many.
///
/// # Errors
/// [`DbError`].
pub async fn expire(all: &mut AllTenants<'_>, now: Instant) -> Result<usize, DbError> {
    store::expire(all, now).await
}

/// Which letters the operator wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only those in this state.
    pub state: Option<LetterState>,
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only this one.
    pub id: Option<LetterId>,
}

/// The newest 500 letters of all tenants: for the operator.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, wanted: &Wanted) -> Result<Vec<Posted>, AuthError> {
    let mut lease = db.read().await?;
    let mut all = lease.all_tenants()?;
    Ok(store::list(&mut all, wanted.state, wanted.tenant.as_ref(), wanted.id.as_ref(), SHOWN).await?)
}

/// What a letter says, for the operator, who hands it over where there is no mail service. The tenant's audit tells of it.
///
/// # Errors
/// [`AuthError::NotFound`] if there is no such letter, or its content was erased; [`AuthError::Letter`]; the database's.
pub async fn read(db: &Db, call: &Call, vault: &Vault, id: &LetterId) -> Result<Writing, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let rows = store::laden(&mut scope, std::slice::from_ref(id)).await?;
        let laden = rows.first().ok_or(AuthError::NotFound("letter"))?;
        let writing =
            open(vault, laden)?.ok_or(AuthError::NotFound("letter any more: it was sent or has expired"))?;
        let entry = Entry { action: "letter.read_by_operator", subject: id.as_str(), ..Entry::default() };
        audit::append(&mut scope, call, &entry).await?;
        Ok(writing)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, Notice, service::stage::Stage};
    use futures::executor::block_on;
    use kernel::{Principal, Secret, Span};

    struct Scene {
        stage: Stage,
        call: Call,
        mail: Mail,
    }

    fn scene() -> Scene {
        let stage = Stage::new();
        stage.set_up("acme-corp");
        let call = stage.call(Principal::system("acme-corp".parse().unwrap()));
        let mail = Mail::read("sendgrid", "", "SG.key", "no-reply@example.com").unwrap().unwrap();
        Scene { stage, call, mail }
    }

    impl Scene {
        fn write(&self, content: Content) -> LetterId {
            let letter = Letter { to: "ana@example.com".parse().unwrap(), user: None, content };
            block_on(async {
                let mut tx = self.stage.db.begin().await.unwrap();
                let id =
                    write(&mut tx.scope(self.call.tenant()), &self.call, &self.stage.vault, letter).await;
                tx.commit().await.unwrap();
                id.unwrap()
            })
        }

        fn reset(&self) -> LetterId {
            let link = Secret::new("https://signalbox.test/#token=opens".to_owned());
            self.write(Content::PasswordReset { link, until: self.call.now + Span::minutes(30) })
        }

        fn queue(&self) -> usize {
            block_on(async {
                let mut tx = self.stage.db.begin().await.unwrap();
                let mut all = tx.all_tenants();
                let letters = waiting(&mut all, 10).await.unwrap();
                let job = JobId::new(self.call.now, &*self.call.chance);
                let carried: Vec<_> = letters.iter().map(|letter| (letter, &job)).collect();
                queued(&mut all, &carried).await.unwrap();
                tx.commit().await.unwrap();
                letters.len()
            })
        }

        fn prepare(&self, id: &LetterId, now: Instant) -> Ready {
            block_on(async {
                let mut tx = self.stage.db.begin().await.unwrap();
                let mut scope = tx.scope(self.call.tenant());
                let ids = std::slice::from_ref(id);
                let ready = prepare(&mut scope, &self.stage.vault, &self.mail, ids, now).await.unwrap();
                tx.commit().await.unwrap();
                ready.into_iter().next().unwrap()
            })
        }

        fn settle(&self, id: &LetterId, outcome: &Outcome) {
            block_on(async {
                let mut tx = self.stage.db.begin().await.unwrap();
                settle(&mut tx.scope(self.call.tenant()), id, outcome, self.call.now).await.unwrap();
                tx.commit().await.unwrap();
            });
        }

        fn state(&self, id: &LetterId) -> LetterState {
            let wanted = Wanted { id: Some(id.clone()), ..Wanted::default() };
            block_on(list(&self.stage.db, &wanted)).unwrap()[0].state
        }

        fn contents(&self) -> i64 {
            block_on(async {
                let mut lease = self.stage.db.read().await.unwrap();
                let sql = "SELECT COUNT(*) AS n FROM letters WHERE content IS NOT NULL";
                lease.all_tenants().unwrap().one::<i64>(sql, []).await.unwrap().unwrap()
            })
        }
    }

    #[test]
    fn a_letter_is_written_queued_sent_and_erased() {
        let scene = scene();
        let id = scene.reset();
        assert_eq!((scene.state(&id), scene.contents()), (LetterState::Waiting, 1));
        assert_eq!((scene.queue(), scene.queue()), (1, 0), "one job, once");
        let Ready::Send(outgoing) = scene.prepare(&id, scene.call.now) else { panic!("not ready") };
        assert!(String::from_utf8_lossy(&outgoing.body).contains("#token=opens"));
        scene.settle(&id, &Outcome::Again("busy".to_owned()));
        assert_eq!(scene.state(&id), LetterState::Queued);
        scene.settle(&id, &Outcome::Sent);
        assert_eq!((scene.state(&id), scene.contents()), (LetterState::Sent, 0));
        assert!(matches!(scene.prepare(&id, scene.call.now), Ready::Done("it was sent before")));
        scene.settle(&id, &Outcome::GivenUp("late".to_owned()));
        assert_eq!(scene.state(&id), LetterState::Sent, "what was sent stays sent");
    }

    #[test]
    fn a_letter_whose_link_has_expired_is_not_sent() {
        let scene = scene();
        let id = scene.reset();
        scene.queue();
        let late = scene.call.now + Span::minutes(30);
        assert!(matches!(scene.prepare(&id, late), Ready::Done(words) if words.contains("expired")));
        assert_eq!((scene.state(&id), scene.contents()), (LetterState::Expired, 0));
    }

    #[test]
    fn what_failed_can_be_tried_again_until_it_expires() {
        let scene = scene();
        let id = scene.reset();
        scene.queue();
        scene.settle(&id, &Outcome::GivenUp("the key is wrong".to_owned()));
        assert_eq!(scene.state(&id), LetterState::Failed);
        assert!(matches!(scene.prepare(&id, scene.call.now), Ready::Send(_)));
        let late = scene.call.now + Span::minutes(30);
        let expired = block_on(async {
            let mut tx = scene.stage.db.begin().await.unwrap();
            let expired = expire(&mut tx.all_tenants(), late).await.unwrap();
            tx.commit().await.unwrap();
            expired
        });
        assert_eq!(expired, 1);
        assert_eq!((scene.state(&id), scene.contents()), (LetterState::Expired, 0));
    }

    #[test]
    fn the_content_is_sealed_and_the_operators_look_is_on_record() {
        let scene = scene();
        let id = scene.reset();
        let writing = block_on(read(&scene.stage.db, &scene.call, &scene.stage.vault, &id)).unwrap();
        assert!(writing.text.contains("#token=opens"));
        assert_eq!(scene.stage.audited("acme-corp").last().unwrap(), "letter.read_by_operator");
        let raw = block_on(async {
            let mut lease = scene.stage.db.read().await.unwrap();
            let sql = "SELECT hex(content) AS id FROM letters";
            lease.all_tenants().unwrap().one::<String>(sql, []).await.unwrap().unwrap()
        });
        assert!(!raw.contains(&crate::digest::hex(b"opens").to_uppercase()));
    }

    #[test]
    fn nothing_is_sent_of_a_transaction_that_is_given_up() {
        let scene = scene();
        block_on(async {
            let mut tx = scene.stage.db.begin().await.unwrap();
            let content = Content::SecurityNotice(Notice::PasswordChanged);
            let letter = Letter { to: "ana@example.com".parse().unwrap(), user: None, content };
            write(&mut tx.scope(scene.call.tenant()), &scene.call, &scene.stage.vault, letter).await.unwrap();
            tx.rollback().await.unwrap();
        });
        assert_eq!(scene.queue(), 0);
    }
}
