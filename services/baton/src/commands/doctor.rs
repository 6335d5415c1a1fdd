//! `baton doctor`: what is wrong with a data directory, and what to do.
//!
//! Nothing in the directory is changed, created or renamed. The store is looked at through a copy in a
//! scratch directory, in a child process first, because the storage engine writes when it opens.

use super::Context;
use super::restore::{trust, with_cause};
use super::server::PROBE;
use crate::args::{Doctor, Format};
use crate::exit::Failure;
use crate::output::{flagged, table};
use baton_ledger::archive::{ArchiveError, check};
use baton_ledger::{Inspection, OpenError, TrustedKeys, free_bytes, inspect_probed};
use serde_json::json;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Free space below which the doctor warns: the ledger refuses appends below 64 MiB, and a start after
/// an unclean stop copies the store.
const ROOM: u64 = 256 * 1024 * 1024;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Sound,
    Attention,
    Damage,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    state: State,
    found: String,
    /// What to do; empty for what is sound.
    advice: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn sound(&mut self, what: &'static str, found: impl Into<String>) {
        self.0.push(Finding { what, state: State::Sound, found: found.into(), advice: String::new() });
    }

    fn attention(&mut self, what: &'static str, found: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { what, state: State::Attention, found: found.into(), advice: advice.into() });
    }

    fn damage(&mut self, what: &'static str, found: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { what, state: State::Damage, found: found.into(), advice: advice.into() });
    }

    fn worst(&self) -> State {
        self.0.iter().map(|finding| finding.state).max().unwrap_or(State::Sound)
    }
}

pub(super) async fn run(cx: &mut Context, args: &Doctor) -> Result<(), Failure> {
    if !args.data.is_dir() {
        return Err(Failure::Usage(format!("{} is not a directory", args.data.display())));
    }
    let trusted = match &args.trust {
        Some(own) => Some(trust(own)?),
        None => fs::read_to_string(args.data.join("trust.txt")).ok().and_then(|text| TrustedKeys::parse(&text).ok()),
    };
    let scratch = args.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let mut findings = Findings::default();
    permissions(&args.data, &mut findings);
    let seen = store(&args.data, &scratch, &mut findings);
    if let Some(seen) = &seen {
        signatures(seen, trusted.as_ref(), &mut findings);
    }
    fork(&args.data, &mut findings);
    leftovers(&args.data, &mut findings);
    room(&args.data, &mut findings);
    if let Some(archive) = &args.archive {
        archive_of(archive, trusted.as_ref(), seen.as_ref(), &mut findings);
    }
    say(cx, args, &findings)?;
    let sentence = |what: &str| format!("{} {what}; see above", args.data.display());
    match findings.worst() {
        State::Sound => Ok(()),
        State::Attention => Err(Failure::Refused(sentence("needs attention"))),
        State::Damage => Err(Failure::Damage(sentence("is damaged"))),
    }
}

fn say(cx: &mut Context, args: &Doctor, findings: &Findings) -> Result<(), Failure> {
    let word = |state| match state {
        State::Sound => "sound",
        State::Attention => "attention",
        State::Damage => "damage",
    };
    let mut rows = table(["Looked at", "State", "Found", "What to do"]).wide("Found");
    for finding in &findings.0 {
        let state = flagged(word(finding.state), finding.state != State::Sound);
        rows.row([finding.what.into(), state, finding.found.as_str().into(), finding.advice.as_str().into()]);
    }
    match cx.out.format {
        Format::Table => cx.out.table(&rows),
        Format::Csv => cx.out.csv(&rows),
        Format::Json => {
            let list: Vec<_> = findings
                .0
                .iter()
                .map(|f| {
                    json!({
                        "looked_at": f.what, "state": word(f.state), "found": f.found,
                        "what_to_do": if f.advice.is_empty() { None } else { Some(&f.advice) },
                    })
                })
                .collect();
            cx.out.json(&json!({ "data": args.data, "state": word(findings.worst()), "findings": list }))
        }
    }
}

