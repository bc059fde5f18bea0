//! How are a tenant's settings said in JSON?

use auth::{SettingsPatch, TenantSettings};
use edge::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a tenant decided for itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsShown {
    /// Requests a minute for each user.
    user_rate_per_minute: u32,
    limits: LimitsOut,
    password: PasswordPolicyOut,
    session: SessionLimitsOut,
    two_factor: TwoFactorOut,
    sign_on: SignOnOut,
    retention: RetentionOut,
    /// The IANA time zone in which its days begin, for rules and schedules.
    #[schema(example = "Europe/Berlin")]
    time_zone: &'static str,
}

/// Limits that all of the tenant's callers share.
#[derive(Serialize, ToSchema)]
struct LimitsOut {
    /// Searches a minute.
    search_per_minute: u32,
    /// Bulk operations an hour.
    bulk_per_hour: u32,
    /// Jobs that run at a time.
    jobs_at_once: u32,
}

/// What a new password must be.
#[derive(Serialize, ToSchema)]
struct PasswordPolicyOut {
    /// Fewest characters.
    min_length: u32,
    /// How many earlier passwords may not come back.
    history: u32,
}

/// How long sessions last.
#[derive(Serialize, ToSchema)]
struct SessionLimitsOut {
    /// Minutes until an unused session ends.
    idle_minutes: u32,
    /// Hours until any session ends.
    absolute_hours: u32,
}

/// Second factors.
#[derive(Serialize, ToSchema)]
struct TwoFactorOut {
    /// Whether everybody must have one.
    required: bool,
    /// Whether single sign-on counts as two factors.
    sign_on_counts: bool,
}

/// By what means people come in.
#[derive(Serialize, ToSchema)]
struct SignOnOut {
    /// Whether a password opens.
    password_allowed: bool,
}

/// How long things are kept, in days.
#[derive(Serialize, ToSchema)]
struct RetentionOut {
    audit_days: u32,
    events_days: u32,
    jobs_days: u32,
    messages_days: u32,
    sessions_days: u32,
    tasks_days: u32,
}

impl From<TenantSettings> for SettingsShown {
    fn from(settings: TenantSettings) -> Self {
        let TenantSettings {
            user_rate_per_minute,
            limits,
            password,
            session,
            two_factor,
            sign_on,
            retention,
            time_zone,
        } = settings;
        Self {
            user_rate_per_minute,
            limits: LimitsOut {
                search_per_minute: limits.search_per_minute,
                bulk_per_hour: limits.bulk_per_hour,
                jobs_at_once: limits.jobs_at_once,
            },
            password: PasswordPolicyOut { min_length: password.min_length, history: password.history },
            session: SessionLimitsOut {
                idle_minutes: session.idle_minutes,
                absolute_hours: session.absolute_hours,
            },
            two_factor: TwoFactorOut {
                required: two_factor.required,
                sign_on_counts: two_factor.sign_on_counts,
            },
            sign_on: SignOnOut { password_allowed: sign_on.password_allowed },
            retention: RetentionOut {
                audit_days: retention.audit_days,
                events_days: retention.events_days,
                jobs_days: retention.jobs_days,
                messages_days: retention.messages_days,
                sessions_days: retention.sessions_days,
                tasks_days: retention.tasks_days,
            },
            time_zone: time_zone.name(),
        }
    }
}

/// What is to be changed of the settings; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsIn {
    /// Requests a minute for each user: 1 to 1,000,000.
    user_rate_per_minute: Option<u32>,
    #[serde(default)]
    limits: LimitsIn,
    #[serde(default)]
    password: PasswordPolicyIn,
    #[serde(default)]
    session: SessionLimitsIn,
    #[serde(default)]
    two_factor: TwoFactorIn,
    #[serde(default)]
    sign_on: SignOnIn,
    #[serde(default)]
    retention: RetentionIn,
    /// An IANA time zone.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
}

/// Other limits that all of the tenant's callers share.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LimitsIn {
    /// Searches a minute: 1 to 1,000,000.
    search_per_minute: Option<u32>,
    /// Bulk operations an hour: 1 to 1,000,000.
    bulk_per_hour: Option<u32>,
    /// Jobs that run at a time: 1 to 1,000.
    jobs_at_once: Option<u32>,
}

/// Another policy for passwords.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordPolicyIn {
    /// Fewest characters: 8 to 64. 15 is advised where the password is the only factor (NIST SP 800-63B-4).
    #[schema(example = 15)]
    min_length: Option<u32>,
    /// How many earlier passwords may not come back: 0 to 10.
    history: Option<u32>,
}

/// Other limits for sessions.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SessionLimitsIn {
    /// Minutes until an unused session ends: 5 to 43,200.
    idle_minutes: Option<u32>,
    /// Hours until any session ends: 1 to 2,160.
    absolute_hours: Option<u32>,
}

/// Whether second factors are required.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TwoFactorIn {
    required: Option<bool>,
    /// Whether single sign-on counts as two factors.
    sign_on_counts: Option<bool>,
}

/// Whether passwords open.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignOnIn {
    password_allowed: Option<bool>,
}

/// How long things are to be kept, in days: 1 to 36,500.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetentionIn {
    audit_days: Option<u32>,
    events_days: Option<u32>,
    jobs_days: Option<u32>,
    messages_days: Option<u32>,
    sessions_days: Option<u32>,
    tasks_days: Option<u32>,
}

impl TryFrom<SettingsIn> for SettingsPatch {
    type Error = Problem;
    fn try_from(body: SettingsIn) -> Result<Self, Problem> {
        let zone = body.time_zone.map(|name| name.parse()).transpose();
        let message = "must be a time zone of IANA's, such as Europe/Berlin";
        Ok(Self {
            user_rate_per_minute: body.user_rate_per_minute,
            search_per_minute: body.limits.search_per_minute,
            bulk_per_hour: body.limits.bulk_per_hour,
            jobs_at_once: body.limits.jobs_at_once,
            password_min_length: body.password.min_length,
            password_history: body.password.history,
            session_idle_minutes: body.session.idle_minutes,
            session_absolute_hours: body.session.absolute_hours,
            two_factor_required: body.two_factor.required,
            two_factor_sign_on_counts: body.two_factor.sign_on_counts,
            sign_on_password_allowed: body.sign_on.password_allowed,
            audit_days: body.retention.audit_days,
            events_days: body.retention.events_days,
            jobs_days: body.retention.jobs_days,
            messages_days: body.retention.messages_days,
            sessions_days: body.retention.sessions_days,
            tasks_days: body.retention.tasks_days,
            time_zone: zone.map_err(|_| Problem::field("time_zone", message))?,
        })
    }
}
