//! How is one HTTP/1.1 message read from a socket? Head, then a body by length, by chunks, or until the end.

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead, Read};

/// More than any answer of ours; a stream beyond it is a fault.
const LONGEST: u64 = 64 * 1024 * 1024;

/// A message: the words of its first line, its headers, its body.
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Which end we are: an answer without a length goes on to the end, a request without one has no body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        find(&self.headers, name)
    }

    /// The next message; none if the other side has gone before its first byte.
    pub(crate) fn read(from: &mut impl BufRead, side: Side, bodiless: bool) -> Result<Option<Self>> {
        let Some(first) = line(from)? else {
            return Ok(None);
        };
        let first = String::from_utf8(first).context("the first line is not text")?;
        let mut headers = Vec::new();
        loop {
            let text = line(from)?.context("the other side went away within the head")?;
            if text.is_empty() {
                break;
            }
            let colon = text.iter().position(|byte| *byte == b':').context("a header has no colon")?;
            let (name, value) = text.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii().to_vec();
            headers.push((String::from_utf8_lossy(name).to_ascii_lowercase(), value));
        }
        let body = if bodiless { Vec::new() } else { body(from, side, &headers)? };
        Ok(Some(Self { first, headers, body }))
    }
}

pub(crate) fn find<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
}

fn body(from: &mut impl BufRead, side: Side, headers: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let is_chunked = find(headers, "transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().windows(7).any(|part| part == b"chunked"));
    let mut body = Vec::new();
    if is_chunked {
        loop {
            let size = line(from)?.context("the other side went away within a chunked body")?;
            let size = String::from_utf8_lossy(&size).split(';').next().unwrap_or_default().trim().to_owned();
            let size =
                u64::from_str_radix(&size, 16).with_context(|| format!("{size:?} is no chunk size"))?;
            if size == 0 {
                while line(from)?.is_some_and(|trailer| !trailer.is_empty()) {}
                return Ok(body);
            }
            take(from, size, &mut body)?;
            line(from)?;
        }
    }
    if let Some(length) = find(headers, "content-length") {
        let length = String::from_utf8_lossy(length).parse().context("the length is no number")?;
        take(from, length, &mut body)?;
    } else if side == Side::Client {
        from.take(LONGEST).read_to_end(&mut body)?;
    }
    Ok(body)
}

fn take(from: &mut impl BufRead, size: u64, body: &mut Vec<u8>) -> Result<()> {
    let read = from.take(size.min(LONGEST)).read_to_end(body)?;
    if u64::try_from(read)? < size {
        bail!("the body ended after {read} of {size} bytes");
    }
    Ok(())
}

/// One line without its end; none at the end of the stream.
fn line(from: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    from.take(64 * 1024).read_until(b'\n', &mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    if text.pop() != Some(b'\n') {
        bail!("a line of the head has no end");
    }
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    Ok(Some(text))
}
