//! LedgerService: recording, reading the log, following it, and proposals.

use super::{Service, position};
use crate::status::{self, Reason};
use crate::{identity, parse, view};
use baton_domain::decide::Expected;
use baton_domain::state::State;
use baton_domain::values::{Position, ProposalId, Revision, StreamId};
use baton_engine::{Answer, LogEntry, Submission, Validated};
use baton_ledger::{LeafHash, Receipt};
use baton_proto::v1 as proto;
use prost::Message;
use proto::ledger_service_server::LedgerService;
use proto::subscribe_response::Item;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// How many events are read from the log at a time.
const CHUNK: usize = 128;

/// How many items wait for a slow subscriber; beyond, the log is simply not read on until there is room.
const WAITING: usize = 64;

/// After how many events that a filter passed over, or how long without any, a progress marker is sent.
const PROGRESS_EVENTS: u64 = 10_000;
const PROGRESS_EVERY: Duration = Duration::from_secs(15);

#[tonic::async_trait]
impl LedgerService for Service {
    async fn record(&self, request: Request<proto::RecordRequest>) -> Result<Response<proto::RecordResponse>, Status> {
        let person = identity::person(request.metadata(), &self.engine.snapshot())?;
        let parsed = parse::record_request(request.get_ref()).map_err(status::invalid)?;
        let expected = parsed.expected.iter().map(|e| (e.stream.clone(), expected(&e.expected))).collect();
        let submission = Submission {
            person,
            command_id: parsed.command_id,
            expected,
            commands: parsed.commands,
            content: request.get_ref().encode_to_vec(),
        };
        if parsed.validate_only {
            let newest = position(&self.engine.snapshot());
            let would = self.engine.validate(&submission).map_err(|error| status::submit(&error))?;
            return Ok(Response::new(validated(&would, newest)));
        }
        let answer = self.engine.submit(submission).await.map_err(|error| status::submit(&error))?;
        let receipts = self.engine.receipts(&answer).await.map_err(|error| status::read(&error))?;
        Ok(Response::new(recorded(&answer, &receipts)))
    }

    async fn get_receipt(
        &self,
        request: Request<proto::GetReceiptRequest>,
    ) -> Result<Response<proto::GetReceiptResponse>, Status> {
        let asked = request.get_ref();
        let state = self.state(asked.min_position.map(Position)).await?;
        let (leaf_hash, receipt) = self.receipt(Position(asked.event_position)).await?;
        Ok(Response::new(proto::GetReceiptResponse {
            receipt: receipt.to_text(),
            leaf_hash: leaf_hash.to_vec(),
            position: position(&state),
        }))
    }

