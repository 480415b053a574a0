//! Dead letters that are moved back.

use anyhow::{Context, Result};
use serde_json::json;
use shared::queue::SOURCE_ID;
use shared::run::state::State;

use crate::stack::Stack;
use crate::tasks::shell;
use crate::wait::SOON;
use crate::{pods, wait};

#[tokio::test]
async fn a_dead_letter_that_is_moved_back_twice_is_still_the_run_that_it_was() -> Result<()> {
    let stack = Stack::own("redriving").await?;
    let witness = pods::Witness::begin(&stack).await?;
    let letters = stack.cloud.dead_letters(&stack.endpoints.submissions_queue).await?;
    let body = shell("redriven", &["echo once"], json!({})).to_string();
    let first = stack.cloud.send(&letters, &body).await?;
    let redrive = async || -> Result<String> {
        let outcome = stack.longshore(&["redrive", "submissions", "--json"]).await?;
        assert_eq!(outcome.code, 0, "{}", outcome.complained);
        Ok(outcome.said.trim().to_owned())
    };
    assert_eq!(redrive().await?, r#"{"moved":1}"#);
    let result = wait::until("the end of the run", SOON, || stack.cloud.result(&first)).await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    // It failed once more, though it had been done: the id that it had at first still travels along.
    let second = stack.cloud.send_with(&letters, &body, SOURCE_ID, &first).await?;
    assert_eq!(redrive().await?, r#"{"moved":1}"#);
    wait::until("the end of the delivery", SOON, || async {
        Ok((stack.cloud.backlog(&stack.endpoints.submissions_queue).await? == 0).then_some(()))
    })
    .await?;
    pods::gone(&stack, &first).await?;
    assert_eq!((witness.pods_of(&first), witness.pods_of(&second)), (1, 0));
    assert_eq!(stack.cloud.result(&first).await?.context("no result")?, result);
    assert_eq!(redrive().await?, r#"{"moved":0}"#);
    Ok(())
}
