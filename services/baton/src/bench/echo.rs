//! What Baton is compared with: a bare tonic server that decodes a request and sends a fixed answer.
//!
//! Requests and answers are the same messages as Baton's, of the same size, over the same codec; the
//! answers are ones that a Baton server gave. Nothing is copied, decided or stored: it is the least
//! that any service of these messages costs. No proto describes it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use baton_proto::v1::{GetTransitionRequest, GetTransitionResponse, RecordRequest, RecordResponse};
use baton_proto::{RequestCodec, RequestDecoder};
use prost::Message;
use tonic::body::Body;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::exit::Failure;

/// Where a Record request of one command is echoed.
pub(crate) const RECORD: &str = "/baton.bench.Echo/Record";
/// Where a Record request of many commands is echoed.
pub(crate) const RECORD_MANY: &str = "/baton.bench.Echo/RecordMany";
/// Where a GetTransition request is echoed.
pub(crate) const GET_TRANSITION: &str = "/baton.bench.Echo/GetTransition";

/// What it answers.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// To a Record request of one command.
    pub(crate) record: Arc<RecordResponse>,
    /// To a Record request of many commands.
    pub(crate) record_many: Arc<RecordResponse>,
    /// To a GetTransition request.
    pub(crate) get_transition: Arc<GetTransitionResponse>,
}

/// Serves the echo.
///
/// # Errors
/// When no port can be taken.
pub(crate) async fn start(answers: Answers) -> Result<Serving, Failure> {
    Serving::start(Routes::new(EchoService(Arc::new(answers)))).await
}

/// A running bare server; it takes no more connections when this is dropped.
pub(crate) struct Serving {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Serving {
    /// Serves on a free port of loopback. Every bare server with the same settings.
    ///
    /// # Errors
    /// When no port can be taken.
    pub(crate) async fn start(routes: Routes) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Unavailable(format!("failed to listen on loopback: {error}"));
        let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let router = tonic::transport::Server::builder().add_routes(routes);
        let serving = tokio::spawn(async move {
            // It ends with the task; a failure of its own shows as calls that fail.
            let _ = router.serve_with_incoming(incoming).await;
        });
        Ok(Self { address, serving })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone)]
struct EchoService(Arc<Answers>);

impl NamedService for EchoService {
    const NAME: &'static str = "baton.bench.Echo";
}

impl Service<http::Request<Body>> for EchoService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answers = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match request.uri().path() {
                RECORD => unary::<RecordRequest, _>(&answers.record, request).await,
                RECORD_MANY => unary::<RecordRequest, _>(&answers.record_many, request).await,
                GET_TRANSITION => unary::<GetTransitionRequest, _>(&answers.get_transition, request).await,
                _ => Status::unimplemented("the echo has no such method").into_http(),
            })
        })
    }
}

async fn unary<Q, A>(answer: &Arc<A>, request: http::Request<Body>) -> http::Response<Body>
where
    Q: Message + Default + Send + 'static,
    A: Message + 'static,
{
    Grpc::new(SharedCodec::<A, Q>::default()).unary(Fixed(Arc::clone(answer)), request).await
}

/// Answers every request with the same message.
struct Fixed<A>(Arc<A>);

impl<A, Q> UnaryService<Q> for Fixed<A> {
    type Response = Arc<A>;
    type Future = Ready<Result<Response<Arc<A>>, Status>>;

    fn call(&mut self, _: Request<Q>) -> Self::Future {
        ready(Ok(Response::new(Arc::clone(&self.0))))
    }
}

/// The server's codec, but for answers that are shared and not copied.
pub(crate) struct SharedCodec<A, Q>(PhantomData<(A, Q)>);

impl<A, Q> Default for SharedCodec<A, Q> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<A, Q> Codec for SharedCodec<A, Q>
where
    A: Message + 'static,
    Q: Message + Default + Send + 'static,
{
    type Encode = Arc<A>;
    type Decode = Q;
    type Encoder = SharedEncoder<A>;
    type Decoder = RequestDecoder<Q>;

    fn encoder(&mut self) -> Self::Encoder {
        SharedEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        RequestCodec::<(), Q>::default().decoder()
    }
}

/// Encodes an answer that is shared.
pub(crate) struct SharedEncoder<A>(PhantomData<A>);

impl<A: Message> Encoder for SharedEncoder<A> {
    type Item = Arc<A>;
    type Error = Status;

    fn encode(&mut self, answer: Arc<A>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        answer.encode(into).map_err(|error| Status::internal(format!("the answer does not fit: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::Server;
    use super::*;

    #[tokio::test]
    async fn echo_answers_each_method_with_its_message_and_refuses_others() {
        let record = RecordResponse { position: 7, ..Default::default() };
        let many = RecordResponse { position: 8, ..Default::default() };
        let answers = Answers { record: Arc::new(record.clone()), record_many: Arc::new(many.clone()), ..Default::default() };
        let echo = start(answers).await.expect("started");
        let server = Server::connect(echo.address, 1).await.expect("connected");
        let sent = RecordRequest::default;
        assert_eq!(server.call::<_, RecordResponse>(0, RECORD, sent()).await.expect("answered"), record);
        assert_eq!(server.call::<_, RecordResponse>(0, RECORD_MANY, sent()).await.expect("answered"), many);
        let other = server.call::<_, RecordResponse>(0, "/baton.bench.Echo/Other", sent()).await;
        assert_eq!(other.expect_err("no such method").code(), tonic::Code::Unimplemented);
    }
}
