//! Which source does somebody want? Every field is looked at, and all that are faulty are told at once.

use super::{KEEP_DAYS, Mapping, SENDER_RATE, Secrets, Source};
use crate::{
    Signature, SigningKey,
    inbound::{Preset, Scheme, SchemeDraft, VerifyingSecret},
};
use ipnet::IpNet;
use kernel::{Call, Chance, FieldFault, Fields, Instant, Secret, SourceId};
use serde_json::Value;
use std::{net::IpAddr, ops::RangeInclusive};

/// How many secrets hold at one time.
const SECRETS_MAX: usize = 5;
/// The longest secret, in bytes.
const SECRET_MAX: usize = 500;
/// How many networks a source may be open to.
const NETWORKS_MAX: usize = 50;
/// The longest name and description, in characters.
const NAME_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 500;
/// How many requests a minute a source may take.
const RATE: RangeInclusive<u32> = 1..=1_000_000;
/// How long requests may be kept.
const DAYS: RangeInclusive<u32> = 1..=365;

/// A source as somebody wants it; what is `None` is as for most.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is the one of the same name in the source")]
pub struct SourceDraft {
    pub name: Option<String>,
    pub description: Option<String>,
    pub preset: Option<String>,
    pub scheme: Option<SchemeDraft>,
    pub secrets: Option<Vec<Secret<String>>>,
    pub verify_token: Option<Secret<String>>,
    pub networks: Option<Vec<String>>,
    pub trigger: Option<String>,
    pub data: Option<Value>,
    pub id: Option<String>,
    pub rate_per_minute: Option<u32>,
    pub keep_days: Option<u32>,
    pub is_active: Option<bool>,
}

/// What is to be changed of a source. `None` stays as it is; where a second `None` may stand, it takes away.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is the one of the same name in the source")]
pub struct SourcePatch {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub preset: Option<String>,
    pub scheme: Option<Option<SchemeDraft>>,
    pub secrets: Option<Vec<Secret<String>>>,
    pub verify_token: Option<Option<Secret<String>>>,
    pub networks: Option<Vec<String>>,
    pub trigger: Option<String>,
    pub data: Option<Option<Value>>,
    pub id: Option<Option<String>>,
    pub rate_per_minute: Option<u32>,
    pub keep_days: Option<u32>,
    pub is_active: Option<bool>,
}

/// A source that was set up: with the secret that was made for it, if none was given.
#[derive(Debug)]
pub(crate) struct SetUp {
    pub(crate) source: Source,
    pub(crate) secrets: Secrets,
    pub(crate) made: Option<Secret<String>>,
}

/// A draft that was looked at.
struct Checked {
    name: String,
    description: Option<String>,
    preset: Preset,
    secrets: Secrets,
    networks: Vec<IpNet>,
    mapping: Mapping,
    rate_per_minute: u32,
    keep_days: u32,
    is_active: bool,
}

impl SourceDraft {
    /// The source and its secrets. `faults` were found by whoever knows triggers and templates.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn set_up(mut self, call: &Call, faults: Vec<FieldFault>) -> Result<SetUp, Vec<FieldFault>> {
        let made = self.missing_secret(&*call.chance);
        if let Some(made) = &made {
            self.secrets = Some(vec![made.clone()]);
        }
        let checked = self.checked(faults)?;
        let id = SourceId::new(call.now, &*call.chance);
        let (source, secrets) = checked.into_source(id, 1, call.now, call.now);
        Ok(SetUp { source, secrets, made })
    }

    /// A secret for a sender that takes ours: of Standard Webhooks alone, the others have theirs.
    fn missing_secret(&self, chance: &dyn Chance) -> Option<Secret<String>> {
        let is_ours = self.preset.as_deref() == Some(Preset::StandardWebhooks.as_str());
        (is_ours && self.secrets.as_ref().is_none_or(Vec::is_empty))
            .then(|| SigningKey::new(Signature::V1, chance).text())
    }

    fn checked(self, faults: Vec<FieldFault>) -> Result<Checked, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", named(self.name));
        let description = described(self.description, &mut fields);
        let preset = fields.take("preset", preset(self.preset));
        let preset = preset.and_then(|preset| with_scheme(preset, self.scheme, &mut fields));
        let given = self.secrets.unwrap_or_default();
        let keys = preset.as_ref().and_then(|preset| fields.take("secrets", keys(preset, given)));
        let verify_token = token(self.verify_token, &mut fields);
        let networks = fields.take("networks", networks(&self.networks.unwrap_or_default()));
        let trigger = self.trigger.filter(|text| !text.trim().is_empty());
        let trigger = fields.take(
            "mapping.trigger_id",
            trigger.ok_or("is missing: the trigger whose event a request becomes"),
        );
        let id = self.id.filter(|text| !text.trim().is_empty());
        let rate = fields.take("rate_per_minute", within(self.rate_per_minute.unwrap_or(SENDER_RATE), &RATE));
        let keep_days = fields.take("keep_days", within(self.keep_days.unwrap_or(KEEP_DAYS), &DAYS));
        faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message));
        let checked = (|| {
            Some(Checked {
                name: name?,
                description,
                preset: preset?,
                secrets: Secrets { keys: keys?, verify_token },
                networks: networks?,
                mapping: Mapping { trigger: trigger?, data: self.data, id },
                rate_per_minute: rate?,
                keep_days: keep_days?,
                is_active: self.is_active.unwrap_or(true),
            })
        })();
        fields.give(checked)
    }
}

