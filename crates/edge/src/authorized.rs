//! May this caller do this? Handlers ask by type: `Authorized<needs::RulesWrite>` is a call that may.

use crate::{Problem, Unspecific, World, visitor};
use auth::FactorError;
use axum::extract::FromRequestParts;
use http::request::Parts;
use kernel::{Bounded, Call, Permission};
use std::{marker::PhantomData, sync::Arc};

/// What a route asks of its callers.
pub trait Need: Send + Sync + 'static {
    /// The permission, or `None` where any sound credential will do.
    const PERMISSION: Option<Permission>;
    /// Whether somebody may come whose tenant wants a second factor that their session lacks: to enrol or show one.
    const LACKING: bool = false;
}

/// What routes ask for, as types.
pub mod needs {
    use super::{Need, Permission};

    macro_rules! needs {
        ($($name:ident),+ $(,)?) => {$(
            #[doc = concat!("The permission of the same name: [`Permission::", stringify!($name), "`].")]
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}
            impl Need for $name {
                const PERMISSION: Option<Permission> = Some(Permission::$name);
            }
        )+};
    }

    needs!(
        RulesRead,
        RulesWrite,
        TriggersRead,
        TriggersWrite,
        EventsRead,
        EventsWrite,
        JobsRead,
        JobsRedrive,
        NotificationsRead,
        NotificationsWrite,
        InboxRead,
        AccessRead,
        AccessWrite,
        AuditRead,
        SettingsWrite,
        WebhooksRead,
        WebhooksWrite,
        RecordsRead,
        RecordsWrite,
        TokensIntrospect,
        TenantsRead,
        TenantsWrite,
    );

    /// Any sound credential, also of somebody who must enrol or show a second factor first: what people do with their own
    /// account.
    #[derive(Debug, Clone, Copy)]
    pub enum OwnAccount {}
    impl Need for OwnAccount {
        const PERMISSION: Option<Permission> = None;
        const LACKING: bool = true;
    }

    /// Any sound credential.
    #[derive(Debug, Clone, Copy)]
    pub enum Anybody {}
    impl Need for Anybody {
        const PERMISSION: Option<Permission> = None;
    }
}

/// A caller whose credential was checked against the database and who has the permission.
pub struct Authorized<N> {
    /// The call that a use case sees.
    pub call: Call,
    /// What the component stands in.
    pub world: Arc<World>,
    /// The e-mail address of the caller, if it is a person.
    pub email: Option<String>,
    need: PhantomData<N>,
}

/// A caller known from memory: only for the hot path, which compares `access_revision` in its own transaction.
pub struct Recognised<N> {
    /// The call that a use case sees.
    pub call: Call,
    /// What the component stands in.
    pub world: Arc<World>,
    /// Who stands at the door, to be asked again if the revision moved.
    pub visitor: Arc<visitor::Visitor>,
    need: PhantomData<N>,
}

/// A caller as [`Authorized`], who also proved within the last 15 minutes who they are. For what a stolen session must not
/// do. Programs pass: see docs/identity/two-factor.md.
pub struct Confirmed<N> {
    /// The call that a use case sees.
    pub call: Call,
    /// What the component stands in.
    pub world: Arc<World>,
    /// The e-mail address of the caller, if it is a person.
    pub email: Option<String>,
    need: PhantomData<N>,
}

/// Refuses whoever must enrol or show a second factor before anything else.
fn suffice<N: Need>(call: &Call) -> Result<(), Problem> {
    if call.principal.assurance.lacks_factor && !N::LACKING {
        return Err(FactorError::Lacking.into());
    }
    Ok(())
}

fn permit<N: Need>(call: &Call) -> Result<(), Problem> {
    suffice::<N>(call)?;
    match N::PERMISSION {
        Some(permission) if !call.principal.may(permission) => Err(Unspecific::Permission(permission).into()),
        Some(_) | None => Ok(()),
    }
}

/// A caller who has the permission somewhere, in the whole tenant or in a part of it. Use cases that know modules and
/// resources take `who`, and get the call out of it by naming what it is for; no other route lets such a caller in.
pub struct Reaching<N> {
    /// The call, as far as the permission reaches.
    pub who: Bounded,
    /// What the component stands in.
    pub world: Arc<World>,
    need: PhantomData<N>,
}

