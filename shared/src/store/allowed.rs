//! Which objects a task, a rule or a connection may name: the second lock behind the role of the function.

use super::keys::{self, INLINE};

/// Of the deployment's own bucket a task may have data, and what runs brought back. Everything else there is Longshore's: records hold connections,
/// documents in the drop box hold what their authors wrote, manifests hold presigned URLs.
const OF_RUNS: &str = "runs/";

/// Objects of other buckets, as the deployment's parameter `InputObjects` has them: ARNs with `*` and `?`, which also stand for slashes, as in a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<String>);

/// Why an object may not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another bucket.
    #[error(
        "objects of other buckets are allowed by the deployment's parameter `InputObjects`, which does not name it"
    )]
    OtherBucket,
    /// Longshore's own.
    #[error(
        "of the deployment's own bucket a task may have what is below `runs/<run id>/attempts/`, results, uploaded inputs, and data outside of Longshore's prefixes"
    )]
    Internal,
    /// `.` or `..` in the key: some clients would leave the prefix with it.
    #[error("its key has a part `.` or `..`")]
    Dots,
}

impl Allowed {
    /// From ARNs with commas between them; none of them may be none.
    pub fn of(text: &str) -> Self {
        Allowed(text.split(',').map(str::trim).filter(|arn| !arn.is_empty()).map(str::to_owned).collect())
    }

    /// Whether a task of the deployment with the bucket `own` may have an object.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, own: &str, bucket: &str, key: &str) -> Result<(), Refusal> {
        if key.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(Refusal::Dots);
        }
        if bucket == own {
            return if !keys::is_own(key) || is_of_a_run(key) { Ok(()) } else { Err(Refusal::Internal) };
        }
        if self.names(bucket, key) { Ok(()) } else { Err(Refusal::OtherBucket) }
    }

    /// The parameter names the object.
    pub fn names(&self, bucket: &str, key: &str) -> bool {
        let object = format!("{bucket}/{key}");
        self.0.iter().any(|arn| {
            // arn:PARTITION:s3:::BUCKET/KEY
            let pattern = arn.splitn(6, ':').nth(5).unwrap_or_default();
            fits(pattern.as_bytes(), object.as_bytes())
        })
    }
}

/// What runs brought back, how they ended, and files that were uploaded for them, which a run that takes over needs again. Not what their documents
/// said, nor manifests and grants, which hold links.
fn is_of_a_run(key: &str) -> bool {
    let of_run = key.strip_prefix(OF_RUNS).and_then(|rest| rest.split_once('/'));
    of_run.is_some_and(|(_, rest)| {
        rest == "result.json" || rest.starts_with("attempts/") || is_uploaded_input(rest)
    })
}

/// `inputs/<name of the input>/<file>`
fn is_uploaded_input(rest: &str) -> bool {
    let input = rest.strip_prefix("inputs/").and_then(|input| input.split_once('/'));
    input.is_some_and(|(name, file)| name != INLINE && !file.is_empty())
}

/// `*` is any bytes, `?` any one. Linear in memory and at worst quadratic in time, whatever the pattern.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut behind) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while behind < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, behind));
                at += 1;
            }
            Some(byte) if *byte == b'?' || text.get(behind) == Some(byte) => {
                (at, behind) = (at + 1, behind + 1)
            }
            _ => match star {
                Some((before, taken)) => {
                    (at, behind) = (before + 1, taken + 1);
                    star = Some((before, taken + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_bucket_is_readable_where_the_parameter_names_it() {
        let allowed = Allowed::of("arn:aws:s3:::data/*, arn:aws-cn:s3:::more/in/??.csv,");
        for (bucket, key, may) in [
            ("data", "a/b.csv", true),
            ("data2", "a", false),
            ("more", "in/ab.csv", true),
            ("more", "in/abc.csv", false),
            ("more", "in/ab.csv.exe", false),
            ("other", "data/x", false),
        ] {
            let expected = if may { Ok(()) } else { Err(Refusal::OtherBucket) };
            assert_eq!(allowed.check("own", bucket, key), expected, "{bucket}/{key}");
        }
        assert_eq!(Allowed::default().check("own", "data", "a"), Err(Refusal::OtherBucket));
        assert_eq!(Allowed::of("").check("own", "", ""), Err(Refusal::OtherBucket));
    }

    #[test]
    fn of_the_own_bucket_only_data_and_what_runs_brought_back_is_readable() {
        let allowed = Allowed::of("arn:aws:s3:::*");
        let check = |key: &str| allowed.check("own", "own", key);
        for key in ["uploads/a.csv", "data/x", "runs/r/attempts/1/outputs/a", "runs/r/result.json"] {
            assert_eq!(check(key), Ok(()), "{key}");
        }
        for own in keys::OWN {
            assert_eq!(check(&format!("{own}x")), Err(Refusal::Internal), "{own}");
        }
        for key in [
            "runs/r/inputs/manifest.txt",
            "runs/r/inputs/-/0",
            "runs/r/inputs/data/",
            "runs/result.json",
            "runs//attempts",
        ] {
            assert_eq!(check(key), Err(Refusal::Internal), "{key}");
        }
        for key in ["uploads/../active/g/r.json", "./active/g/r.json", "uploads/./x", ".."] {
            assert_eq!(check(key), Err(Refusal::Dots), "{key}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_soon_answered() {
        let pattern = "*a".repeat(2000);
        assert!(!fits(pattern.as_bytes(), "b".repeat(20_000).as_bytes()));
        assert!(fits(b"**a*", b"xxaxx") && fits(b"*", b"") && !fits(b"?", b""));
    }
}
