//! Who asks, and what they may do.

mod eks;
mod review;
mod rules;
mod token;

pub use eks::{EksIdentity, Keys};
pub(crate) use review::review;
pub(crate) use rules::{Authorizer, Question};
pub use token::StaticToken;
pub(crate) use token::Tokens;

/// The one who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// User name, for example `system:serviceaccount:default:runner`.
    pub name: String,
    /// Groups, `system:authenticated` among them unless anonymous.
    pub groups: Vec<String>,
}

/// The group that may do everything.
pub const ADMINISTRATORS: &str = "system:masters";

impl User {
    /// Somebody without credentials.
    pub fn anonymous() -> User {
        User { name: "system:anonymous".into(), groups: vec!["system:unauthenticated".into()] }
    }

    /// Somebody with credentials; `system:authenticated` and the groups of a service account are added.
    pub fn authenticated(name: &str, groups: &[String]) -> User {
        let mut groups = groups.to_vec();
        if let Some((namespace, _)) =
            name.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'))
        {
            groups.push("system:serviceaccounts".into());
            groups.push(format!("system:serviceaccounts:{namespace}"));
        }
        groups.push("system:authenticated".into());
        User { name: name.into(), groups }
    }

    /// Whether the user may do everything.
    pub fn is_administrator(&self) -> bool {
        self.groups.iter().any(|group| group == ADMINISTRATORS)
    }

    /// Whether the user has shown credentials.
    pub fn is_authenticated(&self) -> bool {
        self.groups.iter().any(|group| group == "system:authenticated")
    }
}
