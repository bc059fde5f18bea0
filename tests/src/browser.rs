//! What does a browser do that a client does not? It keeps cookies by host, goes where it is sent, and posts forms.

use crate::{Answer, Client};
use anyhow::{Context as _, Result, bail};
use std::{cell::RefCell, collections::BTreeMap, net::SocketAddr};

/// The most places that it is sent to in a row.
const HOPS: usize = 12;

/// A browser on this machine.
#[derive(Default)]
pub struct Browser {
    cookies: RefCell<BTreeMap<(SocketAddr, String), String>>,
}

/// Where a browser came to.
pub struct Arrival {
    /// The last address.
    pub url: String,
    /// What was answered there.
    pub answer: Answer,
}

impl Browser {
    /// Without any cookie.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another one with the same cookies.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self { cookies: self.cookies.clone() }
    }

    /// A cookie that it keeps for a host.
    #[must_use]
    pub fn cookie(&self, host: SocketAddr, name: &str) -> Option<String> {
        self.cookies.borrow().get(&(host, name.to_owned())).cloned()
    }

    /// Gets one address, without going on from there.
    pub fn get(&self, url: &str) -> Result<Answer> {
        self.ask("GET", url, None)
    }

    /// Posts a form.
    pub fn post(&self, url: &str, fields: &[(String, String)]) -> Result<Answer> {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.ask("POST", url, Some(body.join("&")))
    }

    /// Goes where it is sent until it would come to an address with this beginning, or is sent nowhere.
    pub fn follow(&self, url: &str, until: &str) -> Result<Arrival> {
        let mut url = url.to_owned();
        for _ in 0..HOPS {
            let answer = self.get(&url)?;
            let Some(next) = answer.header("location").filter(|_| (300..400).contains(&answer.status)) else {
                return Ok(Arrival { url, answer });
            };
            let next = absolute(&url, next)?;
            if next.starts_with(until) {
                return Ok(Arrival { url: next, answer });
            }
            url = next;
        }
        bail!("was sent to {HOPS} places in a row, the last of them {url}")
    }

    fn ask(&self, method: &str, url: &str, form: Option<String>) -> Result<Answer> {
        let (host, path) = parts(url)?;
        let client = Client::new(host);
        let kept: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut request = client.request(method, &path);
        if !kept.is_empty() {
            request = request.header("Cookie", kept.join("; "));
        }
        if let Some(form) = form {
            request = request.body("application/x-www-form-urlencoded", form);
        }
        let answer = request.send()?;
        for (name, value) in &answer.headers {
            let text = String::from_utf8_lossy(value);
            let pair = text.split(';').next().and_then(|pair| pair.split_once('='));
            if let (true, Some((name, value))) = (name == "set-cookie", pair) {
                self.cookies.borrow_mut().insert((host, name.trim().to_owned()), value.trim().to_owned());
            }
        }
        Ok(answer)
    }
}

/// The fields of the only form of a page, and where it goes: what a script would submit at once.
#[must_use]
pub fn form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        rest.split('"').next().map(plain)
    };
    let (_, rest) = page.split_once("<form")?;
    let action = attribute(rest, "action")?;
    let inputs = rest.split("<input").skip(1).filter_map(|tag| {
        let tag = tag.split('>').next()?;
        Some((attribute(tag, "name")?, attribute(tag, "value")?))
    });
    Some((action, inputs.collect()))
}

fn plain(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#x2F;", "/").replace("&#x3D;", "=").replace("&amp;", "&")
}

fn parts(url: &str) -> Result<(SocketAddr, String)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not on this machine"))?;
    let (host, path) =
        rest.split_once('/').map_or((rest, "/".to_owned()), |(host, path)| (host, format!("/{path}")));
    let host = host.parse().with_context(|| format!("{url} is not on this machine"))?;
    Ok((host, path.split('#').next().unwrap_or_default().to_owned()))
}

fn absolute(from: &str, to: &str) -> Result<String> {
    if to.contains("://") {
        return Ok(to.to_owned());
    }
    let (host, _) = parts(from)?;
    Ok(format!("http://{host}{to}"))
}

/// A text as it stands in a form.
#[must_use]
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read() {
        let page = "<form method=\"post\" action=\"http://x/acs\"><input type=\"hidden\"\n name=\"A\"\n value=\"b&#x3D;\"/>";
        assert_eq!(form(page), Some(("http://x/acs".to_owned(), vec![("A".to_owned(), "b=".to_owned())])));
        assert_eq!(encode("a b/c"), "a%20b%2Fc");
    }
}
