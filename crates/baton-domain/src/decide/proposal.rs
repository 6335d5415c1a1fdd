//! Two persons: commands proposed by one, approved by another who saw what they do.

use super::{Draft, Request, directory};
use crate::event::{Command, Event, EventType, Gap, Nature, Placed};
use crate::proposal::Proposal;
use crate::route::StageId;
use crate::state::State;
use crate::transition::rules::records_officer_or_administrator;
use crate::unmet::Unmet;
use crate::values::{ProposalId, Revision, StreamId, TransitionId};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What one command of a proposal would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The stream.
    pub stream: StreamId,
    /// What it would record.
    pub event: EventType,
    /// Where it would stand in the story.
    pub placed: Option<Placed>,
    /// The rules it does not meet.
    pub gaps: Vec<Gap>,
}

/// What a proposal would change elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consequence {
    /// The transition.
    pub transition: TransitionId,
    /// Its stage now; `None` when it is not registered yet.
    pub stage_before: Option<StageId>,
    /// Its stage then.
    pub stage_after: Option<StageId>,
    /// Earlier statements that would rest on less: revision and codes.
    pub undermined: Vec<(Revision, Vec<String>)>,
}

/// What an approver must have seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// Per command, in order.
    pub commands: Vec<Taken>,
    /// Per transition touched, in the order of ids.
    pub consequences: Vec<Consequence>,
    /// SHA-256 of the rest, lower-case hexadecimal: the approver names it.
    #[serde(skip)]
    pub digest: String,
}

/// Tries a proposal and says what it would do.
///
/// # Errors
/// Every unmet rule that no gap can stand for, with the index of its command.
pub fn assess(
    state: &State,
    request: &Request,
    id: &ProposalId,
    commands: &[Command],
) -> Result<Assessment, Vec<(usize, Unmet)>> {
    let mut state = state.clone();
    run(&mut Draft::new(&mut state, request, Some(id.clone())), commands)
}

fn run(draft: &mut Draft<'_>, commands: &[Command]) -> Result<Assessment, Vec<(usize, Unmet)>> {
    let touched: BTreeSet<&TransitionId> = commands.iter().filter_map(|c| c.stream.transition()).collect();
    let before: BTreeMap<&TransitionId, View> = touched.iter().map(|id| (*id, view(draft.state, id))).collect();
    let first = draft.events.len();
    for (index, command) in commands.iter().enumerate() {
        let unmet = draft.take(index, command);
        if !unmet.is_empty() {
            return Err(unmet.into_iter().map(|u| (index, u)).collect());
        }
    }
    let taken = draft.events[first..].iter().map(|e| Taken {
        stream: e.stream.clone(),
        event: e.statement.event.event_type(),
        placed: e.placed,
        gaps: e.gaps.clone(),
    });
    let mut assessment = Assessment {
        commands: taken.collect(),
        consequences: touched.iter().map(|id| consequence(id, &before[id], &view(draft.state, id))).collect(),
        digest: String::new(),
    };
    let bytes = serde_json::to_vec(&assessment).unwrap_or_default();
    assessment.digest = directory::hex(&Sha256::digest(&bytes));
    Ok(assessment)
}

/// What is compared before and after: the stage, and the unmet codes of every statement.
struct View {
    newest: Option<Revision>,
    stage: Option<StageId>,
    unmet: BTreeMap<Revision, BTreeSet<String>>,
}

fn view(state: &State, id: &TransitionId) -> View {
    let transition = state.transition(id);
    let stage = transition.as_ref().and_then(|t| {
        let route = t.route(&state.world)?;
        t.facts(route).standpoint(route).map(|at| at.stage.id.clone())
    });
    let findings = transition.as_ref().map(|t| t.audit(&state.world).findings).unwrap_or_default();
    let unmet = findings.into_iter().map(|f| (f.revision, f.unmet.into_iter().map(|u| u.code).collect())).collect();
    View { newest: transition.map(|t| t.revision), stage, unmet }
}

fn consequence(id: &TransitionId, before: &View, after: &View) -> Consequence {
    let none = BTreeSet::new();
    let known = |revision: &Revision| before.unmet.get(revision).unwrap_or(&none);
    // Only statements that stood before can be undermined; the gaps of new ones are listed with them.
    let undermined = after
        .unmet
        .iter()
        .filter(|(revision, _)| before.newest.is_some_and(|n| **revision <= n))
        .map(|(revision, codes)| (*revision, codes.difference(known(revision)).cloned().collect::<Vec<_>>()))
        .filter(|(_, codes)| !codes.is_empty())
        .collect();
    Consequence { transition: id.clone(), stage_before: before.stage.clone(), stage_after: after.stage.clone(), undermined }
}

