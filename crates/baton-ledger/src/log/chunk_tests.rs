//! Tests of the stored form.
#![allow(clippy::unwrap_used)]

use uuid::Uuid;

use super::*;

fn entry(leaf: &[u8]) -> Entry {
    Entry {
        stream: StreamName::parse("run-7").unwrap(),
        revision: Revision(3),
        request: None,
        leaf_hash: leaf_hash(leaf),
        leaf: leaf.to_vec(),
        sealed: None,
    }
}

fn full_entry() -> Entry {
    Entry {
        request: Some(Request {
            key: RequestKey { caller: "icb:QUY".into(), id: Uuid::from_bytes([0x11; 16]) },
            digest: [0x22; 32],
            count: 2,
        }),
        sealed: Some(Sealed { slot: 9, nonce: [0x33; 24], ciphertext: vec![0x44; 5] }),
        ..entry(b"{\"a\":1}")
    }
}

/// A checkpoint kept in a file, so that the golden bytes stay the same.
fn checkpoint() -> SignedCheckpoint {
    let note = include_str!("../../tests/golden/checkpoint.txt");
    SignedCheckpoint::parse_unverified(note.as_bytes()).unwrap()
}

/// The tile that two entries from 254 on complete; any hashes, for a chunk says what it was given.
fn tile() -> FullTile {
    FullTile { level: 0, end: 256, hashes: (0..=255).flat_map(|number| [number; 32]).collect() }
}

fn golden_chunk() -> Chunk {
    Chunk {
        batch: Position(254),
        first: Position(254),
        entries: vec![full_entry(), Entry { revision: Revision(4), ..entry(b"x") }],
        tiles: vec![tile()],
        checkpoint: Some(checkpoint()),
    }
}

#[test]
fn the_stored_bytes_are_the_golden_ones_and_decode_to_the_same_chunk() {
    let golden = include_str!("../../tests/golden/chunk-4.hex");
    let golden: String = golden.lines().filter(|line| !line.starts_with('#')).collect();
    let golden: Vec<u8> = (0..golden.len()).step_by(2).map(|at| u8::from_str_radix(&golden[at..at + 2], 16).unwrap()).collect();
    assert_eq!(golden_chunk().encode(), golden);
    assert_eq!(Chunk::decode(&golden).unwrap(), golden_chunk());
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let bytes = golden_chunk().encode();
    for at in 0..bytes.len() {
        assert!(Chunk::decode(&bytes[..at]).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(Chunk::decode(&flipped).is_err(), "bit {bit} of byte {at}");
        }
    }
}

/// As the form before ended in a sum of another kind, which would not fit.
#[test]
fn a_chunk_of_another_format_is_told_from_a_damaged_one() {
    let mut bytes = golden_chunk().encode();
    bytes.truncate(bytes.len() - SUM_LEN);
    bytes[0] = 3;
    bytes.extend(crate::hash::sha256(&bytes));
    assert_eq!(Chunk::decode(&bytes).unwrap_err(), "the chunk has format 3, this release knows 4");
}

#[test]
fn unknown_formats_flags_and_trailing_bytes_are_refused_even_under_a_sum_that_fits() {
    let resummed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = golden_chunk().encode();
        body.truncate(body.len() - SUM_LEN);
        change(&mut body);
        let sum = xxh3_128(&body);
        body.extend(sum);
        Chunk::decode(&body).unwrap_err()
    };
    assert!(resummed(&|b| b[0] = 5).contains("format 5"));
    assert!(resummed(&|b| b[1] |= 0x80).contains("unknown flags"));
    assert!(resummed(&|b| b[20] |= 0x80).contains("unknown flags"));
    assert!(resummed(&|b| b.push(0)).contains("after its end"));
    assert!(resummed(&|b| b[10..18].fill(0xff)).contains("beyond every position"));
    // Whatever more entries than there are would read first in the bytes of the checkpoint.
    resummed(&|b| b[19] = 200);
}

#[test]
fn entries_that_fill_a_chunk_to_the_byte_stay_together_and_one_byte_more_splits() {
    let at_bound = FULL - CHUNK_OVERHEAD - 2 * entry(b"").encoded_len();
    let pack = |total: usize| {
        let halves = [vec![1; total / 2], vec![2; total - total / 2]];
        Chunk::pack(Position(0), halves.iter().map(|leaf| entry(leaf)).collect(), Vec::new(), checkpoint())
    };
    let one = pack(at_bound);
    // The rest is kept free for a checkpoint of the largest size.
    let spare = MAX_CHECKPOINT - checkpoint().note().len();
    assert_eq!((one.len(), one[0].encode().len()), (1, FULL - spare));
    let two = pack(at_bound + 1);
    assert_eq!(two.len(), 2);
    assert_eq!((two[1].batch, two[1].first), (Position(0), Position(1)));
    assert_eq!((&two[0].checkpoint, &two[1].checkpoint), (&None, &Some(checkpoint())));
}

#[test]
fn a_tile_lies_in_the_chunk_of_the_record_that_completes_it_and_counts_as_its_weight() {
    let pack = |leaf: usize| {
        let entries = vec![entry(&vec![1; leaf]), entry(b"last"), entry(b"next")];
        Chunk::pack(Position(254), entries, vec![tile()], checkpoint())
    };
    let room = FULL - CHUNK_OVERHEAD - FULL_TILE - entry(b"").encoded_len() - entry(b"last").encoded_len();
    let within = pack(room);
    assert_eq!((within[0].entries.len(), &within[0].tiles), (2, &vec![tile()]));
    let beyond = pack(room + 1);
    assert_eq!((beyond[0].entries.len(), beyond[1].entries.len()), (1, 2));
    assert_eq!((&beyond[0].tiles, &beyond[1].tiles), (&vec![], &vec![tile()]));
    for chunk in within.into_iter().chain(beyond) {
        assert_eq!(Chunk::decode(&chunk.encode()).unwrap(), chunk);
    }
}
