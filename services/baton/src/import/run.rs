//! Carrying a plan out: propose, look, approve; each step safe to repeat.
//!
//! A stream that is refused does not stop the others. After a crash anywhere, a second run goes on
//! from what the server holds: the proposals themselves are the only memory of an import.

use super::file::ImportFile;
use super::labels::Labels;
use super::plan::{Part, StreamPlan, command_id, plan};
use crate::client::{Client, bounded};
use crate::refusal::Refusal;
use crate::words;
use baton_proto::v1::*;
use prost::Message;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// How many streams are imported at once. The server syncs what arrives together once.
const STREAMS_AT_ONCE: usize = 16;

/// How often a proposal is read and approved again when something else changed it in between.
const APPROVALS: usize = 4;

/// Imports files.
#[derive(Debug, Clone)]
pub(crate) struct Importer {
    /// Proposes.
    pub(crate) proposer: Client,
    /// Approves; nobody, when proposals are to wait.
    pub(crate) approver: Option<Client>,
    /// Counts statements as they are done.
    pub(crate) progress: indicatif::ProgressBar,
}

/// What became of a file. The numbers count statements: a row once for each of its streams.
#[derive(Debug, Default)]
pub(crate) struct FileReport {
    /// The file.
    pub(crate) file: String,
    /// All of them.
    pub(crate) statements: usize,
    /// Recorded by this run.
    pub(crate) new: usize,
    /// Recorded by an earlier run.
    pub(crate) there: usize,
    /// Proposed, now or before, and waiting for a second person.
    pub(crate) waiting: usize,
    /// What was refused.
    pub(crate) refused: Vec<Refused>,
}

/// A proposal that was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The stream.
    pub(crate) stream: String,
    /// Labels of the rows that are not recorded for it.
    pub(crate) rows: Vec<String>,
    /// Why.
    pub(crate) why: Refusal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    New,
    There,
    Waiting,
}

impl Importer {
    /// Imports files in order. `beside` are files of earlier runs whose rows may be named.
    pub(crate) async fn run(&self, files: &[Arc<ImportFile>], beside: &[ImportFile]) -> Vec<FileReport> {
        let mut labels = Labels::default();
        for file in beside {
            labels.learn(file, &plan(file));
        }
        let plans: Vec<Vec<StreamPlan>> = files.iter().map(|file| plan(file)).collect();
        for (file, plans) in files.iter().zip(&plans) {
            labels.learn(file, plans);
        }
        let labels = Arc::new(labels);
        let mut reports = Vec::new();
        for (file, plans) in files.iter().zip(plans) {
            self.progress.set_message(file.name.clone());
            reports.push(self.file(file, plans, &labels).await);
        }
        reports
    }

    async fn file(&self, file: &Arc<ImportFile>, plans: Vec<StreamPlan>, labels: &Arc<Labels>) -> FileReport {
        let mut report = FileReport { file: file.name.clone(), ..Default::default() };
        report.statements = plans.iter().flat_map(|p| &p.parts).map(|part| part.rows.len()).sum();
        let levels = plans.iter().map(|p| p.level).max().unwrap_or(0);
        let mut waiting: Vec<Option<StreamPlan>> = plans.into_iter().map(Some).collect();
        for level in 0..=levels {
            let of_level: Vec<StreamPlan> = waiting.iter_mut().filter_map(|p| p.take_if(|p| p.level == level)).collect();
            let work = |plan: StreamPlan| {
                let (this, file, labels) = (self.clone(), file.clone(), labels.clone());
                async move { this.stream(&file, &plan, &labels).await }
            };
            for (done, refused) in bounded(of_level, STREAMS_AT_ONCE, work).await {
                for (done, statements) in done {
                    match done {
                        Done::New => report.new += statements,
                        Done::There => report.there += statements,
                        Done::Waiting => report.waiting += statements,
                    }
                }
                report.refused.extend(refused);
            }
        }
        report
    }

    /// The proposals of one stream, in order; one refused ends it, since those after it may rest on it.
    async fn stream(&self, file: &ImportFile, plan: &StreamPlan, labels: &Labels) -> (Vec<(Done, usize)>, Option<Refused>) {
        let mut all = Vec::new();
        for (index, part) in plan.parts.iter().enumerate() {
            let done = self.part(file, &plan.stream, part, labels).await;
            match done {
                Ok(done) => all.push((done, part.rows.len())),
                Err(why) => {
                    let mine: Vec<&str> = part.rows.iter().map(|row| file.rows[*row].label.as_str()).collect();
                    let why = why.with_rows(&mine);
                    let left = plan.parts[index..].iter().flat_map(|part| &part.rows);
                    let rows: Vec<String> = left.map(|row| file.rows[*row].label.clone()).collect();
                    self.progress.inc(rows.len() as u64);
                    return (all, Some(Refused { stream: plan.stream.clone(), rows, why }));
                }
            }
            self.progress.inc(part.rows.len() as u64);
        }
        (all, None)
    }

