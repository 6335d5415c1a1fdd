//! The stored form: nothing lost, nothing told, nothing forged.

use std::path::PathBuf;

use baton_domain::event::EventType;
use baton_ledger::Disclosure;
use baton_ledger::bounds::MAX_LEAF;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::samples;
use crate::codec::{DecodeError, EncodeError, Encoded, decode, encode, encode_with};

/// Salts that count, so that the same event gives the same bytes.
fn encode_fixed(recorded: &baton_domain::event::Recorded) -> Encoded {
    let mut drawn = 0;
    let mut salt = || {
        drawn += 1;
        [drawn; 32]
    };
    encode_with(recorded, &mut salt).unwrap()
}

fn disclosed(encoded: &Encoded) -> Disclosure {
    encoded.disclosure.clone().map_or(Disclosure::None, Disclosure::Open)
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

#[test]
fn every_sample_has_every_field_set() {
    fn bare(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty() || items.iter().any(bare),
            Value::Object(fields) => fields.is_empty() || fields.values().any(bare),
            _ => false,
        }
    }
    for of in EventType::ALL {
        let value = serde_json::to_value(samples::recorded(*of)).unwrap();
        assert!(!bare(&value["payload"]), "{of}: {value}");
    }
}

#[test]
fn every_event_comes_back_as_it_was() {
    for of in EventType::ALL {
        let recorded = samples::recorded(*of);
        let encoded = encode(&recorded).unwrap();
        let (decoded, schema) = decode(&encoded.leaf, &disclosed(&encoded)).unwrap();
        assert_eq!(decoded, recorded, "{of}");
        assert_eq!(schema, 1);
    }
}

#[test]
fn every_event_comes_back_without_any_of_its_optional_parts() {
    for of in EventType::ALL {
        for mask in [u64::MAX, 0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa] {
            round_trip(*of, mask, mask, "words");
        }
    }
}

proptest! {
    #[test]
    fn any_event_comes_back_whatever_is_absent_or_empty_and_whatever_the_words(
        of in proptest::sample::select(EventType::ALL.to_vec()), absent: u64, empty: u64, words in "\\PC{1,40}",
    ) {
        round_trip(of, absent, empty, &words);
    }
}

/// Takes optional parts away and empties lists, as far as the domain reads the rest, and encodes it.
fn round_trip(of: EventType, absent: u64, empty: u64, words: &str) {
    let mut value = samples::value(of);
    put_words(&mut value, words);
    thin_out(&mut value, absent, empty);
    let recorded = samples::parse(value).unwrap();
    let encoded = encode(&recorded).unwrap();
    let (decoded, _) = decode(&encoded.leaf, &disclosed(&encoded)).unwrap_or_else(|e| panic!("{of}: {e}"));
    assert_eq!(decoded, recorded, "{of}");
}

fn put_words(value: &mut Value, words: &str) {
    match value {
        Value::Object(fields) if fields.contains_key("$open") => *value = json!({ "$open": words }),
        Value::Object(fields) => fields.values_mut().for_each(|field| put_words(field, words)),
        Value::Array(items) => items.iter_mut().for_each(|item| put_words(item, words)),
        _ => {}
    }
}

/// Tries to take away or empty each field of the envelope, the payload and what lies in it; a change
/// that the domain does not read is put back.
fn thin_out(whole: &mut Value, absent: u64, empty: u64) {
    for (index, path) in paths(whole, String::new()).iter().enumerate() {
        let Some(before) = whole.pointer(path).cloned() else { continue };
        let bit = |mask: u64| mask >> (index % 64) & 1 == 1;
        let change = match &before {
            Value::Array(_) if bit(empty) => json!([]),
            Value::Object(_) if bit(empty) && !before.as_object().unwrap().contains_key("$open") => json!({}),
            _ if bit(absent) => Value::Null,
            _ => continue,
        };
        *whole.pointer_mut(path).unwrap() = change;
        if samples::parse(whole.clone()).is_err() {
            *whole.pointer_mut(path).unwrap() = before;
        }
    }
}

fn paths(value: &Value, at: String) -> Vec<String> {
    let mut all = Vec::new();
    if let Value::Object(fields) = value {
        for (key, field) in fields {
            let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            all.push(path.clone());
            all.extend(paths(field, path));
        }
    }
    all
}

