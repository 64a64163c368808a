//! Black-box and conformance tests, in one binary.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected fails")]

mod grpc;
mod house;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod seals;
#[cfg(test)]
mod simulator;
mod store;
