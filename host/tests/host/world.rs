//! A running host with the probe components, made from a fragment of a manifest.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

/// A running host; it is killed when dropped.
pub(crate) struct World {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) log: Arc<Mutex<String>>,
    pub(crate) directory: PathBuf,
}

/// An answer of the host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// The wasm file of a probe, built when it is missing or older than its source.
pub(crate) fn probe(name: &'static str, directory: &str) -> PathBuf {
    static BUILT: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(directory);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../guest");
    let mut built = BUILT.lock().unwrap();
    if !built.contains(&name) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"])
            .current_dir(source)
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS")
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "the probe {name} does not build; rustup target add wasm32-wasip2"
        );
        built.push(name);
    }
    target.join("wasm32-wasip2/release").join(format!("{name}.wasm")).canonicalize().unwrap()
}

/// An empty directory.
pub(crate) fn fresh(name: &str) -> PathBuf {
    static NUMBER: OnceLock<Mutex<u32>> = OnceLock::new();
    let mut number = NUMBER.get_or_init(Mutex::default).lock().unwrap();
    *number += 1;
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}-{number}", std::process::id()));
    let _none = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// The manifest of most tests: the probe as `probe` at `/` and as `other` for calls inside, and these further lines.
pub(crate) fn manifest(allowed: &str, more: &str) -> String {
    let wasm = probe("probe", "guest");
    let wasm = wasm.display();
    format!(
        "spin_manifest_version = 2\n[application]\nname = \"probes\"\nversion = \"1.2.3\"\n\
         [[trigger.http]]\ncomponent = \"probe\"\nroute = \"/...\"\n\
         [[trigger.http]]\ncomponent = \"other\"\nroute = {{ private = true }}\n\
         [component.probe]\nsource = \"{wasm}\"\nsqlite_databases = [\"default\"]\nkey_value_stores = [\"default\"]\n\
         allowed_outbound_hosts = {allowed}\n\
         [component.other]\nsource = \"{wasm}\"\n{more}\n"
    )
}

impl World {
    /// Starts the host with this manifest and these further arguments, and waits for its ready line.
    pub(crate) fn start(name: &str, manifest: &str, arguments: &[&str]) -> Self {
        let directory = fresh(name);
        std::fs::write(directory.join("spin.toml"), manifest).unwrap();
        Self::again(directory, arguments)
    }

    /// Starts the host in a directory that is already there.
    pub(crate) fn again(directory: PathBuf, arguments: &[&str]) -> Self {
        let mut child = command(&directory, arguments).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, sink) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut sink = sink.lock().unwrap();
                sink.push_str(&line);
                sink.push('\n');
            }
        });
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.trim().strip_prefix("Signalbox is listening on http://");
        let address =
            address.unwrap_or_else(|| panic!("not ready: {ready:?}\n{}", log.lock().unwrap())).to_owned();
        Self { child, address, log, directory }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let (address, length) = (&self.address, body.len());
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    /// Sends bytes as they are and reads to the end.
    pub(crate) fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        read_answer(stream)
    }

    /// What has been logged, once it holds this text; gives up after five seconds.
    pub(crate) fn logged(&self, text: &str) -> String {
        for _ in 0..500 {
            let log = self.log.lock().unwrap().clone();
            if log.contains(text) {
                return log;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("never logged: {text}\n{}", self.log.lock().unwrap());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The command that starts the host in a directory; compiled probes are shared by all tests that name no cache.
pub(crate) fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    command.args(["up", "--listen", "127.0.0.1:0"]);
    if !arguments.contains(&"--cache") {
        command.arg("--cache").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    }
    command.args(arguments).current_dir(directory).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Reads one answer from a connection that the host closes, or that names the body's length.
pub(crate) fn read_answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunk(body)
    } else {
        body.to_owned()
    };
    Answer { status, body }
}

fn unchunk(mut text: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&rest[..size]);
        text = &rest[size + 2..];
        if size == 0 {
            break;
        }
    }
    body
}
