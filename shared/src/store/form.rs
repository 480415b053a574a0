//! Signed forms: POST policies of S3 (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>).

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::bucket::{Bucket, BucketError};
use super::s3::S3Bucket;
use crate::files::form::{FormOrder, Keys, SignedForm};

/// What signs.
struct Signer<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: Option<&'a str>,
    region: &'a str,
    bucket: &'a str,
}

/// Sign a form with the credentials that sign links.
///
/// # Errors
/// When there are no credentials, or no region.
pub(crate) async fn sign(bucket: &S3Bucket, order: &FormOrder) -> Result<SignedForm, BucketError> {
    let fail = |source: Box<dyn std::error::Error + Send + Sync>| BucketError::Service {
        operation: "sign a form for",
        bucket: bucket.name().to_owned(),
        key: prefix(&order.keys).to_owned(),
        source,
    };
    let config = bucket.presigner().config();
    let region = config.region().ok_or_else(|| fail("there is no region".into()))?.to_string();
    let provider = bucket.credentials().ok_or_else(|| fail("there are no credentials".into()))?;
    let credentials = provider.provide_credentials().await.map_err(|error| fail(error.into()))?;
    let signer = Signer {
        access_key_id: credentials.access_key_id(),
        secret_access_key: credentials.secret_access_key(),
        session_token: credentials.session_token(),
        region: &region,
        bucket: bucket.name(),
    };
    let fields = signer.fields(order);
    // The link to some object without the object is where the bucket is, whatever way it is addressed.
    let link = bucket.presign_get(bucket.name(), "k", Duration::from_secs(1)).await?;
    let (address, _) = link.split_once("/k?").ok_or_else(|| fail("a link of another form".into()))?;
    // A bucket that is named by the host is at its root.
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let url = if rest.contains('/') { address.to_owned() } else { format!("{address}/") };
    Ok(SignedForm { url, fields })
}

fn prefix(keys: &Keys) -> &str {
    let (Keys::Below(text) | Keys::Exactly(text)) = keys;
    text
}

impl Signer<'_> {
    /// The fields of a form, `key` and the open ones excepted.
    fn fields(&self, order: &FormOrder) -> Vec<(String, String)> {
        let date = order.now.strftime("%Y%m%d").to_string();
        let credential = format!("{}/{date}/{}/s3/aws4_request", self.access_key_id, self.region);
        let mut fields = order.fixed.clone();
        let mut field = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
        field("x-amz-algorithm", "AWS4-HMAC-SHA256");
        field("x-amz-credential", &credential);
        field("x-amz-date", &order.now.strftime("%Y%m%dT%H%M%SZ").to_string());
        if let Some(token) = self.session_token {
            field("x-amz-security-token", token);
        }
        let policy = STANDARD.encode(self.policy(order, &fields).to_string());
        let key =
            generate_signing_key(self.secret_access_key, SystemTime::from(order.now), self.region, "s3");
        let signature = calculate_signature(key, policy.as_bytes());
        fields.push(("policy".to_owned(), policy));
        fields.push(("x-amz-signature".to_owned(), signature));
        fields
    }

    fn policy(&self, order: &FormOrder, fields: &[(String, String)]) -> Value {
        let mut conditions = vec![json!({ "bucket": self.bucket })];
        conditions.push(match &order.keys {
            Keys::Below(prefix) => json!(["starts-with", "$key", prefix]),
            Keys::Exactly(key) => json!(["eq", "$key", key]),
        });
        conditions.push(json!(["content-length-range", 0, order.max_bytes]));
        conditions.extend(fields.iter().map(|(name, value)| json!(["eq", format!("${name}"), value])));
        conditions.extend(order.open.iter().map(|name| json!(["starts-with", format!("${name}"), ""])));
        let life = jiff::SignedDuration::try_from(order.life).unwrap_or(jiff::SignedDuration::ZERO);
        let expiration = order.now.checked_add(life).unwrap_or(Timestamp::MAX);
        json!({ "expiration": expiration.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(), "conditions": conditions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> FormOrder {
        FormOrder {
            keys: Keys::Below("runs/r/attempts/1/outputs/".into()),
            max_bytes: 10,
            fixed: vec![("x-amz-meta-longshore-hops".into(), "2".into())],
            open: vec!["x-amz-meta-longshore-sha256".into()],
            now: "2026-11-21T03:00:00Z".parse().unwrap(),
            life: Duration::from_secs(3600),
        }
    }

    const SIGNER: Signer<'static> = Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "secret",
        session_token: Some("token"),
        region: "eu-west-1",
        bucket: "b",
    };

    #[test]
    fn a_policy_covers_one_prefix_a_size_and_every_field() {
        let fields = SIGNER.fields(&order());
        let field = |name: &str| fields.iter().find(|field| field.0 == name).unwrap().1.as_str();
        let policy: Value = serde_json::from_slice(&STANDARD.decode(field("policy")).unwrap()).unwrap();
        assert_eq!(policy["expiration"], "2026-11-21T04:00:00.000Z");
        assert_eq!(
            policy["conditions"],
            json!([
                {"bucket": "b"},
                ["starts-with", "$key", "runs/r/attempts/1/outputs/"],
                ["content-length-range", 0, 10],
                ["eq", "$x-amz-meta-longshore-hops", "2"],
                ["eq", "$x-amz-algorithm", "AWS4-HMAC-SHA256"],
                ["eq", "$x-amz-credential", "AKIDEXAMPLE/20261121/eu-west-1/s3/aws4_request"],
                ["eq", "$x-amz-date", "20261121T030000Z"],
                ["eq", "$x-amz-security-token", "token"],
                ["starts-with", "$x-amz-meta-longshore-sha256", ""],
            ])
        );
    }

    #[test]
    fn the_signature_is_that_of_the_policy_by_the_rules_of_version_4() {
        let fields = SIGNER.fields(&order());
        let field = |name: &str| fields.iter().find(|field| field.0 == name).unwrap().1.clone();
        // Four nested keyed hashes, as the rules have it, by another library.
        let mac = |key: &[u8], text: &str| {
            let key = aws_sigv4_free::key(key);
            key(text)
        };
        let key = ["20261121", "eu-west-1", "s3", "aws4_request"]
            .iter()
            .fold(b"AWS4secret".to_vec(), |key, text| mac(&key, text));
        assert_eq!(field("x-amz-signature"), crate::store::upload::hex(&mac(&key, &field("policy"))));
    }

    /// HMAC by its definition (RFC 2104).
    mod aws_sigv4_free {
        use sha2::{Digest, Sha256};

        pub fn key(key: &[u8]) -> impl Fn(&str) -> Vec<u8> {
            let mut block = [0; 64];
            block[..key.len()].copy_from_slice(key);
            move |text| {
                let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text);
                let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c));
                outer.chain_update(inner.finalize()).finalize().to_vec()
            }
        }
    }
}
