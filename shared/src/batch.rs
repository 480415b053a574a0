//! Batches from a queue: every message on its own, failures reported one by one.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::Error;

/// The batch in an invocation's payload; `None` when it is no event of a queue.
pub fn of(payload: &Value) -> Option<SqsEvent> {
    payload.get("Records")?.get(0)?.get("messageId")?;
    serde_json::from_value(payload.clone()).ok()
}

/// Handle every message, side by side. A message that fails is delivered again by the queue; its failure is logged here and nowhere else.
pub async fn each<F>(event: SqsEvent, handle: impl Fn(SqsMessage) -> F) -> SqsBatchResponse
where
    F: Future<Output = Result<(), Error>>,
{
    let outcomes = join_all(event.records.into_iter().map(|message| {
        let id = message.message_id.clone().unwrap_or_default();
        let handled = handle(message);
        async move { (id, handled.await) }
    }));
    let mut response = SqsBatchResponse::default();
    for (id, outcome) in outcomes.await {
        if let Err(error) = outcome {
            tracing::error!(
                message.id = id,
                error.kind = error.kind(),
                error = error.in_full(),
                "the message could not be handled; it will be delivered again"
            );
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// The deadline that the runtime gave (milliseconds since 1970).
pub fn deadline(milliseconds: u64) -> Timestamp {
    i64::try_from(milliseconds)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or(Timestamp::MAX)
}
