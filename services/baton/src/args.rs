//! What may be written on the command line.
//!
//! Every text here is read by people in `--help`; it says what happens and what is printed.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// Checks everything first, and zeroes the keys of erased words again. If anybody holds a checkpoint of a
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
    /// Measure what this machine gives: calls, reads, starts and rebuilds beside a bare gRPC echo and the bare disk.
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

/// Create a log.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The directory. Created if it is not there; must be empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where to make the signing key, outside the directory. Without it DIR.key, beside it.
    #[arg(long, env = "BATON_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The origin of the log: a name that no other log bears, such as "baton.example.nhs.uk/national".
    #[arg(long)]
    pub(crate) origin: String,
    /// The first administrator, an opaque id.
    #[arg(long, value_name = "ID")]
    pub(crate) administrator: String,
    /// Name of the first administrator; kept so that it can be erased.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Serve a log.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The directory, as created by init.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The signing key, as made by init. Without it DIR.key, beside the directory.
    #[arg(long, env = "BATON_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:50051", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// A directory in which an archive follows the log: a continuous backup. Best on another disk.
    #[arg(long, env = "BATON_ARCHIVE", value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
}

/// Take a backup.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Where it goes: a new or empty directory, or with --keys a new file.
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) out: PathBuf,
    /// The position it must at least reach. Without it the newest.
    #[arg(long, value_name = "POSITION", conflicts_with = "keys")]
    pub(crate) to: Option<u64>,
    /// Your own file of the log's public keys: the backup is refused unless one of them signed it.
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    pub(crate) trust: Option<PathBuf>,
    /// Copy the key file of --data instead. Keep the copy apart from backups of the log.
    #[arg(long, requires = "data")]
    pub(crate) keys: bool,
    /// The data directory whose key file is copied; it may be in use.
    #[arg(long, value_name = "DIR", requires = "keys")]
    pub(crate) data: Option<PathBuf>,
}

/// Restore a log.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The archive or backup.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// The data directory to make: new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The signing key of the log. Without it DATA.key, beside the new directory.
    #[arg(long, env = "BATON_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A copy of the log's key file, made after the archive ended.
    #[arg(long, value_name = "FILE", required_unless_present = "keys_lost")]
    pub(crate) keys: Option<PathBuf>,
    /// There is no copy of the key file: names and free text are gone for good.
    #[arg(long, conflicts_with = "keys")]
    pub(crate) keys_lost: bool,
    /// The newest checkpoint of the log that is known, from whoever keeps checkpoints.
    #[arg(long, value_name = "FILE")]
    pub(crate) last_known: Option<PathBuf>,
    /// Restore also when the last known checkpoint is newer; the result can only be forked.
    #[arg(long, requires = "last_known")]
    pub(crate) older_copy: bool,
}

/// Fork a log.
#[derive(Debug, Args)]
pub(crate) struct Fork {
    /// The data directory, which nobody serves.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where to make the new signing key, outside the directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The new origin: a name that no log ever bore.
    #[arg(long)]
    pub(crate) origin: String,
    /// The newest checkpoint of the old origin that is known.
    #[arg(long, value_name = "FILE")]
    pub(crate) last_known: Option<PathBuf>,
    /// How it came to that; kept in the log.
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}

/// Change the signing key.
#[derive(Debug, Args)]
pub(crate) struct RotateKey {
    /// The data directory, which nobody serves.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The signing key up to now. Without it DATA.key, beside the directory.
    #[arg(long, env = "BATON_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Where to make the new signing key, outside the directory; one that is there is taken.
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key: PathBuf,
}

/// Look at a data directory.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Its archive, to be checked and compared.
    #[arg(long, value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    /// Your own file of the log's public keys. Without it the one in the directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Option<PathBuf>,
    /// Where to put a copy of the store for the time of the look. Without it the system's temporary directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
}

/// Show everything with the shipped data.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The directory. Without it a new one under the system's temporary directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:50051", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// End after printing instead of serving on.
    #[arg(long)]
    pub(crate) exit: bool,
}

