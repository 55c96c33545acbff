//! The opener's side: one call on a stream of its own (oap-1.md, section 5), and what storage.md asks of a receiver.

use std::future::Future;
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use serde_json::{json, Map, Value};
use tokio::time::timeout;

use crate::cid::Cid;
use crate::dag::{Fault, Prover};
use crate::errors::{refusal, Failure};
use crate::frame::{self, Frame, Read, END, EVENT, MAX_FRAME, REQ, RESP, START};
use crate::json;
use crate::session::write;

pub const STORAGE: u16 = 0x0301;
const CALL_TIME: Duration = Duration::from_secs(30);
const QUIET: Duration = Duration::from_secs(15);
const DROPS_MOST: usize = 16;
const CORR: u64 = 1;
/// The most that is kept of an answer that is not proved piece by piece.
const ANSWER_MOST: usize = 2 * MAX_FRAME;

/// Says HELLO; yields what the other side states.
pub async fn hello<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
) -> Result<Map<String, Value>, Failure> {
    let (_, answer) = whole(stream, 0, br#"{"ua":"omnigate-rust-peer"}"#.to_vec()).await?;
    let stated = json::object(&answer).map_err(|_| Failure::Lie("bad_hello"))?;
    let numbers = ["max_frame", "max_inflight"];
    if numbers
        .iter()
        .any(|name| stated.get(*name).and_then(Value::as_u64).is_none())
    {
        return Err(Failure::Lie("bad_hello"));
    }
    Ok(stated)
}

/// Makes a call; yields its code and all bytes of its answer.
pub async fn whole<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    app: u16,
    payload: Vec<u8>,
) -> Result<(u16, Vec<u8>), Failure> {
    whole_as(CORR, stream, app, payload).await
}

/// The same with a correlation id, for one more call on a stream.
pub async fn whole_as<S: AsyncRead + AsyncWrite + Unpin>(
    corr: u64,
    stream: &mut S,
    app: u16,
    payload: Vec<u8>,
) -> Result<(u16, Vec<u8>), Failure> {
    let mut answer = Vec::new();
    let keep = |part: &[u8], _| {
        if answer.len() + part.len() > ANSWER_MOST {
            return Err(Failure::Lie("body_oversize"));
        }
        answer.extend(part);
        Ok(())
    };
    let code = in_time(unbounded(corr, stream, app, payload, keep)).await?;
    Ok((code, answer))
}

/// Makes a call and gives each payload of its answer to `take`, with whether it is the first; yields the code.
pub async fn call<S, F>(stream: &mut S, app: u16, payload: Vec<u8>, take: F) -> Result<u16, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: FnMut(&[u8], bool) -> Result<(), Failure>,
{
    in_time(unbounded(CORR, stream, app, payload, take)).await
}

async fn in_time<A>(call: impl Future<Output = Result<A, Failure>>) -> Result<A, Failure> {
    match timeout(CALL_TIME, call).await {
        Ok(ended) => ended,
        Err(_) => Err(Failure::Lost("no answer in time".into())),
    }
}

async fn unbounded<S, F>(
    corr: u64,
    stream: &mut S,
    app: u16,
    payload: Vec<u8>,
    mut take: F,
) -> Result<u16, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: FnMut(&[u8], bool) -> Result<(), Failure>,
{
    let request = Frame {
        flags: REQ | START | END,
        app,
        corr,
        payload,
        ..Frame::default()
    };
    write(stream, &request).await?;
    let (mut code, mut first, mut drops) = (0, true, 0);
    loop {
        let frame = match frame::read(stream, MAX_FRAME, QUIET).await? {
            Read::Frame(frame) => Some(frame),
            Read::Refused(refused) if refused.fatal => {
                return Err(Failure::Lie(refused.reason.name()))
            }
            Read::Refused(_) => None,
            Read::End | Read::Cut => return Err(Failure::Lost("the stream ended".into())),
            Read::Slow(_) | Read::Quiet => return Err(Failure::Lost("nothing came".into())),
        };
        let Some(frame) = frame.filter(ours(app, corr)) else {
            drops += 1;
            if drops == DROPS_MOST {
                return Err(Failure::Lie("bad_sequence"));
            }
            continue;
        };
        if !matches!(frame.code, 0 | 200..=299) {
            return Err(told(&frame));
        }
        if first {
            code = frame.code;
        }
        take(&frame.payload, first)?;
        first = false;
        if frame.has(END) {
            return Ok(code);
        }
    }
}

