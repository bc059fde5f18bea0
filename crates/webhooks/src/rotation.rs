//! How is an endpoint's key replaced?

use crate::{
    Endpoint, Keyring, Signature, SigningKey,
    keyring::{OVERLAP, OVERLAP_MAX},
};
use kernel::{Call, FieldFault, Fields, Secret};
use language::duration;
use serde_json::Value;

/// Another key for an endpoint.
#[derive(Debug, Clone, Default)]
pub struct Rotation {
    /// The key, in writing; one is made unless it is given.
    pub secret: Option<Secret<String>>,
    /// How requests are signed from now on; as before, unless said.
    pub signature: Option<String>,
    /// How long the present key signs beside it: a duration; 24 hours unless said, at most seven days.
    pub overlap: Option<Value>,
}

impl Rotation {
    /// The endpoint, one version on, and its keys.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn turn(
        self,
        endpoint: Endpoint,
        keyring: Keyring,
        call: &Call,
    ) -> Result<(Endpoint, Keyring), Vec<FieldFault>> {
        let mut fields = Fields::new();
        let wanted = self.signature.and_then(|text| fields.take("signature", text.parse::<Signature>()));
        let key = match self.secret {
            Some(text) => fields.take("secret", text.expose().parse::<SigningKey>()),
            None => Some(SigningKey::new(wanted.unwrap_or(endpoint.signature), &*call.chance)),
        };
        if let (Some(wanted), Some(key)) = (wanted, &key)
            && wanted != key.signature()
        {
            fields.fault("signature", format!("is not what the secret is for: it makes {}", key.signature()));
        }
        let overlap = match self.overlap {
            None => Some(OVERLAP),
            Some(said) => {
                let read = duration::read(&said).ok().filter(|span| *span <= OVERLAP_MAX);
                fields.take("overlap", read.ok_or("must be a duration from PT0S to P7D"))
            }
        };
        let made = key.zip(overlap).map(|(key, overlap)| {
            let signature = key.signature();
            let version = endpoint.version.saturating_add(1);
            (
                Endpoint { signature, version, updated_at: call.now, ..endpoint },
                keyring.rotate(key, overlap, call.now),
            )
        });
        fields.give(made)
    }
}
