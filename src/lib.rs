//! Tongguan

pub mod clock;
pub mod codes;
pub mod party;
pub mod declaration;
pub mod check;
pub mod exemption;
pub mod receipt;
pub mod state;
pub mod lane;
pub mod queue;
pub mod dossier;
pub mod audit;
pub mod message;
pub mod seal;
pub mod store;
pub mod signers;
pub mod task;
pub mod endpoint;
pub mod gatekeeper;
pub mod simulator;
