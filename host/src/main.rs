//! The program `signalbox`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Parser as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::Level;

use host::app::{App, Options};
use host::cli::{Cli, Command, Compile, KeysCommand, Place, Up};
use host::failure::{Failure, Outcome};
use host::manifest::Manifest;
use host::state::{StateDir, address, first, secrets};
use host::watch::Watch;
use host::{doctor, handler, keys, letters, log, serve, trail};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(up) => {
            log::start(up.log_format, if up.quiet { Level::WARN } else { Level::INFO });
            let result = start(&up);
            log::flush();
            result
        }
        Command::Compile(wanted) => {
            log::start(log::Format::default(), Level::INFO);
            let result = compile(wanted);
            log::flush();
            result
        }
        Command::Migrate(place) => migrate(&place),
        Command::Doctor(place) => return examine(&place),
        Command::Keys(KeysCommand::List(wanted)) => keys::list(&wanted),
        Command::Keys(KeysCommand::Rotate(wanted)) => keys::rotate(&wanted),
        Command::Letters(wanted) => letters::letters(&wanted).map(|said| println!("{said}")),
        Command::Compact(place) => compact(&place),
        Command::Audit(command) => return trail::run(&command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("signalbox: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn compile(wanted: Compile) -> Outcome<()> {
    let Compile { from, state, cache } = wanted;
    let done = App::compile(&from, &Options { state, cache, ..Options::default() })?;
    println!("{} components are ready, {} of them compiled now", done.all, done.now);
    Ok(())
}

fn migrate(place: &Place) -> Outcome<()> {
    let said = doctor::migrate(&doctor::database(&place.state, &place.config()?))?;
    println!("{said}");
    Ok(())
}

fn compact(place: &Place) -> Outcome<()> {
    let said = host::compact::compact(&doctor::database(&place.state, &place.config()?))?;
    println!("{said}");
    Ok(())
}

/// Prints a line per check; fails if one does.
fn examine(place: &Place) -> ExitCode {
    let config = match place.config() {
        Ok(config) => config,
        Err(failure) => {
            eprintln!("signalbox: {failure}");
            return ExitCode::FAILURE;
        }
    };
    let findings = doctor::examine(&place.from, &place.state, &config);
    for finding in &findings {
        match &finding.said {
            Ok(said) => println!("ok    {}: {said}", finding.what),
            Err(said) => println!("FAIL  {}: {said}", finding.what),
        }
    }
    if findings.iter().all(|finding| finding.said.is_ok()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn start(up: &Up) -> Outcome<()> {
    // More workers than processors: one of them may be waiting for the disk.
    let workers = std::thread::available_parallelism()
        .map_or(4, |processors| processors.get().saturating_mul(2).max(4));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().map_err(
            |e| {
                Failure::new(
                    format!("The host cannot start its threads: {e}."),
                    "Nothing can run.",
                    "Check the limits of this user (ulimit -u).",
                )
            },
        )?;
    let result = runtime.block_on(serve_until_told(up));
    runtime.shutdown_background();
    result
}

async fn serve_until_told(up: &Up) -> Outcome<()> {
    let mut options = up.options()?;
    // Any Spin application can be served; what follows is for this one.
    let is_signalbox = Manifest::read(&up.from)?.has_route(first::ROUTE);
    let state = up.state.as_deref().map(StateDir::open).transpose()?;
    let mut from_file = BTreeSet::new();
    if let Some(state) = &state {
        options.state = Some(state.path().to_owned());
        // A newer or changed schema is refused here, before anything is served.
        if is_signalbox {
            let database = doctor::database(state.path(), &options.runtime_config);
            tracing::info!("{}: {}", database.display(), doctor::migrate(&database)?);
            for (name, value) in secrets::of(state.path())? {
                if options.suggest(&name, value) {
                    from_file.insert(name);
                }
            }
        }
    }
    let signals = |e: std::io::Error| {
        Failure::new(format!("Signals cannot be handled: {e}."), "The host could not stop cleanly.", "")
    };
    let mut term = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let taken = |e: std::io::Error| {
        Failure::new(
            format!("{} cannot be listened on: {e}.", up.listen),
            "Another program uses the port, or the address is not this machine's.",
            "Stop the other program, or choose another address by --listen 127.0.0.1:3001; port 0 takes a free one.",
        )
    };
    let listener = TcpListener::bind(up.listen).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let base_url = format!("http://{address}");
    if is_signalbox {
        options.suggest("public_url", base_url.clone());
        options.suggest("allow_private_outbound", up.allow_private_outbound.to_string());
    }
    let internal_token = options.value("internal_token");
    let values = options.variables.clone();
    let app = App::load(&up.from, options)?;
    let stop = CancellationToken::new();
    if let Some(state) = state.as_ref().filter(|_| is_signalbox) {
        first::set_up(&app, state.path(), &base_url, &internal_token).await?;
        address::tell(state.path(), &base_url)?;
        let watch = Watch { state: state.path().to_owned(), values, names: from_file };
        tokio::spawn(watch.run(Arc::clone(&app), stop.clone()));
    }
    let mut stdout = std::io::stdout().lock();
    let _closed = writeln!(stdout, "Signalbox is listening on {base_url}").and_then(|()| stdout.flush());
    drop(stdout);
    let told = async {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    serve::run(app, listener, told).await;
    stop.cancel();
    handler::OVER.store(true, Ordering::Relaxed);
    drop(state);
    Ok(())
}
