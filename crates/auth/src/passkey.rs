//! Is this the passkey of that person? WebAuthn (<https://www.w3.org/TR/webauthn-3/>) by the library webauthn_rp: this file is
//! the only one that names it.
//!
//! Every passkey here is discoverable and verified its person (PIN, finger, face), so each is two factors in one and can
//! stand alone. The library draws challenges from the system's chance and reads the system's clock for their end; beside
//! that each challenge ends by our own clock, and is good once (docs/decisions/0012-passkeys.md).

use crate::digest;
use kernel::{Fault, FieldFault, Instant, Kind, PasskeyId, Span, TenantId, UserId};
use serde_json::Value;
use url::Url;
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthenticationServerState, DiscoverableCredentialRequestOptions,
    PublicKeyCredentialCreationOptions, RegistrationServerState,
    bin::{Decode as _, Encode as _},
    request::{
        AsciiDomain, PublicKeyCredentialDescriptor, RpId,
        auth::AuthenticationVerificationOptions,
        register::{
            CredProtect, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle, Username,
        },
    },
    response::{
        AuthTransports, CredentialId,
        auth::DiscoverableAuthentication,
        register::{CompressedPubKey, DynamicState, Registration, StaticState},
    },
};

/// How long a challenge waits for its answer.
pub(crate) const CHALLENGE_LIFE: Span = Span::minutes(5);
/// How many passkeys somebody may have.
pub(crate) const MOST: u32 = 20;
/// Bytes of a user handle.
const HANDLE: usize = 32;

type Handle = UserHandle<HANDLE>;
type PublicKey = StaticState<CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>>;

/// A fault of passkeys.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// There is no domain that passkeys could belong to.
    #[error(
        "There are no passkeys here: they belong to a domain, and public_url names none. Ask the operators to set public_url or passkey_domain."
    )]
    Unavailable,
    /// A passkey opens nothing: whatever is wrong with it.
    #[error(
        "The passkey was refused: it is not known here, or its answer is too old, was used before or is of another site. Ask for new options and try again."
    )]
    Refused,
    /// What an authenticator answered is no registration.
    #[error("The passkey cannot be registered; details says why.")]
    Unsound(Vec<FieldFault>),
    /// It is somebody's already.
    #[error("This passkey is registered already.")]
    Taken,
    /// There are many already.
    #[error("There are {MOST} passkeys already. Remove one that you do not use.")]
    TooMany,
    /// Ours.
    #[error("a passkey could not be handled: {0}")]
    Internal(String),
}

impl PasskeyError {
    /// Whether what was written on the way here stays.
    pub(crate) const fn is_answer(&self) -> bool {
        match self {
            Self::Refused => true,
            Self::Unavailable | Self::Unsound(_) | Self::Taken | Self::TooMany | Self::Internal(_) => false,
        }
    }

    fn unsound(why: impl std::fmt::Display) -> Self {
        Self::Unsound(vec![FieldFault::new("credential", why)])
    }
}

impl Fault for PasskeyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable | Self::Taken | Self::TooMany => Kind::Conflict,
            Self::Refused => Kind::Unauthenticated,
            Self::Unsound(_) => Kind::Invalid,
            Self::Internal(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable => "PASSKEYS_UNAVAILABLE",
            Self::Refused => "PASSKEY_REFUSED",
            Self::Unsound(_) => "VALIDATION_ERROR",
            Self::Taken => "PASSKEY_TAKEN",
            Self::TooMany => "PASSKEY_LIMIT",
            Self::Internal(_) => "INTERNAL",
        }
    }

    fn fields(&self) -> &[FieldFault] {
        if let Self::Unsound(fields) = self { fields } else { &[] }
    }
}

fn internal(error: impl std::fmt::Display) -> PasskeyError {
    PasskeyError::Internal(error.to_string())
}

/// The site that passkeys belong to (a relying party): a domain, and the origins of its pages.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    id: RpId,
    origins: Vec<String>,
}

