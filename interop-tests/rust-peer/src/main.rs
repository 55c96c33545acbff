//! A peer of OAP/1 in Rust on rust-libp2p, written from specs/ and its vectors alone.

mod blob;
mod cid;
mod client;
mod dag;
mod errors;
mod federation;
mod frame;
mod gate;
mod hex;
mod hub;
mod json;
mod judge;
mod links;
mod members;
mod node;
mod services;
mod session;
mod storage;
#[cfg(test)]
mod vectors;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if std::env::args().skip(1).ne(["hub"]) {
        eprintln!("usage: rust-peer hub   (commands on standard input)");
        std::process::exit(2);
    }
    if let Err(why) = hub::run().await {
        eprintln!("rust-peer: {why}");
        std::process::exit(1);
    }
}
