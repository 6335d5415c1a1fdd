//! `baton record` and `baton propose`: the commands of a file.

use super::Context;
use crate::args::{Format, Propose, Record};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::render::proposals;
use crate::words::{self, Mistake};
use baton_proto::v1::{Command, Proposed, RecordRequest, RecordResponse, command};
use serde_json::{Map, Value};
use uuid::Uuid;

pub(super) async fn record(cx: &mut Context, args: &Record) -> Result<(), Failure> {
    let source = files::read(&args.file)?;
    let mut request: RecordRequest = words::message("RecordRequest", Value::Object(source.parse()?), &words::no_rows)
        .map_err(|m| mistaken(&source.name, &m))?;
    request.validate_only |= args.validate_only;
    if request.command_id.is_empty() {
        request.command_id = Uuid::new_v4().to_string();
    }
    let client = cx.connect().await?;
    let answer = send(&client, &request).await?;
    print(cx, &request, &answer)
}

pub(super) async fn propose(cx: &mut Context, args: &Propose) -> Result<(), Failure> {
    let source = files::read(&args.file)?;
    let mut content = source.parse()?;
    let proposal = taken(&mut content, "proposal", &source.name)?.unwrap_or_else(|| format!("proposal-{}", Uuid::new_v4()));
    let command_id = taken(&mut content, "command_id", &source.name)?.unwrap_or_else(|| Uuid::new_v4().to_string());
    let proposed: Proposed =
        words::message("Proposed", Value::Object(content), &words::no_rows).map_err(|m| mistaken(&source.name, &m))?;
    propose_as(cx, &proposal, command_id, proposed).await
}

/// Proposes under this id, and says what the second person does.
pub(super) async fn propose_as(cx: &mut Context, proposal: &str, command_id: String, proposed: Proposed) -> Result<(), Failure> {
    let event = command::Event::Proposed(proposed);
    let request = RecordRequest {
        command_id,
        commands: vec![Command { stream: format!("proposal/{proposal}"), event: Some(event), ..Default::default() }],
        ..Default::default()
    };
    let client = cx.connect().await?;
    let answer = send(&client, &request).await?;
    print(cx, &request, &answer)?;
    if cx.out.format == Format::Table {
        cx.out.line(format!("Proposal {proposal} waits for a second person: baton approve {proposal}"))?;
    }
    Ok(())
}

/// Records, and says how to repeat it when nobody knows what became of it.
pub(super) async fn send(client: &Client, request: &RecordRequest) -> Result<RecordResponse, Failure> {
    client.record(request).await.map_err(|refusal| {
        let failure = Failure::from(refusal);
        match failure.exit() {
            Exit::Unavailable => {
                let id = &request.command_id;
                Failure::Unavailable(format!("{failure}\nto try again safely, give the same command_id = \"{id}\""))
            }
            _ => failure,
        }
    })
}

fn print(cx: &mut Context, request: &RecordRequest, answer: &RecordResponse) -> Result<(), Failure> {
    match cx.out.format {
        Format::Json => return cx.out.json(&proposals::answer(&request.command_id, answer)),
        Format::Csv => return cx.out.csv(&proposals::entries(answer)),
        Format::Table => {}
    }
    if request.validate_only {
        cx.out.line("Nothing was recorded. It would be accepted, as:")?;
    } else if answer.already_recorded {
        cx.out.line("This was recorded before; here is the first answer again.")?;
    }
    cx.out.line(format!("Command id: {}", request.command_id))?;
    if !answer.entries.is_empty() {
        cx.out.table(&proposals::entries(answer))?;
    }
    warnings(cx, answer)?;
    if let Some(assessment) = &answer.assessment {
        cx.out.heading("What would change")?;
        cx.out.table(&proposals::consequences(assessment))?;
    }
    Ok(())
}

/// What the server thought worth saying, for people.
pub(super) fn warnings(cx: &mut Context, answer: &RecordResponse) -> Result<(), Failure> {
    for warning in &answer.warnings {
        cx.out.line(format!("Warning, commands[{}]: {}: {}", warning.command_index, warning.code, warning.what))?;
    }
    Ok(())
}

/// Takes a text out of a file's content.
fn taken(content: &mut Map<String, Value>, key: &str, file: &str) -> Result<Option<String>, Failure> {
    match content.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(Failure::Usage(format!("{file}: {key}: words in quotes are expected"))),
    }
}

pub(super) fn mistaken(file: &str, mistakes: &[Mistake]) -> Failure {
    let all: Vec<String> = mistakes.iter().map(|mistake| format!("\n  - {mistake}")).collect();
    Failure::Usage(format!("{file} is not as it must be; nothing was sent{}", all.concat()))
}
