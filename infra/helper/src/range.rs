//! A part of an object into a part of a file, carried on where it broke off.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use http::{HeaderMap, StatusCode, header};

use crate::client::{self, Client, RequestError, SILENCE_AT_MOST};

/// An object that is being fetched.
pub struct Source<'a> {
    /// Link to it.
    pub url: &'a str,
    /// Bytes that it has to have.
    pub size: u64,
    /// The version that the first answer came from; all others have to be of it too.
    pub version: OnceLock<String>,
}

/// Why a part did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// The store refused or failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It has another size.
    #[error("{found} bytes instead of {announced}")]
    Size {
        /// What the store says.
        found: u64,
        /// What it should be.
        announced: u64,
    },
    /// Somebody wrote another object there meanwhile.
    #[error("it was replaced while it was fetched")]
    Replaced,
    /// The disk.
    #[error("cannot write")]
    Write(#[source] std::io::Error),
}

impl Source<'_> {
    /// Bytes `from` up to `to` into the same place of a file. Tries that bring something do not count.
    ///
    /// # Errors
    /// After the last try, or for good.
    pub async fn copy(&self, client: &Client, file: &File, from: u64, to: u64) -> Result<(), RangeError> {
        let (mut at, mut tries) = (from, 1);
        while at < to {
            let before = at;
            match self.copy_once(client, file, &mut at, to).await {
                Ok(()) => {}
                Err(RangeError::Request(error)) if error.is_passing() => {
                    tries = if at > before { 1 } else { tries + 1 };
                    if !client::pause_before_next(tries - 1).await {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn copy_once(&self, client: &Client, file: &File, at: &mut u64, to: u64) -> Result<(), RangeError> {
        let whole = *at == 0 && to == self.size;
        let mut request = Client::get(self.url)?;
        if !whole {
            request = request.header(header::RANGE, format!("bytes={at}-{}", to.saturating_sub(1)));
        }
        if let Some(version) = self.version.get() {
            request = request.header(header::IF_MATCH, version);
        }
        let request = request.body(client::empty()).map_err(|_| RequestError::Address)?;
        let answer = match client.send(request, SILENCE_AT_MOST).await {
            Err(RequestError::Status { status: StatusCode::PRECONDITION_FAILED, .. }) => {
                return Err(RangeError::Replaced);
            }
            // Nothing lies there: it is shorter than was announced.
            Err(RequestError::Status { status: StatusCode::RANGE_NOT_SATISFIABLE, .. }) => {
                return Err(RangeError::Size { found: *at, announced: self.size });
            }
            other => other?,
        };
        let found = total(answer.status(), answer.headers());
        if let Some(found) = found.filter(|found| *found != self.size) {
            return Err(RangeError::Size { found, announced: self.size });
        }
        // A store that knows no ranges sends all of it.
        if !whole && answer.status() != StatusCode::PARTIAL_CONTENT {
            return Err(
                RequestError::Answer("with the whole object where a part was asked for".into()).into()
            );
        }
        if let Some(version) = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()) {
            let known = self.version.get_or_init(|| version.to_owned());
            if known != version {
                return Err(RangeError::Replaced);
            }
        }
        let mut body = answer.into_body();
        while let Some(bytes) = client::next(&mut body).await? {
            let length = bytes.len() as u64;
            if length > to.saturating_sub(*at) {
                return Err(RangeError::Size { found: at.saturating_add(length), announced: to });
            }
            file.write_all_at(&bytes, *at).map_err(RangeError::Write)?;
            *at += length;
        }
        if *at < to {
            return Err(RequestError::Connection("the answer ended early".into()).into());
        }
        Ok(())
    }
}

/// Bytes of the whole object, as an answer tells.
fn total(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if status == StatusCode::PARTIAL_CONTENT {
        text(header::CONTENT_RANGE)?.rsplit_once('/')?.1.parse().ok()
    } else {
        text(header::CONTENT_LENGTH)?.parse().ok()
    }
}
