//! Why a handshake ends, and what of that is told (federation-handshake.md, section 7).

pub type Code = &'static str;

/// The code and status that a responder tells.
pub fn told(code: Code) -> (&'static str, u16) {
    match code {
        "malformed" | "unknown_version" | "unknown_algorithm" | "unknown_extension" => (code, 400),
        "out_of_order" | "second_handshake" => (code, 409),
        "stalled" => (code, 408),
        "no_invite" | "wrong_secret" | "wrong_key" | "revoked" => ("not_allowlisted", 403),
        _ => (code, 403),
    }
}
