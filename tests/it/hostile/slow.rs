//! Whoever sends a byte now and then, or nothing any more, is stopped after a time, and told so. No time passes here but by a clock that is moved by hand.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fixtures::carrier::{CarrierCluster, Commands, Output, is_listing};
use fixtures::hostile::world::{Deployment, TASK};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use shared::clock::{Clock, ManualClock, later};
use shared::effects::keep;
use shared::error::Error;
use shared::files::logs::{self, Cut, Patience};
use shared::files::outputs::{self, Collected};
use shared::run::record::{CollectionProgress, Record};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::tar::{END, file, member, output, plain};

/// What a collection has of an invocation.
const TIME: Duration = Duration::from_secs(285);

/// Nothing, and no end.
struct Silence;

impl AsyncRead for Silence {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

/// The same piece for ever, each after a pause.
struct Drip {
    clock: ManualClock,
    pause: Duration,
    piece: &'static [u8],
}

impl AsyncRead for Drip {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.clock.advance(self.pause);
        let length = buffer.remaining().min(self.piece.len());
        buffer.put_slice(&self.piece[..length]);
        Poll::Ready(Ok(()))
    }
}

/// A deployment with one run, whose files are `a.txt`, `b.txt` and `c.txt`.
struct Scene {
    deployment: Deployment,
    record: Record,
}

impl Scene {
    fn new(commands: impl FnOnce(ManualClock) -> Commands) -> Scene {
        let deployment =
            Deployment::new(|clock| Arc::new(CarrierCluster::new(clock.clone(), commands(clock))));
        let record = deployment.run_of(TASK);
        Scene { deployment, record }
    }

    /// A carrier whose listing is well, and in whose archives this follows the header of `b.txt`.
    fn with_b(rest: impl Fn(&ManualClock) -> Output + Send + Sync + 'static) -> Scene {
        let listing = plain(&[("./a.txt", 5), ("./b.txt", 1000), ("./c.txt", 5)]);
        Scene::new(move |clock| {
            Box::new(move |command| match is_listing(command) {
                true => (output(listing.clone()), Ok(())),
                false => (archive(command, || rest(&clock)), Ok(())),
            })
        })
    }

    /// What one invocation brings back; the next one carries on.
    async fn invocation(&mut self) -> Result<Collected, Error> {
        let until = later(self.deployment.clock.now(), TIME);
        let cluster = self.deployment.cluster.as_ref();
        let collected = outputs::collect(&self.deployment.environment, cluster, &self.record, until).await;
        let rounds = self.record.collection.as_ref().map_or(0, |progress| progress.rounds) + 1;
        self.record.collection = Some(CollectionProgress { attempt: 1, rounds });
        collected
    }
}

/// The files that are asked for; after the header of `b.txt` comes something else.
fn archive(command: &[String], rest: impl Fn() -> Output) -> Output {
    let mut bytes = Vec::new();
    for name in command.iter().filter(|word| word.starts_with("./")) {
        if name == "./b.txt" {
            bytes.extend(member(name.as_bytes(), b'0', b"00000001750\0", b""));
            return Box::new(std::io::Cursor::new(bytes).chain(rest()));
        }
        bytes.extend(file(name, b"hello"));
    }
    output([bytes, END.to_vec()].concat())
}

fn paths(collected: &Collected) -> Vec<&str> {
    collected.files.iter().map(|file| file.path.as_str()).collect()
}

#[tokio::test]
async fn a_file_that_drips_is_lost_when_it_has_had_an_invocation_to_itself_and_the_others_come() {
    let mut scene = Scene::with_b(|clock| {
        Box::new(Drip { clock: clock.clone(), pause: Duration::from_secs(10), piece: b"x" })
    });
    let first = scene.invocation().await.unwrap();
    assert_eq!((paths(&first), first.unfinished), (vec!["a.txt"], true));
    let second = scene.invocation().await.unwrap();
    assert_eq!((paths(&second), second.unfinished), (vec!["a.txt"], true));
    let last = scene.invocation().await.unwrap();
    assert_eq!((paths(&last), last.unfinished), (vec!["a.txt", "c.txt"], false));
    assert_eq!(
        last.lost,
        [
            "output file `b.txt` could not be brought back: it had not ended after 290 s, and 29 of 1000 bytes had come"
        ]
    );
}

#[tokio::test]
async fn a_file_that_falls_silent_is_lost_after_the_second_time_and_the_ones_behind_it_come() {
    let mut scene = Scene::with_b(|_| Box::new(Silence));
    let began = scene.deployment.clock.now();
    let collected = scene.invocation().await.unwrap();
    assert_eq!((paths(&collected), collected.unfinished), (vec!["a.txt", "c.txt"], false));
    assert_eq!(
        collected.lost,
        [
            "output file `b.txt` could not be brought back: nothing came of it for 60 s, and 0 of 1000 bytes had come"
        ]
    );
    assert_eq!(scene.deployment.clock.now(), later(began, Duration::from_secs(120)));
}

