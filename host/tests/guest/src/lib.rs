//! A component that does what the host's tests ask for: each path is one question about the host.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use spin_sdk::http::{EmptyBody, IntoResponse, Request, Response, StatusCode};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// What the clock has said: a timestamp and whether its token came along.
static TICKS: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let path = request.headers().get("spin-path-info").and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let query = request.uri().query().unwrap_or("").to_owned();
    let (status, text) = match path.as_str() {
        "/count" => (200, (COUNT.fetch_add(1, Ordering::Relaxed) + 1).to_string()),
        "/panic" => panic!("asked to"),
        "/headers" => (200, headers(&request)),
        "/sql" => (200, sql(&body(request).await).await),
        "/unfinished" => (200, unfinished().await),
        "/fetch" => fetch(&body(request).await).await,
        "/variable" => (200, format!("{:?}", spin_sdk::variables::get(&query).await)),
        "/pairs" => (200, pairs().await),
        "/say" => {
            println!("{}", body(request).await);
            (200, String::new())
        }
        "/now" => (200, now()),
        "/sleep" => {
            let url = format!("http://other.spin.internal/spin?{query}");
            fetch(&url).await
        }
        "/spin" => (200, spin(query.parse().unwrap_or(0))),
        "/select" => (200, select(query.parse().unwrap_or(1)).await),
        "/insert" => (200, insert().await),
        "/tick" => (200, tick(&request)),
        "/ticks" => (200, TICKS.lock().unwrap().join(",")),
        "/length" => (200, body(request).await.len().to_string()),
        _ => (404, String::from("the probe does not know this path")),
    };
    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(text).unwrap()
}

async fn body(request: Request) -> String {
    use spin_sdk::http::body::IncomingBodyExt;
    String::from_utf8_lossy(&request.into_body().bytes().await.unwrap()).into_owned()
}

fn headers(request: &Request) -> String {
    let mut text = String::new();
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    text
}

/// Runs each line on one connection; one line of answer each.
async fn sql(script: &str) -> String {
    let connection = match Connection::open_default().await {
        Ok(connection) => connection,
        Err(error) => return format!("open: {error:?}"),
    };
    let mut text = String::new();
    for line in script.lines() {
        let answer = match connection.execute(line, []).await {
            Err(error) => format!("call: {error:?}"),
            Ok(result) => match result.collect().await {
                Err(error) => format!("result: {error:?}"),
                Ok(rows) => rows.iter().map(|row| format!("{:?}", row.values)).collect::<Vec<_>>().join(" "),
            },
        };
        text.push_str(&answer);
        text.push('\n');
    }
    text
}

thread_local! {
    static KEPT: std::cell::RefCell<Vec<Connection>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// One durable row, on a connection that is kept.
async fn insert() -> String {
    let connection = match KEPT.take_one() {
        Some(connection) => connection,
        None => Connection::open_default().await.unwrap(),
    };
    for line in ["BEGIN IMMEDIATE", "INSERT INTO t (v) VALUES ('x')", "COMMIT"] {
        connection.execute(line, []).await.unwrap().collect().await.unwrap();
    }
    KEPT.with_borrow_mut(|kept| kept.push(connection));
    String::from("stored")
}

trait TakeOne {
    fn take_one(&'static self) -> Option<Connection>;
}

impl TakeOne for std::thread::LocalKey<std::cell::RefCell<Vec<Connection>>> {
    fn take_one(&'static self) -> Option<Connection> {
        self.with_borrow_mut(Vec::pop)
    }
}

/// Leaves a transaction open and lets the connection go.
async fn unfinished() -> String {
    let connection = Connection::open_default().await.unwrap();
    for line in ["BEGIN IMMEDIATE", "INSERT INTO t (v) VALUES ('lost')"] {
        connection.execute(line, []).await.unwrap().collect().await.unwrap();
    }
    drop(connection);
    String::from("dropped")
}

async fn fetch(url: &str) -> (u16, String) {
    let request = spin_sdk::http::Request::get(url).body(EmptyBody::new()).unwrap();
    match spin_sdk::http::send(request).await {
        Ok(response) => {
            use spin_sdk::http::body::IncomingBodyExt;
            let status = response.status().as_u16();
            (200, format!("{status} {}", String::from_utf8_lossy(&response.into_body().bytes().await.unwrap())))
        }
        Err(error) => (200, format!("error {error:?}")),
    }
}

async fn pairs() -> String {
    let store = Store::open("default").await.unwrap();
    store.set("a", b"1").await.unwrap();
    store.set("b", b"2").await.unwrap();
    store.delete("b").await.unwrap();
    let other = Store::open("forbidden").await.err();
    format!("{:?} {:?} {:?} {other:?}", store.get("a").await, store.exists("b").await, store.get_keys().await.collect().await)
}

fn tick(request: &Request) -> String {
    let known = request.headers().get("authorization").is_some_and(|value| value == "Bearer let-me-in");
    let tick = format!("{} {known}", request.uri().query().unwrap_or(""));
    println!("{}", format!(r#"{{"message":"tick","tick":"{tick}"}}"#));
    TICKS.lock().unwrap().push(tick);
    String::new()
}

fn now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_millis().to_string()
}

fn spin(milliseconds: u64) -> String {
    let begun = Instant::now();
    while begun.elapsed().as_millis() < u128::from(milliseconds) {}
    String::from("spun")
}

/// How long one statement takes, seen from here, in nanoseconds.
async fn select(times: u32) -> String {
    let connection = Connection::open_default().await.unwrap();
    let mut text = String::new();
    for round in 0..3 {
        let begun = Instant::now();
        for _ in 0..times {
            let rows = connection.execute("SELECT 1", []).await.unwrap().collect().await.unwrap();
            assert!(matches!(rows[0].values[0], Value::Integer(1)));
        }
        text = format!("round {round}: {} ns", begun.elapsed().as_nanos() / u128::from(times));
    }
    text
}
