//! What two hubs say to prove themselves, pure: messages and time go in, messages and verdicts come out
//! (federation-handshake.md, federation-links.md).

pub mod canonical;
pub mod delegation;
pub mod forms;
pub mod handshake;
pub mod invite;
pub mod keys;
pub mod messages;
pub mod refusals;
pub mod transcript;
pub mod treaty;

#[cfg(test)]
mod vectors_test;