/// A caller who has the permission somewhere, or a person: there may be something of their own, however little they may do
/// with others'. Use cases that know whose a thing is take `who` and `email`; no other route lets such a caller in.
pub struct Partaking<N> {
    /// The call, as far as the permission reaches.
    pub who: Bounded,
    /// What the component stands in.
    pub world: Arc<World>,
    /// The e-mail address of the caller, if it is a person.
    pub email: Option<String>,
    need: PhantomData<N>,
}

/// A caller who has the permission `All` over all tenants, which only those who run the platform can have; or else one who
/// has `Own` in their own.
pub enum Steward<All, Own> {
    /// Of the platform.
    OfAll(Authorized<All>),
    /// Of their own tenant.
    OfOwn(Authorized<Own>),
}

impl<All: Need, Own: Need, S: Send + Sync> FromRequestParts<S> for Steward<All, Own> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Authorized::<needs::Anybody>::from_request_parts(parts, state).await?;
        if permit::<All>(&caller.call).is_ok() {
            return Ok(Self::OfAll(caller.for_need()));
        }
        permit::<Own>(&caller.call)?;
        Ok(Self::OfOwn(caller.for_need()))
    }
}

impl Authorized<needs::Anybody> {
    /// The same caller, found to have what `N` asks.
    fn for_need<N>(self) -> Authorized<N> {
        Authorized { call: self.call, world: self.world, email: self.email, need: PhantomData }
    }
}

impl<N: Need, S: Send + Sync> FromRequestParts<S> for Reaching<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A route that any sound credential opens has nothing to be bounded by.
        let permission = N::PERMISSION.ok_or(Unspecific::Internal)?;
        let (world, visitor) = visitor::surroundings(parts)?;
        let checked = visitor.check(&world).await?;
        let call = visitor.call(&world, checked);
        suffice::<N>(&call)?;
        let who = Bounded::new(call, permission);
        if who.bounds().is_nowhere() {
            return Err(Unspecific::Permission(permission).into());
        }
        Ok(Self { who, world, need: PhantomData })
    }
}

impl<N: Need, S: Send + Sync> FromRequestParts<S> for Partaking<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let permission = N::PERMISSION.ok_or(Unspecific::Internal)?;
        let (world, visitor) = visitor::surroundings(parts)?;
        let checked = visitor.check(&world).await?;
        let email = checked.user_email.clone();
        let call = visitor.call(&world, checked);
        suffice::<N>(&call)?;
        let who = Bounded::new(call, permission);
        if who.bounds().is_nowhere() && who.own().is_none() {
            return Err(Unspecific::Permission(permission).into());
        }
        Ok(Self { who, world, email, need: PhantomData })
    }
}

impl<N: Need, S: Send + Sync> FromRequestParts<S> for Authorized<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (world, visitor) = visitor::surroundings(parts)?;
        let checked = visitor.check(&world).await?;
        let email = checked.user_email.clone();
        let call = visitor.call(&world, checked);
        permit::<N>(&call)?;
        Ok(Self { call, world, email, need: PhantomData })
    }
}

impl<N: Need, S: Send + Sync> FromRequestParts<S> for Confirmed<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Authorized::<N>::from_request_parts(parts, state).await?;
        auth::service::must_be_confirmed(&caller.call)?;
        Ok(Self { call: caller.call, world: caller.world, email: caller.email, need: PhantomData })
    }
}

impl<N: Need, S: Send + Sync> FromRequestParts<S> for Recognised<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (world, visitor) = visitor::surroundings(parts)?;
        let checked = visitor.recognise(&world).await?;
        let call = visitor.call(&world, checked);
        permit::<N>(&call)?;
        Ok(Self { call, world, visitor, need: PhantomData })
    }
}

impl<N: Need> Recognised<N> {
    /// Asks the gate again, now that the tenant's access revision moved.
    ///
    /// # Errors
    /// Whatever is wrong with the credential by now.
    pub async fn again(&self) -> Result<Call, Problem> {
        let credential = self.visitor.credential().ok_or(Unspecific::NoCredential)?;
        let checked = self.world.gate.check(credential, self.world.clock.now()).await?;
        let call = self.visitor.call(&self.world, checked);
        permit::<N>(&call).map(|()| call)
    }
}
