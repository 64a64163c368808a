//! Tongguan

pub mod audit;
pub mod check;
pub mod clock;
pub mod declaration;
pub mod dossier;
pub mod lane;
pub mod party;
pub mod queue;
pub mod receipt;
pub mod state;
pub mod store;
