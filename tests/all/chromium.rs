//! How does a real browser answer? Chromium without a window, driven over a pipe (the DevTools protocol), with its virtual
//! authenticator; and a page of its own on a port of its own.

use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};
use tempfile::TempDir;

/// Where Debian and others put it.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// A browser that shows one page.
pub struct Chromium {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    count: u64,
    _profile: TempDir,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The shell became the browser, so this ends it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An empty page at an origin of its own, as long as the test runs; gives the origin.
pub fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked);
            let body = "<!doctype html><title>Signalbox</title>";
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length:";
            let _ = write!(stream, "{head} {}\r\n\r\n{body}", body.len());
        }
    });
    format!("http://localhost:{port}")
}

impl Chromium {
    /// A browser before the page `url`, with an authenticator that verifies its person; `None` if there is no Chromium.
    pub fn open(url: &str) -> Option<Self> {
        let found = |name: &&&str| {
            Command::new(name).arg("--version").output().is_ok_and(|said| said.status.success())
        };
        let name = NAMES.iter().find(found)?;
        let profile = tempfile::tempdir().unwrap();
        // It speaks on the descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, name])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Self { child, to, from, session: None, count: 0, _profile: profile };
        let target = browser.call("Target.createTarget", &json!({"url": url}));
        let attached =
            browser.call("Target.attachToTarget", &json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser.call("WebAuthn.enable", &json!({}));
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserVerified": true, "automaticPresenceSimulation": true,
        });
        browser.call("WebAuthn.addVirtualAuthenticator", &json!({"options": options}));
        Some(browser)
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.count += 1;
        let mut message = json!({"id": self.count, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).unwrap();
            assert!(bytes.pop().is_some(), "the browser went away");
            let answer: Value = serde_json::from_slice(&bytes).unwrap();
            if answer["id"] == self.count {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// The value of an expression of the page, once its promise is kept.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let result = self.call("Runtime.evaluate", &params);
        assert!(result.get("exceptionDetails").is_none(), "{result}");
        result["result"]["value"].clone()
    }
}
