//! How much of a stream is read at most. Who writes it is not trusted to end it.

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// Bytes that may still be read.
#[derive(Clone, Debug)]
pub struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// So many bytes.
    pub fn of(bytes: u64) -> Self {
        Allowance(Arc::new(AtomicU64::new(bytes)))
    }

    /// So many bytes more.
    pub fn grow(&self, bytes: u64) {
        let grown = self.0.load(Ordering::Relaxed).saturating_add(bytes);
        self.0.store(grown, Ordering::Relaxed);
    }
}

/// A stream that fails with [`ErrorKind::FileTooLarge`] when more than its allowance is read.
pub struct Metered<R> {
    stream: R,
    allowance: Allowance,
}

impl<R> Metered<R> {
    /// The stream with this allowance.
    pub fn new(stream: R, allowance: Allowance) -> Self {
        Metered { stream, allowance }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Metered<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) else {
            return Poll::Pending;
        };
        let bytes = (buffer.filled().len() - before) as u64;
        let left = self.allowance.0.load(Ordering::Relaxed);
        Poll::Ready(read.and_then(|()| match left.checked_sub(bytes) {
            Some(left) => {
                self.allowance.0.store(left, Ordering::Relaxed);
                Ok(())
            }
            None => {
                Err(std::io::Error::new(ErrorKind::FileTooLarge, "it holds more than what was asked for"))
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_stream_is_read_as_far_as_it_is_allowed() {
        let allowance = Allowance::of(3);
        let mut stream = Metered::new(tokio::io::repeat(b'x'), allowance.clone());
        let mut bytes = [0; 3];
        stream.read_exact(&mut bytes).await.unwrap();
        assert!(stream.read_u8().await.is_err(), "the allowance is used up");
        allowance.grow(1);
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
        assert!(stream.read_u8().await.is_err());
    }
}
