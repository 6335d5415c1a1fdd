//! Commands about a log as a whole: begun, served, kept, looked at, measured.

use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// There is no copy of the key file, or no better one than --keys: names and free text that it does not open are
    /// gone for good.
    #[arg(long)]
    pub(crate) keys_lost: bool,
    /// The newest checkpoint of the log that is known, from whoever keeps checkpoints.
    #[arg(long, value_name = "FILE")]
    pub(crate) last_known: Option<PathBuf>,
    /// Lines of further keys that may have signed it: the log may have changed its key after the archive ended.
    #[arg(long, value_name = "FILE", requires = "last_known")]
    pub(crate) trust: Option<PathBuf>,
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
    /// Lines of further keys that may have signed it: the log may have changed its key after this copy ended.
    #[arg(long, value_name = "FILE", requires = "last_known")]
    pub(crate) trust: Option<PathBuf>,
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
