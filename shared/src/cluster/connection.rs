//! From a connection to everything that a client needs: addresses followed, stores opened, keys decrypted, tokens signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::error::ClusterError;
use super::sources::{Content, Deployment, unwrapped};
use super::tls::{self, Check, Identity, Tls, key};
use super::{eks, keystore};
use crate::spec::address::Address;
use crate::spec::connection::Connection;
use crate::spec::secret::Secret;

/// Where Kestra looks when a connection names no server.
const DEFAULT_URL: &str = "https://kubernetes.default.svc";

/// How an API server is reached: nothing is left to look up.
#[derive(Debug)]
pub struct Settings {
    /// Its URL.
    pub url: String,
    /// Whom to trust and who one is.
    pub tls: Tls,
    /// What goes into the header `Authorization`.
    pub authorization: Authorization,
}

/// What goes into the header `Authorization`.
#[derive(Debug, Default)]
pub enum Authorization {
    /// Nothing; a client certificate may say enough.
    #[default]
    None,
    /// A token.
    Bearer(SecretString),
    /// A user's name and password.
    Basic(String, SecretString),
}

/// Settings for an EKS cluster by the function's own role.
///
/// # Errors
/// When the CA cannot be read.
pub fn for_eks(endpoint: &eks::Endpoint, token: SecretString) -> Result<Settings, ClusterError> {
    Ok(Settings {
        url: endpoint.url.clone(),
        tls: Tls { roots: Some(tls::certificates("the CA of EKS", &endpoint.ca_pem)?), ..Tls::default() },
        authorization: Authorization::Bearer(token),
    })
}

/// Settings for a connection written in a task. Nothing of the deployment is mixed in unless it says `inheritClusterConfig: true`.
///
/// # Errors
/// When something cannot be read or makes no sense; the message names the property and never its value.
pub async fn for_explicit(
    connection: &Connection,
    deployment: Option<&Deployment>,
    now: Timestamp,
) -> Result<Settings, ClusterError> {
    let reader = Reader { deployment };
    let mut settings = Settings {
        url: connection.master_url.clone().unwrap_or_else(|| DEFAULT_URL.to_owned()),
        tls: Tls {
            roots: reader.roots(connection).await?,
            check: check(connection),
            identity: reader.identity(connection).await?,
        },
        authorization: reader.authorization(connection).await?,
    };
    if let Some(provider) = &connection.oauth_token_provider {
        let aws = eks::settings_of(provider, &reader.deployment("oauthTokenProvider")?.aws).await;
        if connection.master_url.is_none() {
            let endpoint = eks::describe(&aws, &provider.cluster).await?;
            inherit_place(&mut settings, &endpoint)?;
        }
        settings.authorization = Authorization::Bearer(eks::token(&aws, &provider.cluster, now).await?);
    }
    if connection.inherit_cluster_config {
        inherit(&mut settings, connection, reader.deployment("inheritClusterConfig")?, now).await?;
    }
    Ok(settings)
}

fn check(connection: &Connection) -> Check {
    match (connection.trust_certs, connection.disable_hostname_verification) {
        (Some(true), _) => Check::Nothing,
        (_, Some(true)) => Check::AllButName,
        _ => Check::Everything,
    }
}

/// What the connection leaves open comes from the deployment's cluster. Its credentials go to that cluster only, whatever else is mixed.
async fn inherit(
    settings: &mut Settings,
    connection: &Connection,
    deployment: &Deployment,
    now: Timestamp,
) -> Result<(), ClusterError> {
    let cluster = deployment.cluster.as_deref().ok_or_else(|| {
        ClusterError::settings(
            "`inheritClusterConfig` is set, but the deployment has no default cluster; set its `ClusterName` parameter",
        )
    })?;
    let endpoint = eks::describe(&deployment.aws, cluster).await?;
    let is_elsewhere = connection.master_url.is_some() && !is_same_server(&settings.url, &endpoint.url);
    if !is_elsewhere {
        inherit_place(settings, &endpoint)?;
    }
    let is_somebody =
        !matches!(settings.authorization, Authorization::None) || settings.tls.identity.is_some();
    if is_somebody {
        return Ok(());
    }
    if is_elsewhere {
        return Err(ClusterError::settings(format!(
            "`inheritClusterConfig` would send the deployment's credentials to a server that is not its cluster `{cluster}`; give credentials of `masterUrl`, or leave `masterUrl` out"
        )));
    }
    settings.authorization = Authorization::Bearer(eks::token(&deployment.aws, cluster, now).await?);
    Ok(())
}

/// URL and CA of a cluster that EKS described; a CA of the connection's own stays.
fn inherit_place(settings: &mut Settings, endpoint: &eks::Endpoint) -> Result<(), ClusterError> {
    settings.url.clone_from(&endpoint.url);
    if settings.tls.roots.is_none() {
        settings.tls.roots = Some(tls::certificates("the CA of EKS", &endpoint.ca_pem)?);
    }
    Ok(())
}

fn is_same_server(one: &str, other: &str) -> bool {
    let plain = |url: &str| url.trim_end_matches('/').trim_end_matches(":443").to_lowercase();
    plain(one) == plain(other)
}

/// Follows what a connection refers to.
struct Reader<'a> {
    deployment: Option<&'a Deployment>,
}

