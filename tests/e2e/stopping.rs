//! Stops in order, and starts that must be refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baton_e2e::commands::{fact, one};
use baton_e2e::history::{History, Sent, places};
use baton_e2e::{Clients, DataDir, Server, reason};
use baton_proto::v1 as proto;
use proto::subscribe_response::Item;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

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
                assert!(matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled), "{status:?}");
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
    std::fs::write(data.path().join("FORMAT"), "baton-ledger 3\n").expect("the format is changed");
    let before = data.files();
    let refused = Server::refused(&data);
    assert_eq!(refused.code, Some(1), "{}", refused.said);
    assert!(refused.said.contains("newer"), "{}", refused.said);
    let without_lock = |files: Vec<(std::path::PathBuf, Vec<u8>)>| -> Vec<_> {
        files.into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect()
    };
    assert!(without_lock(before) == without_lock(data.files()), "a file changed");

    std::fs::write(data.path().join("FORMAT"), "baton-ledger 2\n").expect("the format is restored");
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
