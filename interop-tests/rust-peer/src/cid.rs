//! Content ids (storage.md, section 2.1).

use sha2::{Digest, Sha256};

const TEXT_MOST: usize = 128;
const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const VARINT_MOST: u64 = (1 << 53) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    Raw = 0x55,
    DagPb = 0x70,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cid {
    pub codec: Codec,
    pub digest: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    BadCid,
    UnsupportedCid,
}

impl Refused {
    pub fn code(self) -> &'static str {
        match self {
            Refused::BadCid => "bad_cid",
            Refused::UnsupportedCid => "unsupported_cid",
        }
    }
}

impl Cid {
    pub fn of(codec: Codec, block: &[u8]) -> Cid {
        Cid {
            codec,
            digest: Sha256::digest(block).into(),
        }
    }

    pub fn names(&self, block: &[u8]) -> bool {
        self.digest == <[u8; 32]>::from(Sha256::digest(block))
    }

    pub fn binary(&self) -> Vec<u8> {
        let mut bytes = vec![1, self.codec as u8, 0x12, 32];
        bytes.extend(self.digest);
        bytes
    }

    pub fn text(&self) -> String {
        format!("b{}", base32(&self.binary()))
    }

    pub fn of_text(text: &str) -> Result<Cid, Refused> {
        if text.chars().count() > TEXT_MOST {
            return Err(Refused::BadCid);
        }
        if text.len() == 46 && text.starts_with("Qm") && text.chars().all(|c| BASE58.contains(c)) {
            return Err(Refused::UnsupportedCid);
        }
        let rest = text.strip_prefix('b').ok_or(Refused::BadCid)?;
        Cid::of_binary(&of_base32(rest).ok_or(Refused::BadCid)?)
    }

    pub fn of_binary(bytes: &[u8]) -> Result<Cid, Refused> {
        if bytes.len() == 34 && bytes.starts_with(&[0x12, 0x20]) {
            return Err(Refused::UnsupportedCid);
        }
        let mut rest = bytes;
        let mut next = || varint(&mut rest).ok_or(Refused::BadCid);
        if next()? != 1 {
            return Err(Refused::UnsupportedCid);
        }
        let (codec, hash, length) = (next()?, next()?, next()?);
        if rest.len() as u64 != length {
            return Err(Refused::BadCid);
        }
        let codec = match codec {
            0x55 => Codec::Raw,
            0x70 => Codec::DagPb,
            _ => return Err(Refused::UnsupportedCid),
        };
        if hash != 0x12 {
            return Err(Refused::UnsupportedCid);
        }
        let digest = rest.try_into().map_err(|_| Refused::UnsupportedCid)?;
        Ok(Cid { codec, digest })
    }
}

/// Takes an unsigned varint off the front: its shortest form, at most 8 bytes and 2^53 - 1.
pub fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (n, byte) in bytes.iter().copied().enumerate().take(8) {
        value |= u64::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            *bytes = &bytes[n + 1..];
            return (value <= VARINT_MOST && (byte != 0 || n == 0)).then_some(value);
        }
    }
    None
}

/// RFC 4648 in lower case without padding.
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(BASE32[(held >> bits & 31) as usize] as char);
        }
    }
    if bits > 0 {
        text.push(BASE32[(held << (5 - bits) & 31) as usize] as char);
    }
    text
}

pub fn of_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for letter in text.bytes() {
        let value = BASE32.iter().position(|known| *known == letter)? as u32;
        held = (held << 5 | value) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    (bits < 5 && held & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
#[path = "cid_test.rs"]
mod tests;
