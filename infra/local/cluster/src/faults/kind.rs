//! The kinds of fault and their parameters.

use super::plan::Seen;
use super::reader::Reader;
use http::StatusCode;
use serde::Deserialize;
use std::time::Duration;

/// The word of every kind.
pub const NAMES: [&str; 27] = [
    "Latency",
    "TooManyRequests",
    "ServerError",
    "Unauthorized",
    "StartingUp",
    "ConnectionReset",
    "NoAnswer",
    "WatchEnds",
    "WatchExpires",
    "WatchStuck",
    "ExecCut",
    "LogCut",
    "QuotaExceeded",
    "QuotaConflict",
    "LimitRange",
    "PodSecurity",
    "WebhookDenied",
    "Unschedulable",
    "OutOfCpu",
    "ImagePull",
    "OomKilled",
    "Evicted",
    "EvictedByApi",
    "EvictedByTaint",
    "Preempted",
    "Deleted",
    "NodeLost",
];

/// What a fault does.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// To a request.
    Request(RequestFault),
    /// To a pod.
    Pod(PodFault),
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RequestFault {
    /// It waits that long, and goes on.
    Latency(Duration),
    /// 429.
    TooManyRequests { retry_after_seconds: u32, form: Form },
    /// 500, 503 or 504.
    ServerError(StatusCode),
    /// 401.
    Unauthorized,
    /// 403 of a server that has not read its roles yet.
    StartingUp,
    /// The connection is reset.
    ConnectionReset(Effect),
    /// Nothing is ever answered.
    NoAnswer(Effect),
    /// A watch that breaks after some lines.
    Watch { after_events: u64, how: WatchEnd },
    /// The connection of an exec is gone after some bytes of output.
    ExecCut { after_bytes: u64 },
    /// The connection of a log is gone after some bytes.
    LogCut { after_bytes: u64 },
    /// 403 or 409 to the creation of a pod.
    Admission(Admission),
}

/// How a 429 is worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Form {
    /// As priority and fairness does.
    #[default]
    PlainText,
    /// As a storage that starts does.
    Status,
}

/// Whether a request that is not answered is carried out all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Effect {
    /// It is not.
    #[default]
    None,
    /// It is.
    Done,
}

/// How a watch breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatchEnd {
    /// The stream ends as if its time were over.
    Ends,
    /// 410 in the stream.
    Expires,
    /// Nothing comes any more.
    Stuck,
}

/// What refuses a pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Admission {
    /// What is asked for, used and allowed, as `ResourceQuota` writes amounts.
    Quota { quota: String, requested: String, used: String, limited: String },
    /// Two changes of a quota met.
    QuotaConflict { quota: String },
    /// The words of a LimitRange.
    LimitRange { message: String },
    /// A PodSecurity level.
    PodSecurity { level: String },
    /// A webhook.
    Webhook { webhook: String, message: String, code: StatusCode },
}

/// What happens to a pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PodFault {
    /// No node is found for it.
    Unschedulable { message: String },
    /// The node refuses it.
    OutOfCpu { message: String },
    /// Its image cannot be pulled, as often as said.
    ImagePull { problem: PullProblem, container: Option<String>, pulls: Option<u64> },
    /// The kernel kills for memory.
    OomKilled { victim: Victim, container: Option<String>, after: Duration },
    /// The kubelet evicts it.
    Evicted { message: String, disruption_target: bool, after: Duration },
    /// Somebody from outside ends it.
    Ended(Outside),
    /// Its node stops answering.
    NodeLost(NodeLost),
}

/// Why an image cannot be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum PullProblem {
    /// The registry does not know it.
    NotFound,
    /// There is no such registry.
    UnknownHost,
    /// The registry wants credentials.
    Unauthorized,
    /// Too many pulls.
    RateLimited,
}

/// What the kernel kills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Victim {
    /// Everything in the container.
    #[default]
    Container,
    /// A child, of which only the reason tells.
    Child,
}

