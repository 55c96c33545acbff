//! The hub that this peer is: whom it allows, its handshakes and links, and what it answers of app 0x0501
//! (federation-handshake.md, section 8). It keeps no more than a test needs: no audit log, no probes of its own, and the
//! newer of two links with one hub.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use futures::{AsyncRead, AsyncWrite};
use libp2p::PeerId;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::client::whole_as;
use crate::errors::{refusal, Failure, Refusal};
use crate::federation::canonical;
use crate::federation::delegation::Delegation;
use crate::federation::handshake::{Initiator, Me, Proved, Responder, Sent, Time, Wish, World};
use crate::federation::invite::Invite;
use crate::federation::keys;
use crate::federation::refusals::{told, Code};
use crate::federation::transcript::fingerprint;
use crate::federation::treaty::Treaty;
use crate::hex;
use crate::json;
use crate::services::{Answer, Call};

pub const FEDERATION: u16 = 0x0501;
pub const OPERATIONS: [&str; 8] = [
    "hello", "prove", "pair", "probe", "treaty", "keys", "new_keys", "leave",
];
const NAME: &str = "main";
const INVITE_S: u64 = 900;
const KEYS_MOST: u64 = 576;
const PAGE_BYTES: usize = 32_768;
const REASON_BYTES: usize = 64;
const WRONG_MOST: u32 = 5;

/// What the swarm is told of links.
#[derive(Debug)]
pub enum LinkEvent {
    Up(PeerId),
    Down(PeerId),
}

pub struct Links {
    hub: SigningKey,
    me: Me,
    began: Instant,
    state: Mutex<State>,
    tell: mpsc::UnboundedSender<LinkEvent>,
}

#[derive(Default)]
struct State {
    world: World,
    /// The one handshake that each connection has in its life.
    had: HashMap<PeerId, Had>,
    links: HashMap<PeerId, Proved>,
    paired: HashMap<String, Proved>,
    wrong: u32,
}

enum Had {
    Began,
    Answers(Box<Responder>),
    Over,
}

/// How a handshake that this peer began ended, where it failed.
pub enum Ended {
    Refused(Code),
    Call(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended::Call(failure)
    }
}

impl Links {
    /// A hub of new keys, whose node has the key of `seed`.
    pub fn new(seed: [u8; 32], tell: mpsc::UnboundedSender<LinkEvent>) -> Links {
        let (hub, key) = (
            SigningKey::from_bytes(&keys::random()),
            SigningKey::from_bytes(&seed),
        );
        let peer_id = keys::peer_id(&key.verifying_key());
        let me = Me {
            delegation: Delegation::by(&hub, &peer_id, seconds()),
            key,
            peer_id,
            boot: keys::random(),
            federation: NAME.into(),
        };
        Links {
            hub,
            me,
            began: Instant::now(),
            state: Mutex::default(),
            tell,
        }
    }

    pub fn hub_id(&self) -> String {
        keys::hub_id(&self.hub.verifying_key())
    }

    /// Allows a hub that calls with these verbs.
    pub fn allow(&self, hub: &str, verbs: Vec<String>) {
        let treaty = Treaty {
            verbs,
            expires: None,
        };
        let facts = json!({ "revocation_seq": 0, "treaty": treaty.wire() });
        self.state().world.allows.insert(hub.into(), facts);
    }

    /// Opens an invite, in the place of one before.
    pub fn invite(&self, address: &str) -> String {
        let invite = Invite {
            hub: self.hub_id(),
            secret: keys::random(),
            expires: seconds() + INVITE_S,
            addresses: vec![address.into()],
        };
        let mut state = self.state();
        state.world.invite = Some(invite.k());
        state.wrong = 0;
        invite.text(&self.hub.verifying_key())
    }

    /// What is known of a hub: of its link, or of a pairing that waits.
    pub fn knows(&self, hub: &str) -> Value {
        let state = self.state();
        let linked = state.links.values().find(|proved| proved.hub == hub);
        match linked.or_else(|| state.paired.get(hub)) {
            Some(proved) => shown(proved, linked.is_some()),
            None => json!({ "linked": false }),
        }
    }

