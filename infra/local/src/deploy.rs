//! `template.yaml` deployed to the emulator: the same file that is deployed to AWS.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::Method;

use crate::package::Package;
use crate::{StackError, cloudformation, emulator, http};

/// Name of the CloudFormation stack.
const STACK: &str = "longshore";

/// The bucket that the packages are deployed from.
const PACKAGES_BUCKET: &str = "longshore-packages";

/// Key of the template in it.
const TEMPLATE: &str = "template.yaml";

/// Where the definitions of the state machines are in the workspace.
const MACHINES: &str = "infra/state-machines";

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
    /// Image of the helper that moves files directly, or empty.
    pub helper_image: String,
}

/// The outputs of a deployment, by name.
#[derive(Clone, Debug)]
pub(crate) struct Outputs(BTreeMap<String, String>);

impl Outputs {
    /// The output of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same, taken out.
    pub fn take(&mut self, name: &'static str) -> Result<String, StackError> {
        self.0.remove(name).ok_or(StackError::Output(name))
    }
}

/// Uploads the packages and the state machines, and deploys the template, all of the workspace's.
pub(crate) async fn deploy(
    port: u16,
    workspace: &Path,
    packages: &[Package],
    parameters: &Parameters,
) -> Result<Outputs, StackError> {
    let template = &workspace.join("template.yaml");
    let text = std::fs::read_to_string(template).map_err(StackError::file("read", template))?;
    let machines = machines(&workspace.join(MACHINES))?;
    let text = packages.iter().try_fold(text, |text, package| located(&text, template, package))?;
    let text = machines.iter().try_fold(text, |text, machine| defined(&text, template, machine))?;
    upload(port, packages, &machines, text).await?;
    let architecture = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" };
    let reply_queues = format!("arn:aws:sqs:{}:{}:*", emulator::REGION, emulator::ACCESS_KEY_ID);
    let parameters = [
        ("ClusterName", parameters.cluster_name.as_str()),
        ("PresignEndpoint", parameters.presign_endpoint.as_str()),
        ("HelperImage", parameters.helper_image.as_str()),
        // The emulator's credentials never end; a day is longer than any task here.
        ("SigningSeconds", "86400"),
        ("Architecture", architecture),
        ("StateMachines", "true"),
        ("EventBus", "default"),
        ("RequireTls", "false"),
        // Whoever runs tasks here may have every queue of the emulator answered.
        ("ReplyQueues", &reply_queues),
    ];
    let url = format!("{}/{PACKAGES_BUCKET}/{TEMPLATE}", emulator::endpoint_url(port));
    cloudformation::create_stack(port, STACK, &url, &parameters).await?;
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

/// The definition of a state machine.
struct Machine {
    name: String,
    path: PathBuf,
}

fn machines(directory: &Path) -> Result<Vec<Machine>, StackError> {
    let entries = std::fs::read_dir(directory).map_err(StackError::file("read", directory))?;
    let paths =
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(StackError::file("read", directory)));
    let machines = paths.map(|path| {
        let path = path?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Machine { name, path })
    });
    machines.collect()
}

/// The template goes the same way: it is larger than a request to CloudFormation may be.
async fn upload(
    port: u16,
    packages: &[Package],
    machines: &[Machine],
    template: String,
) -> Result<(), StackError> {
    let bucket = format!("/{PACKAGES_BUCKET}");
    http::send(port, Method::PUT, &bucket, "application/xml", "", "make a bucket for the packages").await?;
    let packages = packages.iter().map(|package| (&package.name, &package.path, "application/zip"));
    let machines = machines.iter().map(|machine| (&machine.name, &machine.path, "application/json"));
    for (name, path, content_type) in packages.chain(machines) {
        let content = std::fs::read(path).map_err(StackError::file("read", path))?;
        let operation = format!("store `{name}`");
        http::send(port, Method::PUT, &format!("{bucket}/{name}"), content_type, content, &operation).await?;
    }
    let key = format!("{bucket}/{TEMPLATE}");
    http::send(port, Method::PUT, &key, "text/yaml", template, "store the template").await.map(drop)
}

/// The template with the machine's definition where it was uploaded to, as `sam package` would write it.
fn defined(text: &str, template: &Path, machine: &Machine) -> Result<String, StackError> {
    let uri = format!("{MACHINES}/{}", machine.name);
    relocated(text, template, &format!("DefinitionUri: {uri}\n"), &machine.name, uri)
}

/// The template with the function's code where the package was uploaded to, as `sam package` would write it.
fn located(text: &str, template: &Path, package: &Package) -> Result<String, StackError> {
    let code_uri = format!("target/lambda/{}/", package.function);
    relocated(text, template, &format!("CodeUri: {code_uri}\n"), &package.name, code_uri)
}

/// The template with the one line that names a place of the workspace naming the uploaded object.
fn relocated(text: &str, template: &Path, line: &str, name: &str, uri: String) -> Result<String, StackError> {
    if text.matches(line).count() != 1 {
        return Err(StackError::Template { template: template.to_path_buf(), uri });
    }
    Ok(text.replace(line, &line.replace(&uri, &format!("s3://{PACKAGES_BUCKET}/{name}"))))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MACHINES, Package, defined, located, machines};
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
        let workspace = template.parent().unwrap();
        for machine in machines(&workspace.join(MACHINES)).unwrap() {
            text = defined(&text, &template, &machine).unwrap();
            assert!(defined(&text, &template, &machine).is_err(), "{} was located twice", machine.name);
        }
        assert!(!text.contains("DefinitionUri: infra/"), "a machine of the template has no definition");
    }
}
