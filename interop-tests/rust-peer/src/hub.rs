//! The peer on libp2p: one swarm, streams that come in, and commands, a JSON line each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{
    identify, identity, noise, tcp, yamux, Multiaddr, PeerId, Stream, StreamProtocol, Swarm,
};
use libp2p_stream::Control;
use serde_json::{json, Value};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{mpsc, oneshot, Semaphore};
use tokio::time::timeout;

use crate::cid::Cid;
use crate::client;
use crate::errors::Failure;
use crate::federation::handshake::Wish as Handshake;
use crate::federation::invite::Invite;
use crate::federation::keys;
use crate::gate::Gate;
use crate::json::record;
use crate::links::{seconds, Ended, LinkEvent, Links};
use crate::members::{kad_of, Found, Kad, Members};
use crate::node::{Node, Served, ECHO};
use crate::session::serve;
use crate::storage::Stray;

const OAP: StreamProtocol = StreamProtocol::new("/oap/1.0.0");
const STREAMS_MOST: usize = 256;
const QUERY_TIME: Duration = Duration::from_secs(45);
const OPEN_TIME: Duration = Duration::from_secs(10);
const IDLE_CONNECTION: Duration = Duration::from_secs(600);

#[derive(NetworkBehaviour)]
struct Behaviour {
    streams: libp2p_stream::Behaviour,
    identify: identify::Behaviour,
    kad: Kad,
    gate: Gate,
}

type Fallible<A> = Result<A, Box<dyn std::error::Error>>;

/// Prints where it listens, then obeys standard input until it ends.
pub async fn run() -> Fallible<()> {
    let seed: [u8; 32] = keys::random();
    let mut swarm = swarm_of(identity::Keypair::ed25519_from_bytes(seed)?)?;
    let (tell_links, links_told) = mpsc::unbounded_channel();
    let node = Arc::new(Node::new(Links::new(seed, tell_links)));
    let mut control = swarm.behaviour().streams.new_control();
    let incoming = control.accept(OAP)?;
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            // Of a provider without an address nobody keeps a record.
            swarm.add_external_address(address.clone());
            break address.with(Protocol::P2p(*swarm.local_peer_id()));
        }
    };
    let (tell, told) = mpsc::channel(16);
    tokio::spawn(turn(swarm, told, links_told, node.clone()));
    tokio::spawn(take(incoming, node.clone()));
    let says = json!({ "multiaddr": address.to_string(), "hub": node.links.hub_id() });
    println!("{says}");
    let hub = Hub {
        address: address.to_string(),
        node,
        control,
        tell,
    };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match serde_json::from_str(&line) {
            Ok(command) => hub
                .obey(&command)
                .await
                .unwrap_or_else(|why| json!({ "error": why.to_string() })),
            Err(why) => json!({ "error": why.to_string() }),
        };
        println!("{answer}");
    }
    Ok(())
}

fn swarm_of(key: identity::Keypair) -> Fallible<Swarm<Behaviour>> {
    let swarm = libp2p::SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            tcp::Config::default(),
            noise::Config::new,
            yamux::Config::default,
        )?
        .with_behaviour(|key| Behaviour {
            streams: libp2p_stream::Behaviour::new(),
            identify: identify::Behaviour::new(identify::Config::new(
                "omnigate/1".into(),
                key.public(),
            )),
            kad: kad_of(key.public().to_peer_id()),
            gate: Gate::default(),
        })?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_CONNECTION))
        .build();
    Ok(swarm)
}

/// What the swarm is told to do.
enum Order {
    Dial(Wish),
    Close(PeerId, oneshot::Sender<()>),
    Provide(Cid, oneshot::Sender<Found>),
    Providers(Cid, oneshot::Sender<Found>),
}

/// A peer that a connection is wished with, where it is, and who waits to hear whether there is one.
struct Wish {
    peer: PeerId,
    address: Multiaddr,
    heard: oneshot::Sender<Result<(), String>>,
}

