//! What does a first start leave behind? The platform's own tenant with an administrator, a tenant with an owner, the rule of
//! the seeds, and `credentials.json`.
//!
//! It goes through the application's own routes, as an operator elsewhere would. The owner's password is written down
//! before it is used, so that a start that was broken off can be taken up again.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::secrets;
use crate::app::App;
use crate::failure::{Failure, Outcome};

/// The route that sets a tenant up; an application that has it is ours.
pub const ROUTE: &str = "/internal/setup";
/// The file with the owner's credentials.
pub const CREDENTIALS: &str = "credentials.json";
const BEGUN: &str = "credentials.begun";
const TENANT: &str = "acme-corp";
const EMAIL: &str = "owner@acme-corp.example";
const PLATFORM: &str = "platform";
const PLATFORM_BEGUN: &str = "platform.begun";
const PLATFORM_EMAIL: &str = "admin@platform.example";

/// Sets the installation up, unless that was done before.
///
/// # Errors
/// If the application refuses; what it said is told.
pub async fn set_up(app: &App, state: &Path, base_url: &str, internal_token: &str) -> Outcome<()> {
    let credentials = state.join(CREDENTIALS);
    let desk = Desk { app, base_url };
    if credentials.exists() {
        return renew(&desk, &credentials, state, internal_token).await;
    }
    let (begun, password) = begin(state, BEGUN)?;
    let wish = json!({"tenant": TENANT, "name": "Acme Corp", "email": EMAIL, "password": password});
    let (status, said) = desk.ask(Method::POST, ROUTE, internal_token, Some(&wish)).await?;
    let key = match status {
        201 => text(&said, "api_key")?,
        409 => desk.take_up(&password).await?,
        _ => return Err(refused("the set-up", status, &said)),
    };
    desk.rule(&key).await?;
    let mut whole = json!({
        "base_url": base_url, "tenant": TENANT, "email": EMAIL, "password": password, "api_key": key,
    });
    if let (Some(platform), Some(object)) =
        (desk.platform(state, internal_token).await?, whole.as_object_mut())
    {
        object.insert(PLATFORM.into(), platform);
    }
    secrets::write_private(&credentials, &format!("{whole:#}\n"))?;
    let _gone = fs::remove_file(begun);
    let _gone = fs::remove_file(state.join(PLATFORM_BEGUN));
    Ok(())
}

/// A password that is written down before it is used, and where.
fn begin(state: &Path, file: &str) -> Outcome<(PathBuf, String)> {
    let begun = state.join(file);
    if let Ok(password) = fs::read_to_string(&begun) {
        return Ok((begun, password));
    }
    let password = URL_SAFE_NO_PAD.encode(secrets::random::<18>()?);
    secrets::write_private(&begun, &password)?;
    Ok((begun, password))
}

/// The address may be another one at each start; and an installation of before may have no administrator yet.
async fn renew(desk: &Desk<'_>, credentials: &Path, state: &Path, internal_token: &str) -> Outcome<()> {
    let trouble = |why: String| {
        Failure::new(
            format!("{} cannot be used: {why}.", credentials.display()),
            "The owner's credentials are not known.",
            "Restore the file; or start with a new state directory.",
        )
    };
    let text = fs::read_to_string(credentials).map_err(|e| trouble(e.to_string()))?;
    let mut whole: Value = serde_json::from_str(&text).map_err(|_| trouble("it is not JSON".into()))?;
    let object = whole.as_object_mut().ok_or_else(|| trouble("it is no JSON object".into()))?;
    let known = object.get("base_url").and_then(Value::as_str) == Some(desk.base_url);
    if known && object.contains_key(PLATFORM) {
        return Ok(());
    }
    object.insert("base_url".into(), desk.base_url.into());
    if !object.contains_key(PLATFORM)
        && let Some(platform) = desk.platform(state, internal_token).await?
    {
        object.insert(PLATFORM.into(), platform);
    }
    secrets::write_private(credentials, &format!("{whole:#}\n"))?;
    let _gone = fs::remove_file(state.join(PLATFORM_BEGUN));
    Ok(())
}

struct Desk<'a> {
    app: &'a App,
    base_url: &'a str,
}

