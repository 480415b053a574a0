//! `in`: prepares the working directory and fetches the inputs of the manifest, in parallel and in parts.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use futures::StreamExt;
use futures::stream::{self, TryStreamExt};
use tokio::sync::Semaphore;

use crate::client::{self, AT_ONCE, Client, RequestError, SILENCE_AT_MOST};
use crate::failure::{Failure, chain, say};
use crate::files;
use crate::install;
use crate::manifest::{self, HEADER, Input};
use crate::range::{RangeError, Source};
use crate::settings::Settings;

/// Bytes that are asked for at once.
const RANGE_BYTES: u64 = 8 * 1024 * 1024;

/// Prepare and fetch.
///
/// # Errors
/// The first file that cannot be had ends everything: a task must not begin with some of its inputs.
pub async fn run(settings: &Settings) -> Result<(), Failure> {
    prepare(&settings.working_dir)?;
    if let Some(directory) = &settings.output_dir {
        prepare(directory)?;
    }
    if let Some(path) = &settings.install {
        install::at(path)?;
    }
    let Some(url) = &settings.manifest else { return Ok(()) };
    let list = settings.beside(".longshore-manifest");
    let client = Client::new();
    // Straight to the disk: that of many files is large, since links are long.
    client::retried(|| download(&client, url, &list)).await.map_err(unfetched("the input manifest"))?;
    let inputs = BufReader::new(File::open(&list).map_err(Failure::file("read", &list))?);
    let mut lines = inputs.lines().map(|line| line.map_err(Failure::file("read", &list)));
    let old = || Failure::Mismatch("the input manifest is not one of this version".to_owned());
    if lines.next().transpose()?.is_none_or(|first| first != HEADER) {
        return Err(old());
    }
    let journal = Journal::open(settings.beside(".longshore-fetched"))?;
    let room = Semaphore::new(AT_ONCE);
    let place = Place { settings, client: &client, room: &room };
    let inputs = lines.enumerate().map(|(number, line)| Ok::<_, Failure>((number, manifest::line(&line?)?)));
    let files = stream::iter(inputs)
        .try_filter(|(number, _)| std::future::ready(!journal.has(*number)))
        .map(|input| async {
            let (number, input) = input?;
            place.fetch(number, &input).await?;
            journal.note(number)
        })
        .buffer_unordered(AT_ONCE);
    let count = files.try_fold(0_u64, |count, ()| std::future::ready(Ok(count + 1))).await?;
    for own in [&list, &journal.path] {
        // They lie outside of the working directory and end with the pod in any case.
        let _ = fs::remove_file(own);
    }
    say(&format!("{count} files"));
    Ok(())
}

struct Place<'a> {
    settings: &'a Settings,
    client: &'a Client,
    room: &'a Semaphore,
}

impl Place<'_> {
    /// One file: into a file of its own beside the working directory, checked, then to its place.
    async fn fetch(&self, number: usize, input: &Input) -> Result<(), Failure> {
        let part = self.settings.beside(&format!(".longshore-part-{number}"));
        let file = File::create(&part).map_err(Failure::file("make", &part))?;
        let source = Source { url: &input.url, size: input.size, version: OnceLock::new() };
        let starts = (0..input.size.div_ceil(RANGE_BYTES)).map(|index| index.saturating_mul(RANGE_BYTES));
        let ranges = starts.map(|from| {
            let (source, file) = (&source, &file);
            async move {
                let Ok(_room) = self.room.acquire().await else { return Ok(()) };
                let to = from.saturating_add(RANGE_BYTES).min(input.size);
                source.copy(self.client, file, from, to).await
            }
        });
        let ranges = stream::iter(ranges).buffer_unordered(AT_ONCE);
        ranges.try_collect::<()>().await.map_err(|error| failed(&input.path, &part, error))?;
        if let Some(hash) = &input.sha256 {
            let path = part.clone();
            let found = tokio::task::spawn_blocking(move || files::sha256(&File::open(path)?)).await;
            let found = found.map_err(|error| Failure::Runtime(std::io::Error::other(error)))?;
            if found.map_err(Failure::file("read", &part))? != *hash {
                return Err(Failure::Mismatch(format!(
                    "{} is not the file that was submitted (SHA-256 differs)",
                    input.path
                )));
            }
        }
        let target = self.settings.working_dir.join(&input.path);
        if let Some(folder) = target.parent() {
            // As the carrier's umask has it: the main container may run as another user.
            make_folders(&self.settings.working_dir, folder)?;
        }
        let writing = || Failure::file("write", target.clone());
        fs::set_permissions(&part, fs::Permissions::from_mode(input.mode)).map_err(writing())?;
        fs::rename(&part, &target).map_err(writing())
    }
}

