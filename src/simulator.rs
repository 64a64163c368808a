//! A simulated customs.

mod customs;
mod dice;
mod options;
mod paper;
mod record;
mod report;
