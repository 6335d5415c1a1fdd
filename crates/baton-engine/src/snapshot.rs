//! The state, written at a stop in order and read at the next start, so that the log need not be folded again.
//!
//! **Believed when?** The ledger gives it only if nothing about the log has changed since that stop, encrypts it
//! and tells a forged or damaged one. Here it must be of the same size and root, and written by this very
//! program: another release may fold the same events into another state. In any other case the log is folded.
//! **Words?** Those that were erased are not in it. The ledger destroys it when it is opened, before anything
//! can be erased.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::sync::OnceLock;

use baton_domain::state::State;
use baton_ledger::{Head, Ledger};
use sha2::{Digest, Sha256};

/// How hard zstd tries.
const LEVEL: i32 = 1;

/// The program that runs, whatever has become of its file since. There is none where the system has no `/proc`:
/// then there are no snapshots.
const PROGRAM: &str = "/proc/self/exe";

/// Writes a state and where its log ends.
pub(crate) fn write(state: &State, head: Head, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&program()?)?;
    out.write_all(&head.size.to_le_bytes())?;
    out.write_all(&head.root)?;
    let mut text = zstd::Encoder::new(Vec::new(), LEVEL)?;
    serde_json::to_writer(&mut text, state)?;
    piece(&text.finish()?, out)?;
    state.pieces().try_for_each(|held| piece(&held, out))?;
    piece(&[], out)
}

/// The state that was left at the last stop, if it may be believed.
pub(crate) fn read(ledger: &dyn Ledger) -> Option<State> {
    let mut kept = ledger.snapshot()?;
    let read = program().and_then(|program| read_of(&program, ledger.head(), &mut kept));
    read.inspect_err(|error| tracing::info!(%error, "the snapshot of the state is passed over; the log is folded")).ok()
}

pub(crate) fn read_of(program: &[u8; 32], head: Head, kept: &mut dyn Read) -> io::Result<State> {
    let other = |what: &str| Err(Error::new(ErrorKind::InvalidData, format!("it is of another {what}")));
    if array::<32>(kept)? != *program {
        return other("release");
    }
    if (number(kept)?, array::<32>(kept)?) != (head.size, head.root) {
        return other("log, or of another moment of it");
    }
    let mut text = Vec::new();
    zstd::Decoder::new(taken(kept)?.as_slice())?.read_to_end(&mut text)?;
    // From a slice: twice as fast as from a reader.
    let mut state: State = serde_json::from_slice(&text)?;
    loop {
        let held = taken(kept)?;
        if held.is_empty() {
            break;
        }
        if !state.take_piece(&held) {
            return other("form");
        }
    }
    // Its end says that nothing is cut off.
    if kept.read(&mut [0])? != 0 {
        return other("form");
    }
    Ok(state)
}

fn piece(bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&(bytes.len() as u64).to_le_bytes())?;
    out.write_all(bytes)
}

fn taken(kept: &mut dyn Read) -> io::Result<Vec<u8>> {
    let length = number(kept)?;
    let mut bytes = Vec::new();
    kept.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

fn number(kept: &mut dyn Read) -> io::Result<u64> {
    array(kept).map(u64::from_le_bytes)
}

fn array<const N: usize>(kept: &mut dyn Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    kept.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Digest of the program that runs.
pub(crate) fn program() -> io::Result<[u8; 32]> {
    static DIGEST: OnceLock<[u8; 32]> = OnceLock::new();
    if let Some(digest) = DIGEST.get() {
        return Ok(*digest);
    }
    let mut digest = Sha256::new();
    io::copy(&mut std::fs::File::open(PROGRAM)?, &mut digest)?;
    Ok(*DIGEST.get_or_init(|| digest.finalize().into()))
}
