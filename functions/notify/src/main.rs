//! The `notify` function.

use lambda_runtime::{Error, service_fn};
use shared::environment::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let environment = Environment::from_deployment().await?;
    lambda_runtime::run(service_fn(|event| notify::handle(event, &environment))).await
}
