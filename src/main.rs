//! The one binary.

use std::process::ExitCode;

/// Rows and messages are built from very many small pieces on several threads: this allocator takes less of a whole life than the
/// system's. SQLite has its memory from it as well. Small pages only: what is given back and taken again would be cleared two
/// mebibytes at a time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    tongguan::cli::run().await
}
