use super::*;
use crate::node::{Node, Served};
use crate::vectors::{bytes, file, list};
use futures::io::Cursor;
use libp2p::PeerId;
use tokio::io::{AsyncReadExt, AsyncWriteExt as _};
use tokio_util::compat::TokioAsyncReadCompatExt;

/// What a session answers to bytes and the end behind them, and whether it ended in order.
async fn answers(sent: &[u8]) -> (Vec<Frame>, bool) {
    let (mut near, far) = tokio::io::duplex(4 * MAX_FRAME);
    near.write_all(sent).await.expect("room");
    near.shutdown().await.expect("an end");
    let node = Node::default();
    let served = Served {
        node: &node,
        peer: PeerId::random(),
    };
    let mut far = far.compat();
    let ended = serve(&mut far, &served).await;
    drop(far);
    let mut came = Vec::new();
    near.read_to_end(&mut came).await.expect("answers");
    let mut stream = Cursor::new(came);
    let mut frames = Vec::new();
    while let Read::Frame(frame) = frame::read(&mut stream, MAX_FRAME, IDLE)
        .await
        .expect("frames")
    {
        frames.push(frame);
    }
    (frames, ended.is_ok())
}

fn request(flags: u16, app: u16, corr: u64, payload: &[u8]) -> Vec<u8> {
    let frame = Frame {
        flags,
        app,
        corr,
        payload: payload.to_vec(),
        ..Frame::default()
    };
    frame::encode(&frame).expect("a frame")
}

fn code_of(frame: &Frame) -> String {
    let told = json::object(&frame.payload).expect("an error");
    assert!(frame.has(RESP | END));
    assert_eq!(told["corr_id"], format!("{:016x}", frame.corr));
    told["code"].as_str().expect("a code").to_owned()
}

#[tokio::test]
async fn frames_that_are_refused_are_answered_as_the_vectors_say() {
    for vector in list(&file("oap1-frames-more.json"), "invalid") {
        let mut sent = bytes(&vector["bytes"]);
        sent.extend(request(REQ | START | END, 1, 77, br#"{"op":"echo"}"#));
        let (frames, _) = answers(&sent).await;
        let name = &vector["name"];
        assert_eq!(
            code_of(&frames[0]),
            vector["reason"].as_str().expect("a reason"),
            "{name}"
        );
        assert_eq!(u64::from(frames[0].code), vector["status"], "{name}");
        let lives = frames.last().is_some_and(|frame| frame.corr == 77);
        assert_eq!(lives, vector["session"] == "lives", "{name}");
    }
}

#[tokio::test]
async fn calls_that_are_wrong_are_refused_and_the_session_lives() {
    let whole = REQ | START | END;
    let wrong: [(u16, u16, &[u8], &str); 10] = [
        (whole, 9, br#"{"op":"echo"}"#, "unknown_app"),
        (whole, 1, b"hello", "bad_payload"),
        (whole, 1, b"", "bad_payload"),
        (whole, 1, br#"{"op":"no"}"#, "unknown_operation"),
        (whole, 1, br#"{"no":"op"}"#, "unknown_operation"),
        (whole, 1, br#"{"op":"echo","deadline_ms":0}"#, "bad_request"),
        (
            whole | COMP,
            1,
            b"\0\x0d\0{\"op\":\"echo\"}x",
            "bad_payload",
        ),
        (whole | APP_E2E, 1, br#"{"op":"echo"}"#, "bad_payload"),
        (REQ | END, 1, b"x", "bad_sequence"),
        (whole, 0, br#"{"max_frame":1}"#, "bad_request"),
    ];
    for (flags, app, payload, code) in wrong {
        let mut sent = request(flags, app, 5, payload);
        sent.extend(request(whole, 1, 6, br#"{"op":"echo"}"#));
        let (frames, in_order) = answers(&sent).await;
        assert_eq!((code_of(&frames[0]).as_str(), frames[0].corr), (code, 5));
        assert_eq!((frames[1].flags, frames[1].corr), (RESP | START | END, 6));
        assert!(in_order);
    }
}

#[tokio::test]
async fn what_follows_a_refused_start_is_passed_over() {
    let mut sent = request(REQ | START, 1, 5, br#"{"op":"no"}"#);
    sent.extend(request(REQ, 1, 5, b"more"));
    sent.extend(request(REQ | END, 1, 5, b"last"));
    sent.extend(request(REQ | END, 1, 5, b"behind"));
    let (frames, _) = answers(&sent).await;
    let codes: Vec<_> = frames.iter().map(code_of).collect();
    assert_eq!(codes, ["unknown_operation", "bad_sequence"]);
}

#[tokio::test]
async fn a_hello_lowers_what_frames_may_be_long() {
    let mut sent = request(0, 0, 0, br#"{"max_frame":4096}"#);
    let header = br#"{"op":"echo"}"#;
    let mut record = vec![0, header.len() as u8, 0];
    record.extend(header);
    record.extend([7; 4_000]);
    sent.extend(request(REQ | START | END, 1, 2, &record));
    sent.extend(request(REQ | START | END, 1, 3, &[0; 5_000]));
    let (frames, _) = answers(&sent).await;
    assert_eq!(
        json::object(&frames[0].payload).expect("HELLO")["max_frame"],
        4_096
    );
    assert_eq!(frames[1].payload, [7; 4_000]);
    assert_eq!(code_of(&frames[2]), "frame_oversize");
    assert_eq!(frames.len(), 3);
}

#[tokio::test]
async fn sixteen_frames_of_the_wrong_kind_and_eleven_hellos_cost_the_stream() {
    let stray = request(RESP, 1, 5, b"");
    assert!(answers(&stray.repeat(15)).await.1);
    assert!(!answers(&stray.repeat(16)).await.1);
    let hello = request(0, 0, 0, b"");
    let (frames, in_order) = answers(&hello.repeat(10)).await;
    assert_eq!((frames.len(), in_order), (10, true));
    assert!(!answers(&hello.repeat(11)).await.1);
    assert!(!answers(&hello[..20]).await.1, "a frame was cut");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_told_so_in_time() {
    let (mut near, far) = tokio::io::duplex(4_096);
    let node = Node::default();
    let served = Served {
        node: &node,
        peer: PeerId::random(),
    };
    let began = Instant::now();
    serve(&mut far.compat(), &served).await.expect("an end");
    assert_eq!(began.elapsed(), FIRST_FRAME);
    let mut came = Vec::new();
    near.read_to_end(&mut came).await.expect("an answer");
    let Read::Frame(frame) = frame::read(&mut Cursor::new(came), MAX_FRAME, IDLE)
        .await
        .expect("a frame")
    else {
        panic!("no frame");
    };
    assert_eq!(
        (code_of(&frame).as_str(), frame.code, frame.app),
        ("slow_peer", 408, 0)
    );
}
