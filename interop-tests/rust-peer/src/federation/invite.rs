//! An invite (federation-links.md, section 8.1).

use base64::prelude::{Engine, BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use super::forms::TIME_MOST;
use super::keys;

const TEXT_MOST: usize = 4_096;
const LIFE_S: u64 = 900;
const SKEW_S: u64 = 60;
const CHECK: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    pub hub: String,
    pub secret: [u8; 16],
    pub expires: u64,
    pub addresses: Vec<String>,
}

impl Invite {
    /// @return a code of the text for one that is none
    pub fn of(text: &str, now: u64) -> Result<Invite, &'static str> {
        if text.len() > TEXT_MOST {
            return Err("form");
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| "form")?;
        let invite = Invite::of_bytes(&bytes).ok_or("form")?;
        if now >= invite.expires {
            return Err("expired");
        }
        if invite.expires > now + LIFE_S + SKEW_S {
            return Err("too_long");
        }
        Ok(invite)
    }

    fn of_bytes(bytes: &[u8]) -> Option<Invite> {
        let (body, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
        if Sha256::digest(body)[..CHECK] != *check || *body.first()? != 1 {
            return None;
        }
        let key = keys::usable(body.get(1..33)?)?;
        let secret = body.get(33..49)?.try_into().ok()?;
        let expires = u64::from_le_bytes(body.get(49..57)?.try_into().ok()?);
        let many = usize::from(*body.get(57)?);
        let mut rest = &body[58..];
        let mut addresses = Vec::new();
        for _ in 0..many {
            let (length, behind) = rest.split_first()?;
            let (address, behind) = behind.split_at_checked(usize::from(*length))?;
            rest = behind;
            let printable = address.iter().all(|byte| (0x21..0x7f).contains(byte));
            if address.len() < 2 || address[0] != b'/' || !printable {
                return None;
            }
            addresses.push(String::from_utf8(address.to_vec()).ok()?);
        }
        let sound =
            (1..=8).contains(&many) && rest.is_empty() && (1..=TIME_MOST).contains(&expires);
        sound.then(|| Invite {
            hub: keys::hub_id(&key),
            secret,
            expires,
            addresses,
        })
    }

    pub fn text(&self, key: &VerifyingKey) -> String {
        let mut bytes = vec![1];
        bytes.extend(key.as_bytes());
        bytes.extend(self.secret);
        bytes.extend(self.expires.to_le_bytes());
        bytes.push(self.addresses.len() as u8);
        for address in &self.addresses {
            bytes.push(address.len() as u8);
            bytes.extend(address.as_bytes());
        }
        let check = Sha256::digest(&bytes);
        bytes.extend(&check[..CHECK]);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// K: the key of the proofs.
    pub fn k(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}
