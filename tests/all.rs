//! Black-box and conformance tests, in one binary.

mod house;
mod store;
//! tests

#[cfg(test)]
mod schemas;
#[cfg(test)]
mod seals;
