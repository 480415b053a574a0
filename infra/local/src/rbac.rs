//! `infra/rbac.yaml` as objects of the embedded cluster, so that what it grants is all that the functions may do.

use std::path::Path;

use serde_json::{Value, json};

use crate::StackError;

/// The namespace that the local stack runs tasks in.
pub(crate) const NAMESPACE: &str = "default";

/// The group that `infra/rbac.yaml` binds its role to.
pub(crate) const GROUP: &str = "longshore";

/// The objects of the file, in the namespace of the local stack.
pub(crate) fn manifests(path: &Path) -> Result<Vec<Value>, StackError> {
    let text = std::fs::read_to_string(path).map_err(StackError::file("read", path))?;
    let broken = |problem: String| StackError::Rbac { path: path.to_path_buf(), problem };
    let mut objects: Vec<Value> =
        serde_saphyr::from_multiple(&text).map_err(|error| broken(error.to_string()))?;
    for object in &mut objects {
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        let metadata = metadata.ok_or_else(|| broken("an object has no `metadata`".to_owned()))?;
        metadata.insert("namespace".to_owned(), json!(NAMESPACE));
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{GROUP, manifests};

    #[test]
    fn the_role_of_this_repository_is_bound_to_the_group_of_the_functions() {
        let objects = manifests(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../rbac.yaml")).unwrap();
        let binding = objects.iter().find(|object| object["kind"] == "RoleBinding").unwrap();
        assert_eq!(binding["subjects"][0]["name"], GROUP);
        let role = objects.iter().find(|object| object["kind"] == binding["roleRef"]["kind"]).unwrap();
        assert_eq!(role["metadata"]["name"], binding["roleRef"]["name"]);
        assert!(objects.iter().all(|object| object["metadata"]["namespace"] == "default"));
    }
}
