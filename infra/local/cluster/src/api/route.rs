//! Paths: which resource a request is about, in the terms of the authorizer.

use super::query::Query;
use http::Method;
use percent_encoding::percent_decode_str;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Discovery, health and the like.
    Path(String),
    /// A resource, an object, or a subresource.
    Resource(Target),
}

/// A resource, an object or a subresource; empty text for what the path does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// API group; empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Namespace.
    pub namespace: String,
    /// The plural, for example `pods`.
    pub resource: String,
    /// The subresource, for example `log`.
    pub subresource: String,
    /// The object.
    pub name: String,
}

impl Target {
    /// The resource as rules and refusals write it: `pods/log`.
    pub fn resource_path(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// The verb that the authorizer is asked for.
    pub fn verb(&self, method: &Method, query: &Query) -> &'static str {
        let collection = self.name.is_empty();
        match *method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if collection => "deletecollection",
            Method::DELETE => "delete",
            _ if collection && query.is_set("watch") => "watch",
            _ if collection => "list",
            _ => "get",
        }
    }
}

/// Read a path; `None` when no server would know it (an encoded slash, for example).
pub fn route(path: &str) -> Option<Route> {
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let segment = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
        if segment.contains('/') {
            return None;
        }
        segments.push(segment);
    }
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let target = match words.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => target("", version, rest)?,
        ["apis", group, version, rest @ ..] if !rest.is_empty() => target(group, version, rest)?,
        _ => return Some(Route::Path(format!("/{}", segments.join("/")))),
    };
    Some(Route::Resource(target))
}

fn target(group: &str, version: &str, rest: &[&str]) -> Option<Target> {
    let (namespace, rest) = match rest {
        // The namespace object itself, or a subresource of it.
        ["namespaces", name] => (*name, rest),
        ["namespaces", name, "status" | "finalize"] => (*name, rest),
        ["namespaces", name, within @ ..] if !within.is_empty() => (*name, within),
        _ => ("", rest),
    };
    let (resource, name, subresource) = match rest {
        [resource] => (*resource, "", ""),
        [resource, name] => (*resource, *name, ""),
        [resource, name, subresource] => (*resource, *name, *subresource),
        _ => return None,
    };
    Some(Target {
        group: group.into(),
        version: version.into(),
        namespace: namespace.into(),
        resource: resource.into(),
        subresource: subresource.into(),
        name: name.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> (String, String, String, String) {
        match route(path) {
            Some(Route::Resource(target)) => {
                (target.namespace.clone(), target.resource_path(), target.name, target.group)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_path_names_namespace_resource_name_and_subresource() {
        let four = |a: &str, b: &str, c: &str, d: &str| (a.into(), b.into(), c.into(), d.into());
        assert_eq!(read("/api/v1/pods"), four("", "pods", "", ""));
        assert_eq!(read("/api/v1/namespaces"), four("", "namespaces", "", ""));
        assert_eq!(read("/api/v1/namespaces/n"), four("n", "namespaces", "n", ""));
        assert_eq!(read("/api/v1/namespaces/n/pods/p/log"), four("n", "pods/log", "p", ""));
        assert_eq!(
            read("/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles"),
            four("n", "roles", "", "rbac.authorization.k8s.io")
        );
    }

    #[test]
    fn an_encoded_slash_is_no_path() {
        assert_eq!(route("/api/v1/namespaces/n/pods/a%2Fb"), None);
    }

    #[test]
    fn a_watch_is_its_own_verb_on_collections_only() {
        let query = Query::parse("watch=1");
        let Some(Route::Resource(list)) = route("/api/v1/namespaces/n/pods") else { panic!() };
        let Some(Route::Resource(get)) = route("/api/v1/namespaces/n/pods/p") else { panic!() };
        assert_eq!(list.verb(&Method::GET, &query), "watch");
        assert_eq!(get.verb(&Method::GET, &query), "get");
        assert_eq!(list.verb(&Method::DELETE, &query), "deletecollection");
    }
}
