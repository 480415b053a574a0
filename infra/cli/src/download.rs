//! Output files from the bucket to a directory, each checked against its SHA-256.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use shared::run::result::OutputFile;
use tokio::io::AsyncWriteExt;

use crate::cloud::Cloud;
use crate::exit::Failure;

/// Make the directory that files will be downloaded into.
///
/// # Errors
/// When it cannot be made or written.
pub fn prepare(directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::wrong(format!("cannot make directory `{}`", directory.display())).because(&error)
    })
}

/// Download all files; `told` hears each path before it is fetched.
///
/// # Errors
/// At the first file that is missing, changed or cannot be written.
pub async fn all(
    cloud: &Cloud,
    files: &[OutputFile],
    directory: &Path,
    mut told: impl FnMut(&str),
) -> Result<(), Failure> {
    for file in files {
        told(&file.path);
        one(cloud, file, directory).await?;
    }
    Ok(())
}

async fn one(cloud: &Cloud, file: &OutputFile, directory: &Path) -> Result<(), Failure> {
    let target = target(directory, &file.path)?;
    let (bucket, key) =
        address(&file.uri).ok_or_else(|| Failure::failed(format!("`{}` is no S3 address", file.uri)))?;
    let body = cloud.open(bucket, key).await?.ok_or_else(|| {
        Failure::failed(format!("output file `{}` is no longer at `{}`", file.path, file.uri))
    })?;
    let unwritable = |error: std::io::Error| {
        Failure::failed(format!("cannot write `{}`", target.display())).because(&error)
    };
    if let Some(parent) = target.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(unwritable)?;
    }
    // Written beside the target and renamed, so that a file that is there is a file that was checked.
    let partial = partial(&target);
    let written = write(body, &partial).await;
    match written {
        Ok(hash) if hash == file.sha256 => tokio::fs::rename(&partial, &target).await.map_err(unwritable),
        Ok(hash) => {
            let _ = tokio::fs::remove_file(&partial).await;
            Err(Failure::failed(format!(
                "`{}` has SHA-256 `{hash}`, and the result says `{}`",
                file.uri, file.sha256
            ))
            .remedy("somebody changed the object after the run; run the task again"))
        }
        Err(error) => {
            let _ = tokio::fs::remove_file(&partial).await;
            Err(unwritable(error))
        }
    }
}

/// Write a stream to a file; the answer is its SHA-256 in lower-case hex.
async fn write(mut body: aws_sdk_s3::primitives::ByteStream, file: &Path) -> std::io::Result<String> {
    let mut out = tokio::fs::File::create(file).await?;
    let mut hash = Sha256::new();
    while let Some(bytes) = body.try_next().await.map_err(std::io::Error::other)? {
        hash.update(&bytes);
        out.write_all(&bytes).await?;
    }
    out.flush().await?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Where a file goes. The result was written by Longshore, which refuses unsafe paths; a path that leaves the directory is refused again.
fn target(directory: &Path, path: &str) -> Result<PathBuf, Failure> {
    let plain = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    match plain && !path.is_empty() {
        true => Ok(directory.join(path)),
        false => Err(Failure::failed(format!(
            "output file `{path}` would leave the directory; it is not downloaded"
        ))),
    }
}

fn partial(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    target.with_file_name(name)
}

/// Bucket and key of `s3://bucket/key`; the key is as it is, not URL-encoded.
pub fn address(uri: &str) -> Option<(&str, &str)> {
    uri.strip_prefix("s3://")?.split_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_directory_is_refused() {
        let directory = Path::new("/tmp/out");
        for path in ["../x", "/etc/passwd", "a/../../x", "", "./x"] {
            assert!(target(directory, path).is_err(), "{path}");
        }
        assert_eq!(target(directory, "a b/ü+%41.txt").unwrap(), Path::new("/tmp/out/a b/ü+%41.txt"));
    }

    #[test]
    fn an_address_is_taken_apart_at_the_first_slash() {
        assert_eq!(address("s3://b/a/b%20c"), Some(("b", "a/b%20c")));
        assert_eq!(address("https://b/a"), None);
    }

    #[tokio::test]
    async fn what_is_written_is_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        let hash = write(aws_sdk_s3::primitives::ByteStream::from_static(b"abc"), &file).await.unwrap();
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(std::fs::read(&file).unwrap(), b"abc");
    }
}