impl Checked {
    fn into_source(
        self,
        id: SourceId,
        version: i64,
        created_at: Instant,
        updated_at: Instant,
    ) -> (Source, Secrets) {
        let source = Source {
            id,
            name: self.name,
            description: self.description,
            preset: self.preset,
            secret_count: u32::try_from(self.secrets.keys.len()).unwrap_or(u32::MAX),
            has_verify_token: self.secrets.verify_token.is_some(),
            networks: self.networks,
            mapping: self.mapping,
            rate_per_minute: self.rate_per_minute,
            keep_days: self.keep_days,
            is_active: self.is_active,
            version,
            created_at,
            updated_at,
        };
        (source, self.secrets)
    }
}

impl SourcePatch {
    /// The mapping that `present` has after this change: for whoever knows triggers and templates.
    #[must_use]
    pub fn mapping(&self, present: &Mapping) -> Mapping {
        Mapping {
            trigger: self.trigger.clone().unwrap_or_else(|| present.trigger.clone()),
            data: self.data.clone().unwrap_or_else(|| present.data.clone()),
            id: self.id.clone().unwrap_or_else(|| present.id.clone()),
        }
    }

    /// The source as this patch wants it, one version on, with its secrets.
    ///
    /// # Errors
    /// All faulty fields; `faults` are among them.
    pub(crate) fn apply(
        self,
        source: &Source,
        secrets: &Secrets,
        now: Instant,
        faults: Vec<FieldFault>,
    ) -> Result<(Source, Secrets), Vec<FieldFault>> {
        let mapping = self.mapping(&source.mapping);
        let is_hmac = self.preset.as_deref().unwrap_or_else(|| source.preset.as_str()) == "hmac";
        let known = source.preset.scheme().filter(|_| is_hmac).map(SchemeDraft::from);
        // What is not to be verified any more has no secrets to keep.
        let is_open = self.preset.as_deref() == Some(Preset::Unverified.as_str());
        let kept = if is_open { Vec::new() } else { secrets.keys.clone() };
        let networks = source.networks.iter().map(ToString::to_string).collect();
        let draft = SourceDraft {
            name: Some(self.name.unwrap_or_else(|| source.name.clone())),
            description: self.description.unwrap_or_else(|| source.description.clone()),
            preset: Some(self.preset.unwrap_or_else(|| source.preset.as_str().to_owned())),
            scheme: self.scheme.unwrap_or(known),
            secrets: Some(self.secrets.unwrap_or(kept)),
            verify_token: self.verify_token.unwrap_or_else(|| secrets.verify_token.clone()),
            networks: Some(self.networks.unwrap_or(networks)),
            trigger: Some(mapping.trigger),
            data: mapping.data,
            id: mapping.id,
            rate_per_minute: Some(self.rate_per_minute.unwrap_or(source.rate_per_minute)),
            keep_days: Some(self.keep_days.unwrap_or(source.keep_days)),
            is_active: Some(self.is_active.unwrap_or(source.is_active)),
        };
        let version = source.version.saturating_add(1);
        Ok(draft.checked(faults)?.into_source(source.id.clone(), version, source.created_at, now))
    }
}

fn named(text: Option<String>) -> Result<String, &'static str> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| is_sound(text, NAME_MAX));
    text.filter(|text| !text.is_empty()).ok_or("must be 1 to 100 characters, without control characters")
}

fn described(text: Option<String>, fields: &mut Fields) -> Option<String> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())?;
    let fault = "must be at most 500 characters, without control characters";
    fields.take("description", is_sound(&text, DESCRIPTION_MAX).then_some(text).ok_or(fault))
}

fn is_sound(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

fn preset(text: Option<String>) -> Result<Preset, String> {
    let text =
        text.ok_or("is missing: how requests are verified; only the word unverified says that they are not")?;
    text.parse::<Preset>().map_err(|fault| fault.to_string())
}

fn with_scheme(preset: Preset, scheme: Option<SchemeDraft>, fields: &mut Fields) -> Option<Preset> {
    if preset.scheme().is_none() {
        if scheme.is_some() {
            fields.fault("scheme", "belongs to the preset hmac alone");
        }
        return Some(preset);
    }
    match Scheme::check(scheme.unwrap_or_default(), "scheme") {
        Ok(scheme) => Some(Preset::Hmac(scheme)),
        Err(faults) => {
            faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message));
            None
        }
    }
}

fn keys(preset: &Preset, given: Vec<Secret<String>>) -> Result<Vec<Secret<String>>, &'static str> {
    if !preset.verifies() {
        return if given.is_empty() { Ok(given) } else { Err("are of no use to an unverified source") };
    }
    let fits = |secret: &Secret<String>| (1..=SECRET_MAX).contains(&secret.expose().len());
    if !(1..=SECRETS_MAX).contains(&given.len()) || !given.iter().all(fits) {
        return Err("must be 1 to 5 texts of 1 to 500 bytes each, any of which holds");
    }
    let mut texts = given.iter().map(|secret| secret.expose().as_str());
    if *preset == Preset::StandardWebhooks {
        texts.try_for_each(|text| text.parse::<VerifyingSecret>().map(drop))?;
    } else if *preset == Preset::Basic && !texts.all(|text| text.contains(':')) {
        return Err("must be written as user:password");
    }
    Ok(given)
}

fn token(given: Option<Secret<String>>, fields: &mut Fields) -> Option<Secret<String>> {
    let given = given.filter(|token| !token.expose().is_empty())?;
    let fits = given.expose().len() <= SECRET_MAX;
    fields.take("verify_token", fits.then_some(given).ok_or("must be at most 500 bytes"))
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

fn within(number: u32, bounds: &RangeInclusive<u32>) -> Result<u32, String> {
    let fault = || format!("must be from {} to {}", bounds.start(), bounds.end());
    bounds.contains(&number).then_some(number).ok_or_else(fault)
}
