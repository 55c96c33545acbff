//! The DHT of linked hubs, with rust-libp2p's Kademlia (storage.md, section 8): whoever has a link is in the routing table,
//! and nobody else.

use std::collections::HashMap;

use libp2p::kad::{
    self, store::MemoryStore, BucketInserts, GetProvidersOk, Mode, QueryId, QueryResult,
};
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use tokio::sync::oneshot;

use crate::cid::Cid;

const PROTOCOL: StreamProtocol = StreamProtocol::new("/omnigate/main/kad/1.0.0");

pub type Kad = kad::Behaviour<MemoryStore>;
pub type Found = Result<Vec<String>, String>;

pub fn kad_of(peer: PeerId) -> Kad {
    let mut config = kad::Config::new(PROTOCOL);
    config
        .set_kbucket_inserts(BucketInserts::Manual)
        .set_periodic_bootstrap_interval(None);
    let mut kad = kad::Behaviour::with_config(peer, MemoryStore::new(peer), config);
    kad.set_mode(Some(Mode::Server));
    kad
}

/// Queries that somebody waits for.
#[derive(Default)]
pub struct Members {
    asked: HashMap<QueryId, Asked>,
}

struct Asked {
    found: Vec<String>,
    heard: oneshot::Sender<Found>,
}

impl Members {
    pub fn linked(&self, kad: &mut Kad, peer: PeerId, address: Multiaddr) {
        kad.add_address(&peer, address);
    }

    pub fn left(&self, kad: &mut Kad, peer: PeerId) {
        kad.remove_peer(&peer);
    }

    /// Announces that this peer has a blob, to the members next to it.
    pub fn provide(&mut self, kad: &mut Kad, cid: Cid, heard: oneshot::Sender<Found>) {
        match kad.start_providing(key_of(cid)) {
            Ok(query) => self.wait(query, heard),
            Err(why) => drop(heard.send(Err(why.to_string()))),
        }
    }

    /// Looks for those who have a blob.
    pub fn providers(&mut self, kad: &mut Kad, cid: Cid, heard: oneshot::Sender<Found>) {
        let query = kad.get_providers(key_of(cid));
        self.wait(query, heard);
    }

    fn wait(&mut self, query: QueryId, heard: oneshot::Sender<Found>) {
        let found = Vec::new();
        self.asked.insert(query, Asked { found, heard });
    }

    pub fn came(&mut self, event: kad::Event) {
        let kad::Event::OutboundQueryProgressed {
            id, result, step, ..
        } = event
        else {
            return;
        };
        let Some(asked) = self.asked.get_mut(&id) else {
            return;
        };
        let ended = match result {
            QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders { providers, .. })) => {
                for peer in providers.iter().map(PeerId::to_string) {
                    if !asked.found.contains(&peer) {
                        asked.found.push(peer);
                    }
                }
                Ok(())
            }
            QueryResult::GetProviders(Err(why)) => Err(why.to_string()),
            QueryResult::StartProviding(Err(why)) => Err(why.to_string()),
            _ => Ok(()),
        };
        if step.last {
            let Asked { found, heard } = self.asked.remove(&id).expect("it was there");
            // Who does not wait any longer need not hear it.
            let _ = heard.send(ended.map(|()| found));
        }
    }
}

/// The multihash of a root.
fn key_of(cid: Cid) -> kad::RecordKey {
    kad::RecordKey::new(&[&[0x12, 0x20], &cid.digest[..]].concat())
}
