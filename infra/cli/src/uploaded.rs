//! `longshore logs` of a run under way whose helper uploads its log in parts: no way to the cluster is needed.

use std::time::Duration;

use shared::outputs::direct::log_part;
use shared::resolve::transfer::wrapped;
use shared::run::record::Record;
use shared::run::result::RunResult;
use shared::store::keys;

use crate::cloud::Cloud;
use crate::exit::Failure;
use crate::lines::Lines;
use crate::runs;
use crate::screen::Screen;

/// How often the next part is asked for; the helper uploads every second at first, then every five.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The container whose log is uploaded while it runs; `None` where no helper does that.
pub fn container(record: &Record) -> Option<&str> {
    wrapped(&record.plan).filter(|_| record.plan.files.uploads())
}

/// The log of a run under way.
pub struct Uploaded<'a> {
    cloud: &'a Cloud,
    record: Record,
    /// Parts of this attempt that were told.
    parts: u32,
    /// Lines of this attempt that were told.
    told: usize,
}

/// Why nothing more is told.
pub enum End {
    /// The run has ended, and so many lines of its last attempt were told.
    Result(Box<RunResult>, usize),
    /// That was all, for now.
    Now,
}

impl<'a> Uploaded<'a> {
    /// Nothing is told yet.
    pub fn new(cloud: &'a Cloud, record: Record) -> Self {
        Uploaded { cloud, record, parts: 0, told: 0 }
    }

    /// Tell what has been uploaded; with `follow` what is going to be, until the run ends.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn tell(
        mut self,
        container: &str,
        follow: bool,
        lines: &mut Lines,
        screen: Screen,
    ) -> Result<End, Failure> {
        loop {
            // Both before the parts: an attempt that is over has uploaded all of its own.
            let result = runs::result(self.cloud, &self.record.run_id).await?;
            let record = runs::again(self.cloud, &self.record).await?;
            while let Some(bytes) = self.cloud.get(&self.next(container)).await? {
                self.parts += 1;
                self.told += bytes.iter().filter(|byte| **byte == b'\n').count();
                lines.write(&bytes, screen);
            }
            if let Some(result) = result {
                let told = if result.attempt == self.record.attempt.number { self.told } else { 0 };
                return Ok(End::Result(Box::new(result), told));
            }
            if !follow {
                return Ok(End::Now);
            }
            match record {
                Some(record) if record.attempt.number != self.record.attempt.number => {
                    screen.aside(&format!("attempt {}", record.attempt.number));
                    self = Uploaded::new(self.cloud, record);
                }
                // Without a record there is a result.
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    fn next(&self, container: &str) -> String {
        let part = log_part(container, self.parts.saturating_add(1));
        keys::attempt(&self.record.run_id, self.record.attempt.number, &part)
    }
}
