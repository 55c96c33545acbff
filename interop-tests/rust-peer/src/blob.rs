//! Blobs that this peer has: bytes divided by the profile omnigate-v1 (storage.md, section 2.3), and the blocks of a range.

use std::sync::Arc;

use crate::cid::{Cid, Codec};
use crate::dag::{Child, LINKS_MOST};
use sha2::{Digest, Sha256};

pub const LEAF: usize = 65_536;

/// A block with what lies below it.
pub struct Tree {
    pub cid: Cid,
    pub block: Arc<[u8]>,
    pub length: u64,
    size: u64,
    below: Vec<Tree>,
}

/// The bytes that a test knows by a text: SHA-256 of it and a counter, one after the other.
pub fn sample(text: &str, length: usize) -> Vec<u8> {
    let blocks = (0..length.div_ceil(32)).flat_map(|n| Sha256::digest(format!("{text} {n}")));
    blocks.take(length).collect()
}

pub fn tree_of(bytes: &[u8]) -> Tree {
    if bytes.is_empty() {
        return leaf(&[]);
    }
    let mut level: Vec<Tree> = bytes.chunks(LEAF).map(leaf).collect();
    while level.len() > 1 {
        let mut above = Vec::new();
        while !level.is_empty() {
            let rest = level.split_off(level.len().min(LINKS_MOST));
            above.push(node(std::mem::replace(&mut level, rest)));
        }
        level = above;
    }
    level.pop().expect("a blob has a root")
}

fn leaf(bytes: &[u8]) -> Tree {
    Tree {
        cid: Cid::of(Codec::Raw, bytes),
        block: bytes.into(),
        length: bytes.len() as u64,
        size: bytes.len() as u64,
        below: Vec::new(),
    }
}

fn node(below: Vec<Tree>) -> Tree {
    let children: Vec<_> = below
        .iter()
        .map(|tree| Child {
            cid: tree.cid,
            length: tree.length,
            size: tree.size,
        })
        .collect();
    let block = node_of(&children);
    Tree {
        cid: Cid::of(Codec::DagPb, &block),
        length: below.iter().map(|tree| tree.length).sum(),
        size: block.len() as u64 + below.iter().map(|tree| tree.size).sum::<u64>(),
        block: block.into(),
        below,
    }
}

fn node_of(children: &[Child]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for child in children {
        let mut link = vec![0x0a, 36];
        link.extend(child.cid.binary());
        link.extend([0x12, 0, 0x18]);
        put_varint(&mut link, child.size);
        bytes.push(0x12);
        put_varint(&mut bytes, link.len() as u64);
        bytes.extend(link);
    }
    let mut data = vec![0x08, 2, 0x18];
    put_varint(&mut data, children.iter().map(|child| child.length).sum());
    for child in children {
        data.push(0x20);
        put_varint(&mut data, child.length);
    }
    bytes.push(0x0a);
    put_varint(&mut bytes, data.len() as u64);
    bytes.extend(data);
    bytes
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

impl Tree {
    pub fn is_leaf(&self) -> bool {
        self.below.is_empty()
    }

    /// The blocks of a range in the order of section 3.2.
    pub fn blocks(&self, offset: u64, length: u64) -> Vec<&Tree> {
        let mut found = vec![self];
        let (mut from, end) = (0, offset.saturating_add(length));
        for child in &self.below {
            if from < end && from + child.length > offset {
                let within = offset.saturating_sub(from);
                found.extend(child.blocks(within, end - from.max(offset)));
            }
            from += child.length;
        }
        found
    }
}
