//! How does a test speak HTTP? Blocking, on a kept connection, and free to send what a good client never would.

use crate::wire::{Message, Side, find};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
    time::Duration,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One kept connection to one server, with the credential that every request carries.
pub struct Client {
    address: SocketAddr,
    from: Option<IpAddr>,
    bearer: Option<String>,
    connection: RefCell<Option<BufReader<TcpStream>>>,
}

/// A request that is being put together.
pub struct Request<'a> {
    client: &'a Client,
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status, as a number.
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// Without a credential.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, from: None, bearer: None, connection: RefCell::new(None) }
    }

    /// The same server, with an access token or an API key.
    #[must_use]
    pub fn with_bearer(&self, bearer: &str) -> Self {
        Self {
            address: self.address,
            from: self.from,
            bearer: Some(bearer.to_owned()),
            connection: RefCell::new(None),
        }
    }

    /// The same server and credential, from another address of this machine: `127.0.0.2` and so on are all its own.
    #[must_use]
    pub fn from_address(&self, from: IpAddr) -> Self {
        Self { from: Some(from), ..self.clone_unconnected() }
    }

    /// The same server and credential, on a connection of its own.
    #[must_use]
    pub fn clone_unconnected(&self) -> Self {
        Self {
            address: self.address,
            from: self.from,
            bearer: self.bearer.clone(),
            connection: RefCell::new(None),
        }
    }

    /// The same server, without a credential.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self::new(self.address)
    }

    /// Any method, any path, exactly as given.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        let request = Request {
            client: self,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        match &self.bearer {
            Some(bearer) => request.header("Authorization", format!("Bearer {bearer}")),
            None => request,
        }
    }

    /// Gets `path`.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.request("GET", path).send()
    }

    /// Deletes `path`.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        self.request("DELETE", path).send()
    }

    /// Posts JSON to `path`.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.request("POST", path).json(body).send()
    }

    /// Puts JSON to `path`.
    pub fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.request("PUT", path).json(body).send()
    }

    /// Patches `path` with JSON.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.request("PATCH", path).json(body).send()
    }

    /// Sends these bytes on a connection of their own and reads one answer.
    pub fn raw(&self, bytes: &[u8]) -> Result<Answer> {
        let mut connection = self.connect()?;
        // A server may answer and close before it has read all: the answer counts then, not the broken pipe.
        let written = connection.get_mut().write_all(bytes);
        match read(&mut connection, false) {
            Ok(answer) => Ok(answer),
            Err(error) => Err(written.map_or_else(anyhow::Error::from, |()| error)),
        }
    }

    /// Sends bytes that were prepared with [`Request::bytes`] on the kept connection.
    pub fn prepared(&self, bytes: &[u8]) -> Result<Answer> {
        let mut kept = self.connection.borrow_mut();
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.get_mut().write_all(bytes).context("cannot send")?;
        let answer = read(&mut connection, false)?;
        if !answer.closes() {
            *kept = Some(connection);
        }
        Ok(answer)
    }

    fn reach(&self) -> std::io::Result<TcpStream> {
        let limit = Duration::from_secs(5);
        let Some(from) = self.from else {
            return TcpStream::connect_timeout(&self.address, limit);
        };
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, Some(Protocol::TCP))?;
        socket.bind(&SocketAddr::new(from, 0).into())?;
        socket.connect_timeout(&self.address.into(), limit)?;
        Ok(socket.into())
    }

    fn connect(&self) -> Result<BufReader<TcpStream>> {
        let stream = self.reach().with_context(|| format!("cannot connect to {}", self.address))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(BufReader::new(stream))
    }
}

impl Request<'_> {
    /// Adds a header; its value may be any bytes.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// A body of JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// A body of any kind.
    #[must_use]
    pub fn body(self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut with = self.header("Content-Type", kind);
        with.body = body.into();
        with
    }

    /// The request as it goes over the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            bytes.extend_from_slice(format!("Host: {}\r\n", self.client.address).as_bytes());
        }
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if !self.body.is_empty() || !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "DELETE") {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it. A kept connection that the server has closed meanwhile is replaced once.
    pub fn send(&self) -> Result<Answer> {
        let bytes = self.bytes();
        let is_head = self.method == "HEAD";
        let mut kept = self.client.connection.borrow_mut();
        if let Some(mut connection) = kept.take()
            && is_open(&connection)
            && connection.get_mut().write_all(&bytes).is_ok()
        {
            let answer = read(&mut connection, is_head).with_context(|| self.line())?;
            if !answer.closes() {
                *kept = Some(connection);
            }
            return Ok(answer);
        }
        let mut connection = self.client.connect()?;
        let written = connection.get_mut().write_all(&bytes);
        match read(&mut connection, is_head) {
            Ok(answer) => {
                if written.is_ok() && !answer.closes() {
                    *kept = Some(connection);
                }
                Ok(answer)
            }
            Err(error) => {
                Err(written.map_or_else(anyhow::Error::from, |()| error)).with_context(|| self.line())
            }
        }
    }

    fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Answer {
    /// A header's value as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} is not JSON: {}", self.status, self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn closes(&self) -> bool {
        let has_end = find(&self.headers, "content-length").is_some()
            || find(&self.headers, "transfer-encoding").is_some();
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
            || !(has_end || matches!(self.status, 204 | 304))
    }
}

/// Whether the server has left a kept connection open. It has nothing to say unasked, so anything to read is its end.
fn is_open(connection: &BufReader<TcpStream>) -> bool {
    let stream = connection.get_ref();
    if !connection.buffer().is_empty() || stream.set_nonblocking(true).is_err() {
        return false;
    }
    let silent = stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).is_ok() && silent
}

fn read(connection: &mut BufReader<TcpStream>, bodiless: bool) -> Result<Answer> {
    loop {
        let (status, message) = read_one(connection, bodiless)?;
        // 1xx only announces the answer.
        if status >= 200 {
            return Ok(Answer { status, headers: message.headers, body: message.body });
        }
    }
}

fn read_one(connection: &mut BufReader<TcpStream>, bodiless: bool) -> Result<(u16, Message)> {
    // The status decides whether there is a body, so the first line is looked at before the message is read.
    let seen = connection.fill_buf().context("no answer")?;
    if seen.is_empty() {
        bail!("the server closed the connection without an answer");
    }
    let start = seen.get(9..12).map(<[u8]>::to_vec);
    let silent = matches!(start.as_deref(), Some(b"204" | b"304" | [b'1', ..]));
    let message = Message::read(connection, Side::Client, bodiless || silent)?.context("no answer")?;
    let status = message.first.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.with_context(|| format!("{:?} is no answer", message.first))?, message))
}
