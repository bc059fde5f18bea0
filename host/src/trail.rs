//! Does an exported audit hold, and how is one fetched? `signalbox audit verify` needs nothing but the file;
//! `signalbox audit export` follows the pages of a running installation.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use audit::{Expected, FileVerifier, Hash, Line, Sound};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Full};

use crate::cli::{AuditCommand, Export, Verify};
use crate::failure::{Failure, Outcome};
use crate::outbound::{Blocked, Client};

/// The chain does not hold.
const BROKEN: u8 = 1;
/// Whether it holds could not be found out.
const UNKNOWN: u8 = 2;

/// How a verification ended that did not find the file sound.
#[derive(Debug)]
pub enum Unsound {
    /// The chain does not hold at this line, counted from 1.
    Broken(usize, String),
    /// The file cannot be read.
    Unread(String),
}

/// Does what was asked for.
pub fn run(command: &AuditCommand) -> ExitCode {
    match command {
        AuditCommand::Verify(wish) => match verify(&wish.file, expected(wish)) {
            Ok(sound) => {
                println!("{}", told(wish, &sound));
                ExitCode::SUCCESS
            }
            Err(Unsound::Broken(line, what)) => {
                eprintln!("{}:{line}: {what}.", wish.file.display());
                ExitCode::from(BROKEN)
            }
            Err(Unsound::Unread(what)) => {
                eprintln!("signalbox: {} cannot be read: {what}.", wish.file.display());
                ExitCode::from(UNKNOWN)
            }
        },
        AuditCommand::Export(wish) => match export(wish) {
            Ok(said) => {
                eprintln!("{said}");
                ExitCode::SUCCESS
            }
            Err(failure) => {
                eprintln!("signalbox: {failure}");
                ExitCode::from(UNKNOWN)
            }
        },
    }
}

fn expected(wish: &Verify) -> Expected {
    Expected { head: wish.head, after: wish.after }
}

fn told(wish: &Verify, sound: &Sound) -> String {
    let whose = sound.tenant.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let first = sound.last.sequence.saturating_sub(sound.rows).saturating_add(1);
    let what = format!(
        "{} holds: {} rows of {whose}, {first} to {}; the last hash is {}",
        wish.file.display(),
        sound.rows,
        sound.last.sequence,
        sound.last.hash
    );
    match &sound.head {
        Some(head) if head.sequence == sound.last.sequence => format!("{what}, as was to be"),
        Some(head) => format!("{what}; the head that was named is row {}", head.sequence),
        None => format!(
            "{what}\nWhether rows are missing after it, only a hash tells that was kept elsewhere: --head HASH"
        ),
    }
}

/// Reads the file twice: what was erased or removed is said by rows that come later.
///
/// # Errors
/// [`Unsound`].
pub fn verify(file: &Path, expected: Expected) -> Result<Sound, Unsound> {
    let mut verifier = FileVerifier::new(expected);
    let mut last = 0;
    each_line(file, |_, line| {
        verifier.note(&line);
        Ok(())
    })?;
    each_line(file, |number, line| {
        last = number;
        verifier.look(&line).map_err(|fault| Unsound::Broken(number, fault.to_string()))
    })?;
    verifier.done().map_err(|fault| Unsound::Broken(last, fault.to_string()))
}

fn each_line(file: &Path, mut see: impl FnMut(usize, Line) -> Result<(), Unsound>) -> Result<(), Unsound> {
    let opened = File::open(file).map_err(|error| Unsound::Unread(error.to_string()))?;
    for (number, line) in (1..).zip(BufReader::new(opened).lines()) {
        let line = line.map_err(|error| Unsound::Unread(error.to_string()))?;
        let line = line
            .parse()
            .map_err(|fault| Unsound::Broken(number, format!("this is no line of an export: {fault}")))?;
        see(number, line)?;
    }
    Ok(())
}

/// Fetches all pages, one after the other, into the file or to the standard output.
fn export(wish: &Export) -> Outcome<String> {
    let trouble = |what: &str, why: String| {
        Failure::new(
            format!("The audit was not exported: {what}: {why}."),
            "What was written so far is not the whole.",
            "Correct it, then start again.",
        )
    };
    let key = match &wish.key_file {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| trouble(&file.display().to_string(), error.to_string()))?,
        None => std::env::var("SIGNALBOX_API_KEY")
            .map_err(|_| trouble("the key", "neither --key-file nor SIGNALBOX_API_KEY names one".into()))?,
    };
    let mut out: Box<dyn Write> = match &wish.out {
        Some(file) => Box::new(BufWriter::new(
            File::create(file).map_err(|error| trouble(&file.display().to_string(), error.to_string()))?,
        )),
        None => Box::new(std::io::stdout().lock()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| trouble("the runtime", error.to_string()))?;
    let origin = wish.url.trim_end_matches('/');
    let mut next = Some(first_page(wish));
    let mut pages = 0_usize;
    let open = Blocked::parse([]).map_err(|error| trouble("the network", error))?;
    let client = Client::new(open);
    while let Some(path) = next {
        let place = format!("{origin}{path}");
        let (body, link) =
            runtime.block_on(fetch(&client, &place, key.trim())).map_err(|why| trouble(&place, why))?;
        out.write_all(&body).map_err(|error| trouble("writing", error.to_string()))?;
        pages = pages.saturating_add(1);
        next = link;
    }
    out.flush().map_err(|error| trouble("writing", error.to_string()))?;
    Ok(format!("{pages} pages were written"))
}

fn first_page(wish: &Export) -> String {
    let mut path = format!("/api/v1/admin/audit/export?format={}", wish.format);
    for (name, value) in [("since", &wish.since), ("until", &wish.until)] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", value.replace('+', "%2B")));
        }
    }
    path
}

/// One page, and the path of the next.
async fn fetch(
    client: &std::sync::Arc<Client>,
    place: &str,
    key: &str,
) -> Result<(Bytes, Option<String>), String> {
    let uri: Uri = place.parse().map_err(|_| "this is no URL".to_owned())?;
    let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
    let request = Request::get(uri)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .body(body)
        .map_err(|error| error.to_string())?;
    let sent = std::sync::Arc::clone(client).fetch(request).await;
    let response = sent.map_err(|error| error.to_string())?;
    let status = response.status();
    let link = response.headers().get(header::LINK).and_then(|value| value.to_str().ok()).and_then(next_of);
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    if status.is_success() {
        return Ok((body, link));
    }
    let said: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let words = said.pointer("/error/message").and_then(serde_json::Value::as_str).unwrap_or_default();
    Err(format!("it answered {status}; {}", words.trim_end_matches('.')))
}

/// The target of `<…>; rel="next"` (RFC 8288), if it is a path.
fn next_of(link: &str) -> Option<String> {
    let (target, parameters) = link.strip_prefix('<')?.split_once('>')?;
    (parameters.contains("rel=\"next\"") && target.starts_with('/')).then(|| target.to_owned())
}

/// Reads a hash from the command line.
///
/// # Errors
/// What is wrong with it.
pub fn hash(text: &str) -> Result<Hash, String> {
    text.parse().map_err(str::to_owned)
}
