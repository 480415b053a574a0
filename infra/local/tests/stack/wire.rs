//! SQS and S3 of the emulator over bare HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use local::Endpoints;
use serde_json::Value;

/// A message that was sent.
pub struct Sent {
    id: String,
}

/// Sends a message to a queue; FIFO queues need a group.
pub fn send(queue: &str, body: &str, group: Option<&str>) -> Sent {
    let group = group.map(|group| format!("&MessageGroupId={group}")).unwrap_or_default();
    let (status, answer) =
        exchange("POST", queue, &format!("Action=SendMessage&Version=2012-11-05&MessageBody={body}{group}"));
    assert_eq!(status, 200, "{answer}");
    let id = answer.split("<MessageId>").nth(1).unwrap().split('<').next().unwrap();
    Sent { id: id.to_owned() }
}

impl Sent {
    /// Waits until the function has stored what it was given with this message.
    pub async fn and_see(&self, stack: &Endpoints, function: &str) -> Value {
        let url = format!("{}/{}/seen/{function}/{}", stack.endpoint_url, stack.bucket, self.id);
        let seen = async {
            loop {
                let (status, answer) = exchange("GET", &url, "");
                if status == 200 {
                    return serde_json::from_str(&answer).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the function does not run")
    }
}

fn exchange(method: &str, url: &str, body: &str) -> (u16, String) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
