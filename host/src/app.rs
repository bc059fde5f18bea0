//! How does a manifest become an application that answers requests?
//!
//! [`App::load`] reads the manifest, decides what each component may do, loads all components, compiling those that
//! were not compiled before, and connects triggers to them. [`App::answer`] takes one request to the component that its path names.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Full};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler, TrapOrPanicError};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::bindings::SpinCronPre;
use crate::cache::{Cache, Made};
use crate::cron::{self, Scheduled};
use crate::failure::{Failure, Outcome};
use crate::grant;
use crate::guest;
use crate::handler::{Instances, Reuse};
use crate::headers;
use crate::manifest::{Manifest, Route};
use crate::outbound::{Application, Inside, Pending};
use crate::route::{Match, Router};
use crate::runtime_config::RuntimeConfig;
use crate::variables::Variables;

/// Paths below this belong to the host.
const WELL_KNOWN: &str = "/.well-known/spin/";
/// The client address of a call from another component, as Spin has it.
const CHAINED: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// What the operator decides.
#[derive(Debug, Default)]
pub struct Options {
    /// The state directory; without one, databases live in memory.
    pub state: Option<PathBuf>,
    /// The runtime configuration.
    pub runtime_config: RuntimeConfig,
    /// Values of variables, which win over the environment.
    pub variables: BTreeMap<String, String>,
    /// Whether components may reach private addresses.
    pub allow_private_outbound: bool,
    /// How instances are used again.
    pub reuse: Reuse,
    /// A file with an offset of the wall clock; for tests.
    pub test_clock: Option<PathBuf>,
    /// Where compiled components are kept; by default `target/signalbox-cache` beside the manifest if there is a
    /// `target`, else `cache` in the state directory.
    pub cache: Option<PathBuf>,
}

impl Options {
    /// A variable's value, unless the operator gave one on the command line or in the environment; tells whether it was
    /// taken.
    pub fn suggest(&mut self, name: &str, value: String) -> bool {
        let free = from_environment(name).is_none() && !self.variables.contains_key(name);
        if free {
            self.variables.insert(name.to_owned(), value);
        }
        free
    }

    /// The value that a variable will have, if the operator or the state directory gave one.
    pub fn value(&self, name: &str) -> String {
        self.variables.get(name).cloned().or_else(|| from_environment(name)).unwrap_or_default()
    }
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase())).ok()
}

/// What [`App::compile`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compiled {
    /// How many components there are, all of them ready.
    pub all: usize,
    /// How many of them were compiled just now.
    pub now: usize,
}

/// An application that is ready to answer.
pub struct App {
    name: String,
    version: String,
    router: Router,
    components: HashMap<String, ProxyHandler<Instances>>,
    schedules: Vec<Scheduled>,
    manifest: Manifest,
    variables: Arc<Variables>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("name", &self.name).field("router", &self.router).finish_non_exhaustive()
    }
}

impl App {
    /// Loads the application whose manifest is at this path.
    ///
    /// # Errors
    /// If the manifest or its configuration is refused, or a component cannot be loaded.
    pub fn load(path: &Path, options: Options) -> Outcome<Arc<Self>> {
        let manifest = Manifest::read(path)?;
        let directory = directory(path);
        let routes = manifest.trigger.http.iter().filter_map(|trigger| match &trigger.route {
            Route::Public(route) => Some((route.as_str(), trigger.component.as_str())),
            Route::Private(_) => None,
        });
        let router = Router::new(routes)?;
        for (route, component) in router.iter().filter(|(route, _)| route.starts_with(WELL_KNOWN)) {
            tracing::warn!(
                route,
                component,
                "This route is never reached: the host answers below {WELL_KNOWN} itself"
            );
        }
        let application: Application = Arc::new(OnceLock::new());
        let variables = Arc::new(resolve(&manifest, &options.variables)?);
        let capabilities = grant::capabilities(&manifest, &options, &variables, &application)?;
        let engine = crate::engine::engine()?;
        let loaded = load(&engine, &manifest, directory, &cache(directory, &options))?;
        let mut app = Self {
            name: manifest.application.name.clone(),
            version: manifest.application.version.clone(),
            router,
            components: HashMap::new(),
            schedules: Vec::new(),
            manifest,
            variables,
        };
        let linker = guest::linker(&engine).map_err(|e| unlinked("any", &e))?;
        for Loaded { id, component, .. } in loaded {
            let Some(capabilities) = capabilities.get(&id).cloned() else { continue };
            let pre = linker.instantiate_pre(&component).map_err(|e| unlinked(&id, &e))?;
            if app.manifest.trigger.http.iter().any(|trigger| trigger.component == id) {
                let pre = ServicePre::new(pre.clone()).map_err(|e| unlinked(&id, &e))?;
                let (engine, capabilities) = (engine.clone(), Arc::clone(&capabilities));
                let instances = Instances { pre, engine, capabilities, reuse: options.reuse };
                app.components.insert(id.clone(), ProxyHandler::new(instances));
            }
            for trigger in app.manifest.trigger.cron.iter().filter(|trigger| trigger.component == id) {
                let pre = SpinCronPre::new(pre.clone()).map_err(|e| unlinked(&id, &e))?;
                app.schedules.push(Scheduled {
                    pre,
                    engine: engine.clone(),
                    capabilities: Arc::clone(&capabilities),
                    schedule: cron::parse(&trigger.cron_expression)?,
                });
            }
        }
        let app = Arc::new(app);
        let weak: Weak<Self> = Arc::downgrade(&app);
        let _first = application.set(weak);
        Ok(app)
    }

