//! The cluster under measure, in a process of its own: this program started again.

use crate::Outcome;
use crate::client::{Address, Client};
use cluster::container::StageCommand;
use cluster::hollow::Script;
use cluster::{Cluster, ClusterConfig};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Tells this program that it is the cluster.
pub const ARGUMENT: &str = "serve-a-cluster";

/// A cluster in a process of its own; it ends with this.
pub struct Server {
    child: Child,
    address: Address,
    idle: Mutex<Vec<Client>>,
}

/// Be the cluster until standard input is closed.
pub async fn serve() -> Outcome<()> {
    let mut config = ClusterConfig::new("/nonexistent", StageCommand::new("/bin/false"));
    config.hollow = Some(Script::default());
    let cluster = Cluster::start(config).await?;
    let address = Address {
        url: cluster.url().into(),
        token: cluster.admin_token().into(),
        authority: cluster.ca_pem().into(),
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&address)?)?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    cluster.shutdown().await;
    Ok(())
}

impl Server {
    /// Start one.
    pub fn start() -> Outcome<Server> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Server { child, address: serde_json::from_str(&line)?, idle: Mutex::default() })
    }

    /// A new connection.
    pub async fn client(&self) -> Outcome<Client> {
        Client::connect(&self.address).await
    }

    /// A connection that was given back, or a new one.
    pub async fn idle_client(&self) -> Outcome<Client> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(client) if client.is_open() => Ok(client),
            // The server closes a connection after half a minute without a request.
            _ => self.client().await,
        }
    }

    /// Keep a connection for later.
    pub fn give_back(&self, client: Client) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
    }

    /// Its memory now.
    pub fn memory_mib(&self) -> Outcome<f64> {
        self.status("VmRSS:")
    }

    /// The most memory it has had.
    pub fn peak_mib(&self) -> Outcome<f64> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("no such field")?.trim().parse::<f64>()? / 1024.0)
    }

    /// The processor time it has taken, all threads.
    pub fn processor_seconds(&self) -> Outcome<f64> {
        // proc(5): fields 14 and 15 after the name in brackets, in hundredths of a second on Linux.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let rest = stat.rsplit_once(')').ok_or("no name")?.1;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).ok_or("too short").map(|field| field.parse::<f64>());
        Ok((ticks(11)?? + ticks(12)??) / 100.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends by itself when its input is closed.
        let _ = self.child.wait();
    }
}
