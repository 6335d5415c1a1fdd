//! What stands around the services: health and reflection.

use std::collections::BTreeSet;

use baton_e2e::{Clients, DataDir, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const SERVICES: [&str; 6] = [
    "baton.v1.LedgerService",
    "baton.v1.TransitionService",
    "baton.v1.AdminService",
    "baton.v1.AuditService",
    "baton.v1.RouteService",
    "baton.v1.DirectoryService",
];

#[tokio::test(flavor = "multi_thread")]
async fn health_answers_for_the_whole_for_each_service_and_for_writes() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let mut health = HealthClient::new(Clients::connect(server.address()).await.channel);
    for service in SERVICES.into_iter().chain(["", "baton.v1.Writes"]) {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.expect("health answers");
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service:?}");
    }
    let unknown = health.check(HealthCheckRequest { service: "baton.v1.NoService".to_owned() }).await;
    assert_eq!(unknown.expect_err("no such service").code(), tonic::Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_not_serving_once_a_stop_begins() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let mut health = HealthClient::new(Clients::connect(server.address()).await.channel);
    let mut watched = health.watch(HealthCheckRequest { service: String::new() }).await.expect("a stream").into_inner();
    let first = watched.message().await.expect("a status").expect("a status");
    assert_eq!(first.status(), ServingStatus::Serving);
    server.ask_to_stop();
    // What the server says of itself once it is up may come as an item of its own.
    let mut second = watched.message().await.expect("a status").expect("a status");
    if second.status() == ServingStatus::Serving {
        second = watched.message().await.expect("a status").expect("a status");
    }
    assert_eq!(second.status(), ServingStatus::NotServing);
    // A stream of health has no end of its own: the stop waits for it no longer than the drain time.
    drop(watched);
    drop(health);
    assert!(server.ended().success());
}

/// Asks one version of reflection for its services and for the file of a message.
macro_rules! reflected {
    ($version:ident) => {{
        use pb::server_reflection_client::ServerReflectionClient;
        use pb::server_reflection_request::MessageRequest;
        use pb::server_reflection_response::MessageResponse;
        use tonic_reflection::pb::$version as pb;

        let data = DataDir::begun().await;
        let server = Server::start(&data);
        let mut client = ServerReflectionClient::new(Clients::connect(server.address()).await.channel);
        let ask = |asked| pb::ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
        let asked = vec![
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol("baton.v1.RecordRequest".to_owned())),
        ];
        let mut answers =
            client.server_reflection_info(tokio_stream::iter(asked)).await.expect("reflection answers").into_inner();
        let mut next = async || answers.message().await.expect("an answer").expect("an answer").message_response;
        let Some(MessageResponse::ListServicesResponse(list)) = next().await else { panic!("no list of services") };
        let names: BTreeSet<String> = list.service.into_iter().map(|s| s.name).collect();
        for service in SERVICES.into_iter().chain(["grpc.health.v1.Health"]) {
            assert!(names.contains(service), "{service} in {names:?}");
        }
        let Some(MessageResponse::FileDescriptorResponse(files)) = next().await else { panic!("no descriptor") };
        assert!(!files.file_descriptor_proto.is_empty());
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_v1_lists_every_service_and_describes_its_messages() {
    reflected!(v1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_v1alpha_lists_every_service_and_describes_its_messages() {
    reflected!(v1alpha);
}
