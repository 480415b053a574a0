"""One pod from created to gone, with the official client."""

import sys

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import stream

NAMESPACE = "default"


def wait_for(core, name, version, is_reached):
    """Watch a pod until it is as wanted; the types of the events that were seen."""
    seen = []
    events = watch.Watch().stream(
        core.list_namespaced_pod,
        NAMESPACE,
        field_selector=f"metadata.name={name}",
        resource_version=version,
        timeout_seconds=30,
    )
    for event in events:
        seen.append(event["type"])
        if is_reached(event):
            return seen
    raise AssertionError(f"{name} was not as wanted within 30 s: {seen}")


config.load_kube_config(sys.argv[1])
core = client.CoreV1Api()

script = "echo first; trap 'exit 0' TERM; while :; do sleep 0.1; done"
main = client.V1Container(name="main", image="busybox:1.36", command=["sh", "-c", script])
pod = client.V1Pod(
    metadata=client.V1ObjectMeta(name="python", labels={"client": "python"}),
    spec=client.V1PodSpec(restart_policy="Never", containers=[main]),
)
created = core.create_namespaced_pod(NAMESPACE, pod)
print("created", created.metadata.name, created.status.phase)

try:
    core.create_namespaced_pod(NAMESPACE, pod)
except ApiException as refusal:
    print("twice", refusal.status, refusal.reason)

seen = wait_for(
    core, "python", created.metadata.resource_version, lambda event: event["object"].status.phase == "Running"
)
print("watched", sorted(set(seen)))

listed = core.list_namespaced_pod(NAMESPACE, label_selector="client=python")
print("listed", [item.metadata.name for item in listed.items])

for line in watch.Watch().stream(core.read_namespaced_pod_log, "python", NAMESPACE):
    print("log", line)
    break

session = stream(
    core.connect_get_namespaced_pod_exec,
    "python",
    NAMESPACE,
    command=["sh", "-c", "read line; echo got $line; echo err >&2; exit 7"],
    stdin=True,
    stdout=True,
    stderr=True,
    tty=False,
    _preload_content=False,
)
session.write_stdin("input\n")
session.run_forever(timeout=30)
print("exec", repr(session.read_stdout()), repr(session.read_stderr()), session.returncode)

version = core.read_namespaced_pod("python", NAMESPACE).metadata.resource_version
core.delete_namespaced_pod("python", NAMESPACE, grace_period_seconds=5)
seen = wait_for(core, "python", version, lambda event: event["type"] == "DELETED")
print("deleted", seen[-1])

try:
    core.read_namespaced_pod("python", NAMESPACE)
except ApiException as refusal:
    print("gone", refusal.status, refusal.reason)
