//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use shared::spec::selector::Selector;

use crate::cost::bill::Architecture;
use crate::exit;
use crate::inputs::Input;

/// Run tasks as Kubernetes pods, on a local stack that is the deployed one.
#[derive(Debug, Parser)]
#[command(name = "longshore", version, after_help = exit::HELP, max_term_width = 110)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a task on the local stack and bring back its log, outputs and files
    Run(Box<Run>),
    /// Start the local stack, or say where the running one is
    Up(Up),
    /// Stop the local stack and everything in it
    Down,
    /// Print shell exports for the running stack: eval "$(longshore env)"
    Env,
    /// Send a task to the running stack and return at once
    Submit(Submit),
    /// Say where a run is, or how it ended
    Status(Status),
    /// Print the log of a run
    Logs(Logs),
    /// List the active runs and the latest results
    List(List),
    /// End a run, or all that labels select
    Cancel(Cancel),
    /// Move what failed five times from the dead-letter queues back, under its old run ids
    Redrive(Redrive),
    /// Print the pod that a task would become; no stack, no side effect
    Render(Render),
    /// Print the JSON Schema of a task document, for editors
    Schema,
    /// Say why a pod failed, from its JSON
    Diagnose(Diagnose),
    /// Say whether everything that a task needs is there: rights, cluster, bucket, queues
    Doctor(Doctor),
    /// Say what a million runs cost on AWS, by service
    Cost(Cost),
}

/// The task document and what fills it.
#[derive(Args, Clone, Debug)]
pub struct Task {
    /// Task document, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Value for {{ inputs.KEY }}; @FILE uploads the file and gives its s3:// URI
    #[arg(long = "input", short = 'i', value_name = "KEY=VALUE|KEY=@FILE", value_parser = Input::parse)]
    pub inputs: Vec<Input>,
}

/// How to start the stack.
#[derive(Args, Clone, Debug, Default)]
pub struct StackOptions {
    /// Directory whose files an image stands for (repeatable); other images are this machine's own files. One with `longshore-helper` in it moves files directly
    #[arg(long = "image", value_name = "NAME=DIR", value_parser = parse_image)]
    pub images: Vec<(String, PathBuf)>,
    /// Run the pods in the cluster of this kubeconfig; by default that of the running stack, else the embedded one
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Address at which the pods of that cluster reach this machine
    #[arg(long, value_name = "ADDR", requires = "kubeconfig")]
    pub advertise: Option<String>,
    /// Run nothing: let pods happen as this script says, to see how much can be carried
    #[arg(long, value_name = "FILE", conflicts_with = "kubeconfig")]
    pub hollow: Option<PathBuf>,
    /// Take the functions' programs from this directory instead of building them
    #[arg(long, value_name = "DIR")]
    pub functions: Option<PathBuf>,
    /// Have the AWS emulator refuse the functions what their roles in template.yaml do not allow
    #[arg(long)]
    pub enforce_roles: bool,
}

/// `longshore run`
#[derive(Args, Debug)]
pub struct Run {
    /// The task.
    #[command(flatten)]
    pub task: Task,
    /// Download the output files into this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the result as JSON; log and progress go to standard error
    #[arg(long)]
    pub json: bool,
    /// Leave the stack running and the pod in place
    #[arg(long)]
    pub keep: bool,
    /// Use the connection written in the document instead of the local cluster
    #[arg(long)]
    pub use_connection: bool,
    /// The stack.
    #[command(flatten)]
    pub stack: StackOptions,
}

/// `longshore up`
#[derive(Args, Debug)]
pub struct Up {
    /// Stop the stack when the process with this id ends; without it the stack stays until `longshore down`
    #[arg(long, value_name = "PID")]
    pub owner: Option<u32>,
    /// The stack.
    #[command(flatten)]
    pub stack: StackOptions,
}

/// `longshore submit`
#[derive(Args, Debug)]
pub struct Submit {
    /// The task.
    #[command(flatten)]
    pub task: Task,
    /// Run id to use; a new one by default
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,
    /// Use the connection written in the document instead of the local cluster
    #[arg(long)]
    pub use_connection: bool,
    /// Print `{"runId": …}`
    #[arg(long)]
    pub json: bool,
}

/// Where the runs are that a command looks at.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// Bucket of a deployment on AWS instead of the running stack's, with region and credentials of this shell
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
}

