//! One invocation of a function: the real handler, polled when the scheduler says so.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use fixtures::memory::MemoryBucket;
use jiff::Timestamp;
use lambda_runtime::{Context, Error, LambdaEvent};
use serde_json::{Value, json};
use shared::cluster::access::Access;
use shared::config::Config;
use shared::environment::Environment;
use shared::store::allowed::Allowed;
use trigger::rules::Rules;

use crate::bucket::{Journal, SimulatedBucket};
use crate::cluster::client::{Client, Posted};
use crate::cluster::model::Model;
use crate::gate::Gate;
use crate::mutation::Mutation;
use crate::queues::{Function, Heard, Letter, PostOffice, Sender};

/// A process that has started and may be used again: what it has learned, and its name.
#[derive(Clone)]
pub struct Instance {
    access: Arc<Access>,
    writer: String,
}

impl Instance {
    /// A cold start.
    pub fn new(function: Function, number: u64) -> Instance {
        Instance { access: Arc::default(), writer: format!("{function:?}-{number}") }
    }
}

/// Everything outside the functions.
#[derive(Clone)]
pub struct Surroundings {
    /// The bucket.
    pub memory: Arc<MemoryBucket>,
    /// Who has changed it.
    pub journal: Journal,
    /// The queues.
    pub office: Arc<Mutex<PostOffice>>,
    /// The cluster.
    pub model: Arc<Mutex<Model>>,
    /// What waiting states were told.
    pub heard: Heard,
    /// A promise that is broken on purpose.
    pub mutation: Option<Mutation>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An invocation under way.
pub struct Invocation {
    /// Its number.
    pub number: u64,
    /// The function.
    pub function: Function,
    /// Before its effects.
    pub gate: Arc<Gate>,
    /// The messages that it handles.
    pub letters: Vec<Letter>,
    /// It is killed then.
    pub deadline: Timestamp,
    /// The process stands still until then.
    pub stalled_until: Option<Timestamp>,
    /// The step at which it began.
    pub began: u64,
    /// Pods whose creation was answered.
    pub posted: Posted,
    /// Its process.
    pub instance: Instance,
    woken: Arc<Woken>,
    future: Pin<Box<dyn Future<Output = Result<Value, Error>>>>,
}

impl Invocation {
    /// Begin.
    pub fn new(
        number: u64,
        function: Function,
        letters: Vec<Letter>,
        instance: Instance,
        around: &Surroundings,
        (gate, deadline, began): (Arc<Gate>, Timestamp, u64),
    ) -> Invocation {
        let posted = Posted::default();
        let environment = environment(number, function, &instance, around, &gate, &posted);
        let event = event(&letters, deadline);
        let future: Pin<Box<dyn Future<Output = Result<Value, Error>>>> = match function {
            Function::Submit => Box::pin(async move {
                submit::handle(event, &environment).await.map_err(|failure| failure.error_message.into())
            }),
            Function::Collect => Box::pin(async move { collect::handle(event, &environment).await }),
            Function::Poll => Box::pin(async move { poll::handle(event, &environment).await }),
            Function::Cancel => Box::pin(async move { cancel::handle(event, &environment).await }),
            Function::Notify => Box::pin(async move { notify::handle(event, &environment).await }),
            Function::Trigger => {
                Box::pin(async move { trigger::handle(event, &environment, &Rules::default()).await })
            }
        };
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        Invocation {
            number,
            function,
            gate,
            letters,
            deadline,
            stalled_until: None,
            began,
            posted,
            instance,
            woken,
            future,
        }
    }

    /// Let it run as far as it can without another effect; the answer, when it has one.
    pub fn run(&mut self) -> Option<Result<Value, Error>> {
        let waker = Waker::from(self.woken.clone());
        while self.woken.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(answer) = self.future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
                return Some(answer);
            }
        }
        None
    }

    /// The pods whose creation was answered: run, attempt, uid.
    pub fn posted(&self) -> Vec<(String, u32, String)> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn environment(
    number: u64,
    function: Function,
    instance: &Instance,
    around: &Surroundings,
    gate: &Arc<Gate>,
    posted: &Posted,
) -> Environment {
    let bucket = Arc::new(SimulatedBucket {
        memory: around.memory.clone(),
        gate: gate.clone(),
        journal: around.journal.clone(),
        invocation: number,
        mutation: around.mutation,
    });
    let sender = Arc::new(Sender {
        office: around.office.clone(),
        gate: gate.clone(),
        heard: around.heard.clone(),
        function,
        mutation: around.mutation,
    });
    let client = Client {
        model: around.model.clone(),
        gate: gate.clone(),
        posted: posted.clone(),
        mutation: around.mutation,
    };
    Environment {
        config: Config {
            bucket: "bucket".into(),
            submissions_queue: "submissions".into(),
            collect_queue: "collect".into(),
            wake_queue: "wake".into(),
            notify_queue: "notify".into(),
            event_bus: None,
            cluster: Some("simulated".into()),
            namespace: "default".into(),
            presign_endpoint: None,
            input_objects: Allowed::default(),
            helper_image: None,
            signing_seconds: shared::config::SIGNING_SECONDS,
            metrics: None,
        },
        clock: gate.clone(),
        bucket: bucket.clone(),
        files: bucket,
        queues: sender.clone(),
        answers: sender,
        clusters: Arc::new(client),
        directory: Arc::default(),
        access: instance.access.clone(),
        writer: instance.writer.clone(),
    }
}

/// A batch as the event source mapping delivers it.
fn event(letters: &[Letter], deadline: Timestamp) -> LambdaEvent<Value> {
    let record = |letter: &Letter| {
        json!({
            "messageId": letter.id,
            "receiptHandle": "handle",
            "body": letter.body,
            "attributes": {"ApproximateReceiveCount": letter.receives.to_string()},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
        })
    };
    let payload = json!({"Records": letters.iter().map(record).collect::<Vec<_>>()});
    let mut context = Context::default();
    context.request_id = letters.first().map(|letter| format!("request-{}", letter.id)).unwrap_or_default();
    context.deadline = u64::try_from(deadline.as_millisecond()).unwrap_or(0);
    LambdaEvent::new(payload, context)
}
