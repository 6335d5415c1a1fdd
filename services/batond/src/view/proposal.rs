//! Proposals and what their approvers must see.

use super::common::{done_by, evidence, fuzzy_date, gap, placed, text, timestamp, unmet};
use super::recorded::payload_json;
use crate::parse::Word;
use baton_domain::Unmet;
use baton_domain::decide::Assessment;
use baton_domain::event::{Command, Event};
use baton_domain::proposal::{Ended, Proposal};
use baton_domain::values::ProposalId;
use baton_proto::v1 as proto;

/// What a proposal would do.
pub fn assessment(assessment: &Assessment) -> proto::Assessment {
    let commands = assessment.commands.iter().enumerate().map(|(index, taken)| proto::AssessedCommand {
        command_index: u32::try_from(index).unwrap_or(u32::MAX),
        stream: taken.stream.to_string(),
        r#type: taken.event.to_string(),
        placed: placed(taken.placed),
        gaps: taken.gaps.iter().map(gap).collect(),
    });
    let consequences = assessment.consequences.iter().map(|c| proto::Consequence {
        transition: c.transition.to_string(),
        stage_before: c.stage_before.as_ref().map_or_else(String::new, ToString::to_string),
        stage_after: c.stage_after.as_ref().map_or_else(String::new, ToString::to_string),
        undermined: c
            .undermined
            .iter()
            .map(|(revision, codes)| proto::Undermined { revision: revision.0, codes: codes.clone() })
            .collect(),
    });
    proto::Assessment { digest: assessment.digest.clone(), commands: commands.collect(), consequences: consequences.collect() }
}

/// A proposal; open ones with what they would do now, or why they could not be taken.
pub fn proposal(
    id: &ProposalId,
    proposal: &Proposal,
    would: Option<Result<Assessment, Vec<(usize, Unmet)>>>,
    revision: u64,
) -> proto::Proposal {
    let Event::Proposed(proposed) = &proposal.proposed.statement.event else { return proto::Proposal::default() };
    let (status, decided) = match &proposal.ended {
        None => (proto::ProposalStatus::Open, None),
        Some(Ended::Approved(by)) => (proto::ProposalStatus::Approved, Some(by)),
        Some(Ended::Declined(by)) => (proto::ProposalStatus::Declined, Some(by)),
    };
    let (would, refused) = match would {
        Some(Ok(would)) => (Some(assessment(&would)), Vec::new()),
        Some(Err(refused)) => (None, refused),
        None => (None, Vec::new()),
    };
    proto::Proposal {
        proposal: id.to_string(),
        status: status.into(),
        proposed_by: proposal.proposed.recorded_by.to_string(),
        proposed_at: Some(timestamp(proposal.proposed.recorded_at)),
        reason: text(proposed.reason.as_ref()),
        commands: proposed.commands.iter().map(command).collect(),
        decided_by: decided.map_or_else(String::new, |by| by.recorded_by.to_string()),
        decided_at: decided.map(|by| timestamp(by.recorded_at)),
        assessment: would,
        unmet: refused
            .iter()
            .map(|(index, u)| unmet(&Unmet { what: format!("commands[{index}]: {}", u.what), ..u.clone() }))
            .collect(),
        revision,
    }
}

fn command(command: &Command) -> proto::ProposedCommand {
    let st = &command.statement;
    proto::ProposedCommand {
        stream: command.stream.to_string(),
        r#type: st.event.event_type().to_string(),
        late: command.late,
        standing: st.standing.number(),
        occurred: Some(fuzzy_date(&st.occurred)),
        done_by: Some(done_by(&st.done_by)),
        evidence: evidence(&st.evidence),
        remark: text(st.remark.as_ref()),
        payload_json: payload_json(&st.event),
    }
}
