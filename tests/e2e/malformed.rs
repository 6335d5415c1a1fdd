//! Ten thousand requests that no proper client sends: each is the caller's mistake and is told so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_e2e::commands::{command, fact, one, register, request, transition, worded_fact};
use baton_e2e::raw::Bytes;
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;
use prost::Message;
use proto::command::Event;
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use tokio::sync::Semaphore;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

const REQUESTS: usize = 10_000;
const SEED: u64 = 20_231_403;
/// As many at a time: some of them wait five seconds for a position.
const AT_A_TIME: usize = 200;

/// Every method with a request that it takes.
fn methods() -> Vec<(&'static str, Vec<u8>)> {
    let id = || "QUY.DENT.TEST".to_owned();
    macro_rules! method {
        ($path:literal, $message:expr) => {
            ($path, $message.encode_to_vec())
        };
    }
    vec![
        method!("/baton.v1.LedgerService/Record", every_kind_of_field()),
        method!("/baton.v1.LedgerService/Record", one(worded_fact("wave/A", "words"))),
        method!("/baton.v1.LedgerService/Record", request(register(&["QXX"], &["DENT"]))),
        method!("/baton.v1.LedgerService/Record", proposal()),
        method!(
            "/baton.v1.LedgerService/ReadEvents",
            proto::ReadEventsRequest { stream: "wave/A".to_owned(), page_size: 3, from_position: 1, ..Default::default() }
        ),
        method!(
            "/baton.v1.LedgerService/Subscribe",
            proto::SubscribeRequest {
                stream: "wave/A".to_owned(),
                event_types: vec!["FactRecorded".to_owned()],
                ..Default::default()
            }
        ),
        method!(
            "/baton.v1.LedgerService/GetProposal",
            proto::GetProposalRequest { proposal: "p1".to_owned(), ..Default::default() }
        ),
        method!(
            "/baton.v1.LedgerService/ListProposals",
            proto::ListProposalsRequest { transition: id(), page_size: 2, ..Default::default() }
        ),
        method!(
            "/baton.v1.TransitionService/GetTransition",
            proto::GetTransitionRequest { transition: id(), as_of: Some(as_of()), ..Default::default() }
        ),
        method!(
            "/baton.v1.TransitionService/ListTransitions",
            proto::ListTransitionsRequest {
                wave: "TEST".to_owned(),
                order_by: "stage desc".to_owned(),
                page_size: 5,
                ..Default::default()
            }
        ),
        method!(
            "/baton.v1.TransitionService/ExplainTransition",
            proto::ExplainTransitionRequest { transition: id(), ..Default::default() }
        ),
        method!(
            "/baton.v1.AuditService/ReplayTransition",
            proto::ReplayTransitionRequest { transition: id(), as_of_position: Some(9), ..Default::default() }
        ),
        method!(
            "/baton.v1.AuditService/AuditTransition",
            proto::AuditTransitionRequest { transition: id(), ..Default::default() }
        ),
        method!(
            "/baton.v1.RouteService/GetRoute",
            proto::GetRouteRequest { id: "pod-2021".to_owned(), version: "1".to_owned(), ..Default::default() }
        ),
        method!(
            "/baton.v1.RouteService/ListRoutes",
            proto::ListRoutesRequest { id: "pod-2021".to_owned(), page_size: 4, ..Default::default() }
        ),
        method!(
            "/baton.v1.DirectoryService/GetOrganisation",
            proto::GetOrganisationRequest { organisation: "QUY".to_owned(), on: "2024-05-06".to_owned(), ..Default::default() }
        ),
        method!(
            "/baton.v1.DirectoryService/ListOrganisations",
            proto::ListOrganisationsRequest { kind: 2, page_size: 3, ..Default::default() }
        ),
        method!(
            "/baton.v1.DirectoryService/ListBodies",
            proto::ListBodiesRequest { organisation: "QUY".to_owned(), page_size: 3, ..Default::default() }
        ),
        method!(
            "/baton.v1.DirectoryService/ListRoles",
            proto::ListRolesRequest { person: "admin".to_owned(), scope: "log".to_owned(), page_size: 3, ..Default::default() }
        ),
        method!("/baton.v1.DirectoryService/ListWaves", proto::ListWavesRequest { page_size: 3, ..Default::default() }),
    ]
}

