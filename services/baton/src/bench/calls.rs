//! Calls over gRPC: Baton and bare servers by turns, round by round.
//!
//! Two logs are served in this process at once, a small one and a large one, and beside them the echo and
//! the bare append; each round measures everything once, so that what else the machine does meets all alike.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use baton_proto::v1 as proto;
use proto::ledger_service_client::LedgerServiceClient;
use proto::subscribe_response::Item;
use tonic::Status;
use uuid::Uuid;

use super::append::{self, Append};
use super::disk::SyncedFile;
use super::echo::{self, Answers};
use super::events;
use super::figures::median;
use super::fill::Filled;
use super::load::{Round, Server, Until, drive};
use super::samples::Samples;
use super::store;
use crate::exit::Failure;

/// How many requests are in flight in each comparison of Record.
pub(crate) const IN_FLIGHT: [usize; 4] = [1, 16, 64, 256];
/// In flight where only one number is measured.
pub(crate) const SOME_IN_FLIGHT: usize = 16;
/// Commands in a large request.
pub(crate) const MANY: usize = 100;
/// Statements in one meeting's stream before the next is begun.
const NOTES_PER_STREAM: u64 = 50;
/// Transitions on which nothing is recorded: the long one, and the one that is read.
const UNTOUCHED: u64 = 2;
/// Most transitions that take the facts of the comparison of sizes: the same in both logs.
const COMPARED: u64 = 60;
/// The transition that is read; one of usual length.
const READ: u64 = 1;
/// The day as of which the long transition is asked for: the middle of its way.
const AS_OF: &str = "2022-06-30";

/// Where a request is recorded.
pub(crate) const RECORD: &str = "/baton.v1.LedgerService/Record";
const GET_TRANSITION: &str = "/baton.v1.TransitionService/GetTransition";
const LIST_TRANSITIONS: &str = "/baton.v1.TransitionService/ListTransitions";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything.
    All,
    /// Only what the guard looks at.
    Ratios,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    /// What.
    pub(crate) scope: Scope,
    /// How long each load lasts in each round.
    pub(crate) window: Duration,
    /// Requests of one client in a round whose latency is taken, each beside an echo and a bare sync.
    pub(crate) singles: u64,
    /// Appends to each log in a slice of the comparison of sizes, for each of 16 clients.
    pub(crate) appends: u64,
    /// Questions about the past in a round.
    pub(crate) as_ofs: u64,
    /// Lists in a round.
    pub(crate) lists: u64,
    /// Most events that a subscriber takes in a round.
    pub(crate) streamed: u64,
}

/// A served log, and who is connected to it.
pub(crate) struct Served {
    running: batond::Running,
    server: Server,
    filled: Filled,
    next: Arc<AtomicU64>,
}

impl Served {
    /// Serves a log in this process.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn start(dir: &Path, filled: Filled) -> Result<Self, Failure> {
        let running = store::serve(dir).await?;
        let most = IN_FLIGHT.into_iter().max().unwrap_or_default();
        let server = Server::connect(running.local_addr(), most).await?;
        Ok(Self { running, server, filled, next: Arc::default() })
    }

    /// Stops it and closes its store.
    ///
    /// # Errors
    /// When the store does not close clean.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        drop(self.server);
        self.running.stop().await.map_err(|error| Failure::Unavailable(format!("the server ended badly: {error:#}")))
    }

    async fn facts(&self, clients: usize, until: Until, transitions: u64) -> Result<Round, Failure> {
        let (server, next) = (self.server.clone(), Arc::clone(&self.next));
        let count = transitions.min(self.filled.walked).saturating_sub(UNTOUCHED).max(1);
        drive(clients, until, move |client, _| {
            let number = UNTOUCHED + next.fetch_add(1, Ordering::Relaxed) % count;
            let request = request(vec![events::risk(number)], None);
            let server = server.clone();
            async move { server.call::<_, proto::RecordResponse>(client, RECORD, request).await.map(drop) }
        })
        .await
    }
}

