//! `baton proposals` and `baton approve`: the second person looks, and only then approves.

use super::Context;
use super::record::{send, warnings};
use crate::args::{Approve, Format, Proposals};
use crate::exit::Failure;
use crate::refusal::Refusal;
use crate::render::proposals;
use baton_proto::v1::{Approved, Assessment, Command, Proposal, ProposalStatus, RecordRequest, command};
use std::io::{BufRead, IsTerminal, Write};
use uuid::Uuid;

pub(super) async fn proposals(cx: &mut Context, args: &Proposals) -> Result<(), Failure> {
    let transition = args.transition.clone().unwrap_or_default();
    let all = cx.connect().await?.proposals(&transition).await?;
    match cx.out.format {
        Format::Json => cx.out.json(&proposals::objects(&all)),
        Format::Csv => cx.out.csv(&proposals::waiting(&all)),
        Format::Table if all.is_empty() => cx.out.line("No proposal waits."),
        Format::Table => cx.out.table(&proposals::waiting(&all)),
    }
}

pub(super) async fn approve(cx: &mut Context, args: &Approve) -> Result<(), Failure> {
    let client = cx.connect().await?;
    let digest = match &args.digest {
        Some(digest) => digest.clone(),
        None => {
            let found = client.proposal(&args.proposal).await?;
            let proposal = found.ok_or_else(|| Failure::Refused(format!("there is no proposal {}", args.proposal)))?;
            let digest = can_be_approved(&proposal)?.digest.clone();
            show(cx, &proposal)?;
            if !args.yes && !agreed(&proposal)? {
                return Err(Failure::Refused("not approved".to_owned()));
            }
            digest
        }
    };
    let event = command::Event::Approved(Approved { digest, note: args.note.clone().unwrap_or_default() });
    let request = RecordRequest {
        command_id: Uuid::new_v4().to_string(),
        commands: vec![Command { stream: format!("proposal/{}", args.proposal), event: Some(event), ..Default::default() }],
        ..Default::default()
    };
    let answer = send(&client, &request).await?;
    match cx.out.format {
        Format::Json => cx.out.json(&proposals::answer(&request.command_id, &answer)),
        Format::Csv => cx.out.csv(&proposals::entries(&answer)),
        Format::Table => {
            cx.out.line(format!("Approved. Command id: {}", request.command_id))?;
            cx.out.table(&proposals::entries(&answer))?;
            warnings(cx, &answer)
        }
    }
}

fn can_be_approved(proposal: &Proposal) -> Result<&Assessment, Failure> {
    let id = &proposal.proposal;
    match (&proposal.assessment, proposal.status()) {
        (Some(assessment), _) => Ok(assessment),
        (None, ProposalStatus::Approved) => {
            Err(Failure::Refused(format!("proposal {id} was approved by {}", proposal.decided_by)))
        }
        (None, ProposalStatus::Declined) => {
            Err(Failure::Refused(format!("proposal {id} was declined by {}", proposal.decided_by)))
        }
        (None, _) => Err(Refusal::unmet(format!("proposal {id} can not be approved"), &proposal.unmet).into()),
    }
}

/// What the approver must see. Programs get only the answer, so for them it goes to standard error.
fn show(cx: &mut Context, proposal: &Proposal) -> Result<(), Failure> {
    let mut lines = vec![format!("Proposal {} by {}", proposal.proposal, proposal.proposed_by)];
    if !proposal.reason.is_empty() {
        lines.push(format!("Reason: {}", proposal.reason));
    }
    let assessment = proposal.assessment.clone().unwrap_or_default();
    if cx.out.format != Format::Table {
        lines.push(format!("Digest: {}", assessment.digest));
        return Ok(writeln!(std::io::stderr(), "{}", lines.join("\n"))?);
    }
    for line in lines {
        cx.out.line(line)?;
    }
    cx.out.heading("What it would record")?;
    cx.out.table(&proposals::commands(proposal))?;
    if !assessment.consequences.is_empty() {
        cx.out.heading("What would change")?;
        cx.out.table(&proposals::consequences(&assessment))?;
    }
    cx.out.line(format!("\nDigest: {}", assessment.digest))?;
    cx.out.flush()
}

/// Asks on the terminal.
fn agreed(proposal: &Proposal) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage("nobody can be asked here: give --digest with what was seen, or --yes".to_owned()));
    }
    write!(std::io::stderr(), "Approve {}? Type yes: ", proposal.proposal)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use baton_proto::v1::Unmet;

    #[test]
    fn proposal_that_can_not_be_approved_says_every_reason() {
        let unmet = |code: &str| Unmet { code: code.into(), what: "is missing".into(), ..Default::default() };
        let proposal = Proposal {
            proposal: "p".into(),
            status: ProposalStatus::Open as i32,
            unmet: vec![unmet("A"), unmet("B")],
            ..Default::default()
        };
        let failure = can_be_approved(&proposal).expect_err("unmet rules");
        assert_eq!(failure.to_string(), "proposal p can not be approved\n  - A: is missing\n  - B: is missing");
        assert_eq!(failure.exit(), Exit::Refused);
    }
}
