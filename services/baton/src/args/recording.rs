//! Commands that record.

use clap::Args;
use std::path::PathBuf;

/// Record a file.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// A record request in TOML or JSON; "-" reads TOML from standard input.
    pub(crate) file: PathBuf,
    /// Only say what would happen; record nothing.
    #[arg(long)]
    pub(crate) validate_only: bool,
}

/// Import files.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files, or directories, whose files come in the order their index.toml names them.
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) files: Vec<PathBuf>,
    /// The second person, who approves, an opaque id. The first is --person.
    #[arg(long, value_name = "ID", required_unless_present = "propose_only")]
    pub(crate) approver: Option<String>,
    /// Only propose; somebody else approves later.
    #[arg(long, conflicts_with = "approver")]
    pub(crate) propose_only: bool,
}

/// Propose a file.
#[derive(Debug, Args)]
pub(crate) struct Propose {
    /// Commands in TOML or JSON, with an optional "proposal" id and "reason"; "-" reads TOML from standard input.
    pub(crate) file: PathBuf,
}

/// Approve a proposal.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The proposal.
    pub(crate) proposal: String,
    /// The digest of what you saw. Without it the assessment is shown and you are asked.
    #[arg(long)]
    pub(crate) digest: Option<String>,
    /// Approve what is shown without being asked.
    #[arg(long, conflicts_with = "digest")]
    pub(crate) yes: bool,
    /// A remark.
    #[arg(long)]
    pub(crate) note: Option<String>,
}

/// Propose an erasure.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// Positions of the events, at most 100.
    #[arg(required = true, value_name = "POSITION")]
    pub(crate) positions: Vec<u64>,
    /// On what ground: data_subject_request, court_order, retention_ended or recorded_in_error.
    #[arg(long, value_name = "WORD")]
    pub(crate) ground: String,
    /// A reference or more about the ground; kept so that it can not be erased.
    #[arg(long)]
    pub(crate) note: Option<String>,
}
