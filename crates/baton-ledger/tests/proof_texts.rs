//! Receipts, checkpoints and trust files as anybody may have written them: read or refused, never a
//! panic, and never accepted but for the very bytes that were signed.
#![allow(clippy::unwrap_used)]

mod support;

use baton_ledger::{LeafHash, Ledger, MemoryLedger, Position, Receipt, SignedCheckpoint, SigningKey, TrustedKeys, leaf_hash};
use proptest::prelude::*;
use support::{batch, record, set};

struct Kept {
    text: String,
    note: String,
    leaf: LeafHash,
    trusted: TrustedKeys,
}

/// A receipt for one of five leaves.
fn kept() -> Kept {
    let ledger = MemoryLedger::with_key(SigningKey::generate("texts.test").unwrap());
    let records = (0..5_u8).map(|at| record("s", &[at])).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let receipt = runtime.block_on(async {
        ledger.append(batch(&ledger, vec![set(records)])).await.unwrap();
        ledger.receipt(Position(3)).await.unwrap().unwrap()
    });
    let trusted = TrustedKeys::parse(ledger.verifier_key()).unwrap();
    Kept { text: receipt.to_text(), note: receipt.checkpoint.note().to_owned(), leaf: leaf_hash(&[3]), trusted }
}

/// One change to a text.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    DropLine(prop::sample::Index),
    SwapLines(prop::sample::Index, prop::sample::Index),
    RepeatLine(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    use prop::sample::Index;
    prop_oneof![
        (any::<Index>(), 1_u8..).prop_map(|(at, bits)| Change::Flip(at, bits)),
        any::<Index>().prop_map(Change::Cut),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        any::<Index>().prop_map(Change::DropLine),
        (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Change::SwapLines(one, other)),
        any::<Index>().prop_map(Change::RepeatLine),
    ]
}

fn changed(text: &str, change: &Change) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    match change {
        Change::Flip(at, bits) => {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
            return bytes;
        }
        Change::Cut(at) => {
            bytes.truncate(at.index(bytes.len()));
            return bytes;
        }
        Change::Insert(at, more) => {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, more.iter().copied());
            return bytes;
        }
        Change::DropLine(at) => drop(lines.remove(at.index(lines.len()))),
        Change::SwapLines(one, other) => {
            let count = lines.len();
            lines.swap(one.index(count), other.index(count));
        }
        Change::RepeatLine(at) => {
            let at = at.index(lines.len());
            lines.insert(at, lines[at]);
        }
    }
    lines.concat().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn bytes_that_are_no_receipt_note_or_trust_file_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let trusted = TrustedKeys::parse(MemoryLedger::new().verifier_key()).unwrap();
        prop_assert!(SignedCheckpoint::parse_unverified(&bytes).is_err());
        prop_assert!(trusted.verify(&bytes).is_err());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(Receipt::verify(&text, [0; 32], &trusted).is_err());
        let _ = TrustedKeys::parse(&text);
    }

    #[test]
    fn text_in_the_shape_of_a_receipt_is_read_without_a_panic(
        index in "[0-9]{0,22}|-1|x",
        hashes in prop::collection::vec("[A-Za-z0-9+/]{43}=|[ -~]{0,50}", 0..70),
        origin in "[ -~]{0,20}",
        size in "[0-9]{0,22}",
        rest in "\\PC{0,60}",
    ) {
        let trusted = TrustedKeys::parse(MemoryLedger::new().verifier_key()).unwrap();
        let hashes: String = hashes.iter().map(|hash| format!("{hash}\n")).collect();
        let note = format!("{origin}\n{size}\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u{2014} {origin} {rest}\n");
        let text = format!("c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{note}");
        prop_assert!(Receipt::verify(&text, [0; 32], &trusted).is_err());
        let _ = SignedCheckpoint::parse_unverified(note.as_bytes());
    }
}

#[test]
fn receipt_and_checkpoint_with_one_change_are_refused_unless_only_a_foreign_signature_changed() {
    let Kept { text, note, leaf, trusted } = kept();
    assert!(Receipt::verify(&text, leaf, &trusted).is_ok() && trusted.verify(note.as_bytes()).is_ok());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(600));
    let outcome = runner.run(&change(), |change| {
        let bytes = changed(&text, &change);
        if bytes != text.as_bytes() {
            // What is accepted all the same says the same: position, size and root.
            if let Ok(receipt) = Receipt::verify(&String::from_utf8_lossy(&bytes), leaf, &trusted) {
                prop_assert_eq!(receipt.position, Position(3));
                prop_assert!(receipt.checkpoint.note().starts_with(note.split_once("\n\n").unwrap().0));
            }
        }
        let bytes = changed(&note, &change);
        if let Ok(checkpoint) = trusted.verify(&bytes) {
            let signed = SignedCheckpoint::parse_unverified(note.as_bytes()).unwrap();
            prop_assert_eq!(checkpoint.checkpoint(), signed.checkpoint());
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn receipt_with_any_single_byte_changed_is_refused() {
    let Kept { text, leaf, trusted, .. } = kept();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(altered) = String::from_utf8(bytes) else { continue };
        assert!(Receipt::verify(&altered, leaf, &trusted).is_err(), "byte {at}: {altered}");
    }
    for other in [leaf_hash(&[2]), leaf_hash(&[]), [0; 32]] {
        assert!(Receipt::verify(&text, other, &trusted).is_err());
    }
}
