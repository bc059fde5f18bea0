//! What may a tenant decide for itself? Lengths, limits and policies, each with its bounds and what holds unless it is set.

use chrono_tz::Tz;
use kernel::{FieldFault, Fields, Span};
use std::ops::RangeInclusive;

/// Everything that a tenant decides for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantSettings {
    /// Requests a minute for each user: 1 to 1,000,000, 100 unless set.
    pub user_rate_per_minute: u32,
    /// Limits that all of the tenant's callers share.
    pub limits: LimitSettings,
    /// What a password must be.
    pub password: PasswordSettings,
    /// How long sessions last.
    pub session: SessionSettings,
    /// Second factors.
    pub two_factor: TwoFactorSettings,
    /// By what means people come in.
    pub sign_on: SignOnSettings,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// The time zone in which its days begin, for rules and schedules: UTC unless set.
    pub time_zone: Tz,
}

/// Limits that all of the tenant's callers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Searches a minute: 1 to 1,000,000, 30 unless set.
    pub search_per_minute: u32,
    /// Bulk operations an hour: 1 to 1,000,000, 10 unless set.
    pub bulk_per_hour: u32,
    /// Jobs that run at a time: 1 to 1,000, 64 unless set. The queue reads it where it is kept (crates/jobs/src/store/queue.rs).
    pub jobs_at_once: u32,
}

/// What a password must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordSettings {
    /// Fewest characters of a new password: 8 to 64, 12 unless set. NIST SP 800-63B-4, section 3.1.1.2, asks for 15
    /// where the password is the only factor, and for 8 where there is another.
    pub min_length: u32,
    /// How many earlier passwords of a user may not come back: 0 to 10, 5 unless set.
    pub history: u32,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSettings {
    /// A session that nobody uses ends after so many minutes: 5 to 43,200 (30 days), which holds unless set.
    pub idle_minutes: u32,
    /// A session ends after so many hours however often it is used: 1 to 2,160 (90 days), which holds unless set.
    pub absolute_hours: u32,
}

/// Second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoFactorSettings {
    /// Whether everybody must have one: false unless set.
    pub required: bool,
    /// Whether single sign-on counts as two factors, for the provider asks for its own: true unless set.
    pub sign_on_counts: bool,
}

/// By what means people come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignOnSettings {
    /// Whether a password opens, beside the tenant's own identity provider: true unless set.
    pub password_allowed: bool,
}

/// How long things are kept, in days: 1 to 36,500.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionSettings {
    /// The audit: 730 unless set.
    pub audit_days: u32,
    /// Events with their traces: 90 unless set.
    pub events_days: u32,
    /// Jobs that have ended: 30 unless set.
    pub jobs_days: u32,
    /// Messages and their deliveries: 90 unless set.
    pub messages_days: u32,
    /// Sessions that have ended: 30 unless set.
    pub sessions_days: u32,
    /// Tasks that were completed or cancelled: 730 unless set.
    pub tasks_days: u32,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            user_rate_per_minute: 100,
            limits: LimitSettings { search_per_minute: 30, bulk_per_hour: 10, jobs_at_once: 64 },
            password: PasswordSettings { min_length: 12, history: 5 },
            session: SessionSettings { idle_minutes: 30 * 24 * 60, absolute_hours: 90 * 24 },
            two_factor: TwoFactorSettings { required: false, sign_on_counts: true },
            sign_on: SignOnSettings { password_allowed: true },
            retention: RetentionSettings {
                audit_days: 730,
                events_days: 90,
                jobs_days: 30,
                messages_days: 90,
                sessions_days: 30,
                tasks_days: 730,
            },
            time_zone: Tz::UTC,
        }
    }
}

impl SessionSettings {
    /// How long a session may lie idle.
    #[must_use]
    pub fn idle(&self) -> Span {
        Span::minutes(self.idle_minutes.into())
    }

    /// How long a session lasts in any case.
    #[must_use]
    pub fn absolute(&self) -> Span {
        Span::hours(self.absolute_hours.into())
    }
}

/// What is to be changed; `None` leaves a thing as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the one of the same name in the settings")]
pub struct SettingsPatch {
    pub user_rate_per_minute: Option<u32>,
    pub search_per_minute: Option<u32>,
    pub bulk_per_hour: Option<u32>,
    pub jobs_at_once: Option<u32>,
    pub password_min_length: Option<u32>,
    pub password_history: Option<u32>,
    pub session_idle_minutes: Option<u32>,
    pub session_absolute_hours: Option<u32>,
    pub two_factor_required: Option<bool>,
    pub two_factor_sign_on_counts: Option<bool>,
    pub sign_on_password_allowed: Option<bool>,
    pub audit_days: Option<u32>,
    pub events_days: Option<u32>,
    pub jobs_days: Option<u32>,
    pub messages_days: Option<u32>,
    pub sessions_days: Option<u32>,
    pub tasks_days: Option<u32>,
    pub time_zone: Option<Tz>,
}

