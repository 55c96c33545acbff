//! Both sides of a handshake (federation-handshake.md, sections 2, 5 and 6).

use std::collections::{HashMap, VecDeque};

use ed25519_dalek::SigningKey;
use serde_json::{json, Value};

use super::keys;
use super::messages::{bytes_of, nonces, Challenge, Hello, Nonce, Proof};
use super::refusals::Code;
use super::transcript::{mac, mac_fits, signed, Role, Transcript};
use super::treaty::Treaty;
use crate::hex;

const VERSION: u64 = 1;
const ALG: &str = "ed25519-sha256";
const STEP_MS: u64 = 5_000;
const HANDSHAKE_MS: u64 = 10_000;
const NONCES: usize = 4_096;

/// Who this node is.
pub struct Me {
    pub key: SigningKey,
    pub peer_id: String,
    pub boot: [u8; 16],
    pub federation: String,
    pub delegation: Value,
}

/// What this node goes by at the moment.
#[derive(Default)]
pub struct World {
    /// The facts that it tells each hub of its allowlist.
    pub allows: HashMap<String, Value>,
    /// Whether all that was delegated is revoked.
    pub revoked: bool,
    /// K of the invite that is open here.
    pub invite: Option<[u8; 32]>,
    pub drew: Nonces,
    pub shown: Nonces,
}

/// The nonces of some time, the oldest giving way.
#[derive(Default)]
pub struct Nonces(VecDeque<Nonce>);

impl Nonces {
    pub fn add(&mut self, nonce: Nonce) {
        if self.0.len() == NONCES {
            self.0.pop_front();
        }
        self.0.push_back(nonce);
    }

    fn has(&self, nonce: &Nonce) -> bool {
        self.0.contains(nonce)
    }
}

/// The wall's seconds, and milliseconds that never go back.
#[derive(Clone, Copy)]
pub struct Time {
    pub s: u64,
    pub ms: u64,
}

/// A proof as it travels.
#[derive(Clone, Debug)]
pub struct Sent {
    pub body: Vec<u8>,
    pub signature: Vec<u8>,
    pub mac: Option<Vec<u8>>,
}

/// What a handshake has shown.
#[derive(Clone, Debug)]
pub struct Proved {
    pub hub: String,
    /// R.
    pub transcript: [u8; 32],
    /// What the other hub grants; not of a pairing.
    pub treaty: Option<Treaty>,
}

/// What an initiator wants of the hub that it dialled for.
#[derive(Clone)]
pub struct Wish {
    pub hub: String,
    /// K of the invite, to pair by it.
    pub pair: Option<[u8; 32]>,
}

/// What both sides have of a handshake under way.
struct Side {
    channel: String,
    nonce: Nonce,
    begun_ms: u64,
    sent_ms: u64,
    transcript: Transcript,
}

impl Side {
    /// The refusals that come before a message is read: section 6, and the times of section 5.
    fn on_time(&self, me: &Me, time: Time) -> Result<(), Code> {
        if self.channel == me.peer_id {
            return Err("same_key");
        }
        if time.ms >= self.sent_ms + STEP_MS || time.ms >= self.begun_ms + HANDSHAKE_MS {
            return Err("stalled");
        }
        Ok(())
    }

    fn proof_fits(&self, role: Role, signature: &[u8]) -> bool {
        keys::of_peer_id(&self.channel).is_some_and(|key| {
            keys::fits(&key, &signed(role, &self.transcript.digest()), signature)
        })
    }

    fn sent(&self, me: &Me, role: Role, k: Option<&[u8; 32]>, body: Vec<u8>) -> Sent {
        let digest = self.transcript.digest();
        Sent {
            body,
            signature: keys::sign(&me.key, &signed(role, &digest)).into(),
            mac: k.map(|k| mac(role, k, &digest).into()),
        }
    }
}

pub struct Initiator {
    side: Side,
    wish: Wish,
    state: Waiting,
}

enum Waiting {
    Challenge,
    Proof(Nonce),
    Nothing,
}

impl Initiator {
    /// Begins; yields its hello.
    pub fn begin(
        me: &Me,
        channel: &str,
        wish: Wish,
        nonce: Nonce,
        time: Time,
    ) -> (Initiator, Vec<u8>) {
        let hello = bytes_of(json!({
            "algs": [ALG],
            "boot": hex::encode(&me.boot),
            "federation": me.federation,
            "from": me.peer_id,
            "nonce": hex::encode(&nonce),
            "time": time.s,
            "to": channel,
            "versions": [VERSION],
        }));
        let mut transcript = Transcript::new(&me.peer_id, channel);
        transcript.add(&hello);
        let side = Side {
            channel: channel.into(),
            nonce,
            begun_ms: time.ms,
            sent_ms: time.ms,
            transcript,
        };
        let state = Waiting::Challenge;
        (Initiator { side, wish, state }, hello)
    }

