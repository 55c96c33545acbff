//! Delegations of the role link (federation-links.md, sections 3 and 4).

use base64::prelude::{Engine, BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use serde_json::{json, Value};

use super::canonical;
use super::forms::{is_name, number, text, Object, INTEGER_MOST, TIME_MOST};
use super::keys;

const TAG: &str = "omnigate/delegation/1\n";
const LINE_MOST: usize = 4_096;
/// By which now may lie outside its time.
const SKEW_S: u64 = 60;

#[derive(Clone, Debug)]
pub struct Delegation {
    pub hub: String,
    pub peer_id: String,
    not_before: u64,
    not_after: u64,
    signature: Vec<u8>,
    signed: Vec<u8>,
}

impl Delegation {
    /// Nothing where it is none of the role link by its form; its signature has not been looked at.
    pub fn of(value: &Value) -> Option<Delegation> {
        let line = value
            .as_object()
            .filter(|members| members.len() == 2 && canonical::text(value).len() <= LINE_MOST)?;
        let signature = BASE64_STANDARD.decode(text(line, "signature")?).ok()?;
        let statement = line.get("statement")?.as_object()?;
        const MEMBERS: usize = 7;
        let known = number(statement, "epoch", 1, INTEGER_MOST).is_some()
            && is_name(text(statement, "node")?, 63)
            && text(statement, "role")? == "link"
            && statement.len() == MEMBERS
            && signature.len() == 64;
        let (hub, peer_id) = (text(statement, "hub")?, text(statement, "peer_id")?);
        keys::of_hub_id(hub)?;
        keys::of_peer_id(peer_id)?;
        known.then_some(Delegation {
            hub: hub.into(),
            peer_id: peer_id.into(),
            not_before: number(statement, "not_before", 1, TIME_MOST)?,
            not_after: number(statement, "not_after", 1, TIME_MOST)?,
            signature,
            signed: signed(statement),
        })
    }

    /// A delegation that the hub key makes for a node key, an hour around now.
    pub fn by(hub: &SigningKey, peer_id: &str, now: u64) -> Value {
        let statement = json!({
            "epoch": 1,
            "hub": keys::hub_id(&hub.verifying_key()),
            "node": "rust",
            "not_after": now + 3_600,
            "not_before": now - 3_600,
            "peer_id": peer_id,
            "role": "link",
        });
        let signature = keys::sign(hub, &signed(statement.as_object().expect("an object")));
        json!({ "signature": BASE64_STANDARD.encode(signature), "statement": statement })
    }

    /// Whether the hub signed it for this peer id.
    pub fn binds(&self, peer_id: &str) -> bool {
        self.peer_id == peer_id
            && keys::of_hub_id(&self.hub)
                .is_some_and(|key| keys::fits(&key, &self.signed, &self.signature))
    }

    pub fn holds(&self, now: u64) -> bool {
        now + SKEW_S >= self.not_before && now <= self.not_after + SKEW_S
    }
}

fn signed(statement: &Object) -> Vec<u8> {
    [TAG, &canonical::text(&Value::Object(statement.clone()))]
        .concat()
        .into_bytes()
}