/// Turns the swarm until nobody can tell it anything more.
async fn turn(
    mut swarm: Swarm<Behaviour>,
    mut told: mpsc::Receiver<Order>,
    mut links: mpsc::UnboundedReceiver<LinkEvent>,
    node: Arc<Node>,
) {
    let mut waiting: Vec<Wish> = Vec::new();
    let mut closing: Vec<(PeerId, oneshot::Sender<()>)> = Vec::new();
    let mut members = Members::default();
    let mut addresses: HashMap<PeerId, Multiaddr> = HashMap::new();
    loop {
        tokio::select! {
            order = told.recv() => match order {
                Some(Order::Dial(wish)) => waiting.extend(dial(&mut swarm, wish)),
                Some(Order::Close(peer, heard)) => {
                    if swarm.disconnect_peer_id(peer).is_ok() {
                        closing.push((peer, heard));
                    }
                }
                Some(Order::Provide(cid, heard)) => members.provide(&mut swarm.behaviour_mut().kad, cid, heard),
                Some(Order::Providers(cid, heard)) => members.providers(&mut swarm.behaviour_mut().kad, cid, heard),
                None => return,
            },
            Some(event) = links.recv() => {
                let kad = &mut swarm.behaviour_mut().kad;
                match event {
                    LinkEvent::Up(peer) => {
                        if let Some(address) = addresses.get(&peer) {
                            members.linked(kad, peer, address.clone());
                        }
                    }
                    LinkEvent::Down(peer) => members.left(kad, peer),
                }
            }
            event = swarm.select_next_some() => match event {
                SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                    addresses.insert(peer_id, endpoint.get_remote_address().clone());
                    tell(&mut waiting, peer_id, Ok(()));
                }
                SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                    tell(&mut waiting, peer, Err(error.to_string()));
                }
                SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                    addresses.remove(&peer_id);
                    node.left(&peer_id);
                    for (_, heard) in closing.extract_if(.., |(peer, _)| *peer == peer_id) {
                        let _ = heard.send(());
                    }
                }
                SwarmEvent::Behaviour(BehaviourEvent::Kad(event)) => members.came(event),
                _ => {}
            }
        }
    }
}

/// Begins a dial; yields the wish where it is to be told of its end.
fn dial(swarm: &mut Swarm<Behaviour>, wish: Wish) -> Option<Wish> {
    if swarm.is_connected(&wish.peer) {
        let _ = wish.heard.send(Ok(()));
        return None;
    }
    swarm.behaviour_mut().gate.wished.insert(wish.peer);
    let options = DialOpts::peer_id(wish.peer).addresses(vec![wish.address.clone()]);
    match swarm.dial(options.build()) {
        Ok(()) => Some(wish),
        Err(why) => {
            let _ = wish.heard.send(Err(why.to_string()));
            None
        }
    }
}

fn tell(waiting: &mut Vec<Wish>, peer: PeerId, ended: Result<(), String>) {
    for wish in waiting.extract_if(.., |wish| wish.peer == peer) {
        // Who does not wait any longer need not hear it.
        let _ = wish.heard.send(ended.clone());
    }
}

async fn take(mut incoming: libp2p_stream::IncomingStreams, node: Arc<Node>) {
    let places = Arc::new(Semaphore::new(STREAMS_MOST));
    while let Some((peer, mut stream)) = incoming.next().await {
        // A stream without a place is reset.
        let Ok(place) = places.clone().try_acquire_owned() else {
            continue;
        };
        let node = node.clone();
        tokio::spawn(async move {
            // What fails is a stream that is to be reset; dropping it does.
            let _ = serve(&mut stream, &Served { node: &node, peer }).await;
            drop(place);
        });
    }
}

struct Hub {
    address: String,
    node: Arc<Node>,
    control: Control,
    tell: mpsc::Sender<Order>,
}