fn as_of() -> proto::AsOf {
    proto::AsOf { on: "2024-05-06".to_owned(), position: Some(8), documented_by: "2024-05-07".to_owned(), ..Default::default() }
}

/// A request with dates, money, votes, evidence, places, maps and lists in it.
fn every_kind_of_field() -> proto::RecordRequest {
    let date = proto::FuzzyDate {
        text: "spring 2023".to_owned(),
        precision: proto::Precision::Between.into(),
        earliest: "2023-03-01".to_owned(),
        latest: "2023-05-31".to_owned(),
        year_inferred: true,
    };
    let money =
        proto::Money { printed: "£1.2m".to_owned(), pence: 120_000_000, rounded_to: proto::Rounding::HundredThousand.into() };
    let value = |value| proto::FieldValue { value: Some(value) };
    let fields = [
        ("amount".to_owned(), value(proto::field_value::Value::Money(money))),
        ("on".to_owned(), value(proto::field_value::Value::Date(date.clone()))),
        ("count".to_owned(), value(proto::field_value::Value::Integer(-5))),
    ];
    let full = proto::Command {
        occurred: Some(date),
        done_by: Some(proto::DoneBy {
            organisation: "QUY".to_owned(),
            person: "p-1".to_owned(),
            printed: "the chair".to_owned(),
            ..Default::default()
        }),
        act: "act-1".to_owned(),
        evidence: vec![proto::Evidence {
            title: "Minutes".to_owned(),
            held: Some(proto::evidence::Held::Sha256("ab".repeat(32))),
            place: "item 7".to_owned(),
            dated: "2023-03-31".to_owned(),
        }],
        remark: "as read".to_owned(),
        ..command(
            "wave/A",
            Event::FactRecorded(proto::FactRecorded { kind: "note".to_owned(), fields: fields.into(), note: "n".to_owned() }),
        )
    };
    let decided = proto::GateDecided {
        subject: "go_no_go".to_owned(),
        outcome: "go_with_conditions".to_owned(),
        body: "QUY/board".to_owned(),
        taken: proto::HowTaken::Meeting.into(),
        deciders: vec!["a".to_owned(), "b".to_owned()],
        conditions: vec![proto::Condition { obligation: "c1".to_owned(), text: "a plan".to_owned(), due: None }],
        votes: Some(proto::Votes { in_favour: 3, against: 1, spoiled: 0, electorate: 4 }),
        ..Default::default()
    };
    let expected = vec![proto::ExpectedRevision {
        stream: "wave/B".to_owned(),
        expected: Some(proto::expected_revision::Expected::Any(true)),
    }];
    let commands = vec![full, command("wave/A", Event::GateDecided(decided)), fact("organisation/QUY")];
    proto::RecordRequest { expected, ..request(commands) }
}

/// Commands within a command, and a correction within those.
fn proposal() -> proto::RecordRequest {
    let corrected = proto::StatementCorrected {
        target: 1,
        was: 1,
        to: Some(proto::Correction { standing: proto::Standing::Reported.into(), ..Default::default() }),
        reason: "misread".to_owned(),
    };
    let late = proto::Command { late: true, ..fact("wave/A") };
    let inner = vec![command("wave/A", Event::StatementCorrected(corrected)), late];
    one(command("proposal/p1", Event::Proposed(proto::Proposed { commands: inner, reason: "tidy".to_owned() })))
}

