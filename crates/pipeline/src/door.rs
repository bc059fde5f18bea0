//! How do many requests share one sync? The first to come leads: it takes the lock, writes for all who wait by then,
//! commits once and answers each. Then it hands the lead to the next who waits.
//!
//! While a leader waits for the lock of another instance, newcomers join it. A leader may be cancelled at any moment
//! (its client went away): its followers' channels break, and each tries again with the same event id, so that an event
//! that was committed all the same is found and not written twice (docs/decisions/0006-group-commit.md).

use crate::{
    Books, Draft, PublishError, decide,
    write::{Written, write},
};
use db::{Db, DbError, Tx};
use events::{EventError, NewEvent, Origin};
use futures::channel::oneshot;
use kernel::Call;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use crate::write::Receipt;

/// The most drafts in one commit.
const TOGETHER: usize = 256;
/// How long a leader naps when another instance holds the lock, and how often it tries.
const NAP: Duration = Duration::from_micros(300);
const TRIES: usize = 30_000;
/// How often an event is decided anew because the rules changed under it.
const REDECIDED: usize = 5;

struct Waiting {
    draft: Arc<Draft>,
    reply: oneshot::Sender<Reply>,
}

enum Reply {
    Done(Result<Written, DbError>),
    Lead(Lead),
}

/// Where a draft finds itself when it comes.
enum Place {
    Lead(Lead),
    Follow(oneshot::Receiver<Reply>),
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
    pub fn new(db: Db, books: Arc<Books>) -> Self {
        Self { db, books, queue: Arc::default() }
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
        for _ in 0..REDECIDED {
            let book = match self.books.get(&self.db, call.tenant()).await {
                Ok(book) => book,
                Err(error) => return refused_all(answers, &error),
            };
            let mut places = Vec::new();
            let mut waits = Vec::new();
            for (place, (event, answer)) in events.iter().zip(&mut answers).enumerate() {
                if answer.is_some() {
                    continue;
                }
                match event
                    .as_ref()
                    .map_err(again)
                    .and_then(|event| decide(&book, call, event.clone(), origin.clone()))
                {
                    Ok(draft) => {
                        places.push(place);
                        waits.push(self.commit(Arc::new(draft)));
                    }
                    Err(error) => *answer = Some(Err(error.into())),
                }
            }
            let mut moved = false;
            for (place, outcome) in places.into_iter().zip(futures::future::join_all(waits).await) {
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

    /// Puts one draft through a commit, as leader or as follower.
    async fn commit(&self, draft: Arc<Draft>) -> Result<Written, DbError> {
        loop {
            match self.enter(&draft) {
                Place::Lead(lead) => return self.lead(lead, &draft).await,
                Place::Follow(receiver) => match receiver.await {
                    Ok(Reply::Done(outcome)) => return outcome,
                    Ok(Reply::Lead(lead)) => return self.lead(lead, &draft).await,
                    // The leader was cancelled; whether it had committed is found out by trying again.
                    Err(oneshot::Canceled) => {}
                },
            }
        }
    }

    fn enter(&self, draft: &Arc<Draft>) -> Place {
        let mut queue = lock(&self.queue);
        if queue.led {
            let (reply, receiver) = oneshot::channel();
            queue.waiting.push_back(Waiting { draft: Arc::clone(draft), reply });
            Place::Follow(receiver)
        } else {
            queue.led = true;
            Place::Lead(Lead(Some(Arc::clone(&self.queue))))
        }
    }

    /// Writes `own` and the drafts of all who wait, in one commit.
    async fn lead(&self, lead: Lead, own: &Draft) -> Result<Written, DbError> {
        let tx = self.begin().await?;
        let waiting: Vec<Waiting> = {
            let mut queue = lock(&self.queue);
            let count = queue.waiting.len().min(TOGETHER - 1);
            queue.waiting.drain(..count).collect()
        };
        let drafts: Vec<&Draft> = std::iter::once(own).chain(waiting.iter().map(|one| &*one.draft)).collect();
        let outcomes = self.together(tx, &drafts).await;
        lead.hand_over();
        let mut outcomes = outcomes.into_iter();
        let first = outcomes.next();
        for (one, outcome) in waiting.into_iter().zip(outcomes) {
            // Whoever went away does not wait for an answer.
            let _: Result<(), Reply> = one.reply.send(Reply::Done(outcome));
        }
        first.unwrap_or_else(|| Err(DbError::Engine("a commit gave no outcome".to_owned())))
    }

    async fn begin(&self) -> Result<Tx, DbError> {
        for _ in 0..TRIES {
            if let Some(tx) = self.db.try_begin().await? {
                return Ok(tx);
            }
            self.db.nap(NAP).await;
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
