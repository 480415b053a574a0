//! How long a stream is read. A connection that a NAT has forgotten ends by nothing but silence, and who sends a byte now and then may do so for ever.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::io::{AsyncRead, ReadBuf};

use crate::clock::{Clock, between, later};

/// A stream that is begun late, or when the time is over, has so long all the same: most need no more, and there is a reserve for it.
const LEAST: Duration = Duration::from_secs(5);

/// A stream that fails with [`ErrorKind::TimedOut`] when nothing comes of it for too long, or when its time is over. The time that the reader takes between
/// two reads does not count as silence.
pub struct Paced<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    begun: Timestamp,
    silence: Duration,
    until: Timestamp,
    alarm: Option<BoxFuture<'static, ()>>,
}

impl<S> Paced<S> {
    /// The stream, which must not be silent for longer than `silence`, until a time.
    pub fn new(stream: S, clock: &Arc<dyn Clock>, silence: Duration, until: Timestamp) -> Self {
        let begun = clock.now();
        let until = until.max(later(begun, LEAST));
        Paced { stream, clock: clock.clone(), begun, silence, until, alarm: None }
    }

    fn is_over(&self) -> bool {
        self.clock.now() >= self.until
    }

    fn over(&self) -> Error {
        let seconds = between(self.begun, self.clock.now()).as_secs();
        Error::new(ErrorKind::TimedOut, format!("it had not ended after {seconds} s"))
    }

    /// Nothing has come: until when that is borne.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let left = between(self.clock.now(), self.until);
        let patience = self.silence.min(left);
        let clock = self.clock.clone();
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(async move { clock.sleep(patience).await }));
        ready!(alarm.as_mut().poll(context));
        self.alarm = None;
        Poll::Ready(if self.is_over() {
            self.over()
        } else {
            Error::new(ErrorKind::TimedOut, format!("nothing came of it for {} s", self.silence.as_secs()))
        })
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Paced<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.is_over() {
            return Poll::Ready(Err(self.over()));
        }
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                self.alarm = None;
                Poll::Ready(read)
            }
            Poll::Pending => self.wait(context).map(Err),
        }
    }
}

impl<S: Stream<Item = std::io::Result<Bytes>> + Unpin> Stream for Paced<S> {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over() {
            return Poll::Ready(Some(Err(self.over())));
        }
        match Pin::new(&mut self.stream).poll_next(context) {
            Poll::Ready(item) => {
                self.alarm = None;
                Poll::Ready(item)
            }
            Poll::Pending => self.wait(context).map(|error| Some(Err(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::clock::ManualClock;

    const SILENCE: Duration = Duration::from_secs(60);

    fn clock() -> (ManualClock, Arc<dyn Clock>) {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        (clock.clone(), Arc::new(clock))
    }

    #[tokio::test]
    async fn a_stream_of_which_nothing_comes_is_given_up_after_a_while() {
        let (moved, clock) = clock();
        let mut silent =
            Paced::new(stream::pending::<std::io::Result<Bytes>>(), &clock, SILENCE, Timestamp::MAX);
        let error = silent.next().await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::TimedOut, "nothing came of it for 60 s")
        );
        assert_eq!(between(Timestamp::UNIX_EPOCH, moved.now()), SILENCE);
    }

    #[tokio::test]
    async fn a_byte_now_and_then_ends_with_the_time_and_not_never() {
        let (moved, clock) = clock();
        let until = later(moved.now(), Duration::from_secs(265));
        let dripping = stream::repeat_with(move || {
            moved.advance(Duration::from_secs(50));
            Ok::<_, Error>(Bytes::from_static(b"x"))
        });
        let reader = tokio_util::io::StreamReader::new(dripping);
        let mut read = Vec::new();
        let error = Paced::new(reader, &clock, SILENCE, until).read_to_end(&mut read).await.unwrap_err();
        assert_eq!(error.to_string(), "it had not ended after 300 s");
        assert_eq!(read, b"xxxxxx");
    }

    #[tokio::test]
    async fn a_stream_that_is_begun_when_the_time_is_over_has_a_moment() {
        let (_, clock) = clock();
        let chunks = stream::iter([Ok(Bytes::from_static(b"short"))]);
        let mut paced = Paced::new(chunks, &clock, SILENCE, Timestamp::MIN);
        assert_eq!(paced.next().await.unwrap().unwrap(), "short");
        assert!(paced.next().await.is_none());
    }

    #[tokio::test]
    async fn a_reader_that_takes_its_time_is_not_silence() {
        let (moved, clock) = clock();
        let chunks = stream::iter([Ok(Bytes::from_static(b"one")), Ok(Bytes::from_static(b"two"))]);
        let mut paced = Paced::new(chunks, &clock, SILENCE, Timestamp::MAX);
        assert_eq!(paced.next().await.unwrap().unwrap(), "one");
        moved.advance(Duration::from_secs(3600));
        assert_eq!(paced.next().await.unwrap().unwrap(), "two");
        assert!(paced.next().await.is_none());
    }
}
