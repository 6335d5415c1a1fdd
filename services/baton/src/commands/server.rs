//! `baton init` and `baton up`: the server, started from here.

use super::Context;
use crate::args::{Init, Up};
use crate::exit::Failure;
use baton_ledger::OpenError;
use baton_ledger::archive::ArchiveError;
use batond::{KeyPlace, StartError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the server's child process is called with to try a copy of a store.
pub(super) const PROBE: &str = "probe-store";

/// Said wherever a server is started, because nothing protects it yet.
pub(super) const DEVELOPMENT: &str =
    "DEVELOPMENT IDENTITY MODE: whoever connects is believed to be whom they say they are. Not for real use.";

pub(super) async fn init(cx: &mut Context, args: &Init) -> Result<(), Failure> {
    let key = KeyPlace::given(args.key.clone());
    batond::init(&args.data, &key, &args.origin, &args.administrator, args.name.as_deref()).await.map_err(failure)?;
    cx.out.line(format!(
        "Created a log with origin {} in {}. Its administrator is {}.",
        args.origin,
        args.data.display(),
        args.administrator
    ))?;
    cx.out.line(format!("Signing key: {}. Keep it secret and apart from the data.", key.path(&args.data).display()))?;
    cx.out.line(format!("Public key for auditors: {}.", args.data.join("trust.txt").display()))
}

pub(super) async fn up(cx: &mut Context, args: &Up) -> Result<(), Failure> {
    tell("info");
    // Opening would make a store there, which a mistyped directory should not get.
    if is_new(&args.data)? {
        return Err(Failure::Refused(format!("{} holds no log; make one with baton init", args.data.display())));
    }
    let key = KeyPlace::given(args.key.clone());
    let running = start(&args.data, key, args.listen, args.archive.clone()).await?;
    cx.out.line(DEVELOPMENT)?;
    cx.out.line(format!("Serving {} on {}. Ctrl-C ends.", args.data.display(), running.local_addr()))?;
    cx.out.flush()?;
    running.wait().await.map_err(|error| Failure::Unavailable(format!("the server ended: {error:#}")))
}

/// Whether there is nothing in a directory yet, or no directory.
pub(super) fn is_new(data: &Path) -> Result<bool, Failure> {
    match std::fs::read_dir(data) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Failure::Usage(format!("failed to read {}: {error}", data.display()))),
    }
}

/// The server's own messages go to standard error, from this level on unless RUST_LOG says otherwise.
pub(super) fn tell(level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| level.into());
    let coloured =
        std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(coloured).init();
}

/// Starts a server whose store is tried in a child of this program first.
pub(super) async fn start(
    data: &Path,
    key: KeyPlace,
    listen: SocketAddr,
    archive: Option<PathBuf>,
) -> Result<batond::Running, Failure> {
    let store = batond::Store::probed_by_this_program(&[PROBE]);
    batond::start(batond::Config { data: data.to_owned(), key, listen, archive, store, ..Default::default() })
        .await
        .map_err(failure)
}

/// Ends the program with what the probe found: its caller reads nothing but the exit code.
pub(super) fn probe(dir: &Path) -> Result<(), Failure> {
    std::process::exit(batond::probe_main(dir))
}

/// What a failed start means for programs that called us.
pub(super) fn failure(error: StartError) -> Failure {
    let mut sentence = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(deeper) = cause {
        let more = deeper.to_string();
        // Some errors repeat their cause in their own sentence.
        if !sentence.contains(&more) {
            sentence = format!("{sentence}: {more}");
        }
        cause = deeper.source();
    }
    match error {
        StartError::NotLoopback(_)
        | StartError::Invalid(_)
        | StartError::KeyInside { .. }
        | StartError::ArchiveInside { .. }
        | StartError::Key(_) => Failure::Usage(sentence),
        StartError::Archive(error) => match error {
            ArchiveError::Damaged { .. } | ArchiveError::Checkpoint { .. } | ArchiveError::Read(_) => Failure::Damage(sentence),
            ArchiveError::Io { .. } => Failure::Unavailable(sentence),
            _ => Failure::Refused(sentence),
        },
        StartError::Log(_)
        | StartError::KeyUsed { .. }
        | StartError::Store(
            OpenError::NewerFormat { .. }
            | OpenError::OlderFormat { .. }
            | OpenError::NotALedger { .. }
            | OpenError::WrongKey { .. }
            | OpenError::KeyRetired { .. },
        ) => Failure::Refused(sentence),
        StartError::Store(
            OpenError::Damaged { .. } | OpenError::Loss { .. } | OpenError::HeadFile { .. } | OpenError::Keys { .. },
        )
        | StartError::Engine(baton_engine::StartError::Read(baton_engine::ReadError::Damaged { .. })) => {
            Failure::Damage(sentence)
        }
        StartError::Listen(..) | StartError::Store(_) | StartError::Engine(_) => Failure::Unavailable(sentence),
    }
}
