//! The local stack from up to down, with functions that only tell what they are given.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod desk;
mod wire;

use local::{ClusterChoice, StackError, Stopped, down, running, up};

use crate::desk::Desk;

#[tokio::test]
async fn a_message_runs_a_function_and_down_leaves_nothing_behind() {
    let desk = Desk::new();
    let stack = desk.up().await;

    let told = wire::send(&stack.submissions_queue, "hello", None).and_see(&stack, "submit").await;
    assert_eq!(told["event"]["Records"][0]["body"], "hello");
    let environment = &told["environment"];
    assert_eq!(environment["LONGSHORE_BUCKET"], stack.bucket);
    assert_eq!(environment["LONGSHORE_SUBMISSIONS_QUEUE"], stack.submissions_queue);
    assert_eq!(environment["LONGSHORE_COLLECT_QUEUE"], stack.collect_queue);
    assert_eq!(environment["LONGSHORE_WAKE_QUEUE"], stack.wake_queue);
    assert_eq!(environment["LONGSHORE_CLUSTER"], stack.cluster_name.clone().unwrap());
    assert_eq!(environment["AWS_ENDPOINT_URL"], stack.endpoint_url);
    assert_eq!(environment["AWS_ENDPOINT_URL_EKS"], stack.eks_endpoint_url.clone().unwrap());
    assert_eq!(environment["AWS_ACCESS_KEY_ID"], stack.access_key_id);
    assert_eq!(environment["AWS_SECRET_ACCESS_KEY"], stack.secret_access_key);
    assert_eq!(told["cluster"]["cluster"]["endpoint"], stack.cluster_url.clone().unwrap());

    for (queue, function, group) in [
        (&stack.collect_queue, "collect", None),
        (&stack.cancel_queue, "cancel", None),
        (&stack.uploads_queue, "trigger", None),
        (&stack.notify_queue, "notify", None),
        (&stack.wake_queue, "poll", Some("tick")),
    ] {
        wire::send(queue, "hello", group).and_see(&stack, function).await;
    }

    let again = up(desk.options(), |_| ()).await.unwrap();
    assert_eq!(again, stack, "a second up is not the running stack");
    assert_eq!(running(&desk.state()), Some(stack.clone()));

    assert_eq!(down(&desk.state()).await.unwrap(), Stopped::Stopped);
    assert_eq!(desk.processes(), Vec::<String>::new());
    assert_eq!(desk.leftovers(), Vec::<String>::new());
    assert_eq!(running(&desk.state()), None);
    assert_eq!(down(&desk.state()).await.unwrap(), Stopped::NotRunning);
}

#[tokio::test]
async fn a_killed_daemon_takes_the_emulator_and_the_functions_with_it() {
    let desk = Desk::new();
    let stack = desk.up().await;
    wire::send(&stack.submissions_queue, "hello", None).and_see(&stack, "submit").await;
    desk.kill(stack.pid);
    desk.no_process_soon().await;
    assert_eq!(running(&desk.state()), None);
    down(&desk.state()).await.unwrap();
    assert_eq!(desk.leftovers(), Vec::<String>::new());
    let stack = desk.up().await;
    wire::send(&stack.submissions_queue, "hello", None).and_see(&stack, "submit").await;
    down(&desk.state()).await.unwrap();
    assert_eq!(desk.processes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_stack_ends_with_the_process_that_owns_it() {
    let desk = Desk::new();
    let mut owner = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let mut options = desk.options();
    options.owner = Some(owner.id());
    up(options, |_| ()).await.unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();
    desk.no_process_soon().await;
    assert_eq!(running(&desk.state()), None);
    assert_eq!(desk.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn a_stack_on_another_cluster_is_refused_while_one_runs() {
    let desk = Desk::new();
    desk.up().await;
    let mut options = desk.options();
    options.cluster = ClusterChoice::Kubeconfig { file: "/tmp/elsewhere".into(), advertise: None };
    let refusal = up(options, |_| ()).await.unwrap_err();
    assert!(matches!(refusal, StackError::Different { .. }), "{refusal}");
    let mut options = desk.options();
    options.images = vec![("python".into(), "/tmp".into())];
    let refusal = up(options, |_| ()).await.unwrap_err();
    assert!(refusal.to_string().contains("the image `python`"), "{refusal}");
    down(&desk.state()).await.unwrap();
}

#[tokio::test]
async fn a_stack_for_a_kubeconfig_has_no_cluster_of_its_own() {
    let desk = Desk::new();
    let mut options = desk.options();
    options.cluster =
        ClusterChoice::Kubeconfig { file: "/tmp/elsewhere".into(), advertise: Some("127.0.0.1".into()) };
    let stack = up(options, |_| ()).await.unwrap();
    assert_eq!((&stack.cluster_url, &stack.eks_endpoint_url), (&None, &None));
    let told = wire::send(&stack.submissions_queue, "hello", None).and_see(&stack, "submit").await;
    assert_eq!(told["environment"]["LONGSHORE_CLUSTER"], "");
    assert_eq!(told["environment"]["LONGSHORE_PRESIGN_ENDPOINT"], stack.endpoint_url);
    down(&desk.state()).await.unwrap();
    assert_eq!(desk.processes(), Vec::<String>::new());
}

#[tokio::test]
async fn an_up_that_is_given_up_leaves_nothing_behind() {
    let desk = Desk::new();
    let (told, mut steps) = tokio::sync::mpsc::unbounded_channel();
    let coming = tokio::spawn(up(desk.options(), move |step| told.send(step).unwrap_or_default()));
    while let Some(step) = steps.recv().await {
        if step == local::Progress::StartingEmulator {
            break;
        }
    }
    coming.abort();
    coming.await.unwrap_err();
    // What comes down need not have been up.
    down(&desk.state()).await.unwrap();
    assert_eq!(desk.processes(), Vec::<String>::new());
    assert_eq!(desk.leftovers(), Vec::<String>::new());
}
