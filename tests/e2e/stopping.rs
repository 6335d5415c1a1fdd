//! Stops in order, and starts that must be refused.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baton_e2e::commands::{fact, one, register, request, transition, worded_fact};
use baton_e2e::history::{History, Sent, places};
use baton_e2e::{Clients, DataDir, Server, reason};
use baton_proto::v1 as proto;
use proto::subscribe_response::Item;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const TRANSITION: &str = "QUY.DENT.TEST";

/// Words that stand nowhere else.
const WORDS: &str = "said on the stairs after the meeting";

#[tokio::test(flavor = "multi_thread")]
async fn stop_in_order_under_load_loses_nothing_and_ends_streams_where_they_can_go_on() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    let follower = tokio::spawn(follow(clients.clone()));
    let answered = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..8).map(|writer| tokio::spawn(write(clients.clone(), writer, Arc::clone(&answered)))).collect();
    while answered.load(Ordering::Relaxed) < 200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let status = tokio::task::spawn_blocking(move || server.stop()).await.expect("the server ends");
    assert!(status.success(), "{status}: {}", data.log());

    let mut sent = Vec::new();
    for writer in writers {
        sent.extend(writer.await.expect("a writer ends"));
    }
    let (seen, ended) = follower.await.expect("the follower ends");
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unavailable, "STOPPING"), "{ended:?}");
    let next: u64 = ended.get_details_error_info().expect("details").metadata["next_position"].parse().expect("a number");

    let server = Server::start(&data);
    assert!(!data.path().join("recovery").exists(), "a store that was stopped in order is sealed, and opened without a copy");
    let clients = Clients::connect(server.address()).await;
    let mut history = History::default();
    let events = clients.read_all(0).await.expect("the log is read");
    history.read(&events);
    history.compare(&sent);
    assert_eq!(history.violations, Vec::<String>::new());
    let positions: Vec<u64> = (0..next).collect();
    assert_eq!(seen, positions, "the stream held everything before the place where it says to go on");
    let acknowledged = sent.iter().filter(|s| s.acknowledged.is_some()).count();
    println!("{acknowledged} acknowledged before the stop and there; the stream ended at {next} of {}", history.next);
}

async fn write(clients: Clients, writer: usize, answered: Arc<AtomicUsize>) -> Vec<Sent> {
    let mut sent = Vec::new();
    loop {
        let request = one(fact(&format!("wave/STOP-{writer}")));
        let answer = clients.record("admin", request.clone()).await;
        let acknowledged = answer.as_ref().ok().map(|a| places(&a.entries));
        sent.push(Sent { request, acknowledged });
        match answer {
            Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
            Err(status) => {
                // A request that crosses the server's farewell was not taken; the client's library then says INTERNAL itself.
                let crossed = status.code() == Code::Internal && status.message().starts_with("h2 protocol error");
                let ended = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
                assert!(crossed || ended, "{status:?}");
                return sent;
            }
        };
    }
}

/// Every position seen, and how the stream ended.
async fn follow(clients: Clients) -> (Vec<u64>, Status) {
    let mut stream = clients.ledger.clone().subscribe(proto::SubscribeRequest::default()).await.expect("a stream").into_inner();
    let mut seen = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(proto::SubscribeResponse { item: Some(Item::Event(event)), .. })) => seen.push(event.position),
            Ok(Some(_)) => {}
            Ok(None) => return (seen, Status::ok("the stream ended without a word")),
            Err(status) => return (seen, status),
        }
    }
}

/// The board and a transition in full.
async fn views(clients: &Clients) -> (proto::ListTransitionsResponse, proto::GetTransitionResponse) {
    let get = proto::GetTransitionRequest { transition: TRANSITION.to_owned(), ..Default::default() };
    let listed = clients.transitions.clone().list_transitions(proto::ListTransitionsRequest::default()).await.expect("a board");
    let got = clients.transitions.clone().get_transition(get).await.expect("a transition");
    (listed.into_inner(), got.into_inner())
}

