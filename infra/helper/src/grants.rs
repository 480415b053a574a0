//! The grants of this attempt, fetched by a link.

use shared::outputs::direct::{FORMAT_VERSION, Grants};

use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;

/// Most bytes of the grants: globs are the longest part of them.
const MAX_GRANTS_BYTES: usize = 4 * 1024 * 1024;

/// Fetch the grants.
///
/// # Errors
/// When there is no link, it is refused, or what it leads to is of another version.
pub async fn fetch(client: &Client, settings: &Settings) -> Result<Grants, Failure> {
    let url = settings.grants.as_deref().ok_or(Failure::NoGrants)?;
    let what = || "the grants for outputs".to_owned();
    let bytes = client.read(url, MAX_GRANTS_BYTES).await.map_err(|source| match source.is_refusal() {
        true => Failure::Refused { what: what() },
        false => Failure::Fetch { what: what(), source },
    })?;
    let grants: Grants = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::Mismatch(format!("the grants cannot be read: {error}")))?;
    if grants.format_version != FORMAT_VERSION {
        let found = grants.format_version;
        return Err(Failure::Mismatch(format!("the grants are of version {found}, not of {FORMAT_VERSION}")));
    }
    Ok(grants)
}
