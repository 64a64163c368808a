//! The gRPC door, over a real server.

mod doors;
mod samples;
mod submitting;
mod watching;
mod world;
