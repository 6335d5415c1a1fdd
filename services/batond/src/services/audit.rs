//! AuditService: the story event by event, and the rules once more over all of it.

use super::{Service, position, today};
use crate::{parse, status, view};
use baton_domain::event::{Nature, Recorded};
use baton_domain::route::Route;
use baton_domain::transition::{AsOf, Facts, Transition};
use baton_domain::values::{Revision, StreamId};
use baton_engine::LogEntry;
use baton_proto::v1 as proto;
use parse::Word;
use proto::audit_service_server::AuditService;
use std::collections::BTreeMap;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

/// How many events are read from the log at a time.
const CHUNK: usize = 256;

#[tonic::async_trait]
impl AuditService for Service {
    type ReplayTransitionStream = std::pin::Pin<Box<dyn Stream<Item = Result<proto::ReplayTransitionResponse, Status>> + Send>>;

    async fn replay_transition(
        &self,
        request: Request<proto::ReplayTransitionRequest>,
    ) -> Result<Response<Self::ReplayTransitionStream>, Status> {
        let asked = parse::replay_transition(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position.max(asked.as_of_position)).await?;
        let found = state.transition(&asked.transition).ok_or_else(|| status::not_found("transition", &asked.transition))?;
        let as_of = AsOf { position: asked.as_of_position, ..AsOf::default() };
        let then = found.as_known(&as_of);
        let route = then.route(&state.world).ok_or_else(|| status::not_found("route of transition", &asked.transition))?.clone();
        let mut entries = self.stream_entries(&StreamId::Transition(asked.transition.clone()), then.revision).await?;
        let position = asked.as_of_position.map_or_else(|| position(&state), |p| p.0);
        let steps = steps(&then, &route);
        let answers: Vec<_> = steps
            .into_iter()
            .filter_map(|(revision, step)| {
                let event = view::recorded_event(&entries.remove(&revision)?);
                Some(Ok(proto::ReplayTransitionResponse {
                    step: Some(proto::ReplayStep { event: Some(event), ..step }),
                    position,
                }))
            })
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(answers))))
    }

    async fn get_checkpoint(
        &self,
        request: Request<proto::GetCheckpointRequest>,
    ) -> Result<Response<proto::GetCheckpointResponse>, Status> {
        self.checkpoint(request.get_ref()).await.map(Response::new)
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<proto::GetInclusionProofRequest>,
    ) -> Result<Response<proto::GetInclusionProofResponse>, Status> {
        self.inclusion_proof(request.get_ref()).await.map(Response::new)
    }

    async fn get_consistency_proof(
        &self,
        request: Request<proto::GetConsistencyProofRequest>,
    ) -> Result<Response<proto::GetConsistencyProofResponse>, Status> {
        self.consistency_proof(request.get_ref()).map(Response::new)
    }

    type ExportBundleStream = tokio_stream::wrappers::ReceiverStream<Result<proto::ExportBundleResponse, Status>>;

    async fn export_bundle(
        &self,
        request: Request<proto::ExportBundleRequest>,
    ) -> Result<Response<Self::ExportBundleStream>, Status> {
        self.bundle(request.get_ref()).await.map(Response::new)
    }

    async fn audit_transition(
        &self,
        request: Request<proto::AuditTransitionRequest>,
    ) -> Result<Response<proto::AuditTransitionResponse>, Status> {
        let asked = parse::audit_transition(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let found = state.transition(&asked.transition).ok_or_else(|| status::not_found("transition", &asked.transition))?;
        let row = view::row(&state, &found, &AsOf::default(), today())
            .ok_or_else(|| status::not_found("transition with a readable route:", &asked.transition))?;
        Ok(Response::new(view::audit(&row, &found.audit(&state.world), position(&state))))
    }
}

impl Service {
    /// The events of a stream up to a revision, from the log itself, each checked against its hash.
    async fn stream_entries(&self, stream: &StreamId, to: Revision) -> Result<BTreeMap<Revision, LogEntry>, Status> {
        let mut entries = BTreeMap::new();
        let mut from = Revision::FIRST;
        while from <= to {
            let chunk = self.engine.read_stream(stream, from, CHUNK).await.map_err(|e| status::read(&e))?;
            let Some(last) = chunk.last() else { break };
            from = last.recorded.revision.next();
            entries.extend(chunk.into_iter().map(|e| (e.recorded.revision, e)));
        }
        Ok(entries)
    }
}

/// The statements in story order with the stage after each, then what was said about them since, in the
/// order of recording.
fn steps(transition: &Transition, route: &Route) -> Vec<(Revision, proto::ReplayStep)> {
    let mut facts = Facts::read(std::iter::empty(), route);
    let mut steps = Vec::new();
    let last = transition.facts(route);
    for entry in transition.story.entries() {
        if entry.in_force() {
            facts.apply(entry, route);
        }
        let step = proto::ReplayStep {
            voided: !entry.in_force(),
            set_aside: last.set_aside.contains(&entry.revision()),
            corrected_by: entry.corrected_by().last().map(|r| r.0),
            in_story: true,
            ..stage_of(&facts, route)
        };
        steps.push((entry.revision(), step));
    }
    let after = stage_of(&facts, route);
    let about: Vec<&Recorded> = transition
        .story
        .truth()
        .map(AsRef::as_ref)
        .filter(|r| r.statement.event.event_type().nature() == Nature::Truth)
        .collect();
    steps.extend(about.into_iter().map(|r| (r.revision, proto::ReplayStep { in_story: false, ..after.clone() })));
    steps
}

fn stage_of(facts: &Facts, route: &Route) -> proto::ReplayStep {
    let at = facts.standpoint(route);
    proto::ReplayStep {
        stage: at.as_ref().map_or_else(String::new, |at| at.stage.id.to_string()),
        stage_standing: at.as_ref().map_or(0, |at| at.standing.number()),
        round: facts.round,
        ..proto::ReplayStep::default()
    }
}
