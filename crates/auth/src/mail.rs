//! How does a letter reach a mail service? By one HTTP request, in the form that the service documents.

use crate::{Email, Posted, Writing};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use kernel::{Instant, Secret};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt;

/// The form in which a service takes letters.
#[derive(Clone)]
enum Service {
    /// JSON to a URL of the operator's, signed as Standard Webhooks has it (<https://www.standardwebhooks.com>).
    Webhook(Secret<Vec<u8>>),
    /// Twilio SendGrid, `POST /v3/mail/send` (<https://www.twilio.com/docs/sendgrid/api-reference/mail-send>).
    SendGrid,
    /// Mailgun, `POST /v3/{domain}/messages` (<https://documentation.mailgun.com/docs/mailgun/api-reference>).
    Mailgun,
}

/// The mail service that the operator set.
#[derive(Clone)]
pub struct Mail {
    service: Service,
    url: String,
    key: Secret<String>,
    from: Sender,
}

/// Who letters come from.
#[derive(Clone)]
struct Sender {
    name: Option<String>,
    address: Email,
}

/// One of the variables that set the mail service does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("variable {name}: {message}")]
pub struct MailFault {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it, as the end of a sentence that begins with its name; never its value.
    pub message: &'static str,
}

/// A request to the mail service, to be sent by POST.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub url: String,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Outgoing {
    /// Blank: it holds the key and perhaps a link that opens something.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Outgoing(…)")
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Mail").field("service", &self.name()).finish_non_exhaustive()
    }
}

impl Mail {
    /// Reads the variables `mail_service`, `mail_url`, `mail_key` and `mail_from`; `None` if no service is set.
    ///
    /// # Errors
    /// The first variable that does not read.
    pub fn read(service: &str, url: &str, key: &str, from: &str) -> Result<Option<Self>, MailFault> {
        let fault = |name, message| MailFault { name, message };
        let url = url.trim().trim_end_matches('/');
        let (service, usual) = match service.trim() {
            "" => return Ok(None),
            "webhook" => (Service::Webhook(signing_key(key)?), ""),
            "sendgrid" => (Service::SendGrid, "https://api.sendgrid.com"),
            "mailgun" => (Service::Mailgun, "https://api.mailgun.net"),
            _ => return Err(fault("mail_service", "must be webhook, sendgrid, mailgun or empty")),
        };
        let url = if url.is_empty() { usual } else { url };
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(fault("mail_url", "must be an absolute URL that begins with https:// or http://"));
        }
        if key.trim().is_empty() {
            return Err(fault("mail_key", "is empty: set the service's API key"));
        }
        let from = sender(from).ok_or_else(|| {
            fault("mail_from", "must be an address, as ana@example.com or Example <ana@example.com>")
        })?;
        let (url, key) = (url.to_owned(), Secret::new(key.trim().to_owned()));
        Ok(Some(Self { service, url, key, from }))
    }

    /// The service's name in `mail_service`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.service {
            Service::Webhook(_) => "webhook",
            Service::SendGrid => "sendgrid",
            Service::Mailgun => "mailgun",
        }
    }

    /// The request that hands a letter to the service at `now`. The letter's id is its idempotency key, for services that
    /// know such a thing.
    #[must_use]
    pub fn request(&self, letter: &Posted, writing: &Writing, now: Instant) -> Outgoing {
        let mut outgoing = match &self.service {
            Service::Webhook(key) => self.by_webhook(key, letter, writing, now),
            Service::SendGrid => self.by_sendgrid(letter, writing),
            Service::Mailgun => self.by_mailgun(letter, writing),
        };
        outgoing.headers.push(("idempotency-key".to_owned(), letter.id.to_string()));
        let agent = concat!("Signalbox/", env!("CARGO_PKG_VERSION"));
        outgoing.headers.push(("user-agent".to_owned(), agent.to_owned()));
        outgoing.headers.push(("traceparent".to_owned(), letter.trace.clone()));
        outgoing
    }

    fn by_webhook(
        &self,
        key: &Secret<Vec<u8>>,
        letter: &Posted,
        writing: &Writing,
        now: Instant,
    ) -> Outgoing {
        let body = json!({
            "id": letter.id.as_str(),
            "to": letter.recipient.as_str(),
            "from": self.from.to_string(),
            "subject": writing.subject,
            "text": writing.text,
            "html": writing.html,
            "purpose": letter.purpose.as_str(),
            "notice": letter.notice.map(crate::Notice::as_str),
            "tenant_id": letter.tenant.as_str(),
        })
        .to_string();
        let timestamp = now.seconds().to_string();
        let signature = sign(key.expose(), &[letter.id.as_str(), &timestamp, &body]);
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", letter.id.to_string()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", format!("v1,{signature}")),
        ];
        Outgoing { url: self.url.clone(), headers: owned(headers), body: body.into_bytes() }
    }

    fn by_sendgrid(&self, letter: &Posted, writing: &Writing) -> Outgoing {
        let mut from = json!({"email": self.from.address.as_str()});
        if let (Some(name), Some(object)) = (&self.from.name, from.as_object_mut()) {
            object.insert("name".to_owned(), Value::from(name.as_str()));
        }
        let body = json!({
            "personalizations": [{"to": [{"email": letter.recipient.as_str()}]}],
            "from": from,
            "subject": writing.subject,
            "content": [
                {"type": "text/plain", "value": writing.text},
                {"type": "text/html", "value": writing.html},
            ],
            "categories": [letter.purpose.as_str()],
            // A link that opens something must not be rewritten to lead through somebody else.
            "tracking_settings": {
                "click_tracking": {"enable": false, "enable_text": false},
                "open_tracking": {"enable": false},
            },
            "custom_args": {"letter_id": letter.id.as_str()},
        });
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("authorization", format!("Bearer {}", self.key.expose())),
        ];
        let url = format!("{}/v3/mail/send", self.url);
        Outgoing { url, headers: owned(headers), body: body.to_string().into_bytes() }
    }

    fn by_mailgun(&self, letter: &Posted, writing: &Writing) -> Outgoing {
        let from = self.from.to_string();
        let fields = [
            ("from", from.as_str()),
            ("to", letter.recipient.as_str()),
            ("subject", &writing.subject),
            ("text", &writing.text),
            ("html", &writing.html),
            ("o:tag", letter.purpose.as_str()),
            ("o:tracking", "no"),
            ("v:letter-id", letter.id.as_str()),
        ];
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let login = STANDARD.encode(format!("api:{}", self.key.expose()));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("authorization", format!("Basic {login}")),
        ];
        let domain = self.from.address.as_str().rsplit('@').next().unwrap_or_default();
        let url = format!("{}/v3/{}/messages", self.url, encoded(domain));
        Outgoing { url, headers: owned(headers), body: body.join("&").into_bytes() }
    }
}

