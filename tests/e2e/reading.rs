//! Reading and following the log: pages, streams, markers, filters, positions to wait for.

use std::time::{Duration, Instant};

use baton_e2e::commands::{fact, one, organisation, register, request, role, transition};
use baton_e2e::{Clients, DataDir, Server, reason};
use baton_proto::v1 as proto;
use proto::subscribe_response::Item;
use tonic::{Code, Streaming};

/// A server and a log of `facts` facts in the streams wave/A and wave/B by turns, after position 0.
async fn with_facts(facts: usize) -> (DataDir, Server, Clients) {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    for chunk in (0..facts).collect::<Vec<_>>().chunks(100) {
        let facts = chunk.iter().map(|n| fact(if n % 2 == 0 { "wave/A" } else { "wave/B" }));
        clients.record("admin", request(facts.collect())).await.expect("recorded");
    }
    (data, server, clients)
}

async fn subscribe(clients: &Clients, asked: proto::SubscribeRequest) -> Streaming<proto::SubscribeResponse> {
    clients.ledger.clone().subscribe(asked).await.expect("a stream").into_inner()
}

async fn next(stream: &mut Streaming<proto::SubscribeResponse>) -> (Item, u64) {
    let message = tokio::time::timeout(Duration::from_secs(30), stream.message()).await.expect("an item in time");
    let message = message.expect("no error").expect("the stream goes on");
    (message.item.expect("an item"), message.next_position)
}

