//! What AWS asks for, from one file with its sources.

use serde::Deserialize;

/// The table: list prices without free tiers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prices {
    /// AWS region.
    pub region: String,
    /// Year and month in which the pages below were read.
    pub as_of: String,
    /// Functions.
    pub lambda: Lambda,
    /// The bucket.
    pub s3: S3,
    /// Queues.
    pub sqs: Sqs,
    /// The functions' logs.
    pub logs: Logs,
    /// The event that tells the end of a run.
    pub event_bridge: EventBridge,
}

/// Prices of Lambda.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lambda {
    /// Where they are published.
    pub source: String,
    /// Invocations.
    pub usd_per_million_requests: f64,
    /// Time with memory, arm64.
    pub usd_per_gb_second_arm64: f64,
    /// Time with memory, x86_64.
    pub usd_per_gb_second_x86: f64,
}

/// Prices of S3.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct S3 {
    /// Where they are published.
    pub source: String,
    /// PUT, COPY, POST and LIST.
    pub usd_per_thousand_puts_and_lists: f64,
    /// GET and HEAD. DELETE is free.
    pub usd_per_thousand_gets: f64,
}

/// Prices of SQS.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sqs {
    /// Where they are published.
    pub source: String,
    /// Requests to standard queues, each of up to 64 KiB.
    pub usd_per_million_standard: f64,
    /// Requests to FIFO queues.
    pub usd_per_million_fifo: f64,
}

/// Prices of CloudWatch Logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logs {
    /// Where they are published.
    pub source: String,
    /// Text that is taken in.
    pub usd_per_gb_ingested: f64,
}

/// Prices of EventBridge.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventBridge {
    /// Where they are published.
    pub source: String,
    /// Custom events.
    pub usd_per_million_events: f64,
}

impl Prices {
    /// The table of this build; nothing when it cannot be read, which a test rules out.
    pub fn published() -> Option<Prices> {
        serde_json::from_str(include_str!("prices.json")).ok()
    }

    /// Where the prices were read.
    pub fn sources(&self) -> [&str; 5] {
        [&self.lambda.source, &self.s3.source, &self.sqs.source, &self.logs.source, &self.event_bridge.source]
    }
}