    /// Section 6.2; yields its proof.
    pub fn challenge(
        &mut self,
        me: &Me,
        world: &mut World,
        came: &[u8],
        time: Time,
    ) -> Result<Sent, Code> {
        let state = std::mem::replace(&mut self.state, Waiting::Nothing);
        if !matches!(state, Waiting::Challenge) {
            return Err("out_of_order");
        }
        self.side.on_time(me, time)?;
        let challenge = Challenge::of(came).ok_or("malformed")?;
        let (ends, delegation) = (&challenge.ends, &challenge.delegation);
        if ends.from == me.peer_id
            || challenge.nonce == self.side.nonce
            || world.drew.has(&challenge.nonce)
        {
            return Err("reflected");
        }
        if ends.from != self.side.channel || ends.to != me.peer_id {
            return Err("relayed");
        }
        let again = world.shown.has(&challenge.nonce);
        world.shown.add(challenge.nonce);
        let facts = world
            .allows
            .get(&delegation.hub)
            .filter(|_| self.wish.pair.is_none());
        check(&[
            ("replayed", again || challenge.answers != self.side.nonce),
            ("unknown_version", challenge.version != VERSION),
            ("unknown_algorithm", challenge.alg != ALG),
            ("unknown_extension", ends.must),
            ("other_federation", challenge.federation != me.federation),
            ("other_hub", delegation.hub != self.wish.hub),
            (
                "not_allowlisted",
                self.wish.pair.is_none() && facts.is_none(),
            ),
        ])?;
        if !delegation.binds(&self.side.channel) {
            return Err("wrong_key");
        }
        check(&[
            ("revoked", world.revoked),
            ("expired_delegation", !delegation.holds(time.s)),
            (
                "expired_treaty",
                facts.is_some_and(|facts| ended(facts, time.s)),
            ),
        ])?;
        let mut members = json!({
            "delegation": me.delegation,
            "from": me.peer_id,
            "nonces": nonces(&self.side.nonce, &challenge.nonce),
            "purpose": purpose(self.wish.pair.is_some()),
            "role": "initiator",
            "to": self.side.channel,
        });
        if let Some(facts) = facts {
            members["facts"] = facts.clone();
        }
        let body = bytes_of(members);
        self.side.transcript.add(came);
        self.side.transcript.add(&body);
        let sent = self
            .side
            .sent(me, Role::Initiator, self.wish.pair.as_ref(), body);
        self.side.transcript.add(&sent.signature);
        self.side.sent_ms = time.ms;
        self.state = Waiting::Proof(challenge.nonce);
        Ok(sent)
    }

    /// Section 6.4: linked, or paired.
    pub fn proof(&mut self, me: &Me, came: &Sent, time: Time) -> Result<Proved, Code> {
        let state = std::mem::replace(&mut self.state, Waiting::Nothing);
        let Waiting::Proof(theirs) = state else {
            return Err("out_of_order");
        };
        self.side.on_time(me, time)?;
        let proof = Proof::of(&came.body).ok_or("malformed")?;
        let nonces = (self.side.nonce, theirs);
        judge(
            me,
            &self.side,
            &proof,
            self.wish.pair.is_some(),
            Role::Responder,
            nonces,
        )?;
        self.side.transcript.add(&came.body);
        let transcript = self.side.transcript.digest();
        if let Some(k) = &self.wish.pair {
            let mac = came.mac.as_deref().unwrap_or_default();
            check(&[(
                "wrong_secret",
                !mac_fits(Role::Responder, k, &transcript, mac),
            )])?;
        }
        check(&[
            (
                "wrong_key",
                !self.side.proof_fits(Role::Responder, &came.signature),
            ),
            (
                "expired_treaty",
                proof
                    .treaty
                    .as_ref()
                    .is_some_and(|treaty| treaty.expired(time.s)),
            ),
        ])?;
        Ok(Proved {
            hub: self.wish.hub.clone(),
            transcript,
            treaty: proof.treaty,
        })
    }
}

/// A responder, from when it has had a hello.
pub struct Responder {
    side: Side,
    theirs: Nonce,
    over: bool,
}

