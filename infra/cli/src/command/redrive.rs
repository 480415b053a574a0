//! `longshore redrive`

use clap::ValueEnum as _;
use serde_json::json;

use crate::arguments::{Queue, Redrive};
use crate::cloud::Whose;
use crate::dead_letters::DeadLetters;
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::screen::Screen;
use crate::stack;

/// Move messages out of dead-letter queues, each with the id that it had at first.
///
/// # Errors
/// When no stack runs (exit code 3), or a queue cannot be reached or has no dead letters.
pub async fn redrive(arguments: &Redrive, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let (sdk, whose, urls) = match &arguments.queue_url {
        Some(url) => (shared::cluster::aws::configure().await, Whose::Aws, vec![url.clone()]),
        None => {
            let endpoints = stack::running(environment)?;
            let url = |queue| match queue {
                Queue::Submissions => endpoints.submissions_queue.clone(),
                Queue::Collect => endpoints.collect_queue.clone(),
                Queue::Notify => endpoints.notify_queue.clone(),
                Queue::Uploads => endpoints.uploads_queue.clone(),
                Queue::Cancel => endpoints.cancel_queue.clone(),
            };
            let all = Queue::value_variants();
            let chosen = arguments.queue.map_or_else(|| all.to_vec(), |queue| vec![queue]);
            (local::aws::configure(&endpoints), Whose::Stack, chosen.into_iter().map(url).collect())
        }
    };
    let client = aws_sdk_sqs::Client::new(&sdk);
    let mut moved = 0;
    for url in &urls {
        moved += DeadLetters::of(&client, whose, url).await?.move_back().await?;
    }
    match (arguments.json, moved) {
        (true, _) => screen.line(&json!({ "moved": moved }).to_string()),
        (false, 1) => screen.note("1 message was moved back"),
        (false, _) => screen.note(&format!("{moved} messages were moved back")),
    }
    Ok(SUCCEEDED)
}
