//! Pod templates that lie in Longshore's bucket, for commands that plan a task before it is sent.

use aws_sdk_s3::Client;

use crate::document::Document;
use crate::exit::Failure;

/// The document with the pod template that it names, if there is no copy of it here. One that the bucket does not have is a problem of the document,
/// which its plan tells.
///
/// # Errors
/// When the bucket cannot be read.
pub async fn attached(document: Document, s3: &Client, bucket: &str) -> Result<Document, Failure> {
    let Some(key) = document.missing_template(bucket)? else { return Ok(document) };
    let failure = format!("cannot read `s3://{bucket}/{key}`");
    let object = match s3.get_object().bucket(bucket).key(&key).send().await {
        Ok(object) => object,
        Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 404) => {
            return Ok(document);
        }
        Err(error) => return Err(unreadable(failure, &error)),
    };
    let bytes = object.body.collect().await.map_err(|error| unreadable(failure, &error))?;
    document.with_template(key, &bytes.to_vec())
}

fn unreadable(what: String, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::unreachable(what)
        .because(error)
        .remedy("check the bucket's name, and that region and credentials of the environment may read it")
}
