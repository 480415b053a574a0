//! The version of an API server, and what it implies for Longshore.

use std::fmt;

/// Major and minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1.
    pub major: u32,
    /// 36 of `1.36`.
    pub minor: u32,
}

impl Version {
    /// From the answer to `GET /version`, where the minor version may end in `+`.
    pub fn of(major: &str, minor: &str) -> Option<Self> {
        let digits = |text: &str| text.trim_end_matches(|letter: char| !letter.is_ascii_digit()).parse().ok();
        Some(Version { major: digits(major)?, minor: digits(minor)? })
    }

    /// Exec over WebSocket needs `create` on `pods/exec` as well as `get`
    /// (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets>).
    pub fn exec_needs_create(self) -> bool {
        self >= Version { major: 1, minor: 35 }
    }

    /// What follows, a line each.
    pub fn implications(self) -> Vec<String> {
        let at_least = |minor| self >= Version { major: 1, minor };
        // https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
        let sidecars = if at_least(33) {
            "native sidecars: yes, stable since 1.33"
        } else if at_least(29) {
            "native sidecars: yes, on by default since 1.29 and stable from 1.33 on"
        } else {
            "native sidecars: no, from 1.29 on; an init container with `restartPolicy: Always` is refused or never ends"
        };
        let exec = if self.exec_needs_create() {
            "exec: needs `get` and `create` on pods/exec, since 1.35"
        } else {
            "exec: needs `get` on pods/exec; from 1.35 on `create` as well, so grant both before an upgrade"
        };
        vec![sidecars.to_owned(), exec.to_owned()]
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn a_version_is_read_with_and_without_a_plus() {
        assert_eq!(Version::of("1", "29+").unwrap().to_string(), "1.29");
        assert_eq!(Version::of("1", "36").unwrap().to_string(), "1.36");
        assert_eq!(Version::of("1", ""), None);
    }

    #[test]
    fn what_a_version_implies_changes_at_the_right_ones() {
        for (minor, sidecars, needs_create) in [
            ("28", "no, from 1.29", false),
            ("29", "on by default", false),
            ("32", "on by default", false),
            ("33", "stable since", false),
            ("34", "stable since", false),
            ("35", "stable since", true),
        ] {
            let version = Version::of("1", minor).unwrap();
            assert!(version.implications()[0].contains(sidecars), "{version}");
            assert_eq!(version.exec_needs_create(), needs_create, "{version}");
            assert_eq!(version.implications()[1].contains("`get` and `create`"), needs_create, "{version}");
        }
    }
}
