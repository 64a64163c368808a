//! The gRPC door, over a real server.

mod access;
mod desk;
mod doors;
mod following;
mod hostile;
mod ledgers;
mod proofs;
mod raw;
mod recording;
mod slow;
mod samples;
mod submitting;
mod watching;
mod world;
