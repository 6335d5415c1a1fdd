//! What may be written on the command line.
//!
//! Every text here is read by people in `--help`; it says what happens and what is printed.

mod evidence;
mod logs;
mod reading;
mod recording;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

pub(crate) use evidence::{Export, ExportBundle, Receipt, Verify};
pub(crate) use logs::{Backup, Bench, Demo, Doctor, Fork, Init, Restore, RotateKey, Up};
pub(crate) use reading::{Board, Known, Log, One, Past, Proposals, Replay, Show};
pub(crate) use recording::{Approve, Erase, Import, Propose, Record};

/// Records how commissioning functions pass from a sender to a receiver, and shows where each stands.
#[derive(Debug, Parser)]
#[command(name = "baton", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused or verification failed, 2 usage or a mistake in a file, 3 unavailable, 4 damage.\nNO_COLOR turns colours off."
)]
pub(crate) struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) common: Common,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Address of the server, HOST:PORT.
    #[arg(long, global = true, env = "BATON_SERVER", default_value = "127.0.0.1:50051", value_name = "ADDR")]
    pub(crate) server: String,
    /// Who you are, an opaque id. Believed only by a server in development identity mode.
    #[arg(long, global = true, env = "BATON_PERSON", value_name = "ID")]
    pub(crate) person: Option<String>,
    /// How to print: tables for people, JSON or CSV for programs.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) output: Format,
    /// Whether the address was given with --server, and not by the environment or by default.
    #[arg(skip)]
    pub(crate) server_given: bool,
    /// Draw no progress bars. They are drawn on a terminal only, never into a file.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people.
    Table,
    /// JSON with stable keys.
    Json,
    /// Comma-separated values with one header line.
    Csv,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a new log in a directory.
    Init(Init),
    /// Serve the log of a directory until Ctrl-C or SIGTERM.
    Up(Up),
    /// Load the real histories and the national picture, print them, then serve until Ctrl-C.
    ///
    /// For trying out only: whoever connects is believed to be whom they say they are.
    Demo(Demo),
    /// Where every transition stands, by region and receiver.
    Board(Board),
    /// The path of one transition: stage, plans, statements, obligations, checklists, gaps, conflicts, handover.
    Show(Show),
    /// What can be done next and by whom, and what is blocked by which rules.
    Next(One),
    /// Record the commands of a file, all or none.
    Record(Record),
    /// Load history from files: propose it as one person, approve it as another.
    ///
    /// A second run loads nothing twice and says so.
    Import(Import),
    /// Propose the commands of a file; they wait for a second person.
    Propose(Propose),
    /// Approve a proposal as a second person.
    Approve(Approve),
    /// The proposals that wait for a second person.
    Proposals(Proposals),
    /// Propose to erase the names and free text of events, for ever; a second person approves.
    ///
    /// Plain fields stay, and so does every proof. An event goes with the proposal and the corrections that
    /// hold its words too: what is left out is named.
    Erase(Erase),
    /// The log, event by event.
    Log(Log),
    /// The events of one transition in the order of its story, with the stage after each.
    Replay(Replay),
    /// Take a backup of a running server's log, or a copy of a key file.
    ///
    /// The backup is written into a new directory, in the form of an archive, and checked on the way. It holds
    /// no keys: names and free text can be read again only with a copy of the key file made after it.
    Backup(Backup),
    /// Make a data directory from an archive or a backup.
    ///
    /// Checks everything first, and erases the keys of erased words again. If anybody holds a checkpoint of a
    /// larger size than the archive, do not serve the result: fork it.
    Restore(Restore),
    /// Let a restored older copy go on under a new origin and a new key.
    ///
    /// The first event after the copy says so: it names the old origin, its last known checkpoint, and how
    /// many events the copy held. The log keeps its events, positions and old receipts.
    Fork(Fork),
    /// Let a stopped log go on under a new signing key of the same origin.
    ///
    /// Records KeyRotated, which both keys sign; from then on the log opens under the new key alone. Cut short, it is
    /// repeated with the same keys. Hand the new public key to auditors by another way than the log's own evidence.
    RotateKey(RotateKey),
    /// Look at a data directory without changing it: what is wrong, and what to do.
    ///
    /// Exits with 0 when all is sound, 1 when something needs attention, 4 on damage.
    Doctor(Doctor),
    /// Measure what this machine gives: calls, reads, starts and rebuilds beside a bare gRPC echo, a
    /// bare durable append and the bare disk.
    ///
    /// Makes its own logs and removes them. Leave the machine alone meanwhile. Exit code 1 with --guard when a
    /// ratio falls below its floor; otherwise targets that are not met are only told.
    Bench(Bench),
    /// The receipt of an event: a text to keep, which proves that it is in the log.
    Receipt(Receipt),
    /// Take evidence out of the log, for whoever trusts nobody here.
    #[command(subcommand)]
    Export(Export),
    /// Check evidence offline: a bundle, or a kept receipt. With --server also the log as it is now.
    ///
    /// The keys you trust are in a file of your own, which you got by another way than the evidence.
    Verify(Verify),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Open a copy of a store and say by the exit code whether that went well. The server calls this.
    #[command(hide = true)]
    ProbeStore {
        /// The copy.
        dir: PathBuf,
    },
}

impl Arguments {
    /// Reads the command line. A mistake on it ends the program here with 2, help and version with 0.
    pub(crate) fn read() -> Self {
        let matches = <Self as CommandFactory>::command().get_matches();
        let mut arguments = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        // A global option stands before the command or after it.
        let given = |matches: &ArgMatches| matches.value_source("server") == Some(ValueSource::CommandLine);
        arguments.common.server_given = given(&matches) || matches.subcommand().is_some_and(|(_, after)| given(after));
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn import_wants_a_second_person_or_only_proposes() {
        let parse = |rest: &[&str]| Arguments::try_parse_from(["baton", "import", "a.toml"].iter().chain(rest));
        assert!(parse(&[]).is_err());
        assert!(parse(&["--approver", "b"]).is_ok());
        assert!(parse(&["--propose-only"]).is_ok());
        assert!(parse(&["--propose-only", "--approver", "b"]).is_err());
    }
}