/// Every folder from the working directory down, open to everybody.
fn make_folders(from: &Path, folder: &Path) -> Result<(), Failure> {
    let mut at = from.to_path_buf();
    for name in folder.strip_prefix(from).unwrap_or(Path::new("")).components() {
        at.push(name);
        match fs::create_dir(&at) {
            Ok(()) => open_to_all(&at)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::file("make", at)(error)),
        }
    }
    Ok(())
}

fn prepare(directory: &Path) -> Result<(), Failure> {
    fs::create_dir_all(directory).map_err(Failure::file("make", directory))?;
    match open_to_all(directory) {
        // Somebody else's: it is enough that it can be written to.
        Err(_) if !is_read_only(directory) => Ok(()),
        other => other,
    }
}

fn is_read_only(directory: &Path) -> bool {
    let probe = directory.join(".longshore-probe");
    let written = File::create(&probe).is_ok();
    let _ = fs::remove_file(probe);
    !written
}

fn open_to_all(directory: &Path) -> Result<(), Failure> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o777))
        .map_err(Failure::file("open", directory))
}

async fn download(client: &Client, url: &str, path: &Path) -> Result<(), RequestError> {
    let written = |error: std::io::Error| RequestError::Answer(format!("more than the disk takes ({error})"));
    let mut file = File::create(path).map_err(written)?;
    let request = Client::get(url)?.body(client::empty()).map_err(|_| RequestError::Address)?;
    let mut body = client.send(request, SILENCE_AT_MOST).await?.into_body();
    while let Some(bytes) = client::next(&mut body).await? {
        file.write_all(&bytes).map_err(written)?;
    }
    Ok(())
}

fn unfetched(what: &str) -> impl FnOnce(RequestError) -> Failure {
    let what = what.to_owned();
    |source| match source.is_refusal() {
        true => Failure::Refused { what },
        false => Failure::Fetch { what, source },
    }
}

fn failed(path: &str, part: &Path, error: RangeError) -> Failure {
    match error {
        RangeError::Request(error) => unfetched(path)(error),
        RangeError::Write(source) => Failure::file("write", part)(source),
        error @ (RangeError::Size { .. } | RangeError::Replaced) => {
            Failure::Mismatch(format!("{path} is not the file that was submitted: {}", chain(&error)))
        }
    }
}

/// Which files of the manifest are in their places: a container that is started again does not fetch them again.
struct Journal {
    path: PathBuf,
    done: Vec<usize>,
    file: Arc<File>,
}

impl Journal {
    fn open(path: PathBuf) -> Result<Journal, Failure> {
        let text = fs::read_to_string(&path).unwrap_or_default();
        // A line that was cut has no line feed, and its file is fetched again.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let done = whole.lines().filter_map(|line| line.parse().ok()).collect();
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let mut file = file.map_err(Failure::file("write", &path))?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n").map_err(Failure::file("write", &path))?;
        }
        Ok(Journal { done, file: Arc::new(file), path })
    }

    fn has(&self, number: usize) -> bool {
        self.done.contains(&number)
    }

    fn note(&self, number: usize) -> Result<(), Failure> {
        let mut file = self.file.as_ref();
        file.write_all(format!("{number}\n").as_bytes()).map_err(Failure::file("write", &self.path))
    }
}
