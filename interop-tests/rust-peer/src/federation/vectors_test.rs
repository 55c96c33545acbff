use ed25519_dalek::SigningKey;
use serde_json::{json, Value};

use super::canonical;
use super::handshake::{Initiator, Me, Proved, Responder, Sent, Time, Wish, World};
use super::invite::Invite;
use super::keys;
use super::refusals::told;
use super::transcript::fingerprint;
use super::treaty::Treaty;
use crate::hex;
use crate::vectors::{file, list, of_hex, text};

fn vectors() -> Value {
    file("federation-handshake.json")
}

fn me(of: &Value) -> Me {
    let seed: [u8; 32] = of_hex(text(of, "node_seed")).try_into().expect("a seed");
    Me {
        key: SigningKey::from_bytes(&seed),
        peer_id: text(of, "peer_id").into(),
        boot: of_hex(text(of, "boot")).try_into().expect("16 bytes"),
        federation: text(of, "federation").into(),
        delegation: of["delegation"].clone(),
    }
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn nonce(hex: &str) -> [u8; 32] {
    of_hex(hex).try_into().expect("32 bytes")
}

fn sent(of: &Value) -> Sent {
    Sent {
        body: text(of, "body").into(),
        signature: of_hex(text(of, "signature")),
        mac: of["mac"].as_str().map(of_hex),
    }
}

fn k(file: &Value) -> [u8; 32] {
    nonce(text(&file["invite"], "k"))
}

/// A node that allows a hub, and what it says to that.
fn world(file: &Value, me: &str, allows: &[&str]) -> World {
    let facts = file["facts"].get(me).unwrap_or(&file["facts"]["b"]);
    World {
        allows: allows
            .iter()
            .map(|hub| ((*hub).into(), facts.clone()))
            .collect(),
        ..World::default()
    }
}

#[test]
fn runs_of_the_vectors_come_out_byte_by_byte() {
    let file = vectors();
    for run in list(&file, "runs") {
        let pair = run["purpose"] == "pair";
        let (a, b) = (text(run, "initiator"), text(run, "responder"));
        let (node_a, node_b) = (&file["nodes"][a], &file["nodes"][b]);
        let (me_a, me_b) = (me(node_a), me(node_b));
        let (hub_a, hub_b) = (text(node_a, "hub"), text(node_b, "hub"));
        let mut world_a = world(&file, a, &[hub_b]);
        let mut world_b = world(&file, b, &[hub_a]);
        world_b.invite = pair.then(|| k(&file));
        let at = |side: &str| Time {
            s: run["now"][side].as_u64().expect("a time"),
            ms: 0,
        };
        let wish = Wish {
            hub: hub_b.into(),
            pair: pair.then(|| k(&file)),
        };
        let drawn = |side: &str| nonce(text(&run["nonces"], side));

        let (mut initiator, hello) = Initiator::begin(
            &me_a,
            &me_b.peer_id,
            wish,
            drawn("initiator"),
            at("initiator"),
        );
        assert_eq!(utf8(&hello), run["hello"]);
        let (mut responder, challenge) = Responder::begin(
            &me_b,
            &mut world_b,
            &me_a.peer_id,
            drawn("responder"),
            &hello,
            at("responder"),
        )
        .expect("a hello that is taken");
        assert_eq!(utf8(&challenge), run["challenge"]);
        let proof = initiator
            .challenge(&me_a, &mut world_a, &challenge, at("initiator"))
            .expect("a challenge that is taken");
        assert_eq!(utf8(&proof.body), run["proof"]);
        assert_eq!(
            hex::encode(&proof.signature),
            run["signatures"]["initiator"]
        );
        let (answer, at_b) = responder
            .proof(&me_b, &world_b, pair, &proof, at("responder"))
            .expect("a proof that is taken");
        assert_eq!(utf8(&answer.body), run["answer"]);
        assert_eq!(
            hex::encode(&answer.signature),
            run["signatures"]["responder"]
        );
        let at_a = initiator
            .proof(&me_a, &answer, at("initiator"))
            .expect("linked");

        for Proved { transcript, .. } in [&at_a, &at_b] {
            assert_eq!(hex::encode(transcript), run["r"]);
        }
        assert_eq!((at_a.hub.as_str(), at_b.hub.as_str()), (hub_b, hub_a));
        for (role, sent) in [("initiator", &proof), ("responder", &answer)] {
            let mac = sent.mac.as_ref().map(|mac| hex::encode(mac));
            assert_eq!(mac.as_deref(), run["macs"][role].as_str());
        }
    }
}

#[test]
fn what_the_vectors_refuse_is_refused_with_their_code() {
    let file = vectors();
    for vector in list(&file, "refusals") {
        let code = refused(&file, vector).err().unwrap_or("taken");
        assert_eq!(
            code, vector["code"],
            "{} {}",
            vector["name"], vector["about"]
        );
        if vector["role"] == "responder" {
            assert_eq!(told(code).0, vector["told"], "{}", vector["name"]);
        }
    }
}

fn refused(file: &Value, vector: &Value) -> Result<(), &'static str> {
    let name = text(vector, "node");
    let me = me(&file["nodes"][name]);
    let allows: Vec<&str> = list_of(vector, "allows");
    let mut world = world(file, name, &allows);
    world.revoked = vector["revoked"] == true;
    world.invite = (vector["invite"] == true).then(|| k(file));
    list_of(vector, "drew")
        .iter()
        .for_each(|one| world.drew.add(nonce(one)));
    list_of(vector, "shown")
        .iter()
        .for_each(|one| world.shown.add(nonce(one)));
    let (channel, drawn) = (text(vector, "channel"), nonce(text(vector, "nonce")));
    let s = vector["now"].as_u64().expect("a time");
    let mut time = Time { s, ms: 0 };
    let mut messages: Vec<&Value> = vector["before"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    messages.push(&vector["message"]);
    let last = messages.len() - 1;
    if vector["role"] == "initiator" {
        let wish = Wish {
            hub: text(vector, "hub").into(),
            pair: (vector["secret"] == true).then(|| k(file)),
        };
        let (mut initiator, _) = Initiator::begin(&me, channel, wish, drawn, time);
        for (n, message) in messages.into_iter().enumerate() {
            time.ms += vector["after_ms"]
                .as_u64()
                .filter(|_| n == last)
                .unwrap_or(0);
            match text(message, "kind") {
                "challenge" => initiator
                    .challenge(&me, &mut world, text(message, "body").as_bytes(), time)
                    .map(|_| ())?,
                _ => initiator.proof(&me, &sent(message), time).map(|_| ())?,
            }
        }
        return Ok(());
    }
    let mut responder: Option<Responder> = None;
    for (n, message) in messages.into_iter().enumerate() {
        time.ms += vector["after_ms"]
            .as_u64()
            .filter(|_| n == last)
            .unwrap_or(0);
        match (text(message, "kind"), &mut responder) {
            ("hello", None) => {
                let body = text(message, "body").as_bytes();
                responder = Some(Responder::begin(&me, &mut world, channel, drawn, body, time)?.0);
            }
            ("hello", Some(_)) => return Err("second_handshake"),
            ("proof", Some(responder)) => {
                let pair = message["purpose"] == "pair";
                responder
                    .proof(&me, &world, pair, &sent(message), time)
                    .map(|_| ())?;
            }
            _ => return Err("out_of_order"),
        }
    }
    Ok(())
}

fn list_of<'a>(of: &'a Value, name: &str) -> Vec<&'a str> {
    let items = of[name].as_array().into_iter().flatten();
    items.map(|item| item.as_str().expect("text")).collect()
}

