//! Blocks of a blob (storage.md, section 2.2), and proof of a body in the dag form while it comes (3.2, 5).

use crate::cid::{varint, Cid, Codec};

pub const LEAF_MOST: usize = 1_048_576;
pub const NODE_MOST: usize = 65_536;
pub const LINKS_MOST: usize = 1_024;
const LEVELS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    BlockOversize,
    BadBlock,
    DagCut,
    DagSurplus,
    BadHead,
    BadNode,
    BadLengths,
    TooDeep,
    BadRange,
}

impl Fault {
    pub fn code(self) -> &'static str {
        match self {
            Fault::BlockOversize => "block_oversize",
            Fault::BadBlock => "bad_block",
            Fault::DagCut => "dag_cut",
            Fault::DagSurplus => "dag_surplus",
            Fault::BadHead => "bad_head",
            Fault::BadNode => "bad_node",
            Fault::BadLengths => "bad_lengths",
            Fault::TooDeep => "too_deep",
            Fault::BadRange => "bad_range",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    pub cid: Cid,
    pub length: u64,
    /// Bytes of all blocks of its tree.
    pub size: u64,
}

/// The children of a node in exactly the form of section 2.2.
pub fn children_of(block: &[u8]) -> Result<Vec<Child>, Fault> {
    let (cids, mut data) = parts(block).ok_or(Fault::BadNode)?;
    let (length, lengths) = unixfs(&mut data).ok_or(Fault::BadNode)?;
    if cids.is_empty() || cids.len() > LINKS_MOST {
        return Err(Fault::BadNode);
    }
    if cids.len() != lengths.len() || lengths.contains(&0) {
        return Err(Fault::BadLengths);
    }
    let sum = lengths
        .iter()
        .try_fold(0u64, |sum, one| sum.checked_add(*one));
    if sum != Some(length) {
        return Err(Fault::BadLengths);
    }
    let pairs = cids.into_iter().zip(lengths);
    Ok(pairs
        .map(|(cid, length)| Child {
            cid,
            length,
            size: 0,
        })
        .collect())
}

/// The links' CIDs and the data of a node.
fn parts(block: &[u8]) -> Option<(Vec<Cid>, &[u8])> {
    let (mut rest, mut cids) = (block, Vec::new());
    while rest.first() == Some(&0x12) {
        cids.push(link(field(&mut rest)?)?);
    }
    if rest.first() != Some(&0x0a) {
        return None;
    }
    let data = field(&mut rest)?;
    rest.is_empty().then_some((cids, data))
}

fn link(mut link: &[u8]) -> Option<Cid> {
    if link.first() != Some(&0x0a) {
        return None;
    }
    let cid = Cid::of_binary(field(&mut link)?).ok()?;
    if link.first() == Some(&0x12) && !field(&mut link)?.is_empty() {
        return None;
    }
    if link.first() == Some(&0x18) {
        number(&mut link)?;
    }
    link.is_empty().then_some(cid)
}

fn unixfs(data: &mut &[u8]) -> Option<(u64, Vec<u64>)> {
    if data.first() != Some(&0x08) || number(data)? != 2 || data.first() != Some(&0x18) {
        return None;
    }
    let (length, mut lengths) = (number(data)?, Vec::new());
    while data.first() == Some(&0x20) {
        lengths.push(number(data)?);
    }
    data.is_empty().then_some((length, lengths))
}

/// The bytes of the field whose tag is next.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = &bytes[1..];
    let length = usize::try_from(varint(&mut rest)?).ok()?;
    let value = rest.get(..length)?;
    *bytes = &rest[length..];
    Some(value)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut rest = &bytes[1..];
    let value = varint(&mut rest)?;
    *bytes = rest;
    Some(value)
}

/// A block that has to come: where its bytes begin in the blob, how many there are, and how deep it lies.
struct Expected {
    cid: Cid,
    from: u64,
    length: Option<u64>,
    level: usize,
}

