//! EKS: where a cluster is (DescribeCluster) and a token for it, made locally.

use std::time::{Duration, SystemTime};

use aws_config::sts::AssumeRoleProvider;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::SecretString;

use super::error::ClusterError;
use crate::spec::token_provider::TokenProvider;

/// EKS accepts a token for 15 minutes after it was signed, whatever its expiry says
/// (<https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster>).
pub const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

/// Tokens are signed anew when they are this old, so that none expires under way.
pub const RENEW_AFTER: Duration = Duration::from_secs(10 * 60);

/// `X-Amz-Expires` of the signed request; at most 60 is accepted by EKS.
const EXPIRES: Duration = Duration::from_secs(60);

/// What DescribeCluster tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// URL of the API server.
    pub url: String,
    /// Its CA, PEM.
    pub ca_pem: Vec<u8>,
}

/// The AWS settings by which a provider's token is signed: the cluster's region, and the role to assume if one is named.
pub async fn settings_of(provider: &TokenProvider, aws: &SdkConfig) -> SdkConfig {
    let mut settings = aws.to_builder();
    if let Some(region) = &provider.region {
        settings = settings.region(Region::new(region.clone()));
    }
    let settings = settings.build();
    let Some(role) = &provider.role_arn else { return settings };
    let mut assumed = AssumeRoleProvider::builder(role).configure(&settings).session_name("longshore");
    if let Some(id) = &provider.external_id {
        assumed = assumed.external_id(id);
    }
    let assumed = assumed.build().await;
    settings.into_builder().credentials_provider(SharedCredentialsProvider::new(assumed)).build()
}

/// Ask EKS where a cluster is.
///
/// # Errors
/// When there is no such cluster, it may not be described, or it has no endpoint yet.
pub async fn describe(config: &SdkConfig, cluster: &str) -> Result<Endpoint, ClusterError> {
    let answer = aws_sdk_eks::Client::new(config).describe_cluster().name(cluster).send().await;
    let described = answer.map_err(|error| {
        ClusterError::because(format!("could not describe EKS cluster `{cluster}`; it must exist in this region and the role must allow `eks:DescribeCluster`"), error)
    })?;
    let found = described.cluster.unwrap_or_else(|| aws_sdk_eks::types::Cluster::builder().build());
    let authority = found.certificate_authority.and_then(|authority| authority.data);
    let (Some(url), Some(authority)) = (found.endpoint, authority) else {
        return Err(ClusterError::settings(format!(
            "EKS cluster `{cluster}` has no endpoint or CA yet; wait until it is ACTIVE"
        )));
    };
    let ca_pem = STANDARD.decode(authority).map_err(|error| {
        ClusterError::because(format!("the CA of EKS cluster `{cluster}` is not base64"), error)
    })?;
    Ok(Endpoint { url, ca_pem })
}

/// A bearer token for a cluster with the function's own credentials.
///
/// # Errors
/// When there are no credentials or no region.
pub async fn token(config: &SdkConfig, cluster: &str, now: Timestamp) -> Result<SecretString, ClusterError> {
    let fail =
        |message: &str, source: Option<Box<dyn std::error::Error + Send + Sync>>| ClusterError::Connection {
            message: format!("could not sign a token for EKS cluster `{cluster}`: {message}"),
            source,
        };
    let provider = config.credentials_provider().ok_or_else(|| fail("there are no credentials", None))?;
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| fail("the credentials cannot be read", Some(Box::new(error))))?;
    let region = config.region().ok_or_else(|| fail("`AWS_REGION` is not set", None))?;
    sign_token(&credentials, region.as_ref(), cluster, now)
        .map_err(|error| fail("signing failed", Some(error)))
}

/// Presign STS GetCallerIdentity with the cluster's name in the signed header `x-k8s-aws-id`, and wrap the URL.
fn sign_token(
    credentials: &Credentials,
    region: &str,
    cluster: &str,
    now: Timestamp,
) -> Result<SecretString, Box<dyn std::error::Error + Send + Sync>> {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = format!("https://sts.{region}.{domain}/?Action=GetCallerIdentity&Version=2011-06-15");
    let identity = credentials.clone().into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(SystemTime::from(now))
        .settings(settings)
        .build()?;
    let headers = [("x-k8s-aws-id", cluster)].into_iter();
    let signable = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))?;
    let (instructions, _signature) = sign(signable, &parameters.into())?.into_parts();
    let mut request = http::Request::get(&url).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(request.uri().to_string())).into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_token_is_a_presigned_url_that_names_the_cluster_only_in_a_signed_header() {
        let credentials = Credentials::new("AKID", "secret", Some("session".into()), None, "test");
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let token = sign_token(&credentials, "eu-central-1", "prod", now).unwrap();
        let encoded = token.expose_secret().strip_prefix("k8s-aws-v1.").unwrap();
        assert!(!encoded.contains('='), "no padding");
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        for part in [
            "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
            "X-Amz-Date=20261121T000000Z",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Security-Token=session",
            "X-Amz-Signature=",
        ] {
            assert!(url.contains(part), "{part} in {url}");
        }
        assert!(!url.contains("prod"));
    }
}
