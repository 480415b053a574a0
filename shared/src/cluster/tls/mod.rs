//! TLS to an API server: whom to trust, what is checked, and who one is.

pub mod key;
pub mod problem;
mod verifier;

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use self::verifier::{AnyCertificate, AnyName};
use super::error::ClusterError;

/// A connection's TLS settings.
#[derive(Debug, Default)]
pub struct Tls {
    /// Certificates of the authorities that are trusted; `None` for those of the system.
    pub roots: Option<Vec<CertificateDer<'static>>>,
    /// What of the server's certificate is checked.
    pub check: Check,
    /// The client's own certificate.
    pub identity: Option<Identity>,
}

/// What of a server's certificate is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Authority, validity and host name.
    #[default]
    Everything,
    /// Authority and validity: `disableHostnameVerification`.
    AllButName,
    /// That the server has the key of the certificate it shows: `trustCerts`.
    Nothing,
}

/// A client certificate with its chain, leaf first, and its key.
#[derive(Debug)]
pub struct Identity {
    /// Certificates, the client's own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

impl Tls {
    /// The settings as rustls takes them.
    ///
    /// # Errors
    /// When an authority's certificate makes no sense, the system trusts nobody, or the client's key is not that of its certificate.
    pub fn into_config(self) -> Result<ClientConfig, ClusterError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| ClusterError::because("TLS cannot be set up", error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier(self.roots, self.check, provider)?);
        match self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some(identity) => with_identity(builder, identity),
        }
    }
}

fn with_identity(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Identity,
) -> Result<ClientConfig, ClusterError> {
    builder.with_client_auth_cert(identity.chain, identity.key).map_err(|error| {
        let message = match &error {
            rustls::Error::InconsistentKeys(_) => {
                "the client key is not the key of the client certificate; look at `clientKeyData` or `clientKeyFile`"
            }
            _ => {
                "the client key cannot be used; RSA of 2048 bits or more, EC on P-256 or P-384, and Ed25519 can: look at `clientKeyData` or `clientKeyFile`"
            }
        };
        ClusterError::because(message, error)
    })
}

fn verifier(
    roots: Option<Vec<CertificateDer<'static>>>,
    check: Check,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ClusterError> {
    if check == Check::Nothing {
        return Ok(Arc::new(AnyCertificate { algorithms: provider.signature_verification_algorithms }));
    }
    let roots = Arc::new(trusted(roots)?);
    if check == Check::AllButName {
        return Ok(Arc::new(AnyName { roots, algorithms: provider.signature_verification_algorithms }));
    }
    WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| ClusterError::because("the CA of the connection cannot be used", error))
}

fn trusted(roots: Option<Vec<CertificateDer<'static>>>) -> Result<RootCertStore, ClusterError> {
    let mut store = RootCertStore::empty();
    match roots {
        Some(roots) => {
            for root in roots {
                store.add(root).map_err(|error| {
                    ClusterError::because(
                        "a CA certificate cannot be read; look at `caCertData`, `caCertFile` or `trustStoreFile`",
                        error,
                    )
                })?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err(ClusterError::settings(
            "the connection names no CA and the system has none; give `caCertData`",
        ));
    }
    Ok(store)
}

/// The certificates of a PEM text.
///
/// # Errors
/// When there are none; the message names the property.
pub fn certificates(property: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ClusterError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found =
        read.map_err(|_| ClusterError::settings(format!("`{property}` holds a PEM text that is broken")))?;
    if found.is_empty() {
        return Err(ClusterError::settings(format!(
            "`{property}` holds no certificate; it is a PEM text with -----BEGIN CERTIFICATE-----"
        )));
    }
    Ok(found)
}
