//! Files that all tasks of an author's namespace share (`namespaceFiles`), listed when a run begins.

use std::collections::BTreeMap;

use super::inputs::InputsError;
use crate::environment::Environment;
use crate::resolve::plan::{FilePlan, InputFile, InputSource};
use crate::run::diagnosis::{Cause, Diagnosis};
use crate::spec::name;
use crate::spec::pattern::Pattern;
use crate::store::bucket::{Listed, list_all};
use crate::store::keys;

/// A run gets at most this many shared files: all of them stand in its record.
const MOST: usize = 1000;

/// The inputs of a plan with the shared files among them, sorted by path. An input of the task's own goes before a shared file of the same path.
///
/// # Errors
/// `Missing` names a file that cannot be placed, or says that there are too many.
pub async fn with_shared(environment: &Environment, files: &FilePlan) -> Result<Vec<InputFile>, InputsError> {
    let mut inputs: BTreeMap<String, InputFile> = BTreeMap::new();
    let Some(shared) = &files.namespace else { return Ok(files.inputs.clone()) };
    let (include, exclude) = (patterns(&shared.include)?, patterns(&shared.exclude)?);
    let is_chosen = |path: &str| {
        (include.is_empty() || include.iter().any(|pattern| pattern.matches(path)))
            && !exclude.iter().any(|pattern| pattern.matches(path))
    };
    for namespace in &shared.namespaces {
        let folder = keys::shared_files(namespace);
        for listed in list_all(environment.bucket.as_ref(), &folder).await? {
            let Some(path) = listed.key.strip_prefix(&folder).filter(|path| !path.ends_with('/')) else {
                continue;
            };
            if is_chosen(path) {
                let file = input(path, &listed)?;
                inputs.insert(file.path.clone(), file);
            }
        }
    }
    if inputs.len() > MOST {
        let count = inputs.len();
        return Err(refused(format!(
            "`namespaceFiles` selects {count} files, and a run takes at most {MOST}: narrow `include`"
        )));
    }
    inputs.extend(files.inputs.iter().map(|file| (file.path.clone(), file.clone())));
    check_folders(&inputs, files)?;
    Ok(inputs.into_values().collect())
}

fn input(path: &str, listed: &Listed) -> Result<InputFile, InputsError> {
    match name::file_path(path) {
        Ok(normal) if normal == path => Ok(InputFile {
            path: normal,
            source: InputSource::Shared {
                key: listed.key.clone(),
                size: listed.size,
                etag: listed.etag.clone(),
            },
            executable: false,
        }),
        Ok(_) => Err(refused(format!("the namespace file `{}` has no plain path", listed.key))),
        Err(error) => Err(refused(format!("the namespace file `{}` {error}", listed.key))),
    }
}

/// A file cannot be a folder too, and the output directory cannot be a file.
fn check_folders(inputs: &BTreeMap<String, InputFile>, files: &FilePlan) -> Result<(), InputsError> {
    for path in inputs.keys() {
        let below = format!("{path}/");
        if let Some((under, _)) =
            inputs.range(below.clone()..).next().filter(|(under, _)| under.starts_with(&below))
        {
            return Err(refused(format!("`{path}` is a file and also the folder of `{under}`")));
        }
        if files.output_dir.as_ref() == Some(path) {
            return Err(refused(format!("`{path}` is the output directory and also a namespace file")));
        }
    }
    Ok(())
}

fn patterns(globs: &[String]) -> Result<Vec<Pattern>, InputsError> {
    globs
        .iter()
        .map(|glob| {
            Pattern::new(glob).map_err(|error| refused(format!("the glob `{glob}` cannot be used: {error}")))
        })
        .collect()
}

fn refused(message: String) -> InputsError {
    InputsError::Missing(Box::new(Diagnosis::new(Cause::InputMissing, message)))
}
