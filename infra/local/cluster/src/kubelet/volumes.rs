//! The volumes of a pod as directories of the host.

use super::environment::{self, Variables};
use super::{Host, quantity};
use crate::container::{MountSpec, TmpfsSpec};
use crate::store::{Kind, text};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A volume that cannot be had yet, in the kubelet's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountProblem(pub String);

/// A volume that is there.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Its name in the pod.
    pub name: String,
    /// Where it is on the host.
    pub directory: PathBuf,
    /// Refuse writes whatever the mount says.
    pub is_read_only: bool,
    /// Set when it lives in memory.
    pub in_memory: Option<TmpfsSpec>,
    /// The most that an emptyDir on disk may hold, in bytes, and as it was written.
    pub limit: Option<(u64, String)>,
}

/// Make every volume of a pod below `directory`.
pub fn prepare(host: &Host, pod: &Value, directory: &Path) -> Result<Vec<Volume>, MountProblem> {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
    volumes.map(|volume| make(host, pod, volume, &directory.join(text(volume, "/name")))).collect()
}

fn make(host: &Host, pod: &Value, volume: &Value, directory: &Path) -> Result<Volume, MountProblem> {
    let name = text(volume, "/name");
    let failed =
        |words: String| MountProblem(format!("MountVolume.SetUp failed for volume \"{name}\" : {words}"));
    let mut made = Volume {
        name: name.to_owned(),
        directory: directory.to_owned(),
        is_read_only: true,
        in_memory: None,
        limit: None,
    };
    if let Some(host_path) = volume.get("hostPath") {
        made.directory = PathBuf::from(text(host_path, "/path"));
        made.is_read_only = false;
        if text(host_path, "/type") == "DirectoryOrCreate" {
            fs::create_dir_all(&made.directory).map_err(|error| failed(error.to_string()))?;
        }
        let exists = made.directory.exists();
        return if exists {
            Ok(made)
        } else {
            Err(failed(format!("hostPath {} does not exist", made.directory.display())))
        };
    }
    fs::create_dir_all(directory).map_err(|error| failed(error.to_string()))?;
    if let Some(empty) = volume.get("emptyDir") {
        made.is_read_only = false;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o777))
            .map_err(|error| failed(error.to_string()))?;
        let limit = empty.get("sizeLimit").and_then(Value::as_str);
        let limit = limit
            .and_then(|limit| Some((quantity::units(limit)?, limit.to_owned())))
            .filter(|(bytes, _)| *bytes > 0);
        if text(empty, "/medium") == "Memory" {
            let limit_bytes = limit.map(|(bytes, _)| bytes);
            made.in_memory = Some(TmpfsSpec { directory: directory.to_owned(), limit_bytes });
        } else {
            made.limit = limit;
        }
        return Ok(made);
    }
    let (sources, mode) = match volume.get("projected") {
        Some(projected) => {
            (projected.get("sources").and_then(Value::as_array).cloned().unwrap_or_default(), projected)
        }
        None => (vec![as_source(volume)], volume),
    };
    let mode = ["/defaultMode", "/secret/defaultMode", "/configMap/defaultMode", "/downwardAPI/defaultMode"]
        .iter()
        .find_map(|pointer| mode.pointer(pointer).and_then(Value::as_u64))
        .unwrap_or(0o644);
    for source in &sources {
        for (path, content, own_mode) in files_of(host, pod, source).map_err(failed)? {
            write(directory, &path, &content, own_mode.unwrap_or(mode))
                .map_err(|error| failed(error.to_string()))?;
        }
    }
    Ok(made)
}

/// A volume in the shape of a source of a projected volume.
fn as_source(volume: &Value) -> Value {
    match volume.get("secret") {
        Some(secret) => {
            let name = text(secret, "/secretName");
            json!({"secret": {"name": name, "items": secret.get("items"), "optional": secret.get("optional")}})
        }
        None => volume.clone(),
    }
}

type File = (String, Vec<u8>, Option<u64>);

