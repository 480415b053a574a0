//! What the API server, containers and their shells say.

use bytes::Bytes;
use shared::cluster::error::ClusterError;

use crate::gate::Fault;

/// The name is in use.
pub fn taken(name: &str) -> ClusterError {
    api(&format!("create pod {name}"), 409, "AlreadyExists", &format!("pods \"{name}\" already exists"))
}

/// There is none.
pub fn not_found(operation: &str, name: &str) -> ClusterError {
    api(operation, 404, "NotFound", &format!("pods \"{name}\" not found"))
}

/// The answer to a request that goes wrong.
pub fn failure(operation: &str, fault: Fault) -> ClusterError {
    match fault {
        Fault::Busy => api(operation, 429, "", "too many requests, please try again later"),
        Fault::Trouble => api(operation, 500, "InternalError", "etcdserver: request timed out"),
        Fault::Conflict => api(operation, 409, "Conflict", "the object has been modified"),
        Fault::Quota => api(
            operation,
            403,
            "Forbidden",
            "pods \"x\" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=5, limited: pods=5",
        ),
        Fault::Gone => api(operation, 410, "Expired", "too old resource version"),
        Fault::Reset | Fault::Late | Fault::Cut => {
            ClusterError::Unreachable { operation: operation.to_owned(), source: format!("{fault:?}").into() }
        }
    }
}

fn api(operation: &str, status: u16, reason: &str, message: &str) -> ClusterError {
    ClusterError::Api {
        operation: operation.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
        retry_after: None,
    }
}

/// The log of a container: one line, and one output variable that tells whose it is.
pub fn log(uid: &str, container: &str) -> Bytes {
    let at = "2026-01-01T00:00:00.5Z";
    Bytes::from(format!("{at} hello from {container}\n{at} ::{{\"outputs\":{{\"uid\":\"{uid}\"}}}}::\n"))
}

/// The output files of every pod that has run.
pub const FILES: [&str; 3] = ["out/a.txt", "out/b c.bin", "left.txt"];

/// The content of a file: tells whose it is.
pub fn content(uid: &str, path: &str) -> Vec<u8> {
    format!("{path} of {uid}\n").repeat(3).into_bytes()
}

/// What the carrier's listing prints.
pub fn listing(uid: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let facts: Vec<String> = FILES
        .iter()
        .enumerate()
        .map(|(inode, path)| format!("81a4 1 1:{inode} {}", content(uid, path).len()))
        .collect();
    let mut field = |text: &str| {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    };
    field(&FILES.len().to_string());
    field(&facts.join("\n"));
    FILES.iter().for_each(|path| field(&format!("./{path}")));
    field("end");
    field("0");
    bytes
}

/// The archive that the carrier's `tar` writes: POSIX.1-1988 (`ustar`), 512-byte blocks.
pub fn archive(uid: &str, paths: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        let path = path.trim_start_matches("./");
        let content = content(uid, path);
        let mut header = tokio_tar::Header::new_ustar();
        header.set_entry_type(tokio_tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        if header.set_path(path).is_err() {
            continue;
        }
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}
