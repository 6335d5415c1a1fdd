//! `baton replay`: the events of one transition, and where each led.

use super::Context;
use crate::args::{Format, Replay};
use crate::exit::Failure;
use crate::render::events;

pub(super) async fn run(cx: &mut Context, args: &Replay) -> Result<(), Failure> {
    let steps = cx.connect().await?.replay(&args.transition, args.known_at).await?;
    match cx.out.format {
        Format::Json => cx.out.json(&events::replay_objects(&steps)),
        Format::Csv => cx.out.csv(&events::replay_flat(&steps)),
        Format::Table => {
            cx.out.line(format!(
                "{}: {} events in the order of the story, then those outside it.",
                args.transition,
                steps.len()
            ))?;
            cx.out.table(&events::replay(&steps))
        }
    }
}
