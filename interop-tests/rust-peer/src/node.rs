//! What this peer keeps, and what it serves on a connection of a peer.

use std::collections::HashMap;
use std::sync::Mutex;

use libp2p::PeerId;
use tokio::time::Instant;

use crate::client::STORAGE;
use crate::errors::{refusal, Refusal};
use crate::frame::{APP_E2E, MAX_FRAME};
use crate::links::{Links, FEDERATION, OPERATIONS};
use crate::services::{Answer, Call, Services};
use crate::storage::Shelf;

pub const ECHO: u16 = 0x0001;
const HELLOS: f64 = 10.0;

pub struct Node {
    pub shelf: Mutex<Shelf>,
    pub links: Links,
    sides: Mutex<HashMap<PeerId, Side>>,
}

#[cfg(test)]
impl Default for Node {
    fn default() -> Node {
        Node::new(Links::new(
            [7; 32],
            tokio::sync::mpsc::unbounded_channel().0,
        ))
    }
}

/// What is agreed with the other side of a connection.
struct Side {
    max_frame: usize,
    stated: bool,
    hellos: f64,
    at: Instant,
}

impl Default for Side {
    fn default() -> Side {
        Side {
            max_frame: MAX_FRAME,
            stated: false,
            hellos: HELLOS,
            at: Instant::now(),
        }
    }
}

impl Node {
    pub fn new(links: Links) -> Node {
        Node {
            shelf: Mutex::default(),
            links,
            sides: Mutex::default(),
        }
    }

    /// Forgets what was agreed on a connection that is over.
    pub fn left(&self, peer: &PeerId) {
        self.sides.lock().expect("sides").remove(peer);
        self.links.left(peer);
    }

    fn side<A>(&self, peer: PeerId, with: impl FnOnce(&mut Side) -> A) -> A {
        with(self.sides.lock().expect("sides").entry(peer).or_default())
    }
}

/// The services for one peer.
pub struct Served<'a> {
    pub node: &'a Node,
    pub peer: PeerId,
}

impl Services for Served<'_> {
    fn apps(&self) -> Vec<u16> {
        vec![0, ECHO, STORAGE, FEDERATION]
    }

    fn knows(&self, app: u16, op: &str) -> bool {
        matches!((app, op), (ECHO, "echo") | (STORAGE, "get" | "has"))
            || app == FEDERATION && OPERATIONS.contains(&op)
    }

    async fn answer(&self, call: Call<'_>) -> Result<Answer, Refusal> {
        match call.app {
            ECHO => Ok(Answer {
                flags: call.flags & APP_E2E,
                ..Answer::whole(call.body.to_vec())
            }),
            STORAGE => {
                let shelf = self.node.shelf.lock().expect("the shelf");
                shelf.answer(call.op, call.header, call.body)
            }
            FEDERATION => self.node.links.answer(self.peer, &call),
            _ => Err(refusal(404, "unknown_app")),
        }
    }

    fn max_frame(&self) -> usize {
        self.node.side(self.peer, |side| side.max_frame)
    }

    fn lower_max_frame(&self, asked: usize) -> usize {
        self.node.side(self.peer, |side| {
            if !side.stated {
                side.max_frame = side.max_frame.min(asked);
            }
            side.stated = true;
            side.max_frame
        })
    }

    fn takes_hello(&self) -> bool {
        self.node.side(self.peer, |side| {
            let now = Instant::now();
            let came = (now - side.at).as_secs_f64();
            side.hellos = (side.hellos + came).min(HELLOS);
            side.at = now;
            if side.hellos < 1.0 {
                return false;
            }
            side.hellos -= 1.0;
            true
        })
    }
}
