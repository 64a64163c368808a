//! The one binary.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tongguan::cli::run().await
}
