//! `batond`: the server as a program of its own. `baton up` runs the same.

use anyhow::Context as _;
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(version, about = "The Baton gRPC server")]
struct Arguments {
    /// The data directory, made by `baton init`.
    #[arg(long, env = "BATON_DATA", default_value = "baton-data")]
    data: PathBuf,
    /// The signing key, made by `baton init`; outside the data directory. Without it DATA.key, beside it.
    #[arg(long, env = "BATON_KEY")]
    key: Option<PathBuf>,
    /// Where to listen; loopback only.
    #[arg(long, env = "BATON_LISTEN", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// A directory, outside the data directory, in which an archive follows the log: a continuous backup.
    #[arg(long, env = "BATON_ARCHIVE")]
    archive: Option<PathBuf>,
    /// Opens a copy of a store and ends; used by the guarded open.
    #[arg(long, hide = true)]
    probe_store: Option<PathBuf>,
    /// Leave the sync out of commits: only for the negative control of the trace test.
    #[arg(long, hide = true)]
    leave_sync_out: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(dir) = arguments.probe_store {
        std::process::exit(batond::probe_main(&dir));
    }
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .init();
    let mut store = batond::Store::probed_by_this_program(&["--probe-store"]);
    store.leave_sync_out = arguments.leave_sync_out;
    let key = batond::KeyPlace::given(arguments.key);
    let (data, listen, archive) = (arguments.data, arguments.listen, arguments.archive);
    let config = batond::Config { data, key, listen, archive, store, ..Default::default() };
    let running = batond::start(config).await?;
    // For whoever started it: the one line on standard output says where it listens.
    println!("listening on {}", running.local_addr());
    running.wait().await.context("failed to stop in order")
}
