//! The server, as this program talks to it.
//!
//! One channel, many callers: [`Client::acting_as`] gives the same connection another development
//! identity. Reads come back whole, all pages of them. A write is tried again, with the same command
//! id, only when the server could not take it; that is safe, because a repeat gives the first answer.

use crate::exit::Failure;
use crate::refusal::Refusal;
use baton_proto::v1::admin_service_client::AdminServiceClient;
use baton_proto::v1::audit_service_client::AuditServiceClient;
use baton_proto::v1::directory_service_client::DirectoryServiceClient;
use baton_proto::v1::ledger_service_client::LedgerServiceClient;
use baton_proto::v1::transition_service_client::TransitionServiceClient;
use baton_proto::v1::*;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// The metadata key of the development identity.
const PERSON_KEY: &str = "baton-person";

/// How long a connection may take, and how long a call that is not a stream may.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest answer read: a page of events, each at most 64 KiB stored and as much again shown.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Events on a page: with the largest leaf and payload a page stays far below [`MAX_ANSWER_BYTES`].
const EVENTS_PER_PAGE: u32 = 200;

/// Transitions, proposals and organisations on a page.
const ROWS_PER_PAGE: u32 = 500;

/// How often a write that the server could not take is tried, and the first pause between.
const WRITE_ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The connection, with who we are.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    channel: Channel,
    identity: Identity,
}

/// Adds who we are to every call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity(Option<MetadataValue<Ascii>>);

impl Interceptor for Identity {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(person) = &self.0 {
            request.metadata_mut().insert(PERSON_KEY, person.clone());
        }
        Ok(request)
    }
}

/// What the generated clients sit on.
pub(crate) type Service = InterceptedService<Channel, Identity>;

impl Client {
    /// Connects to `server`, HOST:PORT, as `person`.
    ///
    /// # Errors
    /// When the address is none, or nobody answers.
    pub(crate) async fn connect(server: &str, person: Option<&str>) -> Result<Self, Failure> {
        let uri = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
        let endpoint = Endpoint::from_shared(uri)
            .map_err(|_| Failure::Usage(format!("{server:?} is not an address such as 127.0.0.1:50051")))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        let channel = endpoint.connect().await.map_err(|error| {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            Failure::Unavailable(format!("no server answers at {server}: {cause}"))
        })?;
        let client = Self { channel, identity: Identity(None) };
        match person {
            Some(person) => client.acting_as(person),
            None => Ok(client),
        }
    }

    /// The same connection as another person.
    ///
    /// # Errors
    /// When the id can not be sent.
    pub(crate) fn acting_as(&self, person: &str) -> Result<Self, Failure> {
        let value = person.parse().map_err(|_| Failure::Usage(format!("{person:?} is not a person's id")))?;
        Ok(Self { channel: self.channel.clone(), identity: Identity(Some(value)) })
    }

    fn service(&self) -> Service {
        InterceptedService::new(self.channel.clone(), self.identity.clone())
    }

