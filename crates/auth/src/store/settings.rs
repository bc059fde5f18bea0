//! The column `settings` of `tenants`: a JSON object that holds only what differs from what holds unless it is set.

use crate::{SettingsPatch, TenantSettings};
use db::{DbError, Decode, Row, Scope};
use kernel::Instant;
use serde_json::{Map, Value, json};

const GET: &str = "SELECT name, settings, updated_at FROM tenants WHERE tenant_id = ?1";
// Instances keep what follows from the settings (rates, ends of sessions, the zone in which rules count days): so the revisions
// move too.
const UPDATE: &str =
    "UPDATE tenants SET settings = json_patch(settings, ?2), updated_at = max(?3, updated_at + 1),
    access_revision = access_revision + 1, rules_revision = rules_revision + 1 WHERE tenant_id = ?1 RETURNING updated_at AS n";

/// A tenant's name, its settings and their version: its `updated_at` in milliseconds.
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) settings: TenantSettings,
    pub(crate) version: i64,
}

impl Decode for Kept {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let at: Instant = row.get("updated_at")?;
        Ok(Self { name: row.get("name")?, settings: column(row)?, version: at.millis() })
    }
}

/// The settings in the column `settings` of a row.
pub(crate) fn column(row: &mut Row<'_>) -> Result<TenantSettings, DbError> {
    let text: String = row.get("settings")?;
    read(&text).ok_or_else(|| row.surprise("settings", "a tenant's settings"))
}

/// Reads what was kept; names that this program does not know are left alone.
fn read(text: &str) -> Option<TenantSettings> {
    let value: Value = serde_json::from_str(text).ok()?;
    let number = |path: &str| match value.pointer(path) {
        None => Some(None),
        Some(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()).map(Some),
    };
    let truth = |path: &str| match value.pointer(path) {
        None => Some(None),
        // SQL's own JSON functions write truth as 0 and 1.
        Some(truth) => truth.as_bool().or_else(|| truth.as_u64().map(|number| number == 1)).map(Some),
    };
    let patch = SettingsPatch {
        user_rate_per_minute: number("/user_rate_per_minute")?,
        search_per_minute: number("/limits/search_per_minute")?,
        bulk_per_hour: number("/limits/bulk_per_hour")?,
        jobs_at_once: number("/limits/jobs_at_once")?,
        password_min_length: number("/password/min_length")?,
        password_history: number("/password/history")?,
        session_idle_minutes: number("/session/idle_minutes")?,
        session_absolute_hours: number("/session/absolute_hours")?,
        two_factor_required: truth("/two_factor/required")?,
        two_factor_sign_on_counts: truth("/two_factor/sign_on_counts")?,
        sign_on_password_allowed: truth("/sign_on/password_allowed")?,
        audit_days: number("/retention/audit_days")?,
        events_days: number("/retention/events_days")?,
        jobs_days: number("/retention/jobs_days")?,
        messages_days: number("/retention/messages_days")?,
        sessions_days: number("/retention/sessions_days")?,
        tasks_days: number("/retention/tasks_days")?,
        time_zone: match value.pointer("/time_zone") {
            None => None,
            Some(zone) => Some(zone.as_str()?.parse().ok()?),
        },
    };
    TenantSettings::default().change(patch).ok()
}

/// All of it, as the audit shows it.
pub(crate) fn whole(settings: &TenantSettings) -> Value {
    json!({
        "user_rate_per_minute": settings.user_rate_per_minute,
        "limits": {
            "search_per_minute": settings.limits.search_per_minute,
            "bulk_per_hour": settings.limits.bulk_per_hour,
            "jobs_at_once": settings.limits.jobs_at_once,
        },
        "password": {"min_length": settings.password.min_length, "history": settings.password.history},
        "session": {
            "idle_minutes": settings.session.idle_minutes,
            "absolute_hours": settings.session.absolute_hours,
        },
        "two_factor": {
            "required": settings.two_factor.required,
            "sign_on_counts": settings.two_factor.sign_on_counts,
        },
        "sign_on": {"password_allowed": settings.sign_on.password_allowed},
        "retention": {
            "audit_days": settings.retention.audit_days,
            "events_days": settings.retention.events_days,
            "jobs_days": settings.retention.jobs_days,
            "messages_days": settings.retention.messages_days,
            "sessions_days": settings.retention.sessions_days,
            "tasks_days": settings.retention.tasks_days,
        },
        "time_zone": settings.time_zone.name(),
    })
}

/// What is kept, as a merge patch (RFC 7396): null removes what is as it would be anyway.
pub(crate) fn patch(settings: &TenantSettings) -> String {
    difference(whole(settings), &whole(&TenantSettings::default())).to_string()
}

fn difference(value: Value, usual: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let changed: Map<String, Value> = members
                .into_iter()
                .map(|(name, value)| {
                    let usual = usual.get(&name).unwrap_or(&Value::Null);
                    let value = difference(value, usual);
                    (name, value)
                })
                .collect();
            Value::Object(changed)
        }
        value if value == *usual => Value::Null,
        value => value,
    }
}

pub(crate) async fn get(scope: &mut Scope<'_>) -> Result<Option<Kept>, DbError> {
    scope.one(GET, []).await
}

/// Keeps the settings; gives their new version, `None` if there is no such tenant.
pub(crate) async fn update(
    scope: &mut Scope<'_>,
    settings: &TenantSettings,
    now: Instant,
) -> Result<Option<i64>, DbError> {
    scope.one(UPDATE, [patch(settings).into(), now.into()]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_kept_and_reads_back() {
        let wanted = SettingsPatch {
            password_min_length: Some(15),
            two_factor_required: Some(true),
            time_zone: Some(chrono_tz::Europe::Berlin),
            ..SettingsPatch::default()
        };
        let settings = TenantSettings::default().change(wanted).unwrap();
        let changed: Value = serde_json::from_str(&patch(&settings)).unwrap();
        assert_eq!(changed["password"], json!({"min_length": 15, "history": null}));
        let kept = r#"{"password": {"min_length": 15}, "two_factor": {"required": true}, "time_zone": "Europe/Berlin",
            "unknown": 1}"#;
        assert_eq!(read(kept), Some(settings));
        assert_eq!(read("{}"), Some(TenantSettings::default()));
    }

    #[test]
    fn a_surprise_does_not_read() {
        for text in [r#"{"password": {"min_length": "15"}}"#, r#"{"user_rate_per_minute": 0}"#, "1x"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
