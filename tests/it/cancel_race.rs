//! Cancel against every moment of a run, in many interleavings: no pod is left, and there is exactly one result.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fixtures::jitter::Jitter;
use fixtures::queues::{MemoryQueues, Sent};
use fixtures::world::{World, batch, failed};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use shared::environment::Environment;
use shared::run::record::Record;
use shared::run::state::State;

/// Rounds for each moment; together 204.
const ROUNDS: u64 = 34;

/// Rounds side by side.
const AT_ONCE: usize = 6;

const MINUTE: Duration = Duration::from_secs(60);

/// Nothing hangs.
const ENDS_WITHIN: Duration = Duration::from_secs(90);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The submission is being read.
    NotYetCreated,
    /// The pod has been posted a moment ago.
    Pending,
    /// Its program runs.
    Running,
    /// Its program has ended, and its files are being brought back.
    Collecting,
    /// It failed, and another attempt is about to begin.
    Retrying,
    /// It has a result.
    Over,
}

const MOMENTS: [Moment; 6] = [
    Moment::NotYetCreated,
    Moment::Pending,
    Moment::Running,
    Moment::Collecting,
    Moment::Retrying,
    Moment::Over,
];

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_at_every_moment_leaves_no_pod_and_exactly_one_result() -> Result<()> {
    let world = World::new().await?;
    let rounds = MOMENTS.iter().flat_map(|moment| (0..ROUNDS).map(|seed| (*moment, seed)));
    let states: Vec<(Moment, State)> = stream::iter(rounds)
        .map(|(moment, seed)| {
            let round = Round::new(&world, moment, seed);
            async move {
                let ended = tokio::time::timeout(ENDS_WITHIN, Box::pin(round.play())).await;
                let state =
                    ended.context("the round hangs").flatten().with_context(|| round.run_id.clone())?;
                Ok::<_, anyhow::Error>((moment, state))
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    world.no_pods().await?;
    for moment in MOMENTS {
        let of_moment: Vec<State> =
            states.iter().filter(|(one, _)| *one == moment).map(|(_, state)| *state).collect();
        let cancelled = of_moment.iter().filter(|state| **state == State::Cancelled).count();
        println!("{moment}: {cancelled} of {} cancelled", of_moment.len());
        // What had ended before the mark keeps its end.
        let least = if moment == Moment::Over || moment == Moment::Collecting || moment == Moment::Retrying {
            0
        } else {
            of_moment.len()
        };
        ensure!(cancelled >= least, "{moment}: {of_moment:?}");
        ensure!(moment != Moment::Over || cancelled == 0, "{moment}: {of_moment:?}");
    }
    ensure!(states.len() >= 200);
    world.shutdown().await;
    Ok(())
}

/// One run and its cancel, with queues of its own.
struct Round<'a> {
    world: &'a World,
    environment: Environment,
    queues: Arc<MemoryQueues>,
    moment: Moment,
    seed: u64,
    run_id: String,
}

impl<'a> Round<'a> {
    fn new(world: &'a World, moment: Moment, seed: u64) -> Self {
        let queues = Arc::new(MemoryQueues::default());
        let environment = Environment {
            bucket: Arc::new(Jitter::new(world.bucket.clone(), seed)),
            queues: queues.clone(),
            ..world.environment.clone()
        };
        Round { world, environment, queues, moment, seed, run_id: format!("{moment}-{seed}") }
    }

    async fn play(&self) -> Result<State> {
        self.begin().await?;
        let act = async {
            // Some begin at once, some when the cancel is half done, some when it is over.
            for _ in 0..self.seed * 4 {
                tokio::task::yield_now().await;
            }
            self.act().await
        };
        let (acted, cancelled) = tokio::join!(act, self.cancel());
        acted?;
        cancelled?;
        self.settle().await
    }

    /// Bring the run to the moment.
    async fn begin(&self) -> Result<()> {
        match self.moment {
            Moment::NotYetCreated => Ok(()),
            Moment::Pending => self.submit().await,
            Moment::Running => {
                self.submit().await?;
                self.phase(&["Running"]).await
            }
            Moment::Collecting => {
                self.submit().await?;
                self.phase(&["Succeeded"]).await
            }
            Moment::Retrying => {
                self.submit().await?;
                self.phase(&["Failed"]).await?;
                self.look().await?;
                ensure!(self.record()?.attempt.number == 2, "no second attempt");
                Ok(())
            }
            Moment::Over => {
                self.submit().await?;
                self.phase(&["Succeeded"]).await?;
                self.look().await?;
                self.world.result(&self.run_id).context("no result").map(drop)
            }
        }
    }

    /// What happens to the run at this moment.
    async fn act(&self) -> Result<()> {
        match self.moment {
            Moment::NotYetCreated => self.submit().await,
            Moment::Retrying => self.carry_on().await,
            Moment::Pending | Moment::Running | Moment::Collecting | Moment::Over => self.look().await,
        }
    }

    fn task(&self) -> Value {
        let commands = match self.moment {
            Moment::NotYetCreated | Moment::Pending | Moment::Running => {
                "trap 'exit 0' TERM; sleep 600 & wait"
            }
            Moment::Collecting | Moment::Over => "true",
            Moment::Retrying => "exit 3",
        };
        let retry = json!({"type": "constant", "interval": "PT1S", "maxAttempts": 2});
        json!({"id": "race", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": [commands], "retry": retry})
    }

    async fn submit(&self) -> Result<()> {
        let body = json!({"task": self.task(), "runId": self.run_id});
        failed(Box::pin(submit::handle(batch("submission", &body, MINUTE), &self.environment)).await)
            .map(drop)
    }

    async fn cancel(&self) -> Result<()> {
        let body = json!({"cancel": {"runId": self.run_id, "reason": "a race"}});
        failed(Box::pin(cancel::handle(batch("cancel", &body, MINUTE), &self.environment)).await).map(drop)
    }

    /// As `poll` has it looked at.
    async fn look(&self) -> Result<()> {
        self.collect(&json!({"group": "eks-test", "runId": self.run_id})).await
    }

    async fn collect(&self, body: &Value) -> Result<()> {
        failed(Box::pin(collect::handle(batch("look", body, 5 * MINUTE), &self.environment)).await).map(drop)
    }

    async fn carry_on(&self) -> Result<()> {
        let body = json!({"continue": {"group": "eks-test", "runId": self.run_id}});
        failed(Box::pin(submit::handle(batch("carry-on", &body, MINUTE), &self.environment)).await).map(drop)
    }

    /// Hand every message on until the run has its result and its pods are gone. A look now and then is the next poll's.
    async fn settle(&self) -> Result<State> {
        loop {
            for sent in self.queues.take() {
                match sent {
                    Sent::CarryOn(..) => self.carry_on().await?,
                    Sent::LookAt(run, _) => self.collect(&serde_json::to_value(run)?).await?,
                    Sent::HandIn(_) | Sent::Answer(_) | Sent::Wake { .. } => {}
                }
            }
            if let Some(result) = self.world.result(&self.run_id)
                && self.pods().await? == 0
            {
                let key = format!("runs/{}/result.json", self.run_id);
                let writes = self.world.bucket.writes.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
                let written = writes.iter().filter(|written| **written == key).count();
                ensure!(written == 1, "{written} results");
                return Ok(result.state);
            }
            self.look().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn pods(&self) -> Result<usize> {
        let pods = self.world.client.list("default", None, None).await?.pods;
        let own =
            |pod: &_| shared::pod::identity_of(pod).is_some_and(|identity| identity.run_id == self.run_id);
        Ok(pods.iter().filter(|pod| own(pod)).count())
    }

    fn record(&self) -> Result<Record> {
        let key = format!("active/eks-test/{}.json", self.run_id);
        Ok(serde_json::from_slice(&self.world.bucket.read(&key).context("no record")?)?)
    }

    /// Wait until the pod is in a phase.
    async fn phase(&self, phases: &[&str]) -> Result<()> {
        let name = self.record()?.attempt.pod_name;
        loop {
            let pod = self.world.client.get("default", &name).await?.context("the pod is gone")?;
            if pod
                .status
                .and_then(|status| status.phase)
                .is_some_and(|phase| phases.contains(&phase.as_str()))
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
