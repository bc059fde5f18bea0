//! What does OpenID Connect ask of whoever relies on it? Core 1.0, Discovery 1.0, PKCE (RFC 7636), RFC 9207.
//!
//! Signatures, issuer, audience, expiry and nonce are checked by the crate `openidconnect`; here stand the choices that
//! it leaves open, and what it does not look at.

use crate::{SignOnError, claim, connection::sound_address, digest::Digest, fetch::Guarded};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Instant, Secret, Span};
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthType, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata,
    RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, TokenResponse as _,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
        CoreTokenResponse,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How far a provider's clock may be from ours.
const LEEWAY: Span = Span::seconds(60);
/// The longest subject (Core 1.0, section 2).
const SUBJECT_MAX: usize = 255;

/// The signatures that are taken. `none` and the HMACs, whose key would be a secret that both sides know, are not.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What we read of a discovery document beside what the crate reads.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Extra {
    /// RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    /// RFC 8414.
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
}

impl AdditionalProviderMetadata for Extra {}

/// A provider's discovery document and keys.
pub(crate) type Provider = ProviderMetadata<
    Extra,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// We, as a provider knows us.
pub(crate) type Us = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why an identity token is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It names a key that is not among those that we know: the provider may have turned its keys.
    UnknownKey,
    /// It does not hold.
    Refused(String),
}

/// What is wrong with a provider, in the words of the one who set it up; nothing if all is well.
pub(crate) fn faults(provider: &Provider, has_secret: bool, allow_private: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut address = |name: &str, text: Option<&str>| match text {
        None => faults.push(format!("it names no {name}")),
        Some(text) => {
            if let Err(why) = sound_address(text, allow_private) {
                faults.push(format!("its {name} {why}"));
            }
        }
    };
    address("authorization_endpoint", Some(provider.authorization_endpoint().as_str()));
    address("token_endpoint", provider.token_endpoint().map(|url| url.as_str()));
    address("jwks_uri", Some(provider.jwks_uri().as_str()));
    let code =
        provider.response_types_supported().iter().any(|types| types.as_slice() == [CoreResponseType::Code]);
    if !code {
        faults.push("it does not support response_type=code".to_owned());
    }
    if !provider.id_token_signing_alg_values_supported().iter().any(|one| ALGORITHMS.contains(one)) {
        faults.push("it signs with none of RS256, PS256, ES256 and EdDSA".to_owned());
    }
    let challenges = provider.additional_metadata().code_challenge_methods_supported.as_deref();
    if challenges.is_some_and(|all| !all.iter().any(|one| one == "S256")) {
        faults.push("it does not support PKCE with S256".to_owned());
    }
    if provider.jwks().keys().is_empty() {
        faults.push("its jwks_uri holds no key that can be used".to_owned());
    }
    if has_secret && auth_type(provider).is_none() {
        faults.push("it supports neither client_secret_basic nor client_secret_post".to_owned());
    }
    faults
}

/// How the client secret is shown; what a provider does not say is `client_secret_basic`.
fn auth_type(provider: &Provider) -> Option<AuthType> {
    let Some(all) = provider.token_endpoint_auth_methods_supported() else {
        return Some(AuthType::BasicAuth);
    };
    if all.contains(&CoreClientAuthMethod::ClientSecretBasic) {
        Some(AuthType::BasicAuth)
    } else if all.contains(&CoreClientAuthMethod::ClientSecretPost) {
        Some(AuthType::RequestBody)
    } else {
        None
    }
}

/// Whether the provider names itself in its answers (RFC 9207).
pub(crate) fn names_itself(provider: &Provider) -> bool {
    provider.additional_metadata().authorization_response_iss_parameter_supported
}

/// We, as the provider knows us.
///
/// # Errors
/// What cannot be: an address of our own that does not read.
pub(crate) fn us(
    provider: &Provider,
    client_id: &str,
    secret: Option<&Secret<String>>,
    callback: &str,
) -> Result<Us, String> {
    let secret = secret.map(|secret| ClientSecret::new(secret.expose().clone()));
    let auth_type = auth_type(provider).unwrap_or(AuthType::BasicAuth);
    let callback = RedirectUrl::new(callback.to_owned())
        .map_err(|_| "our own address does not read; the operator must set public_url".to_owned())?;
    let us =
        CoreClient::from_provider_metadata(provider.clone(), ClientId::new(client_id.to_owned()), secret);
    Ok(us.set_redirect_uri(callback).set_auth_type(auth_type))
}

/// A derived secret as a text of 43 letters, digits, `-` and `_`: a PKCE verifier (RFC 7636, section 4.1) or a nonce.
pub(crate) fn text_of(derived: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(derived.expose())
}

/// Where the browser is sent.
pub(crate) fn authorization(
    us: &Us,
    scopes: &[String],
    state: &Secret<String>,
    nonce: &Digest,
    verifier: &Digest,
) -> String {
    let verifier = PkceCodeVerifier::new(text_of(verifier));
    let (state, nonce) = (CsrfToken::new(state.expose().clone()), Nonce::new(text_of(nonce)));
    let mut request = us
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            move || state,
            move || nonce,
        )
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    // `openid` is asked for in any case.
    for scope in scopes.iter().filter(|scope| *scope != "openid") {
        request = request.add_scope(Scope::new(scope.clone()));
    }
    request.url().0.into()
}

