//! The service 0x0301 for what stands on this peer's shelf, all of it public (storage.md, sections 3 and 4).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{json, Map, Value};

use crate::blob::{sample, tree_of, Tree};
use crate::cid::Cid;
use crate::dag::LEAF_MOST;
use crate::errors::{refusal, Refusal};
use crate::json;
use crate::services::Answer;

const HAS_MOST: usize = 1_024;

/// How a blob is sent otherwise than the text has it, from the block `at` on.
#[derive(Clone, Debug, Default)]
pub struct Stray {
    pub way: String,
    pub at: usize,
}

struct Kept {
    tree: Tree,
    stray: Stray,
}

#[derive(Default)]
pub struct Shelf {
    kept: HashMap<Cid, Kept>,
}

impl Shelf {
    /// Keeps the sample of a text; yields its CID.
    pub fn keep(&mut self, text: &str, bytes: usize, stray: Stray) -> Cid {
        let tree = tree_of(&sample(text, bytes));
        let cid = tree.cid;
        self.kept.insert(cid, Kept { tree, stray });
        cid
    }

    pub fn answer(
        &self,
        op: &str,
        header: &Map<String, Value>,
        body: &[u8],
    ) -> Result<Answer, Refusal> {
        if !body.is_empty() {
            return Err(bad_request());
        }
        match op {
            "has" => self.has(header),
            _ => self.get(header),
        }
    }

    fn has(&self, header: &Map<String, Value>) -> Result<Answer, Refusal> {
        let cids = header
            .get("cids")
            .and_then(Value::as_array)
            .ok_or_else(bad_request)?;
        if cids.is_empty() || cids.len() > HAS_MOST {
            return Err(bad_request());
        }
        let mut bits = vec![0; cids.len().div_ceil(8)];
        for (n, cid) in cids.iter().enumerate() {
            bits[n / 8] |= u8::from(self.kept.contains_key(&cid_of(Some(cid))?)) << (n % 8);
        }
        Ok(Answer::whole(json::record(&json!({}), &bits)))
    }

    fn get(&self, header: &Map<String, Value>) -> Result<Answer, Refusal> {
        let cid = cid_of(header.get("cid"))?;
        let number = |name: &str, least| match header.get(name).map(Value::as_u64) {
            None => Ok(None),
            Some(Some(value)) if value >= least => Ok(Some(value)),
            Some(_) => Err(bad_request()),
        };
        let (offset, length) = (number("offset", 0)?.unwrap_or(0), number("length", 1)?);
        let dag = match header.get("form").map(Value::as_str) {
            None | Some(Some("dag")) => true,
            Some(Some("raw")) => false,
            Some(_) => return Err(bad_request()),
        };
        let Kept { tree, stray } = self
            .kept
            .get(&cid)
            .ok_or_else(|| refusal(404, "not_found"))?;
        if offset >= tree.length && (offset, tree.length) != (0, 0) {
            return Err(refusal(400, "bad_range"));
        }
        let most = tree.length - offset;
        let length = length.unwrap_or(most).min(most);
        let other = u64::from(stray.way == "other length");
        let head = json!({
            "cid": cid.text(),
            "offset": offset,
            "length": length + other,
            "total_len": tree.length + other,
        });
        Ok(Answer {
            code: if length < tree.length { 206 } else { 0 },
            flags: 0,
            head: json::record(&head, &[]),
            body: if dag {
                dag_body(tree, stray, offset, length)
            } else {
                raw_body(tree, offset, length)
            },
        })
    }
}

type Body = Box<dyn Iterator<Item = Vec<u8>> + Send>;

fn dag_body(tree: &Tree, stray: &Stray, offset: u64, length: u64) -> Body {
    let blocks: Vec<Arc<[u8]>> = tree
        .blocks(offset, length)
        .into_iter()
        .map(|tree| tree.block.clone())
        .collect();
    let Stray { way, at } = stray.clone();
    let sent = match way.as_str() {
        "cut" => blocks.len().min(at),
        _ => blocks.len(),
    };
    let last = blocks.last().cloned();
    let strayed = blocks
        .into_iter()
        .take(sent)
        .enumerate()
        .map(move |(n, block)| {
            let mut bytes = block.to_vec();
            let mut length = bytes.len();
            if n == at {
                match way.as_str() {
                    "lie" => bytes[0] ^= 1,
                    "oversize" => length = LEAF_MOST + 1,
                    _ => {}
                }
            }
            [&(length as u32).to_le_bytes()[..], &bytes].concat()
        });
    let framed = |block: Arc<[u8]>| [&(block.len() as u32).to_le_bytes()[..], &block].concat();
    let more = last.filter(|_| stray.way == "endless").into_iter();
    Box::new(strayed.chain(more.flat_map(move |block| std::iter::repeat(framed(block)))))
}

fn raw_body(tree: &Tree, offset: u64, length: u64) -> Body {
    let leaves: Vec<Arc<[u8]>> = tree
        .blocks(0, u64::MAX)
        .into_iter()
        .filter(|one| one.is_leaf())
        .map(|leaf| leaf.block.clone())
        .collect();
    let mut from = 0;
    Box::new(leaves.into_iter().map(move |leaf| {
        let begin = offset.saturating_sub(from).min(leaf.len() as u64);
        let end = (offset + length)
            .saturating_sub(from)
            .min(leaf.len() as u64);
        from += leaf.len() as u64;
        leaf[begin as usize..end as usize].to_vec()
    }))
}

fn bad_request() -> Refusal {
    refusal(400, "bad_request")
}

fn cid_of(value: Option<&Value>) -> Result<Cid, Refusal> {
    let value = value.ok_or_else(bad_request)?;
    Cid::of_text(value.as_str().unwrap_or_default()).map_err(|refused| refusal(400, refused.code()))
}

#[cfg(test)]
#[path = "storage_test.rs"]
mod tests;
