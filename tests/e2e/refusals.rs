//! Every reason that can be provoked from outside, with all the details it promises.

use baton_e2e::commands::{command, fact, one, register, request, role, transition, unknown_date, worded_fact};
use baton_e2e::{Clients, DataDir, Server, ask, reason};
use baton_proto::v1 as proto;
use proto::command::Event;
use proto::expected_revision::Expected;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

async fn begun() -> (DataDir, Server, Clients) {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    (data, server, clients)
}

/// What a refused request is told, after a check that it left nothing but, for unmet rules, the refusal itself.
async fn refused(clients: &Clients, request: proto::RecordRequest) -> Status {
    let before = clients.read_all(0).await.expect("the log is read").len();
    let status = clients.record("admin", request).await.expect_err("refused");
    let after = clients.read_all(0).await.expect("the log is read");
    let streams: Vec<&str> = after[before..].iter().map(|e| e.stream.as_str()).collect();
    let kept: &[&str] = if reason(&status) == "RULES_NOT_MET" { &["audit"] } else { &[] };
    assert_eq!(streams, kept, "a refusal records nothing of what was asked");
    status
}

fn is(status: &Status, code: Code, why: &str) {
    assert_eq!((status.code(), reason(status).as_str()), (code, why), "{status:?}");
    assert_eq!(status.get_details_error_info().map(|i| i.domain), Some("baton".to_owned()));
}

