//! Messages, and the event source mappings that bring them to functions: batches, several instances, delays, one poll at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::function::Function;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Message {
    /// Name of its queue.
    pub queue: String,
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// How long it stays hidden.
    pub delay: Duration,
}

impl Message {
    /// A message without delay.
    pub fn new(queue: &str, id: &str, body: String) -> Message {
        Message { queue: queue.to_owned(), id: id.to_owned(), body, delay: Duration::ZERO }
    }
}

/// An event of a queue with these messages.
pub fn batch(messages: &[Message]) -> Value {
    let record = |message: &Message| {
        json!({
            "messageId": message.id, "receiptHandle": "handle", "body": message.body, "attributes": {},
            "messageAttributes": {}, "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{}", message.queue),
            "awsRegion": "us-east-1",
        })
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

/// A queue and the instances of the function that reads it.
pub struct Mapping {
    /// Name of the queue.
    pub queue: &'static str,
    /// Messages of one invocation at most.
    pub batch_size: usize,
    /// What the function is told.
    pub timeout: Duration,
    /// Instances; as many invocations are under way at most.
    pub instances: Vec<Arc<Function>>,
}

/// Bring messages to functions until this is dropped. Delayed messages of more than a minute are dropped: no benchmark lasts that long. Failures of single
/// messages are none of the mapping's business, whoever waits for results sees them.
pub struct Mappings {
    _all: JoinSet<()>,
}

impl Mappings {
    /// Begin.
    pub fn begin(mut messages: mpsc::UnboundedReceiver<Message>, mappings: Vec<Mapping>) -> Mappings {
        let mut all = JoinSet::new();
        let mut doors = BTreeMap::new();
        for mapping in mappings {
            let (door, queue) = mpsc::unbounded_channel();
            doors.insert(mapping.queue, door);
            let queue = Arc::new(Mutex::new(queue));
            for instance in mapping.instances {
                let (queue, batch_size, timeout) = (queue.clone(), mapping.batch_size, mapping.timeout);
                all.spawn(async move { work(&queue, &instance, batch_size, timeout).await });
            }
        }
        all.spawn(async move {
            while let Some(message) = messages.recv().await {
                let Some(door) = doors.get(message.queue.as_str()).cloned() else { continue };
                if message.delay.is_zero() {
                    let _ = door.send(message);
                } else if message.delay <= Duration::from_secs(60) {
                    tokio::spawn(async move {
                        tokio::time::sleep(message.delay).await;
                        let _ = door.send(message);
                    });
                }
            }
        });
        Mappings { _all: all }
    }
}

/// One instance: takes what waits, invokes, and again.
async fn work(
    queue: &Mutex<mpsc::UnboundedReceiver<Message>>,
    instance: &Function,
    batch_size: usize,
    timeout: Duration,
) {
    loop {
        let mut messages = Vec::with_capacity(batch_size);
        if queue.lock().await.recv_many(&mut messages, batch_size).await == 0 {
            return;
        }
        let answered: Result<Value> = instance.invoke(&batch(&messages), timeout).await;
        // The process was ended, or answers nonsense: what is missing is missed by whoever waits for it.
        drop(answered);
    }
}
