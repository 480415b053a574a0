//! Answers on the wire: whole JSON bodies, plain text, and streams.

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use std::future::Future;

/// A body that may be a stream.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;
/// What a handler gives back.
pub type Answer = Response<Body>;

/// A body that is there as a whole.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer with this content type.
pub fn answer(code: StatusCode, content_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = code;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    answer
}

/// A JSON object and a newline.
pub fn json_answer(code: StatusCode, object: &Value) -> Answer {
    answer(code, "application/json", whole(line(object)))
}

/// Plain text as Go's `http.Error` sends it.
pub fn text_answer(code: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = answer(code, "text/plain; charset=utf-8", whole(text));
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// A JSON object as a line.
pub fn line(object: &Value) -> Bytes {
    let mut text = object.to_string();
    text.push('\n');
    text.into()
}

/// A body made piece by piece: `next` gives the piece and the state for the next call, or ends the body.
pub fn streamed<S, N, F>(state: S, mut next: N) -> Body
where
    S: Send + 'static,
    N: FnMut(S) -> F + Send + 'static,
    F: Future<Output = Option<(Bytes, S)>> + Send + 'static,
{
    let pieces = stream::unfold(state, move |state| {
        let piece = next(state);
        async move { piece.await.map(|(bytes, state)| (Ok(Frame::data(bytes)), state)) }
    });
    BodyExt::boxed_unsync(StreamBody::new(pieces))
}