    async fn read_events(
        &self,
        request: Request<proto::ReadEventsRequest>,
    ) -> Result<Response<proto::ReadEventsResponse>, Status> {
        let asked = parse::read_events(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let entries = self.entries(&state, asked.stream.as_ref(), asked.from_position, asked.page_size).await?;
        let next = match entries.last() {
            Some(last) if entries.len() == asked.page_size => last.recorded.position.0 + 1,
            _ => state.size.max(asked.from_position.0),
        };
        Ok(Response::new(proto::ReadEventsResponse {
            events: entries.iter().map(view::recorded_event).collect(),
            next_position: next,
            position: position(&state),
        }))
    }

    type SubscribeStream = ReceiverStream<Result<proto::SubscribeResponse, Status>>;

    async fn subscribe(&self, request: Request<proto::SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let asked = parse::subscribe(request.get_ref()).map_err(status::invalid)?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let service = self.clone();
        tokio::spawn(async move {
            if let Err(status) = service.follow(&asked, &sender).await {
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn get_proposal(
        &self,
        request: Request<proto::GetProposalRequest>,
    ) -> Result<Response<proto::GetProposalResponse>, Status> {
        let person = identity::person(request.metadata(), &self.engine.snapshot()).ok();
        let asked = parse::get_proposal(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        if !state.proposals.contains_key(&asked.proposal) {
            return Err(status::not_found("proposal", &asked.proposal));
        }
        Ok(Response::new(proto::GetProposalResponse {
            proposal: Some(proposal(&state, &asked.proposal, person)),
            position: position(&state),
        }))
    }

    async fn list_proposals(
        &self,
        request: Request<proto::ListProposalsRequest>,
    ) -> Result<Response<proto::ListProposalsResponse>, Status> {
        let person = identity::person(request.metadata(), &self.engine.snapshot()).ok();
        let asked = parse::list_proposals(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let start = self.pages.start(&("proposals", &asked.transition), asked.page_token.as_ref(), state)?;
        let waiting = start.state.waiting(asked.transition.as_ref());
        let page = self.pages.page(&start, waiting.map(|(id, _)| id).collect(), asked.page_size);
        Ok(Response::new(proto::ListProposalsResponse {
            proposals: page.items.into_iter().map(|id| proposal(&start.state, id, person.clone())).collect(),
            next_page_token: page.next,
            position: position(&start.state),
        }))
    }
}

impl Service {
    /// The receipt of an event, with the hash of its leaf as just read.
    async fn receipt(&self, at: Position) -> Result<(LeafHash, Receipt), Status> {
        let receipt = self.engine.receipt(at).await.map_err(|error| status::read(&error))?;
        let entry = self.engine.read(at, 1).await.map_err(|error| status::read(&error))?.pop();
        match (entry, receipt) {
            (Some(entry), Some(receipt)) => Ok((entry.leaf_hash, receipt)),
            _ => Err(status::not_found("event at position", &at)),
        }
    }

    /// Events from a position on, of the whole log or of one stream, never beyond the state.
    async fn entries(
        &self,
        state: &Arc<State>,
        stream: Option<&StreamId>,
        from: Position,
        limit: usize,
    ) -> Result<Vec<LogEntry>, Status> {
        let mut found: Vec<LogEntry> = Vec::new();
        // Revisions rise with positions: the first one wanted is found by looking through the stream once.
        let mut next = (from, Revision::FIRST);
        while found.len() < limit {
            let chunk = match stream {
                None => self.engine.read(next.0, limit - found.len()).await,
                Some(stream) => self.engine.read_stream(stream, next.1, CHUNK.max(limit)).await,
            };
            let chunk = chunk.map_err(|e| status::read(&e))?;
            let Some(last) = chunk.last() else { break };
            next = (last.recorded.position.next(), last.recorded.revision.next());
            let wanted = chunk.into_iter().filter(|e| e.recorded.position >= from && e.recorded.position.0 < state.size);
            found.extend(wanted);
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Sends what is there, then what comes, until the subscriber leaves or the server stops.
    async fn follow(
        &self,
        asked: &parse::Subscribe,
        sender: &mpsc::Sender<Result<proto::SubscribeResponse, Status>>,
    ) -> Result<(), Status> {
        let mut size = self.engine.follow();
        let mut stopping = self.stopping.clone();
        let mut next = asked.from_position.0;
        let mut marked = next;
        let mut caught_up = false;
        loop {
            let durable = *size.borrow_and_update();
            while next < durable {
                let limit = CHUNK.min(usize::try_from(durable - next).unwrap_or(CHUNK));
                let chunk = self.engine.read(Position(next), limit).await.map_err(|e| status::read(&e))?;
                if chunk.is_empty() {
                    break;
                }
                for entry in &chunk {
                    next = entry.recorded.position.0 + 1;
                    if wanted(asked, entry) {
                        marked = next;
                        let item = Item::Event(view::recorded_event(entry));
                        if sender.send(Ok(proto::SubscribeResponse { item: Some(item), next_position: next })).await.is_err() {
                            return Ok(());
                        }
                    }
                }
                if next - marked >= PROGRESS_EVENTS {
                    marked = next;
                    if !progress(sender, next).await {
                        return Ok(());
                    }
                }
            }
            if !caught_up {
                caught_up = true;
                let item = Item::CaughtUp(proto::CaughtUp { position: durable.saturating_sub(1) });
                if sender.send(Ok(proto::SubscribeResponse { item: Some(item), next_position: next })).await.is_err() {
                    return Ok(());
                }
            }
            tokio::select! {
                changed = size.changed() => if changed.is_err() { return Err(stopped(next)) },
                () = tokio::time::sleep(PROGRESS_EVERY) => if !progress(sender, next).await { return Ok(()) },
                () = sender.closed() => return Ok(()),
                () = until_true(&mut stopping) => return Err(stopped(next)),
            }
        }
    }
}

/// Ends when the flag turns true, or nobody can turn it any more.
async fn until_true(flag: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = flag.wait_for(|stop| *stop).await;
}

fn stopped(next: u64) -> Status {
    let what = format!("the server is stopping; subscribe again from position {next}");
    status::with_reason(Reason::Stopping, &what, &[("next_position", next.to_string())])
}

async fn progress(sender: &mpsc::Sender<Result<proto::SubscribeResponse, Status>>, next: u64) -> bool {
    let item = Item::Progress(proto::Progress { position: next.saturating_sub(1) });
    sender.send(Ok(proto::SubscribeResponse { item: Some(item), next_position: next })).await.is_ok()
}

fn wanted(asked: &parse::Subscribe, entry: &LogEntry) -> bool {
    let kind = entry.recorded.statement.event.event_type();
    asked.stream.as_ref().is_none_or(|s| *s == entry.recorded.stream)
        && (asked.event_types.is_empty() || asked.event_types.contains(&kind))
}

fn expected(sent: &parse::Expected) -> Expected {
    match sent {
        parse::Expected::Exact(revision) => Expected::Exact(*revision),
        parse::Expected::NoStream => Expected::NoStream,
        parse::Expected::Any => Expected::Any,
    }
}

/// A proposal; an open one with what it would do if this person, or anybody, approved it now.
fn proposal(state: &State, id: &ProposalId, person: Option<baton_domain::values::PersonId>) -> proto::Proposal {
    let Some(found) = state.proposal(id) else { return proto::Proposal::default() };
    let would = found.ended.is_none().then(|| {
        let request = baton_domain::decide::Request {
            person: person.unwrap_or_else(|| found.proposed.recorded_by.clone()),
            command_id: found.proposed.command_id,
            now: jiff::Timestamp::now(),
        };
        state.assess_proposal(&request, id)
    });
    let revision = state.revision(&StreamId::Proposal(id.clone())).map_or(0, |r| r.0);
    view::proposal(id, &found, would, revision)
}

fn entries(entries: &[baton_engine::Entry]) -> Vec<proto::RecordedEntry> {
    let one = |e: &baton_engine::Entry| proto::RecordedEntry {
        position: e.position.0,
        stream: e.stream.to_string(),
        revision: e.revision.0,
        r#type: e.event_type.to_string(),
        leaf_hash: e.leaf_hash.map(|hash| hash.to_vec()).unwrap_or_default(),
        receipt: String::new(),
    };
    entries.iter().map(one).collect()
}

fn warnings(warnings: &[baton_domain::decide::Warning]) -> Vec<proto::Warning> {
    let one = |w: &baton_domain::decide::Warning| proto::Warning {
        command_index: u32::try_from(w.command).unwrap_or(u32::MAX),
        code: w.code.clone(),
        what: w.what.clone(),
    };
    warnings.iter().map(one).collect()
}

fn recorded(answer: &Answer, receipts: &[Receipt]) -> proto::RecordResponse {
    let mut entries = entries(&answer.entries);
    for (entry, receipt) in entries.iter_mut().zip(receipts) {
        entry.receipt = receipt.to_text();
    }
    proto::RecordResponse {
        entries,
        warnings: warnings(&answer.warnings),
        already_recorded: answer.already_recorded,
        position: answer.position.0,
        assessment: None,
    }
}

fn validated(validated: &Validated, position: u64) -> proto::RecordResponse {
    proto::RecordResponse {
        entries: entries(&validated.entries),
        warnings: warnings(&validated.warnings),
        already_recorded: false,
        position,
        assessment: validated.assessment.as_ref().map(view::assessment),
    }
}
