//! What goes to the log? One JSON line per happening, on standard error, without secrets and without personal data.

use kernel::RequestId;
use serde_json::json;

/// A fault of ours: the cause that the client was not told.
pub fn fault(request: &RequestId, code: &str, cause: &str) {
    line(&json!({"level": "error", "message": cause, "code": code, "request_id": request.as_str()}));
}

/// Something that an operator should look at.
pub fn warning(message: &str) {
    line(&json!({"level": "warn", "message": message}));
}

/// Something that an operator may want to know.
pub fn note(message: &str, fields: &serde_json::Value) {
    line(&json!({"level": "info", "message": message, "fields": fields}));
}

fn line(value: &serde_json::Value) {
    eprintln!("{value}");
}
