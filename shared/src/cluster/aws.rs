//! The AWS clients of a function: one HTTP client with rustls on ring, settings from the environment as the runtime gives them.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::{Builder, tls};

/// Credentials, region and endpoints from the environment.
pub async fn configure() -> SdkConfig {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let http = Builder::new().tls_provider(provider).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await
}

/// An S3 client; path-style where an endpoint is given, since emulators and private stores are reached by address.
pub fn s3(config: &SdkConfig, endpoint: Option<&str>) -> aws_sdk_s3::Client {
    use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
    let own_endpoint = endpoint.or(config.endpoint_url());
    let mut settings = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(own_endpoint.is_some())
        // SHA-256 of every output is computed and reported by ourselves; URLs for pods must not ask for more headers.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = endpoint {
        settings = settings.endpoint_url(endpoint);
    }
    aws_sdk_s3::Client::from_conf(settings.build())
}
