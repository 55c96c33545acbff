//! Canonical JSON: RFC 8785 with integers as the only numbers (federation-links.md, section 1).

use serde_json::{Map, Value};

use crate::json;

/// The canonical text of a value.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_cached_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            out.push('{');
            for (n, (name, item)) in sorted.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        // Its escapes are those of RFC 8785.
        other => out.push_str(&other.to_string()),
    }
}

/// The object that `bytes` are the canonical text of, if they are no more than `most` and it has at most 4,096 values.
pub fn object(bytes: &[u8], most: usize) -> Option<Map<String, Value>> {
    const VALUES: usize = 4_096;
    if bytes.len() > most {
        return None;
    }
    let object = Value::Object(json::object(bytes).ok()?);
    if values(&object) > VALUES || text(&object).as_bytes() != bytes {
        return None;
    }
    match object {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// Members and items in all.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len() + items.iter().map(values).sum::<usize>(),
        Value::Object(members) => members.len() + members.values().map(values).sum::<usize>(),
        _ => 0,
    }
}