/// A question that was put to a provider by way of a browser, and what belongs to its answer.
pub(crate) struct Question<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) secret: Option<&'a Secret<String>>,
    pub(crate) callback: &'a str,
    pub(crate) nonce: &'a Digest,
    pub(crate) verifier: &'a Digest,
    pub(crate) now: Instant,
}

impl Question<'_> {
    /// Turns the code into tokens (RFC 6749, section 4.1.3).
    ///
    /// # Errors
    /// [`SignOnError::Provider`], or [`SignOnError::Doubt`] if the provider does not know the code.
    pub(crate) async fn exchange(
        &self,
        provider: &Provider,
        http: Guarded<'_>,
        code: &Secret<String>,
    ) -> Result<CoreTokenResponse, SignOnError> {
        let us = us(provider, self.client_id, self.secret, self.callback).map_err(SignOnError::Provider)?;
        let request = us
            .exchange_code(AuthorizationCode::new(code.expose().clone()))
            .map_err(|_| SignOnError::Provider("it names no token_endpoint".to_owned()))?
            .set_pkce_verifier(PkceCodeVerifier::new(text_of(self.verifier)));
        request.request_async(&http).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(told) => SignOnError::Doubt(format!(
                "its token endpoint answered {}",
                claim::presentable(told.error().as_ref())
            )),
            RequestTokenError::Request(unfetched) => SignOnError::Provider(unfetched.to_string()),
            RequestTokenError::Parse(..) => {
                SignOnError::Doubt("the answer of its token endpoint does not read".to_owned())
            }
            RequestTokenError::Other(_) => {
                SignOnError::Provider("its token endpoint answered nothing".to_owned())
            }
        })
    }

    /// The claims of the identity token, if it is the provider's, for us, fresh, and the answer to this very question.
    ///
    /// # Errors
    /// [`Doubt`].
    pub(crate) fn believe(
        &self,
        provider: &Provider,
        answer: &CoreTokenResponse,
    ) -> Result<Map<String, Value>, Doubt> {
        let refused = |why: &str| Doubt::Refused(why.to_owned());
        let us = us(provider, self.client_id, self.secret, self.callback).map_err(Doubt::Refused)?;
        let token = answer.id_token().ok_or_else(|| refused("there is no identity token"))?;
        let earliest = (self.now - LEEWAY).to_chrono().ok_or_else(|| refused("our clock is wrong"))?;
        let latest = (self.now + LEEWAY).to_chrono().ok_or_else(|| refused("our clock is wrong"))?;
        let verifier = us
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || earliest)
            .set_issue_time_verifier_fn(move |issued| {
                if issued > latest { Err("it was issued in the future".to_owned()) } else { Ok(()) }
            });
        let nonce = Nonce::new(text_of(self.nonce));
        let verified = token.claims(&verifier, &nonce).map_err(|error| doubt(&error))?;
        if verified.authorized_party().is_some_and(|party| party != us.client_id()) {
            return Err(refused("the identity token was made for another party (azp)"));
        }
        if let Some(told) = verified.access_token_hash() {
            let by = token.signing_alg().ok().zip(token.signing_key(&verifier).ok());
            let actual = by.and_then(|(algorithm, key)| {
                AccessTokenHash::from_token(answer.access_token(), algorithm, key).ok()
            });
            if actual.as_ref() != Some(told) {
                return Err(refused("the access token is not the one that was signed for (at_hash)"));
            }
        }
        let claims = claim::payload(&Secret::new(token.to_string()));
        sound(claims.ok_or_else(|| refused("its claims are not a JSON object"))?, self.now)
    }
}

/// What the crate does not look at: `nbf` (RFC 7519, section 4.1.5), and how long a subject may be.
fn sound(claims: Map<String, Value>, now: Instant) -> Result<Map<String, Value>, Doubt> {
    let refused = |why: &str| Doubt::Refused(why.to_owned());
    if let Some(before) = claims.get("nbf") {
        let text = before.to_string();
        let begins: Option<i64> = text.split('.').next().and_then(|whole| whole.parse().ok());
        if begins.ok_or_else(|| refused("its nbf is no time"))? > (now + LEEWAY).seconds() {
            return Err(refused("the identity token is not valid yet"));
        }
    }
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if subject.is_empty() || subject.len() > SUBJECT_MAX {
        return Err(refused("its sub is not 1 to 255 characters"));
    }
    Ok(claims)
}