    async fn part(&self, file: &ImportFile, stream: &str, part: &Part, labels: &Labels) -> Result<Done, Refusal> {
        let found = self.proposer.proposal(&part.proposal).await?;
        let resolved = self.resolve(file, stream, part, labels).await?;
        let reason = format!("Import of {}, content {}.", file.stem, resolved.digest());
        match found {
            None => {
                self.propose(file, part, resolved.commands, &reason).await?;
            }
            Some(proposal) => {
                let differs = proposal.commands.len() != part.rows.len()
                    // The reason may be withheld from this person; then the number of commands must do.
                    || (proposal.reason.starts_with("Import of ") && proposal.reason != reason);
                if differs {
                    return Err(Refusal::own(format!(
                        "proposal {} was made from other content: the file or the stream has changed since; {}",
                        part.proposal,
                        if proposal.status() == ProposalStatus::Open {
                            "decline it, then record what is missing under another name"
                        } else {
                            "record the difference as corrections"
                        },
                    )));
                }
                match proposal.status() {
                    ProposalStatus::Approved => return Ok(Done::There),
                    ProposalStatus::Declined => {
                        return Err(Refusal::own(format!("proposal {} was declined by {}", part.proposal, proposal.decided_by)));
                    }
                    ProposalStatus::Open | ProposalStatus::Unspecified => {}
                }
            }
        }
        match &self.approver {
            None => Ok(Done::Waiting),
            Some(approver) => self.approve(approver, file, stream, part, resolved.rests_on).await,
        }
    }

    /// The commands of a part with every named row turned into its revision.
    async fn resolve(&self, file: &ImportFile, stream: &str, part: &Part, labels: &Labels) -> Result<Resolved, Refusal> {
        let rows: Vec<_> = part.rows.iter().map(|row| &file.rows[*row]).collect();
        let events = if rows.iter().any(|row| !row.names.is_empty()) {
            self.proposer.stream(stream).await.map_err(|status| Refusal::from(&status))?
        } else {
            Vec::new()
        };
        let recorded = events.iter().find(|event| event.approval == part.proposal);
        let base = match recorded {
            Some(first) => first.revision - 1,
            None => events.last().map_or(0, |newest| newest.revision),
        };
        let mut refusal = Refusal::own("rows that are named can not be found");
        let mut commands = Vec::new();
        for row in &rows {
            let resolve = |label: &str| labels.revision(label, stream, part, base, &events);
            match row.command(stream, &resolve) {
                Ok(command) => commands.push(command),
                Err(what) => {
                    refusal.points.push(crate::refusal::Point { at: format!("row {}", row.label), code: String::new(), what })
                }
            }
        }
        if !refusal.points.is_empty() {
            return Err(refusal);
        }
        let inside = rows.iter().any(|row| row.names.iter().any(|name| rows.iter().any(|other| other.label == *name)));
        Ok(Resolved { commands, rests_on: inside.then_some(base) })
    }

    async fn propose(&self, file: &ImportFile, part: &Part, commands: Vec<Command>, reason: &str) -> Result<(), Refusal> {
        let event = command::Event::Proposed(Proposed { commands, reason: reason.to_owned() });
        self.proposer.record(&request(file, part, "propose", event)).await?;
        Ok(())
    }

    async fn approve(
        &self,
        approver: &Client,
        file: &ImportFile,
        stream: &str,
        part: &Part,
        rests_on: Option<u64>,
    ) -> Result<Done, Refusal> {
        let gone = || Refusal::own(format!("proposal {} is not there any more", part.proposal));
        let mut refused = gone();
        for _ in 0..APPROVALS {
            let proposal = approver.proposal(&part.proposal).await?.ok_or_else(gone)?;
            let Some(assessment) = proposal.assessment else {
                return match proposal.status() {
                    ProposalStatus::Approved => Ok(Done::New), // Somebody was faster.
                    _ => Err(Refusal::unmet(format!("proposal {} can not be approved", part.proposal), &proposal.unmet)),
                };
            };
            let event = command::Event::Approved(Approved { digest: assessment.digest.clone(), note: String::new() });
            let mut request = request(file, part, &format!("approve {}", assessment.digest), event);
            // Rows that name rows of the same proposal hold only at the revision they were counted from.
            request.expected = rests_on.map(|base| expected(stream, base)).into_iter().collect();
            match approver.record(&request).await {
                Ok(_) => return Ok(Done::New),
                Err(refusal) if refusal.names("STALE_PROPOSAL") => refused = refusal,
                Err(refusal) => return Err(refusal),
            }
        }
        Err(refused)
    }
}

struct Resolved {
    commands: Vec<Command>,
    /// The revision after which the commands must come, when one names another.
    rests_on: Option<u64>,
}

impl Resolved {
    /// Tells this content from any other; stands in the reason of the proposal.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for command in &self.commands {
            hash.update(command.encode_length_delimited_to_vec());
        }
        words::hex(&hash.finalize()[..16])
    }
}

fn request(file: &ImportFile, part: &Part, step: &str, event: command::Event) -> RecordRequest {
    RecordRequest {
        command_id: command_id(file, &part.proposal, step).to_string(),
        commands: vec![Command { stream: format!("proposal/{}", part.proposal), event: Some(event), ..Default::default() }],
        ..Default::default()
    }
}

fn expected(stream: &str, base: u64) -> ExpectedRevision {
    let expected = if base == 0 { expected_revision::Expected::NoStream(true) } else { expected_revision::Expected::Exact(base) };
    ExpectedRevision { stream: stream.to_owned(), expected: Some(expected) }
}
