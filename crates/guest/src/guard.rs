//! Does the runtime keep us from private addresses? Found out by trying: a request to ourselves must be refused before it leaves.

use crate::SpinCourier;
use jobs::{Courier as _, Lost, Parcel};
use kernel::Span;

/// An address of this very machine, at a port (discard, RFC 863) where nothing should answer.
const LOOPBACK: &str = "http://127.0.0.1:9/";

/// Whether a request to a loopback address is refused by the runtime (`block_networks` in its configuration).
pub async fn is_guarded() -> bool {
    let parcel = Parcel {
        method: "GET".to_owned(),
        url: LOOPBACK.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Span::seconds(2),
    };
    matches!(SpinCourier.send(parcel).await, Err(Lost::Refused))
}
