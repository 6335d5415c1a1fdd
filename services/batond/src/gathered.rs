//! Answers that become ready together leave together.
//!
//! A batch of requests becomes durable at once, and its answers are written by as many tasks. Left alone, each
//! of them wakes its connection, which then sends that one answer: as many system calls and packets as answers. So a
//! flush that comes soon after another waits until everything that is ready has run, and then sends what has gathered
//! by then: at once when nothing else is ready, under load after some sixty other tasks at most, which is how often
//! tokio's workers look around. A flush that comes alone does not wait, because for that a worker would be woken in vain.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufWriter, ReadBuf};
use tokio::time::Instant;

/// How much gathers before it is sent without waiting for more, in bytes.
const GATHERED: usize = 32 * 1024;

/// How soon after another a flush waits: longer than between the answers of a batch, shorter than a lone client takes
/// to ask again.
const SOON: Duration = Duration::from_micros(50);

/// A stream whose flush gathers: it is ready at once, and what was written leaves a little later, when this stream's task,
/// which is woken for that, flushes it again. A shutdown, or a lot that is written, sends it without that.
///
/// Whoever uses it must flush whenever its task is polled, as a connection of HTTP/2 does; and it does so
/// between the frames of a large answer too, which is why a flush does not wait here. It takes no vectors: then HTTP/2
/// puts the frames of an answer below a kilobyte together itself, and flushes once.
pub(crate) struct Gathered<S> {
    stream: BufWriter<S>,
    others: Arc<Others>,
    /// A flush waits for the others.
    waiting: bool,
    /// When something was sent last.
    sent: Option<Instant>,
}

/// The others that are ready to run, and the task that waits for them.
struct Others {
    have_run: AtomicBool,
    waiting: Mutex<Waker>,
}

impl Wake for Others {
    fn wake(self: Arc<Self>) {
        self.have_run.store(true, Ordering::Release);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
    }
}

impl Others {
    /// Has a task woken once everything that is ready now has run.
    fn wait(self: &Arc<Self>, cx: &Context<'_>) -> Poll<()> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone_from(cx.waker());
        self.have_run.store(false, Ordering::Relaxed);
        // Polled once, it asks the worker for that; there is nothing more to it.
        let waker = Waker::from(Arc::clone(self));
        pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Gathered<S> {
    pub(crate) fn new(stream: S) -> Self {
        let others = Others { have_run: AtomicBool::new(false), waiting: Mutex::new(Waker::noop().clone()) };
        Self { stream: BufWriter::with_capacity(GATHERED, stream), others: Arc::new(others), waiting: false, sent: None }
    }

    pub(crate) fn get_ref(&self) -> &S {
        self.stream.get_ref()
    }

    /// Whether what was written is to stay a little longer.
    fn gathers(&mut self, cx: &Context<'_>) -> bool {
        if self.stream.buffer().is_empty() {
            return false;
        }
        if !self.waiting {
            if self.sent.is_none_or(|sent| sent.elapsed() > SOON) {
                return false;
            }
            self.waiting = true;
            return self.others.wait(cx).is_pending();
        }
        !self.others.have_run.load(Ordering::Acquire)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.gathers(cx) {
            return Poll::Ready(Ok(()));
        }
        let sends = !self.stream.buffer().is_empty();
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if sends {
            self.sent = Some(Instant::now());
        }
        self.waiting = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Notes each write of its own.
    #[derive(Default)]
    struct Noted(Vec<Vec<u8>>);

    impl AsyncRead for Noted {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Noted {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.0.push(buf.to_vec());
            Poll::Ready(Ok(buf.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// As a connection does: whenever its task is polled it writes what there is, flushing each, and flushes once more.
    async fn answer(stream: &mut Gathered<Noted>, answers: &[&[u8]]) -> usize {
        let (mut answers, mut polls, before) = (answers.iter(), 0, stream.get_ref().0.concat().len());
        let all: usize = answers.clone().map(|answer| answer.len()).sum();
        poll_fn(|cx| {
            polls += 1;
            for answer in answers.by_ref() {
                assert!(Pin::new(&mut *stream).poll_write(cx, answer).is_ready());
                assert!(Pin::new(&mut *stream).poll_flush(cx).is_ready());
            }
            assert!(Pin::new(&mut *stream).poll_flush(cx).is_ready());
            // Nobody but the wait itself wakes this task again.
            if stream.get_ref().0.concat().len() < before + all { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        polls
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_follow_each_other_leave_as_one_when_others_have_run() {
        let mut stream = Gathered::new(Noted::default());
        assert_eq!(answer(&mut stream, &[b"one", b"two", b"three"]).await, 2);
        assert_eq!(stream.get_ref().0, [b"one".to_vec(), b"twothree".to_vec()]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_alone_leaves_at_once() {
        let mut stream = Gathered::new(Noted::default());
        for _ in 0..3 {
            assert_eq!(answer(&mut stream, &[b"alone"]).await, 1);
            tokio::time::advance(SOON * 2).await;
        }
        assert_eq!(stream.get_ref().0, vec![b"alone".to_vec(); 3]);
    }

    #[tokio::test]
    async fn a_lot_leaves_without_waiting_and_a_shutdown_leaves_nothing() {
        let mut stream = Gathered::new(Noted::default());
        stream.write_all(&[1; GATHERED - 1]).await.expect("taken");
        assert!(stream.get_ref().0.is_empty());
        stream.write_all(&[2; 2]).await.expect("taken");
        assert_eq!(stream.get_ref().0.len(), 1);
        stream.shutdown().await.expect("shut down");
        assert_eq!(stream.get_ref().0.concat(), [vec![1; GATHERED - 1], vec![2; 2]].concat());
    }

    #[tokio::test]
    async fn both_ends_of_a_pipe_hear_each_other() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut near = Gathered::new(near);
        let said = tokio::spawn(async move {
            near.write_all(b"a longer question than the pipe takes").await?;
            // More than once: such a one is a promise.
            near.flush().await?;
            tokio::task::yield_now().await;
            near.flush().await?;
            let mut answer = String::new();
            near.read_to_string(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        });
        let mut question = [0; 37];
        far.read_exact(&mut question).await.expect("heard");
        far.write_all(b"yes").await.expect("said");
        drop(far);
        assert_eq!(said.await.expect("no panic").expect("answered"), "yes");
    }
}
