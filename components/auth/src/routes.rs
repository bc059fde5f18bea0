//! Which routes lead to identity? Those without a credential, those of a person's own account, and those of a tenant's
//! administration.

mod account;
mod api_keys;
mod audit;
mod clients;
mod connections;
mod factors;
mod invitations;
mod letters;
mod oauth;
mod organizations;
mod pages;
mod passkeys;
mod privacy;
mod recovery;
mod role_bindings;
mod roles;
mod settings;
mod sign_in;
mod sign_on;
mod switching;
mod users;

use auth::Providers;
use axum::{Extension, Router};
use edge::{OAuthFaultBody, World};
use std::sync::Arc;
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The component's routes.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let open = OpenApiRouter::new()
        .routes(routes!(sign_in::login))
        .routes(routes!(sign_in::refresh))
        .routes(routes!(sign_in::register))
        .routes(routes!(sign_in::jwks))
        .routes(routes!(sign_in::setup))
        .routes(routes!(letters::list_letters));
    let own = OpenApiRouter::new()
        .routes(routes!(account::logout))
        .routes(routes!(account::me))
        .routes(routes!(account::csrf))
        .routes(routes!(account::change_password))
        .routes(routes!(account::list_sessions, account::revoke_sessions))
        .routes(routes!(account::revoke_session))
        .routes(routes!(switching::list_tenants))
        .routes(routes!(switching::switch));
    let administration = OpenApiRouter::new()
        .routes(routes!(organizations::list_organizations, organizations::create_organization))
        .routes(routes!(
            organizations::get_organization,
            organizations::change_organization,
            organizations::delete_organization
        ))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::get_user, users::change_user, users::delete_user))
        .routes(routes!(roles::list_roles, roles::create_role))
        .routes(routes!(roles::get_role, roles::change_role, roles::delete_role))
        .routes(routes!(roles::list_permissions))
        .routes(routes!(role_bindings::list_bindings, role_bindings::bind_role, role_bindings::unbind_role))
        .routes(routes!(api_keys::list_api_keys, api_keys::create_api_key))
        .routes(routes!(api_keys::get_api_key, api_keys::change_api_key, api_keys::revoke_api_key))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::verify_audit));
    let mut oauth = OpenApiRouter::new()
        .routes(routes!(oauth::token))
        .routes(routes!(oauth::introspect))
        .routes(routes!(oauth::revoke))
        .routes(routes!(oauth::metadata))
        .routes(routes!(oauth::openid_configuration));
    // The faults of OAuth name it only in their variants, where the document's maker does not look.
    let parts = oauth.get_openapi_mut().components.get_or_insert_default();
    parts.schemas.insert(OAuthFaultBody::name().into_owned(), OAuthFaultBody::schema());
    let programs = OpenApiRouter::new()
        .routes(routes!(api_keys::rotate_api_key))
        .routes(routes!(clients::list_clients, clients::create_client))
        .routes(routes!(clients::get_client, clients::change_client, clients::revoke_client))
        .routes(routes!(clients::rotate_secret));
    let settings = OpenApiRouter::new().routes(routes!(settings::get_settings, settings::change_settings));
    let administration = administration.merge(settings);
    let audit = OpenApiRouter::new().routes(routes!(audit::audit_head)).routes(routes!(audit::export_audit));
    let administration = administration.merge(audit);
    let privacy = OpenApiRouter::new()
        .routes(routes!(privacy::export_me))
        .routes(routes!(privacy::export_user))
        .routes(routes!(privacy::erase_user))
        .routes(routes!(privacy::get_erasure));
    let administration = administration.merge(privacy);
    let second_factors = OpenApiRouter::new()
        .routes(routes!(factors::get_factors))
        .routes(routes!(factors::enrol_totp, factors::remove_totp))
        .routes(routes!(factors::confirm_totp))
        .routes(routes!(factors::renew_recovery_codes))
        .routes(routes!(factors::confirm))
        .routes(routes!(factors::remove_factors));
    let passkeys = OpenApiRouter::new()
        .routes(routes!(passkeys::list_passkeys, passkeys::register_passkey))
        .routes(routes!(passkeys::registration_options))
        .routes(routes!(passkeys::rename_passkey, passkeys::remove_passkey))
        .routes(routes!(passkeys::confirmation_options));
    let open = open
        .routes(routes!(factors::verify))
        .routes(routes!(passkeys::login_options))
        .routes(routes!(passkeys::login))
        .routes(routes!(passkeys::second_factor_options));
    let administration = administration.merge(second_factors).merge(passkeys);
    let sign_on = OpenApiRouter::new()
        .routes(routes!(sign_on::begin))
        .routes(routes!(sign_on::come_back))
        .routes(routes!(sign_on::come_back_from))
        .routes(routes!(sign_on::saml_metadata))
        .routes(routes!(sign_on::saml_answer))
        .routes(routes!(sign_on::fetch_tokens));
    let open = open.merge(sign_on);
    let connections = OpenApiRouter::new()
        .routes(routes!(connections::list_connections, connections::create_connection))
        .routes(routes!(
            connections::get_connection,
            connections::change_connection,
            connections::delete_connection
        ))
        .routes(routes!(connections::test_connection));
    let administration = administration.merge(connections);
    let administration = administration.merge(programs);
    let open = open.merge(oauth);
    let open = open
        .routes(routes!(invitations::accept))
        .routes(routes!(recovery::forgot))
        .routes(routes!(recovery::reset))
        .routes(routes!(recovery::verify_email))
        .routes(routes!(pages::invitation))
        .routes(routes!(pages::reset))
        .routes(routes!(pages::verify));
    let invitations = OpenApiRouter::new()
        .routes(routes!(invitations::list_invitations, invitations::create_invitation))
        .routes(routes!(invitations::get_invitation, invitations::revoke_invitation))
        .routes(routes!(invitations::resend_invitation))
        .routes(routes!(invitations::invite_user))
        .routes(routes!(recovery::change_email))
        .routes(routes!(recovery::resend_verification));
    let administration = administration.merge(invitations);
    let router = edge::fragment(open.merge(once(own.merge(administration))));
    // What is remembered of identity providers lives as long as the instance.
    router.layer(Extension(Arc::new(Providers::default())))
}

/// The same routes, with idempotency keys. Those that need no credential stay without: a key belongs to a tenant.
fn once(routes: OpenApiRouter) -> OpenApiRouter {
    let (router, document) = routes.split_for_parts();
    OpenApiRouter::with_openapi(document).merge(OpenApiRouter::from(edge::idempotent(router)))
}
