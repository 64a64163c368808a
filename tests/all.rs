//! Black-box and conformance tests, in one binary.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that meets the unexpected fails")]

mod accounts;
mod backups;
mod bench;
mod browser;
mod console;
mod desk;
mod encrypted;
mod files;
mod fuzzing;
mod grpc;
mod house;
mod journey;
mod kills;
mod ledgers;
mod moving;
mod mutual;
mod nodes;
mod published;
mod python;
mod retention;
mod rig;
mod rules;
mod schemas;
mod seals;
mod simulator;
mod store;
mod tamper;
mod tenants;
mod traces;
mod watching;
