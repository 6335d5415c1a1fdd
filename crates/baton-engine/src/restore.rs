//! What a restore has to know of leaves: which words the log says are erased.
//!
//! Read from the leaf alone, in the plain fields of every version of the stored form, so that a
//! restore needs no state and no key.

use serde_json::Value;

const ERASURE: &str = "ErasureAuthorised";

/// The positions whose words the event in this leaf erases; none for every other event.
pub fn erased_by(leaf: &[u8]) -> Vec<u64> {
    // Few leaves name the word at all, and only those are parsed.
    if !leaf.windows(ERASURE.len()).any(|window| window == ERASURE.as_bytes()) {
        return Vec::new();
    }
    let Ok(leaf) = serde_json::from_slice::<Value>(leaf) else { return Vec::new() };
    match leaf["type"].as_str() {
        Some(ERASURE) => leaf["payload"]["positions"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_erasure_names_its_positions_and_no_other_golden_event_names_any() {
        let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        let mut seen = 0;
        for entry in std::fs::read_dir(golden).expect("golden leaves").flatten() {
            let leaf = std::fs::read(entry.path()).expect("a file");
            let erased = erased_by(&leaf);
            match entry.file_name() == "ErasureAuthorised.json" {
                true => assert_eq!(erased, [7, 41]),
                false => assert!(erased.is_empty(), "{:?}", entry.file_name()),
            }
            seen += 1;
        }
        assert!(seen > 100, "{seen}");
        assert!(erased_by(br#"{"type":"FactRecorded","payload":{"kind":"ErasureAuthorised","positions":[1]}}"#).is_empty());
    }
}
