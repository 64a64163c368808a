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
    // Every message carries its name, so that the codec can look up how it is made before it reads one.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure().codec_path("crate::grpc::codec::Bounded").compile_fds_with_config(descriptors, config)?;
    Ok(())
}