const RATE: RangeInclusive<u32> = 1..=1_000_000;
const DAYS: RangeInclusive<u32> = 1..=36_500;

impl TenantSettings {
    /// The settings with `patch` applied.
    ///
    /// # Errors
    /// Every field that is out of its bounds, named by its path: `password.min_length`.
    pub fn change(self, patch: SettingsPatch) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let mut take = |path: &str, wanted: Option<u32>, present: u32, bounds: RangeInclusive<u32>| {
            let number = wanted.unwrap_or(present);
            if wanted.is_some() && !bounds.contains(&number) {
                fields.fault(path, format!("must be from {} to {}", bounds.start(), bounds.end()));
            }
            number
        };
        let before = self;
        let changed = Self {
            user_rate_per_minute: take(
                "user_rate_per_minute",
                patch.user_rate_per_minute,
                before.user_rate_per_minute,
                RATE,
            ),
            limits: LimitSettings {
                search_per_minute: take(
                    "limits.search_per_minute",
                    patch.search_per_minute,
                    before.limits.search_per_minute,
                    RATE,
                ),
                bulk_per_hour: take(
                    "limits.bulk_per_hour",
                    patch.bulk_per_hour,
                    before.limits.bulk_per_hour,
                    RATE,
                ),
                jobs_at_once: take(
                    "limits.jobs_at_once",
                    patch.jobs_at_once,
                    before.limits.jobs_at_once,
                    1..=1_000,
                ),
            },
            password: PasswordSettings {
                min_length: take(
                    "password.min_length",
                    patch.password_min_length,
                    before.password.min_length,
                    8..=64,
                ),
                history: take("password.history", patch.password_history, before.password.history, 0..=10),
            },
            session: SessionSettings {
                idle_minutes: take(
                    "session.idle_minutes",
                    patch.session_idle_minutes,
                    before.session.idle_minutes,
                    5..=43_200,
                ),
                absolute_hours: take(
                    "session.absolute_hours",
                    patch.session_absolute_hours,
                    before.session.absolute_hours,
                    1..=2_160,
                ),
            },
            two_factor: TwoFactorSettings {
                required: patch.two_factor_required.unwrap_or(before.two_factor.required),
                sign_on_counts: patch.two_factor_sign_on_counts.unwrap_or(before.two_factor.sign_on_counts),
            },
            sign_on: SignOnSettings {
                password_allowed: patch.sign_on_password_allowed.unwrap_or(before.sign_on.password_allowed),
            },
            retention: before.retention.change(&patch, &mut take),
            time_zone: patch.time_zone.unwrap_or(before.time_zone),
        };
        fields.done().map(|()| changed)
    }
}

impl RetentionSettings {
    fn change(
        self,
        patch: &SettingsPatch,
        take: &mut impl FnMut(&str, Option<u32>, u32, RangeInclusive<u32>) -> u32,
    ) -> Self {
        Self {
            audit_days: take("retention.audit_days", patch.audit_days, self.audit_days, DAYS),
            events_days: take("retention.events_days", patch.events_days, self.events_days, DAYS),
            jobs_days: take("retention.jobs_days", patch.jobs_days, self.jobs_days, DAYS),
            messages_days: take("retention.messages_days", patch.messages_days, self.messages_days, DAYS),
            sessions_days: take("retention.sessions_days", patch.sessions_days, self.sessions_days, DAYS),
            tasks_days: take("retention.tasks_days", patch.tasks_days, self.tasks_days, DAYS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_out_of_bounds_is_named() {
        let patch = SettingsPatch {
            user_rate_per_minute: Some(0),
            password_min_length: Some(7),
            password_history: Some(11),
            session_idle_minutes: Some(4),
            session_absolute_hours: Some(2_161),
            audit_days: Some(0),
            ..SettingsPatch::default()
        };
        let faults = TenantSettings::default().change(patch).unwrap_err();
        let named: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        let wanted = [
            "user_rate_per_minute",
            "password.min_length",
            "password.history",
            "session.idle_minutes",
            "session.absolute_hours",
            "retention.audit_days",
        ];
        assert_eq!(named, wanted);
        assert_eq!(faults[1].message, "must be from 8 to 64");
    }

    #[test]
    fn what_is_left_out_stays() {
        let patch = SettingsPatch { password_min_length: Some(15), ..SettingsPatch::default() };
        let first = TenantSettings::default().change(patch).unwrap();
        let patch = SettingsPatch { two_factor_required: Some(true), ..SettingsPatch::default() };
        let second = first.change(patch).unwrap();
        assert_eq!((second.password.min_length, second.two_factor.required), (15, true));
        assert_eq!(second.session, TenantSettings::default().session);
    }

    #[test]
    fn bounds_are_inclusive() {
        for (least, most, jobs) in [(8, 0, 1), (64, 10, 1_000)] {
            let patch = SettingsPatch {
                password_min_length: Some(least),
                password_history: Some(most),
                jobs_at_once: Some(jobs),
                ..SettingsPatch::default()
            };
            assert!(TenantSettings::default().change(patch).is_ok());
        }
    }
}