impl Draft<'_> {
    pub(super) fn take_proposal(&mut self, index: usize, id: &ProposalId, command: &Command) -> Vec<Unmet> {
        if !records_officer_or_administrator(&self.state.world, &self.request.person, self.today()) {
            return vec![Unmet::hard(
                "NOT_PERMITTED",
                "",
                format!("{} is neither a records officer nor an administrator today", self.request.person),
            )];
        }
        let existing = self.state.proposal(id);
        match (&command.statement.event, existing) {
            (Event::Proposed(e), None) => self.propose(id, command, &e.commands),
            (Event::Proposed(_), Some(_)) => vec![Unmet::hard("ALREADY_PROPOSED", "", format!("proposal {id} exists already"))],
            (_, None) => vec![Unmet::hard("UNKNOWN_PROPOSAL", "", format!("there is no proposal {id}"))],
            (_, Some(proposal)) if proposal.ended.is_some() => {
                vec![Unmet::hard("PROPOSAL_ENDED", "", format!("proposal {id} has ended already"))]
            }
            (Event::Approved(e), Some(proposal)) => self.approve(index, id, command, &proposal, &e.digest),
            (Event::Declined(e), Some(_)) if e.reason.is_none() => {
                vec![Unmet::hard("REASON_REQUIRED", "", "declining needs a reason")]
            }
            (_, Some(_)) => {
                self.push(command.stream.clone(), command.statement.clone(), None, Vec::new());
                Vec::new()
            }
        }
    }

    fn propose(&mut self, id: &ProposalId, command: &Command, commands: &[Command]) -> Vec<Unmet> {
        if commands.is_empty() {
            return vec![Unmet::hard("NOTHING_PROPOSED", "", "a proposal holds at least one command")];
        }
        if commands.iter().any(|c| c.statement.event.event_type().nature() == Nature::Proposal) {
            return vec![Unmet::hard("NESTED_PROPOSAL", "", "a proposal holds no proposals")];
        }
        // The words of a proposal that erases may not be erased themselves; no others should be caught in it.
        if commands.len() > 1 && commands.iter().any(|c| matches!(c.statement.event, Event::ErasureAuthorised(_))) {
            return vec![Unmet::hard(
                "ERASURE_NOT_ALONE",
                "",
                "an erasure is proposed alone: propose the other commands by themselves",
            )];
        }
        // What can not be taken at all is refused now, not when somebody approves.
        match assess(self.state, self.request, id, commands) {
            Err(unmet) => unmet.into_iter().map(|(at, u)| Unmet { what: format!("commands[{at}]: {}", u.what), ..u }).collect(),
            Ok(_) => {
                self.push(command.stream.clone(), command.statement.clone(), None, Vec::new());
                Vec::new()
            }
        }
    }

    fn approve(&mut self, index: usize, id: &ProposalId, command: &Command, proposal: &Proposal, digest: &str) -> Vec<Unmet> {
        if proposal.proposed.recorded_by == self.request.person {
            return vec![Unmet::hard(
                "SELF_APPROVAL",
                "I46",
                "a proposal is approved by another person than the one who made it",
            )];
        }
        let Event::Proposed(proposed) = &proposal.proposed.statement.event else { return Vec::new() };
        let warned = self.warnings.len();
        self.push(command.stream.clone(), command.statement.clone(), None, Vec::new());
        self.approval = Some(id.clone());
        self.previous = None;
        let result = run(self, &proposed.commands);
        self.approval = None;
        // What was warned of belongs to the approval in this request, not to a command inside the proposal.
        self.warnings.iter_mut().skip(warned).for_each(|warning| warning.command = index);
        match result {
            Err(unmet) => unmet.into_iter().map(|(at, u)| Unmet { what: format!("commands[{at}]: {}", u.what), ..u }).collect(),
            Ok(assessment) if assessment.digest != digest => {
                vec![Unmet::hard(
                    "STALE_PROPOSAL",
                    "",
                    "what the proposal would do is not what was seen: read it again, then approve its new digest",
                )]
            }
            Ok(_) => Vec::new(),
        }
    }
}

impl State {
    /// What an open proposal would do now.
    ///
    /// # Errors
    /// As [`assess`]; an unknown or ended proposal is one unmet rule.
    pub fn assess_proposal(&self, request: &Request, id: &ProposalId) -> Result<Assessment, Vec<(usize, Unmet)>> {
        let unknown = || vec![(0, Unmet::hard("UNKNOWN_PROPOSAL", "", format!("there is no open proposal {id}")))];
        let proposal = self.proposal(id).filter(|p| p.ended.is_none()).ok_or_else(unknown)?;
        match &proposal.proposed.statement.event {
            Event::Proposed(proposed) => assess(self, request, id, &proposed.commands),
            _ => Err(unknown()),
        }
    }
}
