//! An API server that has no pods, over TLS of the test's choice.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::fixture;

/// A request that came through.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The request line and headers.
    pub head: String,
    /// The client's certificate, DER.
    pub certificate: Option<Vec<u8>>,
}

/// A server until it is dropped.
pub struct Server {
    /// `https://127.0.0.1:PORT`
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

/// A certificate with its key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// From PEM texts.
    pub fn of(certificate: &[u8], key: &[u8]) -> Certificate {
        Certificate {
            chain: vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            key: PrivateKeyDer::from_pem_slice(key).unwrap(),
        }
    }
}

/// Whom the server lets in.
pub enum Clients {
    /// Everybody.
    Anybody,
    /// Who has a certificate of the fixtures' authority.
    OfTheAuthority,
}

impl Server {
    /// A server with the fixtures' certificate for loopback.
    pub async fn start(clients: Clients) -> Server {
        Server::with(Certificate::of(&fixture("server.pem"), &fixture("server.key")), clients).await
    }

    /// A server that lets in whom this authority vouches for.
    pub async fn trusting(certificate: Certificate, authority: &[u8]) -> Server {
        Server::with_roots(certificate, Some(authority)).await
    }

    /// A server with another certificate.
    pub async fn with(certificate: Certificate, clients: Clients) -> Server {
        match clients {
            Clients::Anybody => Server::with_roots(certificate, None).await,
            Clients::OfTheAuthority => Server::with_roots(certificate, Some(&fixture("ca.pem"))).await,
        }
    }

    async fn with_roots(certificate: Certificate, clients: Option<&[u8]>) -> Server {
        let provider = Arc::new(default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = match clients {
            None => builder.unwrap().with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.unwrap().with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let config = builder.with_single_cert(certificate.chain, certificate.key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let kept = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, kept.clone()));
            }
        });
        Server { url, seen, task }
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The only request.
    pub fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>) {
    let mut stream = match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => stream,
        Err((_, mut stream)) => {
            // The alert has been sent; what the client still sends is read, so that no reset overtakes it.
            let _ = stream.shutdown().await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            return;
        }
    };
    let head = head(&mut stream).await;
    let certificate =
        stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.to_vec());
    seen.lock().unwrap().push(Seen { head, certificate });
    let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"none","reason":"NotFound","code":404}"#;
    let answer = format!(
        "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{status}",
        status.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Read to the end of the headers.
pub async fn head(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// An authority of one test.
pub struct Authority {
    /// Its certificate, PEM.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "another authority");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// A server's certificate for these names, valid in these years.
    pub fn server(&self, names: &[&str], years: (i32, i32)) -> Certificate {
        let (certificate, key) = self.leaf(names, years, ExtendedKeyUsagePurpose::ServerAuth);
        Certificate {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        }
    }

    /// A client's certificate and key, PEM.
    pub fn client(&self) -> (String, String) {
        let (certificate, key) = self.leaf(&[], (2000, 3000), ExtendedKeyUsagePurpose::ClientAuth);
        (certificate.pem(), key.serialize_pem())
    }

    fn leaf(
        &self,
        names: &[&str],
        (from, to): (i32, i32),
        usage: ExtendedKeyUsagePurpose,
    ) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}