impl Hub {
    async fn obey(&self, command: &Value) -> Fallible<Value> {
        let text = |name: &str| command[name].as_str().unwrap_or_default();
        let number = |name: &str| command[name].as_u64();
        match text("do") {
            "keep" => {
                let stray = Stray {
                    way: text("way").into(),
                    at: number("at").unwrap_or(0) as usize,
                };
                let bytes = number("bytes").unwrap_or(0) as usize;
                let cid =
                    self.node
                        .shelf
                        .lock()
                        .expect("the shelf")
                        .keep(text("text"), bytes, stray);
                Ok(json!({ "cid": cid.text() }))
            }
            "hello" => {
                let mut stream = self.stream(text("address")).await?;
                Ok(verdict(
                    client::hello(&mut stream).await,
                    |stated| json!({ "stated": stated }),
                ))
            }
            "echo" => {
                let mut stream = self.stream(text("address")).await?;
                let body = crate::blob::sample(text("text"), number("bytes").unwrap_or(0) as usize);
                let payload = record(&json!({ "op": "echo" }), &body);
                let answer = client::whole(&mut stream, ECHO, payload).await;
                Ok(verdict(answer, |(_, came)| json!({ "same": came == body })))
            }
            "has" => {
                let mut stream = self.stream(text("address")).await?;
                let cids: Vec<_> = command["cids"].as_array().into_iter().flatten().collect();
                let cids: Vec<_> = cids
                    .iter()
                    .map(|cid| cid_of(cid.as_str().unwrap_or_default()))
                    .collect::<Result<_, _>>()?;
                Ok(verdict(
                    client::has(&mut stream, &cids).await,
                    |has| json!({ "has": has }),
                ))
            }
            "fetch" => {
                let mut stream = self.stream(text("address")).await?;
                let cid = cid_of(text("cid"))?;
                let offset = number("offset").unwrap_or(0);
                let fetched = client::get(&mut stream, cid, offset, number("length")).await;
                let digest =
                    crate::hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(&fetched.bytes));
                let mut answer = verdict(fetched.ended, |()| json!({}));
                answer["bytes"] = json!(fetched.bytes.len());
                answer["digest"] = json!(digest);
                answer["total_len"] = json!(fetched.total_len);
                Ok(answer)
            }
            "provide" => {
                let cid = cid_of(text("cid"))?;
                let peers = self.asked(|heard| Order::Provide(cid, heard)).await?;
                Ok(json!({ "providers": peers }))
            }
            "providers" => {
                let cid = cid_of(text("cid"))?;
                let peers = self.asked(|heard| Order::Providers(cid, heard)).await?;
                Ok(json!({ "providers": peers }))
            }
            "allow" => {
                let verbs = command["verbs"].as_array().into_iter().flatten();
                let verbs = verbs.filter_map(Value::as_str).map(str::to_owned);
                self.node.links.allow(text("hub"), verbs.collect());
                Ok(json!({}))
            }
            "link" => {
                let hub = text("hub").to_owned();
                let pair = None;
                self.handshake(text("address"), Handshake { hub, pair })
                    .await
            }
            "pair" => {
                let invite = Invite::of(text("invite"), seconds())?;
                let address = invite.addresses.first().ok_or("no address")?;
                let pair = Some(invite.k());
                let hub = invite.hub.clone();
                self.handshake(address, Handshake { hub, pair }).await
            }
            "invite" => Ok(json!({ "invite": self.node.links.invite(&self.address) })),
            "knows" => Ok(self.node.links.knows(text("hub"))),
            other => Err(format!("no command {other}").into()),
        }
    }

    async fn handshake(&self, address: &str, wish: Handshake) -> Fallible<Value> {
        let mut stream = self.stream(address).await?;
        let peer = peer_of(&address.parse()?)?;
        let pair = wish.pair.is_some();
        let ended = self.node.links.dial(&mut stream, peer, wish).await;
        if pair || ended.is_err() {
            // A connection has one handshake in its life, and what is refused is closed.
            let (heard, hear) = oneshot::channel();
            self.tell.send(Order::Close(peer, heard)).await?;
            // Nobody answers where it is closed already.
            let _ = timeout(OPEN_TIME, hear).await?;
        }
        match ended {
            Ok(shown) => Ok(shown),
            Err(Ended::Refused(code)) => Ok(json!({ "refused": code })),
            Err(Ended::Call(failure)) => Ok(verdict(Err::<(), _>(failure), |()| json!({}))),
        }
    }

    /// What a query of the DHT ends with.
    async fn asked(
        &self,
        order: impl FnOnce(oneshot::Sender<Found>) -> Order,
    ) -> Fallible<Vec<String>> {
        let (heard, hear) = oneshot::channel();
        self.tell.send(order(heard)).await?;
        Ok(timeout(QUERY_TIME, hear).await???)
    }

    /// A stream of its own to the peer at an address, which is dialled where there is no connection with it.
    async fn stream(&self, address: &str) -> Fallible<Stream> {
        let address: Multiaddr = address.parse()?;
        let peer = peer_of(&address)?;
        let (heard, hear) = oneshot::channel();
        self.tell
            .send(Order::Dial(Wish {
                peer,
                address,
                heard,
            }))
            .await?;
        timeout(OPEN_TIME, hear).await???;
        Ok(timeout(OPEN_TIME, self.control.clone().open_stream(peer, OAP)).await??)
    }
}

fn peer_of(address: &Multiaddr) -> Fallible<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Ok(peer),
        _ => Err("the address names no peer".into()),
    }
}

fn cid_of(text: &str) -> Fallible<Cid> {
    Cid::of_text(text).map_err(|refused| refused.code().into())
}

fn verdict<A>(ended: Result<A, Failure>, good: impl FnOnce(A) -> Value) -> Value {
    match ended {
        Ok(value) => good(value),
        Err(Failure::Told(refused)) => json!({ "status": refused.status, "code": refused.code }),
        Err(Failure::Lie(code)) => json!({ "lie": code }),
        Err(Failure::Lost(why)) => json!({ "lost": why }),
    }
}
