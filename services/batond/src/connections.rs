//! Connections: accepted while there is room, and only if they say something soon.

use crate::config::Limits;
use crate::gathered::Gathered;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// A connection with its place among the allowed ones.
pub(crate) struct Connection {
    stream: Gathered<TcpStream>,
    _place: OwnedSemaphorePermit,
}

/// Accepts connections until the receiver is dropped.
pub(crate) fn accept(listener: TcpListener, limits: &Limits) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(16);
    let places = Arc::new(Semaphore::new(limits.connections));
    let first_byte = limits.first_byte;
    tokio::spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, or the peer left: neither ends the server, and neither may spin.
                    tracing::warn!(%error, "failed to accept a connection");
                    sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            };
            let sender = sender.clone();
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                // A connection that stays silent would hold its place for ever.
                let mut byte = [0_u8; 1];
                if matches!(timeout(first_byte, stream.peek(&mut byte)).await, Ok(Ok(n)) if n > 0) {
                    let _ = sender.send(Ok(Connection { stream: Gathered::new(stream), _place: place })).await;
                }
            });
        }
    });
    ReceiverStream::new(receiver)
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;
    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.get_ref().connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