    /// Nothing is left of a connection that is over.
    pub fn left(&self, peer: &PeerId) {
        let mut state = self.state();
        state.had.remove(peer);
        if state.links.remove(peer).is_some() {
            self.told(LinkEvent::Down(*peer));
        }
    }

    /// Links, or pairs by the K of an invite, with the hub on the other end of a stream.
    pub async fn dial<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        peer: PeerId,
        wish: Wish,
    ) -> Result<Value, Ended> {
        let nonce = keys::random();
        {
            let mut state = self.state();
            if state.had.insert(peer, Had::Began).is_some() {
                return Err(Ended::Refused("second_handshake"));
            }
            state.world.drew.add(nonce);
        }
        let pair = wish.pair.is_some();
        let (mut initiator, hello) =
            Initiator::begin(&self.me, &peer.to_string(), wish, nonce, self.time());
        let payload = json::record(&json!({ "op": "hello" }), &hello);
        let (_, challenge) = whole_as(1, stream, FEDERATION, payload).await?;
        let proof = {
            let world = &mut self.state().world;
            initiator.challenge(&self.me, world, &challenge, self.time())
        };
        let payload = proof_payload(
            if pair { "pair" } else { "prove" },
            &proof.map_err(Ended::Refused)?,
        );
        let (_, answer) = whole_as(2, stream, FEDERATION, payload).await?;
        let answer = sent_of(&answer).ok_or(Failure::Lie("bad_payload"))?;
        let proved = initiator
            .proof(&self.me, &answer, self.time())
            .map_err(Ended::Refused)?;
        let verdict = shown(&proved, !pair);
        self.proved(&mut self.state(), peer, proved, pair);
        Ok(verdict)
    }

    pub fn answer(&self, peer: PeerId, call: &Call<'_>) -> Result<Answer, Refusal> {
        match call.op {
            "hello" => self.hello(peer, call.body),
            "prove" | "pair" => self.prove(peer, call),
            _ if !self.state().links.contains_key(&peer) => Err(refusal(403, "not_allowlisted")),
            "probe" => Ok(record_of(json!({ "time": seconds(), "revocation_seq": 0 }))),
            "treaty" => self.treaty(peer, call.body),
            "keys" => self.keys(call),
            "new_keys" if call.body.len() > PAGE_BYTES => Err(refusal(400, "bad_request")),
            "new_keys" => Ok(record_of(json!({}))),
            _ => self.leave(peer, call),
        }
    }

    fn hello(&self, peer: PeerId, body: &[u8]) -> Result<Answer, Refusal> {
        let mut state = self.state();
        if state.had.contains_key(&peer) {
            return Err(refused("second_handshake"));
        }
        let nonce = keys::random();
        let begun = Responder::begin(
            &self.me,
            &mut state.world,
            &peer.to_string(),
            nonce,
            body,
            self.time(),
        );
        let (had, answer) = match begun {
            Ok((responder, challenge)) => {
                (Had::Answers(responder.into()), Ok(Answer::whole(challenge)))
            }
            Err(code) => (Had::Over, Err(refused(code))),
        };
        state.world.drew.add(nonce);
        state.had.insert(peer, had);
        answer
    }

    fn prove(&self, peer: PeerId, call: &Call<'_>) -> Result<Answer, Refusal> {
        let pair = call.op == "pair";
        let sent = sent_in(call.header, call.body).ok_or_else(|| refusal(400, "bad_request"))?;
        if pair && sent.mac.is_none() {
            return Err(refusal(400, "bad_request"));
        }
        let mut state = self.state();
        let State {
            world, had, wrong, ..
        } = &mut *state;
        if pair && world.invite.is_none() {
            had.insert(peer, Had::Over);
            return Err(refused("no_invite"));
        }
        let Some(Had::Answers(responder)) = had.get_mut(&peer) else {
            return Err(refused("out_of_order"));
        };
        match responder.proof(&self.me, world, pair, &sent, self.time()) {
            Ok((answer, proved)) => {
                had.insert(peer, Had::Over);
                if pair {
                    world.invite = None;
                }
                self.proved(&mut state, peer, proved, pair);
                let mut header = json!({ "signature": hex::encode(&answer.signature) });
                if let Some(mac) = answer.mac {
                    header["mac"] = json!(hex::encode(&mac));
                }
                Ok(Answer::whole(json::record(&header, &answer.body)))
            }
            Err(code) => {
                had.insert(peer, Had::Over);
                *wrong += u32::from(code == "wrong_secret");
                if *wrong >= WRONG_MOST {
                    world.invite = None;
                }
                Err(refused(code))
            }
        }
    }

    fn proved(&self, state: &mut State, peer: PeerId, proved: Proved, pair: bool) {
        if pair {
            state.paired.insert(proved.hub.clone(), proved);
            return;
        }
        state.links.insert(peer, proved);
        self.told(LinkEvent::Up(peer));
    }

    fn treaty(&self, peer: PeerId, body: &[u8]) -> Result<Answer, Refusal> {
        let members = canonical::object(body, PAGE_BYTES);
        let treaty = members.and_then(|members| Treaty::of(&Value::Object(members)));
        let treaty = treaty.ok_or_else(|| refusal(400, "bad_request"))?;
        if let Some(link) = self.state().links.get_mut(&peer) {
            link.treaty = Some(treaty);
        }
        Ok(record_of(json!({})))
    }

    /// The records of this hub: the one delegation that it made.
    fn keys(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let from = call.header.get("from").and_then(Value::as_u64);
        let from = from
            .filter(|from| *from <= KEYS_MOST)
            .ok_or_else(|| refusal(400, "bad_request"))?;
        let page = format!("{}\n", canonical::text(&self.me.delegation));
        let head = json!({ "digest": hex::encode(&Sha256::digest(&page)), "total": 1 });
        let body = if from == 0 { page.as_bytes() } else { &[] };
        Ok(Answer::whole(json::record(&head, body)))
    }

    fn leave(&self, peer: PeerId, call: &Call<'_>) -> Result<Answer, Refusal> {
        let reason = call.header.get("reason").and_then(Value::as_str);
        if reason.is_none_or(|reason| reason.len() > REASON_BYTES) {
            return Err(refusal(400, "bad_request"));
        }
        if self.state().links.remove(&peer).is_some() {
            self.told(LinkEvent::Down(peer));
        }
        Ok(record_of(json!({})))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("the state of links")
    }

    fn told(&self, event: LinkEvent) {
        // A peer that is about to end need not be told.
        let _ = self.tell.send(event);
    }

    fn time(&self) -> Time {
        Time {
            s: seconds(),
            ms: self.began.elapsed().as_millis() as u64,
        }
    }
}

