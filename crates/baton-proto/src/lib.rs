//! The gRPC types of package `baton.v1`, generated from `proto/` when the crate is built.
//!
//! Besides what is generated there is one codec for servers, [`RequestCodec`], which answers bytes
//! that cannot be decoded with INVALID_ARGUMENT, and the descriptors, for reflection and for tools
//! that read and write messages as JSON. Nothing here knows what the messages mean.

mod codec;

/// An instant, as messages hold it.
pub use prost_types::Timestamp;

pub use codec::{RequestCodec, RequestDecoder, UNDECODABLE, UNDECODABLE_DOMAIN};

use prost_reflect::DescriptorPool;
use std::sync::LazyLock;

/// Messages, servers and clients of package `baton.v1`.
// The comments live in the protos; generated helpers bear none.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/baton.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/clients/baton.v1.rs"));
}

/// The descriptors of package `baton.v1` and what it imports, as an encoded `FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

/// The descriptors, decoded once.
///
/// # Panics
/// Never: the descriptors were compiled together with this crate, and a test decodes them.
pub fn descriptor_pool() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the compiled descriptors decode"));
    &POOL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_hold_every_service() {
        let services: Vec<_> = descriptor_pool().services().map(|service| service.full_name().to_owned()).collect();
        for name in ["Ledger", "Transition", "Audit", "Route", "Directory"] {
            assert!(services.contains(&format!("baton.v1.{name}Service")), "{name} in {services:?}");
        }
    }
}
