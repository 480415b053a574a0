//! The figures of issue after issue in one table: what Longshore adds to a pod, what it carries, and what it costs.
//!
//! `just bench`, or `cargo bench -p longshore-tests --bench figures -- submit poll` for some of them. Everything runs on this machine and over loopback: the
//! functions are the packaged programs behind the Lambda runtime API, the cluster is the embedded one, S3 and SQS are served from memory.

#[path = "../book/mod.rs"]
mod book;

mod bare;
mod collect;
mod desk;
mod poll;
mod population;
mod reaction;
mod start;
mod submit;
mod whole;

use anyhow::Result;
use book::Chapter;
use futures::future::BoxFuture;

/// A measurement adds rows to its chapter.
type Measure = for<'a> fn(&'a mut Chapter) -> BoxFuture<'a, Result<()>>;

/// In this order.
const ALL: [(&str, Measure); 7] = [
    ("start", |chapter| Box::pin(start::measure(chapter))),
    ("submit", |chapter| Box::pin(submit::measure(chapter))),
    ("reaction", |chapter| Box::pin(reaction::measure(chapter))),
    ("whole", |chapter| Box::pin(whole::measure(chapter))),
    ("collect", |chapter| Box::pin(collect::measure(chapter))),
    ("poll", |chapter| Box::pin(poll::with_ten_thousand(chapter))),
    ("cold", |chapter| Box::pin(poll::with_fifty_thousand(chapter))),
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let runtime = tokio::runtime::Runtime::new()?;
    let first = arguments.next();
    if first.as_deref() == Some(bare::ARGUMENT) {
        return runtime.block_on(bare::serve(arguments));
    }
    let wanted: Vec<String> = first.into_iter().chain(arguments).collect();
    runtime.block_on(measure(&wanted))
}

#[expect(clippy::print_stderr, reason = "a long benchmark tells where it is")]
async fn measure(wanted: &[String]) -> Result<()> {
    let mut failed = Vec::new();
    for (name, measure) in
        ALL.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|one| one == name))
    {
        let mut chapter = Chapter::begin(name);
        eprintln!("measuring {name} …");
        match measure(&mut chapter).await {
            Ok(()) => chapter.tell()?,
            Err(error) => {
                eprintln!("{name} could not be measured: {error:#}");
                failed.push(*name);
            }
        }
    }
    book::print()?;
    anyhow::ensure!(failed.is_empty(), "could not be measured: {}", failed.join(", "));
    Ok(())
}