impl RelyingParty {
    /// Of what the operator set. Without `domain` it is the host of `public_url`, without `origins` its origin.
    ///
    /// # Errors
    /// [`PasskeyError::Unavailable`] if that is no domain (an IP address is none), or an origin does not read.
    pub fn new(public_url: &str, domain: &str, origins: &[String]) -> Result<Self, PasskeyError> {
        let origin = |text: &str| {
            let url = Url::parse(text).map_err(|_| PasskeyError::Unavailable)?;
            Ok((url.domain().map(str::to_owned), url.origin().ascii_serialization()))
        };
        let (host, own) = origin(public_url)?;
        let domain = if domain.is_empty() { host } else { Some(domain.to_owned()) };
        let domain = domain.filter(|name| name.parse::<std::net::IpAddr>().is_err());
        let domain = domain.ok_or(PasskeyError::Unavailable)?;
        let id = AsciiDomain::try_from(domain).map_err(|_| PasskeyError::Unavailable)?;
        let origins: Result<Vec<String>, PasskeyError> =
            origins.iter().map(|text| origin(text).map(|(_, origin)| origin)).collect();
        let origins = Some(origins?).filter(|origins| !origins.is_empty()).unwrap_or_else(|| vec![own]);
        Ok(Self { id: RpId::Domain(id), origins })
    }
}

/// How an authenticator knows a user: SHA-256 of tenant and id, so that it tells nothing of either.
pub(crate) fn handle(tenant: &TenantId, user: &UserId) -> [u8; HANDLE] {
    *digest::of(&["passkey user", tenant.as_str(), user.as_str()]).expose()
}

fn handle_of(bytes: [u8; HANDLE]) -> Handle {
    let Ok(handle) = Handle::decode(bytes);
    handle
}

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To register a passkey.
    Register,
    /// To log in by passkey alone.
    Login,
    /// To finish a login that began otherwise.
    SecondFactor,
    /// To confirm who one is, in a session.
    Confirm,
}

impl Purpose {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Login => "login",
            Self::SecondFactor => "second_factor",
            Self::Confirm => "confirm",
        }
    }
}

impl std::str::FromStr for Purpose {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Register, Self::Login, Self::SecondFactor, Self::Confirm]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
            .ok_or(())
    }
}

/// A challenge that goes out.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// What names it when its answer comes.
    pub(crate) id: [u8; 16],
    /// What the library wants to see again then.
    pub(crate) state: Vec<u8>,
    /// The options for `navigator.credentials`, as JSON.
    pub(crate) options: String,
}

/// A passkey as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was registered.
    pub created_at: Instant,
    /// When it opened something last.
    pub last_used_at: Option<Instant>,
}

/// What is kept of a passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) id: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) standing: Vec<u8>,
    pub(crate) transports: u8,
}

/// Asks for a new passkey of a user, on another authenticator than those that hold one.
pub(crate) fn ask_registration(
    party: &RelyingParty,
    user: [u8; HANDLE],
    name: &str,
    known: &[Credential],
) -> Result<Challenge, PasskeyError> {
    let user = handle_of(user);
    let entity = PublicKeyCredentialUserEntity {
        name: Username::try_from(name).map_err(internal)?,
        id: &user,
        display_name: None,
    };
    let known: Result<Vec<_>, PasskeyError> = known.iter().map(descriptor).collect();
    let mut options = PublicKeyCredentialCreationOptions::passkey(&party.id, entity, known?);
    // Enforced, it would shut out authenticators that do not know it; every use here asks for verification anyway.
    options.extensions.cred_protect = CredProtect::None;
    let id = options.challenge.as_data();
    let (server, client) = options.start_ceremony().map_err(internal)?;
    Ok(Challenge {
        id: id.to_be_bytes(),
        state: server.encode().map_err(internal)?,
        options: serde_json::to_string(&client).map_err(internal)?,
    })
}

fn descriptor(known: &Credential) -> Result<PublicKeyCredentialDescriptor<Vec<u8>>, PasskeyError> {
    Ok(PublicKeyCredentialDescriptor {
        id: CredentialId::decode(known.id.clone()).map_err(internal)?,
        transports: AuthTransports::decode(known.transports).map_err(internal)?,
    })
}

/// What an authenticator answered that was asked for a new passkey.
pub(crate) struct Registered(Registration);

impl Registered {
    /// Reads the JSON form of the answer (`PublicKeyCredential.toJSON()`).
    pub(crate) fn read(json: &str) -> Result<Self, PasskeyError> {
        Registration::from_json_relaxed(json.as_bytes()).map(Self).map_err(PasskeyError::unsound)
    }

