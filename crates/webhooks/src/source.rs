//! What is a source? An address of ours that takes the requests of one provider, and says what becomes of them.

use crate::inbound::{Preset, Scheme, SchemeDraft};
use ipnet::IpNet;
use kernel::{Call, FieldFault, Fields, Instant, Secret, SourceId};
use serde_json::Value;
use std::net::IpAddr;

/// How many sources a tenant can have.
pub const SOURCES_MAX: i64 = 50;
/// How many secrets hold at one time.
pub const SECRETS_MAX: usize = 5;
/// The longest secret, in bytes.
const SECRET_MAX: usize = 500;
/// How many networks a source may be open to.
const NETWORKS_MAX: usize = 50;
/// The longest name and description, in characters.
const NAME_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 500;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The trigger of the event that it becomes; may hold templates.
    pub trigger: String,
    /// The event's data, in whose texts templates may stand; `None`: the body as it is.
    pub data: Option<Value>,
    /// The provider's id of what is sent, as a template, where the preset knows none.
    pub id: Option<String>,
}

/// Where a provider's requests come in.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its id, which stands in its address.
    pub id: SourceId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How requests are verified.
    pub preset: Preset,
    /// The networks that may send; empty: all.
    pub networks: Vec<IpNet>,
    /// What becomes of requests.
    pub mapping: Mapping,
    /// Whether it takes requests.
    pub is_active: bool,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was set up.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// A source as somebody wants it.
#[derive(Debug, Clone, Default)]
pub struct SourceDraft {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How requests are verified.
    pub preset: Option<String>,
    /// How the provider signs, for the preset `hmac`.
    pub scheme: Option<SchemeDraft>,
    /// The secrets, any of which holds.
    pub secrets: Option<Vec<Secret<String>>>,
    /// The networks that may send.
    pub networks: Option<Vec<String>>,
    /// The trigger.
    pub trigger: Option<String>,
    /// The data.
    pub data: Option<Value>,
    /// The provider's id.
    pub id: Option<String>,
    /// Whether it takes requests.
    pub is_active: Option<bool>,
}

impl SourceDraft {
    /// The source and its secrets.
    ///
    /// # Errors
    /// All faulty fields. Templates and triggers are somebody else's to judge.
    pub(crate) fn set_up(self, call: &Call) -> Result<(Source, Vec<Secret<String>>), Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", named(self.name));
        let description = match self.description.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
            Some(text) => fields.take("description", sound(text, DESCRIPTION_MAX)).map(Some),
            None => Some(None),
        };
        let preset = fields.take("preset", preset(self.preset));
        let preset = preset.and_then(|preset| with_scheme(preset, self.scheme, &mut fields));
        let secrets = preset.as_ref().and_then(|preset| {
            fields.take("secrets", checked_secrets(preset, self.secrets.unwrap_or_default()))
        });
        let networks = fields.take("networks", networks(&self.networks.unwrap_or_default()));
        let trigger = fields.take("trigger_id", self.trigger.filter(|text| !text.is_empty()).ok_or("is missing: the trigger whose event a request becomes"));
        let made = (|| {
            let source = Source {
                id: SourceId::new(call.now, &*call.chance),
                name: name?,
                description: description?,
                preset: preset?,
                networks: networks?,
                mapping: Mapping { trigger: trigger?, data: self.data, id: self.id },
                is_active: self.is_active.unwrap_or(true),
                version: 1,
                created_at: call.now,
                updated_at: call.now,
            };
            Some((source, secrets?))
        })();
        fields.give(made)
    }
}

impl Source {
    /// Whether a request from this address is let in. Without an address it is not, where networks are named.
    #[must_use]
    pub fn lets_in(&self, address: Option<IpAddr>) -> bool {
        self.networks.is_empty()
            || address.is_some_and(|address| self.networks.iter().any(|network| network.contains(&address.to_canonical())))
    }
}

fn named(text: Option<String>) -> Result<String, &'static str> {
    const FAULT: &str = "must be 1 to 100 characters, without control characters";
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).ok_or(FAULT)?;
    sound(text, NAME_MAX).map_err(|_| FAULT)
}

fn sound(text: String, most: usize) -> Result<String, &'static str> {
    let is_sound = text.chars().count() <= most && !text.chars().any(char::is_control);
    is_sound.then_some(text).ok_or("must be at most 500 characters, without control characters")
}

fn preset(text: Option<String>) -> Result<Preset, String> {
    let text = text.ok_or("is missing: how requests are verified; unverified says that they are not")?;
    text.parse::<Preset>().map_err(|fault| fault.to_string())
}

fn with_scheme(preset: Preset, scheme: Option<SchemeDraft>, fields: &mut Fields) -> Option<Preset> {
    match (preset, scheme) {
        (Preset::Hmac(_), scheme) => match Scheme::check(scheme.unwrap_or_default(), "scheme") {
            Ok(scheme) => Some(Preset::Hmac(scheme)),
            Err(faults) => {
                faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message));
                None
            }
        },
        (preset, None) => Some(preset),
        (_, Some(_)) => {
            fields.fault("scheme", "belongs to the preset hmac alone");
            None
        }
    }
}

fn checked_secrets(preset: &Preset, secrets: Vec<Secret<String>>) -> Result<Vec<Secret<String>>, &'static str> {
    if !preset.verifies() {
        return if secrets.is_empty() { Ok(secrets) } else { Err("are of no use to an unverified source") };
    }
    let sound = |secret: &Secret<String>| (1..=SECRET_MAX).contains(&secret.expose().len());
    if !(1..=SECRETS_MAX).contains(&secrets.len()) || !secrets.iter().all(sound) {
        return Err("must be 1 to 5 texts of 1 to 500 bytes each, any of which holds");
    }
    if *preset == Preset::Basic && !secrets.iter().all(|secret| secret.expose().contains(':')) {
        return Err("must be written as user:password");
    }
    Ok(secrets)
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, &'static str> {
    const FAULT: &str = "must be up to 50 addresses or networks, such as 192.0.2.7 or 2001:db8::/32";
    let read = |text: &String| {
        let network = text.parse::<IpNet>().ok();
        network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).map(|network| network.trunc())
    };
    let all: Option<Vec<IpNet>> = texts.iter().map(read).collect();
    all.filter(|all| all.len() <= NETWORKS_MAX).ok_or(FAULT)
}
