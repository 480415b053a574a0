//! Plain HTTP to the emulator on loopback. Requests of its own account need no true signature and so no client of the AWS SDK.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::StackError;
use crate::emulator::{ACCESS_KEY_ID, REGION};

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: String,
}

/// Sends one request to `127.0.0.1:port`; `operation` completes "cannot ask the AWS emulator to …".
///
/// # Errors
///
/// The connection failed, or the answer is not a success.
pub(crate) async fn send(
    port: u16,
    method: Method,
    path: &str,
    content_type: &str,
    body: impl Into<Bytes>,
    operation: &str,
) -> Result<Answer, StackError> {
    let answer = exchange(port, method, path, content_type, body.into())
        .await
        .map_err(|source| StackError::Request { operation: operation.to_owned(), source })?;
    if (200..300).contains(&answer.status) {
        Ok(answer)
    } else {
        Err(StackError::Refused { operation: operation.to_owned(), status: answer.status, said: answer.body })
    }
}

/// Who asks: the emulator believes its own account whatever the signature is, and refuses S3 to who says nothing.
fn authorization(path: &str) -> String {
    let service = if path == "/" { "cloudformation" } else { "s3" };
    format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20260101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}

async fn exchange(
    port: u16,
    method: Method,
    path: &str,
    content_type: &str,
    body: Bytes,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", format!("127.0.0.1:{port}"))
        .header("content-type", content_type)
        .header("authorization", authorization(path))
        .body(Full::new(body))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}
