//! Clients of every service, and what a status says beyond its code.

use std::net::SocketAddr;
use std::time::Duration;

use baton_proto::v1 as proto;
use proto::audit_service_client::AuditServiceClient;
use proto::directory_service_client::DirectoryServiceClient;
use proto::ledger_service_client::LedgerServiceClient;
use proto::route_service_client::RouteServiceClient;
use proto::transition_service_client::TransitionServiceClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

/// One connection and a client of each service on it.
#[derive(Clone)]
pub struct Clients {
    /// The connection.
    pub channel: Channel,
    /// Recording and reading the log.
    pub ledger: LedgerServiceClient<Channel>,
    /// Transitions.
    pub transitions: TransitionServiceClient<Channel>,
    /// Replay and audit.
    pub audit: AuditServiceClient<Channel>,
    /// Routes.
    pub routes: RouteServiceClient<Channel>,
    /// Organisations, bodies, roles, waves.
    pub directory: DirectoryServiceClient<Channel>,
}

impl Clients {
    /// Connects to a server that listens.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(endpoint(address).connect().await.expect("the server listens"))
    }

    /// Clients whose connection is made, and made again, when they need one; a call ends after `patience`.
    pub fn reconnecting(address: SocketAddr, patience: Duration) -> Self {
        Self::over(endpoint(address).timeout(patience).connect_timeout(patience).connect_lazy())
    }

    fn over(channel: Channel) -> Self {
        Self {
            ledger: LedgerServiceClient::new(channel.clone()),
            transitions: TransitionServiceClient::new(channel.clone()),
            audit: AuditServiceClient::new(channel.clone()),
            routes: RouteServiceClient::new(channel.clone()),
            directory: DirectoryServiceClient::new(channel.clone()),
            channel,
        }
    }

    /// Records a request as this person.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn record(&self, person: &str, request: proto::RecordRequest) -> Result<proto::RecordResponse, Status> {
        self.ledger.clone().record(ask(person, request)).await.map(tonic::Response::into_inner)
    }

    /// Reads events from a position to the newest, page by page.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn read_all(&self, from: u64) -> Result<Vec<proto::RecordedEvent>, Status> {
        let mut events = Vec::new();
        self.read_pages(from, |page| events.extend(page)).await?;
        Ok(events)
    }

    /// The same for logs that are better not held as a whole: each page is handed over.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn read_pages(&self, from: u64, mut take: impl FnMut(Vec<proto::RecordedEvent>)) -> Result<(), Status> {
        let mut next = from;
        loop {
            let page = proto::ReadEventsRequest { from_position: next, page_size: 1_000, ..Default::default() };
            let page = self.ledger.clone().read_events(page).await?.into_inner();
            take(page.events);
            next = page.next_position;
            if next > page.position {
                return Ok(());
            }
        }
    }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).expect("an address is a URI").tcp_nodelay(true)
}

/// A request that names who asks.
pub fn ask<T>(person: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("baton-person", person.parse().expect("an opaque id is plain text"));
    request
}

/// The stable reason of a refusal; empty when it has none.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}