#[test]
fn an_empty_list_of_powers_is_not_an_absent_one() {
    let mut value = samples::value(EventType::BodyChanged);
    for powers in [json!([]), Value::Null] {
        value["payload"]["powers"] = powers;
        let recorded = samples::parse(value.clone()).unwrap();
        let encoded = encode(&recorded).unwrap();
        assert_eq!(decode(&encoded.leaf, &disclosed(&encoded)).unwrap().0, recorded);
    }
}

#[test]
fn a_leaf_never_holds_the_words_of_a_text() {
    for of in EventType::ALL {
        let encoded = encode(&samples::recorded(*of)).unwrap();
        assert!(!holds(&encoded.leaf, samples::SECRET), "{of}");
        assert!(!holds(&encoded.leaf, "$open"), "{of}");
        assert!(holds(encoded.disclosure.as_deref().unwrap(), samples::SECRET), "{of}");
    }
}

#[test]
fn equal_words_have_different_commitments_in_every_record() {
    let recorded = samples::recorded(EventType::ItemCompleted);
    assert_ne!(encode(&recorded).unwrap().leaf, encode(&recorded).unwrap().leaf);
}

#[test]
fn a_leaf_whose_words_are_erased_is_read_with_its_commitments() {
    let recorded = samples::recorded(EventType::ItemCompleted);
    let encoded = encode(&recorded).unwrap();
    let (decoded, _) = decode(&encoded.leaf, &Disclosure::Erased).unwrap();
    let remark = decoded.statement.remark.clone().unwrap();
    assert_eq!(remark.shown(), "[withheld]");
    // What is withheld once is recorded again as it is: the commitment, and no words.
    let again = encode(&decoded).unwrap();
    assert_eq!(again.disclosure, None);
    assert_eq!(again.leaf, encoded.leaf);
}

#[test]
fn the_domain_finds_the_words_of_every_event_where_the_leaf_has_them_and_takes_them_out() {
    use baton_domain::event::{sealed_fields, without_words};
    use baton_domain::values::Position;
    for of in EventType::ALL {
        let recorded = samples::recorded(*of);
        let words: Value = serde_json::from_slice(encode(&recorded).unwrap().disclosure.as_deref().unwrap()).unwrap();
        let mut found = sealed_fields(&recorded);
        found.sort();
        assert_eq!(found, words.as_object().unwrap().keys().cloned().collect::<Vec<_>>(), "{of}");
        let bare = without_words(&recorded, Position(7));
        assert!(!format!("{bare:?}").contains(samples::SECRET), "{of}");
        assert!(sealed_fields(&bare).is_empty(), "{of}");
    }
}

#[test]
fn words_that_do_not_open_their_commitment_are_damage() {
    let encoded = encode(&samples::recorded(EventType::ItemCompleted)).unwrap();
    let words: Value = serde_json::from_slice(encoded.disclosure.as_deref().unwrap()).unwrap();
    let note = "/payload/note";
    let mut other_words = words.clone();
    other_words[note]["value"] = json!("other words");
    let mut other_salt = words.clone();
    other_salt[note]["salt"] = json!("00".repeat(32));
    let mut other_path = words.clone();
    let moved = other_path.as_object_mut().unwrap().remove(note).unwrap();
    other_path["/payload/reason"] = moved;
    for forged in [other_words, other_salt, other_path] {
        let disclosure = Disclosure::Open(serde_json::to_vec(&forged).unwrap());
        let error = decode(&encoded.leaf, &disclosure).unwrap_err();
        assert!(matches!(error, DecodeError::Commitment { .. }), "{error}");
    }
}

#[test]
fn a_disclosure_that_is_none_or_that_its_key_does_not_open_is_damage() {
    let encoded = encode(&samples::recorded(EventType::ItemCompleted)).unwrap();
    let error = decode(&encoded.leaf, &Disclosure::Open(b"[]".to_vec())).unwrap_err();
    assert!(matches!(error, DecodeError::Disclosure), "{error}");
    let error = decode(&encoded.leaf, &Disclosure::Unreadable).unwrap_err();
    assert!(matches!(error, DecodeError::Unreadable), "{error}");
}