/// Who may read what.
fn permissions(data: &Path, findings: &mut Findings) {
    const WHAT: &str = "permissions";
    let mode = |path: &Path| fs::metadata(path).map(|meta| meta.mode() & 0o777);
    match mode(data) {
        Ok(mode) if mode & 0o022 != 0 => {
            findings.attention(
                WHAT,
                format!("others may write into the directory (mode {mode:03o})"),
                format!("chmod go-w {}", data.display()),
            );
        }
        Ok(_) => {}
        Err(error) => {
            findings.attention(WHAT, format!("the directory cannot be read: {error}"), "run the doctor as the user of the server")
        }
    }
    let keys = data.join("keys");
    match mode(&keys) {
        Ok(mode) if mode & 0o077 != 0 => {
            let found = format!("others may read the keys of names and free text (mode {mode:03o})");
            findings.attention("key file", found, format!("chmod 600 {}", keys.display()));
        }
        Ok(mode) => findings.sound("key file", format!("only its owner may read it (mode {mode:03o})")),
        Err(error) => findings.damage(
            "key file",
            format!("it cannot be looked at: {error}"),
            "put the copy of this log's key file back; without it names and free text are gone",
        ),
    }
    if data.join("signing-key").exists() {
        findings.attention(
            "signing key",
            "it lies inside the data directory, as in a demonstration: it proves nothing to anybody",
            "for real use begin a log with the key outside (baton init)",
        );
    }
}

/// The store, through a copy.
fn store(data: &Path, scratch: &Path, findings: &mut Findings) -> Option<Inspection> {
    const WHAT: &str = "store";
    let Some(probe) = batond::Store::probed_by_this_program(&[PROBE]).probe else {
        findings.attention(WHAT, "this program does not know its own path", "run it by its whole path");
        return None;
    };
    match inspect_probed(data, scratch, &probe) {
        Ok(seen) => {
            findings.sound(WHAT, format!("{} events, every one read and matched with its hash", seen.records));
            stopped(&seen, findings);
            Some(seen)
        }
        Err(error) => {
            refusal(&error, findings);
            None
        }
    }
}

/// How the last stop was, and what is beside the store.
fn stopped(seen: &Inspection, findings: &mut Findings) {
    match seen.clean {
        // Nothing else says how the last stop was.
        _ if seen.noted.is_none() => {}
        true if seen.changed => findings.attention(
            "last stop",
            "clean, but the store does not lie as it left it: changed since, or the stop was cut short at its very end",
            "find out who or what changed it; a start copies it aside and checks everything first",
        ),
        true => findings.sound("last stop", "clean"),
        false if seen.rewrite_due => findings.attention(
            "last stop",
            "a sync had failed",
            "start the server; it writes the store anew first, and keeps the old one",
        ),
        false => findings.attention(
            "last stop",
            "not clean",
            "start the server; it copies the store aside and checks everything first",
        ),
    }
    findings.sound(
        "next start",
        match seen.snapshot {
            Some(bytes) => {
                format!("takes up the snapshot of the last stop, {} KiB, if it is of the same program", bytes.div_ceil(1024))
            }
            None => format!("reads all {} events: there is no snapshot of this store as it lies", seen.records),
        },
    );
    if seen.torn > 0 {
        let found = format!("{} chunks of a batch that was never acknowledged and has no end", seen.torn);
        findings.attention("torn batch", found, "start the server; it copies them aside and removes them");
    }
    match &seen.noted {
        Some(noted) => {
            findings.sound("head file", format!("notes {} events, and the store begins with them", noted.checkpoint().size))
        }
        None => findings.damage(
            "head file",
            "it cannot be read, so a lost end of the store would go unnoticed",
            "restore the directory from its archive",
        ),
    }
    match &seen.keys {
        None => findings.sound("keys", "they are those of this store and open all words that were not erased"),
        Some(why) => findings.damage(
            "keys",
            why.clone(),
            "put the key file of this store back, or the newest copy of it; without one: baton restore --keys-lost",
        ),
    }
}

fn refusal(error: &OpenError, findings: &mut Findings) {
    const WHAT: &str = "store";
    const RESTORE: &str = "keep the directory as it is, and restore from the archive or a backup into a new one: baton restore";
    let found = with_cause(error);
    match error {
        OpenError::InUse { .. } => findings.attention(WHAT, found, "stop that process for a look at the store"),
        OpenError::NewerFormat { .. } | OpenError::OlderFormat { .. } => {
            findings.attention(WHAT, found, "use the release that fits")
        }
        OpenError::Io { .. } => {
            findings.attention(WHAT, found, "see to the disk or the permissions, or give another --scratch, and look again")
        }
        OpenError::Loss { store, noted, .. } => {
            let found = format!("{found}: the last {} are missing", noted.size - store.size);
            findings.damage(
                WHAT,
                found,
                format!("{RESTORE}; a restored older copy that has no newer one goes on as a fork: baton fork"),
            );
        }
        _ => findings.damage(WHAT, found, RESTORE),
    }
}