/// Takes a body of the dag form in pieces and gives the proved bytes of the range. It holds one block, and what its
/// nodes name.
pub struct Prover {
    /// The next block is the last.
    waiting: Vec<Expected>,
    held: Vec<u8>,
    offset: u64,
    length: u64,
    total_len: Option<u64>,
    fault: Option<Fault>,
}

impl Prover {
    /// `total_len` is what the head of the answer says.
    pub fn new(cid: Cid, offset: u64, length: Option<u64>, total_len: Option<u64>) -> Prover {
        let root = Expected {
            cid,
            from: 0,
            length: None,
            level: 1,
        };
        Prover {
            waiting: vec![root],
            held: Vec::new(),
            offset,
            length: length.unwrap_or(u64::MAX),
            total_len,
            fault: None,
        }
    }

    /// Gives what `bytes` prove to `out`. What was given before a fault is proved and stays.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        while !bytes.is_empty() {
            let taken = self.step(&mut bytes, out);
            self.fault = taken.err();
            taken?;
        }
        Ok(())
    }

    /// Whether all of the range has come.
    pub fn done(&self) -> Result<(), Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.waiting.is_empty() => Ok(()),
            None => Err(Fault::DagCut),
        }
    }

    fn step(&mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let Some(next) = self.waiting.last() else {
            return Err(Fault::DagSurplus);
        };
        let most = match next.cid.codec {
            Codec::Raw => LEAF_MOST,
            Codec::DagPb => NODE_MOST,
        };
        let wanted = match self.held.first_chunk::<4>() {
            Some(head) => 4 + u32::from_le_bytes(*head) as usize,
            None => 4,
        };
        let part = bytes.len().min(wanted - self.held.len());
        self.held.extend(&bytes[..part]);
        *bytes = &bytes[part..];
        let Some(head) = self.held.first_chunk::<4>() else {
            return Ok(());
        };
        let length = u32::from_le_bytes(*head) as usize;
        if length > most {
            return Err(Fault::BlockOversize);
        }
        if self.held.len() == 4 + length {
            let held = std::mem::take(&mut self.held);
            let block = self.waiting.pop().expect("a block was expected");
            self.block(block, &held[4..], out)?;
        }
        Ok(())
    }

    fn block(&mut self, expected: Expected, block: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if !expected.cid.names(block) {
            return Err(Fault::BadBlock);
        }
        match expected.cid.codec {
            Codec::Raw => self.leaf(&expected, block, out),
            Codec::DagPb => self.node(&expected, block),
        }
    }

    fn leaf(&mut self, expected: &Expected, block: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let length = block.len() as u64;
        if expected.length.is_some_and(|said| said != length) {
            return Err(Fault::BadLengths);
        }
        if expected.level == 1 {
            self.root(length)?;
        }
        let begin = self.offset.saturating_sub(expected.from).min(length);
        let end = self.end().saturating_sub(expected.from).min(length);
        out.extend(&block[begin as usize..end as usize]);
        Ok(())
    }

    fn node(&mut self, expected: &Expected, block: &[u8]) -> Result<(), Fault> {
        let children = children_of(block)?;
        let length: u64 = children.iter().map(|child| child.length).sum();
        if expected.length.is_some_and(|said| said != length) {
            return Err(Fault::BadLengths);
        }
        if expected.level >= LEVELS {
            return Err(Fault::TooDeep);
        }
        if expected.level == 1 {
            self.root(length)?;
        }
        let (mut from, end) = (expected.from, self.end());
        let mut wanted = Vec::new();
        for child in children {
            if from < end && from + child.length > self.offset {
                wanted.push(Expected {
                    cid: child.cid,
                    from,
                    length: Some(child.length),
                    level: expected.level + 1,
                });
            }
            from += child.length;
        }
        self.waiting.extend(wanted.into_iter().rev());
        Ok(())
    }

    fn root(&self, length: u64) -> Result<(), Fault> {
        if self.offset >= length && (self.offset, length) != (0, 0) {
            return Err(Fault::BadRange);
        }
        if self.total_len.is_some_and(|said| said != length) {
            return Err(Fault::BadHead);
        }
        Ok(())
    }

    fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

#[cfg(test)]
#[path = "dag_test.rs"]
mod tests;
