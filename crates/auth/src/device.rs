//! On what does a session run? A few words for people, from what the program calls itself; nothing is decided by them.

/// Names of browsers as they stand before a version, those that also call themselves another one first.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
];

/// Systems by a word that only they say, those that also say another's first.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

/// `Firefox on Linux`, `curl`, or `None` if nothing can be said of it.
#[must_use]
pub fn device(agent: &str) -> Option<String> {
    let agent = agent.trim();
    let among = |names: &[(&str, &'static str)]| {
        names.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name)
    };
    let browser = among(&BROWSERS)
        .or_else(|| (agent.starts_with("Mozilla/") && agent.contains("Safari/")).then_some("Safari"));
    match (browser, among(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(browser), None) => Some(browser.to_owned()),
        (None, Some(system)) if agent.starts_with("Mozilla/") => Some(format!("A browser on {system}")),
        (None, _) => program(agent),
    }
}

/// The name of a program: what stands before its version, if that is a plain word.
fn program(agent: &str) -> Option<String> {
    let name = agent.split(['/', ' ']).next().unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    (!name.is_empty() && name.len() <= 40 && name.chars().all(plain)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents() {
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        for (agent, wanted) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
                Some("Firefox on Linux"),
            ),
            (&format!("{mac} Version/17.5 Safari/605.1.15"), Some("Safari on macOS")),
            (&format!("{mac} Chrome/128.0 Safari/537.36 Edg/128.0"), Some("Edge on macOS")),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/128.0 Mobile Safari/537.36",
                Some("Chrome on Android"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/128.0 Safari/604.1",
                Some("Chrome on iPhone"),
            ),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", Some("A browser on Windows")),
            ("curl/8.5.0", Some("curl")),
            ("python-requests/2.32", Some("python-requests")),
            ("", None),
            ("<script>alert(1)</script>", None),
        ] {
            assert_eq!(device(agent).as_deref(), wanted, "{agent}");
        }
    }
}