fn fields(status: &Status) -> Vec<String> {
    let details = status.get_details_bad_request().expect("field violations");
    details.field_violations.into_iter().map(|v| v.field).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_fields_are_all_named_at_once() {
    let (_data, _server, clients) = begun().await;
    let bad = proto::Command {
        stream: "nowhere".to_owned(),
        standing: 99,
        occurred: Some(proto::FuzzyDate { earliest: "2021-02-30".to_owned(), ..Default::default() }),
        event: Some(Event::FactRecorded(proto::FactRecorded { kind: String::new(), ..Default::default() })),
        ..Default::default()
    };
    let request =
        proto::RecordRequest { command_id: "not a uuid".to_owned(), commands: vec![fact("wave/A"), bad], ..Default::default() };
    let status = refused(&clients, request).await;
    is(&status, Code::InvalidArgument, "INVALID_FIELDS");
    let mut found = fields(&status);
    found.sort();
    let expected = [
        "command_id",
        "commands[1].fact_recorded.kind",
        "commands[1].occurred.earliest",
        "commands[1].occurred.precision",
        "commands[1].standing",
        "commands[1].stream",
    ];
    assert_eq!(found, expected);
    let status = clients.transitions.clone().get_transition(proto::GetTransitionRequest::default()).await.expect_err("refused");
    is(&status, Code::InvalidArgument, "INVALID_FIELDS");
    assert_eq!(fields(&status), ["transition"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_not_met_are_all_named_with_the_command_they_concern() {
    let (_data, _server, clients) = begun().await;
    clients.record("admin", request(register(&["QUY"], &["DENT"]))).await.expect("recorded");
    clients.record("admin", one(transition("QUY.DENT.TEST"))).await.expect("recorded");
    let decided = proto::GateDecided {
        subject: "go_no_go".to_owned(),
        outcome: "go".to_owned(),
        taken: proto::HowTaken::Meeting.into(),
        ..Default::default()
    };
    let commands = vec![fact("wave/A"), command("transition/QUY.DENT.TEST", Event::GateDecided(decided))];
    let status = refused(&clients, request(commands)).await;
    is(&status, Code::FailedPrecondition, "RULES_NOT_MET");
    let details = status.get_details_precondition_failure().expect("unmet rules");
    let mut found: Vec<&str> = details.violations.iter().map(|v| v.r#type.as_str()).collect();
    found.sort_unstable();
    let expected = [
        "FINANCE_NOT_SIGNED_OFF",
        "ITEM_NOT_DONE",
        "NOT_APPROVED",
        "NO_ALLOCATION",
        "NO_DECISION_PACK",
        "ROLE_NOT_HELD",
        "WRONG_BODY",
    ];
    assert_eq!(found, expected, "{details:?}");
    assert!(details.violations.iter().all(|v| v.subject == "commands[1]" && !v.description.is_empty()), "{details:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_revision_names_the_stream_and_where_it_is() {
    let (_data, _server, clients) = begun().await;
    let expecting = |expected| {
        let expected = vec![proto::ExpectedRevision { stream: "wave/A".to_owned(), expected: Some(expected) }];
        proto::RecordRequest { expected, ..one(fact("wave/A")) }
    };
    clients.record("admin", expecting(Expected::NoStream(true))).await.expect("there is no stream yet");
    clients.record("admin", expecting(Expected::Exact(1))).await.expect("it is at 1");
    for stale in [Expected::NoStream(true), Expected::Exact(1), Expected::Exact(3)] {
        let status = refused(&clients, expecting(stale)).await;
        is(&status, Code::Aborted, "STALE_REVISION");
        let metadata = status.get_details_error_info().expect("details").metadata;
        assert_eq!((metadata["stream"].as_str(), metadata["actual"].as_str()), ("wave/A", "revision 2"));
    }
    clients.record("admin", expecting(Expected::Any(true))).await.expect("anything will do");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_writers_who_read_the_same_revision_wins() {
    let (_data, _server, clients) = begun().await;
    for round in 0..20 {
        let expected = if round == 0 { Expected::NoStream(true) } else { Expected::Exact(round) };
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let clients = clients.clone();
                let expected = vec![proto::ExpectedRevision { stream: "wave/A".to_owned(), expected: Some(expected) }];
                let request = proto::RecordRequest { expected, ..one(fact("wave/A")) };
                tokio::spawn(async move { clients.record("admin", request).await })
            })
            .collect();
        let mut won = 0;
        for writer in writers {
            match writer.await.expect("a writer ends") {
                Ok(_) => won += 1,
                Err(status) => is(&status, Code::Aborted, "STALE_REVISION"),
            }
        }
        assert_eq!(won, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn command_id_of_another_content_is_refused_and_of_the_same_is_answered_again() {
    let (_data, _server, clients) = begun().await;
    let first = one(fact("wave/A"));
    let answer = clients.record("admin", first.clone()).await.expect("recorded");
    assert!(!answer.already_recorded);
    let other = proto::RecordRequest { commands: vec![fact("wave/B")], ..first.clone() };
    let status = refused(&clients, other).await;
    is(&status, Code::AlreadyExists, "REQUEST_ID_REUSED");
    assert_eq!(status.get_details_error_info().expect("details").metadata["position"], answer.entries[0].position.to_string());
    let again = clients.record("admin", first.clone()).await.expect("answered again");
    assert!(again.already_recorded);
    assert_eq!(again.entries, answer.entries);

    // An id belongs to the person who asks.
    clients.record("admin", one(role("officer", "administrator"))).await.expect("recorded");
    let theirs = clients.record("officer", first).await.expect("recorded");
    assert!(!theirs.already_recorded);
    assert_eq!(clients.read_all(0).await.expect("the log is read").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn caller_who_names_nobody_known_is_not_authenticated() {
    let (_data, _server, clients) = begun().await;
    let nobody = clients.ledger.clone().record(one(fact("wave/A"))).await.expect_err("refused");
    is(&nobody, Code::Unauthenticated, "UNAUTHENTICATED");
    for person in ["stranger", "not a person", ""] {
        let status = clients.record(person, one(fact("wave/A"))).await.expect_err("refused");
        is(&status, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    assert_eq!(clients.read_all(0).await.expect("the log is read").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found_by_every_read() {
    let (_data, _server, clients) = begun().await;
    let transition = || "QUY.DENT.TEST".to_owned();
    let statuses = [
        clients
            .transitions
            .clone()
            .get_transition(proto::GetTransitionRequest { transition: transition(), ..Default::default() })
            .await
            .err(),
        clients
            .transitions
            .clone()
            .explain_transition(proto::ExplainTransitionRequest { transition: transition(), ..Default::default() })
            .await
            .err(),
        clients
            .audit
            .clone()
            .replay_transition(proto::ReplayTransitionRequest { transition: transition(), ..Default::default() })
            .await
            .err(),
        clients
            .audit
            .clone()
            .audit_transition(proto::AuditTransitionRequest { transition: transition(), ..Default::default() })
            .await
            .err(),
        clients.routes.clone().get_route(proto::GetRouteRequest { id: "no-route".to_owned(), ..Default::default() }).await.err(),
        clients
            .directory
            .clone()
            .get_organisation(proto::GetOrganisationRequest { organisation: "QUY".to_owned(), ..Default::default() })
            .await
            .err(),
        clients
            .ledger
            .clone()
            .get_proposal(proto::GetProposalRequest { proposal: "p1".to_owned(), ..Default::default() })
            .await
            .err(),
    ];
    for (index, status) in statuses.into_iter().enumerate() {
        is(&status.unwrap_or_else(|| panic!("read {index} found something")), Code::NotFound, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn event_larger_than_a_leaf_is_too_large_and_the_writer_goes_on() {
    let (_data, _server, clients) = begun().await;
    // Every field is within its bound; together they are more than one leaf holds.
    let evidence = proto::Evidence {
        title: "t".repeat(300),
        held: Some(proto::evidence::Held::CitedNotHeld("c".repeat(200))),
        place: "p".repeat(200),
        ..Default::default()
    };
    let large = proto::Command { evidence: vec![evidence; 100], ..fact("wave/A") };
    let status = refused(&clients, one(large)).await;
    is(&status, Code::InvalidArgument, "TOO_LARGE");
    clients.record("admin", one(fact("wave/A"))).await.expect("recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn message_over_a_mebibyte_is_out_of_range_and_the_connection_goes_on() {
    let (_data, _server, clients) = begun().await;
    let request = request((0..128).map(|_| worded_fact("wave/A", &"words and ".repeat(820))).collect());
    assert!(prost::Message::encoded_len(&request) > 1024 * 1024);
    let status = clients.record("admin", request).await.expect_err("refused");
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    assert!(status.message().contains("too large"), "{status:?}");
    clients.record("admin", one(fact("wave/A"))).await.expect("recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_of_something_long_fits_into_its_header_and_the_connection_goes_on() {
    let (_data, _server, clients) = begun().await;
    // A refusal that repeated all of it would be a header no client takes, and would end the connection.
    for length in [100, 1_000, 20_000, 200_000] {
        let asked = proto::SubscribeRequest { event_types: vec!["é".repeat(length)], ..Default::default() };
        let status = clients.ledger.clone().subscribe(asked).await.expect_err("refused");
        is(&status, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(fields(&status), ["event_types[0]"]);
        let status = refused(&clients, one(fact(&"é".repeat(length)))).await;
        is(&status, Code::InvalidArgument, "INVALID_FIELDS");
    }
    clients.record("admin", one(fact("wave/A"))).await.expect("recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_takes_128_commands_and_not_one_more() {
    let (_data, _server, clients) = begun().await;
    let facts = |count: usize| request((0..count).map(|_| fact("wave/A")).collect());
    assert_eq!(clients.record("admin", facts(128)).await.expect("recorded").entries.len(), 128);
    for count in [0, 129] {
        let status = refused(&clients, facts(count)).await;
        is(&status, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(fields(&status), ["commands"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_streams_are_written_all_or_none() {
    let (_data, _server, clients) = begun().await;
    let commands = || (0..5).map(|n| fact(&format!("wave/S{n}"))).collect::<Vec<_>>();
    // The last one is a role that nobody holds: a rule, found after the others were decided.
    let ended = proto::RoleEnded { person: "nobody".to_owned(), role: "auditor".to_owned(), on: "2024-01-01".to_owned() };
    let mut bad = commands();
    bad.push(command("log", Event::RoleEnded(ended)));
    let status = refused(&clients, request(bad)).await;
    is(&status, Code::FailedPrecondition, "RULES_NOT_MET");
    let details = status.get_details_precondition_failure().expect("unmet rules");
    assert_eq!(details.violations.iter().map(|v| v.subject.as_str()).collect::<Vec<_>>(), ["commands[5]"]);

    // One stale stream among several holds all of them back.
    let expected = vec![proto::ExpectedRevision { stream: "wave/S4".to_owned(), expected: Some(Expected::Exact(7)) }];
    let status = refused(&clients, proto::RecordRequest { expected, ..request(commands()) }).await;
    is(&status, Code::Aborted, "STALE_REVISION");

    let answer = clients.record("admin", request(commands())).await.expect("recorded");
    assert!(answer.entries.iter().all(|e| e.revision == 1), "nothing was there before: {answer:?}");
    let positions: Vec<u64> = answer.entries.iter().map(|e| e.position).collect();
    assert!(positions.windows(2).all(|w| w[1] == w[0] + 1), "{positions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn validating_decides_and_records_nothing() {
    let (_data, _server, clients) = begun().await;
    let request = proto::RecordRequest { validate_only: true, ..one(fact("wave/A")) };
    let answer = clients.record("admin", request.clone()).await.expect("decided");
    assert_eq!((answer.entries.len(), answer.position), (1, 0));
    let future = proto::Command { occurred: Some(day("2199-01-01")), ..fact("wave/A") };
    let status = clients.record("admin", proto::RecordRequest { validate_only: true, ..one(future) }).await.expect_err("refused");
    is(&status, Code::FailedPrecondition, "RULES_NOT_MET");
    assert_eq!(clients.read_all(0).await.expect("the log is read").len(), 1, "not even the refusal is recorded");
    clients.record("admin", proto::RecordRequest { validate_only: false, ..request }).await.expect("the id is still free");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_need_no_person_and_words_come_back_as_sent() {
    let (_data, _server, clients) = begun().await;
    clients.record("admin", one(worded_fact("wave/A", "Zwölf Boote, 12 £"))).await.expect("recorded");
    let asked = proto::ReadEventsRequest { stream: "wave/A".to_owned(), ..Default::default() };
    let page = clients.ledger.clone().read_events(ask("stranger", asked)).await.expect("a page").into_inner();
    assert!(page.events[0].payload_json.contains("Zwölf Boote, 12 £"), "{:?}", page.events);
    let leaf = String::from_utf8_lossy(&page.events[0].leaf);
    assert!(!leaf.contains("Boote"), "the leaf holds a commitment, not the words: {leaf}");
    assert_eq!(page.events[0].occurred, Some(unknown_date()));
}

fn day(day: &str) -> proto::FuzzyDate {
    proto::FuzzyDate {
        precision: proto::Precision::Day.into(),
        earliest: day.to_owned(),
        latest: day.to_owned(),
        ..Default::default()
    }
}
