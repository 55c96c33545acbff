//! What goes wrong, and how it is told (oap-1.md, section 9).

use serde_json::json;

use crate::frame::{Frame, END, RESP};

/// A refusal of a call: its status and code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
}

pub fn refusal(status: u16, code: &str) -> Refusal {
    Refusal {
        status,
        code: code.to_owned(),
    }
}

/// How a call of ours ended, other than with its answer.
#[derive(Debug)]
pub enum Failure {
    /// The other side refused it.
    Told(Refusal),
    /// What it sent is not what the text says: our own code for it.
    Lie(&'static str),
    /// The stream ended or was reset, or nothing came for too long.
    Lost(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Lost(error.to_string())
    }
}

/// The frame that refuses `corr` on `app`.
pub fn error_frame(app: u16, tenant: u128, corr: u64, refused: &Refusal) -> Frame {
    let again = matches!(refused.status, 408 | 429 | 502 | 503 | 504);
    let mut told = json!({
        "code": refused.code,
        "message": format!("refused: {}", refused.code),
        "retryable": again,
        "corr_id": format!("{corr:016x}"),
    });
    if matches!(refused.status, 429 | 503) {
        told["retry_after_ms"] = json!(1_000);
    }
    Frame {
        flags: RESP | END,
        code: refused.status,
        app,
        tenant,
        corr,
        payload: told.to_string().into_bytes(),
        ..Frame::default()
    }
}
