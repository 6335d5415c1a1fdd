//! Bytes that are not the message they should be are the caller's mistake, and say so.

use baton_proto::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use baton_proto::v1::*;
use baton_proto::{UNDECODABLE, UNDECODABLE_DOMAIN};
use prost::Message;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Bytes;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

const RECORD: &str = "/baton.v1.LedgerService/Record";

#[tokio::test]
async fn whole_request_reaches_the_service() {
    let bytes = record_request().encode_to_vec();
    assert_eq!(call(bytes).await.expect_err("the service refuses all").code(), Code::Unimplemented);
}

#[tokio::test]
async fn cut_bytes_are_an_invalid_argument() {
    let mut bytes = record_request().encode_to_vec();
    bytes.pop();
    refused_as_undecodable(bytes).await;
}

#[tokio::test]
async fn wrong_wire_type_is_an_invalid_argument() {
    // Field 1, command_id, as a number instead of bytes.
    refused_as_undecodable(vec![0x08, 0x01]).await;
}

#[tokio::test]
async fn text_that_is_not_utf8_is_an_invalid_argument() {
    // Field 1, command_id, one byte long, holding a byte that begins no character.
    refused_as_undecodable(vec![0x0a, 0x01, 0xff]).await;
}

#[tokio::test]
async fn commands_nested_without_end_are_an_invalid_argument() {
    let mut command = Command::default();
    for _ in 0..200 {
        let proposed = Proposed { commands: vec![command], reason: String::new() };
        command = Command { event: Some(command::Event::Proposed(proposed)), ..Command::default() };
    }
    refused_as_undecodable(RecordRequest { commands: vec![command], ..RecordRequest::default() }.encode_to_vec()).await;
}

async fn refused_as_undecodable(bytes: Vec<u8>) {
    let status = call(bytes).await.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let info = status.get_details_error_info().expect("error info");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (UNDECODABLE, UNDECODABLE_DOMAIN));
}

fn record_request() -> RecordRequest {
    RecordRequest { command_id: "0190f3a2-0000-7000-8000-000000000000".to_owned(), ..RecordRequest::default() }
}

/// Sends `bytes` as the body of a Record call, without a network.
async fn call(bytes: Vec<u8>) -> Result<Response<Bytes>, Status> {
    let mut client = tonic::client::Grpc::new(LedgerServiceServer::new(RefusesAll));
    client.ready().await.expect("always ready");
    client.unary(Request::new(bytes), PathAndQuery::from_static(RECORD), Raw).await
}

struct RefusesAll;

#[tonic::async_trait]
impl LedgerService for RefusesAll {
    type SubscribeStream = tonic::codegen::BoxStream<SubscribeResponse>;

    async fn record(&self, _: Request<RecordRequest>) -> Result<Response<RecordResponse>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn read_events(&self, _: Request<ReadEventsRequest>) -> Result<Response<ReadEventsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn subscribe(&self, _: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn get_receipt(&self, _: Request<GetReceiptRequest>) -> Result<Response<GetReceiptResponse>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn get_proposal(&self, _: Request<GetProposalRequest>) -> Result<Response<GetProposalResponse>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn list_proposals(&self, _: Request<ListProposalsRequest>) -> Result<Response<ListProposalsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// A codec that sends what it is given.
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, bytes: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        use prost::bytes::BufMut;
        buffer.put_slice(&bytes);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        use prost::bytes::Buf;
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
