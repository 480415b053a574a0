//! The certificate authority of one cluster, and the certificate of its server; both die with it.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::IpAddr;
use std::sync::Arc;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate could not be made.
    #[error("failed to make the certificate of the API server")]
    Generate(#[source] rcgen::Error),
    /// TLS does not take it.
    #[error("failed to set up TLS for the API server")]
    Tls(#[source] rustls::Error),
}

/// What the server needs, and what its clients trust.
pub(crate) struct Identity {
    /// The authority's certificate, PEM.
    pub authority_pem: String,
    /// The server's side of TLS.
    pub tls: Arc<ServerConfig>,
}

/// Make an authority and a certificate for `localhost`, `127.0.0.1` and `address`.
pub(crate) fn identity(address: IpAddr) -> Result<Identity, CertificateError> {
    let (authority_pem, chain, key) = certificates(address).map_err(CertificateError::Generate)?;
    let mut tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(CertificateError::Tls)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity { authority_pem, tls: Arc::new(tls) })
}

type Certificates = (String, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn certificates(address: IpAddr) -> Result<Certificates, rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "longshore-cluster-ca");
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let mut names = vec!["localhost".to_owned(), "kubernetes.default.svc".to_owned(), "127.0.0.1".to_owned()];
    if address.to_string() != "127.0.0.1" && !address.is_unspecified() {
        names.push(address.to_string());
    }
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, "longshore-cluster");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server_key = KeyPair::generate()?;
    let certificate = server.signed_by(&server_key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
    Ok((authority_pem, vec![certificate.der().clone()], key))
}
