//! Bearer tokens: the administrator's, static ones, and those of EKS.

use super::{EksIdentity, User};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// A token that stands for a user as long as the cluster lives.
#[derive(Clone, Debug)]
pub struct StaticToken {
    /// The bearer token.
    pub token: String,
    /// The user, for example `system:serviceaccount:default:runner`.
    pub user: String,
    /// Further groups.
    pub groups: Vec<String>,
}

/// Every credential that the server knows.
#[derive(Clone, Debug)]
pub struct Tokens {
    tokens: Vec<StaticToken>,
    eks: Option<EksIdentity>,
}

/// The token is not known, not valid, or too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unauthorized;

impl Tokens {
    /// The credentials of a cluster.
    pub fn new(tokens: Vec<StaticToken>, eks: Option<EksIdentity>) -> Tokens {
        Tokens { tokens, eks }
    }

    /// The user behind an `Authorization` header. No header, another scheme and an empty token are anonymous, as
    /// upstream has it.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`] when a token is sent that is not good.
    pub fn authenticate(&self, authorization: Option<&str>, now: Timestamp) -> Result<User, Unauthorized> {
        let token = authorization.and_then(|header| header.split_once(' ')).and_then(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
        });
        let Some(token) = token else { return Ok(User::anonymous()) };
        if let Some(known) = self.tokens.iter().find(|known| same(&known.token, token)) {
            return Ok(User::authenticated(&known.user, &known.groups));
        }
        match &self.eks {
            Some(eks) if eks.accepts(token, now) => Ok(User::authenticated(&eks.user, &eks.groups)),
            _ => Err(Unauthorized),
        }
    }
}

/// Compare without telling by the time it takes where the first difference is.
fn same(known: &str, sent: &str) -> bool {
    let digest = |text: &str| {
        Hmac::<Sha256>::new_from_slice(b"longshore token comparison").map(|mut mac| {
            mac.update(text.as_bytes());
            mac
        })
    };
    match (digest(known), digest(sent)) {
        (Ok(known), Ok(sent)) => known.verify_slice(&sent.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        let token = StaticToken {
            token: "secret".into(),
            user: "system:serviceaccount:fxh:runner".into(),
            groups: vec![],
        };
        Tokens::new(vec![token], None)
    }

    #[test]
    fn a_known_token_is_its_service_account() {
        let user = tokens().authenticate(Some("Bearer secret"), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(user.name, "system:serviceaccount:fxh:runner");
        assert_eq!(
            user.groups,
            ["system:serviceaccounts", "system:serviceaccounts:fxh", "system:authenticated"]
        );
    }

    #[test]
    fn no_token_is_anonymous_and_a_bad_one_is_refused() {
        // http/50-unauthorized
        for header in [None, Some("Basic dTpw"), Some("Bearer ")] {
            assert_eq!(tokens().authenticate(header, Timestamp::UNIX_EPOCH), Ok(User::anonymous()));
        }
        assert_eq!(tokens().authenticate(Some("Bearer wrong"), Timestamp::UNIX_EPOCH), Err(Unauthorized));
    }
}
