//! Where a certificate, a key or a secret is kept, instead of the thing itself.

/// What is accepted where a file is named.
pub const FILES: &str =
    "s3://bucket/key, or the ARN of a secret of Secrets Manager, with #key for a member of a JSON secret";

/// An address in one of the two places that functions can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An object.
    Object {
        /// Bucket.
        bucket: String,
        /// Key, as it is.
        key: String,
    },
    /// A secret of AWS Secrets Manager.
    Secret {
        /// ARN of the secret, without what follows `#`.
        arn: String,
        /// Its region, which may be another than the function's.
        region: String,
        /// Member of a secret that is a JSON object: what follows `#`.
        member: Option<String>,
    },
}

impl Address {
    /// The address in a text that must be one.
    pub fn of_file(text: &str) -> Option<Self> {
        match text.strip_prefix("s3://") {
            Some(address) => {
                let (bucket, key) = address.split_once('/')?;
                let is_whole = !bucket.is_empty() && !key.is_empty();
                is_whole.then(|| Address::Object { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            None => Address::of_value(text),
        }
    }

    /// The address in a text that may as well be the value itself: only the ARN of a secret is taken for an address.
    pub fn of_value(text: &str) -> Option<Self> {
        let (arn, member) = match text.split_once('#') {
            Some((arn, member)) => (arn, Some(member).filter(|member| !member.is_empty())),
            None => (text, None),
        };
        let mut parts = arn.splitn(7, ':');
        let (prefix, _partition, service, region) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (_account, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
        let is_secret = prefix == "arn" && service == "secretsmanager" && kind == "secret";
        (is_secret && !region.is_empty() && !name.is_empty()).then(|| Address::Secret {
            arn: arn.to_owned(),
            region: region.to_owned(),
            member: member.map(str::to_owned),
        })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Object { bucket, key } => write!(formatter, "s3://{bucket}/{key}"),
            Address::Secret { arn, member: None, .. } => formatter.write_str(arn),
            Address::Secret { arn, member: Some(member), .. } => write!(formatter, "{arn}#{member}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:team/prod-AbCdEf";

    #[test]
    fn addresses_are_taken_apart_and_put_together_again() {
        for text in ["s3://bucket/config/ca.pem", ARN, &format!("{ARN}#token")] {
            assert_eq!(Address::of_file(text).unwrap().to_string(), text);
        }
        let Some(Address::Secret { arn, region, member }) = Address::of_value(&format!("{ARN}#a#b")) else {
            panic!("a secret")
        };
        assert_eq!((arn.as_str(), region.as_str(), member.as_deref()), (ARN, "cn-north-1", Some("a#b")));
    }

    #[test]
    fn what_is_no_whole_address_is_none() {
        for text in [
            "",
            "/etc/ca.pem",
            "s3://bucket",
            "s3://bucket/",
            "s3:///key",
            "arn:aws:s3:::bucket/key",
            "arn:aws:secretsmanager:eu-west-1:1:secret:",
            "arn:aws:secretsmanager::1:secret:x",
            "arn:aws:secretsmanager:eu-west-1:1",
        ] {
            assert_eq!(Address::of_file(text), None, "{text}");
        }
        assert_eq!(Address::of_value("s3://bucket/key"), None, "a token may look like this");
    }
}
