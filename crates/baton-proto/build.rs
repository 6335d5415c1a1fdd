//! Compiles the protos with protox, so that no machine needs protoc.
//!
//! Messages and servers are generated with the codec of this crate, clients with tonic's own: bytes
//! that cannot be decoded are the caller's mistake on a server and nobody's argument on a client.

use prost::Message;
use std::path::{Path, PathBuf};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = protox::compile(proto_files(&root.join("baton/v1"))?, [&root])?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptor.bin"), files.encode_to_vec())?;
    let clients = out.join("clients");
    std::fs::create_dir_all(&clients)?;

    tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::RequestCodec")
        // Sorted maps: one message has one encoding, and refusals come in one order.
        .btree_map(".baton.v1")
        // Stored bytes are shared, not copied, on their way out.
        .bytes(".baton.v1.RecordedEvent.leaf")
        .compile_fds(files.clone())?;
    tonic_prost_build::configure()
        .build_server(false)
        .extern_path(".baton.v1", "crate::v1")
        .out_dir(clients)
        .compile_fds(files)?;
    Ok(())
}

/// Every proto of the package, sorted, so that a new file needs no mention here.
fn proto_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
