//! Frames of OAP/1 (oap-1.md, sections 3 and 4): judged before anything of them is kept, and read within bounds of time.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

pub const REQ: u16 = 0x0001;
pub const RESP: u16 = 0x0002;
pub const EVENT: u16 = 0x0004;
pub const START: u16 = 0x0008;
pub const END: u16 = 0x0010;
pub const COMP: u16 = 0x0040;
pub const APP_E2E: u16 = 0x0080;
const DEFINED: u16 = 0x00ff;

pub const MAX_FRAME: usize = 1_048_576;
pub const MIN_LEN: usize = 33;
pub const CHUNK: usize = 65_536;
const HEADER: usize = 37;

/// From the first byte of a frame to its last.
pub const FRAME_TIME: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub flags: u16,
    pub code: u16,
    pub app: u16,
    pub tenant: u128,
    pub corr: u64,
    pub cap: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn has(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }

    /// REQ, RESP or EVENT; nothing where there is not exactly one of them.
    pub fn kind(&self) -> Option<u16> {
        let kind = self.flags & (REQ | RESP | EVENT);
        (kind.count_ones() == 1).then_some(kind)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    BadFrame,
    FrameOversize,
    BadVersion,
    BadSequence,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::BadFrame => "bad_frame",
            Reason::FrameOversize => "frame_oversize",
            Reason::BadVersion => "bad_version",
            Reason::BadSequence => "bad_sequence",
        }
    }

    pub fn status(self) -> u16 {
        match self {
            Reason::FrameOversize => 413,
            _ => 400,
        }
    }
}

/// A frame that is refused, and what its answer names. After a `fatal` one nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: Reason,
    pub app: u16,
    pub tenant: u128,
    pub corr: u64,
    pub fatal: bool,
}

/// What came of reading on a stream.
#[derive(Debug)]
pub enum Read {
    Frame(Frame),
    Refused(Refused),
    /// The other side ended its half between two frames.
    End,
    /// It did so inside of one.
    Cut,
    /// A frame took too long; its `corr_id` where its header was there.
    Slow(u64),
    /// Nothing came for as long as the reader waits.
    Quiet,
}

fn judge_len(len: usize, max_frame: usize) -> Result<(), Refused> {
    let fatal = |reason| Refused {
        reason,
        app: 0,
        tenant: 0,
        corr: 0,
        fatal: true,
    };
    if len < MIN_LEN {
        return Err(fatal(Reason::BadFrame));
    }
    if len > max_frame {
        return Err(fatal(Reason::FrameOversize));
    }
    Ok(())
}

/// The frame without its bytes, and how many of them are a capability.
fn judge_header(head: &[u8; HEADER]) -> Result<(Frame, usize), Refused> {
    let u16_at = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    let mut tenant = [0; 16];
    tenant.copy_from_slice(&head[11..27]);
    let mut corr = [0; 8];
    corr.copy_from_slice(&head[29..37]);
    let frame = Frame {
        flags: u16_at(5) & DEFINED,
        code: u16_at(7),
        app: u16_at(9),
        tenant: u128::from_le_bytes(tenant),
        corr: u64::from_le_bytes(corr),
        ..Frame::default()
    };
    let refused = |reason, app, tenant, fatal| Refused {
        reason,
        app,
        tenant,
        corr: frame.corr,
        fatal,
    };
    if head[4] != 1 {
        return Err(refused(Reason::BadVersion, 0, 0, true));
    }
    let cap_len = usize::from(u16_at(27));
    if cap_len > len - MIN_LEN {
        return Err(refused(Reason::BadFrame, frame.app, frame.tenant, false));
    }
    if cap_len > 0 && frame.flags & START == 0 {
        return Err(refused(Reason::BadSequence, frame.app, frame.tenant, false));
    }
    Ok((frame, cap_len))
}

/// Reads what comes next: waits `quiet` for its first byte, and then FRAME_TIME for all of it.
pub async fn read<R: AsyncRead + Unpin>(
    stream: &mut R,
    max_frame: usize,
    quiet: Duration,
) -> io::Result<Read> {
    let mut head = [0; HEADER];
    match timeout(quiet, stream.read(&mut head[..1])).await {
        Err(_) => return Ok(Read::Quiet),
        Ok(Ok(0)) => return Ok(Read::End),
        Ok(other) => other?,
    };
    let mut corr = 0;
    match timeout(FRAME_TIME, rest(stream, &mut head, max_frame, &mut corr)).await {
        Err(_) => Ok(Read::Slow(corr)),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Read::Cut),
        Ok(read) => read,
    }
}

async fn rest<R: AsyncRead + Unpin>(
    stream: &mut R,
    head: &mut [u8; HEADER],
    max_frame: usize,
    corr: &mut u64,
) -> io::Result<Read> {
    stream.read_exact(&mut head[1..4]).await?;
    let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    if let Err(refused) = judge_len(len, max_frame) {
        return Ok(Read::Refused(refused));
    }
    stream.read_exact(&mut head[4..]).await?;
    let (mut frame, cap_len) = match judge_header(head) {
        Ok(judged) => judged,
        Err(refused) => {
            *corr = refused.corr;
            if !refused.fatal {
                skip(stream, len - MIN_LEN).await?;
            }
            return Ok(Read::Refused(refused));
        }
    };
    *corr = frame.corr;
    frame.cap = exactly(stream, cap_len).await?;
    frame.payload = exactly(stream, len - MIN_LEN - cap_len).await?;
    Ok(Read::Frame(frame))
}

/// Takes memory as bytes come, not as a header promises them.
async fn exactly<R: AsyncRead + Unpin>(stream: &mut R, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

async fn skip<R: AsyncRead + Unpin>(stream: &mut R, mut length: usize) -> io::Result<()> {
    let mut scrap = [0; 4096];
    while length > 0 {
        let part = length.min(scrap.len());
        stream.read_exact(&mut scrap[..part]).await?;
        length -= part;
    }
    Ok(())
}

/// The bytes of a frame; refuses what no receiver would take.
pub fn encode(frame: &Frame) -> Result<Vec<u8>, Reason> {
    let Ok(cap_len) = u16::try_from(frame.cap.len()) else {
        return Err(Reason::BadFrame);
    };
    if cap_len > 0 && !frame.has(START) {
        return Err(Reason::BadSequence);
    }
    let len = MIN_LEN + frame.cap.len() + frame.payload.len();
    if len > MAX_FRAME {
        return Err(Reason::FrameOversize);
    }
    let mut bytes = Vec::with_capacity(4 + len);
    bytes.extend((len as u32).to_le_bytes());
    bytes.push(1);
    bytes.extend(frame.flags.to_le_bytes());
    bytes.extend(frame.code.to_le_bytes());
    bytes.extend(frame.app.to_le_bytes());
    bytes.extend(frame.tenant.to_le_bytes());
    bytes.extend(cap_len.to_le_bytes());
    bytes.extend(frame.corr.to_le_bytes());
    bytes.extend(&frame.cap);
    bytes.extend(&frame.payload);
    Ok(bytes)
}

#[cfg(test)]
#[path = "frame_test.rs"]
mod tests;
