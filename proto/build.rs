//! Compiles `proto/` with a parser written in Rust, so that no protoc is needed, and keeps the descriptor set for reflection.
//! Lists the packs of `schemas/`: whatever folders with a manifest there are.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use prost::Message;

/// The files with services; what they import is found by itself.
const FILES: [&str; 6] = [
    "tongguan/v1/declarations.proto",
    "tongguan/v1/logistics.proto",
    "tongguan/v1/exemptions.proto",
    "tongguan/v1/operations.proto",
    "tongguan/v1/audit_log.proto",
    "tongguan/v1/retention.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=schemas");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("tongguan.bin"), descriptors.encode_to_vec())?;
    fs::write(out.join("packs.rs"), packs(&PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("schemas"))?)?;
    // Every message carries its name, so that the codec can look up how it is made before it reads one.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure().codec_path("crate::grpc::codec::Bounded").compile_fds_with_config(descriptors, config)?;
    Ok(())
}

/// The packs as source: folders with their manifests, and schema files by `folder/name`.
fn packs(schemas: &Path) -> Result<String, Box<dyn Error>> {
    let (mut manifests, mut files) = (String::new(), String::new());
    for folder in sorted(schemas)?.iter().filter(|folder| folder.join("manifest.toml").is_file()) {
        let name = folder.file_name().and_then(|name| name.to_str()).ok_or("a folder without a name")?;
        manifests.push_str(&format!("({name:?}, include_str!({:?})),\n", folder.join("manifest.toml")));
        for file in sorted(folder)?.iter().filter(|file| file.extension().is_some_and(|extension| extension == "xsd")) {
            let of_it = file.file_name().and_then(|name| name.to_str()).ok_or("a file without a name")?;
            files.push_str(&format!("({:?}, include_str!({file:?})),\n", format!("{name}/{of_it}")));
        }
    }
    let list = |name: &str, entries: &str| format!("pub static {name}: &[(&str, &str)] = &[\n{entries}];\n");
    Ok(list("MANIFESTS", &manifests) + &list("FILES", &files))
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.sort();
    Ok(paths)
}
