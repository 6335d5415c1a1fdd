//! UmaDB 0.7.8 under the same load: the event store that comes nearest to what Baton does.
//!
//! Its server is a program of its own, started here when it is installed. It speaks gRPC; the few
//! messages an append needs are declared here with the field numbers of its published proto, so that
//! neither its client library (with its own TLS stack) nor protoc is needed to build Baton, and the
//! comparison runs from the shipped program. Its syncs are real and can not be turned off.
//!
//! What is compared: each client appends one event to a stream of its own, on the condition that nothing
//! was added to that stream since its last append; one event a request, requests of the same size.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prost::Message;

use super::child::Process;
use super::load::{Round, Server, Until, drive};
use crate::exit::Failure;

/// The version these messages and the targets are of.
pub(crate) const VERSION: &str = "0.7.8";

const APPEND: &str = "/umadb.v1.DCB/Append";

/// How often a server that starts is tried, and how long between two tries.
const ATTEMPTS: (u32, Duration) = (200, Duration::from_millis(25));

/// An event to append.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(string, tag = "1")]
    event_type: String,
    #[prost(string, repeated, tag = "2")]
    tags: Vec<String>,
    #[prost(bytes = "vec", tag = "3")]
    data: Vec<u8>,
    #[prost(string, tag = "4")]
    uuid: String,
}

/// Events with all of these tags.
#[derive(Clone, PartialEq, Message)]
struct QueryItem {
    #[prost(string, repeated, tag = "2")]
    tags: Vec<String>,
}

/// Events that one of the items matches.
#[derive(Clone, PartialEq, Message)]
struct Query {
    #[prost(message, repeated, tag = "1")]
    items: Vec<QueryItem>,
}

/// Refuses the append when an event after a position matches.
#[derive(Clone, PartialEq, Message)]
struct AppendCondition {
    #[prost(message, optional, tag = "1")]
    fail_if_events_match: Option<Query>,
    #[prost(uint64, optional, tag = "2")]
    after: Option<u64>,
}

/// Asks to append events.
#[derive(Clone, PartialEq, Message)]
struct AppendRequest {
    #[prost(message, repeated, tag = "1")]
    events: Vec<Event>,
    #[prost(message, optional, tag = "2")]
    condition: Option<AppendCondition>,
}

/// The position of the last event appended.
#[derive(Clone, PartialEq, Message)]
struct AppendResponse {
    #[prost(uint64, tag = "1")]
    position: u64,
}

/// A running UmaDB, and the connections to it.
pub(crate) struct Uma {
    server: Server,
    request_bytes: usize,
    // After the connections: they are given up first.
    _process: Process,
}

impl Uma {
    /// Starts the program on a new database in `dir`, for requests of about `request_bytes`.
    ///
    /// # Errors
    /// When it does not start, does not answer, or is of another version.
    pub(crate) async fn start(program: &Path, dir: &Path, clients: usize, request_bytes: usize) -> Result<Self, Failure> {
        let said = std::process::Command::new(program).arg("--version").output()?;
        let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        if !said.ends_with(VERSION) {
            return Err(Failure::Usage(format!("{} is {said:?}, and the comparison is with {VERSION}", program.display())));
        }
        // Taken and given back: nobody else on this machine is expected to want just this port meanwhile.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        std::fs::create_dir_all(dir)?;
        let arguments = ["--listen".into(), address.to_string().into(), "--db-path".into(), dir.join("uma.db").into()];
        let mut process = Process::start(program, &arguments)?;
        process.drain();
        let server = connect(&mut process, address, clients).await?;
        // That the condition is checked is what makes the two comparable.
        let twice = || server.call::<_, AppendResponse>(0, APPEND, request("meeting/twice", None, request_bytes));
        twice().await?;
        if twice().await.is_ok() {
            return Err(Failure::Unavailable("UmaDB took an append whose condition does not hold".to_owned()));
        }
        Ok(Self { server, request_bytes, _process: process })
    }

    /// One round of appends.
    ///
    /// # Errors
    /// When an append fails or is refused.
    pub(crate) async fn round(&self, clients: usize, until: Until) -> Result<Round, Failure> {
        let run = uuid::Uuid::new_v4().simple().to_string();
        let last: Arc<[AtomicU64]> = (0..clients).map(|_| AtomicU64::new(0)).collect();
        let (server, bytes) = (self.server.clone(), self.request_bytes);
        drive(clients, until, move |client, nth| {
            let after = last[client].load(Ordering::Relaxed);
            let request = request(&format!("meeting/{run}-{client}"), (nth > 0).then_some(after), bytes);
            let (server, last) = (server.clone(), Arc::clone(&last));
            async move {
                let answer: AppendResponse = server.call(client, APPEND, request).await?;
                last[client].store(answer.position, Ordering::Relaxed);
                Ok(())
            }
        })
        .await
    }
}

/// An append of one event, padded with its data to as many bytes.
fn request(stream: &str, after: Option<u64>, bytes: usize) -> AppendRequest {
    let event = Event {
        event_type: "MeetingHeld".to_owned(),
        tags: vec![stream.to_owned()],
        data: Vec::new(),
        uuid: uuid::Uuid::new_v4().to_string(),
    };
    let query = Query { items: vec![QueryItem { tags: vec![stream.to_owned()] }] };
    let condition = AppendCondition { fail_if_events_match: Some(query), after };
    let mut request = AppendRequest { events: vec![event], condition: Some(condition) };
    // The tag and length of the data take some bytes themselves.
    let missing = bytes.saturating_sub(request.encoded_len() + 4);
    request.events[0].data = vec![b'x'; missing];
    request
}

async fn connect(process: &mut Process, address: SocketAddr, clients: usize) -> Result<Server, Failure> {
    let mut last = Failure::Unavailable("UmaDB ended before it served".to_owned());
    for _ in 0..ATTEMPTS.0 {
        if !process.runs() {
            break;
        }
        match Server::connect(address, clients).await {
            Ok(server) => return Ok(server),
            Err(failure) => last = failure,
        }
        tokio::time::sleep(ATTEMPTS.1).await;
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_has_the_size_asked_for_and_its_condition() {
        for bytes in [300, 400, 1_000] {
            let request = request("meeting/a-1", Some(7), bytes);
            assert!(request.encoded_len().abs_diff(bytes) <= 2, "{} for {bytes}", request.encoded_len());
            let condition = request.condition.expect("a condition");
            assert_eq!(condition.after, Some(7));
            assert_eq!(condition.fail_if_events_match.expect("a query").items[0].tags, request.events[0].tags);
        }
        assert!(request("meeting/a-1", None, 10).events[0].data.is_empty(), "nothing is cut");
    }
}
