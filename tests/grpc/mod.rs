//! The gRPC door, over a real server.

pub(crate) mod access;
mod desk;
mod doors;
mod following;
mod hostile;
mod ledgers;
mod legal;
mod persons;
mod proofs;
mod raw;
mod recording;
mod sight;
mod slow;
pub(crate) mod samples;
mod submitting;
mod watching;
mod world;
