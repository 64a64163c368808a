//! Compiles `proto/` with a parser written in Rust, so that no protoc is needed, and keeps the descriptor set for reflection.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

/// The files with services; what they import is found by itself.
const FILES: [&str; 4] =
    ["tongguan/v1/declarations.proto", "tongguan/v1/logistics.proto", "tongguan/v1/operations.proto", "tongguan/v1/audit_log.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=migrations");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("tongguan.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
