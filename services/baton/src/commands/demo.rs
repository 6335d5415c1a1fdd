//! `baton demo`: the shipped routes and histories, loaded the way anybody's are.
//!
//! Everything goes over gRPC to a server on this machine: roles and routes are recorded live by the
//! administrator, the histories by the same importer as `baton import`. Ids follow from content, so
//! that a second run on the same directory loads nothing twice.

use super::Context;
use super::server::{DEVELOPMENT, failure, is_new, start, tell};
use super::{board, import as import_command, show};
use crate::args::{Board, Demo, Format, Past};
use crate::client::Client;
use crate::exit::Failure;
use crate::import::{self, Importer};
use baton_domain::route::{Route, SHIPPED};
use baton_proto::v1::*;
use batond::KeyPlace;
use std::sync::Arc;
use uuid::Uuid;

const ORIGIN: &str = "baton-demonstration";
const ADMINISTRATOR: &str = "demo-administrator";
const OFFICERS: [&str; 2] = ["demo-officer-1", "demo-officer-2"];

/// The paths that are shown in full.
const SHOWN: [&str; 4] = ["06F.PMED.CCG-2015", "QUY.PHARM.POD-2021", "QUY.OPHTH.POD-2021", "QUY.DENT.POD-2021"];

pub(super) async fn run(cx: &mut Context, args: &Demo) -> Result<(), Failure> {
    let data = args.data.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("baton-demo-{}", Uuid::new_v4())));
    tell("error");
    say(cx, DEVELOPMENT)?;
    say(cx, &format!("Data: {}", data.display()))?;
    if is_new(&data)? {
        std::fs::create_dir_all(&data).map_err(|e| Failure::Usage(format!("failed to create {}: {e}", data.display())))?;
        batond::init(&data, &KeyPlace::Inside, ORIGIN, ADMINISTRATOR, None).await.map_err(failure)?;
    }
    let running = start(&data, KeyPlace::Inside, args.listen, None).await?;
    let address = running.local_addr().to_string();
    let shown = fill_and_show(cx, &address).await;
    let closing = async {
        match (&shown, args.exit) {
            (Ok(()), false) => {
                say(cx, &format!("\nServing on {address} until Ctrl-C. Try: baton --server {address} board"))?;
                say(cx, DEVELOPMENT)?;
                cx.out.flush()?;
                running.wait().await
            }
            _ => running.stop().await,
        }
        .map_err(|error| Failure::Unavailable(format!("the server ended: {error:#}")))
    };
    let closed = closing.await;
    shown.and(closed)
}

/// For people on standard output; for programs, whose output must stay readable, on standard error.
fn say(cx: &mut Context, what: &str) -> Result<(), Failure> {
    match cx.out.format {
        Format::Table => cx.out.line(what),
        _ => Ok(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{what}\n"))?),
    }
}

async fn fill_and_show(cx: &mut Context, address: &str) -> Result<(), Failure> {
    let administrator = Client::connect(address, Some(ADMINISTRATOR)).await?;
    for request in preparations()? {
        administrator.record(&request).await?;
    }
    let files: Vec<Arc<import::ImportFile>> = import::embedded()?.into_iter().map(Arc::new).collect();
    let progress = cx.progress(import_command::statements(&files));
    let [proposer, approver] = OFFICERS.map(|officer| administrator.acting_as(officer));
    let importer = Importer { proposer: proposer?, approver: Some(approver?), progress };
    let reports = importer.run(&files, &[]).await;
    importer.progress.finish_and_clear();
    let loaded = match cx.out.format {
        Format::Table => import_command::print(&mut cx.out, &reports),
        _ => import_command::refusals(&reports),
    };

    if cx.out.format == Format::Table {
        cx.out.heading("The national board")?;
    }
    board::print(&mut cx.out, &administrator, &Board::default()).await?;
    if cx.out.format == Format::Table {
        for id in SHOWN {
            cx.out.heading("=".repeat(60))?;
            show::print(&mut cx.out, &administrator, id, &Past::default()).await?;
        }
    }
    cx.out.flush()?;
    loaded
}

/// What must be there before history can be imported: two records officers and the shipped routes.
fn preparations() -> Result<Vec<RecordRequest>, Failure> {
    let officers = OFFICERS.map(|officer| {
        let event = RoleGranted { person: officer.to_owned(), role: "records_officer".to_owned(), ..Default::default() };
        request("log".to_owned(), command::Event::RoleGranted(event))
    });
    let mut all = Vec::from(officers);
    for (name, text) in SHIPPED {
        let route = Route::parse(text).map_err(|_| Failure::Usage(format!("the shipped route {name} is not sound")))?;
        let event = RoutePublished { version: route.version().as_str().to_owned(), text: (*text).to_owned() };
        all.push(request(format!("route/{}", route.id()), command::Event::RoutePublished(event)));
    }
    Ok(all)
}

/// A live act of the administrator. Nothing in it depends on the day, so that a second run repeats it exactly.
fn request(stream: String, event: command::Event) -> RecordRequest {
    const NAME_SPACE: Uuid = Uuid::from_u128(0xb0d1_7c55_2a6e_4f0c_8f4e_6465_6d6f_3031);
    let command = Command {
        stream,
        standing: Standing::Stated as i32,
        occurred: Some(FuzzyDate {
            text: "when this demonstration was set up".to_owned(),
            precision: Precision::Unknown as i32,
            ..Default::default()
        }),
        done_by: Some(DoneBy { person: ADMINISTRATOR.to_owned(), ..Default::default() }),
        event: Some(event),
        ..Default::default()
    };
    let command_id = Uuid::new_v5(&NAME_SPACE, &prost::Message::encode_to_vec(&command));
    RecordRequest { command_id: command_id.to_string(), commands: vec![command], ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preparations_are_the_same_every_time_and_differ_from_each_other() {
        let (first, second) = (preparations().expect("sound"), preparations().expect("sound"));
        assert_eq!(first, second);
        assert_eq!(first.len(), OFFICERS.len() + SHIPPED.len());
        let ids: std::collections::BTreeSet<_> = first.iter().map(|r| &r.command_id).collect();
        assert_eq!(ids.len(), first.len());
    }
}