#[tokio::test]
async fn a_file_that_is_slow_but_comes_is_brought_back() {
    let content = |clock: &ManualClock| -> Output {
        let drip = Drip { clock: clock.clone(), pause: Duration::from_secs(2), piece: b"0123456789" };
        let rest = [vec![0; 24], END.to_vec()].concat();
        Box::new(drip.take(1000).chain(std::io::Cursor::new(rest)))
    };
    let listing = plain(&[("./b.txt", 1000)]);
    let mut scene = Scene::new(move |clock| {
        Box::new(move |command| match is_listing(command) {
            true => (output(listing.clone()), Ok(())),
            false => (archive(command, || content(&clock)), Ok(())),
        })
    });
    let collected = scene.invocation().await.unwrap();
    assert_eq!((paths(&collected), &collected.lost), (vec!["b.txt"], &Vec::new()));
    assert_eq!(collected.files[0].size, 1000);
}

#[tokio::test]
async fn a_listing_that_falls_silent_is_asked_for_again_and_given_up_in_time() {
    for (silent, comes) in [(1, true), (usize::MAX, false)] {
        let listing = plain(&[("./a.txt", 5)]);
        let asked = AtomicUsize::new(0);
        let mut scene = Scene::new(move |_| {
            Box::new(move |command| {
                if !is_listing(command) {
                    return (archive(command, || Box::new(Silence)), Ok(()));
                }
                match asked.fetch_add(1, Ordering::Relaxed) < silent {
                    true => (Box::new(Silence) as Output, Ok(())),
                    false => (output(listing.clone()), Ok(())),
                }
            })
        });
        let began = scene.deployment.clock.now();
        let collected = scene.invocation().await;
        assert!(scene.deployment.clock.now() <= later(began, TIME));
        match collected {
            Ok(collected) => assert!(comes && paths(&collected) == ["a.txt"], "{collected:?}"),
            Err(error) => {
                let words = shared::error::chain(&error);
                assert!(!comes && words.contains("broke off: it had not ended after 45 s"), "{words}");
            }
        }
    }
}

/// What is stored of a log that comes like this, each time that it is asked for.
async fn stored(
    log: impl Fn(ManualClock, usize) -> BoxStream<'static, std::io::Result<Bytes>> + Send + Sync + 'static,
) -> Result<logs::Collected, Error> {
    let deployment = Deployment::new(|clock| {
        let moved = clock.clone();
        let asked = AtomicUsize::new(0);
        let cluster = CarrierCluster::new(clock, Box::new(|_| (output(vec![]), Ok(()))));
        Arc::new(
            cluster.with_log(Box::new(move || log(moved.clone(), asked.fetch_add(1, Ordering::Relaxed)))),
        )
    });
    let record = deployment.run_of(TASK);
    let now = deployment.clock.now();
    let patience = Patience { late: later(now, Duration::from_secs(30)), until: later(now, TIME / 2) };
    let cluster = deployment.cluster.as_ref();
    let log = logs::collect(&deployment.environment, cluster, &record, "main", None, patience).await;
    assert!(deployment.clock.now() < later(now, TIME), "there is time left for files");
    log.map(|log| log.unwrap())
}

const LINE: &[u8] = b"2026-11-21T03:00:01Z hello\n";

#[tokio::test]
async fn a_log_that_drips_is_stored_as_far_as_it_came() {
    let log = stored(|clock, _| {
        let drip = stream::repeat_with(move || {
            clock.advance(Duration::from_secs(10));
            Ok(Bytes::from_static(LINE))
        });
        drip.boxed()
    });
    let log = log.await.unwrap();
    assert_eq!((log.cut, log.object.size), (Some(Cut::Slow), 15 * LINE.len() as u64));
}

#[tokio::test]
async fn a_log_that_falls_silent_is_read_by_another_connection() {
    let log = stored(|_, asked| match asked {
        0 => stream::iter([Ok(Bytes::from_static(LINE))]).chain(stream::pending()).boxed(),
        _ => stream::iter([Ok(Bytes::from_static(LINE)), Ok(Bytes::from_static(LINE))]).boxed(),
    });
    let log = log.await.unwrap();
    assert_eq!((log.cut, log.object.size), (None, 2 * LINE.len() as u64));
    let never = stored(|_, _| stream::pending().boxed()).await;
    let words = never.err().map(|error| shared::error::chain(&error)).unwrap_or_default();
    assert!(words.contains("nothing came of it for 20 s"), "{words}");
}

#[tokio::test]
async fn a_carrier_that_is_told_to_end_and_says_nothing_holds_nobody() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let deployment = Deployment::new(|clock| {
        let commands: Commands = Box::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            (Box::new(Silence), Ok(()))
        });
        Arc::new(CarrierCluster::new(clock, commands))
    });
    let record = deployment.run_of(&TASK.replace("\"outputFiles\"", "\"delete\": false, \"outputFiles\""));
    deployment.clock.advance(Duration::from_secs(60));
    let begun = deployment.clock.now();
    let told = keep::to_its_end(&deployment.environment, &record).await;
    assert!(told.is_ok(), "the pod's own limit ends it: {told:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let took = shared::clock::between(begun, deployment.clock.now());
    assert!(took <= Duration::from_secs(15), "{took:?}");
}
