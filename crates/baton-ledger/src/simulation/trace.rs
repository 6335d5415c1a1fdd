//! What happened in a run: a hash of it, and the lines where somebody wants to read them.

use std::fmt::{self, Write as _};

/// The trace of a run. Two runs of a seed have the same hash.
pub(super) struct Trace {
    hash: u64,
    line: String,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(super) fn new(keep_lines: bool) -> Self {
        // FNV-1a: told apart are honest runs, and the value of a seed must not change with a library.
        Trace { hash: 0xcbf2_9ce4_8422_2325, line: String::new(), lines: keep_lines.then(Vec::new) }
    }

    pub(super) fn say(&mut self, what: fmt::Arguments<'_>) {
        self.line.clear();
        // Writing to a string does not fail.
        let _ = self.line.write_fmt(what);
        for byte in self.line.bytes().chain([b'\n']) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(lines) = &mut self.lines {
            lines.push(self.line.clone());
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.clone().unwrap_or_default()
    }
}