/// The claims, with what the provider tells only at its userinfo endpoint (Core 1.0, section 5.3), if something that we
/// look for is missing. What was signed goes before what was not.
///
/// # Errors
/// [`SignOnError::Provider`]; [`SignOnError::Doubt`] if the answer is about somebody else.
pub(crate) async fn completed(
    provider: &Provider,
    http: Guarded<'_>,
    answer: &CoreTokenResponse,
    mut claims: Map<String, Value>,
    mut looked_for: impl Iterator<Item = &str>,
) -> Result<Map<String, Value>, SignOnError> {
    let missing = !claims.contains_key("email")
        || looked_for.any(|name| {
            !claims.contains_key(name) && !claims.contains_key(name.split('.').next().unwrap_or_default())
        });
    let Some(endpoint) = provider.userinfo_endpoint().filter(|_| missing) else {
        return Ok(claims);
    };
    let broken = |why: &str| SignOnError::Provider(format!("its userinfo endpoint {why}"));
    let request = http::Request::get(endpoint.as_str())
        .header("accept", "application/json")
        .header("authorization", format!("Bearer {}", answer.access_token().secret()))
        .body(Vec::new())
        .map_err(|_| broken("has an address that does not read"))?;
    let told = http.send(request).await.map_err(|error| SignOnError::Provider(error.to_string()))?;
    if !told.status().is_success() {
        return Err(broken("refused our question"));
    }
    let more: Map<String, Value> =
        serde_json::from_slice(told.body()).map_err(|_| broken("answered no JSON object"))?;
    if more.get("sub").is_none() || more.get("sub") != claims.get("sub") {
        return Err(SignOnError::Doubt("its userinfo endpoint told of somebody else".to_owned()));
    }
    // An address and whether it was verified belong together: both of one source.
    let own_email = claims.contains_key("email");
    for (name, value) in more {
        if !(own_email && name == "email_verified") {
            claims.entry(name).or_insert(value);
        }
    }
    Ok(claims)
}

/// What the crate found, without the values that it found.
fn doubt(error: &ClaimsVerificationError) -> Doubt {
    use ClaimsVerificationError as Found;
    let why = match error {
        Found::SignatureVerification(SignatureVerificationError::NoMatchingKey) => return Doubt::UnknownKey,
        Found::SignatureVerification(SignatureVerificationError::NoSignature) => {
            "the identity token is not signed"
        }
        Found::SignatureVerification(SignatureVerificationError::DisallowedAlg(_)) => {
            "the identity token is signed by an algorithm that is not taken"
        }
        Found::SignatureVerification(_) => "the identity token's signature is not the provider's",
        Found::Expired(_) => "the identity token has expired",
        Found::InvalidAudience(_) => "the identity token is for somebody else (aud)",
        Found::InvalidIssuer(_) => "the identity token is of another issuer (iss)",
        Found::InvalidNonce(_) => "the identity token answers another question (nonce)",
        Found::InvalidAuthTime(_) | Found::InvalidAuthContext(_) | Found::InvalidSubject(_) => {
            "the identity token does not fit"
        }
        // The crate may learn to find more.
        _ => "the identity token cannot be read, or is issued in the future",
    };
    Doubt::Refused(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn provider(change: impl FnOnce(&mut Value)) -> Provider {
        let mut document = json!({
            "issuer": "https://login.example.com",
            "authorization_endpoint": "https://login.example.com/authorize",
            "token_endpoint": "https://login.example.com/token",
            "jwks_uri": "https://login.example.com/jwks",
            "response_types_supported": ["code", "id_token token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            // Numbers among what nobody knows must not break the reading.
            "something_numeric": 7,
        });
        change(&mut document);
        let provider: Provider = serde_json::from_str(&document.to_string()).unwrap();
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "use": "sig",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
        provider.set_jwks(serde_json::from_str(&keys.to_string()).unwrap())
    }

    #[test]
    fn a_sound_provider_has_no_faults_and_an_odd_one_is_told_all() {
        assert_eq!(faults(&provider(|_| ()), true, false), Vec::<String>::new());
        let odd = provider(|document| {
            document["token_endpoint"] = "http://login.example.com/token".into();
            document["jwks_uri"] = "https://127.0.0.1/jwks".into();
            document["response_types_supported"] = json!(["id_token"]);
            document["id_token_signing_alg_values_supported"] = json!(["HS256", "none"]);
            document["code_challenge_methods_supported"] = json!(["plain"]);
            document["token_endpoint_auth_methods_supported"] = json!(["tls_client_auth"]);
        });
        assert_eq!(faults(&odd, true, false).len(), 6, "{:?}", faults(&odd, true, false));
    }

    #[test]
    fn the_way_to_the_provider_names_everything_it_must() {
        let provider = provider(|_| ());
        let us = us(&provider, "signalbox", None, "https://us.example/api/v1/callback/con_1").unwrap();
        let scopes = ["openid".to_owned(), "email".to_owned()];
        let (nonce, verifier) = (crate::digest::of(&["n"]), crate::digest::of(&["v"]));
        let url = authorization(&us, &scopes, &Secret::new("sbo_acme_00".to_owned()), &nonce, &verifier);
        let url = url::Url::parse(&url).unwrap();
        let query: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], "signalbox");
        assert_eq!(query["scope"], "openid email");
        assert_eq!(query["state"], "sbo_acme_00");
        assert_eq!(query["nonce"], text_of(&nonce));
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["redirect_uri"], "https://us.example/api/v1/callback/con_1");
        assert!(!url.as_str().contains(&text_of(&verifier)));
    }
}
