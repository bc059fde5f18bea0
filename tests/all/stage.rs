//! Where do the tests play? On a running Signalbox, shared while anybody holds it, and killed when the last one lets go.

use serde_json::{Value, json};
use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tempfile::NamedTempFile;
use tests::{Answer, Client, Signalbox, eventually};

/// How long something may take that should happen "within a second", on a machine that is busy compiling.
pub const SOON: Duration = Duration::from_secs(20);

/// The browser origin that the shared program knows.
pub const ORIGIN: &str = "https://app.example.com";

/// Our receivers live on this machine, which rules may not reach unless the operator says so.
pub const OPTIONS: &[&str] = &[
    "--allow-private-outbound",
    "--variable",
    "cors_origins=https://app.example.com",
    "--variable",
    "internal_token=the-operators-own-token-for-these-tests",
];

/// What the operator shows at `/internal/…`.
const INTERNAL_TOKEN: &str = "the-operators-own-token-for-these-tests";

/// A running program and the key of its first tenant.
pub struct Stage {
    /// The program.
    pub host: Signalbox,
    key: String,
    clock: Option<Clock>,
}

/// A client that keeps its stage running.
pub struct Held {
    client: Client,
    _stage: Arc<Stage>,
}

impl Deref for Held {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// The wall clock of a stage, which a test moves forward.
struct Clock {
    file: NamedTempFile,
    ahead: Mutex<u64>,
}

impl Stage {
    /// The one that most tests share.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Stage>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = shared.upgrade() {
            return stage;
        }
        let stage = Arc::new(Self::of(Signalbox::start(OPTIONS).unwrap(), None));
        *shared = Arc::downgrade(&stage);
        stage
    }

    /// A client of the shared one, with its key; the program runs as long as somebody holds such a client.
    pub fn shared_client() -> Held {
        let stage = Self::shared();
        Held { client: stage.client(), _stage: stage }
    }

    /// The same without a credential.
    pub fn shared_stranger() -> Held {
        let stage = Self::shared();
        Held { client: stage.host.client(), _stage: stage }
    }

    /// One of the test's own.
    pub fn own() -> Self {
        Self::of(Signalbox::start(OPTIONS).unwrap(), None)
    }

    /// One of the test's own, whose clock it can move.
    pub fn with_clock() -> Self {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), "0").unwrap();
        let path: PathBuf = file.path().to_owned();
        let mut options = OPTIONS.to_vec();
        options.extend(["--test-clock", path.to_str().unwrap()]);
        let host = Signalbox::start(&options).unwrap();
        Self::of(host, Some(Clock { file, ahead: Mutex::new(0) }))
    }

    /// One of the test's own, with these options besides.
    pub fn with_options(more: &[&str]) -> Self {
        let options: Vec<&str> = OPTIONS.iter().chain(more).copied().collect();
        Self::of(Signalbox::start(&options).unwrap(), None)
    }

    /// The same, whose clock the test can move.
    pub fn with_clock_and(more: &[&str]) -> Self {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), "0").unwrap();
        let path: PathBuf = file.path().to_owned();
        let clock = ["--test-clock", path.to_str().unwrap()];
        let options: Vec<&str> = OPTIONS.iter().chain(more).chain(&clock).copied().collect();
        let host = Signalbox::start(&options).unwrap();
        Self::of(host, Some(Clock { file, ahead: Mutex::new(0) }))
    }

    /// Kills the program, lets so much time pass, and starts it again on the state that it left.
    pub fn away_for(self, time: Duration) -> Self {
        self.pass(time);
        let Self { host, key, clock } = self;
        let state = host.kill();
        let mut options = OPTIONS.to_vec();
        let path = clock.as_ref().expect("only a stage with a clock can move it").file.path().to_owned();
        options.extend(["--test-clock", path.to_str().unwrap()]);
        Self { host: Signalbox::start_on(state, &options).unwrap(), key, clock }
    }

    /// What runs already.
    pub fn of_host(host: Signalbox) -> Self {
        Self::of(host, None)
    }

    fn of(host: Signalbox, clock: Option<Clock>) -> Self {
        let key = host.credentials().unwrap().api_key;
        Self { host, key, clock }
    }

    /// A client with the API key of the seeded tenant.
    pub fn client(&self) -> Client {
        self.host.client().with_bearer(&self.key)
    }

    /// A client of the owner, in a session.
    pub fn person(&self) -> Client {
        let owner = self.host.credentials().unwrap();
        let answer = login(&self.host.client(), &owner.email, &owner.password);
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.host.client().with_bearer(text(&answer.json().unwrap(), "access_token"))
    }

    /// The API key itself.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A second tenant: its slug, and a client with its owner's key.
    pub fn other_tenant(&self) -> (String, Client) {
        let slug = fresh("other");
        let body = json!({
            "tenant": slug, "name": "Other", "email": "owner@other.example", "password": "correct horse battery staple 9"
        });
        let made = post(&self.operator(), "/internal/setup", &body, 201);
        (slug, self.host.client().with_bearer(text(&made, "api_key")))
    }

    /// The operator, by the internal token.
    pub fn operator(&self) -> Client {
        self.host.client().with_bearer(INTERNAL_TOKEN)
    }

    /// Works off whatever is due now, as the operator's clock does.
    pub fn tick(&self) {
        let answer = self.operator().request("POST", "/internal/jobs/tick?seconds=5").send().unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Moves the wall clock of all components forward.
    pub fn pass(&self, time: Duration) {
        let clock = self.clock.as_ref().expect("only a stage with a clock can move it");
        let mut ahead = clock.ahead.lock().unwrap();
        *ahead += u64::try_from(time.as_millis()).unwrap();
        // Renamed into place: a component that looks meanwhile sees the old time or the new one, never an empty file.
        let next = clock.file.path().with_extension("next");
        fs::write(&next, ahead.to_string()).unwrap();
        fs::rename(&next, clock.file.path()).unwrap();
    }
}

