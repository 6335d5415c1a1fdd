//! The codec of our servers: prost, with undecodable bytes answered as the caller's mistake.
//!
//! Tonic's own codec answers INTERNAL when bytes are not the message they should be, which calls
//! the operator at night for something only the caller can mend.

use prost::Message;
use std::collections::HashMap;
use std::marker::PhantomData;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::ProstEncoder;
use tonic_types::{ErrorDetails, StatusExt};

/// The reason in the error details when bytes cannot be decoded.
pub const UNDECODABLE: &str = "UNDECODABLE";

/// The domain of that reason.
pub const UNDECODABLE_DOMAIN: &str = "baton";

/// Encodes answers as tonic's codec does; refuses undecodable requests with INVALID_ARGUMENT.
#[derive(Debug, Clone)]
pub struct RequestCodec<Answer, Request>(PhantomData<(Answer, Request)>);

/// Decodes requests of one type.
#[derive(Debug, Clone)]
pub struct RequestDecoder<Request>(PhantomData<Request>);

impl<Answer, Request> Default for RequestCodec<Answer, Request> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Answer, Request> Codec for RequestCodec<Answer, Request>
where
    Answer: Message + Send + 'static,
    Request: Message + Default + Send + 'static,
{
    type Encode = Answer;
    type Decode = Request;
    type Encoder = ProstEncoder<Answer>;
    type Decoder = RequestDecoder<Request>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        RequestDecoder(PhantomData)
    }
}

impl<Request: Message + Default> Decoder for RequestDecoder<Request> {
    type Item = Request;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Request>, Status> {
        Request::decode(bytes).map(Some).map_err(undecodable)
    }
}

/// The answer to bytes that are not the message they should be. Names the field, never its content.
#[allow(clippy::needless_pass_by_value)]
fn undecodable(error: prost::DecodeError) -> Status {
    let details = ErrorDetails::with_error_info(UNDECODABLE, UNDECODABLE_DOMAIN, HashMap::new());
    Status::with_error_details(Code::InvalidArgument, format!("failed to decode the request: {error}"), details)
}
