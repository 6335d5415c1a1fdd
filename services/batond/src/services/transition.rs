//! TransitionService: where transitions stand, and what can be done next.

use super::{Service, position, today};
use crate::parse::{self, OrderKey};
use crate::{status, view};
use baton_domain::rest::Held;
use baton_domain::transition::{Action, ActionKind, Transition};
use baton_proto::v1 as proto;
use proto::transition_service_server::TransitionService;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use view::Line;

#[tonic::async_trait]
impl TransitionService for Service {
    async fn get_transition(
        &self,
        request: Request<proto::GetTransitionRequest>,
    ) -> Result<Response<proto::GetTransitionResponse>, Status> {
        let asked = parse::get_transition(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let found = state.transitions.get(&asked.transition).ok_or_else(|| status::not_found("transition", &asked.transition))?;
        let position = position(&state);
        let view = if asked.as_of.is_now() {
            self.kept.in_full(&state, found, today())
        } else {
            view::row(&state, &found.open(), &asked.as_of, today()).map(|row| view::transition(&row, position))
        };
        let view = view.ok_or_else(|| status::not_found("transition registered at the time asked for:", &asked.transition))?;
        Ok(Response::new(proto::GetTransitionResponse { transition: Some(view), position }))
    }

    async fn list_transitions(
        &self,
        request: Request<proto::ListTransitionsRequest>,
    ) -> Result<Response<proto::ListTransitionsResponse>, Status> {
        let asked = parse::list_transitions(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let query = parse::ListTransitions { page_token: None, page_size: 0, min_position: None, ..asked.clone() };
        let start = self.pages.start(&query, asked.page_token.as_ref(), state)?;
        let today = today();
        let chosen = start.state.transitions.values().filter(|t| {
            asked.wave.as_ref().is_none_or(|w| t.id().wave() == *w)
                && asked.service.as_ref().is_none_or(|s| t.id().service() == *s)
                && asked.receiver.as_ref().is_none_or(|r| t.id().is_of(r))
        });
        let line = |t: &Arc<Held<Transition>>| match asked.as_of.is_now() {
            true => self.kept.line(&start.state, t, today),
            false => view::row(&start.state, &t.look(), &asked.as_of, today).map(|row| Arc::new(Line::of(&row))),
        };
        let mut lines: Vec<Arc<Line>> = chosen
            .filter_map(line)
            .filter(|line| asked.region.as_ref().is_none_or(|r| line.summary.region == r.as_str()))
            .filter(|line| asked.stage.as_ref().is_none_or(|s| line.summary.stage == s.as_str()))
            .collect();
        order(&mut lines, asked.order_by);
        let page = self.pages.page(&start, lines, asked.page_size);
        Ok(Response::new(proto::ListTransitionsResponse {
            transitions: page.items.iter().map(|line| line.summary.clone()).collect(),
            next_page_token: page.next,
            position: position(&start.state),
            total_size: u32::try_from(page.total).unwrap_or(u32::MAX),
        }))
    }

    async fn explain_transition(
        &self,
        request: Request<proto::ExplainTransitionRequest>,
    ) -> Result<Response<proto::ExplainTransitionResponse>, Status> {
        let asked = parse::explain_transition(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let found = state.transition(&asked.transition).ok_or_else(|| status::not_found("transition", &asked.transition))?;
        let row = view::row(&state, &found, &Default::default(), today())
            .ok_or_else(|| status::not_found("transition with a readable route:", &asked.transition))?;
        let summary = view::summary(&row);
        let mut actions: Vec<proto::Action> = found.explain(&state.world, today()).iter().map(view::action).collect();
        let waiting = state.waiting(Some(&asked.transition));
        actions.extend(waiting.map(|(id, proposal)| view::action(&approval(&state, id, &proposal.open()))));
        Ok(Response::new(proto::ExplainTransitionResponse {
            transition: summary.id,
            stage: summary.stage,
            stage_title: summary.stage_title,
            stage_standing: summary.stage_standing,
            actions,
            position: position(&state),
        }))
    }
}

/// An open proposal as something to do: for every records officer but the one who made it.
fn approval(
    state: &baton_domain::state::State,
    id: &baton_domain::values::ProposalId,
    proposal: &baton_domain::proposal::Proposal,
) -> Action {
    let officers = state.world.roles_in(&baton_domain::values::StreamId::Log).filter(|r| r.on(today()));
    let may: Vec<_> = officers.filter(|r| matches!(r.role.as_str(), "records_officer" | "administrator")).collect();
    let proposer = &proposal.proposed.recorded_by;
    Action {
        kind: ActionKind::Proposal,
        subject: id.to_string(),
        title: format!("approve or decline what {proposer} proposed"),
        event: baton_domain::event::EventType::Approved,
        outcome: None,
        unmet: Vec::new(),
        roles: may.iter().map(|r| r.role.clone()).collect::<std::collections::BTreeSet<_>>().into_iter().collect(),
        people: may.iter().filter_map(|r| r.person.clone()).filter(|p| p != proposer).collect(),
        done: false,
    }
}

/// Sorts by the key asked for; ties by id, so that the order is total.
fn order(lines: &mut [Arc<Line>], by: parse::OrderBy) {
    lines.sort_by(|a, b| {
        let key = match by.key {
            OrderKey::Id => std::cmp::Ordering::Equal,
            OrderKey::Receiver => a.receiver.cmp(&b.receiver),
            OrderKey::Stage => a.stage.cmp(&b.stage),
            OrderKey::LiveOn => (a.live.is_none(), a.live).cmp(&(b.live.is_none(), b.live)),
        };
        let order = key.then_with(|| a.id.cmp(&b.id));
        if by.descending { order.reverse() } else { order }
    });
}
