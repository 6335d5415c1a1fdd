//! The chunks of an archive: few files, appended to, each a row of chunks with their lengths.
//!
//! ```text
//! chunks/<position of the first record, 20 digits>.segment
//!     u32  length of the chunk, big-endian
//!          the chunk, as the log stores it: it carries its own sum
//!     and again
//! ```
//!
//! A segment begins with a batch and ends with one; the next is begun when it reached
//! [`SEGMENT_BYTES`]. Only the newest may end in the middle of something: a write that was cut short.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::error::{ArchiveError, damaged, io_at};
use super::layout::Layout;
use crate::bounds::MAX_CHUNK;
use crate::log::raw::RawChunk;
use crate::names::Position;
use crate::storage::files::sync_dir;

/// A segment that holds this many bytes is not appended to any more: reading the newest one again is
/// what continuing an archive costs.
pub(super) const SEGMENT_BYTES: u64 = 32 * 1024 * 1024;

const SUFFIX: &str = ".segment";

/// The segment that is appended to.
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Segment {
    /// Begins the segment of a batch; its name is durable when it returns.
    pub(super) fn begin(layout: &Layout, first: Position) -> Result<Segment, ArchiveError> {
        let dir = layout.chunks();
        let path = dir.join(format!("{:020}{SUFFIX}", first.0));
        let begun = || {
            fs::create_dir_all(&dir)?;
            sync_dir(&layout.dir)?;
            // Never over something: what lies there would be a part of the archive that was overlooked.
            let file = File::options().create_new(true).append(true).open(&path)?;
            sync_dir(&dir)?;
            Ok(file)
        };
        let file = begun().map_err(io_at("create", &path))?;
        Ok(Segment { path, file, bytes: 0 })
    }

    /// Goes on with a segment of which `bytes` are whole; what is behind them is cut off.
    pub(super) fn go_on(path: PathBuf, bytes: u64) -> Result<Segment, ArchiveError> {
        let opened = || {
            let file = File::options().append(true).open(&path)?;
            if file.metadata()?.len() != bytes {
                file.set_len(bytes)?;
                file.sync_all()?;
            }
            Ok(file)
        };
        let file = opened().map_err(io_at("open", &path))?;
        Ok(Segment { path, file, bytes })
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= SEGMENT_BYTES
    }

    /// Appends a chunk; durable with the next [`sync`](Segment::sync).
    pub(super) fn append(&mut self, chunk: &RawChunk) -> Result<(), ArchiveError> {
        let bytes = chunk.bytes();
        let mut frame = Vec::with_capacity(4 + bytes.len());
        frame.extend((bytes.len() as u32).to_be_bytes());
        frame.extend(bytes);
        self.file.write_all(&frame).map_err(io_at("write", &self.path))?;
        self.bytes += frame.len() as u64;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), ArchiveError> {
        self.file.sync_data().map_err(io_at("sync", &self.path))
    }
}

/// The segments, by the position of their first record, ascending.
pub(super) fn list(layout: &Layout) -> Result<Vec<(Position, PathBuf)>, ArchiveError> {
    let dir = layout.chunks();
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(io_at("list", &dir)(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(io_at("list", &dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(SUFFIX));
        match name.and_then(|name| name.parse().ok()) {
            Some(first) => found.push((Position(first), path)),
            None => return Err(damaged(&path, "it is no segment of an archive")),
        }
    }
    found.sort();
    Ok(found)
}

/// How the reading of a segment ended.
pub(super) enum End {
    /// With its last byte.
    Whole,
    /// In the middle of a chunk: the text says how that showed.
    CutShort(String),
}

/// Reads a segment chunk by chunk; `take` sees each, checked, and the bytes up to its end.
pub(super) fn walk(path: &Path, mut take: impl FnMut(RawChunk, u64) -> Result<(), ArchiveError>) -> Result<End, ArchiveError> {
    let file = File::open(path).map_err(io_at("open", path))?;
    let mut input = BufReader::with_capacity(1024 * 1024, file);
    let mut read = 0;
    loop {
        let mut length = [0; 4];
        match fill(&mut input, &mut length).map_err(io_at("read", path))? {
            0 => return Ok(End::Whole),
            4 => {}
            _ => return Ok(End::CutShort(format!("it ends in a length at byte {read}"))),
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_CHUNK {
            return Ok(End::CutShort(format!("a chunk of {length} bytes at byte {read}")));
        }
        let mut bytes = vec![0; length];
        if fill(&mut input, &mut bytes).map_err(io_at("read", path))? < length {
            return Ok(End::CutShort(format!("it ends in the chunk at byte {read}")));
        }
        match RawChunk::check(bytes) {
            Ok(chunk) => {
                let end = read + 4 + length as u64;
                take(chunk, end)?;
                read = end;
            }
            Err(why) => return Ok(End::CutShort(format!("at byte {read}: {why}"))),
        }
    }
}

/// Reads until the buffer is full or the file ends, and says how much.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
