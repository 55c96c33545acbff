//! The messages of a handshake (federation-handshake.md, section 3). Nothing where one is `malformed`.

use serde_json::{json, Value};

use super::canonical;
use super::delegation::Delegation;
use super::forms::{
    bytes, is_name, list, names, number, object, text, Object, INTEGER_MOST, TIME_MOST,
};
use super::keys;
use super::transcript::Role;
use super::treaty::Treaty;

const HELLO_BYTES: usize = 4_096;
const PROOF_BYTES: usize = 65_536;
const CHECKPOINT_BYTES: usize = 4_096;

pub type Nonce = [u8; 32];

/// Whom a message is from and for, and what its receiver has to know.
pub struct Ends {
    pub from: String,
    pub to: String,
    pub must: bool,
}

pub struct Hello {
    pub ends: Ends,
    pub nonce: Nonce,
    pub versions: Vec<u64>,
    pub algs: Vec<String>,
    pub federation: String,
}

pub struct Challenge {
    pub ends: Ends,
    pub nonce: Nonce,
    pub answers: Nonce,
    pub version: u64,
    pub alg: String,
    pub federation: String,
    pub delegation: Delegation,
}

pub struct Proof {
    pub ends: Ends,
    pub role: Role,
    pub pair: bool,
    pub nonces: (Nonce, Nonce),
    pub delegation: Option<Delegation>,
    pub treaty: Option<Treaty>,
}

impl Hello {
    pub fn of(sent: &[u8]) -> Option<Hello> {
        let of = canonical::object(sent, HELLO_BYTES)?;
        let versions = list(&of, "versions", 1, 8)?.iter().map(version);
        let versions: Vec<u64> = versions.collect::<Option<_>>()?;
        spoken(&of)?;
        Some(Hello {
            ends: ends(&of)?,
            nonce: bytes(&of, "nonce")?,
            versions: Some(versions).filter(|all| all.windows(2).all(|pair| pair[0] < pair[1]))?,
            algs: names(list(&of, "algs", 1, 8)?)?,
            federation: text(&of, "federation")?.into(),
        })
    }
}

impl Challenge {
    pub fn of(sent: &[u8]) -> Option<Challenge> {
        let of = canonical::object(sent, HELLO_BYTES)?;
        spoken(&of)?;
        Some(Challenge {
            ends: ends(&of)?,
            nonce: bytes(&of, "nonce")?,
            answers: bytes(&of, "answers")?,
            version: version(of.get("version")?)?,
            alg: text(&of, "alg").filter(|alg| is_name(alg, 32))?.into(),
            federation: text(&of, "federation")?.into(),
            delegation: Delegation::of(of.get("delegation")?)?,
        })
    }
}

impl Proof {
    pub fn of(sent: &[u8]) -> Option<Proof> {
        let of = canonical::object(sent, PROOF_BYTES)?;
        let role = match text(&of, "role")? {
            "initiator" => Role::Initiator,
            "responder" => Role::Responder,
            _ => return None,
        };
        let pair = match text(&of, "purpose")? {
            "link" => false,
            "pair" => true,
            _ => return None,
        };
        let nonces = object(&of, "nonces")?;
        let delegation = match (of.get("delegation"), role) {
            (Some(value), Role::Initiator) => Some(Delegation::of(value)?),
            (None, Role::Responder) => None,
            _ => return None,
        };
        let treaty = match (of.get("facts"), pair) {
            (Some(value), false) => Some(facts(value.as_object()?)?),
            (None, true) => None,
            _ => return None,
        };
        Some(Proof {
            ends: ends(&of)?,
            role,
            pair,
            nonces: (bytes(nonces, "initiator")?, bytes(nonces, "responder")?),
            delegation,
            treaty,
        })
    }
}

/// Members that hello and challenge have both, and that nothing is done with.
fn spoken(of: &Object) -> Option<()> {
    bytes::<16>(of, "boot")?;
    number(of, "time", 1, TIME_MOST)?;
    text(of, "federation").filter(|name| is_name(name, 63))?;
    Some(())
}

fn ends(of: &Object) -> Option<Ends> {
    let (from, to) = (text(of, "from")?, text(of, "to")?);
    keys::of_peer_id(from)?;
    keys::of_peer_id(to)?;
    let must = match of.get("must") {
        None => Vec::new(),
        Some(_) => names(list(of, "must", 0, 8)?)?,
    };
    Some(Ends {
        from: from.into(),
        to: to.into(),
        must: !must.is_empty(),
    })
}

fn version(value: &Value) -> Option<u64> {
    value.as_u64().filter(|one| (1..=65_535).contains(one))
}

fn facts(of: &Object) -> Option<Treaty> {
    number(of, "revocation_seq", 0, INTEGER_MOST)?;
    if of.contains_key("checkpoint") {
        text(of, "checkpoint").filter(|note| note.len() <= CHECKPOINT_BYTES)?;
    }
    if of.contains_key("manifest") {
        bytes::<32>(of, "manifest")?;
    }
    Treaty::of(of.get("treaty")?)
}

/// The bytes of a message with these members.
pub fn bytes_of(members: Value) -> Vec<u8> {
    canonical::text(&members).into_bytes()
}

pub fn nonces(initiator: &Nonce, responder: &Nonce) -> Value {
    json!({ "initiator": crate::hex::encode(initiator), "responder": crate::hex::encode(responder) })
}
