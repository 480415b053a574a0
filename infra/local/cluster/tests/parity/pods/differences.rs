//! Where pods move otherwise here, and why; and those that are not played.

/// How a difference is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The recorder's node was too busy to show all that happened: what it shows comes in the same order here, with
    /// more in between.
    Passing,
    /// The programs of this machine, or chance, may make it different, and need not.
    Varies,
    /// Different on purpose.
    OnPurpose,
    /// Not supported.
    NotSupported,
}

/// One difference.
pub struct Difference {
    /// Numbers of the recordings.
    pub recordings: &'static [&'static str],
    pub verdict: Verdict,
    /// What differs; nothing for [`Verdict::Passing`], `*` where the pod is refused or something it needs.
    pub subjects: &'static [&'static str],
    pub why: &'static str,
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        recordings: &["03", "04", "18", "50", "51", "58", "60", "73"],
        verdict: Verdict::Passing,
        subjects: &[],
        why: "the recorder's node was busy and does not show every state that a container went through",
    },
    Difference {
        recordings: &["18", "19", "32", "71"],
        verdict: Verdict::Varies,
        subjects: &["log main"],
        why: "the programs are those of this machine instead of busybox",
    },
    Difference {
        recordings: &["75"],
        verdict: Verdict::Varies,
        subjects: &["log main"],
        why: "the lines of the two streams come in the order they were written; a container runtime may mix them",
    },
    Difference {
        recordings: &["30"],
        verdict: Verdict::OnPurpose,
        subjects: &["log main"],
        why: "the log of an evicted pod is still there",
    },
    Difference {
        recordings: &["44"],
        verdict: Verdict::OnPurpose,
        subjects: &["cause", "events"],
        why: "the node has more CPUs",
    },
    Difference {
        recordings: &["05", "06"],
        verdict: Verdict::NotSupported,
        subjects: &["*"],
        why: "`shareProcessNamespace` is refused with 501",
    },
    Difference {
        recordings: &["93"],
        verdict: Verdict::NotSupported,
        subjects: &["*"],
        why: "`pods/eviction` is refused with 501",
    },
];

/// The entries of a recording.
pub fn of(short: &str) -> impl Iterator<Item = &'static Difference> {
    DIFFERENCES.iter().filter(move |one| one.recordings.contains(&short))
}

/// Recordings that are not played: why.
pub const NOT_PLAYED: &[(&[&str], &str)] = &[
    (&["46"], "not supported: nobody collects a pod whose node is not there, it stays Pending"),
    (
        &["07", "08", "09"],
        "needs a fault: limits of memory are not enforced, so that nothing runs out of it by itself",
    ),
    (&["94"], "needs a fault: there is one node with room for everything, so that nothing is preempted"),
    (&["95", "97", "98"], "needs a fault: the node cannot be tainted over the API"),
    (
        &["110", "111", "112", "114", "115", "116", "117"],
        "needs a fault: the node does not get lost by itself",
    ),
];

/// Why a recording is not played.
pub fn not_played(short: &str) -> Option<&'static str> {
    NOT_PLAYED.iter().find(|(recordings, _)| recordings.contains(&short)).map(|(_, why)| *why)
}
