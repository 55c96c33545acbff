use super::*;
use crate::vectors::{file, list, of_hex, text};

#[test]
fn content_ids_of_the_vectors_are_read_and_written() {
    for vector in list(&file("storage-cids.json"), "accepted") {
        let cid = Cid::of_text(text(vector, "text")).expect("a content id");
        assert_eq!(cid.binary(), of_hex(text(vector, "binary")));
        assert_eq!(Cid::of_binary(&cid.binary()), Ok(cid));
        assert_eq!(cid.text(), vector["text"]);
        assert_eq!(cid.digest.to_vec(), of_hex(text(vector, "digest")));
        assert_eq!(cid.codec == Codec::Raw, vector["codec"] == "raw");
    }
}

#[test]
fn what_is_no_content_id_is_refused_with_the_code_of_the_vectors() {
    for vector in list(&file("storage-cids.json"), "refused") {
        let judged = match vector["text"].as_str() {
            Some(text) => Cid::of_text(text),
            None => Cid::of_binary(&of_hex(text(vector, "binary"))),
        };
        let refused = judged.expect_err(text(vector, "name"));
        assert_eq!(refused.code(), vector["code"], "{}", vector["name"]);
    }
}
