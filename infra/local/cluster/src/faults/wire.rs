//! Below TLS: connections that are reset.

use crate::api::Traffic;
use crate::api::answer::{Answer, whole};
use http::Response;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The connection is to be cut where an answer was to come.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is cut on request")]
pub(crate) struct Cut;

/// An answer that is none.
pub(super) fn cut() -> Answer {
    let mut answer = Response::new(whole(""));
    answer.extensions_mut().insert(Cut);
    answer
}

/// The answer as the server sends it, or the order to cut its connection.
pub(crate) fn let_through(answer: Answer, wire: &AtomicBool) -> Result<Answer, Cut> {
    match answer.extensions().get::<Cut>() {
        None => Ok(answer),
        Some(cut) => {
            wire.store(true, Ordering::Relaxed);
            Err(*cut)
        }
    }
}

/// A TCP stream that is counted, and reset instead of closed once that was said.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    is_reset: Arc<AtomicBool>,
    traffic: Traffic,
}

impl Wire {
    /// Around a stream, and how to say it.
    pub fn new(stream: TcpStream, traffic: Traffic) -> (Wire, Arc<AtomicBool>) {
        let is_reset = Arc::new(AtomicBool::new(false));
        (Wire { stream, is_reset: is_reset.clone(), traffic }, is_reset)
    }
}

impl Wire {
    fn counted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.traffic.send(*bytes);
        }
        written
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.is_reset.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::warn!(%error, "a connection is closed where it was to be reset");
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.traffic.receive(buffer.filled().len().saturating_sub(before));
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.counted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.counted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
