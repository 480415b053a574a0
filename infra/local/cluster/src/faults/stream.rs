//! Bodies and commands that break off.

use super::kind::WatchEnd;
use crate::api::answer::{Answer, Body};
use crate::node::{ExecSession, Output};
use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use std::io;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A mark on the request for an exec: its connection is gone after that many bytes of output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExecCut(pub u64);

/// A watch that breaks after some lines; `gone` is the line that says that its version is too old.
pub(super) fn watch(answer: Answer, lines: u64, how: WatchEnd, gone: Bytes) -> Answer {
    answer.map(|body| {
        let state = Watched { body: Some(body), left: lines, how, gone: Some(gone) };
        let pieces = stream::unfold(state, |mut state| async move {
            state.next().await.map(|piece| (piece.map(Frame::data), state))
        });
        BodyExt::boxed_unsync(StreamBody::new(pieces))
    })
}

struct Watched {
    body: Option<Body>,
    left: u64,
    how: WatchEnd,
    gone: Option<Bytes>,
}

impl Watched {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        while self.left > 0 {
            let piece = match data(self.body.as_mut()?).await? {
                Ok(piece) => piece,
                error => return Some(error),
            };
            let mut end = 0;
            for (at, _) in piece.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                if self.left > 0 {
                    self.left -= 1;
                    end = at + 1;
                }
            }
            let piece = if self.left > 0 { piece } else { piece.slice(..end) };
            if !piece.is_empty() {
                return Some(Ok(piece));
            }
        }
        // The watch itself is of no use any more.
        self.body = None;
        match self.how {
            WatchEnd::Ends => None,
            WatchEnd::Expires => self.gone.take().map(Ok),
            WatchEnd::Stuck => std::future::pending().await,
        }
    }
}

/// A log whose connection is gone after some bytes.
pub(super) fn log(answer: Answer, bytes: u64) -> Answer {
    answer.map(|body| {
        let pieces = stream::unfold((body, Some(bytes)), |(mut body, left)| async move {
            let left = left?;
            if left == 0 {
                // What was there before is sent first.
                tokio::task::yield_now().await;
                let cut = Err(io::Error::other("the log is cut on request"));
                return Some((cut, (body, None)));
            }
            let piece = match data(&mut body).await? {
                Ok(piece) => piece,
                Err(error) => return Some((Err(error), (body, None))),
            };
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let left = left.saturating_sub(u64::try_from(most).unwrap_or(u64::MAX));
            Some((Ok(Frame::data(piece.slice(..most))), (body, Some(left))))
        });
        BodyExt::boxed_unsync(StreamBody::new(pieces))
    })
}

/// The next piece of a body; trailers are none.
async fn data(body: &mut Body) -> Option<io::Result<Bytes>> {
    loop {
        match body.frame().await? {
            Err(error) => return Some(Err(error)),
            Ok(frame) => {
                if let Ok(piece) = frame.into_data() {
                    return Some(Ok(piece));
                }
            }
        }
    }
}

impl ExecCut {
    /// The command's output up to the cut, and what ends the conversation there or with the server.
    pub fn of(self, session: ExecSession, stop: &CancellationToken) -> (ExecSession, CancellationToken) {
        let cut = stop.child_token();
        let ExecSession { stdin, output: mut source, exit } = session;
        let (sender, output) = mpsc::channel(1);
        let ends = cut.clone();
        let mut left = usize::try_from(self.0).unwrap_or(usize::MAX);
        tokio::spawn(async move {
            while left > 0 {
                let Some(piece) = source.recv().await else { return };
                let (bytes, wrap): (Bytes, fn(Bytes) -> Output) = match piece {
                    Output::Stdout(bytes) => (bytes, Output::Stdout),
                    Output::Stderr(bytes) => (bytes, Output::Stderr),
                };
                let most = left.min(bytes.len());
                left -= most;
                if sender.send(wrap(bytes.slice(..most))).await.is_err() {
                    return;
                }
            }
            // Once there is room again the writer has taken the last piece.
            let _ = sender.reserve().await;
            ends.cancel();
            // Until the conversation is over the output must not look as if it had ended.
            sender.closed().await;
        });
        (ExecSession { stdin, output, exit }, cut)
    }
}
