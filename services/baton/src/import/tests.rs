//! The importer against a real server on this machine: what must hold of every import.

use super::{FileReport, ImportFile, Importer};
use crate::client::Client;
use crate::files::Source;
use baton_proto::v1::*;
use std::sync::Arc;

/// A server with a fresh log and two records officers.
struct World {
    _data: tempfile::TempDir,
    running: batond::Running,
    administrator: Client,
}

async fn given_a_log_with_two_officers() -> World {
    let data = tempfile::tempdir().expect("a directory");
    let log = data.path().join("log");
    batond::init(&log, &batond::KeyPlace::Beside, "import.example", "admin", None).await.expect("a log");
    let listen = "127.0.0.1:0".parse().expect("an address");
    let running = batond::start(batond::Config { data: log, listen, ..Default::default() }).await.expect("a server");
    let administrator = Client::connect(&running.local_addr().to_string(), Some("admin")).await.expect("a connection");
    for person in ["officer-1", "officer-2"] {
        let event = RoleGranted { person: person.to_owned(), role: "records_officer".to_owned(), ..Default::default() };
        let occurred = FuzzyDate { precision: Precision::Unknown as i32, ..Default::default() };
        let command = Command {
            stream: "log".to_owned(),
            standing: Standing::Stated as i32,
            occurred: Some(occurred),
            event: Some(command::Event::RoleGranted(event)),
            ..Default::default()
        };
        let command_id = uuid::Uuid::new_v4().to_string();
        administrator
            .record(&RecordRequest { command_id, commands: vec![command], ..Default::default() })
            .await
            .expect("granted");
    }
    World { _data: data, running, administrator }
}

impl World {
    async fn import(&self, files: &[&Arc<ImportFile>], approver: Option<&str>) -> Vec<FileReport> {
        let client = |person: &str| self.administrator.acting_as(person).expect("an id");
        let importer = Importer {
            proposer: client("officer-1"),
            approver: approver.map(client),
            progress: indicatif::ProgressBar::hidden(),
        };
        importer.run(&files.iter().map(|file| Arc::clone(file)).collect::<Vec<_>>(), &[]).await
    }

    async fn stream(&self, stream: &str) -> Vec<RecordedEvent> {
        self.administrator.stream(stream).await.expect("a stream")
    }

    async fn end(self) {
        drop(self.administrator);
        self.running.stop().await.expect("a clean stop");
    }
}

fn file(name: &str, rows: &str) -> Arc<ImportFile> {
    let source = Source { name: format!("{name}.toml"), text: rows.to_owned() };
    Arc::new(ImportFile::parse(&source).unwrap_or_else(|failure| panic!("{failure}")))
}

fn row(label: &str, streams: &str, event: &str) -> String {
    format!(
        "[[command]]\nrow = {label:?}\nstreams = [{streams}]\nstanding = \"reported\"\noccurred = {{ precision = \"unknown\" }}\n\
         evidence = [{{ title = \"A paper\", cited_not_held = \"looked up\" }}]\n{event}\n"
    )
}

fn organisation(id: &str, region: &str) -> String {
    let region = if region.is_empty() { String::new() } else { format!("region = {region:?}\n") };
    row(
        id,
        &format!("\"organisation/{id}\""),
        &format!("[command.organisation_registered]\nname = {id:?}\nkind = \"other\"\n{region}"),
    )
}

fn fact(label: &str, streams: &str) -> String {
    row(label, streams, "[command.fact_recorded]\nkind = \"cluster\"")
}

fn conflict(label: &str, stream: &str, statements: &str) -> String {
    row(label, stream, &format!("[command.conflict_flagged]\nconflict = {label:?}\nstatements = [{statements}]"))
}

