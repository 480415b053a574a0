//! Whoever writes forever is stopped after a number of bytes, and told so.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use fixtures::carrier::{CarrierCluster, Output, is_listing};
use fixtures::hostile::world::{Deployment, TASK};
use futures::StreamExt;
use futures::stream;
use shared::files::logs;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::tar::{END, collect, file, member, output, plain};

/// The same bytes again and again.
struct Again {
    bytes: Vec<u8>,
    at: usize,
}

impl AsyncRead for Again {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        while buffer.remaining() > 0 {
            let end = (self.at + buffer.remaining()).min(self.bytes.len());
            buffer.put_slice(&self.bytes[self.at..end]);
            self.at = end % self.bytes.len();
        }
        Poll::Ready(Ok(()))
    }
}

fn forever(before: Vec<u8>, again: Vec<u8>) -> Output {
    Box::new(std::io::Cursor::new(before).chain(Again { bytes: again, at: 0 }))
}

#[tokio::test]
async fn an_archive_without_an_end_is_given_up() {
    let archives: [(&str, Vec<u8>, Vec<u8>); 5] = [
        ("members that were not asked for", vec![], file("./other", b"x")),
        ("empty members that were not asked for", vec![], file("./other", b"")),
        (
            "a member of gigabytes that was not asked for",
            member(b"./big", b'0', b"77777777777\0", b""),
            vec![0; 4096],
        ),
        ("a name of gigabytes", member(b"././@LongLink", b'L', b"77777777777\0", b""), vec![b'n'; 4096]),
        ("directories", vec![], member(b"./d", b'5', b"00000000000\0", b"")),
    ];
    for (what, before, again) in archives {
        let listing = plain(&[("./a.txt", 5)]);
        let outcome = collect(Box::new(move |command| match is_listing(command) {
            true => (output(listing.clone()), Ok(())),
            false => (forever(before.clone(), again.clone()), Ok(())),
        }))
        .await;
        assert_eq!(
            outcome.lost(),
            "output file `a.txt` could not be brought back: it holds more than what was asked for",
            "{what}"
        );
    }
}

#[tokio::test]
async fn what_comes_after_the_last_file_is_read_to_a_point() {
    let listing = plain(&[("./a.txt", 5)]);
    let archive = [&file("./a.txt", b"hello")[..], &END].concat();
    let outcome = collect(Box::new(move |command| match is_listing(command) {
        true => (output(listing.clone()), Ok(())),
        false => (forever(archive.clone(), vec![7; 4096]), Ok(())),
    }))
    .await;
    assert_eq!(outcome.stored["a.txt"], b"hello");
    assert_eq!(
        outcome.warning(),
        "1 output files were brought back with a complaint: it holds more than what was asked for"
    );
}

#[tokio::test]
async fn a_listing_without_an_end_is_an_error_with_its_limit() {
    let outcome =
        collect(Box::new(|_| (forever(vec![], b"1\x0081a4 1 1:1 5\0./a\0".to_vec()), Ok(())))).await;
    let error = outcome.collected.unwrap_err();
    let words = shared::error::chain(&error);
    assert!(words.contains("longer than 16777216 bytes; write fewer files or pack them"), "{words}");
}

#[tokio::test]
async fn a_log_without_an_end_is_cut_and_says_so() {
    const MOST: u64 = 1000;
    let line = Bytes::from_static(b"2026-11-21T03:00:01Z ::{\"outputs\":{\"a\":1}}::\n");
    let deployment = Deployment::new(|clock| {
        std::sync::Arc::new(CarrierCluster::new(clock, Box::new(|_| (output(vec![]), Ok(())))))
    });
    let record = deployment.run_of(TASK);
    for (lines, cut) in [(usize::MAX, true), (3, false)] {
        let log = stream::repeat(line.clone()).map(Ok).take(lines).boxed();
        let container = format!("main-{cut}");
        let stored =
            logs::store_at_most(&deployment.environment, &record, &container, None, log, MOST).await.unwrap();
        assert_eq!(
            (stored.cut == Some(logs::Cut::Long), stored.object.size),
            (cut, MOST.min((lines as u64).saturating_mul(line.len() as u64)))
        );
        assert_eq!(stored.said.outputs.len(), 1, "what came before counts");
    }
}
