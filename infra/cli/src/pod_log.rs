//! The log of a container while it is written.

use std::time::Duration;

use futures::io::BufReader;
use futures::{AsyncBufReadExt, AsyncRead};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use tokio::sync::mpsc;

/// How often a broken stream is opened again before the stored log has to do.
const MAX_RECONNECTS: u32 = 5;
const RECONNECT_AFTER: Duration = Duration::from_millis(200);
/// A longer line is cut into several.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// One line of one container, without its line break; bytes that are no UTF-8 are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Name of the container.
    pub container: String,
    /// The text.
    pub text: String,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the pod.
    pub pod: String,
    /// Name of the container.
    pub container: String,
    /// Until the container ends, not only what there is.
    pub follow: bool,
    /// Each line begins with its time.
    pub timestamps: bool,
}

/// Send the lines of a container until its log ends or nobody listens. After a broken connection the log is read from its beginning and the
/// lines that were sent are skipped. The answer is the container's name if its log was read to the end.
pub async fn read(pods: Api<Pod>, source: Source, lines: mpsc::Sender<Line>) -> Option<String> {
    let mut sent = 0;
    for _ in 0..=MAX_RECONNECTS {
        let parameters = LogParams {
            container: Some(source.container.clone()),
            follow: source.follow,
            timestamps: source.timestamps,
            ..LogParams::default()
        };
        if let Ok(stream) = pods.log_stream(&source.pod, &parameters).await
            && forward(stream, &source.container, &mut sent, &lines).await.is_ok()
        {
            return Some(source.container);
        }
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
    None
}

/// Read a log to its end; `sent` counts lines and says how many to skip.
async fn forward(
    stream: impl AsyncRead + Unpin,
    container: &str,
    sent: &mut usize,
    lines: &mpsc::Sender<Line>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut skip = *sent;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if read_line(&mut reader, &mut bytes).await? == 0 {
            return Ok(());
        }
        if skip > 0 {
            skip -= 1;
            continue;
        }
        *sent += 1;
        let line = Line { container: container.to_owned(), text: text(&bytes) };
        if lines.send(line).await.is_err() {
            return Ok(());
        }
    }
}

async fn read_line(
    reader: &mut (impl futures::AsyncBufRead + Unpin),
    bytes: &mut Vec<u8>,
) -> std::io::Result<usize> {
    use futures::AsyncReadExt;
    reader.take(MAX_LINE_BYTES).read_until(b'\n', bytes).await
}

/// A line without its end, as text.
pub fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_that_were_sent_before_a_break_are_skipped() {
        let (sender, mut receiver) = mpsc::channel(10);
        let mut sent = 1;
        forward(&b"one\ntwo\r\n\xffthree"[..], "main", &mut sent, &sender).await.unwrap();
        drop(sender);
        let mut texts = Vec::new();
        while let Some(line) = receiver.recv().await {
            texts.push(line.text);
        }
        assert_eq!(texts, ["two", "\u{fffd}three"]);
        assert_eq!(sent, 3);
    }

    #[tokio::test]
    async fn an_endless_line_does_not_fill_the_memory() {
        let (sender, mut receiver) = mpsc::channel(10);
        let long = vec![b'x'; 3 * 64 * 1024 + 1];
        forward(&long[..], "main", &mut 0, &sender).await.unwrap();
        drop(sender);
        let mut lengths = Vec::new();
        while let Some(line) = receiver.recv().await {
            lengths.push(line.text.len());
        }
        assert_eq!(lengths, [65536, 65536, 65536, 1]);
    }
}
