//! Images: none is pulled; a name maps to the userland of this machine or to a directory given for it.

use super::python::Python;
use crate::container::RootSpec;
use crate::random;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Where programs are found when nothing else is said (what common images set).
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a container of an image starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its root file system.
    pub root: RootSpec,
    /// Variables that the image sets.
    pub environment: Vec<(String, String)>,
}

/// Why an image cannot be had; the words of the recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageProblem {
    /// The name is none.
    Invalid(String),
    /// The registry does not have it, or there is no such registry.
    Missing(String),
    /// It would have to be pulled, and must not be.
    NeverPulled(String),
}

/// Find an image. Hosts ending in `.invalid`, repositories and tags named `does-not-exist` and repositories with
/// `/missing/` in them stand for images that are not there, hosts ending in `.example` for registries that ask who one is.
pub fn find(
    name: &str,
    policy: &str,
    given: &[(String, PathBuf)],
    python: &Python,
) -> Result<Image, ImageProblem> {
    let Some(reference) = parse(name) else {
        return Err(ImageProblem::Invalid(format!(
            "Failed to apply default image tag \"{name}\": couldn't parse image name \"{name}\": invalid reference format"
        )));
    };
    if let Some((_, directory)) = given.iter().find(|(other, _)| full_name(other) == full_name(name)) {
        return Ok(from_directory(directory, python));
    }
    if let Some(problem) = missing(name, &reference) {
        return Err(match policy {
            "Never" => ImageProblem::NeverPulled(format!(
                "Container image \"{name}\" is not present with pull policy of Never"
            )),
            _ => ImageProblem::Missing(problem),
        });
    }
    Ok(userland(python, Vec::new(), None))
}

fn missing(name: &str, reference: &Reference) -> Option<String> {
    let full = full_name(name);
    let host = reference.host.unwrap_or_default();
    let domain = host.split(':').next().unwrap_or_default();
    if domain.ends_with(".example") {
        return Some(format!(
            "failed to pull and unpack image \"{full}\": failed to resolve image: pull access denied, repository \
             does not exist or may require authorization: authorization failed: no basic auth credentials"
        ));
    }
    if domain.ends_with(".invalid") {
        let (path, tag) = (reference.path, reference.tag.unwrap_or("latest"));
        return Some(format!(
            "failed to pull and unpack image \"{full}\": failed to resolve image: failed to do request: \
             Head \"https://{host}/v2/{path}/manifests/{tag}\": dial tcp: lookup {host}: no such host"
        ));
    }
    let is_missing = reference.path.split('/').next_back() == Some("does-not-exist")
        || reference.tag == Some("does-not-exist")
        || format!("/{}", reference.path).contains("/missing/");
    is_missing.then(|| {
        format!(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"{full}\": \
             failed to resolve image: {full}: not found"
        )
    })
}

/// A root file system when it looks like one, else a Python environment on top of the userland.
fn from_directory(directory: &Path, python: &Python) -> Image {
    if directory.join("pyvenv.cfg").is_file() {
        return userland(python, Python::of_environment(directory), Some(directory));
    }
    if directory.join("bin/sh").exists() || directory.join("usr/bin/env").exists() || has_program(directory) {
        let environment = vec![("PATH".into(), SEARCH_PATH.into())];
        return Image { root: RootSpec::Directory(directory.to_owned()), environment };
    }
    userland(python, vec![directory.to_owned()], None)
}

/// A program at the top and nothing that looks like a system: an image made from scratch.
fn has_program(directory: &Path) -> bool {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    files.filter(|entry| entry.metadata().is_ok_and(|facts| facts.is_file())).any(|entry| {
        let mut magic = [0; 4];
        let file = std::fs::File::open(entry.path());
        file.and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic)).is_ok()
            && magic == *b"\x7fELF"
    })
}

fn userland(python: &Python, more: Vec<PathBuf>, virtual_environment: Option<&Path>) -> Image {
    let mut environment = Vec::new();
    let mut path = Vec::new();
    if let Some(directory) = virtual_environment {
        path.push(directory.join("bin").display().to_string());
        environment.push(("VIRTUAL_ENV".into(), directory.display().to_string()));
    }
    path.extend(python.search_path.iter().map(|directory| directory.display().to_string()));
    path.push(SEARCH_PATH.into());
    environment.insert(0, ("PATH".into(), path.join(":")));
    let mut visible = python.visible.clone();
    visible.extend(more);
    Image { root: RootSpec::Userland { visible, python: python.executable.clone() }, environment }
}

/// The name with its host and tag: `busybox` is `docker.io/library/busybox:latest`.
pub fn full_name(name: &str) -> String {
    let Some(reference) = parse(name) else { return name.to_owned() };
    let host = reference.host.unwrap_or("docker.io");
    let library = if host == "docker.io" && !reference.path.contains('/') { "library/" } else { "" };
    let tag = match (reference.tag, reference.digest) {
        (Some(tag), _) => format!(":{tag}"),
        (None, Some(digest)) => format!("@{digest}"),
        (None, None) => ":latest".to_owned(),
    };
    format!("{host}/{library}{}{tag}", reference.path)
}

/// An identifier for the image; derived from the name, since nothing was pulled.
pub fn digest(name: &str) -> String {
    let full = full_name(name);
    let repository = full.split('@').next().unwrap_or_default();
    let end = repository.rfind(':').filter(|colon| repository.rfind('/').is_none_or(|slash| slash < *colon));
    let repository = end.and_then(|end| repository.get(..end)).unwrap_or(repository);
    format!("{repository}@sha256:{}", random::hex(&Sha256::digest(&full)))
}

struct Reference<'a> {
    host: Option<&'a str>,
    path: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

/// The grammar of image references (host, path of lower-case components, tag, digest).
fn parse(name: &str) -> Option<Reference<'_>> {
    let (rest, digest) = name.split_once('@').map_or((name, None), |(rest, digest)| (rest, Some(digest)));
    let (rest, tag) = match rest.rsplit_once(':') {
        Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag)),
        _ => (rest, None),
    };
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, rest),
    };
    let component = |component: &str| {
        let ends = [component.chars().next(), component.chars().next_back()];
        ends.iter().all(|end| end.is_some_and(|end| end.is_ascii_lowercase() || end.is_ascii_digit()))
            && component
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_tag = |tag: &str| {
        tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'))
    };
    let is_digest =
        |digest: &str| digest.split_once(':').is_some_and(|(kind, hex)| !kind.is_empty() && hex.len() >= 32);
    let is_host = |host: &str| {
        host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
    };
    let is_valid = path.split('/').all(component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
        && host.is_none_or(is_host);
    is_valid.then_some(Reference { host, path, tag, digest })
}
