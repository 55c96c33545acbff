//! A treaty on the wire (federation-links.md, sections 7.1 and 7.3).

use serde_json::{json, Value};

use super::canonical;
use super::forms::{bytes, list, number, object, text, Object, TIME_MOST};

const BYTES_MOST: usize = 49_152;

/// What a hub lets another one do, as far as this peer looks at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Treaty {
    pub verbs: Vec<String>,
    pub expires: Option<u64>,
}

impl Treaty {
    pub fn of(value: &Value) -> Option<Treaty> {
        let members = value
            .as_object()
            .filter(|_| canonical::text(value).len() <= BYTES_MOST)?;
        let rows = list(members, "rows", 0, 64)?;
        let ids: Option<Vec<_>> = rows.iter().map(|row| row_id(row.as_object()?)).collect();
        let mut ids = ids?;
        ids.sort();
        let twice = ids.windows(2).any(|pair| pair[0] == pair[1]);
        let classes = texts(list(members, "classes", 0, 2)?)?;
        let verbs = texts(list(members, "verbs", 0, 256)?)?;
        let quotas = object(members, "quotas")?;
        number(quotas, "calls_per_s", 1, 1_000_000_000)?;
        number(quotas, "bytes_per_s", 1 << 20, 1 << 40)?;
        number(quotas, "streams", 1, 65_536)?;
        number(members, "window_s", 60, 31_622_400)?;
        members.get("witness")?.as_bool()?;
        let expires = match members.get("expires") {
            None => None,
            Some(_) => Some(number(members, "expires", 1, TIME_MOST)?),
        };
        let known = classes
            .iter()
            .all(|class| matches!(class.as_str(), "public" | "federated"));
        let sound = known
            && !twice
            && unique(&classes)
            && unique(&verbs)
            && verbs.iter().all(|verb| is_verb(verb));
        sound.then_some(Treaty { verbs, expires })
    }

    /// From that second on nothing of it holds.
    pub fn expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }

    pub fn wire(&self) -> Value {
        let mut verbs = self.verbs.clone();
        verbs.sort();
        let mut wire = json!({
            "classes": ["public"],
            "quotas": { "bytes_per_s": 16_777_216, "calls_per_s": 100, "streams": 64 },
            "rows": [],
            "verbs": verbs,
            "window_s": 604_800,
            "witness": false,
        });
        if let Some(expires) = self.expires {
            wire["expires"] = json!(expires);
        }
        wire
    }
}

/// The share of a row that is one.
fn row_id(row: &Object) -> Option<[u8; 16]> {
    let share = object(row, "share")?;
    let name = text(share, "name")?;
    let topics = texts(list(row, "topics", 1, 16)?)?;
    let named = (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        && name.as_bytes()[0].is_ascii_alphanumeric();
    row.get("relay")?.as_bool()?;
    let sound = named
        && matches!(text(row, "dir")?, "in" | "out" | "both")
        && unique(&topics)
        && topics.iter().all(|topic| is_pattern(topic));
    sound.then_some(bytes(share, "id")?)
}

fn texts(items: &[Value]) -> Option<Vec<String>> {
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn unique(items: &[String]) -> bool {
    let mut sorted: Vec<_> = items.iter().collect();
    sorted.sort();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

/// capabilities.md, section 5.2
fn is_verb(verb: &str) -> bool {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len())
            && name.as_bytes()[0].is_ascii_lowercase()
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    };
    verb.split_once(':')
        .is_some_and(|(app, op)| is_name(app) && is_name(op))
}

/// capabilities.md, section 5.4
fn is_pattern(pattern: &str) -> bool {
    let segments: Vec<_> = pattern.split('/').collect();
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && segment.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-')
            })
    };
    pattern.len() <= 255
        && segments.iter().enumerate().all(|(n, segment)| {
            is_segment(segment) || *segment == "*" || *segment == "**" && n + 1 == segments.len()
        })
}
