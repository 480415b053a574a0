//! `out`: chooses the outputs, uploads them, and says so last.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use shared::outputs::choice::choose;
use shared::outputs::direct::{
    self, Done, DoneFile, FORMAT_VERSION, Grants, MAX_DONE_BYTES, MAX_PIECES, PIECE_BYTES, Pieces, SHA256,
};
use shared::outputs::globs::Selection;
use shared::outputs::listing::Entry;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::client::{AT_ONCE, Client};
use crate::failure::{Failure, chain, say};
use crate::files;
use crate::form::{Content, FormError, Poster};
use crate::grants;
use crate::settings::Settings;

/// Upload the outputs. With `at_end` only once the pod's other containers have ended, which SIGTERM tells a native sidecar.
///
/// # Errors
/// When the grants cannot be had, or that all is done cannot be said. A file that cannot be uploaded is no error here: what is said names it.
pub async fn run(settings: &Settings, at_end: bool) -> Result<(), Failure> {
    let client = Client::new();
    if at_end {
        let mut end = signal(SignalKind::terminate()).map_err(Failure::Runtime)?;
        // Before the end: whoever cannot read its grants says so while there is time.
        let grants = grants::fetch(&client, settings).await?;
        end.recv().await;
        return finish(&client, &grants, &settings.working_dir, None).await;
    }
    let grants = grants::fetch(&client, settings).await?;
    finish(&client, &grants, &settings.working_dir, None).await
}

/// Upload everything that was asked for, then say so.
///
/// # Errors
/// When it cannot be said.
pub async fn finish(
    client: &Client,
    grants: &Grants,
    directory: &Path,
    log_parts: Option<u32>,
) -> Result<(), Failure> {
    let poster = Poster { client, grants };
    let mut done = everything(&poster, directory).await;
    done.log_parts = log_parts;
    let text = serde_json::to_vec(&done).unwrap_or_default();
    if text.len() as u64 > MAX_DONE_BYTES {
        return Err(Failure::Mismatch(format!(
            "{} output files are more than can be told; pack them",
            done.files.len()
        )));
    }
    let content = Content::Bytes(Bytes::from(text));
    poster.post(&grants.done, direct::DONE, &[], content).await.map_err(Failure::Done)?;
    say(&format!("{} files uploaded, {} not", done.files.len(), done.lost.len()));
    Ok(())
}

async fn everything(poster: &Poster<'_>, directory: &Path) -> Done {
    let grants = poster.grants;
    let mut done = Done { format_version: FORMAT_VERSION, ..Done::default() };
    let selection = match Selection::new(&grants.globs, grants.output_dir.as_deref()) {
        Ok(selection) => selection,
        Err(errors) => {
            done.lost = errors.iter().map(|error| chain(error)).collect();
            return done;
        }
    };
    let listing = match files::list(directory) {
        Ok(listing) => listing,
        Err(error) => {
            done.lost.push(format!("the working directory cannot be read: {error}"));
            return done;
        }
    };
    let choice = choose(&listing, &selection);
    done.warnings.clone_from(&choice.warnings);
    let room = Semaphore::new(AT_ONCE);
    let uploads = choice.files.iter().enumerate().map(|(number, entry)| {
        let (room, number) = (&room, u32::try_from(number).unwrap_or(u32::MAX));
        async move {
            let uploaded = upload(poster, directory, entry, number, room).await;
            uploaded.map_err(|error| {
                format!("output file `{}` could not be brought back: {}", entry.path, chain(&error))
            })
        }
    });
    let mut uploads = stream::iter(uploads).buffer_unordered(AT_ONCE);
    while let Some(uploaded) = uploads.next().await {
        match uploaded {
            Ok(file) => done.files.push(file),
            Err(words) => done.lost.push(words),
        }
    }
    done.files.sort_by(|one, other| one.path.cmp(&other.path));
    done.lost.sort();
    done
}

/// Why one file is not in the bucket.
#[derive(Debug, thiserror::Error)]
enum UploadError {
    #[error("it cannot be read")]
    Read(#[from] std::io::Error),
    #[error("it has {size} bytes, and at most {} can be uploaded", MAX_PIECES.saturating_mul(PIECE_BYTES))]
    TooLarge { size: u64 },
    #[error("it changed while it was uploaded")]
    Changed,
    #[error(transparent)]
    Form(#[from] FormError),
}

async fn upload(
    poster: &Poster<'_>,
    directory: &Path,
    entry: &Entry,
    number: u32,
    room: &Semaphore,
) -> Result<DoneFile, UploadError> {
    let file = Arc::new(files::open(directory, &entry.path)?);
    let size = file.metadata()?.len();
    let hashed = {
        let file = file.clone();
        tokio::task::spawn_blocking(move || files::sha256(&file))
    };
    let hash = async { hashed.await.map_err(std::io::Error::other)? };
    let (sha256, pieces) = match direct::pieces(size) {
        None => {
            let sha256 = hash.await?;
            let _room = room.acquire().await;
            let content = Content::Part { file: file.clone(), from: 0, length: size };
            let key = format!("{}{}", direct::OUTPUTS, entry.path);
            // The store compares the first with what arrives; the second is what it tells of the object later.
            let fields = [
                ("x-amz-checksum-sha256", STANDARD.encode(bytes_of(&sha256))),
                (&*format!("x-amz-meta-{SHA256}"), sha256.clone()),
            ];
            poster.post(&poster.grants.outputs, &key, &fields, content).await?;
            (sha256, None)
        }
        Some(count) if count > MAX_PIECES => return Err(UploadError::TooLarge { size }),
        Some(count) => {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            // Side by side: hashing waits for one processor, sending for the network.
            let sent = send_pieces(poster, &file, size, Pieces { file: number, count }, room);
            let (sha256, sent) = futures::join!(hash, sent);
            sent?;
            (sha256?, Some(Pieces { file: number, count }))
        }
    };
    // Of a file that grew the beginning is in the bucket, and of one that was written to something that never was.
    if file.metadata()?.len() != size {
        return Err(UploadError::Changed);
    }
    Ok(DoneFile { path: entry.path.clone(), size, sha256, pieces })
}

async fn send_pieces(
    poster: &Poster<'_>,
    file: &Arc<std::fs::File>,
    size: u64,
    pieces: Pieces,
    room: &Semaphore,
) -> Result<(), FormError> {
    let sends = (0..pieces.count).map(|index| async move {
        let _room = room.acquire().await;
        let from = u64::from(index).saturating_mul(PIECE_BYTES);
        let length = PIECE_BYTES.min(size.saturating_sub(from));
        let content = Content::Part { file: file.clone(), from, length };
        let key = direct::piece(pieces.file, index.saturating_add(1));
        poster.post(&poster.grants.pieces, &key, &[], content).await
    });
    let mut sends = stream::iter(sends).buffer_unordered(AT_ONCE);
    while let Some(sent) = sends.next().await {
        sent?;
    }
    Ok(())
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digit =
        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| pair.iter().fold(0, |value: u8, byte| (value << 4) | digit(*byte))).collect()
}
