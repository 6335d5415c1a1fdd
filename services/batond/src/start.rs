//! Starting and stopping: the store is opened, the log folded, the services served; and all of it ends
//! in order, so that nothing acknowledged is lost and nothing under way is cut off.

use crate::archive::{self, Follower};
use crate::begun;
use crate::config::{Config, Store};
use crate::connections;
use crate::key::KeyPlace;
use crate::services::{Admin, Service};
use baton_domain::values::{PersonId, Text};
use baton_engine::{Engine, Options, Writes};
use baton_ledger::{Ledger, OpenOptions, ProbeCommand, SigningKey, SledLedger, SyncMode, claim, is_claimed};
use baton_proto::{FILE_DESCRIPTOR_SET, v1 as proto};
use proto::admin_service_server::AdminServiceServer;
use proto::audit_service_server::AuditServiceServer;
use proto::directory_service_server::DirectoryServiceServer;
use proto::ledger_service_server::LedgerServiceServer;
use proto::route_service_server::RouteServiceServer;
use proto::transition_service_server::TransitionServiceServer;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The health name of writes: reads may go on when it does not serve.
pub const WRITES: &str = "baton.v1.Writes";

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is not loopback.
    #[error("{0} is not a loopback address: with a development identity the server listens on loopback only")]
    NotLoopback(SocketAddr),
    /// The address could not be taken.
    #[error("failed to listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The store could not be opened.
    #[error("failed to open the store: {0}")]
    Store(#[from] baton_ledger::OpenError),
    /// The log could not be folded.
    #[error("failed to read the log: {0}")]
    Engine(#[from] baton_engine::StartError),
    /// A log is there already, or none is there yet.
    #[error("{0}")]
    Log(String),
    /// There is no signing key that can be used.
    #[error(transparent)]
    Key(#[from] baton_ledger::KeyError),
    /// The signing key lies inside the data directory.
    #[error("the key file {} lies inside the data directory {}; keep it outside, or who has the one has the other", path.display(), data.display())]
    KeyInside {
        /// The key file.
        path: PathBuf,
        /// The data directory.
        data: PathBuf,
    },
    /// The signing key is there, and no log that was begun with it.
    #[error("the key file {} is there already and may have signed a log; a second log under it would tell another story in the \
             same name: name another file, or remove this one if nothing was ever signed with it", path.display())]
    KeyUsed {
        /// The key file.
        path: PathBuf,
    },
    /// An id is malformed.
    #[error("{0}")]
    Invalid(String),
    /// The archive is not one of this log, or is ahead of it, or damaged. Nothing in it was changed.
    #[error("the archive cannot follow this log: {0}")]
    Archive(#[from] baton_ledger::archive::ArchiveError),
    /// The archive lies inside the data directory, or the other way round.
    #[error("the archive {} and the data directory {} lie in each other; keep them apart, best on two disks", archive.display(), data.display())]
    ArchiveInside {
        /// The archive.
        archive: PathBuf,
        /// The data directory.
        data: PathBuf,
    },
}

/// Makes a data directory and its signing key, and opens its log: position 0 names the origin and the
/// first administrator. What was cut short is taken up again, with the key that it left; a key that lies there
/// otherwise is refused, because two logs under one key would be a log that tells two stories.
///
/// # Errors
/// See [`StartError`]; a directory whose log has begun is refused and not changed.
pub async fn init(data: &Path, key: &KeyPlace, origin: &str, administrator: &str, name: Option<&str>) -> Result<(), StartError> {
    let administrator: PersonId = administrator.parse().map_err(|e| StartError::Invalid(format!("administrator: {e}")))?;
    let name = Text::parse(name.unwrap_or_default()).map_err(|e| StartError::Invalid(format!("name: {e}")))?;
    begun::refuse(data)?;
    if !is_claimed(data) && key.path(data).exists() {
        return Err(StartError::KeyUsed { path: key.path(data) });
    }
    key.outside(data)?;
    claim(data)?;
    let key = key.create(data, origin)?;
    let ledger = open(data, key, &Opening::default()).await?;
    let opened = baton_engine::open_log(&ledger, administrator, name, jiff::Timestamp::now()).await;
    let closed = ledger.close().await;
    opened.map_err(|e| StartError::Log(e.to_string()))?;
    closed.map_err(|e| StartError::Log(e.to_string()))
}

/// How a store is opened, besides under which key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opening {
    /// How a copy of it is probed after an unclean stop.
    pub(crate) probe: Option<ProbeCommand>,
    /// Leave the sync out of commits, for a test.
    pub(crate) leave_sync_out: bool,
    /// Begin a new origin after a restored older copy.
    pub(crate) fork: bool,
}

impl From<&Store> for Opening {
    fn from(store: &Store) -> Self {
        Self { probe: store.probe.clone(), leave_sync_out: store.leave_sync_out, fork: false }
    }
}

/// The one way in which a log is opened here, so that none forgets what its leaves say of keys.
pub(crate) async fn open(data: &Path, key: SigningKey, opening: &Opening) -> Result<SledLedger, StartError> {
    let mut options = OpenOptions {
        probe: opening.probe.clone(),
        fork: opening.fork,
        read_succession: baton_engine::key_succession,
        ..OpenOptions::default()
    };
    if opening.leave_sync_out {
        tracing::warn!("the sync of commits is left out: nothing is durable, this is a test");
        options.sync = SyncMode::LeftOut;
    }
    let data = data.to_owned();
    // Opening reads the whole log and may copy it: not on a thread of the runtime.
    tokio::task::spawn_blocking(move || SledLedger::open(&data, key, options))
        .await
        .map_err(|e| StartError::Log(format!("opening the store ended early: {e}")))?
        .map_err(StartError::Store)
}

/// Opens a copy of a store in this process, which is a child of the one that opens the store.
/// Returns the exit code: 0 when it opened.
pub fn probe_main(dir: &Path) -> i32 {
    baton_ledger::probe_store(dir)
}

/// A server that runs.
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    engine: Engine,
    archive: Option<Follower>,
    drain: std::time::Duration,
    /// Listened to before anybody is told that the server serves: a stop asked for at once is one in order.
    terminate: Signal,
}

/// Starts a server and returns when it answers.
///
/// # Errors
/// See [`StartError`].
pub async fn start(config: Config) -> Result<Running, StartError> {
    if !config.listen.ip().is_loopback() {
        return Err(StartError::NotLoopback(config.listen));
    }
    let key = config.key.read(&config.data)?;
    let ledger = Arc::new(open(&config.data, key, &Opening::from(&config.store)).await?);
    let archive = match &config.archive {
        Some(dir) => Some(archive::open(dir, &config.data, Arc::clone(&ledger)).await?),
        None => None,
    };
    let engine = match Engine::start(Arc::clone(&ledger) as Arc<dyn Ledger>, Options::default()).await {
        Err(baton_engine::StartError::NotBegun) => {
            return Err(StartError::Log(format!("{} holds no log yet: make one with baton init", config.data.display())));
        }
        started => started?,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(|e| StartError::Listen(config.listen, e))?;
    let address = listener.local_addr().map_err(|e| StartError::Listen(config.listen, e))?;
    tracing::warn!(%address, "development identity: callers are believed when they name a person; loopback only, never production");

    let terminate = signal(SignalKind::terminate()).map_err(|e| StartError::Log(format!("failed to listen to SIGTERM: {e}")))?;
    let (stop, stopping) = watch::channel(false);
    let archive = archive.map(archive::Following::start);
    let admin = Admin::new(ledger, stopping.clone());
    let progress = archive.as_ref().map(Follower::progress);
    let service = Service::new(engine.clone(), config.limits.clone(), progress, stopping.clone());
    let serving = serve(&config, &engine, service, admin, listener, stopping);
    Ok(Running { address, stop, serving, engine, archive, drain: config.limits.drain, terminate })
}

fn serve(
    config: &Config,
    engine: &Engine,
    service: Service,
    admin: Admin,
    listener: TcpListener,
    stopping: watch::Receiver<bool>,
) -> JoinHandle<Result<(), tonic::transport::Error>> {
    let limits = &config.limits;
    let (reporter, health) = tonic_health::server::health_reporter();
    tokio::spawn(report(reporter, engine.writes(), stopping.clone()));
    let descriptors = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Both versions: older tools still ask for v1alpha. The descriptors are compiled in, so building can not fail.
    let reflection = descriptors().build_v1().expect("descriptors are sound");
    let reflection_alpha = descriptors().build_v1alpha().expect("descriptors are sound");
    let bytes = limits.message_bytes;
    let router = Server::builder()
        .timeout(limits.request)
        .concurrency_limit_per_connection(limits.requests_per_connection)
        .max_concurrent_streams(Some(limits.streams_per_connection))
        .http2_keepalive_interval(Some(limits.keepalive.0))
        .http2_keepalive_timeout(Some(limits.keepalive.1))
        .tcp_nodelay(true)
        .add_service(health)
        .add_service(reflection)
        .add_service(reflection_alpha)
        .add_service(LedgerServiceServer::new(service.clone()).max_decoding_message_size(bytes))
        .add_service(TransitionServiceServer::new(service.clone()).max_decoding_message_size(bytes))
        .add_service(AdminServiceServer::new(admin).max_decoding_message_size(bytes))
        .add_service(AuditServiceServer::new(service.clone()).max_decoding_message_size(bytes))
        .add_service(RouteServiceServer::new(service.clone()).max_decoding_message_size(bytes))
        .add_service(DirectoryServiceServer::new(service).max_decoding_message_size(bytes));
    let incoming = connections::accept(listener, limits);
    let mut stopped = stopping;
    tokio::spawn(router.serve_with_incoming_shutdown(incoming, async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    }))
}

/// Keeps health true: everything serves, except writes when they do not, and nothing once it stops.
async fn report(reporter: HealthReporter, mut writes: watch::Receiver<Writes>, mut stopping: watch::Receiver<bool>) {
    let services = [
        "",
        "baton.v1.LedgerService",
        "baton.v1.TransitionService",
        "baton.v1.AdminService",
        "baton.v1.AuditService",
        "baton.v1.RouteService",
        "baton.v1.DirectoryService",
    ];
    for name in services {
        reporter.set_service_status(name, ServingStatus::Serving).await;
    }
    loop {
        let status = match *writes.borrow_and_update() {
            Writes::Open => ServingStatus::Serving,
            _ => ServingStatus::NotServing,
        };
        reporter.set_service_status(WRITES, status).await;
        tokio::select! {
            changed = writes.changed() => if changed.is_err() { break },
            _ = stopping.wait_for(|stop| *stop) => break,
        }
    }
    for name in services.into_iter().chain([WRITES]) {
        reporter.set_service_status(name, ServingStatus::NotServing).await;
    }
}

impl Running {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits for Ctrl-C or SIGTERM, or for the server to end by itself, then stops in order.
    ///
    /// # Errors
    /// When the server or the store ended badly.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
            ended = &mut self.serving => {
                self.engine.shutdown().await?;
                finish(self.archive).await;
                return Ok(ended??);
            }
        }
        self.stop().await
    }

    /// Stops: health says so, streams end with a position to go on from, requests under way are finished
    /// within the drain time, the queue is written, the store is closed clean.
    ///
    /// # Errors
    /// When the store could not be closed clean; nothing acknowledged is lost by that.
    pub async fn stop(self) -> anyhow::Result<()> {
        let _ = self.stop.send(true);
        if tokio::time::timeout(self.drain, self.serving).await.is_err() {
            tracing::warn!("requests were still under way when the drain time ended");
        }
        let closed = self.engine.shutdown().await;
        // The rest of the log can be read when it is closed, and takes no more.
        finish(self.archive).await;
        Ok(closed?)
    }
}

async fn finish(archive: Option<Follower>) {
    if let Some(archive) = archive {
        archive.finish().await;
    }
}
