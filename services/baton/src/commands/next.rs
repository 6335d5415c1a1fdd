//! `baton next`: what can be done next.

use super::Context;
use crate::args::{Format, One};
use crate::exit::Failure;
use crate::render::next;

pub(super) async fn run(cx: &mut Context, args: &One) -> Result<(), Failure> {
    let explained = cx.connect().await?.explain(&args.transition).await?;
    match cx.out.format {
        Format::Json => return cx.out.json(&next::object(&explained)),
        Format::Csv => return cx.out.csv(&next::flat(&explained)),
        Format::Table => {}
    }
    cx.out.line(next::head(&explained))?;
    if !explained.actions.iter().any(|action| action.allowed) {
        cx.out.line("Nothing can be done now.")?;
    }
    for (heading, table) in next::tables(&explained) {
        cx.out.heading(heading)?;
        cx.out.table(&table)?;
    }
    Ok(())
}
