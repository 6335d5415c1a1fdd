//! What a ledger has to know of leaves to tell which key signs for the log.
//!
//! Read from the leaf alone, in the plain fields of every version of the stored form, because it is asked
//! before anything is folded: a key that the log gave up does not even open it.

use baton_ledger::{StreamName, Succession};
use serde_json::Value;

/// Where the events about keys and origins stand.
const STREAM: &str = "log";

/// What the event in this leaf says of the keys that sign after it; `None` for every other event.
pub fn key_succession(stream: &StreamName, leaf: &[u8]) -> Option<Succession> {
    if stream.as_str() != STREAM {
        return None;
    }
    let leaf: Value = serde_json::from_slice(leaf).ok()?;
    let key = |name: &str| leaf["payload"][name].as_str().map(str::to_owned);
    match leaf["type"].as_str()? {
        "KeyRotated" => Some(Succession::Rotated { old: key("old_key")?, new: key("new_key")? }),
        "LogForked" => Some(Succession::Forked),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_key_change_and_fork_are_read_and_no_other_golden_event() {
        let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        let log = StreamName::parse(STREAM).expect("a name");
        let other = StreamName::parse("transition/QUY.DENT.POD-2021").expect("a name");
        let (old, new) = ("baton.test/1+aaaaaaaa+AAAA".to_owned(), "baton.test/1+bbbbbbbb+BBBB".to_owned());
        let mut seen = 0;
        for entry in std::fs::read_dir(golden).expect("golden leaves").flatten() {
            let leaf = std::fs::read(entry.path()).expect("a file");
            let expected = match entry.file_name().to_str() {
                Some("KeyRotated.json") => Some(Succession::Rotated { old: old.clone(), new: new.clone() }),
                Some("LogForked.json") => Some(Succession::Forked),
                _ => None,
            };
            assert_eq!(key_succession(&log, &leaf), expected, "{:?}", entry.file_name());
            // A client may write what it likes into a stream of its own.
            assert_eq!(key_succession(&other, &leaf), None, "{:?}", entry.file_name());
            seen += 1;
        }
        assert!(seen > 100, "{seen}");
    }
}