/// Whether a frame is of the only call of its stream; errors of the session itself are (oap-1.md, section 4).
fn ours(app: u16, corr: u64) -> impl Fn(&Frame) -> bool {
    move |frame| {
        let session = frame.app == 0 && frame.has(RESP | END) && frame.code >= 400;
        let call = frame.app == app && frame.corr == corr;
        frame.kind() == Some(RESP) && !frame.has(EVENT) && (call || session)
    }
}

fn told(frame: &Frame) -> Failure {
    let said = json::object(&frame.payload).unwrap_or_default();
    let code = said.get("code").or_else(|| said.get("error"));
    let code = code.and_then(Value::as_str).unwrap_or_default();
    Failure::Told(refusal(frame.code, code))
}

/// What was fetched and proved of a blob.
pub struct Fetched {
    pub bytes: Vec<u8>,
    pub total_len: u64,
    /// How it ended, where not with all of it.
    pub ended: Result<(), Failure>,
}

/// Gets a range of a blob in the dag form and proves it block by block. What is proved is kept whatever comes behind it.
pub async fn get<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    cid: Cid,
    offset: u64,
    length: Option<u64>,
) -> Fetched {
    let mut header = json!({ "op": "get", "cid": cid.text(), "offset": offset });
    if let Some(length) = length {
        header["length"] = json!(length);
    }
    let mut bytes = Vec::new();
    let (mut total_len, mut prover) = (0, None);
    let take = |part: &[u8], first: bool| {
        let mut rest = part;
        if first {
            let (head, behind) = head_of(part, cid, offset, length)?;
            total_len = head;
            prover = Some(Prover::new(cid, offset, length, Some(total_len)));
            rest = behind;
        }
        let prover = prover.as_mut().expect("the head came first");
        prover.take(rest, &mut bytes).map_err(lie)
    };
    let mut ended = call(stream, STORAGE, header.to_string().into_bytes(), take)
        .await
        .map(|_| ());
    if ended.is_ok() {
        let done = prover.map_or(Err(Fault::DagCut), |prover| prover.done());
        ended = done.map_err(lie);
    }
    Fetched {
        bytes,
        total_len,
        ended,
    }
}

fn lie(fault: Fault) -> Failure {
    Failure::Lie(fault.code())
}

/// The `total_len` of a head that answers what was asked, and what stands behind it.
fn head_of(
    part: &[u8],
    cid: Cid,
    offset: u64,
    length: Option<u64>,
) -> Result<(u64, &[u8]), Failure> {
    let bad = || lie(Fault::BadHead);
    let (head, behind) = json::payload(part).map_err(|_| bad())?;
    let number = |name: &str| head.get(name).and_then(Value::as_u64).ok_or_else(bad);
    let (total_len, came) = (number("total_len")?, number("length")?);
    let there = total_len.saturating_sub(offset);
    let same = head.get("cid").and_then(Value::as_str) == Some(&cid.text());
    if part[0] != 0
        || !same
        || number("offset")? != offset
        || came != there.min(length.unwrap_or(there))
    {
        return Err(bad());
    }
    Ok((total_len, behind))
}

/// Asks which of `cids` the other side would send; yields a flag for each.
pub async fn has<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    cids: &[Cid],
) -> Result<Vec<bool>, Failure> {
    let texts: Vec<_> = cids.iter().map(Cid::text).collect();
    let header = json!({ "op": "has", "cids": texts });
    let (_, answer) = whole(stream, STORAGE, json::record(&header, &[])).await?;
    let (_, bits) = json::payload(&answer).map_err(|_| Failure::Lie("bad_payload"))?;
    let spare = bits.len() * 8 - cids.len().min(bits.len() * 8);
    if bits.len() != cids.len().div_ceil(8)
        || bits
            .last()
            .is_some_and(|last| spare > 0 && last >> (8 - spare) != 0)
    {
        return Err(Failure::Lie("bad_bits"));
    }
    Ok((0..cids.len())
        .map(|n| bits[n / 8] >> (n % 8) & 1 == 1)
        .collect())
}

#[cfg(test)]
#[path = "client_test.rs"]
mod tests;
