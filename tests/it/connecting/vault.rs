//! S3, Secrets Manager, STS and EKS as far as a connection needs them, over HTTP on loopback.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::cluster::sources::Deployment;
use shared::store::allowed::Allowed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::server::head;

/// ARN of a secret of the tests.
pub const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:k8s-AbCdEf";

/// The URI of a file in the configuration.
pub fn object(name: &str) -> String {
    format!("s3://bucket/config/{name}")
}

/// What is kept: paths of objects, ARNs of secrets (`#binary` behind it for a binary one), `/clusters/NAME`.
type Kept = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// The services until they are dropped.
pub struct Vault {
    url: String,
    kept: Kept,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Vault {
    /// With nothing in them.
    pub async fn start() -> Vault {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (kept, asked) = (Kept::default(), Arc::<Mutex<Vec<String>>>::default());
        let (shelf, questions) = (kept.clone(), asked.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shelf.clone(), questions.clone()));
            }
        });
        Vault { url, kept, asked, task }
    }

    /// Keep something.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.kept.lock().unwrap().insert(name.to_owned(), bytes.to_vec());
    }

    /// What was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A deployment with these services, whose default cluster is `prod`.
    pub fn deployment(&self) -> Deployment {
        Deployment {
            aws: local::aws::at(&self.url, "eu-west-1", "AKIDOFTHEFUNCTION", "secret"),
            bucket: "bucket".to_owned(),
            cluster: Some("prod".to_owned()),
            input_objects: Allowed::of("arn:aws:s3:::other/certs/*"),
        }
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, kept: Kept, asked: Arc<Mutex<Vec<String>>>) {
    let head = head(&mut stream).await.to_lowercase_names();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let path = head.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    let (status, kind, answer) = answer(&head, &path, &String::from_utf8_lossy(&body), &kept, &asked);
    let start = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all(start.as_bytes()).await.ok();
    stream.write_all(&answer).await.ok();
    stream.shutdown().await.ok();
}

/// Names of headers in lower case, whoever wrote them.
trait LowercaseNames {
    fn to_lowercase_names(&self) -> String;
}

impl LowercaseNames for String {
    fn to_lowercase_names(&self) -> String {
        let lines = self.lines().map(|line| match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
            None => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

type Answer = (u16, &'static str, Vec<u8>);

fn answer(head: &str, path: &str, body: &str, kept: &Kept, asked: &Mutex<Vec<String>>) -> Answer {
    let find = |name: &str| {
        asked.lock().unwrap().push(name.to_owned());
        kept.lock().unwrap().get(name).cloned()
    };
    let json_error =
        |kind: &str| (400, "application/x-amz-json-1.1", json!({ "__type": kind }).to_string().into_bytes());
    if head.contains("x-amz-target: secretsmanager.GetSecretValue") {
        let arn = serde_json::from_str::<Value>(body).unwrap()["SecretId"].as_str().unwrap().to_owned();
        let value = match (find(&arn), kept.lock().unwrap().get(&format!("{arn}#binary"))) {
            (Some(text), _) => json!({ "ARN": arn, "SecretString": String::from_utf8(text).unwrap() }),
            (None, Some(bytes)) => json!({ "ARN": arn, "SecretBinary": STANDARD.encode(bytes) }),
            (None, None) => return json_error("ResourceNotFoundException"),
        };
        return (200, "application/x-amz-json-1.1", value.to_string().into_bytes());
    }
    if body.contains("Action=AssumeRole") {
        asked.lock().unwrap().push(body.to_owned());
        let credentials = "<AccessKeyId>AKIDOFTHEROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>";
        let text = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>{credentials}</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        );
        return (200, "text/xml", text.into_bytes());
    }
    match find(path) {
        Some(bytes) if path.starts_with("/clusters/") => (200, "application/json", bytes),
        Some(bytes) => (200, "application/octet-stream", bytes),
        None => (404, "application/xml", b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
    }
}
