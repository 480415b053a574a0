//! Where the runs are that a command looks at: on the running stack, or in a deployment on AWS.

use std::path::PathBuf;

use crate::arguments::Place;
use crate::cloud::Cloud;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::stack;

/// A bucket with runs, and the way to their pods.
#[derive(Debug)]
pub struct Deployment {
    /// The bucket.
    pub cloud: Cloud,
    /// The stack's cluster. How a deployment's cluster is reached is the shell's own matter: its pods are not looked at.
    pub kubeconfig: Option<PathBuf>,
}

impl Deployment {
    /// The one that was named, else the running stack.
    ///
    /// # Errors
    /// When none was named and no stack runs.
    pub async fn of(place: &Place, environment: &Environment) -> Result<Self, Failure> {
        if let Some(bucket) = &place.bucket {
            return Ok(Deployment { cloud: Cloud::of_bucket(bucket).await, kubeconfig: None });
        }
        let endpoints = stack::running(environment).map_err(|failure| {
            failure.remedy("start it with `longshore up`, or name a deployment's with `--bucket`")
        })?;
        Ok(Deployment { cloud: Cloud::of(&endpoints), kubeconfig: Some(endpoints.kubeconfig) })
    }
}
