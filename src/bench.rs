//! What the gateway costs: each measurement is a run of its own, gives one JSON line, and says what it ran.

pub mod accepts;
mod callers;
pub mod certificates;
pub mod check;
pub mod exemption;
pub mod kept;
pub mod life;
pub mod load;
pub mod message;
pub mod process;
mod running;
pub mod schema;
pub mod tenants;

use std::time::Duration;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that is measured beside ours is not there or failed.
    #[error("{0}")]
    Beside(String),
    /// What is measured did not do what it should: a figure would mean nothing.
    #[error("{0}")]
    Wrong(String),
    /// A file.
    #[error("a file of the measurement")]
    File(#[from] std::io::Error),
    /// The gateway.
    #[error("the gateway under measurement")]
    Gateway(#[from] crate::gateway::Error),
    /// Its store.
    #[error("the store under measurement")]
    Store(#[from] crate::store::Error),
    /// The client.
    #[error("the client of the measurement")]
    Client(#[from] crate::grpc::client::Error),
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