impl Desk<'_> {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        bearer: &str,
        body: Option<&Value>,
    ) -> Outcome<(u16, Value)> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let authority = self.base_url.split("://").nth(1).unwrap_or("127.0.0.1");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
            .body(crate::app::full(text));
        let request = request.map_err(|e| unheard(path, &e.to_string()))?;
        let client = SocketAddr::from(([127, 0, 0, 1], 0));
        let (response, _) = self.app.answer(request, client).await;
        let status = response.status().as_u16();
        let bytes =
            response.into_body().collect().await.map_err(|e| unheard(path, &e.to_string()))?.to_bytes();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// The administrator of the platform's own tenant; none if somebody else made that before.
    async fn platform(&self, state: &Path, internal_token: &str) -> Outcome<Option<Value>> {
        let begun_before = state.join(PLATFORM_BEGUN).exists();
        let (begun, password) = begin(state, PLATFORM_BEGUN)?;
        let wish = json!({
            "tenant": PLATFORM, "name": "Platform", "email": PLATFORM_EMAIL, "password": password,
        });
        let (status, said) = self.ask(Method::POST, ROUTE, internal_token, Some(&wish)).await?;
        match status {
            201 => Ok(Some(json!({"email": PLATFORM_EMAIL, "password": password}))),
            // Broken off after it was made: the password was written down first, so it is the one.
            409 if begun_before => Ok(Some(json!({"email": PLATFORM_EMAIL, "password": password}))),
            409 => {
                let _gone = fs::remove_file(begun);
                Ok(None)
            }
            _ => Err(refused("the platform's set-up", status, &said)),
        }
    }

    /// A set-up that was broken off after the tenant was made: the owner logs in and makes another key.
    async fn take_up(&self, password: &str) -> Outcome<String> {
        let login = json!({"email": EMAIL, "password": password, "tenant": TENANT});
        let (status, said) = self.ask(Method::POST, "/api/v1/auth/login", "", Some(&login)).await?;
        if status != 200 {
            return Err(refused("the owner's login", status, &said));
        }
        let token = text(&said, "access_token")?;
        let (_, me) = self.ask(Method::GET, "/api/v1/auth/user", &token, None).await?;
        let key = json!({"name": "first key", "permissions": me.get("permissions")});
        let (status, said) = self.ask(Method::POST, "/api/v1/admin/api-keys", &token, Some(&key)).await?;
        if status == 201 { text(&said, "key") } else { Err(refused("the owner's key", status, &said)) }
    }

    /// The rule of the seeds, once.
    async fn rule(&self, key: &str) -> Outcome<()> {
        let path = "/api/v1/automation/rules";
        let (status, said) = self.ask(Method::GET, path, key, None).await?;
        let none = said.get("data").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if status != 200 {
            return Err(refused("the list of rules", status, &said));
        }
        if !none {
            return Ok(());
        }
        let rule = json!({
            "name": "High Value Deal Alert",
            "description": "Notify sales manager about deals over $10,000",
            "module_type": "sales",
            "trigger_id": "high_value_opportunity",
            "conditions": [{"type": "value_threshold", "value": 10000}],
            "actions": [{"type": "send_notification", "parameters": {
                "recipient": "sales-manager@example.com",
                "message": "New high-value opportunity: {{opportunity_name}} - ${{value}}",
            }}],
        });
        let (status, said) = self.ask(Method::POST, path, key, Some(&rule)).await?;
        if status == 201 { Ok(()) } else { Err(refused("the first rule", status, &said)) }
    }
}

fn text(said: &Value, name: &str) -> Outcome<String> {
    said.get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| unheard(name, "it is missing in the answer"))
}

fn unheard(what: &str, why: &str) -> Failure {
    Failure::new(
        format!("The first start could not be finished: {what}: {why}."),
        "There is no tenant to work with yet.",
        "Start again; what was done is taken up where it stopped.",
    )
}

fn refused(what: &str, status: u16, said: &Value) -> Failure {
    let message = said.pointer("/error/message").and_then(Value::as_str).unwrap_or("see the log above");
    unheard(what, &format!("answered {status}, {}", message.trim_end_matches('.')))
}