#[test]
fn the_commitment_can_be_recomputed_as_documented() {
    use sha2::{Digest, Sha256};
    let encoded = encode(&samples::recorded(EventType::FactRecorded)).unwrap();
    let leaf: Value = serde_json::from_slice(&encoded.leaf).unwrap();
    let words: Value = serde_json::from_slice(encoded.disclosure.as_deref().unwrap()).unwrap();
    for (path, opening) in words.as_object().unwrap() {
        let salt = opening["salt"].as_str().unwrap();
        let salt: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&salt[2 * i..2 * i + 2], 16).unwrap()).collect();
        let mut committed = b"baton/commit/v1\0".to_vec();
        committed.extend((path.len() as u32).to_be_bytes());
        committed.extend(path.as_bytes());
        committed.extend(salt);
        committed.extend(opening["value"].as_str().unwrap().as_bytes());
        let digest: String = Sha256::digest(&committed).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(leaf.pointer(path).unwrap(), &json!({ "$sealed": digest }), "{path}");
    }
    assert!(words.as_object().unwrap().contains_key("/payload/fields/a~1b~0c/text"));
}

#[test]
fn a_leaf_of_a_newer_schema_or_another_format_is_refused_by_name() {
    let encoded = encode(&samples::recorded(EventType::ItemCompleted)).unwrap();
    let mut leaf: Value = serde_json::from_slice(&encoded.leaf).unwrap();
    leaf["schema"] = json!(2);
    leaf["a_new_field"] = json!(true);
    let error = decode(&serde_json::to_vec(&leaf).unwrap(), &Disclosure::Erased).unwrap_err();
    assert!(matches!(error, DecodeError::NewerSchema { found: 2 }), "{error}");
    leaf["v"] = json!("baton/leaf/2");
    let error = decode(&serde_json::to_vec(&leaf).unwrap(), &Disclosure::Erased).unwrap_err();
    assert!(matches!(error, DecodeError::NewerFormat { .. }), "{error}");
}

#[test]
fn a_leaf_with_a_field_nobody_knows_is_damage() {
    let encoded = encode(&samples::recorded(EventType::ItemCompleted)).unwrap();
    let mut leaf: Value = serde_json::from_slice(&encoded.leaf).unwrap();
    leaf["a_new_field"] = json!(true);
    for bytes in [serde_json::to_vec(&leaf).unwrap(), b"{}".to_vec(), b"\xff".to_vec(), encoded.leaf[1..].to_vec()] {
        let error = decode(&bytes, &Disclosure::Erased).unwrap_err();
        assert!(matches!(error, DecodeError::Leaf(_)), "{error}");
    }
}

#[test]
fn a_leaf_at_the_bound_is_taken_and_one_past_it_refused() {
    let mut value = samples::value(EventType::RoutePublished);
    let mut of_length = |length: usize| {
        value["payload"]["text"] = json!("x".repeat(length));
        encode(&samples::parse(value.clone()).unwrap())
    };
    let rest = of_length(1).unwrap().leaf.len() - 1;
    assert_eq!(of_length(MAX_LEAF - rest).unwrap().leaf.len(), MAX_LEAF);
    let error = of_length(MAX_LEAF - rest + 1).unwrap_err();
    assert!(matches!(error, EncodeError::TooLarge { what: "a leaf", size: 65_536, bound: MAX_LEAF }), "{error}");
}

/// Golden files: `EVENT.json` is the leaf and `EVENT.words.json` lies beside it, byte for byte.
/// With `BATON_WRITE_GOLDEN` set, files that are missing are written; none is ever changed.
#[test]
fn golden_leaves_decode_for_ever_and_encode_to_the_same_bytes() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    for of in EventType::ALL {
        let paths = [dir.join(format!("{of}.json")), dir.join(format!("{of}.words.json"))];
        if std::env::var_os("BATON_WRITE_GOLDEN").is_some() {
            let encoded = encode_fixed(&samples::recorded(*of));
            for (path, bytes) in paths.iter().zip([Some(encoded.leaf), encoded.disclosure]) {
                if let (false, Some(bytes)) = (path.exists(), bytes) {
                    std::fs::write(path, bytes).unwrap();
                }
            }
        }
        let leaf = std::fs::read(&paths[0]).unwrap_or_else(|error| panic!("{}: {error}", paths[0].display()));
        let words = std::fs::read(&paths[1]).unwrap_or_else(|error| panic!("{}: {error}", paths[1].display()));
        let (decoded, schema) = decode(&leaf, &Disclosure::Open(words.clone())).unwrap();
        assert_eq!(schema, 1, "{of}");
        assert_eq!(decoded.statement.event.event_type(), *of);
        let encoded = encode_fixed(&decoded);
        assert_eq!(String::from_utf8(encoded.leaf).unwrap(), String::from_utf8(leaf).unwrap(), "{of}");
        assert_eq!(encoded.disclosure, Some(words), "{of}");
    }
}
