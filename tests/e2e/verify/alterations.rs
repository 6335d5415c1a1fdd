//! What is altered in a bundle, one thing at a time, and whether Go's packages can see it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::altering::{alter, alter_text, copy, disclosure, entries, leaves, line, manifest, oldest, only, other_letter, worded};

/// What the alterations draw on.
pub(super) struct Evidence {
    pub(super) whole: PathBuf,
    pub(super) one: PathBuf,
    /// The same two, earlier.
    pub(super) earlier: PathBuf,
    pub(super) one_earlier: PathBuf,
    /// Another transition, at the same checkpoint as `one`.
    pub(super) neighbour: PathBuf,
    /// Another log of the same name, signed by another key.
    pub(super) foreign: PathBuf,
}

/// Whether Go's packages can see an alteration.
pub(super) enum Go2 {
    Sees,
    /// Why not.
    Blind(&'static str),
}
use Go2::{Blind, Sees};

const OURS_ALONE: &str = "Go knows neither the words beside leaves nor bundle.json: their form is Baton's";

pub(super) type Alteration = (&'static str, Go2, Box<dyn Fn(&Path, &Evidence)>);

pub(super) fn of_the_whole_log() -> Vec<Alteration> {
    let checkpoint = |change: fn(&str) -> String| move |dir: &Path, _: &Evidence| alter_text(dir.join("checkpoint"), change);
    let first = "tile/entries/000";
    vec![
        ("another origin", Sees, Box::new(checkpoint(|note| line(note, 0, |origin| other_letter(origin, 3))))),
        (
            "a larger size",
            Sees,
            Box::new(checkpoint(|note| line(note, 1, |size| (size.parse::<u64>().unwrap_or(0) + 1).to_string()))),
        ),
        (
            "a smaller size",
            Sees,
            Box::new(checkpoint(|note| line(note, 1, |size| (size.parse::<u64>().unwrap_or(0) - 1).to_string()))),
        ),
        ("another root", Sees, Box::new(checkpoint(|note| line(note, 2, |root| other_letter(root, 5))))),
        (
            "another key id",
            Sees,
            Box::new(checkpoint(|note| line(note, 4, |sig| other_letter(sig, sig.rfind(' ').unwrap_or(0) + 2)))),
        ),
        (
            "another signature",
            Sees,
            Box::new(checkpoint(|note| line(note, 4, |sig| other_letter(sig, sig.rfind(' ').unwrap_or(0) + 30)))),
        ),
        ("a signature under another name", Sees, Box::new(checkpoint(|note| line(note, 4, |sig| sig.replace("e2e", "e2f"))))),
        ("no signature", Sees, Box::new(checkpoint(|note| line(note, 4, |_| String::new())))),
        ("no checkpoint", Sees, Box::new(|dir, _| fs::remove_file(dir.join("checkpoint")).expect("removed"))),
        (
            "a leaf with one bit flipped",
            Sees,
            Box::new(move |dir, _| {
                alter(dir.join(first), |bytes| {
                    let entry = entries(bytes)[40].clone();
                    bytes[entry.start + 60] ^= 1;
                })
            }),
        ),
        (
            "the last leaf with one bit flipped",
            Sees,
            Box::new(|dir, _| {
                alter(only(dir.join("tile/entries/001.p")), |bytes| {
                    let entry = entries(bytes).pop().expect("an entry");
                    bytes[entry.end - 2] ^= 1;
                })
            }),
        ),
        (
            "an entry that says it is longer",
            Sees,
            Box::new(move |dir, _| alter(dir.join(first), |bytes| bytes[1] = bytes[1].wrapping_add(1))),
        ),
        (
            "an entry that says it is shorter",
            Sees,
            Box::new(move |dir, _| alter(dir.join(first), |bytes| bytes[1] = bytes[1].wrapping_sub(1))),
        ),
        (
            "two leaves in each other's place",
            Sees,
            Box::new(move |dir, _| {
                alter(dir.join(first), |bytes| {
                    let all = entries(bytes);
                    let swapped =
                        [&bytes[..all[7].start], &bytes[all[8].clone()], &bytes[all[7].clone()], &bytes[all[8].end..]].concat();
                    *bytes = swapped;
                })
            }),
        ),
        (
            "a leaf taken out",
            Sees,
            Box::new(|dir, _| {
                alter(only(dir.join("tile/entries/001.p")), |bytes| {
                    let entry = entries(bytes)[3].clone();
                    bytes.drain(entry);
                })
            }),
        ),
        (
            "a leaf put in twice",
            Sees,
            Box::new(|dir, _| {
                alter(only(dir.join("tile/entries/001.p")), |bytes| {
                    let entry = bytes[entries(bytes)[3].clone()].to_vec();
                    bytes.extend(entry);
                })
            }),
        ),
        ("entries cut off", Sees, Box::new(move |dir, _| alter(dir.join(first), |bytes| bytes.truncate(bytes.len() / 2)))),
        ("entries gone", Sees, Box::new(move |dir, _| fs::remove_file(dir.join(first)).expect("removed"))),
        ("the last entries gone", Sees, Box::new(|dir, _| fs::remove_dir_all(dir.join("tile/entries/001.p")).expect("removed"))),
        ("a hash in a tile of leaves", Sees, Box::new(|dir, _| alter(dir.join("tile/0/000"), |bytes| bytes[32 * 9 + 5] ^= 1))),
        ("a hash in a tile above", Sees, Box::new(|dir, _| alter(only(dir.join("tile/1/000.p")), |bytes| bytes[5] ^= 1))),
        ("a tile cut off", Sees, Box::new(|dir, _| alter(dir.join("tile/0/000"), |bytes| bytes.truncate(32 * 200)))),
        ("a tile gone", Sees, Box::new(|dir, _| fs::remove_file(dir.join("tile/0/000")).expect("removed"))),
        (
            "the checkpoint of an earlier time",
            Sees,
            Box::new(|dir, all| {
                fs::copy(all.earlier.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
            }),
        ),
        (
            "an earlier log under the newer checkpoint",
            Sees,
            Box::new(|dir, all| {
                fs::remove_dir_all(dir).expect("removed");
                copy(&all.earlier, dir);
                fs::copy(all.whole.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
            }),
        ),
        (
            "the checkpoint of another log",
            Sees,
            Box::new(|dir, all| {
                fs::copy(all.foreign.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
            }),
        ),
        (
            "everything written and signed anew with another key",
            Sees,
            Box::new(|dir, all| {
                fs::remove_dir_all(dir).expect("removed");
                copy(&all.foreign, dir);
            }),
        ),
        (
            "leaves and tiles of another log of the same size under a checkpoint of this one",
            Sees,
            Box::new(|dir, all| {
                fs::remove_dir_all(dir).expect("removed");
                copy(&all.foreign, dir);
                fs::copy(all.earlier.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
                fs::remove_dir_all(dir.join("checkpoints")).expect("removed");
                manifest(dir, |m| m["checkpoints"] = Value::Array(Vec::new()));
            }),
        ),
        (
            "an older checkpoint with another root",
            Sees,
            Box::new(|dir, _| alter_text(oldest(dir), |note| line(note, 2, |root| other_letter(root, 5)))),
        ),
        (
            "an older checkpoint under another size",
            Sees,
            Box::new(|dir, _| {
                fs::rename(oldest(dir), dir.join("checkpoints/2.note")).expect("renamed");
            }),
        ),
        (
            "an older checkpoint of another log",
            Sees,
            Box::new(|dir, all| {
                fs::copy(oldest(&all.foreign), oldest(dir)).map(drop).expect("copied");
            }),
        ),
        ("an older checkpoint gone", Blind(OURS_ALONE), Box::new(|dir, _| fs::remove_file(oldest(dir)).expect("removed"))),
        ("other words", Blind(OURS_ALONE), Box::new(|dir, _| disclosure(dir, |text| text.replace("words 0", "words 1")))),
        (
            "another salt",
            Blind(OURS_ALONE),
            Box::new(|dir, _| {
                disclosure(dir, |text| {
                    let at = text.find("salt").expect("a salt") + 9;
                    other_letter(text, at)
                })
            }),
        ),
        (
            "words at another path",
            Blind(OURS_ALONE),
            Box::new(|dir, _| disclosure(dir, |text| text.replace("/payload/note", "/remark"))),
        ),
        ("words missing", Blind(OURS_ALONE), Box::new(|dir, _| fs::remove_file(worded(dir)).expect("removed"))),
        (
            "words beside a leaf that has none",
            Blind(OURS_ALONE),
            Box::new(|dir, _| {
                fs::copy(worded(dir), dir.join("disclosures/1.json")).map(drop).expect("copied");
            }),
        ),
        (
            "words beside another leaf",
            Blind(OURS_ALONE),
            Box::new(|dir, _| {
                let second = worded(dir).with_file_name("40.json");
                fs::copy(worded(dir), second).map(drop).expect("copied");
            }),
        ),
        ("bundle.json of another size", Blind(OURS_ALONE), Box::new(|dir, _| manifest(dir, |m| m["size"] = 1.into()))),
        ("bundle.json of another origin", Blind(OURS_ALONE), Box::new(|dir, _| manifest(dir, |m| m["origin"] = "other".into()))),
        (
            "bundle.json that says words were erased",
            Blind(OURS_ALONE),
            Box::new(|dir, _| {
                fs::remove_file(worded(dir)).expect("removed");
                manifest(dir, |m| {
                    m["disclosed"] = Value::Array(Vec::new());
                    m["erased"] = serde_json::json!([[20, 20]]);
                });
            }),
        ),
        (
            "bundle.json malformed",
            Blind(OURS_ALONE),
            Box::new(|dir, _| alter(dir.join("bundle.json"), |bytes| bytes.truncate(20))),
        ),
    ]
}

pub(super) fn of_one_transition() -> Vec<Alteration> {
    let proof = |dir: &Path, nth: usize| dir.join(format!("proofs/{}.tlog-proof", leaves(dir)[nth]));
    let leaf = |dir: &Path, nth: usize| dir.join(format!("leaves/{}.json", leaves(dir)[nth]));
    vec![
        ("a leaf with one bit flipped", Sees, Box::new(move |dir, _| alter(leaf(dir, 1), |bytes| bytes[60] ^= 1))),
        ("a leaf cut off", Sees, Box::new(move |dir, _| alter(leaf(dir, 1), |bytes| bytes.truncate(100)))),
        (
            "two leaves in each other's place",
            Sees,
            Box::new(move |dir, _| {
                let (one, other) = (fs::read(leaf(dir, 1)).expect("a leaf"), fs::read(leaf(dir, 2)).expect("a leaf"));
                fs::write(leaf(dir, 1), other).and_then(|()| fs::write(leaf(dir, 2), one)).expect("written");
            }),
        ),
        (
            "a leaf and its proof under another position",
            Sees,
            Box::new(move |dir, _| {
                let to = leaves(dir)[1] + 1;
                fs::rename(proof(dir, 1), dir.join(format!("proofs/{to}.tlog-proof"))).expect("renamed");
                fs::rename(leaf(dir, 1), dir.join(format!("leaves/{to}.json"))).expect("renamed");
            }),
        ),
        (
            "a hash of a proof",
            Sees,
            Box::new(move |dir, _| alter_text(proof(dir, 1), |text| line(text, 3, |hash| other_letter(hash, 7)))),
        ),
        (
            "the index of a proof",
            Sees,
            Box::new(move |dir, _| alter_text(proof(dir, 1), |text| line(text, 1, |_| "index 3".to_owned()))),
        ),
        (
            "a hash left out of a proof",
            Sees,
            Box::new(move |dir, _| {
                alter_text(proof(dir, 1), |text| {
                    let mut lines: Vec<&str> = text.split('\n').collect();
                    lines.remove(3);
                    lines.join("\n")
                })
            }),
        ),
        (
            "the checkpoint of a proof from an earlier time",
            Sees,
            Box::new(move |dir, all| {
                let earlier = fs::read_to_string(all.earlier.join("checkpoint")).expect("a note");
                alter_text(proof(dir, 1), |text| format!("{}\n\n{earlier}", text.split_once("\n\n").expect("two parts").0));
            }),
        ),
        (
            "a sound proof up to an earlier checkpoint",
            Sees,
            Box::new(move |dir, all| {
                fs::copy(proof(&all.one_earlier, 1), proof(dir, 1)).map(drop).expect("copied");
            }),
        ),
        (
            "the proof of another leaf",
            Sees,
            Box::new(move |dir, _| {
                fs::copy(proof(dir, 2), proof(dir, 1)).map(drop).expect("copied");
            }),
        ),
        ("a proof gone", Sees, Box::new(move |dir, _| fs::remove_file(proof(dir, 1)).expect("removed"))),
        (
            "an event in the middle left out",
            Blind("each leaf that is left is proven; only its revision tells of a gap"),
            Box::new(move |dir, _| {
                let (gone, path) = (proof(dir, 1), leaf(dir, 1));
                fs::remove_file(gone).and_then(|()| fs::remove_file(path)).expect("removed");
            }),
        ),
        (
            "another origin",
            Sees,
            Box::new(|dir, _| alter_text(dir.join("checkpoint"), |note| line(note, 0, |origin| other_letter(origin, 3)))),
        ),
        (
            "the checkpoint of an earlier time",
            Sees,
            Box::new(|dir, all| {
                fs::copy(all.earlier.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
            }),
        ),
        (
            "a hash of a consistency proof",
            Sees,
            Box::new(|dir, _| alter_text(oldest(dir).with_extension("consistency"), |text| other_letter(text, 8))),
        ),
        (
            "a consistency proof gone",
            Sees,
            Box::new(|dir, _| fs::remove_file(oldest(dir).with_extension("consistency")).expect("removed")),
        ),
        (
            "a sound leaf of another transition with its sound proof",
            Blind("which stream a leaf belongs to stands inside it"),
            Box::new(|dir, all| {
                let index = leaves(&all.neighbour)[1];
                for file in
                    [format!("leaves/{index}.json"), format!("proofs/{index}.tlog-proof"), format!("disclosures/{index}.json")]
                {
                    fs::copy(all.neighbour.join(&file), dir.join(&file)).map(drop).expect("copied");
                }
                manifest(dir, |m| {
                    for list in ["leaves", "disclosed"] {
                        m[list].as_array_mut().expect("ranges").push(serde_json::json!([index, index]));
                    }
                });
            }),
        ),
        (
            "another transition in bundle.json",
            Blind("which stream a leaf belongs to stands inside it"),
            // Proven in the same tree, and not what is said to have been asked for.
            Box::new(|dir, _| manifest(dir, |m| m["asked"]["transition"] = "QOX.DENT.TEST".into())),
        ),
    ]
}
