use super::*;
use crate::blob::tree_of;
use crate::vectors::{bytes, file, list, text};
use serde_json::Value;

/// What a body proves in pieces of a length, and how it ends.
fn proved(vector: &Value, body: &[u8], piece: usize) -> (Vec<u8>, Result<(), Fault>) {
    let cid = Cid::of_text(text(vector, "cid")).expect("a content id");
    let offset = vector["offset"].as_u64().unwrap_or(0);
    let total_len = vector["total_len"].as_u64();
    let mut prover = Prover::new(cid, offset, vector["length"].as_u64(), total_len);
    let mut out = Vec::new();
    for part in body.chunks(piece) {
        if let Err(fault) = prover.take(part, &mut out) {
            return (out, Err(fault));
        }
    }
    (out, prover.done())
}

#[test]
fn bodies_of_the_vectors_are_proved_however_they_are_cut() {
    for vector in list(&file("storage-dags.json"), "valid") {
        let body = bytes(&vector["body"]);
        for piece in [1, 7, 65_536, usize::MAX] {
            let (plain, ended) = proved(vector, &body, piece);
            assert_eq!(ended, Ok(()), "{}", vector["name"]);
            assert!(plain == bytes(&vector["plain"]), "{}", vector["name"]);
        }
    }
}

#[test]
fn lies_of_the_vectors_are_named_and_nothing_unproved_is_given() {
    for vector in list(&file("storage-dags.json"), "invalid") {
        let body = bytes(&vector["body"]);
        for piece in [1, usize::MAX] {
            let (plain, ended) = proved(vector, &body, piece);
            let fault = ended.expect_err(text(vector, "name"));
            assert_eq!(fault.code(), vector["code"], "{}", vector["name"]);
            assert_eq!(plain.len() as u64, vector["proved"], "{}", vector["name"]);
        }
    }
}

#[test]
fn blobs_of_the_vectors_have_their_content_ids() {
    for vector in list(&file("storage-cids.json"), "blobs") {
        if vector["profile"] != "omnigate-v1" {
            continue;
        }
        let tree = tree_of(&match vector["zeros"].as_u64() {
            Some(zeros) => vec![0; zeros as usize],
            None => counted(vector["counted"].as_u64().expect("a count") as usize),
        });
        assert_eq!(tree.cid.text(), vector["cid"], "{vector}");
        assert_eq!(
            tree.blocks(0, u64::MAX).len() as u64,
            vector["blocks"],
            "{vector}"
        );
    }
}

fn counted(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (state >> 16) as u8
    };
    (0..length).map(next).collect()
}

#[test]
fn ranges_that_are_served_are_proved() {
    let bytes = crate::blob::sample("ranges", 5 * 65_536 + 9);
    let tree = tree_of(&bytes);
    for (offset, length) in [
        (0, 1),
        (65_535, 2),
        (65_536, 65_536),
        (100, 200_000),
        (327_680, 99),
    ] {
        let mut prover = Prover::new(tree.cid, offset, Some(length), Some(tree.length));
        let mut out = Vec::new();
        for one in tree.blocks(offset, length) {
            prover
                .take(&(one.block.len() as u32).to_le_bytes(), &mut out)
                .expect("a length");
            prover.take(&one.block, &mut out).expect("a block");
        }
        assert_eq!(prover.done(), Ok(()));
        let end = (offset + length).min(tree.length) as usize;
        assert!(out == bytes[offset as usize..end]);
        assert_eq!(prover.take(&[0], &mut out), Err(Fault::DagSurplus));
        assert_eq!(prover.done(), Err(Fault::DagSurplus));
    }
}