/// Positions of events up to the marker that says everything was sent, and where to go on.
async fn until_caught_up(stream: &mut Streaming<proto::SubscribeResponse>) -> (Vec<u64>, u64) {
    let mut positions = Vec::new();
    loop {
        match next(stream).await {
            (Item::Event(event), next) => {
                assert_eq!(next, event.position + 1);
                positions.push(event.position);
            }
            (Item::CaughtUp(marker), next) => {
                assert_eq!(next, marker.position + 1);
                return (positions, next);
            }
            (Item::Progress(marker), _) => panic!("a sign of life at {} instead of the marker", marker.position),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriber_catches_up_is_told_so_and_then_follows() {
    let (_data, _server, clients) = with_facts(300).await;
    let mut stream = subscribe(&clients, proto::SubscribeRequest::default()).await;
    let (positions, _) = until_caught_up(&mut stream).await;
    assert_eq!(positions, (0..=300).collect::<Vec<_>>());
    for expected in 301..310 {
        clients.record("admin", one(fact("wave/A"))).await.expect("recorded");
        let (Item::Event(event), next) = next(&mut stream).await else { panic!("an event was recorded") };
        assert_eq!((event.position, next), (expected, expected + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_subscription_goes_on_where_it_was_and_nothing_is_missed_or_twice() {
    let (_data, _server, clients) = with_facts(250).await;
    let mut seen = Vec::new();
    let mut from = 0;
    // Cut after one item, two, three ... wherever that is.
    for items in 1_usize.. {
        let mut stream = subscribe(&clients, proto::SubscribeRequest { from_position: from, ..Default::default() }).await;
        for _ in 0..items {
            let (item, next) = next(&mut stream).await;
            from = next;
            match item {
                Item::Event(event) => seen.push(event.position),
                Item::CaughtUp(_) => {
                    assert_eq!(seen, (0..=250).collect::<Vec<_>>());
                    return;
                }
                Item::Progress(_) => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filtered_subscription_sends_what_passes_and_still_says_how_far_it_is() {
    let (_data, _server, clients) = with_facts(100).await;
    let asked = proto::SubscribeRequest { stream: "wave/B".to_owned(), ..Default::default() };
    let mut stream = subscribe(&clients, asked).await;
    let (positions, next_position) = until_caught_up(&mut stream).await;
    assert_eq!(positions, (1..=100).filter(|p| p % 2 == 0).collect::<Vec<_>>());
    assert_eq!(next_position, 101, "the marker is beyond what the filter passed over");

    let asked =
        proto::SubscribeRequest { event_types: vec!["LogOpened".to_owned(), "RoleGranted".to_owned()], ..Default::default() };
    let mut stream = subscribe(&clients, asked).await;
    assert_eq!(until_caught_up(&mut stream).await, (vec![0], 101));
    clients.record("admin", one(fact("wave/A"))).await.expect("recorded");
    clients.record("admin", one(role("officer", "records_officer"))).await.expect("recorded");
    let (Item::Event(event), next_position) = next(&mut stream).await else { panic!("a role was granted") };
    assert_eq!((event.r#type.as_str(), event.position, next_position), ("RoleGranted", 102, 103));
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_subscriber_gets_a_sign_of_life_that_holds_its_place() {
    let (_data, _server, clients) = with_facts(10).await;
    let asked = proto::SubscribeRequest { event_types: vec!["GateDecided".to_owned()], ..Default::default() };
    let mut stream = subscribe(&clients, asked).await;
    assert_eq!(until_caught_up(&mut stream).await, (vec![], 11));
    clients.record("admin", one(fact("wave/A"))).await.expect("recorded");
    let (Item::Progress(progress), next) = next(&mut stream).await else { panic!("no event passes the filter") };
    assert_eq!((progress.position, next), (11, 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_read_in_pages_of_the_whole_log_or_of_one_stream() {
    let (_data, _server, clients) = with_facts(100).await;
    for (stream, expected) in [("", (0..=100).collect::<Vec<_>>()), ("wave/A", (1..=100).filter(|p| p % 2 == 1).collect())] {
        let mut positions = Vec::new();
        let mut from = 0;
        loop {
            let asked =
                proto::ReadEventsRequest { from_position: from, stream: stream.to_owned(), page_size: 7, ..Default::default() };
            let page = clients.ledger.clone().read_events(asked).await.expect("a page").into_inner();
            assert!(page.events.len() <= 7);
            assert!(page.next_position > from, "every page leads on");
            positions.extend(page.events.iter().map(|e| e.position));
            from = page.next_position;
            if from > page.position {
                break;
            }
        }
        assert_eq!(positions, expected, "{stream:?}");
    }
    let beyond = proto::ReadEventsRequest { from_position: 5_000, ..Default::default() };
    let page = clients.ledger.clone().read_events(beyond).await.expect("a page").into_inner();
    assert_eq!((page.events.len(), page.position), (0, 100));
}

/// A server with these transitions of dental services registered.
async fn with_transitions(receivers: &[&str]) -> (DataDir, Server, Clients) {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    clients.record("admin", request(register(receivers, &["DENT"]))).await.expect("recorded");
    let all = receivers.iter().map(|r| transition(&format!("{r}.DENT.TEST"))).collect();
    clients.record("admin", request(all)).await.expect("recorded");
    (data, server, clients)
}

async fn page(clients: &Clients, asked: proto::ListTransitionsRequest) -> proto::ListTransitionsResponse {
    clients.transitions.clone().list_transitions(asked).await.expect("a page").into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn page_token_goes_on_in_the_state_of_the_first_page_whatever_is_recorded_between() {
    let receivers = ["QAA", "QBB", "QCC", "QDD", "QEE"];
    let (_data, _server, clients) = with_transitions(&receivers).await;
    let asked = proto::ListTransitionsRequest { page_size: 2, ..Default::default() };
    let mut found = Vec::new();
    let mut answer = page(&clients, asked.clone()).await;
    let position = answer.position;
    let mut born = vec!["Q00", "QAB", "QZZ"];
    loop {
        assert_eq!((answer.position, answer.total_size), (position, 5));
        found.extend(answer.transitions.iter().map(|t| t.receiver.clone()));
        if answer.next_page_token.is_empty() {
            break;
        }
        if let Some(id) = born.pop() {
            let commands = vec![organisation(id, proto::OrganisationKind::Icb), transition(&format!("{id}.DENT.TEST"))];
            clients.record("admin", request(commands)).await.expect("recorded");
        }
        answer = page(&clients, proto::ListTransitionsRequest { page_token: answer.next_page_token, ..asked.clone() }).await;
    }
    assert_eq!(found, receivers);
    assert_eq!(page(&clients, Default::default()).await.total_size, 7, "a new list sees what was recorded since");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_token_of_another_list_or_of_nobody_is_refused() {
    let (_data, _server, clients) = with_transitions(&["QAA", "QBB", "QCC"]).await;
    let first = proto::ListTransitionsRequest { page_size: 1, ..Default::default() };
    let token = page(&clients, first.clone()).await.next_page_token;
    let others = [
        proto::ListTransitionsRequest { page_token: token.clone(), wave: "TEST".to_owned(), ..first.clone() },
        proto::ListTransitionsRequest { page_token: token.clone(), order_by: "id desc".to_owned(), ..first.clone() },
        proto::ListTransitionsRequest { page_token: "rubbish".to_owned(), ..first.clone() },
    ];
    for asked in others {
        let status = clients.transitions.clone().list_transitions(asked).await.expect_err("refused");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "PAGE_TOKEN_EXPIRED"), "{status:?}");
    }
    // The size of a page is not part of the question.
    let next = proto::ListTransitionsRequest { page_token: token, page_size: 2, ..first };
    assert_eq!(page(&clients, next).await.transitions.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn read_waits_for_the_position_it_must_hold() {
    let (_data, _server, clients) = with_facts(10).await;
    let asked = proto::ReadEventsRequest { min_position: Some(11), ..Default::default() };
    let reader = {
        let clients = clients.clone();
        tokio::spawn(async move { clients.ledger.clone().read_events(asked).await.map(tonic::Response::into_inner) })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!reader.is_finished(), "position 11 is not there yet");
    clients.record("admin", one(fact("wave/A"))).await.expect("recorded");
    let page = reader.await.expect("the reader ends").expect("a page");
    assert_eq!(page.events.last().map(|e| e.position), Some(11));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_of_a_position_that_does_not_come_says_so_after_five_seconds() {
    let (_data, _server, clients) = with_facts(10).await;
    let began = Instant::now();
    let asked = proto::ReadEventsRequest { min_position: Some(1_000), ..Default::default() };
    let status = clients.ledger.clone().read_events(asked).await.expect_err("the position is not there");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "NOT_YET_AT_POSITION"), "{status:?}");
    assert!((4.5..15.0).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
    assert!(status.message().contains("the newest is 10"), "{status:?}");
}
