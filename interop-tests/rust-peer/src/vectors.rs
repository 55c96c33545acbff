//! What specs/vectors/README.md says of the files there, for the tests of this peer.

use serde_json::Value;

pub fn file(name: &str) -> Value {
    let path = format!("{}/../../specs/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("a file of vectors")).expect("JSON")
}

pub fn list<'a>(file: &'a Value, name: &str) -> &'a [Value] {
    let items = file[name].as_array().expect("a list of vectors");
    assert!(!items.is_empty(), "{name} is empty");
    items
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The bytes that a bytes expression stands for; none for what is missing.
pub fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::String(hex) => of_hex(hex),
        Value::Array(parts) => parts.iter().flat_map(bytes).collect(),
        Value::Object(one) if one.contains_key("utf8") => text(value, "utf8").as_bytes().to_vec(),
        Value::Object(one) if one.contains_key("repeat") => {
            let count = one["repeat"]["count"].as_u64().expect("a count");
            of_hex(text(&one["repeat"], "hex")).repeat(count as usize)
        }
        Value::Object(one) if one.contains_key("record") => {
            let header = bytes(&one["record"]["header"]);
            let length = (header.len() as u16).to_le_bytes();
            let body = bytes(&one["record"]["body"]);
            [&[0], &length[..], &header, &body].concat()
        }
        other => panic!("no bytes expression: {other}"),
    }
}

pub fn of_hex(hex: &str) -> Vec<u8> {
    crate::hex::decode(hex).unwrap_or_else(|| panic!("no hex: {hex}"))
}