#[test]
fn peer_ids_and_hub_ids_of_the_vectors_are_judged() {
    for vector in list(&vectors(), "peer_ids") {
        let key = keys::of_peer_id(text(vector, "text"));
        assert_eq!(
            key.is_some(),
            vector["accept"] == true,
            "{}",
            vector["text"]
        );
        if let Some(key) = key {
            assert_eq!(hex::encode(key.as_bytes()), vector["public_key"]);
            assert_eq!(keys::peer_id(&key), vector["text"]);
        }
    }
    for vector in list(&file("federation-links.json"), "hub_ids") {
        let key = keys::of_hub_id(text(vector, "text"));
        assert_eq!(
            key.is_some(),
            vector["accept"] == true,
            "{}",
            vector["name"]
        );
        if let Some(key) = key {
            assert_eq!(keys::hub_id(&key), vector["text"]);
        }
    }
}

#[test]
fn invites_of_the_vectors_are_judged_and_written() {
    let file = file("federation-links.json");
    let now = file["invites"]["now"].as_u64().expect("a time");
    for vector in list(&file["invites"], "texts") {
        let judged = Invite::of(text(vector, "text"), now);
        let refusal = judged.as_ref().err().copied();
        assert_eq!(
            refusal,
            vector["refusal"].as_str(),
            "{} {}",
            vector["name"],
            vector["about"]
        );
        if let Ok(invite) = judged {
            let key = keys::of_hub_id(&invite.hub).expect("a hub id");
            assert_eq!(invite.text(&key), text(vector, "text"));
        }
    }
}

#[test]
fn fingerprints_and_treaties_of_the_vectors_come_out() {
    let file = file("federation-links.json");
    for vector in list(&file, "fingerprints") {
        assert_eq!(
            fingerprint(&nonce(text(vector, "transcript"))),
            vector["fingerprint"]
        );
    }
    for vector in list(&file["treaties"], "documents") {
        if vector["grant"].is_object() {
            assert!(Treaty::of(&vector["grant"]).is_some(), "{}", vector["name"]);
        }
    }
    assert_eq!(Treaty::of(&json!({ "rows": [] })), None);
    let treaty = Treaty {
        verbs: vec!["echo:call".into()],
        expires: Some(5),
    };
    assert_eq!(Treaty::of(&treaty.wire()), Some(treaty));
}

#[test]
fn only_canonical_text_is_read() {
    let read = |text: &str| canonical::object(text.as_bytes(), 64).is_some();
    assert!(read(r#"{"a":1,"b":[]}"#));
    assert!(read("{\"\u{10000}\":1,\"\u{fb33}\":2}"));
    for text in [
        r#"{"b":1,"a":1}"#,
        r#"{"a":1.0}"#,
        r#"{"a":"\u0061"}"#,
        r#"{ "a":1}"#,
        "[]",
        "{}\n",
    ] {
        assert!(!read(text), "{text}");
    }
}