fn files_of(host: &Host, pod: &Value, source: &Value) -> Result<Vec<File>, String> {
    for (field, kind) in [("secret", Kind::Secret), ("configMap", Kind::ConfigMap)] {
        if let Some(reference) = source.get(field) {
            return files_of_object(host, pod, kind, reference);
        }
    }
    if let Some(items) = source.pointer("/downwardAPI/items").and_then(Value::as_array) {
        let field =
            |item: &Value| environment::pod_field(pod, text(item, "/fieldRef/fieldPath")).into_bytes();
        let file = |item: &Value| {
            (text(item, "/path").to_owned(), field(item), item.get("mode").and_then(Value::as_u64))
        };
        return Ok(items.iter().map(file).collect());
    }
    if source.get("serviceAccountToken").is_some() {
        // Nobody issues tokens for pods here: a program that wants the API says that it has none.
        return Ok(Vec::new());
    }
    let kind =
        source.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).find(|key| *key != "name");
    Err(format!("volumes of type `{}` are not supported by the embedded node", kind.unwrap_or("none")))
}

/// The name of the certificate bundle that a controller puts into every namespace of a real cluster.
const ROOT_CERTIFICATES: &str = "kube-root-ca.crt";

fn files_of_object(host: &Host, pod: &Value, kind: Kind, reference: &Value) -> Result<Vec<File>, String> {
    let name = text(reference, "/name");
    let Some(entries) = environment::entries(host, pod, kind, name) else {
        let may_miss = environment::is_optional(reference) || name == ROOT_CERTIFICATES;
        return if may_miss { Ok(Vec::new()) } else { Err(environment::not_found(kind, name).0) };
    };
    let Some(items) = reference.get("items").and_then(Value::as_array) else {
        return Ok(entries.into_iter().map(|(key, value)| (key, value, None)).collect());
    };
    let mut files = Vec::new();
    for item in items {
        let (key, path) = (text(item, "/key"), text(item, "/path"));
        match entries.iter().find(|(other, _)| other == key) {
            Some((_, value)) => {
                files.push((path.to_owned(), value.clone(), item.get("mode").and_then(Value::as_u64)))
            }
            None if environment::is_optional(reference) => {}
            None => return Err(format!("references non-existent {} key: {key}", kind.name().to_lowercase())),
        }
    }
    Ok(files)
}

fn write(directory: &Path, path: &str, content: &[u8], mode: u64) -> io::Result<()> {
    let file = below(directory, path)?;
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&file, content)?;
    // The owner must be able to read: the container has one user.
    let mode = u32::try_from(mode).unwrap_or(0o644) | 0o400;
    fs::set_permissions(&file, fs::Permissions::from_mode(mode))
}

/// The mounts of a container, those nearer to the root first.
pub fn mounts_of(container: &Value, volumes: &[Volume], variables: &Variables) -> io::Result<Vec<MountSpec>> {
    let mut mounts = Vec::new();
    for mount in container.get("volumeMounts").and_then(Value::as_array).into_iter().flatten() {
        let Some(volume) = volumes.iter().find(|volume| volume.name == text(mount, "/name")) else {
            continue;
        };
        let expanded = environment::expand(text(mount, "/subPathExpr"), variables);
        let sub_path = Some(text(mount, "/subPath")).filter(|path| !path.is_empty()).unwrap_or(&expanded);
        let source = match sub_path {
            "" => volume.directory.clone(),
            _ => sub_directory(volume, sub_path)?,
        };
        let read_only = volume.is_read_only || mount.get("readOnly").and_then(Value::as_bool) == Some(true);
        mounts.push(MountSpec { source, target: Path::new("/").join(text(mount, "/mountPath")), read_only });
    }
    mounts.sort_by_key(|mount| mount.target.components().count());
    Ok(mounts)
}

/// A path inside a volume, made as a directory when missing, and never outside of the volume.
fn sub_directory(volume: &Volume, path: &str) -> io::Result<PathBuf> {
    let source = below(&volume.directory, path)?;
    if volume.in_memory.is_some() {
        // It is mounted in the holder's namespace only, which makes the directory.
        return Err(io::Error::other(format!("subPath `{path}` of a volume in memory is not supported")));
    }
    if !source.exists() {
        fs::create_dir_all(&source)?;
    }
    let (source, root) = (source.canonicalize()?, volume.directory.canonicalize()?);
    if source.starts_with(&root) {
        Ok(source)
    } else {
        Err(io::Error::other(format!("subPath `{path}` leads out of its volume")))
    }
}

fn below(directory: &Path, path: &str) -> io::Result<PathBuf> {
    let is_plain = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if is_plain {
        Ok(directory.join(path))
    } else {
        Err(io::Error::other(format!("path `{path}` leads out of its volume")))
    }
}
