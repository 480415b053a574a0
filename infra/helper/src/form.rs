//! Uploads by a signed form: its fields, then the file, straight from the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::{Request, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use shared::outputs::direct::{Form, Grants};

use crate::client::{self, Body, Client, RequestError, SILENCE_AT_MOST};
use crate::files::{CHUNK_BYTES, hex};

/// Slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 256 * 1024;

/// What is uploaded.
#[derive(Clone)]
pub enum Content {
    /// From memory.
    Bytes(Bytes),
    /// Bytes of a file.
    Part {
        /// The file, open.
        file: Arc<File>,
        /// First byte.
        from: u64,
        /// How many.
        length: u64,
    },
}

impl Content {
    fn length(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Part { length, .. } => *length,
        }
    }
}

/// Why something is not in the bucket.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// The store refused or failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// No boundary can be made.
    #[error("there is no randomness")]
    Randomness,
}

/// Posts forms for one attempt.
pub struct Poster<'a> {
    /// Connections.
    pub client: &'a Client,
    /// Where to, and below which prefix.
    pub grants: &'a Grants,
}

impl Poster<'_> {
    /// Store an object under a key below the attempt's prefix; `more` fields stand beside those of the form.
    ///
    /// # Errors
    /// After the last try, or for good.
    pub async fn post(
        &self,
        form: &Form,
        key: &str,
        more: &[(&str, String)],
        content: Content,
    ) -> Result<(), FormError> {
        let boundary = boundary()?;
        let key = format!("{}{key}", self.grants.prefix);
        let mut fields = vec![("key", key.as_str())];
        fields.extend(form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        fields.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
        let (head, foot) = frame(&boundary, &fields);
        let length = head.len() as u64 + content.length() + foot.len() as u64;
        let within = SILENCE_AT_MOST + Duration::from_secs(length / SLOWEST);
        client::retried(|| async {
            let request = Request::post(self.grants.url.as_str())
                .header(header::USER_AGENT, "longshore-helper")
                .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
                .header(header::CONTENT_LENGTH, length)
                .body(body(head.clone(), content.clone(), foot.clone()))
                .map_err(|_| RequestError::Address)?;
            self.client.send(request, within).await.map(drop)
        })
        .await?;
        Ok(())
    }
}

/// What stands before and after the file. The file's name is what the store would put in place of `${filename}`: a path that holds these letters keeps
/// them.
fn frame(boundary: &str, fields: &[(&str, &str)]) -> (Bytes, Bytes) {
    let mut head = BytesMut::new();
    for (name, value) in fields {
        let begin = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        head.extend_from_slice(begin.as_bytes());
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    let file = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"${{filename}}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    head.extend_from_slice(file.as_bytes());
    (head.freeze(), Bytes::from(format!("\r\n--{boundary}--\r\n")))
}

/// Letters that no file holds by chance, and that no task can know.
fn boundary() -> Result<String, FormError> {
    let mut bytes = [0; 16];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| FormError::Randomness)?;
    Ok(format!("longshore{}", hex(&bytes)))
}

fn body(head: Bytes, content: Content, foot: Bytes) -> Body {
    let (file, from, length) = match content {
        Content::Bytes(bytes) => {
            let mut whole = BytesMut::with_capacity(head.len() + bytes.len() + foot.len());
            for part in [&head, &bytes, &foot] {
                whole.extend_from_slice(part);
            }
            return Full::new(whole.freeze()).map_err(|never| match never {}).boxed_unsync();
        }
        Content::Part { file, from, length } => (file, from, length),
    };
    let chunks = stream::try_unfold((from, length), move |(at, left)| {
        let file = file.clone();
        async move {
            if left == 0 {
                return Ok(None);
            }
            let mut chunk = vec![0; usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES)];
            let read = file.read_at(&mut chunk, at)?;
            if read == 0 {
                return Err(io::Error::other("the file became shorter while it was uploaded"));
            }
            chunk.truncate(read);
            let read = read as u64;
            Ok(Some((Frame::data(Bytes::from(chunk)), (at + read, left - read))))
        }
    });
    let edge = |bytes: Bytes| stream::iter([Ok(Frame::data(bytes))]);
    StreamBody::new(edge(head).chain(chunks).chain(edge(foot))).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_fields_before_the_file() {
        let (head, foot) = frame("b", &[("key", "runs/r/outputs/a\nb"), ("policy", "p")]);
        let text = String::from_utf8(head.to_vec()).unwrap();
        assert!(text.starts_with(
            "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nruns/r/outputs/a\nb\r\n--b\r\n"
        ));
        assert!(text.ends_with(
            "name=\"file\"; filename=\"${filename}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        ));
        assert_eq!(foot, "\r\n--b--\r\n");
    }

    #[test]
    fn no_two_boundaries_are_alike() {
        assert_ne!(boundary().unwrap(), boundary().unwrap());
    }
}