/// Records notes of meetings, each client in streams of its own and with the revision it expects.
///
/// # Errors
/// When a request fails.
pub(crate) async fn notes(server: &Server, path: &'static str, clients: usize, until: Until) -> Result<Round, Failure> {
    let (server, run) = (server.clone(), run());
    drive(clients, until, move |client, nth| {
        let stream = format!("meeting/{run}-{client}-{}", nth / NOTES_PER_STREAM);
        let request = note(&stream, nth % NOTES_PER_STREAM);
        let server = server.clone();
        async move { server.call::<_, proto::RecordResponse>(client, path, request).await.map(drop) }
    })
    .await
}

/// The time of one request and its answer, in microseconds.
async fn one(server: &Server, path: &'static str, request: &proto::RecordRequest) -> Result<f64, Failure> {
    let request = request.clone();
    let begin = Instant::now();
    server.call::<_, proto::RecordResponse>(0, path, request).await?;
    Ok(begin.elapsed().as_secs_f64() * 1e6)
}

async fn many_notes(server: &Server, path: &'static str, clients: usize, until: Until) -> Result<Round, Failure> {
    let (server, run) = (server.clone(), run());
    drive(clients, until, move |client, nth| {
        let stream = format!("meeting/{run}-{client}-{nth}");
        let request = request((0..MANY).map(|_| events::note(&stream)).collect(), None);
        let server = server.clone();
        async move { server.call::<_, proto::RecordResponse>(client, path, request).await.map(drop) }
    })
    .await
}

async fn reads(server: &Server, path: &'static str, clients: usize, until: Until, asked: Asked) -> Result<Round, Failure> {
    let server = server.clone();
    drive(clients, until, move |client, _| {
        let (server, asked) = (server.clone(), asked.clone());
        async move { read(&server, path, client, asked).await.map(drop) }
    })
    .await
}

type Asked = proto::GetTransitionRequest;

async fn read(server: &Server, path: &'static str, client: usize, asked: Asked) -> Result<proto::GetTransitionResponse, Status> {
    server.call(client, path, asked).await
}

/// Streams events from the first on; gives events a second.
async fn subscribe(server: &Server, most: u64) -> Result<f64, Failure> {
    let mut client = LedgerServiceClient::new(server.channel(0));
    let begin = Instant::now();
    let mut stream = client.subscribe(proto::SubscribeRequest::default()).await?.into_inner();
    let mut events = 0_u64;
    while events < most {
        match stream.message().await?.and_then(|message| message.item) {
            Some(Item::Event(_)) => events += 1,
            Some(Item::Progress(_)) => {}
            Some(Item::CaughtUp(_)) | None => break,
        }
    }
    Ok(events as f64 / begin.elapsed().as_secs_f64())
}

/// Letters that no other round has.
fn run() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(12);
    id
}

/// A note as the next event of a stream that has so many.
pub(crate) fn note(stream: &str, revision: u64) -> proto::RecordRequest {
    use proto::expected_revision::Expected;
    let expected = if revision == 0 { Expected::NoStream(true) } else { Expected::Exact(revision) };
    request(vec![events::note(stream)], Some(proto::ExpectedRevision { stream: stream.to_owned(), expected: Some(expected) }))
}

fn request(commands: Vec<proto::Command>, expected: Option<proto::ExpectedRevision>) -> proto::RecordRequest {
    let expected = expected.into_iter().collect();
    proto::RecordRequest { command_id: Uuid::new_v4().to_string(), commands, expected, ..Default::default() }
}

fn asked(number: u64, on: &str) -> Asked {
    let as_of = (!on.is_empty()).then(|| proto::AsOf { on: on.to_owned(), ..Default::default() });
    Asked { transition: events::transition(number), as_of, min_position: None }
}

/// Connections to what Baton is compared with.
struct Compared {
    echo: Server,
    /// The bare append, where all is measured.
    append: Option<Server>,
}

