//! What a session asks of the services behind it.

use serde_json::{Map, Value};

use crate::errors::Refusal;

/// What an operation answers: the first payload, and pieces of a body behind it, made when they are sent.
pub struct Answer {
    pub code: u16,
    pub flags: u16,
    pub head: Vec<u8>,
    pub body: Box<dyn Iterator<Item = Vec<u8>> + Send>,
}

impl Answer {
    pub fn whole(payload: Vec<u8>) -> Answer {
        Answer {
            code: 0,
            flags: 0,
            head: payload,
            body: Box::new(std::iter::empty()),
        }
    }
}

/// One call, whose form has been judged.
pub struct Call<'a> {
    pub app: u16,
    pub op: &'a str,
    pub header: &'a Map<String, Value>,
    pub body: &'a [u8],
    pub flags: u16,
}

/// What a node serves on a connection.
#[allow(async_fn_in_trait)]
pub trait Services {
    fn apps(&self) -> Vec<u16>;
    fn knows(&self, app: u16, op: &str) -> bool;
    async fn answer(&self, call: Call<'_>) -> Result<Answer, Refusal>;
    /// The most that frames of the connection may be long, and what a HELLO of the other side makes of it.
    fn max_frame(&self) -> usize;
    fn lower_max_frame(&self, asked: usize) -> usize;
    /// Whether the connection may have one more HELLO now.
    fn takes_hello(&self) -> bool;
}
