//! `baton board`: where every transition stands.

use super::Context;
use crate::args::{Board, Format, Known, Past};
use crate::client::{Client, bounded};
use crate::exit::Failure;
use crate::output::Out;
use crate::render::board;
use baton_proto::v1::{AsOf, ListTransitionsRequest, OrganisationKind, TransitionSummary, TransitionView};

/// How many transitions are asked for at once, where each must be asked for.
const VIEWS_AT_ONCE: usize = 16;

pub(super) async fn run(cx: &mut Context, args: &Board) -> Result<(), Failure> {
    let client = cx.connect().await?;
    print(&mut cx.out, &client, args).await
}

/// Prints the board.
pub(super) async fn print(out: &mut Out, client: &Client, args: &Board) -> Result<(), Failure> {
    let text = |filter: &Option<String>| filter.clone().unwrap_or_default();
    let request = ListTransitionsRequest {
        wave: text(&args.wave),
        service: text(&args.service),
        receiver: text(&args.receiver),
        region: text(&args.region),
        stage: text(&args.stage),
        as_of: as_of(&args.past),
        ..Default::default()
    };
    let (mut transitions, position) = client.list_transitions(request).await?;
    let regions = board::regions(client.organisations(OrganisationKind::Region).await?);
    board::sort(&mut transitions, &regions);
    match out.format {
        Format::Csv => out.csv(&board::flat(&transitions, &regions)),
        Format::Json => {
            let views = views(client, &transitions, &args.past, position).await?;
            out.json(&board::objects(&transitions, &views, &regions))
        }
        Format::Table if transitions.is_empty() => out.line("No transition passes these filters."),
        Format::Table => {
            let when = args.past.as_of.as_ref().map(|day| format!(" as of {day}")).unwrap_or_default();
            out.line(format!("{} transitions{when}, at position {position} of the log.", transitions.len()))?;
            for (region, table) in board::tables(&transitions, &regions) {
                out.heading(region)?;
                out.table(&table)?;
            }
            let first = &transitions[0].id;
            out.line(format!("A transition is named receiver.service.wave: show {first} tells one path."))
        }
    }
}

/// The transitions in full, in the same order: the list carries no plans and no gaps.
async fn views(
    client: &Client,
    transitions: &[TransitionSummary],
    past: &Past,
    position: u64,
) -> Result<Vec<TransitionView>, Failure> {
    let ids: Vec<String> = transitions.iter().map(|t| t.id.clone()).collect();
    let work = |id: String| {
        let (client, as_of) = (client.clone(), as_of(past));
        async move { client.transition(&id, as_of, Some(position)).await }
    };
    bounded(ids, VIEWS_AT_ONCE, work).await.into_iter().collect()
}

/// Which past is asked for; absent means the present.
pub(super) fn as_of(past: &Past) -> Option<AsOf> {
    let as_of = AsOf {
        on: past.as_of.clone().unwrap_or_default(),
        position: match past.known_at {
            Some(Known::Position(position)) => Some(position),
            _ => None,
        },
        known_at: match past.known_at {
            Some(Known::Instant(at)) => Some(prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }),
            _ => None,
        },
        documented_by: past.documented_by.clone().unwrap_or_default(),
    };
    (as_of != AsOf::default()).then_some(as_of)
}
