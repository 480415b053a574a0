//! The `trigger` function.

use lambda_runtime::{Error, service_fn};
use shared::environment::Environment;
use trigger::rules::Rules;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let environment = Environment::from_deployment().await?;
    let rules = Rules::default();
    lambda_runtime::run(service_fn(|event| trigger::handle(event, &environment, &rules))).await
}
