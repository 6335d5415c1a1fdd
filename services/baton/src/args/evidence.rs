//! Commands for evidence: receipts, bundles, and their check.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Ask for a receipt.
#[derive(Debug, Args)]
pub(crate) struct Receipt {
    /// The position of the event in the log, from 0.
    pub(crate) position: u64,
    /// Write the receipt into this new file instead of printing it; such files are named *.tlog-proof.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write the leaf as well, the stored bytes that the receipt is about, into this new file.
    #[arg(long, value_name = "FILE")]
    pub(crate) leaf: Option<PathBuf>,
}

/// What can be taken out.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// An evidence bundle: a directory that baton verify, and software of others, checks without any server.
    Bundle(ExportBundle),
}

/// Export a bundle.
#[derive(Debug, Args)]
pub(crate) struct ExportBundle {
    /// The directory to write into. Created if it is not there; must be empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Only the events of this transition, such as QUY.DENT.POD-2021, with their proofs. Without it the whole log.
    #[arg(long, value_name = "ID")]
    pub(crate) transition: Option<String>,
    /// Put in names and free text as far as they are not erased. Without it they are withheld.
    #[arg(long)]
    pub(crate) with_words: bool,
    /// With --transition: put in the proof that the log continues the one of this size, which an auditor remembers.
    #[arg(long, value_name = "SIZE", requires = "transition")]
    pub(crate) from_size: Vec<u64>,
    /// To whom it is given. The log records that first, with --purpose, as --person; without it nothing is recorded.
    #[arg(long, value_name = "WORDS", requires = "purpose")]
    pub(crate) issued_to: Option<String>,
    /// What it is given for; recorded with --issued-to.
    #[arg(long, value_name = "WORDS", requires = "issued_to")]
    pub(crate) purpose: Option<String>,
}

/// Verify evidence.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("evidence").args(["bundle", "receipt"]))]
pub(crate) struct Verify {
    /// The bundle, or the archive of a log.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: Option<PathBuf>,
    /// A receipt that was kept; with --leaf.
    #[arg(long, value_name = "FILE", requires = "leaf")]
    pub(crate) receipt: Option<PathBuf>,
    /// The leaf the receipt is for: the stored bytes, as baton log --leaf or a bundle gives them.
    #[arg(long, value_name = "FILE", requires = "receipt")]
    pub(crate) leaf: Option<PathBuf>,
    /// Your trust file: the public keys of the log, one a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: PathBuf,
    /// What you remember of earlier checks. Compared with, and written after a check that succeeded; made when it is not there.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}
