//! Black-box and conformance tests, in one binary.

mod grpc;
mod store;
