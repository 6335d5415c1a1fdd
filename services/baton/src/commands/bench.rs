//! `baton bench`: what this machine gives, in one run.

use super::Context;
use crate::args::{Bench, Format};
use crate::bench::{self, Figure, Run, Scratch};
use crate::exit::Failure;

/// Events of a quick run.
const QUICK: u64 = 100_000;

pub(super) async fn run(cx: &mut Context, args: &Bench) -> Result<(), Failure> {
    super::server::tell("error");
    let parent = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = Scratch::below(&parent)
        .map_err(|error| Failure::Usage(format!("failed to make a directory in {}: {error}", parent.display())))?;
    let measured = tokio::select! {
        measured = measure(cx, args, &scratch) => measured,
        () = interrupted() => {
            bench::end_all();
            drop(scratch);
            // What blocks a thread, such as the fold of a large log, would keep the program for its time.
            std::process::exit(INTERRUPTED);
        }
    };
    drop(scratch);
    let figures = measured?;
    print(cx, &figures)?;
    let fallen: Vec<_> = bench::fallen(&figures).into_iter().map(|figure| figure.name.clone()).collect();
    if args.guard && !fallen.is_empty() {
        return Err(Failure::Refused(format!("below the floor: {}", fallen.join("; "))));
    }
    Ok(())
}

/// The exit code of a program that was interrupted, by the custom of shells.
const INTERRUPTED: i32 = 130;

async fn measure(cx: &Context, args: &Bench, scratch: &Scratch) -> Result<Vec<Figure>, Failure> {
    let bar = cx.progress(0);
    if let Ok(style) = indicatif::ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let progress = |what: &str| {
        bar.set_message(what.to_owned());
        bar.tick();
    };
    let measured = if args.guard {
        bench::guard(scratch, progress).await
    } else {
        let events = if args.quick { QUICK } else { args.events };
        let umadb = args.umadb.clone().or_else(bench::installed_umadb);
        bench::run(scratch, &Run { events, rounds: args.rounds, quick: args.quick, umadb }, progress).await
    };
    bar.finish_and_clear();
    measured
}

/// Ends with Ctrl-C or SIGTERM; never where neither can be waited for.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn print(cx: &mut Context, figures: &[Figure]) -> Result<(), Failure> {
    match cx.out.format {
        Format::Json => cx.out.json(&bench::json(figures)),
        Format::Csv => cx.out.csv(&bench::drawn(figures)),
        Format::Table => {
            let build =
                if cfg!(debug_assertions) { "a debug build, whose figures say nothing about speed" } else { "a release build" };
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            cx.out.line(format!("Medians, of {build} on {processors} processors that server, echo and clients share."))?;
            cx.out.table(&bench::drawn(figures))?;
            for reason in bench::reasons(figures) {
                cx.out.line(reason)?;
            }
            Ok(())
        }
    }
}
