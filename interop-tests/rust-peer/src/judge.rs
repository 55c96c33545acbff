//! The order in which a START frame is judged (oap-1.md, section 12.2).

use std::time::Duration;

use serde_json::{Map, Value};

use crate::errors::{refusal, Refusal};
use crate::frame::{Frame, APP_E2E, COMP};
use crate::json;
use crate::services::Services;

/// The largest integer of a deadline and of the limits in a HELLO.
pub const INTEGER_MOST: i64 = i32::MAX as i64;

/// The header of a call, its body, and for how long it may be answered.
pub type Judged<'a> = (Map<String, Value>, &'a [u8], Option<Duration>);

/// Section 12.2, steps 2 to 5, and with a refusal whether an operation was found that implies END.
pub fn judge<'a, T: Services>(
    services: &T,
    frame: &'a Frame,
) -> Result<Judged<'a>, (Refusal, bool)> {
    let no = |status, code| Err((refusal(status, code), false));
    if !services.apps().contains(&frame.app) {
        return no(404, "unknown_app");
    }
    let (header, body) = match json::payload(&frame.payload) {
        Ok(parts) => parts,
        Err(json::Refused::BadPayload) => return no(400, "bad_payload"),
        Err(json::Refused::BodyOversize) => return no(413, "body_oversize"),
    };
    let plain = frame.payload[0] == b'{';
    // This peer does not speak zstd.
    if frame.flags & (COMP | APP_E2E) == COMP || plain && frame.flags & (COMP | APP_E2E) != 0 {
        return no(400, "bad_payload");
    }
    let Some(op) = header.get("op").and_then(Value::as_str) else {
        return no(400, "unknown_operation");
    };
    if !services.knows(frame.app, op) {
        return no(404, "unknown_operation");
    }
    let deadline = match header.get("deadline_ms").map(Value::as_i64) {
        None => None,
        Some(Some(ms)) if (1..=INTEGER_MOST).contains(&ms) => {
            Some(Duration::from_millis(ms as u64))
        }
        Some(_) => return Err((refusal(400, "bad_request"), true)),
    };
    Ok((header, body, deadline))
}

/// A limit of a HELLO, the largest where it says none; nothing where it says what is no limit.
pub fn limit(asked: &Map<String, Value>, name: &str, least: i64) -> Option<i64> {
    match asked.get(name).map(Value::as_i64) {
        None => Some(INTEGER_MOST),
        Some(Some(value)) if (least..=INTEGER_MOST).contains(&value) => Some(value),
        Some(_) => None,
    }
}