    /// The ledger.
    pub(crate) fn ledger(&self) -> LedgerServiceClient<Service> {
        LedgerServiceClient::new(self.service()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// The transitions.
    pub(crate) fn transitions(&self) -> TransitionServiceClient<Service> {
        TransitionServiceClient::new(self.service()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// The keeping of the log.
    pub(crate) fn admin(&self) -> AdminServiceClient<Service> {
        AdminServiceClient::new(self.service()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Replay, audit and proofs.
    pub(crate) fn audit(&self) -> AuditServiceClient<Service> {
        AuditServiceClient::new(self.service()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    fn directory(&self) -> DirectoryServiceClient<Service> {
        DirectoryServiceClient::new(self.service()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Records, trying again while the server can not take it.
    ///
    /// # Errors
    /// What the server answered last.
    pub(crate) async fn record(&self, request: &RecordRequest) -> Result<RecordResponse, Refusal> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let refusal = match self.ledger().record(request.clone()).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => Refusal::from(&status),
            };
            let busy =
                refusal.code == Code::Unavailable || (refusal.code == Code::ResourceExhausted && refusal.retry_after.is_some());
            if !busy || attempt == WRITE_ATTEMPTS {
                return Err(refusal);
            }
            tokio::time::sleep(refusal.retry_after.map_or(pause, |asked| asked.min(CONNECT_TIMEOUT))).await;
            pause *= 2;
        }
        unreachable!("the last attempt returns")
    }

    /// One proposal, or `None` where there is none of that id.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn proposal(&self, id: &str) -> Result<Option<Proposal>, Refusal> {
        let request = GetProposalRequest { proposal: id.to_owned(), min_position: None };
        match self.ledger().get_proposal(request).await {
            Ok(answer) => Ok(answer.into_inner().proposal),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => {
                let refusal = Refusal::from(&status);
                if refusal.names("UNKNOWN_PROPOSAL") { Ok(None) } else { Err(refusal) }
            }
        }
    }

    /// Every open proposal, oldest first.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn proposals(&self, transition: &str) -> Result<Vec<Proposal>, Failure> {
        let mut all = Vec::new();
        let mut request =
            ListProposalsRequest { transition: transition.to_owned(), page_size: ROWS_PER_PAGE, ..Default::default() };
        loop {
            let page = self.ledger().list_proposals(request.clone()).await?.into_inner();
            all.extend(page.proposals);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// One page of events from `from`, and where to read on; `None` when there is no more.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn events(&self, stream: &str, from: u64) -> Result<(Vec<RecordedEvent>, Option<u64>), Status> {
        let request =
            ReadEventsRequest { from_position: from, stream: stream.to_owned(), page_size: EVENTS_PER_PAGE, min_position: None };
        let page = self.ledger().read_events(request).await?.into_inner();
        // A server that does not move on would have us ask for ever.
        let next = (page.next_position <= page.position && page.next_position > from).then_some(page.next_position);
        Ok((page.events, next))
    }

    /// Every event of a stream.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn stream(&self, stream: &str) -> Result<Vec<RecordedEvent>, Status> {
        let (mut all, mut next) = self.events(stream, 0).await?;
        while let Some(from) = next {
            let (more, after) = self.events(stream, from).await?;
            all.extend(more);
            next = after;
        }
        Ok(all)
    }

    /// Every transition that passes the filters, and the position the answer rests on.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn list_transitions(
        &self,
        mut request: ListTransitionsRequest,
    ) -> Result<(Vec<TransitionSummary>, u64), Failure> {
        request.page_size = ROWS_PER_PAGE;
        let mut all = Vec::new();
        loop {
            let page = self.transitions().list_transitions(request.clone()).await?.into_inner();
            all.extend(page.transitions);
            if page.next_page_token.is_empty() {
                return Ok((all, page.position));
            }
            request.page_token = page.next_page_token;
        }
    }

    /// One transition in full.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn transition(
        &self,
        id: &str,
        as_of: Option<AsOf>,
        min_position: Option<u64>,
    ) -> Result<TransitionView, Failure> {
        let request = GetTransitionRequest { transition: id.to_owned(), as_of, min_position };
        let answer = self.transitions().get_transition(request).await?.into_inner();
        answer.transition.ok_or_else(|| Failure::Unavailable(format!("the server answered without transition {id}")))
    }

    /// What can be done next.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn explain(&self, id: &str) -> Result<ExplainTransitionResponse, Failure> {
        let request = ExplainTransitionRequest { transition: id.to_owned(), min_position: None };
        Ok(self.transitions().explain_transition(request).await?.into_inner())
    }

    /// Every step of a transition.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn replay(&self, id: &str, as_of_position: Option<u64>) -> Result<Vec<ReplayStep>, Failure> {
        let request = ReplayTransitionRequest { transition: id.to_owned(), as_of_position, min_position: None };
        let mut stream = self.audit().replay_transition(request).await?.into_inner();
        let mut steps = Vec::new();
        while let Some(item) = stream.message().await? {
            steps.extend(item.step);
        }
        Ok(steps)
    }

    /// Every organisation of a kind.
    ///
    /// # Errors
    /// What the server answered.
    pub(crate) async fn organisations(&self, kind: OrganisationKind) -> Result<Vec<Organisation>, Failure> {
        let mut all = Vec::new();
        let mut request = ListOrganisationsRequest { kind: kind as i32, page_size: ROWS_PER_PAGE, ..Default::default() };
        loop {
            let page = self.directory().list_organisations(request.clone()).await?.into_inner();
            all.extend(page.organisations);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }
}

/// Runs `work` on every item, at most `limit` at a time, and gives the results in the order of the items.
pub(crate) async fn bounded<I, T, F, W>(items: impl IntoIterator<Item = I>, limit: usize, work: W) -> Vec<T>
where
    W: Fn(I) -> F,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut running = tokio::task::JoinSet::new();
    let mut done: Vec<(usize, T)> = Vec::new();
    let take = |joined: Result<(usize, T), tokio::task::JoinError>| match joined {
        Ok(result) => result,
        // Nothing cancels these tasks, so what is left is a defect, which is to be loud.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    for (index, item) in items.into_iter().enumerate() {
        if running.len() == limit
            && let Some(joined) = running.join_next().await
        {
            done.push(take(joined));
        }
        let future = work(item);
        running.spawn(async move { (index, future.await) });
    }
    while let Some(joined) = running.join_next().await {
        done.push(take(joined));
    }
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn bounded_work_keeps_order_and_bound() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let results = bounded(0..20_u32, 3, |item| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                item * 2
            }
        })
        .await;
        assert_eq!(results, (0..20).map(|i| i * 2).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= 3);
    }

    #[tokio::test]
    async fn server_that_is_not_there_is_unavailable() {
        let failure = Client::connect("127.0.0.1:1", None).await.expect_err("nobody listens there");
        assert_eq!(failure.exit(), crate::exit::Exit::Unavailable);
    }
}