fn owned<const N: usize>(headers: [(&str, String); N]) -> Vec<(String, String)> {
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The key of a Standard Webhooks signature: `whsec_` and base64 of 24 to 64 bytes.
fn signing_key(text: &str) -> Result<Secret<Vec<u8>>, MailFault> {
    let bytes = text.trim().strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    bytes.filter(|bytes| (24..=64).contains(&bytes.len())).map(Secret::new).ok_or(MailFault {
        name: "mail_key",
        message: "must be whsec_ and the base64 of 24 to 64 bytes; make one with `echo whsec_$(openssl rand -base64 32)`",
    })
}

/// HMAC-SHA256 of the parts with dots between, as base64.
fn sign(key: &[u8], parts: &[&str]) -> String {
    // HMAC takes keys of any length.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mac| STANDARD.encode(mac.chain_update(parts.join(".")).finalize().into_bytes()),
    )
}

/// `ana@example.com` or `Example <ana@example.com>`.
fn sender(text: &str) -> Option<Sender> {
    let text = text.trim();
    let Some((name, rest)) = text.rsplit_once('<') else {
        return Some(Sender { name: None, address: text.parse().ok()? });
    };
    let name = name.trim().trim_matches('"').trim();
    let sound =
        !name.is_empty() && !name.chars().any(|letter| letter.is_control() || "<>\"\\".contains(letter));
    let address = rest.strip_suffix('>')?.parse().ok()?;
    sound.then(|| Sender { name: Some(name.to_owned()), address })
}

impl fmt::Display for Sender {
    /// As a mailbox of RFC 5322, its name in quotes.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(out, "\"{name}\" <{}>", self.address),
            None => write!(out, "{}", self.address),
        }
    }
}

