//! How do many requests share one sync? The first to come leads: it takes the lock, writes for all who wait by then,
//! commits once and answers each. Then it hands the lead to the next who waits. A batch comes in whole.
//!
//! While a leader waits for the lock of another instance, newcomers join it. A leader may be cancelled at any moment
//! (its client went away): its followers' channels break, and each tries again with the same event id, so that an event
//! that was committed all the same is found and not written twice (docs/decisions/0006-group-commit.md).

use crate::{
    Books, Draft, PublishError,
    books::Book,
    decide, regard,
    write::{Written, write},
};
use db::{Db, DbError, Tx};
use events::{EventError, NewEvent, Origin};
use futures::{channel::oneshot, future::BoxFuture};
use kernel::{Call, EventId};
use serde_json::Value;
use std::{
    any::Any,
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use crate::write::Receipt;

/// The most drafts in one commit.
const TOGETHER: usize = 256;
/// How long a leader naps at first when another instance holds the lock, at most, and in all.
const NAP: Duration = Duration::from_micros(300);
const LONGEST_NAP: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(10);
/// How often an event is decided anew because the rules changed under it.
const REDECIDED: usize = 5;

/// How one request wakes another: a rope, and a wait that ends once the rope is dropped.
pub type Bell = (Box<dyn Any + Send>, BoxFuture<'static, ()>);

/// Where bells come from. A waker of another request's task is no use in a component, so the runtime must ring.
pub trait Bells: Send + Sync {
    /// A new bell.
    fn hang(&self) -> Bell;
}

/// What became of the drafts that came in together, one by one.
type Outcomes = Vec<Result<Written, DbError>>;

struct Waiting {
    drafts: Arc<Vec<Draft>>,
    reply: oneshot::Sender<Reply>,
    /// Dropped after the reply was sent.
    _rope: Box<dyn Any + Send>,
}

enum Reply {
    Done(Outcomes),
    Lead(Lead),
}

/// Where a draft finds itself when it comes.
enum Place {
    Lead(Lead),
    Follow(oneshot::Receiver<Reply>, BoxFuture<'static, ()>),
}

#[derive(Default)]
struct Queue {
    led: bool,
    waiting: VecDeque<Waiting>,
}

/// The way into the ledger, one per instance.
pub struct Door {
    db: Db,
    books: Arc<Books>,
    bells: Arc<dyn Bells>,
    queue: Arc<Mutex<Queue>>,
}

/// The lead. Dropped before it is handed over (its holder was cancelled), it breaks the channels of all who wait, so
/// that they try again.
struct Lead(Option<Arc<Mutex<Queue>>>);

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lead {
    /// The next who waits leads, or nobody does.
    fn hand_over(mut self) {
        let Some(queue) = self.0.take() else { return };
        let mut heir = Self(Some(Arc::clone(&queue)));
        loop {
            let next = {
                let mut inner = lock(&queue);
                let next = inner.waiting.pop_front();
                inner.led = next.is_some();
                next
            };
            let Some(next) = next else {
                heir.0 = None;
                return;
            };
            match next.reply.send(Reply::Lead(heir)) {
                Ok(()) => return,
                Err(Reply::Lead(back)) => heir = back,
                Err(Reply::Done(_)) => return,
            }
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let Some(queue) = self.0.take() else { return };
        let orphans = {
            let mut inner = lock(&queue);
            inner.led = false;
            std::mem::take(&mut inner.waiting)
        };
        drop(orphans);
    }
}

impl Door {
    /// A door to `db`.
    #[must_use]
    pub fn new(db: Db, books: Arc<Books>, bells: Arc<dyn Bells>) -> Self {
        Self { db, books, bells, queue: Arc::default() }
    }

    /// Stores an event with all that comes of it. When this answers, it is committed.
    ///
    /// # Errors
    /// [`PublishError`]; then nothing is stored, but for [`PublishError::Db`], after which it may be.
    pub async fn publish(
        &self,
        call: &Call,
        event: NewEvent,
        origin: Origin,
    ) -> Result<Receipt, PublishError> {
        let outcomes = self.publish_many(call, vec![Ok(event)], origin).await;
        outcomes.into_iter().next().unwrap_or(Err(PublishError::Restless))
    }

    /// The same for a batch: each answered for itself, in order, all that can be stored in one commit.
    pub async fn publish_many(
        &self,
        call: &Call,
        events: Vec<Result<NewEvent, EventError>>,
        origin: Origin,
    ) -> Vec<Result<Receipt, PublishError>> {
        let mut answers: Vec<Option<Result<Receipt, PublishError>>> = events.iter().map(|_| None).collect();
        // Made once: an event that is decided again is still the same.
        let ids: Vec<EventId> = events.iter().map(|_| EventId::new(call.now, &*call.chance)).collect();
        for _ in 0..REDECIDED {
            let book = match self.books.get(&self.db, call.tenant()).await {
                Ok(book) => book,
                Err(error) => return refused_all(answers, &error),
            };
            let records = match self.records(&book, call, &events, &answers).await {
                Ok(records) => records,
                Err(error) => return refused_all(answers, &error),
            };
            let mut places = Vec::new();
            let mut drafts = Vec::new();
            let mut refusals = Vec::new();
            let all = events.iter().zip(&ids).zip(records).zip(&mut answers);
            for (place, (((event, id), record), answer)) in all.enumerate() {
                if answer.is_some() {
                    continue;
                }
                let event = event.as_ref().map_err(again);
                match event
                    .and_then(|event| decide(&book, call, id.clone(), event.clone(), origin.clone(), record))
                {
                    Ok(draft) => {
                        places.push(place);
                        drafts.push(draft);
                    }
                    Err(error) => refusals.push((answer, error)),
                }
            }
            // What an old book refuses may be right by now: its trigger was made, or changed.
            if !refusals.is_empty() && self.is_old(&book, call).await {
                self.books.forget(call.tenant());
                continue;
            }
            for (answer, error) in refusals {
                *answer = Some(Err(error.into()));
            }
            let mut moved = false;
            let outcomes = match self.commit(Arc::new(drafts)).await {
                Ok(outcomes) => outcomes,
                Err(error) => return refused_all(answers, &error),
            };
            for (place, outcome) in places.into_iter().zip(outcomes) {
                let answer = match outcome {
                    Ok(Written::Stored(receipt)) => Ok(receipt),
                    Ok(Written::Refused(error)) => Err(error),
                    Err(error) => Err(error.into()),
                    Ok(Written::RulesMoved) => {
                        moved = true;
                        continue;
                    }
                };
                if let Some(slot) = answers.get_mut(place) {
                    *slot = Some(answer);
                }
            }
            if !moved {
                break;
            }
            self.books.forget(call.tenant());
        }
        answers.into_iter().map(|answer| answer.unwrap_or(Err(PublishError::Restless))).collect()
    }

    /// Whether the tenant's rules or triggers changed since the book was made.
    async fn is_old(&self, book: &Book, call: &Call) -> bool {
        let present = async {
            let mut lease = self.db.read().await?;
            rules::service::grounds(&mut lease.scope(call.tenant())?).await
        };
        present.await.is_ok_and(|grounds| grounds.revision != book.revision)
    }

    /// The records that the events are about which have no answer yet, where a rule looks at them.
    async fn records(
        &self,
        book: &Book,
        call: &Call,
        events: &[Result<NewEvent, EventError>],
        answers: &[Option<Result<Receipt, PublishError>>],
    ) -> Result<Vec<Option<Value>>, DbError> {
        let open = events
            .iter()
            .zip(answers)
            .map(|(event, answer)| event.as_ref().ok().filter(|_| answer.is_none()));
        let wanted: Vec<_> = open.map(|event| event.and_then(|event| regard::wanted(book, event))).collect();
        if wanted.iter().all(Option::is_none) {
            return Ok(vec![None; events.len()]);
        }
        let mut lease = self.db.read().await?;
        regard::records(&mut lease.scope(call.tenant())?, &wanted).await
    }

    /// Puts drafts through a commit, as leader or as follower.
    async fn commit(&self, drafts: Arc<Vec<Draft>>) -> Result<Outcomes, DbError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        loop {
            match self.enter(&drafts) {
                Place::Lead(lead) => return self.lead(lead, &drafts).await,
                Place::Follow(mut receiver, rung) => {
                    rung.await;
                    match receiver.try_recv() {
                        Ok(Some(Reply::Done(outcomes))) => return Ok(outcomes),
                        Ok(Some(Reply::Lead(lead))) => return self.lead(lead, &drafts).await,
                        // The leader was cancelled; whether it had committed is found out by trying again.
                        Ok(None) | Err(oneshot::Canceled) => {}
                    }
                }
            }
        }
    }

    fn enter(&self, drafts: &Arc<Vec<Draft>>) -> Place {
        let mut queue = lock(&self.queue);
        if queue.led {
            let (reply, receiver) = oneshot::channel();
            let (rope, rung) = self.bells.hang();
            queue.waiting.push_back(Waiting { drafts: Arc::clone(drafts), reply, _rope: rope });
            Place::Follow(receiver, rung)
        } else {
            queue.led = true;
            Place::Lead(Lead(Some(Arc::clone(&self.queue))))
        }
    }

    /// Writes `own` and the drafts of those who wait, in one commit.
    async fn lead(&self, lead: Lead, own: &[Draft]) -> Result<Outcomes, DbError> {
        let tx = match self.begin().await {
            Ok(tx) => tx,
            Err(error) => {
                // Whoever waits has waited as long: all are told, instead of each waiting in turn.
                self.refuse_waiting(&error);
                lead.hand_over();
                return Err(error);
            }
        };
        let waiting = self.companions(own.len());
        let drafts: Vec<&Draft> =
            own.iter().chain(waiting.iter().flat_map(|one| one.drafts.iter())).collect();
        let outcomes = self.together(tx, &drafts).await;
        lead.hand_over();
        let mut outcomes = outcomes.into_iter();
        let first = outcomes.by_ref().take(own.len()).collect();
        for one in waiting {
            let theirs = outcomes.by_ref().take(one.drafts.len()).collect();
            // Whoever went away does not wait for an answer.
            let _: Result<(), Reply> = one.reply.send(Reply::Done(theirs));
        }
        Ok(first)
    }

    fn refuse_waiting(&self, error: &DbError) {
        let waiting = std::mem::take(&mut lock(&self.queue).waiting);
        for one in waiting {
            let told = one.drafts.iter().map(|_| Err(DbError::from_engine(&error.to_string()))).collect();
            let _: Result<(), Reply> = one.reply.send(Reply::Done(told));
        }
    }

    /// Those who wait, as many as fit into one commit beside `taken` drafts.
    fn companions(&self, taken: usize) -> Vec<Waiting> {
        let mut queue = lock(&self.queue);
        let mut room = TOGETHER.saturating_sub(taken);
        let mut companions = Vec::new();
        while let Some(next) = queue.waiting.pop_front() {
            if next.drafts.len() > room {
                queue.waiting.push_front(next);
                break;
            }
            room -= next.drafts.len();
            companions.push(next);
        }
        companions
    }

    async fn begin(&self) -> Result<Tx, DbError> {
        let (mut nap, mut napped) = (NAP, Duration::ZERO);
        while napped < PATIENCE {
            if let Some(tx) = self.db.try_begin().await? {
                return Ok(tx);
            }
            self.db.nap(nap).await;
            napped += nap;
            nap = (nap * 2).min(LONGEST_NAP);
        }
        Err(DbError::Locked)
    }

    /// All drafts in one transaction; if that fails, each in one of its own, so that none suffers for another.
    async fn together(&self, mut tx: Tx, drafts: &[&Draft]) -> Vec<Result<Written, DbError>> {
        let outcome = match write(&mut tx, drafts).await {
            Ok(outcomes) => tx.commit().await.map(|()| outcomes),
            Err(error) => {
                drop(tx);
                Err(error)
            }
        };
        match outcome {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) if drafts.len() == 1 => vec![Err(error)],
            Err(_) => {
                let mut outcomes = Vec::with_capacity(drafts.len());
                for draft in drafts {
                    outcomes.push(self.alone(draft).await);
                }
                outcomes
            }
        }
    }

    async fn alone(&self, draft: &Draft) -> Result<Written, DbError> {
        let mut tx = self.begin().await?;
        let outcomes = write(&mut tx, &[draft]).await?;
        tx.commit().await?;
        outcomes.into_iter().next().ok_or_else(|| DbError::Engine("a commit gave no outcome".to_owned()))
    }
}

/// A fault of the sender's, told again.
fn again(error: &EventError) -> EventError {
    match error {
        EventError::Fields(fields) => EventError::Fields(fields.clone()),
        EventError::UnknownTrigger(name, fields) => EventError::UnknownTrigger(name.clone(), fields.clone()),
        EventError::KeyMismatch => EventError::KeyMismatch,
        EventError::TooDeep(depth) => EventError::TooDeep(*depth),
        EventError::Unknown => EventError::Unknown,
        EventError::Db(error) => EventError::Db(DbError::Engine(error.to_string())),
    }
}

fn refused_all(
    answers: Vec<Option<Result<Receipt, PublishError>>>,
    error: &DbError,
) -> Vec<Result<Receipt, PublishError>> {
    let told = || PublishError::Db(DbError::from_engine(&error.to_string()));
    answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(told()))).collect()
}