pub fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock behind 1970").as_secs()
}

fn refused(code: Code) -> Refusal {
    let (code, status) = told(code);
    refusal(status, code)
}

fn record_of(value: Value) -> Answer {
    Answer::whole(value.to_string().into_bytes())
}

fn shown(proved: &Proved, linked: bool) -> Value {
    let verbs = proved.treaty.as_ref().map(|treaty| treaty.verbs.clone());
    json!({
        "linked": linked,
        "hub": proved.hub,
        "transcript": hex::encode(&proved.transcript),
        "fingerprint": fingerprint(&proved.transcript),
        "verbs": verbs,
    })
}

fn proof_payload(op: &str, proof: &Sent) -> Vec<u8> {
    let mut header = json!({ "op": op, "signature": hex::encode(&proof.signature) });
    if let Some(mac) = &proof.mac {
        header["mac"] = json!(hex::encode(mac));
    }
    json::record(&header, &proof.body)
}

fn sent_of(answer: &[u8]) -> Option<Sent> {
    let (header, body) = json::payload(answer).ok()?;
    sent_in(&header, body)
}

fn sent_in(header: &serde_json::Map<String, Value>, body: &[u8]) -> Option<Sent> {
    let bytes = |name: &str, length| {
        hex::decode(header.get(name)?.as_str()?).filter(|bytes| bytes.len() == length)
    };
    let mac = match header.get("mac") {
        None => None,
        Some(_) => Some(bytes("mac", 32)?),
    };
    Some(Sent {
        body: body.into(),
        signature: bytes("signature", 64)?,
        mac,
    })
}
