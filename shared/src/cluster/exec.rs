//! Commands in a container, over WebSocket.
//!
//! The frames are read here and not through `kube`'s own process type, whose standard output never ends when the connection breaks off.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::ready;
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::Resource;
use kube::api::AttachParams;
use kube::core::{Request, Status};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::io::StreamReader;

use super::client::Command;
use super::error::ClusterError;

/// How much of standard error goes into an error's words.
const STDERR_KEPT: usize = 4096;

/// Start a command. Its standard error is kept for the error's words.
///
/// # Errors
/// When the API server refuses the exec: no right, no such container, pod ended.
pub async fn start(
    client: &Client,
    namespace: &str,
    pod: &str,
    container: &str,
    command: &[String],
) -> Result<Command, ClusterError> {
    let operation = format!("run a command in container `{container}` of pod `{namespace}/{pod}`");
    let parameters = AttachParams::default().container(container).stdin(false).stdout(true).stderr(true);
    let request = Request::new(Pod::url_path(&(), Some(namespace))).exec(pod, command, &parameters);
    let request =
        request.map_err(|error| ClusterError::from_kube(&operation, kube::Error::BuildRequest(error)))?;
    let connection = client.connect(request).await.map_err(|error| upgrade_error(&operation, error))?;
    let words = command.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
    let frames = connection.into_stream().filter_map(|message| {
        ready(match message {
            Ok(Message::Binary(frame)) => Some(Ok(frame)),
            Ok(_) => None,
            Err(error) => Some(Err(std::io::Error::other(error))),
        })
    });
    Ok(read(frames, words, container.to_owned()))
}

/// A command whose binary messages are these, as an API server sends them: the first byte is the channel.
pub fn read(
    frames: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    command: String,
    container: String,
) -> Command {
    let ending = Arc::new(Mutex::new(Ending::default()));
    let frames = Frames { socket: Box::pin(frames), ending: ending.clone() };
    let outcome = Box::pin(async move {
        let ending = std::mem::take(&mut *ending.lock().unwrap_or_else(PoisonError::into_inner));
        let outcome = match &ending.status {
            Some(status) if status.is_success() => return Ok(()),
            Some(status) => format!("failed: {} {}", status.message, ending.complaint()),
            None => format!("was cut off before it ended {}", ending.complaint()),
        };
        Err(ClusterError::Command { command, container, outcome: outcome.trim().to_owned() })
    });
    Command { stdout: Box::new(StreamReader::new(frames)), outcome }
}

/// An upgrade that was refused carries only the HTTP status.
fn upgrade_error(operation: &str, error: kube::Error) -> ClusterError {
    use kube::client::UpgradeConnectionError;
    match error {
        kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) => ClusterError::Api {
            operation: operation.to_owned(),
            status: status.as_u16(),
            reason: String::new(),
            message: "the connection was not upgraded".to_owned(),
            retry_after: None,
        },
        other => ClusterError::from_kube(operation, other),
    }
}

/// What is known of a command besides its output.
#[derive(Default)]
struct Ending {
    status: Option<Status>,
    stderr: Vec<u8>,
}

impl Ending {
    fn complain(&mut self, bytes: &[u8]) {
        self.stderr.extend_from_slice(bytes);
        let surplus = self.stderr.len().saturating_sub(STDERR_KEPT);
        self.stderr.drain(..surplus);
    }

    fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }
}

/// The frames of an exec as its standard output: channel 1 is handed out, 2 kept, 3 ends it
/// (<https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go>).
struct Frames<S> {
    socket: Pin<Box<S>>,
    ending: Arc<Mutex<Ending>>,
}

impl<S: Stream<Item = std::io::Result<Bytes>>> Stream for Frames<S> {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Poll::Ready(frame) = self.socket.as_mut().poll_next(context) else { return Poll::Pending };
            let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
            match frame {
                Some(Ok(frame)) => match frame.split_first() {
                    Some((1, rest)) if !rest.is_empty() => return Poll::Ready(Some(Ok(frame.slice(1..)))),
                    Some((2, rest)) => ending.complain(rest),
                    Some((3, rest)) => ending.status = serde_json::from_slice(rest).ok(),
                    Some(_) | None => {}
                },
                _ if ending.status.is_some() => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let cut = std::io::Error::new(
                        std::io::ErrorKind::UnexpectedEof,
                        "the connection ended before the command",
                    );
                    return Poll::Ready(Some(Err(cut)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn outcome(frames: &[&[u8]]) -> (std::io::Result<Vec<u8>>, Result<(), ClusterError>) {
        let frames: Vec<std::io::Result<Bytes>> =
            frames.iter().map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
        let mut command = read(futures::stream::iter(frames), "tar".to_owned(), "out-files".to_owned());
        let mut bytes = Vec::new();
        let output = command.stdout.read_to_end(&mut bytes).await.map(|_| bytes);
        (output, command.outcome.await)
    }

    #[tokio::test]
    async fn output_ends_with_the_status_and_complaints_are_kept() {
        let (output, outcome) = outcome(&[
            b"\x01",
            b"\x01one ",
            b"\x02oops",
            b"\x01two",
            b"\x03{\"status\":\"Failure\",\"message\":\"m\"}",
        ])
        .await;
        assert_eq!(output.unwrap(), b"one two");
        let words = outcome.unwrap_err().to_string();
        assert!(words.contains("failed: m oops"), "{words}");
    }

    #[tokio::test]
    async fn a_connection_that_breaks_off_is_an_error_and_no_end() {
        let (output, outcome) = outcome(&[b"\x01half"]).await;
        assert_eq!(output.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
        assert!(outcome.unwrap_err().to_string().contains("cut off"));
    }
}
