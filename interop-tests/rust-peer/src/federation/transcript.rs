//! What both sides sign (federation-handshake.md, section 4).

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

const TRANSCRIPT: &[u8] = b"omnigate/handshake-transcript/1\n";

/// The fields of a handshake, in their order.
#[derive(Clone, Default)]
pub struct Transcript {
    fields: Vec<Vec<u8>>,
}

impl Transcript {
    pub fn new(initiator: &str, responder: &str) -> Transcript {
        Transcript {
            fields: vec![initiator.into(), responder.into()],
        }
    }

    pub fn add(&mut self, field: &[u8]) {
        self.fields.push(field.into());
    }

    /// I behind five fields, R behind seven.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(TRANSCRIPT);
        for field in &self.fields {
            hash.update((field.len() as u32).to_le_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Initiator,
    Responder,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Initiator => "initiator",
            Role::Responder => "responder",
        }
    }
}

/// What the side of a role signs.
pub fn signed(role: Role, digest: &[u8; 32]) -> Vec<u8> {
    let tag = format!("omnigate/handshake-{}/1\n", role.name());
    [tag.as_bytes(), digest].concat()
}

/// What shows that it knows the invite whose secret has the SHA-256 `k`.
pub fn mac(role: Role, k: &[u8; 32], digest: &[u8; 32]) -> [u8; 32] {
    mac_of(role, k, digest).finalize().into_bytes().into()
}

/// In constant time.
pub fn mac_fits(role: Role, k: &[u8; 32], digest: &[u8; 32], mac: &[u8]) -> bool {
    mac_of(role, k, digest).verify_slice(mac).is_ok()
}

fn mac_of(role: Role, k: &[u8; 32], digest: &[u8; 32]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(k).expect("any key will do");
    mac.update(format!("omnigate/pair-{}/1\n", role.name()).as_bytes());
    mac.update(digest);
    mac
}

/// What operators compare (federation-links.md, section 8.3).
pub fn fingerprint(r: &[u8; 32]) -> String {
    let digest = Sha256::new_with_prefix(b"omnigate/pairing-fingerprint/1\n")
        .chain_update(r)
        .finalize();
    let text = crate::cid::base32(&digest[..10]);
    [&text[..4], &text[4..8], &text[8..12], &text[12..]].join("-")
}
