//! Query strings: parameters in order, decoded once.

use super::status::{Cause, Status};
use percent_encoding::percent_decode_str;

/// The parameters of a request.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Split and decode a query string.
    pub fn parse(text: &str) -> Query {
        let decode =
            |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Query(pairs.collect())
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str())
    }

    /// The first value of a parameter; empty when it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Every value of a parameter.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|pair| pair.0 == name).map(|pair| pair.1.clone()).collect()
    }

    /// A switch: `true`, `1`, or the bare name.
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !matches!(value, "false" | "0"))
    }

    /// A whole number.
    ///
    /// # Errors
    ///
    /// 400 in Go's words when it is not one.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Status> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                Status::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))
            }),
        }
    }

    /// Whether `dryRun=All` is asked for; `options` names the options object in the 422.
    ///
    /// # Errors
    ///
    /// 422 for any other value.
    pub fn dry_run(&self, options: &str) -> Result<bool, Status> {
        let values = self.all("dryRun");
        if values.iter().all(|value| value == "All") {
            return Ok(!values.is_empty());
        }
        let cause = Cause {
            reason: "FieldValueNotSupported",
            message: format!(
                "Unsupported value: [{}]: supported values: \"All\"",
                values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(",")
            ),
            field: "dryRun".into(),
        };
        Err(Status::invalid("meta.k8s.io", options, "", &[cause]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_kept_in_order() {
        let query = Query::parse("command=sh&command=-c&command=echo+a%3B&watch&limit=x");
        assert_eq!(query.all("command"), ["sh", "-c", "echo a;"]);
        assert!(query.is_set("watch"));
        assert!(!query.is_set("follow"));
        let refused = query.number("limit").unwrap_err();
        assert_eq!(refused.message, "strconv.ParseInt: parsing \"x\": invalid syntax");
    }

    #[test]
    fn dry_run_is_all_or_nothing() {
        assert!(!Query::parse("").dry_run("CreateOptions").unwrap());
        assert!(Query::parse("dryRun=All").dry_run("CreateOptions").unwrap());
        let refused = Query::parse("dryRun=yes").dry_run("CreateOptions").unwrap_err();
        assert_eq!(
            refused.message,
            "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"yes\"]: \
             supported values: \"All\""
        );
    }
}