/// Something from outside that ends a pod in a phase, after a while.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outside {
    /// Who.
    pub by: Ender,
    /// From when on.
    pub moment: Moment,
    /// The grace, if not the pod's own.
    pub grace_seconds: Option<i64>,
}

/// Who ends a pod from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ender {
    /// `kubectl drain` and the like, through `pods/eviction`.
    EvictionApi,
    /// The taint manager.
    Taint,
    /// The scheduler, for a pod of higher priority.
    Preemption,
    /// Somebody with `kubectl delete`.
    Somebody,
}

/// A phase of a pod, and some time in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    /// The phase.
    pub phase: AtPhase,
    /// The time since the phase was seen.
    pub after: Duration,
}

/// The phase at which something begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum AtPhase {
    /// As soon as the pod is there.
    Pending,
    /// Once a container runs.
    #[default]
    Running,
    /// Once it has succeeded.
    Succeeded,
    /// Once it has failed.
    Failed,
}

impl AtPhase {
    /// As the status says it.
    pub fn name(self) -> &'static str {
        match self {
            AtPhase::Pending => "Pending",
            AtPhase::Running => "Running",
            AtPhase::Succeeded => "Succeeded",
            AtPhase::Failed => "Failed",
        }
    }
}

/// The course of a node that is lost.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NodeLost {
    /// When it goes.
    pub moment: Moment,
    /// How long nobody notices.
    pub noticed_after: Duration,
    /// How long pods are borne on it after that; their tolerations say it otherwise.
    pub evicted_after: Option<Duration>,
    /// When it comes back by itself.
    pub back_after: Option<Duration>,
}

impl RequestFault {
    /// Whether this can happen to such a request at all.
    pub fn fits(&self, seen: &Seen<'_>) -> bool {
        match self {
            RequestFault::Watch { .. } => seen.verb == "watch",
            RequestFault::ExecCut { .. } => matches!(seen.resource, "pods/exec" | "pods/attach"),
            RequestFault::LogCut { .. } => seen.resource == "pods/log",
            RequestFault::Admission(_) => seen.verb == "create" && seen.resource == "pods",
            _ => true,
        }
    }
}

/// Read the parameters of a kind; `None` when there is no such kind.
pub(super) fn read(word: &str, with: &mut Reader) -> Option<Kind> {
    request(word, with).map(Kind::Request).or_else(|| pod(word, with).map(Kind::Pod))
}

fn request(word: &str, with: &mut Reader) -> Option<RequestFault> {
    Some(match word {
        "Latency" => RequestFault::Latency(Duration::from_millis(with.need("milliseconds").unwrap_or(0))),
        "TooManyRequests" => RequestFault::TooManyRequests {
            retry_after_seconds: with.take("retryAfterSeconds").unwrap_or(1),
            form: with.take("as").unwrap_or_default(),
        },
        "ServerError" => {
            RequestFault::ServerError(code(with, StatusCode::INTERNAL_SERVER_ERROR, &[500, 503, 504]))
        }
        "Unauthorized" => RequestFault::Unauthorized,
        "StartingUp" => RequestFault::StartingUp,
        "ConnectionReset" => RequestFault::ConnectionReset(with.take("effect").unwrap_or_default()),
        "NoAnswer" => RequestFault::NoAnswer(with.take("effect").unwrap_or_default()),
        "WatchEnds" => watch(with, WatchEnd::Ends),
        "WatchExpires" => watch(with, WatchEnd::Expires),
        "WatchStuck" => watch(with, WatchEnd::Stuck),
        "ExecCut" => RequestFault::ExecCut { after_bytes: with.take("afterBytes").unwrap_or(0) },
        "LogCut" => RequestFault::LogCut { after_bytes: with.take("afterBytes").unwrap_or(0) },
        "QuotaExceeded" => RequestFault::Admission(Admission::Quota {
            quota: text(with, "quota", "q"),
            requested: text(with, "requested", "requests.cpu=600m"),
            used: text(with, "used", "requests.cpu=0"),
            limited: text(with, "limited", "requests.cpu=500m"),
        }),
        "QuotaConflict" => {
            RequestFault::Admission(Admission::QuotaConflict { quota: text(with, "quota", "q") })
        }
        "LimitRange" => RequestFault::Admission(Admission::LimitRange {
            message: text(with, "message", "maximum memory usage per Container is 128Mi, but limit is 512Mi"),
        }),
        "PodSecurity" => RequestFault::Admission(Admission::PodSecurity {
            level: text(with, "level", "restricted:latest"),
        }),
        "WebhookDenied" => RequestFault::Admission(Admission::Webhook {
            webhook: text(with, "webhook", "policy.example.com"),
            message: text(with, "message", "the policy does not allow it"),
            code: code(with, StatusCode::FORBIDDEN, &[400, 403, 422]),
        }),
        _ => return None,
    })
}