/// `longshore status`
#[derive(Args, Debug)]
pub struct Status {
    /// Run id
    #[arg(value_name = "RUN")]
    pub run_id: String,
    /// Where it is.
    #[command(flatten)]
    pub place: Place,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `longshore logs`
#[derive(Args, Clone, Debug)]
pub struct Logs {
    /// Run id
    #[arg(value_name = "RUN")]
    pub run_id: String,
    /// Where it is.
    #[command(flatten)]
    pub place: Place,
    /// Follow the log until the container ends
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// Begin each line with its time
    #[arg(long, short = 't')]
    pub timestamps: bool,
    /// Container; default: those that decide how the run ends
    #[arg(long, short = 'c', value_name = "NAME")]
    pub container: Option<String>,
}

/// `longshore list`
#[derive(Args, Debug)]
pub struct List {
    /// Most results to show
    #[arg(long, short = 'n', default_value_t = 20, value_name = "COUNT")]
    pub limit: usize,
    /// Only what is under way: a large bucket takes long to look through for the latest results
    #[arg(long)]
    pub active: bool,
    /// Where they are.
    #[command(flatten)]
    pub place: Place,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `longshore cancel`
#[derive(Args, Debug)]
pub struct Cancel {
    /// Run id
    #[arg(value_name = "RUN", required_unless_present = "selector")]
    pub run_id: Option<String>,
    /// Every active run whose pod has such labels, for example team=data,stage in (test,dev)
    #[arg(long, short = 'l', value_name = "LABELS", conflicts_with = "run_id")]
    pub selector: Option<Selector>,
    /// URL of the cancel queue of a deployment on AWS instead, with region and credentials of this shell; nobody looks whether there is such a run
    #[arg(long, value_name = "URL")]
    pub queue_url: Option<String>,
    /// Why, in words; kept in the result
    #[arg(long, default_value = "cancelled with longshore cancel", value_name = "WORDS")]
    pub reason: String,
}

/// `longshore redrive`
#[derive(Args, Debug)]
pub struct Redrive {
    /// Queue of the running stack; all of them by default
    #[arg(value_name = "QUEUE")]
    pub queue: Option<Queue>,
    /// URL of a queue of a deployment on AWS instead, with region and credentials of this shell
    #[arg(long, value_name = "URL", conflicts_with = "queue")]
    pub queue_url: Option<String>,
    /// Print `{"moved": …}`
    #[arg(long)]
    pub json: bool,
}

/// The queues that have dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Queue {
    /// Tasks
    Submissions,
    /// Runs that wait for their collection
    Collect,
    /// Answers
    Notify,
    /// Events of uploads
    Uploads,
    /// Runs to end
    Cancel,
}

/// `longshore render`
#[derive(Args, Debug)]
pub struct Render {
    /// The task.
    #[command(flatten)]
    pub task: Task,
    /// Check the connection written in the document as well, as `run --use-connection` does
    #[arg(long)]
    pub use_connection: bool,
    /// Say which part of the document each field comes from
    #[arg(long)]
    pub explain: bool,
    /// Longshore's bucket: a pod template that the document names (podTemplate) is read from it
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Print JSON instead of YAML
    #[arg(long)]
    pub json: bool,
}

/// `longshore diagnose`
#[derive(Args, Debug)]
pub struct Diagnose {
    /// Pod as JSON, as `kubectl get pod NAME -o json` prints it; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Its events as JSON, as `kubectl get events -o json` prints them
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// The container that decides how the run ended; default: `main`, else the first
    #[arg(long, value_name = "NAME")]
    pub main: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `longshore doctor`
#[derive(Args, Debug)]
#[command(after_help = crate::command::doctor::EXIT_CODES)]
pub struct Doctor {
    /// Task document, YAML or JSON; without one everything that any task needs is looked at
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Value for {{ inputs.KEY }}; @FILE gives the s3:// URI that the file would have
    #[arg(long = "input", short = 'i', value_name = "KEY=VALUE|KEY=@FILE", value_parser = Input::parse)]
    pub inputs: Vec<Input>,
    /// Look at the cluster of this kubeconfig instead of the running stack's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cluster", "in_cluster", "use_connection"])]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; default: its current one
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub context: Option<String>,
    /// Look at this EKS cluster with the AWS credentials and region of this shell; bucket and queues are those of LONGSHORE_BUCKET,
    /// LONGSHORE_SUBMISSIONS_QUEUE, LONGSHORE_COLLECT_QUEUE and LONGSHORE_WAKE_QUEUE
    #[arg(long, value_name = "NAME", conflicts_with_all = ["in_cluster", "use_connection"])]
    pub cluster: Option<String>,
    /// Look at the cluster whose pod this is
    #[arg(long, conflicts_with = "use_connection")]
    pub in_cluster: bool,
    /// Look at the cluster of the connection written in the document, as the stack's functions would
    #[arg(long, requires = "file")]
    pub use_connection: bool,
    /// Kubernetes namespace, where the document names none
    #[arg(long, short = 'n', value_name = "NAME")]
    pub namespace: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Ask nobody; print the Role that the task needs, for kubectl apply -f -
    #[arg(long, conflicts_with_all = ["json", "kubeconfig", "cluster", "in_cluster", "use_connection"])]
    pub role: bool,
}

/// `longshore cost`
#[derive(Args, Debug)]
pub struct Cost {
    /// Runs a day, spread evenly
    #[arg(long, default_value_t = 100_000.0, value_name = "RUNS", value_parser = parse_positive)]
    pub runs_a_day: f64,
    /// Seconds that a run lasts
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS", value_parser = parse_positive)]
    pub run_seconds: f64,
    /// Memory of each function in MB
    #[arg(long, default_value_t = 256.0, value_name = "MB", value_parser = parse_positive)]
    pub memory: f64,
    /// What the functions run on
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    pub architecture: Architecture,
    /// Runs that come in one batch of the submissions queue, 1 to 10
    #[arg(long, default_value_t = 1.0, value_name = "RUNS", value_parser = parse_positive)]
    pub batch: f64,
    /// The deployment tells an event bus of every end, as it does unless its parameter EventBus is empty
    #[arg(long)]
    pub event_bus: bool,
    /// Take what a run uses from a bench.json that `just bench` wrote
    #[arg(long, value_name = "FILE")]
    pub bench: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A number above zero.
fn parse_positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("it must be above zero".to_owned()) }
}

/// `NAME=DIR` of `--image`; the name may hold `=` in no legal form, the directory may.
fn parse_image(text: &str) -> Result<(String, PathBuf), String> {
    let (name, directory) =
        text.split_once('=').ok_or("write NAME=DIR, for example python:3.13=/opt/python-3.13")?;
    let directory = PathBuf::from(directory);
    if name.is_empty() {
        return Err("the image has no name; write NAME=DIR".to_owned());
    }
    match directory.canonicalize() {
        Ok(path) if path.is_dir() => Ok((name.to_owned(), path)),
        Ok(path) => Err(format!("`{}` is not a directory", path.display())),
        Err(error) => Err(format!("cannot read directory `{}`: {error}", directory.display())),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn run_takes_repeated_inputs_and_images() {
        let folder = tempfile::tempdir().unwrap();
        let image = format!("ghcr.io/x/y:latest={}", folder.path().display());
        let arguments = Arguments::try_parse_from([
            "longshore",
            "run",
            "a.yaml",
            "--input",
            "a=1",
            "-i",
            "b=x=y",
            "--image",
            &image,
            "--keep",
        ])
        .unwrap();
        let Command::Run(run) = arguments.command else { panic!("run") };
        assert_eq!(run.task.inputs.len(), 2);
        assert_eq!(run.stack.images.first().unwrap().0, "ghcr.io/x/y:latest");
        assert!(run.keep && !run.json);
    }

    #[test]
    fn what_is_wrong_with_an_image_is_said() {
        assert!(parse_image("x").unwrap_err().contains("NAME=DIR"));
        assert!(parse_image("=/tmp").unwrap_err().contains("no name"));
        assert!(parse_image("x=/does/not/exist").unwrap_err().contains("/does/not/exist"));
    }

    #[test]
    fn advertise_needs_a_kubeconfig() {
        let error = Arguments::try_parse_from(["longshore", "up", "--advertise", "10.0.0.1"]).unwrap_err();
        assert_eq!(error.exit_code(), i32::from(exit::WRONG));
    }
}
