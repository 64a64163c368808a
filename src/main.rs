//! The one binary.

use std::process::ExitCode;

/// Rows and messages are built from very many small pieces on several threads: this allocator takes a tenth less of a whole life than
/// the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    tongguan::cli::run().await
}
