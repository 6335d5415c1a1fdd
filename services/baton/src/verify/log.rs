//! A whole log: every leaf hashed, the tree built again, every tile and every older checkpoint compared.

use super::forks::Forks;
use super::leaf::{Leaf, Places};
use super::manifest::Manifest;
use super::older::{self, Older};
use super::report::Report;
use super::rotation::Changes;
use super::words::Words;
use super::{Evidence, Stopped, hex, optional};
use baton_ledger::bundle::{BundleError, BundleFile, ENTRIES_WIDTH, Growth, LogDirectory, MAX_LOG};
use baton_ledger::{TILE_WIDTH, Tree, leaf_hash};
use std::collections::BTreeMap;

/// Bytes of a hash.
const HASH: usize = 32;

pub(super) fn verify(
    evidence: &Evidence<'_>,
    manifest: Option<&Manifest>,
    report: &mut Report,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Stopped> {
    let signed = evidence.checkpoint.checkpoint();
    let dir = evidence.dir;
    if signed.size > MAX_LOG {
        report.fail(None, format!("the checkpoint claims {} records, more than any log has", signed.size));
        return Ok(());
    }
    let forks = Forks::of_log(evidence.files, signed)?;
    let older = older::read(evidence, dir, manifest, &forks, report)?;
    let mut words = Words::list(dir, report)?;
    let mut places = Places::default();
    let mut changes = Changes::default();
    let mut told = Forks::default();
    let mut tree = Tree::new();
    let mut roots = Roots { older: &older, next: 0, good: 0, bad: None };
    let mut tiles = Tiles::default();
    let mut growth = Growth::between(0, signed.size);
    while let Some(step) = growth.step() {
        progress(step.from, signed.size);
        let leaves = match evidence.files.entries(step.from / ENTRIES_WIDTH, signed.size) {
            Err(error @ (BundleError::Missing { .. } | BundleError::Malformed { .. })) => {
                report.fail(Some(step.from), format!("{error}; nothing after it can be checked"));
                return Ok(());
            }
            read => optional(read, report)?.unwrap_or_default(),
        };
        for (index, bytes) in (step.from..).zip(&leaves) {
            tree.push(leaf_hash(bytes));
            match Leaf::read(bytes) {
                Ok(leaf) => {
                    places.take(index, &leaf, report);
                    changes.take(index, &leaf, forks.origin(index + 1, &signed.origin));
                    told.take(index, &leaf);
                    words.take(index, &leaf, bytes, evidence.files, report)?;
                }
                Err(why) => report.fail(Some(index), why),
            }
            roots.compare(&tree, report);
        }
        // What a directory of these leaves must hold; the tree has all of them.
        let expected = tree.tiles(step.tiles_from, step.to).map_err(|error| Stopped::Unavailable(error.to_string()))?;
        let expected = growth.files(leaves.iter().map(Vec::as_slice), expected);
        let expected = expected.map_err(|error| Stopped::Unavailable(error.to_string()))?;
        for file in expected.iter().filter(|file| !file.path.starts_with("tile/entries/")) {
            tiles.compare(evidence.files, file)?;
        }
    }
    tiles.leftovers(evidence.files, signed.size, report)?;
    let rebuilt = tree.root();
    let same = rebuilt == signed.root;
    if !same {
        let (from, to) = (roots.good, roots.bad.unwrap_or(signed.size));
        let at = tiles.first().filter(|at| (from..to).contains(at));
        let place = match at {
            Some(at) => format!("the leaf at position {at} is not the one that its tile holds the hash of"),
            None => format!("a leaf from position {from} to {} was changed, added, removed or moved", to.saturating_sub(1)),
        };
        report.fail(
            at,
            format!("the tree over the leaves has root {} and the checkpoint says {}: {place}", hex(&rebuilt), hex(&signed.root)),
        );
    }
    tiles.report(same, report);
    if places.origin.as_deref().is_some_and(|origin| origin != signed.origin) {
        report.fail(
            None,
            format!(
                "the leaves are those of log {:?}, and the checkpoint names {:?}",
                places.origin.clone().unwrap_or_default(),
                signed.origin
            ),
        );
    }
    if !told.are(&forks) {
        report.fail(
            None,
            "the forks that the leaves tell of do not lead from the origin that the first leaf names to that of the checkpoint",
        );
    }
    forks.settle(&signed.origin, report);
    report.leaves(tree.size());
    words.finish(manifest, report);
    changes.settle(evidence, &older, &forks, report);
    if same {
        report.hold(format!("{} leaves were hashed and the root was built again from them: it is the signed one", tree.size()));
        report.hold(format!("{} tiles hold the hashes of that tree", tiles.compared));
        report.hold(format!(
            "every leaf names its own position, and the revisions of {} streams follow each other from 1",
            places.streams()
        ));
        let (mine, theirs): (Vec<&Older>, Vec<&Older>) = older.iter().partition(|older| older.remembered);
        if roots.bad.is_none() {
            for (whose, older) in [("in the bundle", theirs), ("that you remember", mine)] {
                if let (Some(first), Some(last)) = (older.first(), older.last()) {
                    let (first, last) = (first.checkpoint.size, last.checkpoint.size);
                    report.hold(format!(
                        "the log continues all {} older checkpoints {whose}, of size {first} to {last}",
                        older.len()
                    ));
                }
            }
        }
    }
    older::first_contact(evidence, &older, report);
    report.cannot_exclude(format!(
        "events after position {}: what was recorded after this checkpoint is not in it",
        signed.size.saturating_sub(1)
    ));
    report.cannot_exclude("what was false when it was recorded, or was never recorded");
    Ok(())
}

/// The older checkpoints on the way up.
struct Roots<'o> {
    older: &'o [Older],
    next: usize,
    /// The size up to which the leaves are known to be right.
    good: u64,
    /// The first size at which they are known to be wrong.
    bad: Option<u64>,
}