/// A name that nobody else uses in this run.
pub fn fresh(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A rule on a trigger that its values alone decide: `opportunity_id` must equal `only`.
pub fn rule_for(only: &str, actions: &Value) -> Value {
    json!({
        "name": format!("Rule of {only}"),
        "description": "A rule of one test",
        "module_type": "sales",
        "trigger_id": "opportunity_created",
        "conditions": [{"type": "equals", "field": "opportunity_id", "value": only}],
        "actions": actions,
    })
}

/// The action that tells `recipient`.
pub fn tell(recipient: &str, message: &str) -> Value {
    json!({"type": "send_notification", "parameters": {"recipient": recipient, "message": message}})
}

/// The same, by a channel.
pub fn tell_by(channel: &str, recipient: &str, message: &str) -> Value {
    json!({"type": "send_notification", "parameters": {"recipient": recipient, "message": message, "channel": channel}})
}

/// The event that such a rule waits for.
pub fn event_for(only: &str, name: &str) -> Value {
    json!({"event": "opportunity_created", "data": {"opportunity_id": only, "opportunity_name": name}})
}

/// Posts and gives the body of the answer, which must have this status.
pub fn post(client: &Client, path: &str, body: &Value, status: u16) -> Value {
    let answer = client.post(path, body).unwrap();
    assert_eq!(answer.status, status, "POST {path} {body}: {}", answer.text());
    answer.json().unwrap()
}

/// Gets and gives the body of the answer, which must be 200.
pub fn get(client: &Client, path: &str) -> Value {
    let answer = client.get(path).unwrap();
    assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
    answer.json().unwrap()
}

/// The text at `name`; empty if it is no text.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The id of a resource.
pub fn id(value: &Value) -> String {
    let id = text(value, "id");
    assert!(!id.is_empty(), "has no id: {value}");
    id.to_owned()
}

/// The entries of a list.
pub fn data(list: &Value) -> &Vec<Value> {
    list["data"].as_array().unwrap_or_else(|| panic!("is no list: {list}"))
}

/// The messages in the inbox of `recipient`, as the owner of the tenant sees them.
pub fn inbox(client: &Client, recipient: &str) -> Vec<Value> {
    let list = get(client, &format!("/api/v1/notifications/messages?recipient={recipient}&limit=200"));
    data(&list).clone()
}

/// Waits for a message with this text to `recipient`.
pub fn message(client: &Client, recipient: &str, body: &str) -> Value {
    let found = eventually(SOON, || {
        inbox(client, recipient).into_iter().find(|message| message.to_string().contains(body))
    });
    found.unwrap_or_else(|| panic!("no message {body:?} for {recipient}: {:?}", inbox(client, recipient)))
}

/// Looks at a job.
pub fn look(client: &Client, id: &str) -> Value {
    get(client, &format!("/api/v1/jobs/{id}"))["job"].clone()
}

/// Waits until the job has come to this state.
pub fn job(client: &Client, id: &str, state: &str) -> Value {
    eventually(SOON, || Some(look(client, id)).filter(|job| text(job, "state") == state))
        .unwrap_or_else(|| panic!("job {id} has not become {state}: {}", look(client, id)))
}

/// Waits for the job that carries a message of this event to a channel.
pub fn delivering_job(client: &Client, accepted: &Value) -> String {
    let path = format!("/api/v1/jobs?event_id={}&kind=deliver_message", id(accepted));
    let found = eventually(SOON, || data(&get(client, &path)).first().map(id));
    found.unwrap_or_else(|| {
        panic!("no delivery was planned: {}", get(client, &format!("/api/v1/jobs?event_id={}", id(accepted))))
    })
}

/// The first job of an event that was accepted.
pub fn first_job(accepted: &Value) -> String {
    accepted["jobs"][0].as_str().unwrap_or_else(|| panic!("has no job: {accepted}")).to_owned()
}

/// Logs in.
pub fn login(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/auth/login", &json!({"email": email, "password": password})).unwrap()
}

/// Makes a user of the tenant that `admin` manages, who chose this password by a link that was handed over; gives the
/// answer to that, which is the one of a login.
pub fn join(admin: &Client, email: &str, name: &str, password: &str, roles: &[&str]) -> Value {
    let wish = json!({"email": email, "name": name, "role_ids": roles, "send": "link"});
    let invited = post(admin, "/api/v1/admin/invitations", &wish, 201);
    let token = token_of(text(&invited, "link"));
    let said = json!({"token": token, "name": name, "password": password});
    post(&elsewhere(&admin.anonymous()), "/api/v1/auth/invitations/accept", &said, 200)
}

/// The token of a link.
pub fn token_of(link: &str) -> String {
    let (_, token) = link.split_once("#token=").unwrap_or_else(|| panic!("is no link: {link}"));
    token.split_whitespace().next().unwrap_or_default().to_owned()
}

/// The same client from an address of this machine that nobody else has: nobody shares a quota with it.
pub fn elsewhere(client: &Client) -> Client {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let [_, _, high, low] = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    client.from_address(IpAddr::V4(Ipv4Addr::new(127, 77, high, low)))
}
