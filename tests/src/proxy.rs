//! A connection as bad as a network: a proxy on the loopback that cuts, half closes, delays and drips.
//!
//! Each connection has a fate, drawn from the seed and its number. The proxy ends with its value.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// What becomes of a connection once so many bytes passed in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Both directions end, with what was on the way.
    Cut,
    /// That direction ends, the other goes on.
    Half,
}

/// How bytes pass before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Whole,
    /// Each piece waits so many microseconds.
    Delayed(u64),
    /// In pieces of so many bytes.
    Dripping(usize),
}

#[derive(Debug, Clone, Copy)]
struct Fate {
    /// Bytes from the client, bytes from the server.
    room: [usize; 2],
    end: End,
    pace: Pace,
}

/// The longest that half of a connection lives on alone.
const HALF_LIFE: Duration = Duration::from_secs(1);

/// A proxy to one server; stopped when dropped.
pub struct Proxy {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens, and passes connections on to `server` until their fate ends them.
    pub async fn start(server: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::Relaxed) as u64;
                let fate = Fate::drawn(&mut StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
                passing.spawn(pass(client, server, fate));
                while passing.try_join_next().is_some() {}
            }
        });
        Self { address, accepting, connections }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has taken.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The set of connections goes with the task that holds it.
        self.accepting.abort();
    }
}

impl Fate {
    fn drawn(random: &mut StdRng) -> Self {
        let mut room = || match random.random_range(0..4) {
            0 => random.random_range(0..600),
            1 => random.random_range(600..4_000),
            _ => random.random_range(4_000..40_000),
        };
        let room = [room(), room()];
        let end = if random.random_range(0..4) == 0 { End::Half } else { End::Cut };
        let pace = match random.random_range(0..8) {
            0 => Pace::Delayed(random.random_range(1..5_000)),
            1 => Pace::Dripping(random.random_range(1..100)),
            _ => Pace::Whole,
        };
        Self { room, end, pace }
    }
}

async fn pass(client: TcpStream, server: SocketAddr, fate: Fate) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let cut = Notify::new();
    let up = one_way(from_client, to_server, fate, fate.room[0], &cut);
    let down = one_way(from_server, to_client, fate, fate.room[1], &cut);
    tokio::select! {
        () = async { tokio::join!(up, down); } => {}
        () = cut.notified() => {}
    }
}

async fn one_way(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fate: Fate, mut room: usize, cut: &Notify) {
    let mut bytes = [0; 4096];
    loop {
        let wanted = if let Pace::Dripping(size) = fate.pace { size } else { bytes.len() };
        match from.read(&mut bytes[..wanted]).await {
            Ok(count) if count > 0 => {
                if let Pace::Delayed(micros) = fate.pace {
                    tokio::time::sleep(Duration::from_micros(micros)).await;
                }
                let passed = count.min(room);
                if to.write_all(&bytes[..passed]).await.is_err() {
                    return cut.notify_one();
                }
                room -= passed;
                if passed < count {
                    break;
                }
            }
            _ => return drop(to.shutdown().await),
        }
    }
    if fate.end == End::Half {
        let _ = to.shutdown().await;
        tokio::time::sleep(HALF_LIFE).await;
    }
    cut.notify_one();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_end_after_the_bytes_of_their_fate_and_not_before() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let proxy = Proxy::start(listener.local_addr().expect("an address"), 7).await;
        for number in 0..20_u64 {
            let mut client = TcpStream::connect(proxy.address()).await.expect("it listens");
            let (mut server, _) = listener.accept().await.expect("a connection");
            let fate = Fate::drawn(&mut StdRng::seed_from_u64(7 ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            let sending = tokio::spawn(async move {
                let _ = client.write_all(&vec![1; 50_000]).await;
                // Held until the other side has read to its end.
                let _ = client.read(&mut [0; 1]).await;
            });
            let mut arrived = Vec::new();
            let _ = server.read_to_end(&mut arrived).await;
            assert_eq!(arrived.len(), fate.room[0], "connection {number}: {fate:?}");
            drop(server);
            sending.await.expect("it ends");
        }
        assert_eq!(proxy.connections(), 20);
    }
}