/// Whether the newest start took up a snapshot, as its log says.
fn took_up_a_snapshot(data: &DataDir) -> bool {
    let log = data.log();
    let opened = log.lines().rfind(|line| line.contains("ledger open")).expect("a log was opened").to_owned();
    let plain: String = opened.split('\u{1b}').map(|part| part.split_once('m').map_or(part, |(_, text)| text)).collect();
    plain.contains("from_snapshot=true")
}

#[tokio::test(flavor = "multi_thread")]
async fn start_after_a_stop_in_order_takes_up_its_snapshot_and_destroys_it() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    let mut commands = register(&["QUY"], &["DENT"]);
    commands.extend([transition(TRANSITION), worded_fact("wave/TEST", WORDS)]);
    clients.record("admin", request(commands)).await.expect("recorded");
    let (events, before) = (clients.read_all(0).await.expect("a log"), views(&clients).await);
    assert!(server.stop().success(), "{}", data.log());

    let (snapshot, kept) = (data.path().join("snapshot"), data.path().with_extension("kept"));
    assert_eq!(std::fs::metadata(&snapshot).expect("a snapshot was left").permissions().mode() & 0o777, 0o600);
    std::fs::hard_link(&snapshot, &kept).expect("another name for it");
    let left = std::fs::read(&kept).expect("a file");
    assert!(!left.windows(WORDS.len()).any(|bytes| bytes == WORDS.as_bytes()), "its words can not be read");

    let server = Server::start(&data);
    assert!(took_up_a_snapshot(&data), "{}", data.log());
    assert!(!snapshot.exists(), "it is gone before anything can be recorded or erased");
    let now = std::fs::read(&kept).expect("a file");
    assert!(now != left && now[12..44] == [0; 32], "what its key was made from is overwritten in place");
    let clients = Clients::connect(server.address()).await;
    assert_eq!((clients.read_all(0).await.expect("a log"), views(&clients).await), (events.clone(), before.clone()));

    // Nothing is left for a start after a kill, which reads all of the log and serves the same.
    server.kill();
    let server = Server::start(&data);
    assert!(!took_up_a_snapshot(&data), "{}", data.log());
    let clients = Clients::connect(server.address()).await;
    assert_eq!((clients.read_all(0).await.expect("a log"), views(&clients).await), (events, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_server_on_the_same_directory_is_refused_and_the_first_goes_on() {
    let data = DataDir::begun().await;
    let mut first = Server::start(&data);
    let clients = Clients::connect(first.address()).await;
    clients.record("admin", one(fact("wave/ONE"))).await.expect("recorded");
    for _ in 0..5 {
        let refused = Server::refused(&data);
        assert_eq!(refused.code, Some(1), "{}", refused.said);
        let said = &refused.said;
        assert!(said.contains("in use") || said.contains("is open"), "{said}");
        assert!(said.contains(&data.path().display().to_string()), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    assert!(first.runs());
    clients.record("admin", one(fact("wave/ONE"))).await.expect("recorded");
    assert_eq!(clients.read_all(0).await.expect("the log is read").len(), 3);
    first.kill();
    Server::start(&data);
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_of_a_newer_release_is_refused_and_not_changed() {
    let data = DataDir::begun().await;
    let format = data.path().join("FORMAT");
    let ours = std::fs::read(&format).expect("a format");
    std::fs::write(&format, "baton-ledger 99\n").expect("the format is changed");
    let before = data.files();
    let refused = Server::refused(&data);
    assert_eq!(refused.code, Some(1), "{}", refused.said);
    assert!(refused.said.contains("newer"), "{}", refused.said);
    let without_lock = |files: Vec<(std::path::PathBuf, Vec<u8>)>| -> Vec<_> {
        files.into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect()
    };
    assert!(without_lock(before) == without_lock(data.files()), "a file changed");

    std::fs::write(&format, ours).expect("the format is restored");
    Server::start(&data);
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_without_a_log_is_refused_with_what_to_do() {
    let data = DataDir::begun().await;
    std::fs::remove_dir_all(data.path()).expect("the directory is removed");
    let refused = Server::refused(&data);
    assert_eq!(refused.code, Some(1), "{}", refused.said);
    assert!(refused.said.contains("baton init"), "{}", refused.said);
}
