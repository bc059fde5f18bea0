//! What is a session, and what do its secrets look like?
//!
//! A session's refresh tokens and its cookie are texts `sbr_<tenant>_<session>_<secret>` and `sbs_…`: they say where they
//! belong, so that one look at a primary key finds them, and end in 256 bits of chance. Only their SHA-256 is kept.

use crate::{Methods, SessionSettings, TenantState, UserState, digest};
use kernel::{Chance, Instant, Secret, SessionId, Span, TenantId, UserId};
use std::str::FromStr;

/// How long a refresh token is good for: as long as a tenant may let a session lie idle.
pub(crate) const REFRESH_LIFE: Span = Span::days(30);
/// How long a session lasts at most, whatever the tenant sets: after that its row is of no use.
pub(crate) const LONGEST: Span = Span::days(90);
/// How exactly the last use is known: it is written at most this often.
pub(crate) const TOUCH: Span = Span::minutes(1);

/// Whether a session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// It does.
    Active,
    /// Somebody ended it.
    Revoked,
}

impl SessionState {
    /// As it stands in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for SessionState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Active, Self::Revoked].into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// One login on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Whether it goes on.
    pub state: SessionState,
    /// The address that logged in.
    pub address: Option<String>,
    /// What the program that logged in called itself.
    pub agent: Option<String>,
    /// By what means it was begun, and confirmed since.
    pub methods: Methods,
    /// When the person last proved who they are.
    pub confirmed_at: Instant,
    /// When it began.
    pub created_at: Instant,
    /// When it was used last, within a minute.
    pub last_used_at: Instant,
    /// When it ends at the latest.
    pub expires_at: Instant,
}

impl Session {
    /// The session of a user who logs in now.
    pub(crate) fn begin(
        id: SessionId,
        user: UserId,
        address: Option<String>,
        agent: Option<&str>,
        methods: Methods,
        now: Instant,
    ) -> Self {
        Self {
            id,
            user,
            state: SessionState::Active,
            address,
            agent: agent.map(|text| text.chars().filter(|letter| !letter.is_control()).take(200).collect()),
            methods,
            confirmed_at: now,
            created_at: now,
            last_used_at: now,
            expires_at: now + LONGEST,
        }
    }

    /// When it stops being of use if nobody uses it again, by the limits that the tenant sets at this moment: a shorter one
    /// holds for sessions that are there, too.
    #[must_use]
    pub fn ends(&self, limits: &SessionSettings) -> Instant {
        let idle = self.last_used_at + limits.idle();
        self.expires_at.min(self.created_at + limits.absolute()).min(idle)
    }

    /// Whether it can be used at `now`.
    #[must_use]
    pub fn goes_on(&self, limits: &SessionSettings, now: Instant) -> bool {
        self.state == SessionState::Active && now < self.ends(limits)
    }
}

/// What the text of a session's secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Refresh,
    Cookie,
}

impl Purpose {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "sbr",
            Self::Cookie => "sbs",
        }
    }
}

/// A refresh token or a session cookie.
#[derive(Debug, Clone)]
pub struct SessionSecret {
    pub(crate) tenant: TenantId,
    pub(crate) session: SessionId,
    text: Secret<String>,
}

impl SessionSecret {
    pub(crate) fn new(purpose: Purpose, tenant: &TenantId, session: &SessionId, chance: &dyn Chance) -> Self {
        let place = session.as_str().trim_start_matches("ses_");
        let text = format!("{}_{tenant}_{place}_{}", purpose.prefix(), digest::noise::<32>(chance));
        Self { tenant: tenant.clone(), session: session.clone(), text: Secret::new(text) }
    }

    /// Reads a text that somebody showed; `None` if it cannot be one of ours.
    pub(crate) fn read(purpose: Purpose, text: &Secret<String>) -> Option<Self> {
        let parts: Vec<&str> = text.expose().split('_').collect();
        let [prefix, tenant, place, noise] = parts.as_slice() else {
            return None;
        };
        if *prefix != purpose.prefix() || !digest::is_hex(noise, 64) {
            return None;
        }
        Some(Self {
            tenant: tenant.parse().ok()?,
            session: format!("ses_{place}").parse().ok()?,
            text: text.clone(),
        })
    }

    /// The text, to be shown once.
    #[must_use]
    pub const fn text(&self) -> &Secret<String> {
        &self.text
    }

    pub(crate) fn hash(&self) -> digest::Digest {
        digest::of(&[self.text.expose()])
    }
}

