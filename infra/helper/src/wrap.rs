//! `run`: the task's program, with its log uploaded while it runs and its outputs when it has ended.

use std::ffi::OsString;
use std::sync::Arc;

use crate::client::Client;
use crate::failure::{Failure, chain, say};
use crate::form::Poster;
use crate::grants;
use crate::log::Log;
use crate::program;
use crate::settings::Settings;
use crate::take;

/// Run the program; its exit code is the answer whatever becomes of log and outputs, which the collection finds missing.
///
/// # Errors
/// When the program cannot be started.
pub async fn run(settings: &Settings, arguments: &[OsString]) -> Result<u8, Failure> {
    let log = Arc::new(Log::default());
    let client = Client::new();
    let granted = {
        let (log, client, settings) = (log.clone(), client.clone(), settings.clone());
        // Beside the program, which does not wait for it.
        tokio::spawn(async move {
            let grants = grants::fetch(&client, &settings).await?;
            let parts = match &grants.container {
                Some(container) => log.upload(&Poster { client: &client, grants: &grants }, container).await,
                None => None,
            };
            Ok::<_, Failure>((grants, parts))
        })
    };
    let code = program::run(arguments, &log).await?;
    let outcome = match granted.await {
        Ok(Ok((grants, parts))) => take::finish(&client, &grants, &settings.working_dir, parts).await,
        Ok(Err(failure)) => Err(failure),
        Err(error) => Err(Failure::Runtime(std::io::Error::other(error))),
    };
    if let Err(failure) = outcome {
        say(&chain(&failure));
    }
    Ok(code)
}
