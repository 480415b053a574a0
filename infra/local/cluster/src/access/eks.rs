//! EKS tokens: a presigned `sts:GetCallerIdentity` request whose signature covers the cluster's name.
//!
//! The real server sends the request to STS; here the secret is known, so the signature is computed again.
//! Format: <https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster>.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

/// The prefix of every EKS token.
const PREFIX: &str = "k8s-aws-v1.";
/// How long a token is good, whatever `X-Amz-Expires` says; the authenticator's constant.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// How far the signer's clock may be ahead.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Access keys and their secrets. All clones are one: a key can be let in while the cluster runs.
#[derive(Clone, Debug, Default)]
pub struct Keys(Arc<RwLock<BTreeMap<String, String>>>);

impl Keys {
    /// Let an access key in.
    pub fn admit(&self, access_key_id: impl Into<String>, secret_access_key: impl Into<String>) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(access_key_id.into(), secret_access_key.into());
    }

    fn secret(&self, access_key_id: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
    }
}

/// The one AWS identity that may enter, and who it is inside.
#[derive(Clone, Debug)]
pub struct EksIdentity {
    /// The cluster's name, which the token's signature must cover.
    pub cluster_name: String,
    /// The access keys that may sign.
    pub keys: Keys,
    /// The Kubernetes user that the identity maps to.
    pub user: String,
    /// Its groups.
    pub groups: Vec<String>,
}

impl EksIdentity {
    /// Whether the token was signed with this key, for this cluster, less than 15 minutes ago.
    pub fn accepts(&self, token: &str, now: Timestamp) -> bool {
        self.check(token, now).is_some()
    }

    fn check(&self, token: &str, now: Timestamp) -> Option<()> {
        let url = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?.trim_end_matches('=')).ok()?;
        let url = String::from_utf8(url).ok()?;
        let (host, query) = url.strip_prefix("https://")?.split_once("/?")?;
        let known = host.starts_with("sts.")
            && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"));
        let parameter = |name: &str| {
            let pair =
                query.split('&').find_map(|pair| pair.split_once('=').filter(|pair| pair.0 == name))?;
            Some(percent_decode_str(pair.1).decode_utf8().ok()?.into_owned())
        };
        let date = parameter("X-Amz-Date")?;
        let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &date).ok()?;
        let signed = signed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let age = now.duration_since(signed);
        let expires: i64 = parameter("X-Amz-Expires")?.parse().ok()?;
        let headers = parameter("X-Amz-SignedHeaders")?;
        let credential = parameter("X-Amz-Credential")?;
        let (key, scope) = credential.split_once('/')?;
        let fresh = age < LIFETIME && age > -SKEW && (0..=900).contains(&expires);
        let action = parameter("Action")? == "GetCallerIdentity";
        let covers = headers.split(';').any(|header| header == "x-k8s-aws-id");
        if !(known && fresh && action && covers) {
            return None;
        }
        let secret = self.keys.secret(key)?;
        let request = self.canonical_request(host, query, &headers)?;
        let text = format!(
            "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
            random::hex(Sha256::digest(request.as_bytes()).as_slice())
        );
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in scope.split('/') {
            key = hmac(&key, part.as_bytes())?.finalize().into_bytes().to_vec();
        }
        let signature = decode_hex(&parameter("X-Amz-Signature")?)?;
        hmac(&key, text.as_bytes())?.verify_slice(&signature).ok()
    }

    /// The request in the form that SigV4 signs; header values are those that this cluster expects.
    fn canonical_request(&self, host: &str, query: &str, signed_headers: &str) -> Option<String> {
        let mut pairs: Vec<&str> =
            query.split('&').filter(|pair| !pair.starts_with("X-Amz-Signature=")).collect();
        pairs.sort_unstable();
        let mut headers = String::new();
        for header in signed_headers.split(';') {
            let value = match header {
                "host" => host,
                "x-k8s-aws-id" => &self.cluster_name,
                // A header that the token does not carry cannot be checked, so the real authenticator refuses it too.
                _ => return None,
            };
            headers.push_str(&format!("{header}:{value}\n"));
        }
        let empty = random::hex(Sha256::digest(b"").as_slice());
        Some(format!("GET\n/\n{}\n{headers}\n{signed_headers}\n{empty}", pairs.join("&")))
    }
}

fn hmac(key: &[u8], data: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(data);
    Some(mac)
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then_some(())?;
    Some(pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed with botocore 1.43 for the example key of the AWS documentation, cluster `desk`, 2026-11-21T03:00:00Z.
    const TOKEN: &str = include_str!("eks_token.txt");

    fn identity(cluster: &str) -> EksIdentity {
        let keys = Keys::default();
        keys.admit("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        EksIdentity { cluster_name: cluster.into(), keys, user: "longshore".into(), groups: vec![] }
    }

    fn at(minute: &str) -> Timestamp {
        format!("2026-11-21T{minute}:00Z").parse().unwrap()
    }

    #[test]
    fn a_token_is_good_for_fifteen_minutes_and_for_its_cluster() {
        let token = TOKEN.trim();
        assert!(identity("desk").accepts(token, at("03:00")));
        assert!(identity("desk").accepts(token, at("03:14")));
        assert!(!identity("desk").accepts(token, at("03:15")));
        assert!(!identity("desk").accepts(token, at("02:50")));
        assert!(!identity("other").accepts(token, at("03:00")));
    }

    #[test]
    fn another_key_and_a_changed_token_are_refused() {
        let token = TOKEN.trim();
        let other = identity("desk");
        other.keys.admit("AKIDEXAMPLE", "x");
        assert!(!other.accepts(token, at("03:00")));
        let none = EksIdentity { keys: Keys::default(), ..identity("desk") };
        assert!(!none.accepts(token, at("03:00")));
        none.keys.admit("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        assert!(none.accepts(token, at("03:00")), "let in while it runs");
        let url = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX).unwrap()).unwrap();
        let url = String::from_utf8(url).unwrap().replace("Expires=60", "Expires=61");
        let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url));
        assert!(!identity("desk").accepts(&changed, at("03:00")));
        assert!(!identity("desk").accepts("k8s-aws-v1.!!", at("03:00")));
    }
}