impl Responder {
    /// Section 6.1; yields its challenge.
    pub fn begin(
        me: &Me,
        world: &mut World,
        channel: &str,
        nonce: Nonce,
        came: &[u8],
        time: Time,
    ) -> Result<(Responder, Vec<u8>), Code> {
        if channel == me.peer_id {
            return Err("same_key");
        }
        let hello = Hello::of(came).ok_or("malformed")?;
        let ends = &hello.ends;
        if ends.from == me.peer_id || hello.nonce == nonce || world.drew.has(&hello.nonce) {
            return Err("reflected");
        }
        if ends.from != channel || ends.to != me.peer_id {
            return Err("relayed");
        }
        let again = world.shown.has(&hello.nonce);
        world.shown.add(hello.nonce);
        check(&[
            ("replayed", again),
            ("unknown_version", !hello.versions.contains(&VERSION)),
            (
                "unknown_algorithm",
                !hello.algs.iter().any(|alg| alg == ALG),
            ),
            ("unknown_extension", ends.must),
            ("other_federation", hello.federation != me.federation),
        ])?;
        let challenge = bytes_of(json!({
            "alg": ALG,
            "answers": hex::encode(&hello.nonce),
            "boot": hex::encode(&me.boot),
            "delegation": me.delegation,
            "federation": me.federation,
            "from": me.peer_id,
            "nonce": hex::encode(&nonce),
            "time": time.s,
            "to": channel,
            "version": VERSION,
        }));
        let mut transcript = Transcript::new(channel, &me.peer_id);
        transcript.add(came);
        transcript.add(&challenge);
        let side = Side {
            channel: channel.into(),
            nonce,
            begun_ms: time.ms,
            sent_ms: time.ms,
            transcript,
        };
        let responder = Responder {
            side,
            theirs: hello.nonce,
            over: false,
        };
        Ok((responder, challenge))
    }

    /// Section 6.3: linked, or paired; yields its own proof.
    pub fn proof(
        &mut self,
        me: &Me,
        world: &World,
        pair: bool,
        came: &Sent,
        time: Time,
    ) -> Result<(Sent, Proved), Code> {
        if std::mem::replace(&mut self.over, true) {
            return Err("out_of_order");
        }
        self.side.on_time(me, time)?;
        check(&[("no_invite", pair && world.invite.is_none())])?;
        let proof = Proof::of(&came.body).ok_or("malformed")?;
        let nonces_of = (self.theirs, self.side.nonce);
        judge(me, &self.side, &proof, pair, Role::Initiator, nonces_of)?;
        let delegation = proof.delegation.expect("its form was judged");
        let facts = world.allows.get(&delegation.hub).filter(|_| !pair);
        check(&[("not_allowlisted", !pair && facts.is_none())])?;
        self.side.transcript.add(&came.body);
        let k = world.invite.as_ref().filter(|_| pair);
        if let Some(k) = k {
            let mac = came.mac.as_deref().unwrap_or_default();
            let fits = mac_fits(Role::Initiator, k, &self.side.transcript.digest(), mac);
            check(&[("wrong_secret", !fits)])?;
        }
        let fits = delegation.binds(&self.side.channel)
            && self.side.proof_fits(Role::Initiator, &came.signature);
        let theirs = proof
            .treaty
            .as_ref()
            .is_some_and(|treaty| treaty.expired(time.s));
        check(&[
            ("wrong_key", !fits),
            ("revoked", world.revoked),
            ("expired_delegation", !delegation.holds(time.s)),
            (
                "expired_treaty",
                theirs || facts.is_some_and(|facts| ended(facts, time.s)),
            ),
        ])?;
        let mut members = json!({
            "from": me.peer_id,
            "nonces": nonces(&self.theirs, &self.side.nonce),
            "purpose": purpose(pair),
            "role": "responder",
            "to": self.side.channel,
        });
        if let Some(facts) = facts {
            members["facts"] = facts.clone();
        }
        let body = bytes_of(members);
        self.side.transcript.add(&came.signature);
        self.side.transcript.add(&body);
        let sent = self.side.sent(me, Role::Responder, k, body);
        Ok((
            sent,
            Proved {
                hub: delegation.hub,
                transcript: self.side.transcript.digest(),
                treaty: proof.treaty,
            },
        ))
    }
}

/// What is judged of a proof alike on both sides: steps 2 to 6 of section 6.3.
fn judge(
    me: &Me,
    side: &Side,
    proof: &Proof,
    pair: bool,
    role: Role,
    nonces: (Nonce, Nonce),
) -> Result<(), Code> {
    let Proof { ends, .. } = proof;
    check(&[
        ("malformed", proof.pair != pair),
        ("reflected", ends.from == me.peer_id || proof.role != role),
        (
            "relayed",
            ends.from != side.channel || ends.to != me.peer_id,
        ),
        ("replayed", proof.nonces != nonces),
        ("unknown_extension", ends.must),
    ])
}

fn check(steps: &[(Code, bool)]) -> Result<(), Code> {
    match steps.iter().find(|(_, refused)| *refused) {
        Some((code, _)) => Err(code),
        None => Ok(()),
    }
}

/// Whether the treaty of our own facts has expired.
fn ended(facts: &Value, now: u64) -> bool {
    Treaty::of(&facts["treaty"]).is_none_or(|treaty| treaty.expired(now))
}

fn purpose(pair: bool) -> &'static str {
    if pair {
        "pair"
    } else {
        "link"
    }
}