/// As in `application/x-www-form-urlencoded`: all but letters, digits and `*-._` as percent signs and digits.
fn encoded(text: &str) -> String {
    use fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut form, byte| {
        if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) {
            form.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(form, "%{byte:02X}");
        }
        form
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LetterState, Purpose};

    const KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
    const FROM: &str = "Signalbox <no-reply@mail.example.com>";

    fn posted() -> Posted {
        Posted {
            tenant: "acme-corp".parse().unwrap(),
            id: "ltr_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            purpose: Purpose::PasswordReset,
            notice: None,
            recipient: "ana@example.com".parse().unwrap(),
            state: LetterState::Queued,
            last_error: None,
            trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            created_at: Instant::from_millis(0),
            expires_at: Instant::from_millis(9),
            ended_at: None,
        }
    }

    fn request(service: &str, url: &str, key: &str) -> Outgoing {
        let mail = Mail::read(service, url, key, FROM).unwrap().unwrap();
        let writing = Writing {
            subject: "Set a new password".to_owned(),
            text: "Öffne & lies".to_owned(),
            html: "<p>x</p>".to_owned(),
        };
        mail.request(&posted(), &writing, Instant::from_millis(1_674_087_231_500))
    }

    fn header<'a>(outgoing: &'a Outgoing, name: &str) -> &'a str {
        &outgoing.headers.iter().find(|(known, _)| known == name).unwrap().1
    }

    fn body(outgoing: &Outgoing) -> Value {
        serde_json::from_slice(&outgoing.body).unwrap()
    }

    #[test]
    fn a_webhook_is_signed_over_its_id_time_and_body() {
        let sent = request("webhook", "https://mail.example.com/in", KEY);
        assert_eq!(sent.url, "https://mail.example.com/in");
        assert_eq!(header(&sent, "webhook-timestamp"), "1674087231");
        assert_eq!(header(&sent, "idempotency-key"), header(&sent, "webhook-id"));
        let signed =
            format!("ltr_01hf7yat00zzzzzzzzzzzzzzzz.1674087231.{}", String::from_utf8_lossy(&sent.body));
        let mac = Hmac::<Sha256>::new_from_slice(b"012345678901234567890123").unwrap().chain_update(signed);
        let wanted = STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(header(&sent, "webhook-signature"), format!("v1,{wanted}"));
        let body = body(&sent);
        assert_eq!((&body["to"], &body["purpose"]), (&json!("ana@example.com"), &json!("password_reset")));
        assert_eq!(body["from"], "\"Signalbox\" <no-reply@mail.example.com>");
    }

    #[test]
    fn the_signature_is_the_one_of_the_specification() {
        // The example of <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
        let key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signature = sign(key.expose(), &["msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body]);
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn sendgrid_takes_it_without_rewriting_links() {
        let sent = request("sendgrid", "", "SG.key");
        assert_eq!(sent.url, "https://api.sendgrid.com/v3/mail/send");
        assert_eq!(header(&sent, "authorization"), "Bearer SG.key");
        let body = body(&sent);
        assert_eq!(body["personalizations"][0]["to"][0]["email"], "ana@example.com");
        assert_eq!(body["from"], json!({"email": "no-reply@mail.example.com", "name": "Signalbox"}));
        assert_eq!(body["content"][0]["type"], "text/plain");
        assert_eq!(body["tracking_settings"]["click_tracking"]["enable"], false);
    }

    #[test]
    fn mailgun_takes_a_form_for_the_senders_domain() {
        let sent = request("mailgun", "https://api.eu.mailgun.net/", "key-1");
        assert_eq!(sent.url, "https://api.eu.mailgun.net/v3/mail.example.com/messages");
        assert_eq!(header(&sent, "authorization"), format!("Basic {}", STANDARD.encode("api:key-1")));
        let form = String::from_utf8(sent.body).unwrap();
        assert!(form.contains("to=ana%40example.com&subject=Set%20a%20new%20password"), "{form}");
        assert!(form.contains("text=%C3%96ffne%20%26%20lies"), "{form}");
    }

    #[test]
    fn what_does_not_read_is_named_without_its_value() {
        assert!(Mail::read("", "", "", "").unwrap().is_none());
        for (service, url, key, from, wanted) in [
            ("smtp", "", "k", FROM, "mail_service"),
            ("webhook", "", KEY, FROM, "mail_url"),
            ("webhook", "https://x.example", "whsec_c2hvcnQ=", FROM, "mail_key"),
            ("webhook", "https://x.example", "plain", FROM, "mail_key"),
            ("sendgrid", "ftp://x.example", "k", FROM, "mail_url"),
            ("sendgrid", "", " ", FROM, "mail_key"),
            ("mailgun", "", "k", "nobody", "mail_from"),
            ("mailgun", "", "k", "\"a\\\" <b@example.com>", "mail_from"),
        ] {
            let fault = Mail::read(service, url, key, from).unwrap_err();
            assert_eq!(fault.name, wanted, "{service} {url} {from}");
        }
        let mail = Mail::read("sendgrid", "", "SG.key", FROM).unwrap().unwrap();
        assert!(!format!("{mail:?}").contains("SG.key"));
    }
}
