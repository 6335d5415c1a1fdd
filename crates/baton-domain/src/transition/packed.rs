//! A transition in few bytes: its JSON text, compressed. Read only by the very program that wrote it.

use super::Transition;
use std::sync::Arc;

/// How hard zstd tries. More makes it slower and hardly smaller.
const LEVEL: i32 = 1;

/// A packed transition.
#[derive(Clone)]
pub(super) struct Packed {
    bytes: Arc<[u8]>,
    /// Bytes of the text.
    length: u64,
}

impl Packed {
    pub(super) fn of(transition: &Transition) -> Self {
        let text = serde_json::to_vec(transition).expect("a transition has a JSON text");
        let bytes = zstd::bulk::compress(&text, LEVEL).expect("a text is compressed in memory");
        Self { bytes: bytes.into(), length: text.len() as u64 }
    }

    /// The transition as it was when it was packed.
    pub(super) fn open(&self) -> Transition {
        let length = usize::try_from(self.length).expect("it was in memory once");
        let text = zstd::bulk::decompress(&self.bytes, length).expect("what this program compressed, it decompresses");
        let text = String::from_utf8(text).expect("JSON is text");
        serde_json::from_str(&text).expect("what this program wrote, it reads")
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.length.to_le_bytes());
        bytes.extend_from_slice(&self.bytes);
    }

    /// From all of `bytes`, as they were written.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (length, bytes) = bytes.split_first_chunk()?;
        Some(Self { bytes: bytes.into(), length: u64::from_le_bytes(*length) })
    }
}
