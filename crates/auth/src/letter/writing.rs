//! How do our letters read? A subject, a few paragraphs, perhaps one link: as plain text and as HTML that says the same.

use super::{Content, Notice, Writing};
use kernel::Instant;

/// What the notices end with.
const NOT_YOU: &str = "If that was you, there is nothing to do. If it was not, change your password at once, end your other \
    sessions, and tell whoever manages your organization.";

/// A letter before it is laid out.
struct Draft {
    subject: String,
    paragraphs: Vec<String>,
    /// What its button says, and where it leads.
    link: Option<(&'static str, String)>,
    /// What follows the link.
    closing: String,
}

/// Writes a letter to somebody of `organization`; `at` is now, `address` where the call came from, if known.
pub(crate) fn write(content: &Content, organization: &str, at: Instant, address: Option<&str>) -> Writing {
    let organization = one_line(organization);
    let draft = match content {
        Content::Invitation { inviter, link, until } => {
            invitation(&organization, inviter.as_deref(), link.expose(), *until)
        }
        Content::PasswordReset { link, until } => reset(&organization, link.expose(), *until),
        Content::EmailVerification { link, until } => verification(&organization, link.expose(), *until),
        Content::SecurityNotice(notice) => told(*notice, &organization, at, address),
    };
    Writing { text: draft.text(), html: draft.html(), subject: draft.subject }
}

fn invitation(organization: &str, inviter: Option<&str>, link: &str, until: Instant) -> Draft {
    let who =
        inviter.map_or_else(|| "You are invited".to_owned(), |who| format!("{} invites you", one_line(who)));
    Draft {
        subject: format!("Join {organization} on Signalbox"),
        paragraphs: vec![
            format!("{who} to join {organization} on Signalbox."),
            "Open the link to choose your password and begin.".to_owned(),
        ],
        link: Some(("Accept the invitation", link.to_owned())),
        closing: format!(
            "The link works once, until {}. If you did not expect this letter, leave it: nothing happens.",
            day(until)
        ),
    }
}

fn reset(organization: &str, link: &str, until: Instant) -> Draft {
    Draft {
        subject: format!("Set a new password for {organization}"),
        paragraphs: vec![format!(
            "Somebody, probably you, asked for a new password for your account in {organization} on Signalbox."
        )],
        link: Some(("Set a new password", link.to_owned())),
        closing: format!(
            "The link works once, until {}. If it was not you, leave this letter: your password stays as it is.",
            day(until)
        ),
    }
}

fn verification(organization: &str, link: &str, until: Instant) -> Draft {
    Draft {
        subject: "Confirm your e-mail address".to_owned(),
        paragraphs: vec![format!(
            "Confirm that this address is yours, for your account in {organization} on Signalbox."
        )],
        link: Some(("Confirm this address", link.to_owned())),
        closing: format!(
            "The link works once, until {}. If you have no such account, leave this letter: nothing happens.",
            day(until)
        ),
    }
}

fn told(notice: Notice, organization: &str, at: Instant, address: Option<&str>) -> Draft {
    let (subject, what) = match notice {
        Notice::PasswordChanged => ("Your password was changed", "The password of your account was changed."),
        Notice::PasswordReset => (
            "Your password was set anew",
            "A new password was set for your account by a link from a letter. All sessions were ended.",
        ),
        Notice::EmailChanged => (
            "Your e-mail address was changed",
            "Your account has another e-mail address now. No more letters come to this one.",
        ),
        Notice::SessionReused => (
            "A session of yours was ended",
            "A refresh token of one of your sessions was used a second time. Somebody may have copied it, so the \
             session was ended for whoever holds it.",
        ),
        Notice::TwoFactorAdded => (
            "A second factor was added",
            "An authenticator app was added to your account as a second factor.",
        ),
        Notice::TwoFactorRemoved => (
            "Your second factor was removed",
            "Your account has no authenticator app as a second factor any more.",
        ),
        Notice::RecoveryCodeUsed => (
            "A recovery code was used",
            "Somebody logged in to your account with one of your recovery codes. That code is spent.",
        ),
        Notice::RecoveryCodesMade => (
            "You have new recovery codes",
            "New recovery codes were made for your account. The earlier ones do not work any more.",
        ),
        Notice::PasskeyAdded => ("A passkey was added", "A passkey was added to your account."),
        Notice::PasskeyRemoved => ("A passkey was removed", "A passkey was removed from your account."),
        Notice::SignOnLinked => (
            "Single sign-on was linked",
            "An identity of your organization's identity provider was linked to your account. It opens your account \
             from now on.",
        ),
        Notice::RolesChanged => (
            "Your roles were changed",
            "What you may do was changed by somebody who manages your organization.",
        ),
        Notice::AccountDisabled => (
            "Your account was disabled",
            "Your account was disabled by somebody who manages your organization. All sessions were ended.",
        ),
    };
    let from = address.map(|address| format!(" from the address {address}")).unwrap_or_default();
    Draft {
        subject: format!("{subject} ({organization})"),
        paragraphs: vec![what.to_owned(), format!("That was at {}{from}, in {organization}.", moment(at))],
        link: None,
        closing: NOT_YOU.to_owned(),
    }
}

/// A name as part of a line: without what would break the line, or turn a letter of ours into one of a stranger's, who may
/// have chosen the name.
fn one_line(text: &str) -> String {
    let plain: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(80).collect();
    plain.replace("://", " ")
}

/// Day and time, to the minute.
fn day(at: Instant) -> String {
    at.to_chrono().map_or_else(|| at.to_string(), |time| time.format("%-d %B %Y, %H:%M UTC").to_string())
}

/// Day and time, to the second.
fn moment(at: Instant) -> String {
    at.to_chrono().map_or_else(|| at.to_string(), |time| time.format("%-d %B %Y, %H:%M:%S UTC").to_string())
}

impl Draft {
    fn text(&self) -> String {
        let mut parts: Vec<String> = self.paragraphs.clone();
        if let Some((_, url)) = &self.link {
            parts.push(url.clone());
        }
        parts.push(self.closing.clone());
        parts.join("\n\n") + "\n"
    }

