//! Black-box and conformance tests, in one binary.

mod house;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod seals;
#[cfg(test)]
mod simulator;
mod store;
