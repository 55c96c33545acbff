use super::*;
use crate::blob::{sample, tree_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::compat::TokioAsyncReadCompatExt;

fn response(flags: u16, app: u16, corr: u64, code: u16, payload: Vec<u8>) -> Vec<u8> {
    let frame = Frame {
        flags,
        app,
        corr,
        code,
        payload,
        ..Frame::default()
    };
    frame::encode(&frame).expect("a frame")
}

/// How a call ends whose answer is these bytes, and then the end or nothing more.
async fn ended(answer: &[u8], fin: bool) -> Result<(u16, Vec<u8>), Failure> {
    let (mut near, far) = tokio::io::duplex(8 * MAX_FRAME);
    near.write_all(answer).await.expect("room");
    if fin {
        near.shutdown().await.expect("an end");
    }
    whole(&mut far.compat(), 1, br#"{"op":"echo"}"#.to_vec()).await
}

fn lie_of<A>(ended: Result<A, Failure>) -> &'static str {
    match ended {
        Err(Failure::Lie(code)) => code,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was believed"),
    }
}

#[tokio::test]
async fn what_is_not_of_the_call_is_passed_over_but_not_for_ever() {
    let strays = [
        response(RESP, 1, 2, 0, b"other".to_vec()),
        response(REQ, 1, 1, 0, b"request".to_vec()),
        response(EVENT, 1, 1, 0, b"event".to_vec()),
    ]
    .concat();
    let good = response(RESP | END, 1, 1, 204, b"good".to_vec());
    assert_eq!(
        ended(&[&strays[..], &good].concat(), true)
            .await
            .expect("good"),
        (204, b"good".to_vec())
    );
    assert_eq!(lie_of(ended(&strays.repeat(6), true).await), "bad_sequence");
}

#[tokio::test]
async fn frames_that_are_none_end_the_call() {
    assert_eq!(lie_of(ended(&[0; 40], false).await), "bad_frame");
    assert_eq!(lie_of(ended(&[0xff; 40], false).await), "frame_oversize");
    assert_eq!(
        lie_of(
            ended(
                &[33, 0, 0, 0, 2]
                    .iter()
                    .chain(&[0; 32])
                    .copied()
                    .collect::<Vec<_>>(),
                false
            )
            .await
        ),
        "bad_version"
    );
    let endless = response(RESP, 1, 1, 0, vec![0; MAX_FRAME - 33]).repeat(3);
    assert_eq!(lie_of(ended(&endless, false).await), "body_oversize");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stops_is_lost_and_not_waited_for() {
    let part = response(RESP | START, 1, 1, 0, b"part".to_vec());
    let cases: [(&[u8], bool); 5] = [
        (&part[..], true),
        (&part[..20], true),
        (&part[..], false),
        (&part[..20], false),
        (&[], false),
    ];
    for (answer, fin) in cases {
        assert!(matches!(ended(answer, fin).await, Err(Failure::Lost(_))));
    }
}

#[tokio::test]
async fn a_refusal_is_judged_by_its_code_or_by_its_status() {
    for (payload, code) in [
        (&br#"{"code":"not_found"}"#[..], "not_found"),
        (br#"{"error":"old"}"#, "old"),
        (b"no JSON", ""),
    ] {
        let answer = response(RESP | END, 1, 1, 404, payload.to_vec());
        match ended(&answer, true).await {
            Err(Failure::Told(refused)) => assert_eq!(refused, refusal(404, code)),
            other => panic!("{other:?}"),
        }
    }
}

/// How a fetch of a sample ends whose provider sends this head and body.
async fn fetched(head: impl Fn(&mut Value), body: impl Fn(&mut Vec<u8>)) -> Fetched {
    let tree = tree_of(&sample("fetched", 150_000));
    let mut said =
        json!({ "cid": tree.cid.text(), "offset": 0, "length": 150_000, "total_len": 150_000 });
    head(&mut said);
    let mut bytes: Vec<u8> = tree
        .blocks(0, u64::MAX)
        .iter()
        .flat_map(|one| [&(one.block.len() as u32).to_le_bytes()[..], &one.block].concat())
        .collect();
    body(&mut bytes);
    let (mut near, far) = tokio::io::duplex(MAX_FRAME);
    let first = response(RESP | START, STORAGE, 1, 0, json::record(&said, &[]));
    let rest = response(RESP | END, STORAGE, 1, 0, bytes);
    near.write_all(&[first, rest].concat()).await.expect("room");
    let fetched = get(&mut far.compat(), tree.cid, 0, None).await;
    near.read_u8().await.expect("a request");
    fetched
}

#[tokio::test]
async fn a_blob_is_believed_only_where_it_is_proved() {
    let good = fetched(|_| (), |_| ()).await;
    assert!(good.ended.is_ok() && good.bytes == sample("fetched", 150_000));
    let wrong = fetched(|_| (), |body| *body.last_mut().expect("bytes") ^= 1).await;
    assert_eq!(
        (wrong.bytes.len(), lie_of(wrong.ended)),
        (2 * 65_536, "bad_block")
    );
    let cut = fetched(|_| (), |body| body.truncate(140_000)).await;
    assert_eq!(
        (cut.bytes.len(), lie_of(cut.ended)),
        (2 * 65_536, "dag_cut")
    );
    let more = fetched(|_| (), |body| body.push(0)).await;
    assert_eq!(
        (more.bytes.len(), lie_of(more.ended)),
        (150_000, "dag_surplus")
    );
    let long = fetched(|_| (), |body| body[3] = 0xff).await;
    assert_eq!(
        (long.bytes.len(), lie_of(long.ended)),
        (0, "block_oversize")
    );
    for (member, value) in [
        ("total_len", json!(150_001)),
        ("length", json!(1)),
        ("offset", json!(1)),
        ("cid", json!("b")),
        ("total_len", json!("many")),
    ] {
        let head = fetched(|head| head[member] = value.clone(), |_| ()).await;
        assert_eq!(
            (head.bytes.len(), lie_of(head.ended)),
            (0, "bad_head"),
            "{member}"
        );
    }
}