    fn html(&self) -> String {
        let mut body = String::new();
        for paragraph in &self.paragraphs {
            body.push_str(&format!("<p>{}</p>\n", escape(paragraph)));
        }
        if let Some((label, url)) = &self.link {
            let url = escape(url);
            body.push_str(&format!("<p><a href=\"{url}\">{}</a></p>\n<p>{url}</p>\n", escape(label)));
        }
        body.push_str(&format!("<p>{}</p>\n", escape(&self.closing)));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n{body}</body>\n</html>\n",
            escape(&self.subject)
        )
    }
}

/// A text inside HTML, also inside a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Secret;

    const AT: Instant = Instant::from_millis(1_800_000_000_000);

    #[test]
    fn text_and_html_say_the_same() {
        let link = Secret::new("https://signalbox.test/auth/invitation#token=abc&x=1".to_owned());
        let content = Content::Invitation { inviter: Some("Ana <b>".to_owned()), link, until: AT };
        let writing = write(&content, "Acme & Sons", AT, None);
        assert_eq!(writing.subject, "Join Acme & Sons on Signalbox");
        assert!(writing.text.contains("Ana <b> invites you to join Acme & Sons"), "{}", writing.text);
        assert!(writing.text.contains("\n\nhttps://signalbox.test/auth/invitation#token=abc&x=1\n\n"));
        assert!(writing.text.contains("until 15 January 2027, 08:00 UTC"), "{}", writing.text);
        assert!(
            writing.html.contains("Ana &lt;b&gt; invites you to join Acme &amp; Sons"),
            "{}",
            writing.html
        );
        assert!(writing.html.contains("href=\"https://signalbox.test/auth/invitation#token=abc&amp;x=1\""));
    }

    #[test]
    fn a_name_cannot_add_a_line_to_the_subject() {
        let writing =
            write(&Content::SecurityNotice(Notice::PasswordChanged), "Acme\r\nBcc: x", AT, Some("192.0.2.1"));
        assert_eq!(writing.subject, "Your password was changed (Acme  Bcc: x)");
        assert!(writing.text.contains("15 January 2027, 08:00:00 UTC from the address 192.0.2.1"));
    }

    #[test]
    fn every_notice_has_words_of_its_own() {
        let mut subjects: Vec<String> = Notice::ALL
            .iter()
            .map(|notice| write(&Content::SecurityNotice(*notice), "Acme", AT, None).subject)
            .collect();
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), Notice::ALL.len());
    }

    #[test]
    fn a_link_is_not_printed() {
        let link = Secret::new("https://x/#token=abc".to_owned());
        let content = Content::PasswordReset { link, until: AT };
        let shown = format!("{content:?} {:?}", write(&content, "Acme", AT, None));
        assert!(!shown.contains("abc"), "{shown}");
    }
}