/// Something wrong with these bytes, more often than not.
fn spoil(mut bytes: Vec<u8>, random: &mut StdRng) -> Vec<u8> {
    for _ in 0..random.random_range(1..=3) {
        let at = if bytes.is_empty() { 0 } else { random.random_range(0..bytes.len()) };
        match random.random_range(0..10) {
            // Cut short, or cut out of the middle: a field or a part of one is missing.
            0 => bytes.truncate(at),
            1 => {
                let to = (at + random.random_range(1..40)).min(bytes.len());
                bytes.drain(at..to);
            }
            // A bit, a byte, a number that goes on too long.
            2 if !bytes.is_empty() => bytes[at] ^= 1 << random.random_range(0..8),
            3 if !bytes.is_empty() => bytes[at] = random.random(),
            4 => drop(bytes.splice(at..at, [0xff; 11])),
            // Not UTF-8, in place of whatever was there.
            5 => {
                let to = (at + 4).min(bytes.len());
                bytes[at..to].fill(0xc0);
            }
            // Rubbish at the end: unknown fields, wrong types, groups, an end without a group.
            6 => {
                let mut rubbish = vec![0; random.random_range(1..60)];
                random.fill_bytes(&mut rubbish);
                bytes.extend(rubbish);
            }
            // The same again behind it: fields twice, messages merged.
            7 => bytes.extend(bytes.clone()),
            // A known field of a huge value: field 1 to 15 as text of up to 64 KiB, or as a number.
            8 => {
                let field = random.random_range(1..=15_u8);
                let size = random.random_range(0..65_536_usize);
                bytes.push(field << 3 | 2);
                prost::encoding::encode_varint(size as u64, &mut bytes);
                bytes.extend(std::iter::repeat_n(b'x', size));
            }
            _ => {
                bytes.push(random.random_range(1..=15_u8) << 3);
                prost::encoding::encode_varint(random.random(), &mut bytes);
            }
        }
    }
    bytes
}

async fn call(channel: Channel, path: &'static str, bytes: Vec<u8>, person: bool) -> Code {
    let mut client = Grpc::new(channel).max_decoding_message_size(64 * 1024 * 1024);
    let mut request = Request::new(bytes);
    if person {
        request.metadata_mut().insert("baton-person", "admin".parse().expect("plain text"));
    }
    let answered = async {
        client.ready().await.map_err(|e| Status::unknown(e.to_string()))?;
        let stream = client.server_streaming(request, path.parse().expect("a path"), Bytes).await?;
        // The first item is enough; a subscription would go on for ever.
        stream.into_inner().message().await.map(drop)
    };
    match tokio::time::timeout(Duration::from_secs(40), answered).await {
        Ok(Ok(())) => Code::Ok,
        Ok(Err(status)) => status.code(),
        Err(_) => panic!("{path} did not answer"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_request_is_the_callers_mistake_and_harms_nobody() {
    let began = Instant::now();
    let data = DataDir::begun().await;
    let mut server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    clients.record("admin", request(register(&["QUY"], &["DENT"]))).await.expect("recorded");
    clients.record("admin", one(transition("QUY.DENT.TEST"))).await.expect("recorded");

    let mut random = StdRng::seed_from_u64(SEED);
    let methods = methods();
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut calls = Vec::new();
    for number in 0..REQUESTS {
        let (path, proper) = &methods[number % methods.len()];
        let bytes = spoil(proper.clone(), &mut random);
        let channel = clients.channel.clone();
        let place = Arc::clone(&places).acquire_owned().await.expect("places are there");
        let (path, person) = (*path, number % 50 != 0);
        calls.push((
            number,
            path,
            tokio::spawn(async move {
                let code = call(channel, path, bytes, person).await;
                drop(place);
                code
            }),
        ));
    }
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (number, path, answer) in calls {
        let code = answer.await.expect("a call ends");
        *codes.entry(format!("{code:?}")).or_default() += 1;
        // A spoilt request may still be a proper one; then it is answered as such.
        let mistake = matches!(code, Code::InvalidArgument | Code::OutOfRange);
        let proper = matches!(
            code,
            Code::Ok
                | Code::Unauthenticated
                | Code::NotFound
                | Code::FailedPrecondition
                | Code::Aborted
                | Code::AlreadyExists
                | Code::DeadlineExceeded
        );
        if !mistake && !proper {
            wrong.push(format!("request {number} to {path}: {code:?}"));
        }
    }
    println!("{REQUESTS} spoilt requests in {:.1} s: {codes:?}", began.elapsed().as_secs_f64());
    assert_eq!(wrong, Vec::<String>::new(), "{codes:?}");
    assert!(codes["InvalidArgument"] * 2 > REQUESTS, "most are mistakes: {codes:?}");

    assert!(server.runs());
    clients.record("admin", one(fact("wave/AFTER"))).await.expect("the server still records");
    assert!(clients.read_all(0).await.is_ok_and(|events| !events.is_empty()), "the log is still read");
    for sign in ["panicked", "defect", "ERROR"] {
        assert!(!data.log().contains(sign), "{sign}: {}", data.log());
    }
    assert!(server.stop().success());
    // What was recorded among all that is a log that opens.
    Server::start(&data);
}
