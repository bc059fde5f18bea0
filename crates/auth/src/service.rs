//! What can be asked of identity? One file for each kind of thing; each use case loads, decides and saves in one
//! transaction, and hashes passwords outside of it.

mod addresses;
mod admission;
mod api_keys;
mod bindings;
mod clients;
mod codes;
mod confirm;
mod connections;
mod denials;
mod factors;
mod forgotten;
mod grants;
mod introspection;
mod invitations;
pub mod letters;
mod logins;
mod organizations;
mod outside;
mod passkeys;
mod passwords;
mod people;
pub mod privacy;
mod revocation;
mod roles;
mod second_factor;
mod sessions;
mod settings;
mod setup;
mod sign_on;
#[cfg(test)]
pub(crate) mod stage;
mod switching;
mod tenants;
mod tickets;
mod users;

pub use addresses::{change_email, resend_verification, verify_email};
pub use api_keys::{api_key, api_keys, change_api_key, create_api_key, revoke_api_key, rotate_api_key};
pub use bindings::{BindingFilter, bind_role, bind_role_at, bindings, unbind_role, unbind_role_at};
pub use clients::{change_client, client, clients, create_client, revoke_client, rotate_client_secret};
pub use confirm::{Proof, confirm, must_be_confirmed};
pub use connections::{
    Keeper, change_connection, connection, connections, create_connection, delete_connection,
};
pub use denials::note_denial;
pub use factors::{confirm_totp, enrol_totp, factors, new_recovery_codes, remove_factors, remove_totp};
pub use forgotten::{Forgotten, forgot_password};
pub use grants::{GrantAsked, Granted, authenticate, grant};
pub use introspection::{Inspected, TokenKind, introspect};
pub use invitations::{
    Acceptance, Invited, accept_invitation, invitation, invitations, invite, invite_user, resend_invitation,
    revoke_invitation,
};
pub use letters::Post;
pub use logins::{LoggedIn, Login, login, logout, refresh};
pub use organizations::{
    change_organization, create_organization, give_up_organization, organization, organizations,
};
pub use outside::{Outside, Reply, Tested, callback, saml_metadata, test_connection};
pub use passkeys::{
    Answer, Asked, ask_passkey, ask_registration, login_by_passkey, passkeys, register_passkey,
    remove_passkey, rename_passkey,
};
pub use passwords::{change_password, reset_password};
pub use people::{active_person, owners, people, person_at};
pub use revocation::revoke_token;
pub use roles::{change_role, create_role, delete_role, role, roles};
pub use second_factor::{Shown, verify_second_factor};
pub use sessions::{revoke_all_sessions, revoke_session, sessions};
pub use settings::{change_settings, settings};
pub use setup::{SetUp, SetUpDone, register, setup, setup_platform};
pub use sign_on::{Begun, Ended, Failed, Returned, Wish, begin_sign_on, finish_sign_on, redeem_sign_on};
pub use switching::{memberships, switch};
pub use tenants::{change_tenant, tenant};
pub use tickets::forget_tickets;
pub use users::{change_user, create_user, delete_user, me, user, users};

#[cfg(test)]
pub(crate) use setup::made;

use crate::AuthError;
use db::{DbError, Tx};
use kernel::{Actor, Call, SessionId, UserId};

/// Ends a transaction: its work stays if it came out well. Where it did not, the connection goes back to the pool, which
/// a dropped transaction would cost.
async fn finish<T>(tx: Tx, outcome: Result<T, AuthError>) -> Result<T, AuthError> {
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        // A login that waits for a second factor, a code that was refused: the tries and the waiting are to stay.
        Err(error) if error.is_answer() => {
            tx.commit().await?;
            Err(error)
        }
        Err(error) => {
            // The first error is the one to tell; nothing stays in any case.
            let _: Result<(), DbError> = tx.rollback().await;
            Err(error)
        }
    }
}

/// The person behind a call.
fn person(call: &Call) -> Result<(&UserId, &SessionId), AuthError> {
    match &call.principal.actor {
        Actor::User(user, session) => Ok((user, session)),
        Actor::ApiKey(_) | Actor::Client(_) | Actor::Customer(_) | Actor::System => {
            Err(AuthError::NeedsSession)
        }
    }
}
