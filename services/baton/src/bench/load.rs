//! The load: real clients over loopback, each sending its next request when the last is answered.
//!
//! Servers under comparison are called by the same code; only address and path differ. Up to
//! [`PER_CONNECTION`] clients share a connection, so that 256 of them are 16 connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::figures::{median, percentile};
use super::store::PERSON;
use crate::exit::Failure;

/// Clients that share a connection.
const PER_CONNECTION: usize = 16;

/// Largest answer taken. Answers here are ours; only events in a stream come near a megabyte.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Connections to one server, enough for a number of clients.
#[derive(Clone)]
pub(crate) struct Server {
    channels: Arc<[Channel]>,
}

impl Server {
    /// Connects for up to `clients` at a time.
    ///
    /// # Errors
    /// When nobody answers there.
    pub(crate) async fn connect(address: SocketAddr, clients: usize) -> Result<Self, Failure> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|error| Failure::Unavailable(format!("{address} is no address to connect to: {error}")))?
            .tcp_nodelay(true);
        let mut channels = Vec::new();
        for _ in 0..clients.div_ceil(PER_CONNECTION).max(1) {
            let channel = endpoint.connect().await;
            channels.push(channel.map_err(|error| Failure::Unavailable(format!("no server answers at {address}: {error}")))?);
        }
        Ok(Self { channels: channels.into() })
    }

    /// The connection of a client.
    pub(crate) fn channel(&self, client: usize) -> Channel {
        self.channels[client / PER_CONNECTION % self.channels.len()].clone()
    }

    /// One call by one client.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn call<Q, A>(&self, client: usize, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel(client)).max_decoding_message_size(MAX_ANSWER);
        grpc.ready().await.map_err(|error| Status::unavailable(format!("the connection broke: {error}")))?;
        let mut request = Request::new(request);
        request.metadata_mut().insert("baton-person", AsciiMetadataValue::from_static(PERSON));
        let codec = ProstCodec::<Q, A>::default();
        Ok(grpc.unary(request, PathAndQuery::from_static(path), codec).await?.into_inner())
    }
}

/// How long a round of one load lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// For a time; requests under way when it ends are finished and counted, and so is their time.
    Elapsed(Duration),
    /// Until each client has sent this many.
    Sent(u64),
}

/// What one round of one load gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Round {
    /// Requests answered.
    pub(crate) calls: u64,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// Of each request, in seconds.
    pub(crate) latencies: Vec<f64>,
}

impl Round {
    /// Requests answered a second.
    pub(crate) fn rate(&self) -> f64 {
        self.calls as f64 / self.seconds
    }

    /// The median latency in microseconds.
    pub(crate) fn latency_us(&self) -> f64 {
        median(&self.latencies).unwrap_or_default() * 1e6
    }

    /// A percentile of the latencies in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: u32) -> f64 {
        percentile(&self.latencies, percent).unwrap_or_default() * 1e3
    }
}

/// Runs `clients` clients, each sending its next request when its last is answered. `call` is given the
/// client and how many requests that client sent before.
///
/// # Errors
/// The first request that fails ends the round: a rate of failures is worth nothing.
pub(crate) async fn drive<C, F>(clients: usize, until: Until, call: C) -> Result<Round, Failure>
where
    C: Fn(usize, u64) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Status>> + Send,
{
    let begin = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for client in 0..clients {
        let call = call.clone();
        running.spawn(async move {
            let mut latencies = Vec::new();
            while match until {
                Until::Elapsed(time) => begin.elapsed() < time,
                Until::Sent(count) => (latencies.len() as u64) < count,
            } {
                let sent = Instant::now();
                call(client, latencies.len() as u64).await?;
                latencies.push(sent.elapsed().as_secs_f64());
            }
            Ok::<_, Status>(latencies)
        });
    }
    let mut round = Round { calls: 0, seconds: 0.0, latencies: Vec::new() };
    while let Some(joined) = running.join_next().await {
        let latencies = joined.map_err(|error| Failure::Unavailable(format!("a client ended early: {error}")))??;
        round.calls += latencies.len() as u64;
        round.latencies.extend(latencies);
    }
    round.seconds = begin.elapsed().as_secs_f64();
    Ok(round)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn as_many_requests_are_in_flight_as_there_are_clients_and_all_are_counted() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let shared = (now, Arc::clone(&most));
        let round = drive(5, Until::Sent(4), move |_, _| {
            let (now, most) = shared.clone();
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        })
        .await
        .expect("no call fails");
        assert_eq!((round.calls, round.latencies.len(), most.load(Ordering::SeqCst)), (20, 20, 5));
        assert!(round.rate() > 0.0);
    }

    #[tokio::test]
    async fn request_that_fails_ends_the_round() {
        let round = drive(2, Until::Sent(3), |client, nth| async move {
            if client == 1 && nth == 2 { Err(Status::unavailable("gone")) } else { Ok(()) }
        });
        assert!(round.await.is_err());
    }
}