impl Reader<'_> {
    fn deployment(&self, property: &str) -> Result<&Deployment, ClusterError> {
        self.deployment.ok_or_else(|| {
            ClusterError::settings(format!("`{property}` needs a deployment, and there is none here"))
        })
    }

    async fn follow(&self, property: &str, reference: &Address) -> Result<Content, ClusterError> {
        self.deployment(property)?.read(property, reference).await
    }

    /// A token, password or passphrase, or the ARN under which it is kept.
    async fn words(&self, property: &str, secret: &Secret) -> Result<SecretString, ClusterError> {
        let Some(reference) = Address::of_value(secret.reveal()) else {
            return Ok(secret.reveal().to_owned().into());
        };
        let content = self.follow(property, &reference).await?;
        let text = std::str::from_utf8(&content).map_err(|_| {
            ClusterError::settings(format!("`{property}` names `{reference}`, which is no text"))
        })?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
    }

    async fn words_of(
        &self,
        property: &str,
        secret: Option<&Secret>,
    ) -> Result<Option<SecretString>, ClusterError> {
        match secret {
            Some(secret) => self.words(property, secret).await.map(Some),
            None => Ok(None),
        }
    }

    /// What is written inline in base64, or kept under an ARN.
    async fn data(&self, property: &str, text: &str) -> Result<Content, ClusterError> {
        if let Some(reference) = Address::of_value(text) {
            return Ok(unwrapped(self.follow(property, &reference).await?));
        }
        let squeezed = Zeroizing::new(text.split_whitespace().collect::<String>());
        let decoded = STANDARD.decode(squeezed.as_bytes());
        decoded.map(Zeroizing::new).map_err(|_| ClusterError::settings(format!("`{property}` is not base64")))
    }

    async fn file(&self, property: &str, address: &str) -> Result<Content, ClusterError> {
        let reference = Address::of_file(address).ok_or_else(|| {
            ClusterError::settings(format!("`{property}` names nothing that a function can read"))
        })?;
        Ok(unwrapped(self.follow(property, &reference).await?))
    }

    /// One of two properties, and its name.
    async fn either<'n>(
        &self,
        (data_name, data): (&'n str, Option<&str>),
        (file_name, file): (&'n str, Option<&str>),
    ) -> Result<Option<(&'n str, Content)>, ClusterError> {
        match (data, file) {
            (Some(text), _) => Ok(Some((data_name, self.data(data_name, text).await?))),
            (None, Some(address)) => Ok(Some((file_name, self.file(file_name, address).await?))),
            (None, None) => Ok(None),
        }
    }

    async fn store(
        &self,
        (name, address): (&str, &str),
        (passphrase_name, passphrase): (&str, Option<&Secret>),
    ) -> Result<keystore::Contents, ClusterError> {
        let bytes = self.file(name, address).await?;
        let passphrase = self.words_of(passphrase_name, passphrase).await?;
        keystore::read(name, &bytes, passphrase.as_ref().map(ExposeSecret::expose_secret))
    }

    async fn roots(
        &self,
        connection: &Connection,
    ) -> Result<Option<Vec<CertificateDer<'static>>>, ClusterError> {
        let data = ("caCertData", connection.ca_cert_data.as_deref());
        let file = ("caCertFile", connection.ca_cert_file.as_deref());
        if let Some((name, pem)) = self.either(data, file).await? {
            return tls::certificates(name, &pem).map(Some);
        }
        let Some(address) = &connection.trust_store_file else { return Ok(None) };
        let passphrase = ("trustStorePassphrase", connection.trust_store_passphrase.as_ref());
        let contents = self.store(("trustStoreFile", address), passphrase).await?;
        if contents.certificates.is_empty() {
            return Err(ClusterError::settings("`trustStoreFile` holds no certificate to trust"));
        }
        Ok(Some(contents.certificates))
    }

    async fn identity(&self, connection: &Connection) -> Result<Option<Identity>, ClusterError> {
        let identity = match &connection.key_store_file {
            Some(address) => {
                let passphrase = ("keyStorePassphrase", connection.key_store_passphrase.as_ref());
                let contents = self.store(("keyStoreFile", address), passphrase).await?;
                let (key, chain) =
                    contents.keys.into_iter().find(|(_, chain)| !chain.is_empty()).ok_or_else(|| {
                        ClusterError::settings("`keyStoreFile` holds no key with a certificate")
                    })?;
                Some(Identity { chain, key })
            }
            None => self.pem_identity(connection).await?,
        };
        if let (Some(named), Some(identity)) = (&connection.client_key_algo, &identity) {
            key::check_algorithm(named, &identity.key)?;
        }
        Ok(identity)
    }

    async fn pem_identity(&self, connection: &Connection) -> Result<Option<Identity>, ClusterError> {
        let data = ("clientCertData", connection.client_cert_data.as_deref());
        let file = ("clientCertFile", connection.client_cert_file.as_deref());
        let Some((certificate_name, certificate)) = self.either(data, file).await? else { return Ok(None) };
        let data = ("clientKeyData", connection.client_key_data.as_ref().map(Secret::reveal));
        let file = ("clientKeyFile", connection.client_key_file.as_deref());
        let Some((key_name, pem)) = self.either(data, file).await? else {
            return Err(ClusterError::settings(format!(
                "`{certificate_name}` has no `clientKeyData` or `clientKeyFile`"
            )));
        };
        let passphrase = connection.client_key_passphrase.as_ref();
        let passphrase = self.words_of("clientKeyPassphrase", passphrase).await?;
        Ok(Some(Identity {
            chain: tls::certificates(certificate_name, &certificate)?,
            key: key::read(key_name, &pem, passphrase.as_ref().map(ExposeSecret::expose_secret))?,
        }))
    }

    async fn authorization(&self, connection: &Connection) -> Result<Authorization, ClusterError> {
        if let Some(token) = self.words_of("oauthToken", connection.oauth_token.as_ref()).await? {
            return Ok(Authorization::Bearer(token));
        }
        let password = self.words_of("password", connection.password.as_ref()).await?;
        Ok(match (&connection.username, password) {
            (Some(username), Some(password)) => Authorization::Basic(username.clone(), password),
            _ => Authorization::None,
        })
    }
}
