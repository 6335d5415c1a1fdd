//! `baton show`: the path of one transition.

use super::Context;
use super::board::as_of;
use crate::args::{Format, Past, Show};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::Out;
use crate::render::show;

pub(super) async fn run(cx: &mut Context, args: &Show) -> Result<(), Failure> {
    let client = cx.connect().await?;
    print(&mut cx.out, &client, &args.transition, &args.past).await
}

/// Prints one path.
pub(super) async fn print(out: &mut Out, client: &Client, id: &str, past: &Past) -> Result<(), Failure> {
    let view = client.transition(id, as_of(past), None).await?;
    // The view names no statements; the replay does, up to the event the view rests on.
    let until = past.known_at.map(|_| view.position);
    let steps = show::by_day(client.replay(id, until).await?, past.as_of.as_deref());
    match out.format {
        Format::Json => return out.json(&show::object(&view, &steps)),
        Format::Csv => return out.csv(&show::flat(&view, &steps)),
        Format::Table => {}
    }
    for line in show::head(&view) {
        out.line(line)?;
    }
    let plans = show::plans(&view.plans);
    out.heading("Plans: what was said to come")?;
    if plans.rows.is_empty() {
        out.line("None on record.")?
    } else {
        out.table(&plans)?
    }

    let statements = show::statements(&steps);
    let until = past.as_of.as_ref().map(|day| format!(", as far as it can have happened by {day}")).unwrap_or_default();
    out.heading(format!("Statements: what happened{until}"))?;
    if statements.rows.is_empty() {
        out.line("None on record.")?
    } else {
        out.table(&statements)?
    }

    for (heading, table) in show::sections(&view) {
        out.heading(heading)?;
        out.table(&table)?;
    }
    Ok(())
}
