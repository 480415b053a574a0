//! What the embedded cluster is not.

use local::{ClusterChoice, Endpoints};

/// One line that says so; nothing for a real cluster.
pub fn of(endpoints: &Endpoints) -> Option<String> {
    match &endpoints.cluster {
        ClusterChoice::Kubeconfig { .. } => None,
        ClusterChoice::Hollow { script } => {
            Some(format!("hollow pods: nothing runs, everything happens as {} says", script.display()))
        }
        ClusterChoice::Embedded => {
            let mapped: Vec<_> = endpoints
                .images
                .iter()
                .map(|(name, directory)| format!("{name} is {}", directory.display()))
                .collect();
            let images = match mapped.is_empty() {
                true => {
                    "every image is this machine's own files (--image NAME=DIR gives one another directory)"
                        .to_owned()
                }
                false => format!("{}, every other image is this machine's own files", mapped.join(", ")),
            };
            Some(format!("embedded cluster: images are not pulled, {images}; one node, no network policy"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_are_directories_are_named() {
        let mut endpoints = crate::command::env::tests::endpoints();
        assert!(of(&endpoints).unwrap().contains("every image is this machine's own files"));
        endpoints.images = vec![("python:3.13".to_owned(), "/opt/python".into())];
        assert!(of(&endpoints).unwrap().contains("python:3.13 is /opt/python, every other image"));
        endpoints.cluster = ClusterChoice::Hollow { script: "/s.yaml".into() };
        assert_eq!(of(&endpoints).unwrap(), "hollow pods: nothing runs, everything happens as /s.yaml says");
        endpoints.cluster = ClusterChoice::Kubeconfig { file: "/k".into(), advertise: None };
        assert_eq!(of(&endpoints), None);
    }
}