    /// Compiles the components of the application whose manifest is at this path, as far as they are not compiled yet: a start
    /// with the same cache then finds them.
    ///
    /// # Errors
    /// If the manifest is refused, a component cannot be loaded, or one that was compiled cannot be kept.
    pub fn compile(path: &Path, options: &Options) -> Outcome<Compiled> {
        let manifest = Manifest::read(path)?;
        let directory = directory(path);
        let engine = crate::engine::engine()?;
        let unkept = |why: &str| {
            Failure::new(
                format!("Compiled components cannot be kept: {why}."),
                "Each start would compile them anew.",
                "Give the cache a directory that belongs to this user alone (--cache DIR), with room for some 300 MB.",
            )
        };
        let cache = cache(directory, options);
        cache.usable().map_err(unkept)?;
        let loaded = load(&engine, &manifest, directory, &cache)?;
        for one in &loaded {
            if let Made::InVain(why) = &one.made {
                return Err(unkept(why));
            }
        }
        let now = loaded.iter().filter(|one| one.made == Made::Now).count();
        Ok(Compiled { all: loaded.len(), now })
    }

    /// Gives all components other values of their variables; they see them the next time that they ask. Where components
    /// may send requests stays as it was at the start.
    ///
    /// # Errors
    /// If a required variable has no value; then everything stays as it is.
    pub fn set_variables(&self, values: &BTreeMap<String, String>) -> Outcome<()> {
        self.variables.replace(resolve(&self.manifest, values)?);
        Ok(())
    }

    /// The schedules of the cron trigger.
    pub fn schedules(&self) -> &[Scheduled] {
        &self.schedules
    }

