//! Proposals, and what approving one would bring about.

use super::{dates, events};
use crate::output::{Table, flagged, number, table};
use crate::words;
use baton_proto::v1::{Assessment, Proposal, RecordResponse, Undermined};
use serde_json::{Value, json};

/// The proposals that wait.
pub(crate) fn waiting(proposals: &[Proposal]) -> Table {
    let mut table = table(["Proposal", "Proposed by", "At", "Commands", "Gaps", "In the way", "Reason"]);
    for p in proposals {
        let gaps: usize = p.assessment.iter().flat_map(|a| &a.commands).map(|c| c.gaps.len()).sum();
        table.row([
            p.proposal.as_str().into(),
            p.proposed_by.as_str().into(),
            dates::instant(p.proposed_at.as_ref()).into(),
            number(p.commands.len()),
            number(gaps),
            flagged(p.unmet.len().to_string(), !p.unmet.is_empty()),
            p.reason.as_str().into(),
        ]);
    }
    table
}

/// The proposals for programs.
pub(crate) fn objects(proposals: &[Proposal]) -> Value {
    proposals.iter().map(|p| words::json("Proposal", p)).collect()
}

/// The commands of a proposal, as an approver must see them.
pub(crate) fn commands(proposal: &Proposal) -> Table {
    let mut table = table(["No", "Stream", "What", "When", "Standing", "Would stand", "Gaps it would keep"]).wide("What");
    for (index, c) in proposal.commands.iter().enumerate() {
        let assessed = proposal.assessment.as_ref().and_then(|a| a.commands.get(index));
        let gaps = assessed.map(|a| events::gaps(&a.gaps)).unwrap_or_default();
        table.row([
            number(index),
            c.stream.as_str().into(),
            format!("{}\n{}", c.r#type, events::what(&c.payload_json)).trim_end().to_owned().into(),
            dates::optional(c.occurred.as_ref()).into(),
            words::standing(c.standing).into(),
            assessed.map(|a| a.placed.clone()).unwrap_or_default().into(),
            flagged(gaps.as_str(), !gaps.is_empty()),
        ]);
    }
    table
}

/// What would change for transitions.
pub(crate) fn consequences(assessment: &Assessment) -> Table {
    let mut table = table(["Transition", "Stage now", "Stage then", "Statements that would rest on less"]);
    let one = |u: &Undermined| format!("revision {}: {}", u.revision, u.codes.join(", "));
    for c in &assessment.consequences {
        table.row([
            c.transition.as_str().into(),
            if c.stage_before.is_empty() { "not registered".into() } else { c.stage_before.as_str().into() },
            c.stage_after.as_str().into(),
            flagged(c.undermined.iter().map(one).collect::<Vec<_>>().join("\n"), !c.undermined.is_empty()),
        ]);
    }
    table
}

/// The answer to a recording, for people.
pub(crate) fn entries(answer: &RecordResponse) -> Table {
    let mut table = table(["Position", "Stream", "Revision", "Event"]);
    for e in &answer.entries {
        table.row([number(e.position), e.stream.as_str().into(), number(e.revision), e.r#type.as_str().into()]);
    }
    table
}

/// The same for programs.
pub(crate) fn answer(command_id: &str, answer: &RecordResponse) -> Value {
    let mut object = words::json("RecordResponse", answer);
    object["command_id"] = json!(command_id);
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_proto::v1::{AssessedCommand, Consequence, Gap, GapKind, ProposedCommand, RecordedEntry};

    fn proposal() -> Proposal {
        let gap = Gap { kind: GapKind::NotEvidenced as i32, code: "QUORUM_NOT_MET".into(), what: "not said".into() };
        let assessed = AssessedCommand { placed: "end".into(), gaps: vec![gap], ..Default::default() };
        let consequence = Consequence {
            transition: "X.Y.Z".into(),
            stage_after: "LIVE".into(),
            undermined: vec![Undermined { revision: 2, codes: vec!["TOO_EARLY".into()] }],
            ..Default::default()
        };
        Proposal {
            proposal: "p".into(),
            commands: vec![ProposedCommand {
                r#type: "GateDecided".into(),
                payload_json: "{\"outcome\":\"approved\"}".into(),
                ..Default::default()
            }],
            assessment: Some(Assessment { digest: "d".into(), commands: vec![assessed], consequences: vec![consequence] }),
            ..Default::default()
        }
    }

    #[test]
    fn approver_sees_gaps_and_consequences() {
        let p = proposal();
        let commands = commands(&p);
        assert_eq!(commands.rows[0][2].text, "GateDecided\noutcome approved");
        assert_eq!(commands.rows[0][6].text, "QUORUM_NOT_MET (not evidenced): not said");
        let consequences = consequences(p.assessment.as_ref().expect("given"));
        assert_eq!(
            (consequences.rows[0][1].text.as_str(), consequences.rows[0][3].text.as_str()),
            ("not registered", "revision 2: TOO_EARLY")
        );
        assert_eq!(waiting(&[p]).rows[0][4].text, "1");
    }

    #[test]
    fn answer_to_a_recording_names_its_command_id() {
        let response = RecordResponse {
            entries: vec![RecordedEntry { position: 4, revision: 2, ..Default::default() }],
            ..Default::default()
        };
        let shown = answer("id", &response);
        assert_eq!(
            (&shown["command_id"], &shown["entries"][0]["position"], &shown["already_recorded"]),
            (&json!("id"), &json!(4), &json!(false))
        );
    }
}
