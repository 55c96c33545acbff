use super::*;
use crate::vectors::{bytes, file, list};

fn judged(refused: Refused) -> &'static str {
    match refused {
        Refused::BadPayload => "bad_payload",
        Refused::BodyOversize => "body_oversize",
    }
}

#[test]
fn json_is_taken_and_refused_as_the_vectors_say() {
    for vector in list(&file("oap1-payloads.json"), "json") {
        match object(&bytes(&vector["bytes"])) {
            Ok(value) => {
                assert_eq!(vector["accept"], true, "{vector}");
                if !vector["value"].is_null() {
                    assert_eq!(Value::from(value), vector["value"], "{vector}");
                }
            }
            Err(refused) => assert_eq!(judged(refused), vector["reason"], "{}", vector["name"]),
        }
    }
}

#[test]
fn start_payloads_are_taken_and_refused_as_the_vectors_say() {
    for vector in list(&file("oap1-payloads.json"), "start") {
        let wire = bytes(&vector["bytes"]);
        match payload(&wire) {
            Ok((header, body)) => {
                assert_eq!(vector["accept"], true, "{}", vector["name"]);
                if !vector["header"].is_null() {
                    assert_eq!(Value::from(header), vector["header"], "{}", vector["name"]);
                }
                assert_eq!(body, bytes(&vector["body"]), "{}", vector["name"]);
            }
            Err(refused) => assert_eq!(judged(refused), vector["reason"], "{}", vector["name"]),
        }
    }
}
