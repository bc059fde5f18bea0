//! Who receives what Signalbox delivers? A server that plays a customer, or Slack, and can be told to fail, to hang or to go.

use crate::{
    eventually,
    wire::{Message, Side},
};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{BufReader, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What the receiver does with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Takes it, as a customer does: 200.
    Accept,
    /// Takes what Slack's incoming webhooks take, and refuses the rest with Slack's words.
    Slack,
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and `Retry-After` in seconds.
    RetryAfter(u16, u32),
    /// Reads and never answers.
    Hang,
    /// Reads and closes the connection.
    Reset,
    /// Answers with bytes that are no HTTP.
    Garbage,
    /// Answers 200 with a body of so many bytes.
    Large(usize),
    /// Begins an answer and sends headers as long as somebody listens.
    EndlessHeaders,
    /// Answers 302 with this `Location`.
    Redirect(String),
    /// Answers 200 with what came in its `Authorization`.
    Echo,
}

/// One request that came in.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// When it was read to its end.
    pub at: Instant,
    /// `POST`.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// What it was answered with; 0 for none.
    pub status: u16,
}

impl Delivery {
    /// The body as JSON; null if it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A server on a port of its own, on 127.0.0.1.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    door: Option<Door>,
}

struct State {
    reply: Mutex<Reply>,
    deliveries: Mutex<Vec<Delivery>>,
}

/// The open port, as long as it is open.
struct Door {
    is_closing: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    porter: thread::JoinHandle<()>,
}

impl Receiver {
    /// Opens a port.
    pub fn start(reply: Reply) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a port")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { reply: Mutex::new(reply), deliveries: Mutex::default() });
        let door = Some(Door::open(listener, &state));
        Ok(Self { address, state, door })
    }

    /// Where to send things.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What to do from now on.
    pub fn reply(&self, reply: Reply) {
        *lock(&self.state.reply) = reply;
    }

    /// Everything that came in so far.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.state.deliveries).clone()
    }

    /// Waits until `count` deliveries were taken (answered with 2xx), and gives all of those.
    #[must_use]
    pub fn accepted(&self, count: usize, limit: Duration) -> Option<Vec<Delivery>> {
        eventually(limit, || {
            let taken: Vec<_> =
                self.deliveries().into_iter().filter(|one| (200..300).contains(&one.status)).collect();
            (taken.len() >= count).then_some(taken)
        })
    }

    /// Goes away: the port refuses connections.
    pub fn stop(&mut self) {
        if let Some(door) = self.door.take() {
            door.close(self.address);
        }
    }

    /// Comes back on the same port.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        let listener = TcpListener::bind(self.address).context("cannot open the port again")?;
        self.door = Some(Door::open(listener, &self.state));
        Ok(())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Door {
    fn open(listener: TcpListener, state: &Arc<State>) -> Self {
        let is_closing = Arc::new(AtomicBool::new(false));
        let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let porter = {
            let (is_closing, streams, state) = (is_closing.clone(), streams.clone(), state.clone());
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    if is_closing.load(Ordering::Acquire) {
                        return;
                    }
                    if let Ok(copy) = stream.try_clone() {
                        lock(&streams).push(copy);
                    }
                    let state = state.clone();
                    thread::spawn(move || drop(serve(stream, &state)));
                }
            })
        };
        Self { is_closing, streams, porter }
    }

    fn close(self, address: SocketAddr) {
        self.is_closing.store(true, Ordering::Release);
        // Wakes the porter, who sees that it is time to go.
        drop(TcpStream::connect(address));
        drop(self.porter.join());
        for stream in lock(&self.streams).drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn serve(stream: TcpStream, state: &State) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = BufReader::new(stream);
    while let Some(message) = Message::read(&mut connection, Side::Server, false)? {
        let reply = lock(&state.reply).clone();
        let (status, headers, text) = answer(&reply, &message);
        let mut words = message.first.split(' ');
        let delivery = Delivery {
            at: Instant::now(),
            method: words.next().unwrap_or_default().to_owned(),
            path: words.next().unwrap_or_default().to_owned(),
            headers: message
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
                .collect(),
            body: message.body,
            status,
        };
        let shown = delivery.headers.get("authorization").cloned().unwrap_or_default();
        lock(&state.deliveries).push(delivery);
        match &reply {
            Reply::Hang => continue,
            // The door keeps a copy of the connection: it is closed by hand.
            Reply::Reset => return Ok(connection.get_ref().shutdown(Shutdown::Both)?),
            Reply::Garbage => {
                connection.get_mut().write_all(b"\x00\xff this is no answer\r\n\r\n")?;
                return Ok(connection.get_ref().shutdown(Shutdown::Both)?);
            }
            Reply::Large(size) => return large(connection.get_mut(), *size),
            Reply::EndlessHeaders => return endless(connection.get_mut()),
            _ => {}
        }
        let text = if reply == Reply::Echo { shown } else { text.to_owned() };
        let length = text.len();
        let whole = format!(
            "HTTP/1.1 {status} Said\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n{headers}\r\n{text}"
        );
        connection.get_mut().write_all(whole.as_bytes())?;
    }
    Ok(())
}

