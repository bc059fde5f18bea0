//! How does a type of records change? In one transaction with the triggers that its records raise.

use super::{Desk, RecordFault, finish};
use ::records::{RecordTrigger, RecordType, TypeDraft, TypeName, TypePatch, service::kinds};
use db::Scope;
use kernel::{Bounded, Call};
use rules::{About, Catalogue, Parts, service::triggers};

/// Makes a type of the tenant's own.
///
/// # Errors
/// [`RecordFault`]; then nothing was changed.
pub async fn create_type(desk: Desk<'_>, who: &Bounded, draft: TypeDraft) -> Result<RecordType, RecordFault> {
    let mut tx = desk.db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let (call, kind) = kinds::create(&mut scope, who, draft).await?;
        declare(&mut scope, call, &kind).await?;
        Ok(kind)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Changes a type: a built-in one's own fields and statuses, or one of the tenant's own.
///
/// # Errors
/// As [`create_type`].
pub async fn change_type(
    desk: Desk<'_>,
    who: &Bounded,
    name: &TypeName,
    expected: Option<u32>,
    patch: TypePatch,
) -> Result<RecordType, RecordFault> {
    let mut tx = desk.db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let (call, (was, kind)) = kinds::change(&mut scope, who, name, expected, patch).await?;
        withdraw(&mut scope, call, &was, Some(&kind)).await?;
        declare(&mut scope, call, &kind).await?;
        Ok(kind)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Deletes a type of the tenant's own of which there are no records.
///
/// # Errors
/// As [`create_type`].
pub async fn delete_type(
    desk: Desk<'_>,
    who: &Bounded,
    name: &TypeName,
    expected: Option<u32>,
) -> Result<(), RecordFault> {
    let mut tx = desk.db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let (call, was) = kinds::delete(&mut scope, who, name, expected).await?;
        withdraw(&mut scope, call, &was, None).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Makes known what rules can be bound to, and what they may name there.
async fn declare(scope: &mut Scope<'_>, call: &Call, kind: &RecordType) -> Result<(), RecordFault> {
    let catalogue = triggers::load(scope).await?;
    let all = ::records::triggers(kind).into_iter().map(|one| parts(kind, one, &catalogue)).collect();
    Ok(triggers::declare_in(scope, call, all).await?)
}

/// Takes out the triggers that the type does not raise any more.
async fn withdraw(
    scope: &mut Scope<'_>,
    call: &Call,
    was: &RecordType,
    next: Option<&RecordType>,
) -> Result<(), RecordFault> {
    let kept = next.map(::records::triggers).unwrap_or_default();
    let gone = ::records::triggers(was).into_iter().map(|one| one.trigger_id);
    let gone: Vec<String> = gone.filter(|name| kept.iter().all(|one| one.trigger_id != *name)).collect();
    let names: Vec<&str> = gone.iter().map(String::as_str).collect();
    Ok(triggers::withdraw_in(scope, call, &names).await?)
}

/// A trigger as the catalogue has it. One that every tenant has asks for no more of the events of others than it does there.
fn parts(kind: &RecordType, one: RecordTrigger, catalogue: &Catalogue) -> Parts {
    let mut schema = one.schema;
    let known = catalogue.find(&one.trigger_id).ok().filter(|_| !kind.is_own());
    if let (Some(known), Some(schema)) = (known, schema.as_object_mut()) {
        schema.insert("required".to_owned(), known.required_data().collect::<Vec<_>>().into());
    }
    Parts {
        trigger_id: one.trigger_id.into(),
        module_type: one.module_type.into(),
        description: one.description,
        schema,
        sample: one.sample,
        about: Some(About { record_type: one.record_type.into(), field: one.field.into() }),
        record_schema: Some(one.record_schema),
    }
}
