use kernel::*;
#[derive(Debug, Clone)]
pub enum Credential {
    Bearer(Secret<String>),
    Cookie(Secret<String>),
}
#[derive(Debug, Clone)]
pub struct Checked {
    pub principal: Principal,
    pub rate_per_minute: u32,
    pub by_cookie: bool,
    pub user_email: Option<String>,
}
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct AuthError;
impl Fault for AuthError {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
    fn code(&self) -> &'static str {
        "X"
    }
}
pub struct TokenKeys;
impl TokenKeys {
    pub fn from_variable(_: &Secret<String>) -> Result<Self, AuthError> {
        Ok(Self)
    }
}
pub struct Gate;
impl Gate {
    pub fn new(_: db::Db, _: TokenKeys, _: String) -> Self {
        Self
    }
    pub async fn check(&self, _: &Credential, _: Instant) -> Result<Checked, AuthError> {
        Err(AuthError)
    }
    pub fn remembered(&self, _: &Credential, _: Instant) -> Option<Checked> {
        None
    }
}
