//! Black-box and conformance tests, in one binary.

mod house;
mod schemas;
mod seals;
mod simulator;
mod store;