    /// Which challenge it answers.
    pub(crate) fn challenge(&self) -> Result<[u8; 16], PasskeyError> {
        self.0.challenge_relaxed().map(|sent| sent.0.to_be_bytes()).map_err(PasskeyError::unsound)
    }

    /// The passkey, if the answer holds.
    pub(crate) fn verify(&self, party: &RelyingParty, state: &[u8]) -> Result<Credential, PasskeyError> {
        let state = RegistrationServerState::<HANDLE>::decode(state).map_err(internal)?;
        let options = RegistrationVerificationOptions::<'_, '_, String, String> {
            allowed_origins: &party.origins,
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let made = state.verify(&party.id, &self.0, &options).map_err(PasskeyError::unsound)?;
        let (Ok(public_key), Ok(standing), Ok(transports)) =
            (made.static_state().encode(), made.dynamic_state().encode(), made.transports().encode());
        Ok(Credential {
            id: made.id().as_ref().to_vec(),
            public_key,
            standing: standing.to_vec(),
            transports,
        })
    }
}

/// Asks for any passkey of this site.
pub(crate) fn ask(party: &RelyingParty) -> Result<Challenge, PasskeyError> {
    let options = DiscoverableCredentialRequestOptions::passkey(&party.id);
    let id = options.0.challenge.as_data();
    let (server, client) = options.start_ceremony().map_err(internal)?;
    Ok(Challenge {
        id: id.to_be_bytes(),
        state: server.encode().map_err(internal)?.to_vec(),
        options: serde_json::to_string(&client).map_err(internal)?,
    })
}

/// What an authenticator answered that was asked for a passkey.
pub(crate) struct Asserted(DiscoverableAuthentication<HANDLE>);

impl Asserted {
    /// Reads the JSON form of the answer (`PublicKeyCredential.toJSON()`).
    pub(crate) fn read(json: &str) -> Result<Self, PasskeyError> {
        // The library panics where the user handle is missing, which would end the instance: so it never sees that. It is
        // given what was looked at, written anew, lest the two read one text differently.
        let value: Value = serde_json::from_str(json).map_err(|_| PasskeyError::Refused)?;
        let named = value.pointer("/response/userHandle").and_then(Value::as_str);
        if named.is_none_or(str::is_empty) {
            return Err(PasskeyError::Refused);
        }
        let read = DiscoverableAuthentication::from_json_relaxed(value.to_string().as_bytes());
        read.map(Self).map_err(|_| PasskeyError::Refused)
    }

    /// Which challenge it answers.
    pub(crate) fn challenge(&self) -> Result<[u8; 16], PasskeyError> {
        let sent = self.0.challenge_relaxed().map_err(|_| PasskeyError::Refused)?;
        Ok(sent.0.to_be_bytes())
    }

    /// Which passkey it says it is.
    pub(crate) fn credential_id(&self) -> Vec<u8> {
        self.0.raw_id().as_ref().to_vec()
    }

    /// How the passkey stands after this use, if the answer holds: right site, right user, the challenge signed, the
    /// person verified, the signature counter grown.
    pub(crate) fn verify(
        &self,
        party: &RelyingParty,
        state: &[u8],
        user: [u8; HANDLE],
        kept: &Credential,
    ) -> Result<Vec<u8>, PasskeyError> {
        let state = DiscoverableAuthenticationServerState::decode(state).map_err(internal)?;
        let standing = kept.standing.as_slice().try_into().map_err(internal)?;
        let user = handle_of(user);
        let mut known = AuthenticatedCredential::new(
            self.0.raw_id(),
            &user,
            PublicKey::decode(&kept.public_key).map_err(internal)?,
            DynamicState::decode(standing).map_err(internal)?,
        )
        .map_err(internal)?;
        let options = AuthenticationVerificationOptions::<'_, '_, String, String> {
            allowed_origins: &party.origins,
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        state.verify(&party.id, &self.0, &mut known, &options).map_err(|_| PasskeyError::Refused)?;
        let Ok(standing) = known.dynamic_state().encode();
        Ok(standing.to_vec())
    }
}