impl Roots<'_> {
    fn compare(&mut self, tree: &Tree, report: &mut Report) {
        while let Some(older) = self.older.get(self.next).filter(|older| older.checkpoint.size <= tree.size()) {
            self.next += 1;
            let root = tree.root();
            if root == older.checkpoint.root {
                older.holds(report);
                if self.bad.is_none() {
                    self.good = tree.size();
                }
            } else {
                let what = format!(
                    "the log is not continued from {}: its root there is {} and was {}",
                    older.name(),
                    hex(&root),
                    hex(&older.checkpoint.root)
                );
                report.fail(None, what);
                self.bad.get_or_insert(tree.size());
            }
        }
    }
}

/// Tiles compared with those of the tree built again.
#[derive(Default)]
struct Tiles {
    compared: u64,
    /// Width of each tile there must be, by level and number.
    widths: BTreeMap<(u8, u64), usize>,
    /// What is wrong, with the first position below the first wrong hash.
    wrong: Vec<(Option<u64>, u8, String)>,
}

impl Tiles {
    fn compare(&mut self, files: &LogDirectory, expected: &BundleFile) -> Result<(), Stopped> {
        let Some((level, number)) = place(&expected.path) else { return Ok(()) };
        self.widths.insert((level, number), expected.bytes.len() / HASH);
        self.compared += 1;
        let most = TILE_WIDTH as usize * HASH;
        let mut found = files.file(&expected.path, most);
        // Of a partial tile the full one may have taken the place.
        if let (Err(BundleError::Missing { .. }), Some((full, _))) = (&found, expected.path.split_once(".p/")) {
            found = match files.file(full, most) {
                Ok(mut bytes) => {
                    bytes.truncate(expected.bytes.len());
                    Ok(bytes)
                }
                Err(BundleError::Missing { .. }) => found,
                other => other,
            };
        }
        match found {
            Ok(bytes) => self.difference(level, number, &expected.path, &bytes, &expected.bytes),
            Err(error @ BundleError::Io { .. }) => return Err(Stopped::Unavailable(error.to_string())),
            Err(error) => self.wrong.push((None, level, error.to_string())),
        }
        Ok(())
    }

