use std::time::Duration;

use futures::io::Cursor;
use serde_json::Value;

use super::*;
use crate::vectors::{bytes, file, list, text};

const QUIET: Duration = Duration::from_secs(5);

async fn all(bytes: Vec<u8>) -> (Vec<Read>, &'static str) {
    let mut stream = Cursor::new(bytes);
    let mut reads = Vec::new();
    loop {
        match read(&mut stream, MAX_FRAME, QUIET)
            .await
            .expect("memory reads")
        {
            Read::End => return (reads, "clean"),
            Read::Cut => return (reads, "partial"),
            one => {
                let fatal = matches!(one, Read::Refused(Refused { fatal: true, .. }));
                reads.push(one);
                if fatal {
                    return (reads, "broken");
                }
            }
        }
    }
}

fn flags_of(names: &Value) -> u16 {
    let names = names.as_array().expect("names of flags");
    let all = [
        ("REQ", REQ),
        ("RESP", RESP),
        ("EVENT", EVENT),
        ("START", START),
        ("END", END),
        ("ACK_REQ", 0x20),
        ("COMP", COMP),
        ("APP_E2E", APP_E2E),
    ];
    let known = all
        .iter()
        .filter(|(name, _)| names.iter().any(|said| said == name));
    known.map(|(_, flag)| flag).sum()
}

#[tokio::test]
async fn frames_of_the_vectors_are_read_and_written() {
    for vector in list(&file("oap1-frames-more.json"), "valid") {
        let name = text(vector, "name");
        let wire = bytes(&vector["bytes"]);
        let (reads, rest) = all(wire.clone()).await;
        let [Read::Frame(frame)] = &reads[..] else {
            panic!("{name}: {reads:?}");
        };
        assert_eq!(rest, "clean", "{name}");
        let fields = &vector["fields"];
        assert_eq!(
            frame.payload.len() as u64,
            fields["payload_bytes"],
            "{name}"
        );
        assert_eq!(frame.cap.len() as u64, fields["cap_len"], "{name}");
        for (part, said) in [(&frame.payload, "payload"), (&frame.cap, "cap")] {
            assert!(
                vector[said].is_null() || *part == bytes(&vector[said]),
                "{name}"
            );
        }
        assert_eq!(frame.flags, flags_of(&fields["flags"]), "{name}");
        assert_eq!(u64::from(frame.code), fields["code"], "{name}");
        assert_eq!(u64::from(frame.app), fields["app"], "{name}");
        assert_eq!(format!("{:016x}", frame.corr), fields["corr_id"], "{name}");
        let mut tenant = format!("{:032x}", frame.tenant);
        for at in [20, 16, 12, 8] {
            tenant.insert(at, '-');
        }
        assert_eq!(tenant, fields["tenant"], "{name}");
        let reserved = u16::from_le_bytes([wire[5], wire[6]]) & !0xff;
        if reserved == 0 {
            assert_eq!(encode(frame).as_ref(), Ok(&wire), "{name}");
        }
    }
    for vector in list(&file("oap1-frames.json"), "valid") {
        let wire = bytes(&vector["hex"]);
        let (reads, _) = all(wire.clone()).await;
        assert!(matches!(&reads[..], [Read::Frame(frame)] if encode(frame) == Ok(wire)));
    }
}

#[tokio::test]
async fn frames_that_the_vectors_refuse_are_refused_for_the_same_reason() {
    for vector in list(&file("oap1-frames-more.json"), "invalid") {
        let name = text(vector, "name");
        let (reads, _) = all(bytes(&vector["bytes"])).await;
        let [Read::Refused(refused)] = &reads[..] else {
            panic!("{name}: {reads:?}");
        };
        assert_eq!(refused.reason.name(), vector["reason"], "{name}");
        assert_eq!(
            u64::from(refused.reason.status()),
            vector["status"],
            "{name}"
        );
        assert_eq!(refused.fatal, vector["session"] == "closes", "{name}");
        assert_eq!(u64::from(refused.app), vector["answer"]["app"], "{name}");
        assert_eq!(
            format!("{:016x}", refused.corr),
            vector["answer"]["corr_id"],
            "{name}"
        );
    }
}

#[tokio::test]
async fn rows_of_frames_end_as_the_vectors_say() {
    for vector in list(&file("oap1-frames-more.json"), "sequences") {
        let (reads, rest) = all(bytes(&vector["bytes"])).await;
        let outcome: Vec<_> = reads
            .iter()
            .map(|read| match read {
                Read::Frame(_) => "frame",
                Read::Refused(refused) => refused.reason.name(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(Value::from(outcome), vector["outcome"], "{vector}");
        assert_eq!(rest, vector["rest"], "{vector}");
    }
}

#[test]
fn what_a_receiver_would_refuse_is_not_written() {
    for vector in list(&file("oap1-frames-more.json"), "unencodable") {
        let said = &vector["frame"];
        let frame = Frame {
            flags: flags_of(&said["flags"]),
            app: 1,
            corr: 1,
            cap: bytes(&said["cap"]),
            payload: bytes(&said["payload"]),
            ..Frame::default()
        };
        let refused = encode(&frame).expect_err("not written");
        assert_eq!(refused.name(), vector["reason"], "{}", vector["name"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_does_not_come_to_its_end_is_waited_for_no_longer_than_said() {
    for (came, slow) in [(0, false), (3, true), (37, true)] {
        let (mut near, far) = tokio::io::duplex(64);
        let frame = Frame {
            flags: REQ,
            corr: 9,
            payload: vec![1],
            ..Frame::default()
        };
        let wire = encode(&frame).expect("a frame");
        tokio::io::AsyncWriteExt::write_all(&mut near, &wire[..came])
            .await
            .expect("room");
        let mut far = tokio_util::compat::TokioAsyncReadCompatExt::compat(far);
        let read = read(&mut far, MAX_FRAME, QUIET).await.expect("a verdict");
        match read {
            Read::Quiet => assert!(!slow),
            Read::Slow(corr) => assert_eq!((slow, corr), (true, if came == 37 { 9 } else { 0 })),
            other => panic!("{other:?}"),
        }
    }
}
