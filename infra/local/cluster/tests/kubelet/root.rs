//! What a container sees of the machine.

use crate::desk::{Desk, shell};
use serde_json::{Value, json};
use std::fs;

async fn output(desk: &Desk, name: &str, main: Value) -> String {
    desk.create(name, json!({"containers": [main]}));
    desk.until(name, |pod| pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed").await;
    desk.log(name, Default::default()).await
}

#[tokio::test]
async fn a_container_has_a_root_of_its_own_without_anybodys_home() {
    let desk = Desk::open().await;
    let script = "ls -A /home /tmp /mnt; echo x > /etc/longshore-was-here && echo written; \
                  echo y >/new && cat /new; echo /proc/[0-9]*; ls -l /proc/1/fd | wc -l; ls /sys | wc -l; \
                  head -c 3 /dev/zero | wc -c; echo sink >/dev/null && echo end";
    let log = output(&desk, "root", shell("main", script)).await;
    assert_eq!(log, "/home:\n\n/mnt:\n\n/tmp:\nwritten\ny\n/proc/1\n4\n0\n3\nend\n");
    assert!(!fs::exists("/etc/longshore-was-here").unwrap());
    desk.close().await;
}

#[tokio::test]
async fn a_read_only_root_refuses_writes_but_not_to_volumes() {
    let desk = Desk::open().await;
    let mut main = shell("main", "pwd; for d in / /etc /tmp /v; do touch $d/x 2>/dev/null && echo $d; done");
    main["securityContext"] = json!({"readOnlyRootFilesystem": true});
    main["workingDir"] = json!("/made");
    main["volumeMounts"] = json!([{"name": "w", "mountPath": "/v"}]);
    desk.create("ro", json!({"containers": [main], "volumes": [{"name": "w", "emptyDir": {}}]}));
    desk.phase("ro", "Succeeded").await;
    assert_eq!(desk.log("ro", Default::default()).await, "/made\n/v\n");
    desk.close().await;
}

#[tokio::test]
async fn python_runs_under_both_of_its_names() {
    let desk = Desk::open().await;
    let script = "python3 -c 'import json, ssl, sys; print(sys.version_info[0])' && python -c 'print(6 * 7)'";
    assert_eq!(output(&desk, "python", shell("main", script)).await, "3\n42\n");
    desk.close().await;
}

#[tokio::test]
async fn a_container_is_who_its_security_context_says() {
    let desk = Desk::open().await;
    let mut main = shell("main", "id -u; id -g; while [ ! -e /tmp/seen ]; do sleep 0.05; done");
    main["securityContext"] = json!({"runAsUser": 1000, "runAsGroup": 1001, "runAsNonRoot": true});
    desk.create("user", json!({"containers": [main]}));
    let pod = desk.phase("user", "Running").await;
    assert_eq!(pod["status"]["containerStatuses"][0]["user"]["linux"]["uid"], 1000);
    let (out, err, _) = desk.exec("user", &["sh", "-c", "id -u; touch /tmp/seen"]).await;
    assert_eq!((out.as_str(), err.as_str()), ("1000\n", ""));
    desk.phase("user", "Succeeded").await;
    assert_eq!(desk.log("user", Default::default()).await, "1000\n1001\n");
    desk.close().await;
}

#[tokio::test]
async fn signals_to_process_one_are_ignored_as_in_a_real_container() {
    let desk = Desk::open().await;
    // Recording 03-sigterm-self-pid1; `$$$$` becomes `$$` on the way.
    let log =
        output(&desk, "self", shell("main", "echo $$$$; kill -TERM $$$$; echo still here; exit 0")).await;
    assert_eq!(log, "1\nstill here\n");
    desk.close().await;
}

#[tokio::test]
async fn a_working_directory_that_is_a_file_is_a_start_error() {
    let desk = Desk::open().await;
    let mut main = shell("main", "pwd");
    main["workingDir"] = json!("/etc/passwd");
    output(&desk, "badwd", main).await;
    let pod = desk.get("badwd").unwrap();
    // Recording 13-workdir-is-a-file.
    assert_eq!(
        crate::desk::terminated(&pod)["message"],
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: \
         unable to start container process: error during container init: mkdir /etc/passwd: not a directory"
    );
    desk.close().await;
}

#[tokio::test]
async fn a_python_environment_can_stand_for_an_image() {
    let images = tempfile::tempdir().unwrap();
    let environment = images.path().join("venv");
    let made = std::process::Command::new("python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&environment)
        .status();
    assert!(made.unwrap().success());
    let packages =
        fs::read_dir(environment.join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
    fs::write(packages.join("kept_there.py"), "WORD = 'found'\n").unwrap();
    let desk = Desk::with_images(vec![("example.org/team/data:latest".into(), environment.clone())]).await;
    let mut main = shell("main", "python -c 'import kept_there; print(kept_there.WORD)'; echo $VIRTUAL_ENV");
    main["image"] = json!("example.org/team/data");
    assert_eq!(output(&desk, "venv", main).await, format!("found\n{}\n", environment.display()));
    desk.close().await;
}

#[tokio::test]
async fn a_root_file_system_can_stand_for_an_image() {
    let images = tempfile::tempdir().unwrap();
    let root = images.path().join("root");
    fs::create_dir_all(root.join("bin")).unwrap();
    for directory in ["usr", "lib", "lib64"] {
        // The image of this test borrows the libraries of the machine.
        let copied = std::process::Command::new("mkdir").arg("-p").arg(root.join(directory)).status();
        assert!(copied.unwrap().success());
    }
    copy_program(&root, "/bin/sh", "bin/sh");
    copy_program(&root, "/bin/cat", "bin/cat");
    fs::write(root.join("only-here"), "in the image\n").unwrap();
    let desk = Desk::with_images(vec![("own:1".into(), root.clone())]).await;
    let mut main = shell("main", "cat /only-here; echo new > /only-here; cat /only-here");
    main["image"] = json!("own:1");
    assert_eq!(output(&desk, "own", main).await, "in the image\nnew\n");
    assert_eq!(fs::read_to_string(root.join("only-here")).unwrap(), "in the image\n");
    desk.close().await;
}

/// Copy a program and the libraries it is linked with.
fn copy_program(root: &std::path::Path, program: &str, target: &str) {
    fs::copy(program, root.join(target)).unwrap();
    let linked = std::process::Command::new("ldd").arg(program).output().unwrap();
    for word in
        String::from_utf8(linked.stdout).unwrap().split_whitespace().filter(|word| word.starts_with('/'))
    {
        let library = root.join(word.trim_start_matches('/'));
        fs::create_dir_all(library.parent().unwrap()).unwrap();
        fs::copy(word, library).unwrap();
    }
}

#[tokio::test]
async fn a_container_knows_its_own_name_however_long_the_pods_is() {
    let desk = Desk::open().await;
    let name = "n".repeat(70);
    let script = "hostname; getent hosts $(hostname) | cut -d ' ' -f 1; test -e /dev/ptmx && echo terminals";
    let log = output(&desk, &name, shell("main", script)).await;
    assert_eq!(log, format!("{}\n127.0.0.1\nterminals\n", "n".repeat(63)));
    desk.close().await;
}

#[tokio::test]
async fn a_container_without_a_command_is_a_config_error_that_says_why() {
    let desk = Desk::open().await;
    desk.create("mute", json!({"containers": [{"name": "main", "image": "busybox"}]}));
    let waiting = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"].clone();
    let pod = desk.until("mute", |pod| waiting(pod)["reason"] == "CreateContainerConfigError").await;
    assert!(waiting(&pod)["message"].as_str().unwrap().starts_with("no command specified"));
    desk.close().await;
}

#[tokio::test]
async fn a_group_signal_stays_inside_the_container() {
    let desk = Desk::open().await;
    let log =
        output(&desk, "group", shell("main", "trap 'echo trapped' TERM; kill -TERM 0; sleep 0.1; echo on"))
            .await;
    assert_eq!(log, "trapped\non\n");
    desk.close().await;
}
