//! The settings by which an AWS client reaches a stack.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SystemTimeSource;

use crate::Endpoints;

/// Endpoint, region and test credentials of a stack.
pub fn configure(endpoints: &Endpoints) -> SdkConfig {
    let Endpoints { access_key_id, secret_access_key, region, endpoint_url, .. } = endpoints;
    at(endpoint_url, region, access_key_id, secret_access_key)
}

/// The same for any endpoint on loopback; without TLS.
pub fn at(endpoint_url: &str, region: &str, access_key_id: &str, secret_access_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "longshore");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint_url)
        // Without one an assumed role cannot tell when its credentials end.
        .time_source(SystemTimeSource::new())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}