/// Which past is asked for. The parts combine.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Past {
    /// As true on this day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) as_of: Option<String>,
    /// As known when the log ended with this position, or at this instant, such as 2026-11-22T09:00:00Z.
    #[arg(long, value_name = "POSITION|INSTANT", value_parser = known)]
    pub(crate) known_at: Option<Known>,
    /// Only what documents dated on or before this day say, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) documented_by: Option<String>,
}

/// Up to where the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// A position.
    Position(u64),
    /// An instant, by the server's clock.
    Instant(jiff::Timestamp),
}

/// Where every transition stands.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Board {
    /// Only this wave, such as POD-2021.
    #[arg(long)]
    pub(crate) wave: Option<String>,
    /// Only this service, such as DENT.
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// Only this receiver, now or at birth, such as QUY.
    #[arg(long)]
    pub(crate) receiver: Option<String>,
    /// Only receivers in this region, such as Y58.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Only in this stage, such as LIVE; as of a date, possibly in it.
    #[arg(long)]
    pub(crate) stage: Option<String>,
    /// Which past.
    #[command(flatten)]
    pub(crate) past: Past,
}

/// One transition, now or in the past.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The transition, such as QUY.DENT.POD-2021.
    #[arg(value_name = "ID")]
    pub(crate) transition: String,
    /// Which past.
    #[command(flatten)]
    pub(crate) past: Past,
}

/// One transition.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The transition, such as QUY.DENT.POD-2021.
    #[arg(value_name = "ID")]
    pub(crate) transition: String,
}

/// Replay one transition.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The transition, such as QUY.DENT.POD-2021.
    #[arg(value_name = "ID")]
    pub(crate) transition: String,
    /// As known when the log ended with this position.
    #[arg(long, value_name = "POSITION")]
    pub(crate) known_at: Option<u64>,
}

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

/// List proposals.
#[derive(Debug, Args)]
pub(crate) struct Proposals {
    /// Only those that touch this transition.
    #[arg(long, value_name = "ID")]
    pub(crate) transition: Option<String>,
}

/// Read the log.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Go on with what comes, until Ctrl-C. JSON is then one object a line.
    #[arg(long)]
    pub(crate) follow: bool,
    /// The first position wanted, from 0.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    pub(crate) from: u64,
    /// Only this stream, such as transition/QUY.DENT.POD-2021.
    #[arg(long)]
    pub(crate) stream: Option<String>,
    /// Show the stored bytes as well: what the hash is computed from.
    #[arg(long)]
    pub(crate) leaf: bool,
}

/// Measure.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Events of the log that is measured; 10000000 is a campaign of hours.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(crate::bench::FEWEST..=100_000_000))]
    pub(crate) events: u64,
    /// 100,000 events and short rounds, for a first look in less than two minutes.
    #[arg(long, conflicts_with = "events")]
    pub(crate) quick: bool,
    /// Rounds, over which medians are taken.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Only a few ratios with generous floors, in less than half a minute; exit code 1 when one falls below its floor.
    #[arg(long, conflicts_with_all = ["events", "quick", "rounds", "umadb"])]
    pub(crate) guard: bool,
    /// Where to make the logs, which chooses the disk. Without it the system's temporary directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The program umadb, to be measured with the same load. Without it the one on the PATH, if there is one.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) umadb: Option<PathBuf>,
}

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

/// A position or an instant as they may be written.
fn known(text: &str) -> Result<Known, String> {
    let position = text.parse().map(Known::Position).ok();
    let instant = || text.parse().map(Known::Instant).ok();
    position.or_else(instant).ok_or_else(|| "a position is a number, an instant is written 2026-11-22T09:00:00Z".to_owned())
}

/// A day as it may be written.
fn day(text: &str) -> Result<String, String> {
    text.parse::<jiff::civil::Date>().map(|day| day.to_string()).map_err(|_| "a day is written YYYY-MM-DD".to_owned())
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

    #[test]
    fn day_that_is_none_is_refused() {
        assert!(day("2022-02-30").is_err() && day("July").is_err());
        assert_eq!(day("2022-07-01").as_deref(), Ok("2022-07-01"));
    }

    #[test]
    fn log_is_read_up_to_a_position_or_an_instant() {
        assert_eq!(known("12"), Ok(Known::Position(12)));
        assert!(matches!(known("2026-11-22T09:00:00Z"), Ok(Known::Instant(_))));
        assert!(known("yesterday").is_err());
    }
}
