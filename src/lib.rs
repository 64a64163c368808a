//! Tongguan

pub mod access;
pub mod audit;
pub mod check;
pub mod clock;
pub mod codes;
pub mod declaration;
pub mod dossier;
pub mod exemption;
pub mod explain;
pub mod grpc;
pub mod intake;
pub mod lane;
pub mod party;
pub mod queue;
pub mod receipt;
pub mod state;
pub mod store;
