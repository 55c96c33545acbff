//! The responder's side of one stream (oap-1.md, sections 4 to 7). Calls of a stream are answered one after the other.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use serde_json::{json, Map, Value};
use tokio::time::{timeout, Instant};

use crate::errors::{error_frame, refusal, Refusal};
use crate::frame::{self, Frame, Read, APP_E2E, CHUNK, COMP, END, MAX_FRAME, REQ, RESP, START};
use crate::json;
use crate::judge::{judge, limit};
use crate::services::{Answer, Call, Services};

const FIRST_FRAME: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(60);
const STALLED_WRITE: Duration = Duration::from_secs(60);
const DROPS_MOST: usize = 16;
const MAX_INFLIGHT: usize = 64;
const MAX_FRAME_LEAST: i64 = 4_096;

/// Answers until the stream ends. Fails where it is to be reset.
pub async fn serve<S, T>(stream: &mut S, services: &T) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: Services,
{
    let mut session = Session {
        stream,
        services,
        draining: VecDeque::new(),
        drops: 0,
    };
    session.run().await
}

struct Session<'a, S, T> {
    stream: &'a mut S,
    services: &'a T,
    draining: VecDeque<u64>,
    drops: usize,
}

fn reset(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, why.to_owned())
}

impl<S: AsyncRead + AsyncWrite + Unpin, T: Services> Session<'_, S, T> {
    async fn run(&mut self) -> io::Result<()> {
        let mut quiet = FIRST_FRAME;
        loop {
            match frame::read(self.stream, self.services.max_frame(), quiet).await? {
                Read::Frame(frame) => self.take(frame).await?,
                Read::Refused(refused) => {
                    let told = refusal(refused.reason.status(), refused.reason.name());
                    self.send(error_frame(
                        refused.app,
                        refused.tenant,
                        refused.corr,
                        &told,
                    ))
                    .await?;
                    if refused.fatal {
                        return self.close().await;
                    }
                }
                Read::Slow(corr) => return self.too_slow(corr).await,
                Read::Quiet if quiet == FIRST_FRAME => return self.too_slow(0).await,
                Read::Quiet | Read::End => return self.close().await,
                Read::Cut => return Err(reset("the stream ended inside a frame")),
            }
            quiet = IDLE;
        }
    }

    async fn too_slow(&mut self, corr: u64) -> io::Result<()> {
        let told = refusal(408, "slow_peer");
        self.send(error_frame(0, 0, corr, &told)).await?;
        self.close().await
    }

    async fn take(&mut self, frame: Frame) -> io::Result<()> {
        let flagless = frame.flags & (REQ | RESP | frame::EVENT | START | END) == 0;
        if !(frame.app == 0 && flagless) && frame.kind() != Some(REQ) {
            self.drops += 1;
            if self.drops == DROPS_MOST {
                return Err(reset("too many frames of the wrong kind"));
            }
            return Ok(());
        }
        if frame.app == 0 {
            return self.control(frame).await;
        }
        match self.call(&frame).await? {
            Ok(()) => Ok(()),
            Err(refused) => {
                let told = error_frame(frame.app, frame.tenant, frame.corr, &refused);
                self.send(told).await
            }
        }
    }

    async fn call(&mut self, frame: &Frame) -> io::Result<Result<(), Refusal>> {
        let drains = self.draining.iter().position(|corr| *corr == frame.corr);
        let out_of_order = Ok(Err(refusal(400, "bad_sequence")));
        if frame.corr == 0 {
            return out_of_order;
        }
        if let Some(at) = drains {
            if frame.has(END) {
                self.draining.remove(at);
            }
            return if frame.has(START) {
                out_of_order
            } else {
                Ok(Ok(()))
            };
        }
        if !frame.has(START) {
            if frame.has(END) && frame.payload.is_empty() {
                return Ok(Ok(()));
            }
            self.drain(frame);
            return out_of_order;
        }
        let came = Instant::now();
        match judge(self.services, frame) {
            Err((refused, found)) => {
                if !found {
                    self.drain(frame);
                }
                Ok(Err(refused))
            }
            Ok((header, body, deadline)) => {
                let call = Call {
                    app: frame.app,
                    op: header["op"].as_str().unwrap_or_default(),
                    header: &header,
                    body,
                    flags: frame.flags,
                };
                let until = deadline.map(|after| came + after);
                match in_time(until, self.services.answer(call)).await {
                    Ok(answer) => self.answer(frame, answer, until).await,
                    Err(refused) => Ok(Err(refused)),
                }
            }
        }
    }

    /// The rest of a call that was refused is passed over.
    fn drain(&mut self, frame: &Frame) {
        if frame.has(END) {
            return;
        }
        if self.draining.len() == MAX_INFLIGHT {
            self.draining.pop_front();
        }
        self.draining.push_back(frame.corr);
    }

    async fn answer(
        &mut self,
        asked: &Frame,
        answer: Answer,
        until: Option<Instant>,
    ) -> io::Result<Result<(), Refusal>> {
        let most = CHUNK.min(self.services.max_frame() - frame::MIN_LEN);
        let mut waiting: Option<Frame> = None;
        let mut start = START;
        for piece in std::iter::once(answer.head).chain(answer.body) {
            let mut parts: Vec<&[u8]> = piece.chunks(most).collect();
            if parts.is_empty() && start != 0 {
                parts.push(&[]);
            }
            for part in parts {
                if until.is_some_and(|until| Instant::now() > until) {
                    return Ok(Err(refusal(504, "deadline")));
                }
                let next = Frame {
                    flags: RESP | start | answer.flags,
                    code: answer.code,
                    app: asked.app,
                    tenant: asked.tenant,
                    corr: asked.corr,
                    payload: part.to_vec(),
                    ..Frame::default()
                };
                start = 0;
                if let Some(frame) = waiting.replace(next) {
                    self.send(frame).await?;
                }
            }
        }
        if let Some(mut last) = waiting {
            last.flags |= END;
            self.send(last).await?;
        }
        Ok(Ok(()))
    }

    async fn control(&mut self, frame: Frame) -> io::Result<()> {
        let refused =
            |status, code| error_frame(0, frame.tenant, frame.corr, &refusal(status, code));
        if frame.has(REQ) && !frame.has(START) {
            if frame.has(END) && frame.payload.is_empty() {
                return Ok(());
            }
            return self.send(refused(400, "bad_sequence")).await;
        }
        let members = match json::object(&frame.payload) {
            _ if frame.payload.is_empty() && frame.flags & (COMP | APP_E2E) == 0 => Map::new(),
            Ok(members) if frame.flags & (COMP | APP_E2E) == 0 => members,
            Err(json::Refused::BodyOversize) => {
                return self.send(refused(413, "body_oversize")).await
            }
            _ => return self.send(refused(400, "bad_payload")).await,
        };
        match members.get("op").map(Value::as_str) {
            None => self.hello(&frame, &members).await,
            Some(Some("cancel" | "credit")) if frame.corr == 0 => {
                self.send(refused(400, "bad_sequence")).await
            }
            Some(Some("cancel" | "credit")) => {
                let corr = members
                    .get("corr")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                if crate::hex::decode(corr).is_none_or(|corr| corr.len() != 8) {
                    return self.send(refused(400, "bad_request")).await;
                }
                // Calls of a stream are over when the next frame is read: there is none to cancel, and no subscription.
                Ok(())
            }
            Some(_) => self.send(refused(404, "unknown_operation")).await,
        }
    }

    async fn hello(&mut self, frame: &Frame, asked: &Map<String, Value>) -> io::Result<()> {
        if !self.services.takes_hello() {
            return Err(reset("too many HELLOs"));
        }
        let limits = (
            limit(asked, "max_frame", MAX_FRAME_LEAST),
            limit(asked, "max_inflight", 1),
        );
        let (Some(max_frame), Some(max_inflight)) = limits else {
            let told = error_frame(0, frame.tenant, frame.corr, &refusal(400, "bad_request"));
            return self.send(told).await;
        };
        let max_frame = (max_frame as usize).min(MAX_FRAME);
        let stated = json!({
            "version": 1,
            "oap_versions": [1],
            "versions": [1],
            "server_version": "omnigate-rust-peer",
            "max_frame": self.services.lower_max_frame(max_frame),
            "max_inflight": max_inflight.min(MAX_INFLIGHT as i64),
            "supported_flags": ["EVENT", "APP_E2E"],
            "flags_supported": 0xff & !COMP & !0x20,
            "transports": ["libp2p"],
            "pq": false,
            "revocation_seq": 0,
            "apps": self.services.apps(),
        });
        self.send(Frame {
            flags: RESP | END,
            tenant: frame.tenant,
            corr: frame.corr,
            payload: stated.to_string().into_bytes(),
            ..Frame::default()
        })
        .await
    }

    async fn send(&mut self, frame: Frame) -> io::Result<()> {
        write(self.stream, &frame).await
    }

    async fn close(&mut self) -> io::Result<()> {
        timeout(STALLED_WRITE, self.stream.close()).await?
    }
}

/// Writes a frame. Fails where none of it is taken in time.
pub async fn write<S: AsyncWrite + Unpin>(stream: &mut S, frame: &Frame) -> io::Result<()> {
    let bytes = frame::encode(frame).map_err(|reason| io::Error::other(reason.name()))?;
    let written = async {
        stream.write_all(&bytes).await?;
        stream.flush().await
    };
    timeout(STALLED_WRITE, written).await?
}

async fn in_time<A>(
    until: Option<Instant>,
    answer: impl std::future::Future<Output = Result<A, Refusal>>,
) -> Result<A, Refusal> {
    match until {
        None => answer.await,
        Some(until) => tokio::time::timeout_at(until, answer)
            .await
            .unwrap_or_else(|_| Err(refusal(504, "deadline"))),
    }
}

#[cfg(test)]
#[path = "session_test.rs"]
mod tests;