    /// Routes and their components, in the order in which they are tried.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.router.iter()
    }

    /// Answers a request of a client; the text is the component that answered, if any did.
    pub async fn answer(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> (Response<WasiBody>, Option<String>) {
        headers::strip(request.headers_mut());
        if let Some(word) = request.uri().path().strip_prefix(WELL_KNOWN) {
            return (self.well_known(word), None);
        }
        let Some(found) = self.router.find(request.uri().path()) else {
            return (empty(StatusCode::NOT_FOUND), None);
        };
        if !complete_uri(&mut request) {
            return (empty(StatusCode::BAD_REQUEST), None);
        }
        let response = match self.components.get(&found.component) {
            Some(handler) => call(handler, request, &found, client).await,
            None => empty(StatusCode::NOT_FOUND),
        };
        (response, Some(found.component))
    }

    fn well_known(&self, word: &str) -> Response<WasiBody> {
        match word {
            "health" => Response::new(full("OK")),
            "info" => {
                let mut info = serde_json::Map::new();
                info.insert("name".into(), self.name.clone().into());
                if !self.version.is_empty() {
                    info.insert("version".into(), self.version.clone().into());
                }
                let body = serde_json::to_string_pretty(&info).unwrap_or_default();
                let mut response = Response::new(full(body));
                let json = http::HeaderValue::from_static("application/json");
                response.headers_mut().insert(http::header::CONTENT_TYPE, json);
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}

impl Inside for App {
    fn component(self: Arc<Self>, id: &str, mut request: Request<WasiBody>) -> Option<Pending> {
        let handler = self.components.get(id)?.clone();
        let found = Match::chained(id, request.uri().path());
        headers::strip(request.headers_mut());
        Some(Box::pin(async move { Ok(call(&handler, request, &found, CHAINED).await) }))
    }

    fn itself(self: Arc<Self>, mut request: Request<WasiBody>) -> Pending {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let Ok(uri) = path.parse() else { return Box::pin(ready(Err(Error::HttpRequestUriInvalid))) };
        *request.uri_mut() = uri;
        let host = http::HeaderValue::from_static("localhost");
        request.headers_mut().insert(http::header::HOST, host);
        Box::pin(async move { Ok(self.answer(request, CHAINED).await.0) })
    }
}

async fn call(
    handler: &ProxyHandler<Instances>,
    mut request: Request<WasiBody>,
    found: &Match,
    client: SocketAddr,
) -> Response<WasiBody> {
    let uri = request.uri().clone();
    headers::append(request.headers_mut(), &uri, found, client);
    let begun = Instant::now();
    let error = match handler.handle((), request).await {
        Ok(response) => return response,
        Err(error) => error,
    };
    let component = found.component.as_str();
    // An instance that never gave way is ended whole, which looks like a trap.
    let late = handler.state().reuse.request_timeout.is_some_and(|patience| begun.elapsed() >= patience);
    let status = if error.is::<ExpirationError>() || (late && error.is::<TrapOrPanicError>()) {
        StatusCode::GATEWAY_TIMEOUT
    } else if error.is::<InstantiationError<()>>() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    tracing::error!(component, status = status.as_u16(), error = %error.root_cause(), "A component did not answer");
    empty(status)
}

/// Gives the URI the scheme and authority that a component expects; false if the request does not name one host.
fn complete_uri(request: &mut Request<WasiBody>) -> bool {
    let header = request.headers().get(http::header::HOST);
    let named = header.map(|host| http::uri::Authority::try_from(host.as_bytes()));
    let mut parts = request.uri().clone().into_parts();
    let authority = match (named, parts.authority.take()) {
        (Some(Err(_)), _) | (None, None) => return false,
        (Some(Ok(named)), Some(own)) if named != own => return false,
        (Some(Ok(authority)), _) | (None, Some(authority)) => authority,
    };
    parts.authority = Some(authority);
    parts.scheme = Some(http::uri::Scheme::HTTP);
    match Uri::from_parts(parts) {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return false,
    }
    true
}

pub(crate) fn full(text: impl Into<bytes::Bytes>) -> WasiBody {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn resolve(manifest: &Manifest, values: &BTreeMap<String, String>) -> Outcome<Variables> {
    Variables::resolve(manifest, values, |name| std::env::var(name).ok())
}

/// The directory that paths in the manifest begin at.
fn directory(manifest: &Path) -> &Path {
    manifest.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn cache(directory: &Path, options: &Options) -> Cache {
    let beside = directory.join("target");
    let chosen = match (&options.cache, &options.state) {
        (Some(cache), _) => cache.clone(),
        (None, Some(state)) if !beside.is_dir() => state.join("cache"),
        (None, _) => beside.join("signalbox-cache"),
    };
    Cache::new(&chosen)
}

/// A component that can run.
struct Loaded {
    id: String,
    component: Component,
    made: Made,
}

/// Loads all components, each on a thread of its own; those that are to be compiled wait for each other.
fn load(engine: &Engine, manifest: &Manifest, directory: &Path, cache: &Cache) -> Outcome<Vec<Loaded>> {
    let one = |id: &String, source: &Path| -> Outcome<Loaded> {
        let (component, made) = cache.load(engine, id, &directory.join(source))?;
        Ok(Loaded { id: id.clone(), component, made })
    };
    std::thread::scope(|scope| {
        let started: Vec<_> =
            manifest.component.iter().map(|(id, c)| scope.spawn(move || one(id, &c.source))).collect();
        let lost = || {
            Failure::new(
                "A thread that loads components ended early.",
                "This is a mistake in the host.",
                "Start again, and report it.",
            )
        };
        started.into_iter().map(|thread| thread.join().map_err(|_| lost())?).collect()
    })
}

fn unlinked(id: &str, error: &wasmtime::Error) -> Failure {
    Failure::new(
        format!("The component '{id}' does not fit this host: {error:#}."),
        "It imports or exports an interface in a version that the host does not have.",
        "HTTP components need spin-sdk 7 (wasi:http/handler@0.3.0); cron components export fermyon:spin-cron@2.0.0.",
    )
}
