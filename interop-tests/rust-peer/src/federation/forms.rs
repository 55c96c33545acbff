//! The forms of members (federation-handshake.md, section 3).

use serde_json::{Map, Value};

use crate::hex;

pub type Object = Map<String, Value>;

pub const TIME_MOST: u64 = 8_640_000_000_000;
pub const INTEGER_MOST: u64 = (1 << 53) - 1;

pub fn text<'a>(of: &'a Object, name: &str) -> Option<&'a str> {
    of.get(name)?.as_str()
}

pub fn number(of: &Object, name: &str, least: u64, most: u64) -> Option<u64> {
    of.get(name)?
        .as_u64()
        .filter(|value| (least..=most).contains(value))
}

pub fn object<'a>(of: &'a Object, name: &str) -> Option<&'a Object> {
    of.get(name)?.as_object()
}

pub fn list<'a>(of: &'a Object, name: &str, least: usize, most: usize) -> Option<&'a [Value]> {
    let items = of.get(name)?.as_array()?;
    (least..=most).contains(&items.len()).then_some(items)
}

pub fn bytes<const N: usize>(of: &Object, name: &str) -> Option<[u8; N]> {
    hex::decode(text(of, name)?)?.try_into().ok()
}

/// 1 to `most` of a-z, 0-9 and -.
pub fn is_name(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Names in ascending order, none twice.
pub fn names(items: &[Value]) -> Option<Vec<String>> {
    let names: Option<Vec<String>> = items
        .iter()
        .map(|item| {
            item.as_str()
                .filter(|name| is_name(name, 32))
                .map(str::to_owned)
        })
        .collect();
    names.filter(|names| names.windows(2).all(|pair| pair[0] < pair[1]))
}
