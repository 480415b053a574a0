//! The settings by which an AWS client reaches a stack.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::Endpoints;

/// Endpoint, region and test credentials of a stack; without TLS, since its emulator listens on loopback.
pub fn configure(endpoints: &Endpoints) -> SdkConfig {
    let Endpoints { access_key_id, secret_access_key, .. } = endpoints;
    let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "longshore");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(endpoints.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(&endpoints.endpoint_url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}
