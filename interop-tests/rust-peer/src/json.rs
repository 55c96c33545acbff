//! JSON as OAP/1 has it (oap-1.md, section 8.2) and records (8.3).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

const BYTES: usize = 65_536;
const DEPTH: usize = 16;
const MOST: i64 = (1 << 53) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    BadPayload,
    BodyOversize,
}

/// One object by the strict rules.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, Refused> {
    if bytes.len() > BYTES {
        return Err(Refused::BodyOversize);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Refused::BadPayload)?;
    look(text)?;
    match serde_json::from_str(text) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        _ => Err(Refused::BadPayload),
    }
}

/// What the parser would hide: how deep it goes, and how numbers are written.
fn look(text: &str) -> Result<(), Refused> {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    let mut literal = false;
    for byte in text.bytes() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH {
                    return Err(Refused::BadPayload);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            // The e of true and false stands behind a letter, that of a number behind a digit.
            b'.' => return Err(Refused::BadPayload),
            b'e' | b'E' if !literal => return Err(Refused::BadPayload),
            _ => {}
        }
        literal = byte.is_ascii_alphabetic();
    }
    Ok(())
}

/// A value without fractions, too large integers, and members that stand twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON by the rules of OAP/1")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        if (-MOST..=MOST).contains(&value) {
            return Ok(value.into());
        }
        Err(E::custom("an integer beyond 2^53 - 1"))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(E::custom("an integer beyond 2^53 - 1")),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // How it is written was looked at: only -0 and what is too large come as such.
        if value == 0.0 {
            return Ok(0.into());
        }
        Err(E::custom("an integer beyond 2^53 - 1"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member that stands twice"));
            }
        }
        Ok(object.into())
    }
}

/// A record of a header and a body.
pub fn record(header: &Value, body: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    let length = u16::try_from(header.len()).expect("headers of this peer are short");
    let mut bytes = vec![0];
    bytes.extend(length.to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    bytes
}

/// The header and the body of a START payload in either form.
pub fn payload(bytes: &[u8]) -> Result<(Map<String, Value>, &[u8]), Refused> {
    match bytes.first() {
        Some(b'{') => Ok((object(bytes)?, &[])),
        Some(0) if bytes.len() >= 3 => {
            let end = 3 + usize::from(u16::from_le_bytes([bytes[1], bytes[2]]));
            let header = bytes.get(3..end).ok_or(Refused::BadPayload)?;
            Ok((object(header)?, &bytes[end..]))
        }
        _ => Err(Refused::BadPayload),
    }
}

#[cfg(test)]
#[path = "json_test.rs"]
mod tests;
