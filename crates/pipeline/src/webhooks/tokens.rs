//! Which tokens have providers given us? Kept in the instance, never stored: whoever has none asks for one.

use ::webhooks::TokenWish;
use jobs::{Courier, Lost, Parcel};
use kernel::{Clock, Instant, Secret, Span, TenantId};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How many tokens are kept.
const KEPT: usize = 1_000;
/// How long the provider may take.
const TIMEOUT: Span = Span::seconds(10);
/// How long a token is used of which nobody says how long it lasts, and how long before its end it is used no more.
const UNKNOWN: Span = Span::minutes(5);
const EARLY: Span = Span::seconds(30);

/// Tokens by whose they are and what asked for them, each with when it is good no more.
type Given = HashMap<(TenantId, String), (Secret<String>, Instant)>;

/// The tokens that an instance has, by tenant, endpoint and its version.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<Given>);

impl Tokens {
    /// A token such as is wished for.
    ///
    /// # Errors
    /// What went wrong, in words that show nothing of it.
    pub(crate) async fn get(
        &self,
        courier: &dyn Courier,
        clock: &dyn Clock,
        tenant: &TenantId,
        wish: &TokenWish,
    ) -> Result<Secret<String>, String> {
        let key = (tenant.clone(), wish.key.clone());
        let now = clock.now();
        if let Some((token, until)) = self.lock().get(&key)
            && *until > now
        {
            return Ok(token.clone());
        }
        let parcel = Parcel {
            method: "POST".to_owned(),
            url: wish.url.expose().clone(),
            headers: wish.headers.clone(),
            body: wish.body.clone().into_bytes(),
            timeout: TIMEOUT,
        };
        let receipt = courier.send(parcel).await.map_err(|lost| match lost {
            Lost::Refused => "its address leads to a network that the operator forbids".to_owned(),
            other => other.to_string(),
        })?;
        let answer: Value = serde_json::from_slice(&receipt.body).unwrap_or_default();
        let token = answer.get("access_token").and_then(Value::as_str).filter(|token| is_token(token));
        let Some(token) = token.filter(|_| receipt.status == 200) else {
            let code = answer.get("error").and_then(Value::as_str).filter(|code| is_code(code));
            let code = code.map(|code| format!(", {code}")).unwrap_or_default();
            return Err(format!("it answered {}{code}, and no token", receipt.status));
        };
        let token = Secret::new(token.to_owned());
        let lasts = answer.get("expires_in").and_then(Value::as_i64).map_or(UNKNOWN, Span::seconds);
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, (token.clone(), Instant::from_millis((now + lasts).millis() - EARLY.as_millis())));
        Ok(token)
    }

    /// Drops a token that was refused.
    pub(crate) fn forget(&self, tenant: &TenantId, wish: &TokenWish) {
        self.lock().remove(&(tenant.clone(), wish.key.clone()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it can stand in a header.
fn is_token(text: &str) -> bool {
    (1..=8_000).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether it is one of the codes of RFC 6749, section 5.2, or one like them.
fn is_code(text: &str) -> bool {
    text.len() <= 50 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
