//! `baton log`: the log, event by event, and what comes.
//!
//! Events are printed as they arrive and never gathered, so a log of any length can be read. With
//! `--follow`, Ctrl-C is the way to end, and ends quietly.

use super::Context;
use crate::args::{Format, Log};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::Out;
use crate::render::events;
use baton_proto::v1::{RecordedEvent, SubscribeRequest, subscribe_response};

pub(super) async fn run(cx: &mut Context, args: &Log) -> Result<(), Failure> {
    let client = cx.connect().await?;
    let mut printer = Printer { out: &mut cx.out, follow: args.follow, leaf: args.leaf, count: 0 };
    printer.begin()?;
    if args.follow {
        follow(&client, args, &mut printer).await?;
    } else {
        read(&client, args, &mut printer).await?;
    }
    printer.end()
}

async fn read(client: &Client, args: &Log, printer: &mut Printer<'_>) -> Result<(), Failure> {
    let stream = args.stream.clone().unwrap_or_default();
    let mut next = Some(args.from);
    while let Some(from) = next {
        let (events, after) = client.events(&stream, from).await?;
        for event in &events {
            printer.event(event)?;
        }
        next = after;
    }
    Ok(())
}

async fn follow(client: &Client, args: &Log, printer: &mut Printer<'_>) -> Result<(), Failure> {
    let request =
        SubscribeRequest { from_position: args.from, stream: args.stream.clone().unwrap_or_default(), event_types: Vec::new() };
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut stream = tokio::select! {
        _ = &mut interrupted => return Ok(()),
        answer = async { client.ledger().subscribe(request).await } => answer?.into_inner(),
    };
    let mut next_position = args.from;
    loop {
        let item = tokio::select! {
            _ = &mut interrupted => return Ok(()),
            item = stream.message() => item,
        };
        match item {
            Ok(Some(item)) => {
                next_position = item.next_position;
                if let Some(subscribe_response::Item::Event(event)) = item.item {
                    printer.event(&event)?;
                }
            }
            Ok(None) => {
                return Err(Failure::Unavailable(format!("the server ended the stream; go on with --from {next_position}")));
            }
            Err(status) => {
                let failure = Failure::from(status);
                return Err(match failure.exit() {
                    crate::exit::Exit::Unavailable => {
                        Failure::Unavailable(format!("{failure}\ngo on with --from {next_position}"))
                    }
                    _ => failure,
                });
            }
        }
    }
}

/// Prints events one by one, in each format so that the whole is well formed.
struct Printer<'o> {
    out: &'o mut Out,
    follow: bool,
    leaf: bool,
    count: u64,
}

impl Printer<'_> {
    fn begin(&mut self) -> Result<(), Failure> {
        match self.out.format {
            Format::Csv => self.out.csv(&events::flat(self.leaf)),
            _ => Ok(()),
        }
    }

    fn event(&mut self, event: &RecordedEvent) -> Result<(), Failure> {
        match self.out.format {
            Format::Table => {
                self.out.line(events::line(event))?;
                let what = events::said_by(event);
                if !what.is_empty() {
                    self.out.line(format!("         {what}"))?;
                }
                if self.leaf {
                    self.out.line(events::leaf(event))?;
                }
            }
            Format::Json if self.follow => self.out.json_line(&events::object(event, self.leaf))?,
            Format::Json => {
                let before = if self.count == 0 { "[" } else { "," };
                self.out.line(before)?;
                self.out.json(&events::object(event, self.leaf))?;
            }
            Format::Csv => self.out.csv_rows(&[events::flat_row(event, self.leaf)])?,
        }
        self.count += 1;
        if self.follow { self.out.flush() } else { Ok(()) }
    }

    fn end(self) -> Result<(), Failure> {
        match self.out.format {
            Format::Json if !self.follow => self.out.line(if self.count == 0 { "[]" } else { "]" }),
            _ => Ok(()),
        }
    }
}