/// A body of so many bytes, as far as somebody reads it.
fn large(out: &mut TcpStream, size: usize) -> Result<()> {
    out.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").as_bytes())?;
    let piece = vec![b'x'; 64 * 1024];
    let mut left = size;
    while left > 0 {
        let now = left.min(piece.len());
        out.write_all(piece.get(..now).unwrap_or_default())?;
        left -= now;
    }
    Ok(())
}

/// Headers until the other side goes away; a bound keeps a test that fails from going on for ever.
fn endless(out: &mut TcpStream) -> Result<()> {
    out.write_all(b"HTTP/1.1 200 OK\r\n")?;
    for number in 0..1_000_000_u32 {
        out.write_all(format!("X-Header-{number}: {}\r\n", "x".repeat(100)).as_bytes())?;
    }
    Ok(())
}

/// Status, further headers, text.
fn answer(reply: &Reply, message: &Message) -> (u16, String, &'static str) {
    match reply {
        Reply::Accept => (200, String::new(), "ok"),
        Reply::Slack => {
            let (status, text) = slack(message);
            (status, String::new(), text)
        }
        Reply::Status(status) => (*status, String::new(), "as told"),
        Reply::RetryAfter(status, seconds) => (*status, format!("Retry-After: {seconds}\r\n"), "later"),
        Reply::Redirect(place) => (302, format!("Location: {place}\r\n"), "elsewhere"),
        Reply::Echo | Reply::Large(_) => (200, String::new(), ""),
        Reply::Hang | Reply::Reset | Reply::Garbage | Reply::EndlessHeaders => (0, String::new(), ""),
    }
}

/// Incoming webhooks as Slack documents them: a POST of JSON with `text` or `blocks`, answered with `ok`.
fn slack(message: &Message) -> (u16, &'static str) {
    let is_json = message.header("content-type").is_some_and(|kind| kind.starts_with(b"application/json"));
    if !message.first.starts_with("POST ") || !is_json {
        return (400, "invalid_payload");
    }
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&message.body) else {
        return (400, "invalid_payload");
    };
    let has_text = body.get("text").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if has_text || body.contains_key("blocks") { (200, "ok") } else { (400, "no_text") }
}

/// A thread that died holding the lock left whole values behind: all changes are single pushes or stores.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;
    use serde_json::json;

    fn client(receiver: &Receiver) -> Client {
        Client::new(receiver.address)
    }

    #[test]
    fn slack_reads_text_and_nothing_less() {
        let receiver = Receiver::start(Reply::Slack).unwrap();
        let client = client(&receiver);
        let post =
            |body: &Value| client.post("/in", body).map(|answer| (answer.status, answer.text())).unwrap();
        assert_eq!(post(&json!({"text": "hello"})), (200, "ok".to_owned()));
        assert_eq!(post(&json!({"message": "hello"})), (400, "no_text".to_owned()));
        assert_eq!(post(&json!("hello")), (400, "invalid_payload".to_owned()));
        let statuses: Vec<u16> = receiver.deliveries().iter().map(|delivery| delivery.status).collect();
        assert_eq!(statuses, [200, 400, 400]);
    }

    #[test]
    fn it_goes_away_and_comes_back() {
        let mut receiver = Receiver::start(Reply::Accept).unwrap();
        let client = client(&receiver);
        assert_eq!(client.get("/").unwrap().status, 200);
        receiver.stop();
        assert!(client.get("/").is_err());
        receiver.restart().unwrap();
        assert_eq!(client.get("/").unwrap().status, 200);
        receiver.reply(Reply::RetryAfter(503, 7));
        assert_eq!(client.get("/").unwrap().header("retry-after"), Some("7"));
        assert_eq!(receiver.accepted(2, Duration::ZERO).map(|taken| taken.len()), Some(2));
    }
}
