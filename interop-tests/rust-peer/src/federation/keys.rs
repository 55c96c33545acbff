//! Hub ids, peer ids, and signatures of their keys (federation-links.md, sections 1 and 2).

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::cid::{base32, of_base32};

const PEER_HEAD: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// A public key under which one signature fits one text.
pub fn usable(key: &[u8]) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = key.try_into().ok()?;
    let key = VerifyingKey::from_bytes(&bytes).ok()?;
    let canonical = key.to_edwards().compress().to_bytes() == bytes;
    (canonical && !key.is_weak()).then_some(key)
}

pub fn hub_id(key: &VerifyingKey) -> String {
    format!("h1{}", base32(key.as_bytes()))
}

pub fn of_hub_id(text: &str) -> Option<VerifyingKey> {
    let key = of_base32(text.strip_prefix("h1").filter(|rest| rest.len() == 52)?)?;
    usable(&key)
}

pub fn peer_id(key: &VerifyingKey) -> String {
    bs58::encode([&PEER_HEAD[..], key.as_bytes()].concat()).into_string()
}

pub fn of_peer_id(text: &str) -> Option<VerifyingKey> {
    if text.len() > 64 {
        return None;
    }
    let bytes = bs58::decode(text).into_vec().ok()?;
    usable(bytes.strip_prefix(&PEER_HEAD)?)
}

pub fn sign(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    key.sign(message).to_bytes()
}

pub fn fits(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}
