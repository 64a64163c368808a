//! Black-box and conformance tests, in one binary.

mod house;
mod simulator;
mod store;