    fn difference(&mut self, level: u8, number: u64, path: &str, found: &[u8], expected: &[u8]) {
        if found == expected {
            return;
        }
        let differs = found.chunks(HASH).zip(expected.chunks(HASH)).position(|(found, expected)| found != expected);
        let at = differs.unwrap_or(found.len().min(expected.len()) / HASH) as u64;
        let below = (number * TILE_WIDTH + at).checked_shl(8 * u32::from(level));
        let what = match found.len() == expected.len() {
            true => format!("{path} does not hold the hashes of the leaves: hash {at} differs"),
            false => format!("{path} holds {} bytes and not {}", found.len(), expected.len()),
        };
        self.wrong.push((below, level, what));
    }

    /// What lies there besides: older partial tiles must agree with the wider ones; what is beyond the
    /// checkpoint is nobody's.
    fn leftovers(&mut self, files: &LogDirectory, size: u64, report: &mut Report) -> Result<(), Stopped> {
        let Some((found, others)) = optional(files.tiles(), report)? else { return Ok(()) };
        let mut beyond = 0;
        for tile in found {
            let widest = self.widths.get(&(tile.level, tile.number)).copied();
            if tile.log_size().is_none_or(|needs| needs > size) {
                // A full tile in place of the partial one was compared as far as the checkpoint reaches.
                beyond += 1;
            } else if let Some(widest) = widest.filter(|widest| *widest as u64 > tile.width) {
                let (Some(narrow), Some(wide)) = (
                    optional(files.file(&tile.path, TILE_WIDTH as usize * HASH), report)?,
                    self.widest(files, &tile.path, widest)?,
                ) else {
                    continue;
                };
                self.compared += 1;
                let wide = wide.get(..tile.width as usize * HASH).unwrap_or_default();
                self.difference(tile.level, tile.number, &tile.path, &narrow, wide);
            }
        }
        if beyond > 0 {
            report.warn(format!("{beyond} tiles reach beyond the checkpoint and were not looked at"));
        }
        for other in others {
            report.warn(format!("{other} is not a tile and was not looked at"));
        }
        Ok(())
    }

    fn widest(&self, files: &LogDirectory, path: &str, width: usize) -> Result<Option<Vec<u8>>, Stopped> {
        let full = path.split_once(".p/").map_or(path, |(full, _)| full);
        let most = TILE_WIDTH as usize * HASH;
        for path in [format!("{full}.p/{width}"), full.to_owned()] {
            match files.file(&path, most) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error @ BundleError::Io { .. }) => return Err(Stopped::Unavailable(error.to_string())),
                // It was found missing or malformed already.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// The first leaf whose own hash, at level 0, is not in its tile.
    fn first(&self) -> Option<u64> {
        self.wrong.iter().filter(|(_, level, _)| *level == 0).filter_map(|(at, ..)| *at).min()
    }

    /// With the signed root the leaves are right and the tiles wrong; else what is wrong has been said.
    fn report(&mut self, leaves_are_right: bool, report: &mut Report) {
        for (at, _, what) in std::mem::take(&mut self.wrong) {
            report.fail(at.filter(|_| leaves_are_right), what);
        }
    }
}

/// Level and number in the path of a hash tile.
fn place(path: &str) -> Option<(u8, u64)> {
    let path = path.split_once(".p/").map_or(path, |(full, _)| full);
    let mut parts = path.strip_prefix("tile/")?.split('/');
    let level = parts.next()?.parse().ok()?;
    let mut number = 0;
    for part in parts {
        number = number * 1_000 + part.trim_start_matches('x').parse::<u64>().ok()?;
    }
    Some((level, number))
}