/// Whose checkpoints these are.
fn signatures(seen: &Inspection, trusted: Option<&TrustedKeys>, findings: &mut Findings) {
    const WHAT: &str = "signatures";
    let Some(trusted) = trusted else {
        return findings.attention(
            WHAT,
            "there is no trust.txt to check them with",
            "start the server, which writes it, or give a file with --trust",
        );
    };
    let signed = [&seen.checkpoint, &seen.noted].into_iter().flatten();
    match signed.map(|signed| trusted.verify(signed.note().as_bytes())).find_map(Result::err) {
        None => findings.sound(WHAT, "a trusted key signed the newest checkpoint"),
        Some(error) => findings.damage(
            WHAT,
            error.to_string(),
            "the checkpoint was altered, or the keys are those of another log; ask whoever keeps the public keys",
        ),
    }
}

/// A fork that was cut short.
fn fork(data: &Path, findings: &mut Findings) {
    if data.join("FORKING").exists() {
        findings.attention(
            "fork",
            "FORKING was left by a fork that was cut short",
            "give the same baton fork command again, with the same key file and origin; it goes on from wherever that one ended",
        );
    }
}

/// What starts and crashes left behind.
fn leftovers(data: &Path, findings: &mut Findings) {
    const WHAT: &str = "leftovers";
    let names = |dir: &Path| -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let mut found = false;
    for name in names(&data.join("recovery")) {
        found = true;
        let path = data.join("recovery").join(&name);
        match name.as_str() {
            "damaged" => findings.attention(
                WHAT,
                format!("{} is a copy of a store that could not be opened", path.display()),
                "keep it until the cause is known, then remove it",
            ),
            "unfinished" | "probe" => findings.attention(
                WHAT,
                format!("{} was left by a start that was cut short", path.display()),
                "nothing; the next start after an unclean stop clears it",
            ),
            _ => findings.sound(
                WHAT,
                format!(
                    "{} is a copy of a store that was not as a clean stop leaves it; the newest two are kept",
                    path.display()
                ),
            ),
        }
    }
    for name in names(&data.join("store")).iter().filter(|name| name.starts_with("snap.") && name.ends_with(".generating")) {
        found = true;
        findings.attention(
            WHAT,
            format!("store/{name} is an unfinished snapshot of the storage engine"),
            "nothing; the next start removes it",
        );
    }
    for name in ["head.new", "keys.new", "FORMAT.new"].into_iter().filter(|name| data.join(name).exists()) {
        found = true;
        findings.attention(WHAT, format!("{name} was left by a write that was cut short"), "nothing; it is written over");
    }
    if !found {
        findings.sound(WHAT, "none");
    }
}

fn room(data: &Path, findings: &mut Findings) {
    const WHAT: &str = "free space";
    match free_bytes(data) {
        Ok(free) if free < ROOM => {
            findings.attention(WHAT, format!("{} MiB", free >> 20), "free some space: below 64 MiB nothing is recorded")
        }
        Ok(free) => findings.sound(WHAT, format!("{} MiB", free >> 20)),
        Err(error) => findings.attention(WHAT, format!("the system does not say: {error}"), "look at the disk"),
    }
}

/// The archive by itself, and beside the store.
fn archive_of(archive: &Path, trusted: Option<&TrustedKeys>, seen: Option<&Inspection>, findings: &mut Findings) {
    const WHAT: &str = "archive";
    let Some(trusted) = trusted else {
        return findings.attention(WHAT, "there is no trust.txt to check it with", "give a file of public keys with --trust");
    };
    let checked = match check(archive, trusted, baton_engine::key_succession) {
        Ok(checked) => checked,
        Err(error @ (ArchiveError::Io { .. } | ArchiveError::NotAnArchive { .. })) => {
            return findings.attention(WHAT, with_cause(&error), "give the archive of this log, and see to its disk");
        }
        Err(error) => {
            return findings.damage(WHAT, with_cause(&error), "keep it, and let the server begin another in an empty directory");
        }
    };
    let size = checked.checkpoint.checkpoint().size;
    findings.sound(WHAT, format!("{size} events in {} files, all of them checked", checked.segments));
    let Some(seen) = seen else { return };
    let shorter = size.min(seen.records);
    match (seen.tree.root_at(shorter), checked.root_at(shorter)) {
        (Ok(one), Ok(other)) if one == other => {}
        _ => {
            return findings.damage(
                "archive and store",
                format!("their first {shorter} events differ"),
                "keep both; hold each against a checkpoint that an auditor keeps",
            );
        }
    }
    match size > seen.records {
        true => findings.damage(
            "archive and store",
            format!("the archive holds {} events more", size - seen.records),
            "keep both, and restore from the archive: baton restore",
        ),
        false => findings.sound("archive and store", format!("the same; the archive is {} events behind", seen.records - size)),
    }
}
