//! The sessions of the functions' roles, in a stack that holds the functions to their roles.

use sha2::{Digest as _, Sha256};

use crate::emulator::{ACCESS_KEY_ID, REGION};

/// Access key and secret under which the emulator runs a function with a role (`execution_credentials` of ministack 1.5): a real cluster would ask STS who
/// has signed a token, the embedded one has to know.
pub(crate) fn session(function: &str, role_arn: &str) -> (String, String) {
    let function_arn = format!("arn:aws:lambda:{REGION}:{ACCESS_KEY_ID}:function:{function}");
    let digest = fingerprint(&format!("{function_arn}:{role_arn}"));
    let id: String = digest.chars().take(16).collect();
    (format!("ASIA{}", id.to_uppercase()), fingerprint(&format!("secret:{digest}")))
}

fn fingerprint(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
