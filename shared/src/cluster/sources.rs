//! What a connection refers to, read from where it is kept each time a client is made, and never stored.

use aws_config::{Region, SdkConfig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

use super::aws;
use super::error::ClusterError;
use crate::spec::address::Address;
use crate::store::allowed::{Allowed, Refusal};

/// Where configuration lies in the deployment's bucket; nothing else of it is read for a connection.
const CONFIGURATION: &str = "config/";

/// Most bytes of a file; a store with a hundred authorities has about 150 KiB.
const MOST_BYTES: usize = 1024 * 1024;

/// What is read; wiped when dropped.
pub type Content = Zeroizing<Vec<u8>>;

/// The deployment as the maker of a connection needs it.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Credentials, region and endpoints of the function.
    pub aws: SdkConfig,
    /// The one bucket.
    pub bucket: String,
    /// The default EKS cluster, if there is one.
    pub cluster: Option<String>,
    /// Objects of other buckets that may be named.
    pub input_objects: Allowed,
}

impl Deployment {
    /// What a property refers to.
    ///
    /// # Errors
    /// When it cannot be read or may not be; the message names property and address, never what is kept there.
    pub async fn read(&self, property: &str, reference: &Address) -> Result<Content, ClusterError> {
        let content = match reference {
            Address::Object { bucket, key } => self.object(property, bucket, key).await?,
            Address::Secret { arn, region, member } => {
                self.secret(property, arn, region, member.as_deref()).await?
            }
        };
        if content.len() > MOST_BYTES {
            return Err(ClusterError::settings(format!(
                "`{property}` names `{reference}`, which has more than {MOST_BYTES} bytes"
            )));
        }
        Ok(content)
    }

    async fn object(&self, property: &str, bucket: &str, key: &str) -> Result<Content, ClusterError> {
        let name = format!("s3://{bucket}/{key}");
        if *bucket == self.bucket && !key.starts_with(CONFIGURATION) {
            return Err(ClusterError::settings(format!(
                "`{property}` names `{name}`; of the deployment's own bucket only what is below `{CONFIGURATION}` can be used"
            )));
        }
        // What lies below `config/` is for connections, and for no task's inputs.
        let may = match self.input_objects.check(&self.bucket, bucket, key) {
            Err(Refusal::Internal) => Ok(()),
            other => other,
        };
        may.map_err(|refusal| ClusterError::because(format!("`{property}` names `{name}`"), refusal))?;
        let failed = |error| {
            ClusterError::because(
                format!(
                    "`{property}` names `{name}`, which cannot be read; objects in other buckets are allowed by the deployment's parameter `InputObjects`"
                ),
                error,
            )
        };
        let most = i64::try_from(MOST_BYTES).unwrap_or(i64::MAX);
        let got = aws::s3(&self.aws, None).get_object().bucket(bucket).key(key).send().await;
        let object = got.map_err(|error| failed(Box::<dyn std::error::Error + Send + Sync>::from(error)))?;
        if object.content_length().is_some_and(|length| length > most) {
            return Err(ClusterError::settings(format!(
                "`{property}` names `{name}`, which has more than {most} bytes"
            )));
        }
        let body = object.body.collect().await.map_err(|error| failed(error.into()))?;
        Ok(Zeroizing::new(body.to_vec()))
    }

    async fn secret(
        &self,
        property: &str,
        arn: &str,
        region: &str,
        member: Option<&str>,
    ) -> Result<Content, ClusterError> {
        let settings = aws_sdk_secretsmanager::config::Builder::from(&self.aws)
            .region(Region::new(region.to_owned()))
            .build();
        let client = aws_sdk_secretsmanager::Client::from_conf(settings);
        let value = client.get_secret_value().secret_id(arn).send().await.map_err(|error| {
            ClusterError::because(
                format!(
                    "`{property}` names `{arn}`, which cannot be read; secrets are allowed by the deployment's parameter `ConnectionSecrets`"
                ),
                error,
            )
        })?;
        let whole = match (value.secret_string(), value.secret_binary()) {
            (Some(text), _) => Zeroizing::new(text.as_bytes().to_vec()),
            (None, Some(blob)) => Zeroizing::new(blob.as_ref().to_vec()),
            (None, None) => {
                return Err(ClusterError::settings(format!("`{property}` names `{arn}`, which is empty")));
            }
        };
        match member {
            None => Ok(whole),
            Some(member) => member_of(&whole, member).ok_or_else(|| {
                ClusterError::settings(format!(
                    "`{property}` names the member `{member}` of `{arn}`, which is no JSON object with such a text"
                ))
            }),
        }
    }
}

/// A text in a JSON object.
fn member_of(whole: &[u8], member: &str) -> Option<Content> {
    let tree: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_slice(whole).ok()?;
    Some(Zeroizing::new(tree.get(member)?.as_str()?.as_bytes().to_vec()))
}

/// Base64 taken off, if it is on: secrets that are texts hold keys and stores so.
pub fn unwrapped(content: Content) -> Content {
    let is_text = content.is_ascii() && !content.starts_with(b"-----BEGIN ");
    let compact: Zeroizing<Vec<u8>> =
        Zeroizing::new(content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    match STANDARD.decode(compact.as_slice()) {
        Ok(bytes) if is_text && !bytes.is_empty() => Zeroizing::new(bytes),
        _ => content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_taken_off_and_other_things_stay() {
        let pem = b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".to_vec();
        let wrapped = STANDARD.encode(&pem);
        let (head, tail) = wrapped.split_at(20);
        assert_eq!(*unwrapped(Zeroizing::new(format!("{head}\n{tail}\n").into_bytes())), pem);
        assert_eq!(*unwrapped(Zeroizing::new(pem.clone())), pem);
        let store = vec![0x30, 0x82, 0x01, 0xff];
        assert_eq!(*unwrapped(Zeroizing::new(store.clone())), store);
    }

    #[test]
    fn a_member_of_a_secret_is_a_text() {
        assert_eq!(member_of(br#"{"a": "x", "b": 1}"#, "a").map(|text| text.to_vec()), Some(b"x".to_vec()));
        assert_eq!(member_of(br#"{"a": "x", "b": 1}"#, "b"), None);
        assert_eq!(member_of(b"plain", "a"), None);
    }
}
