//! What went wrong in a handshake, in words that name the property to look at.

use std::error::Error;

use jiff::Timestamp;
use rustls::{AlertDescription, CertificateError, InvalidMessage};
use rustls_pki_types::UnixTime;

/// Where a connection says whom it trusts.
const CA: &str = "`caCertData`, `caCertFile` or `trustStoreFile`";
/// Where a connection says who it is.
const CLIENT: &str = "`clientCertData`, `clientCertFile` or `keyStoreFile`";

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeProblem {
    /// No authority of the connection has signed the server's certificate.
    #[error("its certificate is signed by nobody that the connection trusts; look at {CA}")]
    UnknownAuthority,
    /// The certificate is another server's.
    #[error(
        "its certificate is for {presented} and not for `{expected}`; name the server in `masterUrl` as its certificate does, or set `disableHostnameVerification`"
    )]
    WrongName {
        /// Host of the URL.
        expected: String,
        /// Names in the certificate.
        presented: String,
    },
    /// The certificate's time is over.
    #[error("its certificate expired{}; the server behind `masterUrl` needs a new one", at(*not_after))]
    Expired {
        /// Its last moment, where known.
        not_after: Option<Timestamp>,
    },
    /// The certificate's time has not begun.
    #[error("its certificate is not valid before{}; the server behind `masterUrl` or the clock is wrong", at(*not_before))]
    NotYetValid {
        /// Its first moment, where known.
        not_before: Option<Timestamp>,
    },
    /// The certificate is wrong in another way.
    #[error("its certificate is refused ({0}); look at the server behind `masterUrl`, and at {CA}")]
    BadCertificate(String),
    /// The server wants a client certificate and got none.
    #[error("it wants a client certificate; give {CLIENT}")]
    ClientCertificateMissing,
    /// The server did not accept the client certificate.
    #[error("it refuses the client certificate ({0}); look at {CLIENT}")]
    ClientCertificateRefused(String),
    /// What answers does not speak TLS.
    #[error("what answers does not speak TLS; look at scheme and port of `masterUrl`")]
    NotTls,
    /// The two found no common version or cipher.
    #[error(
        "it shares no version or cipher of TLS 1.2 or 1.3 with this client; look at the server behind `masterUrl`"
    )]
    NothingInCommon,
}

fn at(time: Option<Timestamp>) -> String {
    time.map(|time| format!(" {time}")).unwrap_or_default()
}

impl HandshakeProblem {
    /// The problem of the handshake among the causes of an error, if it is one.
    pub fn among(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<rustls::Error>() {
                return Self::of(found);
            }
            // An I/O error hands on the causes of what it holds, but not that itself.
            let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            cause = match held {
                Some(held) => Some(held as &(dyn Error + 'static)),
                None => error.source(),
            };
        }
        None
    }

    fn of(error: &rustls::Error) -> Option<Self> {
        match error {
            rustls::Error::InvalidCertificate(certificate) => Some(Self::of_certificate(certificate)),
            rustls::Error::AlertReceived(alert) => Self::of_alert(*alert),
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::InvalidEmptyPayload,
            ) => Some(HandshakeProblem::NotTls),
            rustls::Error::PeerIncompatible(_) => Some(HandshakeProblem::NothingInCommon),
            _ => None,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        let timestamp = |time: &UnixTime| Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok();
        match error {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                HandshakeProblem::UnknownAuthority
            }
            CertificateError::Expired => HandshakeProblem::Expired { not_after: None },
            CertificateError::ExpiredContext { not_after, .. } => {
                HandshakeProblem::Expired { not_after: timestamp(not_after) }
            }
            CertificateError::NotValidYet => HandshakeProblem::NotYetValid { not_before: None },
            CertificateError::NotValidYetContext { not_before, .. } => {
                HandshakeProblem::NotYetValid { not_before: timestamp(not_before) }
            }
            CertificateError::NotValidForName => HandshakeProblem::WrongName {
                expected: "masterUrl".to_owned(),
                presented: "another host".to_owned(),
            },
            CertificateError::NotValidForNameContext { expected, presented } => HandshakeProblem::WrongName {
                expected: expected.to_str().into_owned(),
                presented: names(presented),
            },
            other => HandshakeProblem::BadCertificate(other.to_string()),
        }
    }

    fn of_alert(alert: AlertDescription) -> Option<Self> {
        match alert {
            AlertDescription::CertificateRequired => Some(HandshakeProblem::ClientCertificateMissing),
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError => {
                Some(HandshakeProblem::ClientCertificateRefused(format!("{alert:?}")))
            }
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity => Some(HandshakeProblem::NothingInCommon),
            _ => None,
        }
    }
}

/// Names of a certificate, the first few of many. rustls writes them as `DnsName("a")` or `IpAddress(…)`.
fn names(presented: &[String]) -> String {
    const SHOWN: usize = 4;
    if presented.is_empty() {
        return "no host".to_owned();
    }
    let mut words: Vec<String> = presented
        .iter()
        .take(SHOWN)
        .map(|name| {
            let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
            format!("`{}`", inner.trim_matches('"'))
        })
        .collect();
    if presented.len() > SHOWN {
        words.push(format!("{} more", presented.len() - SHOWN));
    }
    words.join(", ")
}
