//! What a server is told at its start, and its limits, each with a reason.

use crate::key::KeyPlace;
use baton_ledger::ProbeCommand;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The configuration of one server.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory, made by [`init`](crate::init).
    pub data: PathBuf,
    /// Where the key is that signs its checkpoints.
    pub key: KeyPlace,
    /// Where to listen; loopback only, because identity is a development one. Port 0 takes a free port.
    pub listen: SocketAddr,
    /// Where an archive follows the log, outside the data directory. `None` keeps none.
    pub archive: Option<PathBuf>,
    /// Limits.
    pub limits: Limits,
    /// How the store is opened. The default is what production wants.
    pub store: Store,
}

/// How the store is opened.
#[derive(Debug, Clone, Default)]
pub struct Store {
    /// How a copy of a store is probed in a process of its own after an unclean stop; `None` opens without.
    pub probe: Option<ProbeCommand>,
    /// Leave the sync out of commits. Only for the negative control of the trace test.
    pub leave_sync_out: bool,
}

impl Store {
    /// Probes with this very program: it must call [`probe_main`](crate::probe_main) when given these
    /// arguments and a directory.
    pub fn probed_by_this_program(args: &[&str]) -> Self {
        let probe = std::env::current_exe().ok().map(|program| ProbeCommand {
            program,
            args: args.iter().map(Into::into).collect(),
            time_limit: Duration::from_secs(120),
        });
        Self { probe, leave_sync_out: false }
    }
}

/// Limits of one server. Every one is enforced; none is only advice.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest message taken, in bytes. 128 commands with their words fit; more is OUT_OF_RANGE.
    pub message_bytes: usize,
    /// Requests worked on at a time per connection; more wait.
    pub requests_per_connection: usize,
    /// HTTP/2 streams per connection.
    pub streams_per_connection: u32,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// How long a connection may be silent before its first byte.
    pub first_byte: Duration,
    /// How long a unary request may take.
    pub request: Duration,
    /// How long a read waits for `min_position`.
    pub min_position: Duration,
    /// How often an idle connection is pinged, and how long an answer may take.
    pub keepalive: (Duration, Duration),
    /// How long requests under way may take after a stop was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1024 * 1024,
            requests_per_connection: 256,
            streams_per_connection: 512,
            connections: 1024,
            first_byte: Duration::from_secs(5),
            request: Duration::from_secs(30),
            min_position: Duration::from_secs(5),
            keepalive: (Duration::from_secs(30), Duration::from_secs(20)),
            drain: Duration::from_secs(20),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("baton-data"),
            key: KeyPlace::Beside,
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            archive: None,
            limits: Limits::default(),
            store: Store::default(),
        }
    }
}