/// Everything that calls are measured on.
pub(crate) struct Calls<'a> {
    /// The log that most is asked of.
    pub(crate) large: &'a Served,
    /// The log whose appends are compared with those of the large one.
    pub(crate) small: &'a Served,
    /// The disk alone.
    pub(crate) disk: &'a mut SyncedFile,
    /// Where the bare append may make its store.
    pub(crate) bare: &'a Path,
    /// How much.
    pub(crate) amount: Amount,
}

impl Calls<'_> {
    /// Measures `rounds` rounds after one that warms up.
    ///
    /// # Errors
    /// When a call fails.
    pub(crate) async fn measure(&mut self, rounds: u32, samples: &mut Samples, progress: &impl Fn(&str)) -> Result<(), Failure> {
        let server = self.large.server.clone();
        let stream = format!("meeting/{}", run());
        let many = request((0..MANY).map(|_| events::note(&stream)).collect(), None);
        let answers = Answers {
            record: Arc::new(server.call(0, RECORD, note(&format!("{stream}-one"), 0)).await?),
            record_many: Arc::new(server.call(0, RECORD, many).await?),
            get_transition: Arc::new(read(&server, GET_TRANSITION, 0, asked(READ, "")).await?),
        };
        samples.add("answer bytes", prost::Message::encoded_len(answers.get_transition.as_ref()) as f64);
        let answer_bytes = samples.of("answer bytes").to_vec();
        let append = match self.amount.scope {
            Scope::All => Some(Append::start(self.bare, Arc::clone(&answers.record)).await?),
            Scope::Ratios => None,
        };
        let echo = echo::start(answers).await?;
        let most = IN_FLIGHT.into_iter().max().unwrap_or_default();
        let compared = Compared {
            echo: Server::connect(echo.address, most).await?,
            append: match &append {
                Some(append) => Some(Server::connect(append.address(), most).await?),
                None => None,
            },
        };
        for round in 0..=rounds {
            progress(&format!("calls, round {round} of {rounds}"));
            self.round(&compared, samples).await?;
            if round == 0 {
                samples.clear();
                answer_bytes.iter().for_each(|bytes| samples.add("answer bytes", *bytes));
            }
        }
        Ok(())
    }

    async fn round(&mut self, compared: &Compared, samples: &mut Samples) -> Result<(), Failure> {
        let echo = &compared.echo;
        self.latencies(compared, samples).await?;
        match self.amount.scope {
            Scope::Ratios => self.records(&[64], compared, samples).await?,
            Scope::All => {
                self.records(&IN_FLIGHT, compared, samples).await?;
                self.other_records(echo, samples).await?;
                self.other_reads(samples).await?;
            }
        }
        let window = Until::Elapsed(self.amount.window);
        let baton = &self.large.server;
        samples.add_rate("echo read", &reads(echo, echo::GET_TRANSITION, SOME_IN_FLIGHT, window, asked(READ, "")).await?);
        samples.add_rate("read", &reads(baton, GET_TRANSITION, SOME_IN_FLIGHT, window, asked(READ, "")).await?);
        self.sizes(samples).await
    }

    /// Records of one note, with these many in flight.
    async fn records(&self, in_flight: &[usize], compared: &Compared, samples: &mut Samples) -> Result<(), Failure> {
        let window = Until::Elapsed(self.amount.window);
        for &clients in in_flight {
            samples.add_rate(format!("echo {clients}"), &notes(&compared.echo, echo::RECORD, clients, window).await?);
            if let Some(append) = &compared.append {
                samples.add_rate(format!("append {clients}"), &notes(append, append::RECORD, clients, window).await?);
            }
            samples.add_rate(format!("record {clients}"), &notes(&self.large.server, RECORD, clients, window).await?);
        }
        Ok(())
    }

    /// Records of many notes, and of facts on transitions.
    async fn other_records(&self, echo: &Server, samples: &mut Samples) -> Result<(), Failure> {
        let window = Until::Elapsed(self.amount.window);
        let bare = many_notes(echo, echo::RECORD_MANY, SOME_IN_FLIGHT, window).await?;
        let recorded = many_notes(&self.large.server, RECORD, SOME_IN_FLIGHT, window).await?;
        samples.add("echo many", bare.rate() * MANY as f64);
        samples.add("record many", recorded.rate() * MANY as f64);
        for clients in [64, 256] {
            samples.add_rate(format!("fact {clients}"), &self.large.facts(clients, window, u64::MAX).await?);
        }
        Ok(())
    }

    /// The past, lists and streams.
    async fn other_reads(&self, samples: &mut Samples) -> Result<(), Failure> {
        let (amount, baton) = (self.amount, &self.large.server);
        let past = reads(baton, GET_TRANSITION, 1, Until::Sent(amount.as_ofs), asked(events::LONG, AS_OF)).await?;
        samples.add("as of p50 ms", past.percentile_ms(50));
        samples.add("as of p99 ms", past.percentile_ms(99));
        samples.add("list ms", self.list(amount.lists).await?.latency_us() / 1e3);
        samples.add("subscribe", subscribe(baton, amount.streamed).await?);
        Ok(())
    }

    /// Appends to the small and the large log by turns, in slices; the first one warms up.
    async fn sizes(&self, samples: &mut Samples) -> Result<(), Failure> {
        const SLICES: u32 = 3;
        let sent = Until::Sent(self.amount.appends);
        let compared = COMPARED.min(self.small.filled.walked).min(self.large.filled.walked);
        let logs = [("small", self.small), ("large", self.large)];
        for what in ["note", "fact"] {
            let mut costs = [(0.0, 0); 2];
            for slice in 0..=SLICES {
                for ((_, log), cost) in logs.iter().zip(&mut costs) {
                    let round = match what {
                        "note" => notes(&log.server, RECORD, SOME_IN_FLIGHT, sent).await?,
                        _ => log.facts(SOME_IN_FLIGHT, sent, compared).await?,
                    };
                    if slice > 0 {
                        *cost = (cost.0 + round.seconds, cost.1 + round.calls);
                    }
                }
            }
            for ((name, _), (seconds, calls)) in logs.iter().zip(costs) {
                samples.add(format!("{what} us {name}"), seconds * 1e6 / calls as f64);
            }
        }
        Ok(())
    }

    /// What one client waits for a Record, and for a bare append, each with what it is compared with beside it.
    async fn latencies(&mut self, compared: &Compared, samples: &mut Samples) -> Result<(), Failure> {
        let baton = self.large.server.clone();
        self.latency(&compared.echo, (&baton, RECORD), ["echo us", "fdatasync us", "record us"], samples).await?;
        let Some(append) = &compared.append else { return Ok(()) };
        let names = ["echo beside append us", "fdatasync beside append us", "append us"];
        self.latency(&compared.echo, (append, append::RECORD), names, samples).await
    }

    /// One client: an echo, a bare sync and a request by turns, because on a machine with other work a
    /// wait costs most for whoever waits alone, and each of the three is to meet the same.
    async fn latency(
        &mut self,
        echo: &Server,
        (server, path): (&Server, &'static str),
        names: [&str; 3],
        samples: &mut Samples,
    ) -> Result<(), Failure> {
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        let run = run();
        for nth in 0..self.amount.singles {
            let request = note(&format!("meeting/{run}"), nth);
            times[0].push(one(echo, echo::RECORD, &request).await?);
            times[1].push(self.disk.sync()?);
            times[2].push(one(server, path, &request).await?);
        }
        for (name, times) in names.into_iter().zip(times) {
            median(&times).into_iter().for_each(|time| samples.add(name, time));
        }
        Ok(())
    }

    async fn list(&self, count: u64) -> Result<Round, Failure> {
        let server = self.large.server.clone();
        drive(1, Until::Sent(count), move |client, _| {
            let (server, asked) = (server.clone(), proto::ListTransitionsRequest { page_size: 50, ..Default::default() });
            async move { server.call::<_, proto::ListTransitionsResponse>(client, LIST_TRANSITIONS, asked).await.map(drop) }
        })
        .await
    }
}
