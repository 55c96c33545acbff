use super::*;
use crate::vectors::{bytes, file, list};

#[test]
fn requests_of_the_vectors_are_taken_or_refused_with_their_code() {
    let shelf = Shelf::default();
    let mut judged = 0;
    for vector in list(&file("storage-requests.json"), "requests") {
        let payload = bytes(&vector["payload"]);
        let Ok((header, body)) = json::payload(&payload) else {
            continue;
        };
        let op = header.get("op").and_then(Value::as_str).unwrap_or_default();
        if !matches!(op, "get" | "has") {
            continue;
        }
        judged += 1;
        let name = &vector["name"];
        match shelf.answer(op, &header, body) {
            Ok(_) => assert_eq!(vector["accept"], true, "{name}"),
            Err(Refusal { status: 404, .. }) => assert_eq!(vector["accept"], true, "{name}"),
            Err(refused) => assert_eq!(refused.code, vector["code"], "{name}"),
        }
    }
    assert!(judged > 20, "{judged} requests");
}

#[test]
fn a_range_is_the_same_in_both_forms() {
    let mut shelf = Shelf::default();
    let cid = shelf.keep("forms", 200_000, Stray::default());
    let ask = |form: &str| {
        let header = json!({ "cid": cid.text(), "offset": 65_000, "length": 70_000, "form": form });
        let answer = shelf
            .answer("get", header.as_object().expect("an object"), &[])
            .expect("an answer");
        assert_eq!(answer.code, 206);
        answer.body.collect::<Vec<_>>().concat()
    };
    let mut prover = crate::dag::Prover::new(cid, 65_000, Some(70_000), Some(200_000));
    let mut proved = Vec::new();
    prover.take(&ask("dag"), &mut proved).expect("a proof");
    assert_eq!(prover.done(), Ok(()));
    assert!(proved == ask("raw"));
    assert!(proved == sample("forms", 200_000)[65_000..135_000]);
}