/// What a refresh token that came in is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// It is turned into a new one.
    Turn,
    /// It was turned before: two hold it, so nobody may go on with it.
    Reused,
    /// Its tenant is suspended.
    Suspended,
    /// It is of no use any more.
    Refused,
}

/// All that is known about a refresh token that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) fresh: bool,
    pub(crate) expires_at: Instant,
    pub(crate) session: Session,
    pub(crate) limits: SessionSettings,
    pub(crate) user_state: UserState,
    pub(crate) tenant_state: TenantState,
    pub(crate) suspended_reason: Option<String>,
}

impl Presented {
    /// Judges the token at `now`. A session that ended already is not revoked a second time.
    pub(crate) fn judge(&self, now: Instant) -> Refresh {
        if !self.session.goes_on(&self.limits, now) {
            Refresh::Refused
        } else if !self.fresh {
            Refresh::Reused
        } else if now >= self.expires_at || self.user_state == UserState::Disabled {
            Refresh::Refused
        } else if self.tenant_state == TenantState::Suspended {
            Refresh::Suspended
        } else {
            Refresh::Turn
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::Noise;

    fn session(now: Instant) -> Session {
        let noise = Noise::new(1);
        let (id, user) = (SessionId::new(now, &noise), UserId::new(now, &noise));
        Session::begin(id, user, None, Some("curl/8\n"), Methods::default(), now)
    }

    #[test]
    fn a_session_ends_idle_and_in_the_end() {
        let start = Instant::from_millis(0);
        let mut session = session(start);
        assert_eq!(session.agent.as_deref(), Some("curl/8"));
        let usual = crate::TenantSettings::default().session;
        assert!(session.goes_on(&usual, start + Span::days(29)));
        assert!(!session.goes_on(&usual, start + Span::days(30)));
        session.last_used_at = start + Span::days(80);
        assert!(session.goes_on(&usual, start + Span::days(89)));
        assert!(!session.goes_on(&usual, start + LONGEST));
        let short = SessionSettings { idle_minutes: 10, absolute_hours: 1 };
        session.last_used_at = start + Span::minutes(55);
        assert!(session.goes_on(&short, start + Span::minutes(59)));
        assert!(!session.goes_on(&short, start + Span::minutes(60)));
        session.state = SessionState::Revoked;
        assert!(!session.goes_on(&usual, start));
    }

    #[test]
    fn a_secret_reads_back_for_its_purpose_only() {
        let noise = Noise::new(1);
        let (tenant, id) = ("acme-corp".parse().unwrap(), SessionId::new(Instant::from_millis(9), &noise));
        let secret = SessionSecret::new(Purpose::Refresh, &tenant, &id, &noise);
        let read = SessionSecret::read(Purpose::Refresh, secret.text()).unwrap();
        assert_eq!((read.tenant.clone(), read.session.clone(), read.hash()), (tenant, id, secret.hash()));
        assert!(SessionSecret::read(Purpose::Cookie, secret.text()).is_none());
        let cut = secret.text().expose()[..secret.text().expose().len() - 1].to_owned();
        for text in ["", "sbr", "sbr_acme-corp_x_y", &cut, &format!("{}_x", secret.text().expose())] {
            assert!(SessionSecret::read(Purpose::Refresh, &Secret::new(text.to_owned())).is_none(), "{text}");
        }
    }

    #[test]
    fn a_refresh_token_is_judged() {
        let now = Instant::from_millis(1000);
        let good = Presented {
            fresh: true,
            expires_at: now + Span::millis(1),
            session: session(now),
            limits: crate::TenantSettings::default().session,
            user_state: UserState::Active,
            tenant_state: TenantState::Active,
            suspended_reason: None,
        };
        let check = |change: &dyn Fn(&mut Presented), wanted: Refresh| {
            let mut presented = good.clone();
            change(&mut presented);
            assert_eq!(presented.judge(now), wanted);
        };
        check(&|_| (), Refresh::Turn);
        check(&|it| it.fresh = false, Refresh::Reused);
        check(&|it| it.expires_at = now, Refresh::Refused);
        check(&|it| it.user_state = UserState::Disabled, Refresh::Refused);
        check(&|it| it.tenant_state = TenantState::Suspended, Refresh::Suspended);
        check(&|it| it.session.state = SessionState::Revoked, Refresh::Refused);
        check(
            &|it| {
                it.fresh = false;
                it.session.state = SessionState::Revoked;
            },
            Refresh::Refused,
        );
    }
}
