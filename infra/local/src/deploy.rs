//! `template.yaml` deployed to the emulator: the same file that is deployed to AWS.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hyper::Method;

use crate::package::Package;
use crate::{StackError, cloudformation, http};

/// Name of the CloudFormation stack.
const STACK: &str = "longshore";

/// The bucket that the packages are deployed from.
const PACKAGES_BUCKET: &str = "longshore-packages";

/// A deployment on the emulator takes less than a second.
const DEPLOY_WITHIN: Duration = Duration::from_secs(120);

/// How often the emulator is asked whether the deployment has ended.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// What differs between deployments.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    /// Name of the EKS cluster, or empty.
    pub cluster_name: String,
    /// Where pods reach S3, or empty.
    pub presign_endpoint: String,
}

/// The outputs of a deployment, by name.
#[derive(Clone, Debug)]
pub(crate) struct Outputs(BTreeMap<String, String>);

impl Outputs {
    /// The output of that name.
    pub fn take(&mut self, name: &'static str) -> Result<String, StackError> {
        self.0.remove(name).ok_or(StackError::Output(name))
    }
}

/// Uploads the packages and deploys the template.
pub(crate) async fn deploy(
    port: u16,
    template: &Path,
    packages: &[Package],
    parameters: &Parameters,
) -> Result<Outputs, StackError> {
    let text = std::fs::read_to_string(template).map_err(StackError::file("read", template))?;
    let text = packages.iter().try_fold(text, |text, package| located(&text, template, package))?;
    upload(port, packages).await?;
    let architecture = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" };
    let parameters = [
        ("ClusterName", parameters.cluster_name.as_str()),
        ("PresignEndpoint", parameters.presign_endpoint.as_str()),
        ("Architecture", architecture),
    ];
    cloudformation::create_stack(port, STACK, &text, &parameters).await?;
    let ended = tokio::time::timeout(DEPLOY_WITHIN, ended(port)).await;
    let described = ended.unwrap_or_else(|_| {
        let status = format!("still in progress after {} s", DEPLOY_WITHIN.as_secs());
        Ok(cloudformation::Described { status, outputs: Vec::new() })
    })?;
    if described.status != "CREATE_COMPLETE" {
        let reasons = cloudformation::failures(port, STACK).await?.join("; ");
        return Err(StackError::Deployment { status: described.status, reasons });
    }
    Ok(Outputs(described.outputs.into_iter().collect()))
}

async fn ended(port: u16) -> Result<cloudformation::Described, StackError> {
    loop {
        let described = cloudformation::describe_stack(port, STACK).await?;
        if !described.status.ends_with("IN_PROGRESS") {
            return Ok(described);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn upload(port: u16, packages: &[Package]) -> Result<(), StackError> {
    let bucket = format!("/{PACKAGES_BUCKET}");
    http::send(port, Method::PUT, &bucket, "application/xml", "", "make a bucket for the packages").await?;
    for package in packages {
        let content = std::fs::read(&package.path).map_err(StackError::file("read", &package.path))?;
        let key = format!("{bucket}/{}", package.name);
        let operation = format!("store `{}`", package.name);
        http::send(port, Method::PUT, &key, "application/zip", content, &operation).await?;
    }
    Ok(())
}

/// The template with the function's code where the package was uploaded to, as `sam package` would write it.
fn located(text: &str, template: &Path, package: &Package) -> Result<String, StackError> {
    let code_uri = format!("target/lambda/{}/", package.function);
    let local = format!("CodeUri: {code_uri}\n");
    if text.matches(&local).count() != 1 {
        return Err(StackError::Template { template: template.to_path_buf(), code_uri });
    }
    Ok(text.replace(&local, &format!("CodeUri: s3://{PACKAGES_BUCKET}/{}\n", package.name)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Package, located};
    use crate::functions::FUNCTIONS;

    #[test]
    fn the_code_of_every_function_is_located_in_the_template_of_this_repository() {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        let mut text = std::fs::read_to_string(&template).unwrap();
        for function in FUNCTIONS {
            let package = Package { function, name: format!("{function}-1.zip"), path: "x".into() };
            text = located(&text, &template, &package).unwrap();
            assert!(located(&text, &template, &package).is_err(), "{function} was located twice");
        }
        assert!(!text.contains("CodeUri: target/"), "a function of the template is not known here");
    }
}
