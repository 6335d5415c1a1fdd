//! Something in few bytes: its JSON text, compressed. Read only by the very program that wrote it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// How hard zstd tries. More makes it slower and hardly smaller.
const LEVEL: i32 = 1;

/// Something packed, with how many events it holds.
#[derive(Clone)]
pub(super) struct Packed {
    bytes: Arc<[u8]>,
    /// Bytes of the text.
    length: u64,
    /// Events in it.
    pub(super) events: u64,
}

impl Packed {
    pub(super) fn of(what: &impl Serialize, events: u64) -> Self {
        let text = serde_json::to_vec(what).expect("what is held has a JSON text");
        let bytes = zstd::bulk::compress(&text, LEVEL).expect("a text is compressed in memory");
        Self { bytes: bytes.into(), length: text.len() as u64, events }
    }

    /// It, as it was when it was packed.
    pub(super) fn open<T: DeserializeOwned>(&self) -> T {
        let length = usize::try_from(self.length).expect("it was in memory once");
        let text = zstd::bulk::decompress(&self.bytes, length).expect("what this program compressed, it decompresses");
        let text = String::from_utf8(text).expect("JSON is text");
        serde_json::from_str(&text).expect("what this program wrote, it reads")
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for number in [self.bytes.len() as u64, self.length, self.events] {
            out.extend(number.to_le_bytes());
        }
        out.extend_from_slice(&self.bytes);
    }

    /// The first of `bytes`, as it was written, and what comes after it.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (size, bytes) = number(bytes)?;
        let (length, bytes) = number(bytes)?;
        let (events, bytes) = number(bytes)?;
        let (packed, rest) = bytes.split_at_checked(usize::try_from(size).ok()?)?;
        Some((Self { bytes: packed.into(), length, events }, rest))
    }
}

/// A number, and what comes after it.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}
