//! Who is meant? Tasks know ids and addresses; who is a user, identity knows.

use super::{Remark, Seen, TaskFault};
use auth::service as identity;
use db::{DbError, Scope};
use kernel::{Bounded, FieldFault, Person, UserId};
use std::collections::BTreeSet;
use tasks::{Assignee, AssigneeFilter, Comment, Named, Task, TaskError, service::Own};

/// The users among those who have tasks.
pub(crate) struct People(Vec<Person>);

impl People {
    /// The users among these; one statement, and none if there are none.
    pub(crate) async fn of(
        scope: &mut Scope<'_>,
        assignees: impl Iterator<Item = &Assignee>,
    ) -> Result<Self, DbError> {
        let ids: BTreeSet<&UserId> = assignees.filter_map(Assignee::user).collect();
        let ids: Vec<&UserId> = ids.into_iter().collect();
        identity::people(scope, &ids).await.map(Self)
    }

    /// The users among those who did something, by the names under which it is on record.
    pub(crate) async fn named(
        scope: &mut Scope<'_>,
        names: impl Iterator<Item = &str>,
    ) -> Result<Self, DbError> {
        let ids: BTreeSet<UserId> = names.filter_map(|name| name.parse().ok()).collect();
        let ids: Vec<&UserId> = ids.iter().collect();
        identity::people(scope, &ids).await.map(Self)
    }

    /// A comment with whoever wrote it.
    pub(crate) fn remark(&self, comment: Comment) -> Remark {
        let author = self.0.iter().find(|person| person.id.as_str() == comment.author).cloned();
        Remark { comment, author }
    }

    fn person(&self, assignee: &Assignee) -> Option<&Person> {
        let id = assignee.user()?;
        self.0.iter().find(|person| person.id == *id)
    }

    /// Where somebody is reached; `None` for a user who is gone.
    pub(crate) fn address(&self, assignee: &Assignee) -> Option<String> {
        match assignee {
            Assignee::Address(address) => Some(address.as_str().to_owned()),
            Assignee::User(_) => self.person(assignee).map(|person| person.email.clone()),
        }
    }

    /// A task with whoever has it.
    pub(crate) fn seen(&self, task: Task) -> Seen {
        let assignee = task.assignee.as_ref().and_then(|assignee| self.person(assignee)).cloned();
        Seen { task, assignee }
    }
}

fn fault(message: &str) -> TaskFault {
    TaskError::Invalid(vec![FieldFault::new("assignee", message)]).into()
}

/// Whom a request names, looked up: an address that is a user's means the user.
///
/// # Errors
/// A faulty field for a user that the tenant has not, and for `me` by a program; the database's.
pub(crate) async fn resolve(
    scope: &mut Scope<'_>,
    who: &Bounded,
    named: Option<Named>,
) -> Result<Option<Assignee>, TaskFault> {
    let me = who.own().map(|(_, id)| id.clone());
    match named {
        None => Ok(None),
        Some(Named::Me) => match me {
            Some(id) => Ok(Some(Assignee::User(id))),
            None => Err(fault("cannot be `me` here: a program has no tasks; name a user's id or an address")),
        },
        Some(Named::User(id)) => known(scope, Assignee::User(id)).await.map(Some),
        Some(Named::Address(address)) => known(scope, Assignee::Address(address)).await.map(Some),
    }
}

/// Somebody, looked up.
///
/// # Errors
/// A faulty field for a user that the tenant has not; the database's.
pub(crate) async fn known(scope: &mut Scope<'_>, assignee: Assignee) -> Result<Assignee, TaskFault> {
    match assignee {
        Assignee::User(id) => {
            let found = identity::people(scope, &[&id]).await?;
            if found.is_empty() {
                return Err(fault(
                    "is no user of this tenant; GET /api/v1/admin/users lists those that there are",
                ));
            }
            Ok(Assignee::User(id))
        }
        Assignee::Address(address) => {
            let person = identity::person_at(scope, address.as_str()).await?;
            Ok(person.map_or(Assignee::Address(address), |person| Assignee::User(person.id)))
        }
    }
}

/// Whose tasks a list is to show: `me`, `none`, a user's id or an address.
///
/// # Errors
/// A faulty field if it is none of these, and for `me` by a program; the database's.
pub(crate) async fn wanted(
    scope: &mut Scope<'_>,
    own: &Own,
    text: &str,
) -> Result<AssigneeFilter, TaskFault> {
    if text == "none" {
        return Ok(AssigneeFilter::Nobody);
    }
    let keys = match text.parse::<Named>() {
        Ok(Named::Me) if own.keys().is_empty() => {
            return Err(fault("cannot be `me` here: a program has no tasks; name a user's id or an address"));
        }
        Ok(Named::Me) => own.keys().to_vec(),
        Ok(Named::User(id)) => {
            let address =
                identity::people(scope, &[&id]).await?.into_iter().next().map(|person| person.email);
            std::iter::once(id.to_string()).chain(address).collect()
        }
        Ok(Named::Address(address)) => {
            let person = identity::person_at(scope, address.as_str()).await?;
            let id = person.map(|person| person.id.to_string());
            std::iter::once(address.as_str().to_owned()).chain(id).collect()
        }
        Err(error) => return Err(fault(&format!("{error}, or `none`"))),
    };
    Ok(AssigneeFilter::Somebody(keys))
}