fn pod(word: &str, with: &mut Reader) -> Option<PodFault> {
    let ended = |by, with: &mut Reader| {
        PodFault::Ended(Outside { by, moment: moment(with), grace_seconds: with.take("graceSeconds") })
    };
    Some(match word {
        "Unschedulable" => PodFault::Unschedulable {
            message: text(
                with,
                "message",
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to \
                 deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
            ),
        },
        "OutOfCpu" => PodFault::OutOfCpu {
            message: text(
                with,
                "message",
                "Node didn't have enough resource: cpu, requested: 500000, used: 0, capacity: 2000",
            ),
        },
        "ImagePull" => PodFault::ImagePull {
            problem: with.take("problem").unwrap_or(PullProblem::NotFound),
            container: with.take("container"),
            pulls: with.take("pulls"),
        },
        "OomKilled" => PodFault::OomKilled {
            victim: with.take("victim").unwrap_or_default(),
            container: with.take("container"),
            after: after(with, "afterMilliseconds").unwrap_or_default(),
        },
        "Evicted" => PodFault::Evicted {
            message: text(with, "message", "Usage of EmptyDir volume \"w\" exceeds the limit \"5Mi\". "),
            disruption_target: with.take("disruptionTarget").unwrap_or(false),
            after: after(with, "afterMilliseconds").unwrap_or_default(),
        },
        "EvictedByApi" => ended(Ender::EvictionApi, with),
        "EvictedByTaint" => ended(Ender::Taint, with),
        "Preempted" => ended(Ender::Preemption, with),
        "Deleted" => ended(Ender::Somebody, with),
        "NodeLost" => PodFault::NodeLost(NodeLost {
            moment: moment(with),
            noticed_after: after(with, "noticedAfterMilliseconds").unwrap_or(Duration::from_secs(1)),
            evicted_after: after(with, "evictedAfterMilliseconds"),
            back_after: after(with, "backAfterMilliseconds"),
        }),
        _ => return None,
    })
}

fn watch(with: &mut Reader, how: WatchEnd) -> RequestFault {
    RequestFault::Watch { after_events: with.take("afterEvents").unwrap_or(0), how }
}

fn moment(with: &mut Reader) -> Moment {
    Moment {
        phase: with.take("phase").unwrap_or_default(),
        after: after(with, "afterMilliseconds").unwrap_or_default(),
    }
}

fn after(with: &mut Reader, field: &'static str) -> Option<Duration> {
    with.take(field).map(Duration::from_millis)
}

fn text(with: &mut Reader, field: &'static str, otherwise: &str) -> String {
    with.take(field).unwrap_or_else(|| otherwise.to_owned())
}

fn code(with: &mut Reader, otherwise: StatusCode, accepted: &[u16]) -> StatusCode {
    let Some(number) = with.take("code") else { return otherwise };
    if !accepted.contains(&number) {
        with.complain("code", format!("`{number}` is not one of {accepted:?}"));
    }
    StatusCode::from_u16(number).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_and_every_name_a_kind() {
        for name in NAMES {
            assert!(read(name, &mut Reader::open(None, "")).is_some(), "{name}");
        }
        assert!(read("Else", &mut Reader::open(None, "")).is_none());
    }
}