fn counts(reports: &[FileReport]) -> Vec<(usize, usize, usize, usize)> {
    reports.iter().map(|r| (r.new, r.there, r.waiting, r.refused.iter().map(|refused| refused.rows.len()).sum())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn second_run_loads_nothing_twice() {
    let world = given_a_log_with_two_officers().await;
    let both = "\"organisation/QUY\", \"organisation/QOX\"";
    let one = file(
        "10-one",
        &[organisation("Y58", ""), organisation("QUY", "Y58"), organisation("QOX", "Y58"), fact("c:1", both)].concat(),
    );
    let two = file("20-two", &conflict("C1", both, "\"row:c:1\""));

    assert_eq!(counts(&world.import(&[&one, &two], Some("officer-2")).await), [(5, 0, 0, 0), (2, 0, 0, 0)]);
    let first = world.stream("organisation/QUY").await;
    assert_eq!(counts(&world.import(&[&one, &two], Some("officer-2")).await), [(0, 5, 0, 0), (0, 2, 0, 0)]);
    assert_eq!(world.stream("organisation/QUY").await, first);

    let flagged: serde_json::Value = serde_json::from_str(&first[2].payload_json).expect("JSON");
    assert_eq!(flagged["statements"], serde_json::json!([2]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_wait_until_a_second_person_imports_the_same() {
    let world = given_a_log_with_two_officers().await;
    let one = file("10-one", &organisation("Y58", ""));
    assert_eq!(counts(&world.import(&[&one], None).await), [(0, 0, 1, 0)]);
    assert!(world.stream("organisation/Y58").await.is_empty());
    assert_eq!(counts(&world.import(&[&one], None).await), [(0, 0, 1, 0)]);
    assert_eq!(counts(&world.import(&[&one], Some("officer-2")).await), [(1, 0, 0, 0)]);
    assert_eq!(counts(&world.import(&[&one], None).await), [(0, 1, 0, 0)]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_stream_names_its_rows_and_stops_no_other() {
    let world = given_a_log_with_two_officers().await;
    let rows = [
        fact("lost:1", "\"organisation/QXX\""),
        organisation("Y58", ""),
        fact("found:1", "\"organisation/Y58\""),
        conflict("C1", "\"organisation/Y58\"", "\"row:gone\""),
    ];
    let (good, bad) = (file("10-one", &rows[..3].concat()), file("20-two", &rows[3]));

    let reports = world.import(&[&good, &bad], Some("officer-2")).await;
    assert_eq!(counts(&reports), [(2, 0, 0, 1), (0, 0, 0, 1)]);
    let refused = &reports[0].refused[0];
    assert_eq!((refused.stream.as_str(), refused.rows.as_slice()), ("organisation/QXX", ["lost:1".to_owned()].as_slice()));
    assert!(refused.why.to_string().contains("row lost:1: UNKNOWN_ODS_CODE: "), "{}", refused.why);
    assert!(reports[1].refused[0].why.to_string().contains("row gone is in no file given"), "{}", reports[1].refused[0].why);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_changed_after_its_import_is_refused_and_changes_nothing() {
    let world = given_a_log_with_two_officers().await;
    let (before, after) =
        (file("10-one", &organisation("Y58", "")), file("10-one", &organisation("Y58", "").replace("\"other\"", "\"region\"")));
    assert_eq!(counts(&world.import(&[&before], Some("officer-2")).await), [(1, 0, 0, 0)]);
    let reports = world.import(&[&after], Some("officer-2")).await;
    assert_eq!(counts(&reports), [(0, 0, 0, 1)]);
    assert!(reports[0].refused[0].why.to_string().contains("other content"));
    assert_eq!(world.stream("organisation/Y58").await.len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_of_the_same_proposal_is_counted_from_what_is_there() {
    let world = given_a_log_with_two_officers().await;
    let one = file("10-one", &organisation("Y58", ""));
    let two = file(
        "20-two",
        &[
            fact("f:1", "\"organisation/Y58\""),
            fact("f:2", "\"organisation/Y58\""),
            conflict("C1", "\"organisation/Y58\"", "\"row:f:2\", \"row:Y58\""),
        ]
        .concat(),
    );
    for expected in [[(1, 0, 0, 0), (3, 0, 0, 0)], [(0, 1, 0, 0), (0, 3, 0, 0)]] {
        assert_eq!(counts(&world.import(&[&one, &two], Some("officer-2")).await), expected);
    }
    let events = world.stream("organisation/Y58").await;
    let flagged: serde_json::Value = serde_json::from_str(&events[3].payload_json).expect("JSON");
    assert_eq!(flagged["statements"], serde_json::json!([3, 1]));
    world.end().await;
}
